"""What a channel plugin implements: a descriptor, two settings models, `encode` and `send`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

from livery.models.base import Model
from livery.models.delivery import Outcome
from livery.models.message import Envelope, Format, Message
from livery.outbound import Outbound
from livery.retry import LADDER


def _anchored(path: Path, info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("folder", "")) / path


ConfigPath = Annotated[Path, AfterValidator(_anchored)]
"""A path in a channel's settings: relative to the folder of livery.toml, as every path in there."""


class NoSettings(Model):
    """A channel without settings of its own."""


class Limits(Model):
    """What the far side takes. The renderer keeps within it; 0 means no limit known."""

    total: int = Field(default=0, description="Characters (text) or bytes (a card) of the whole message.")
    text: int = Field(default=0, description="Characters of one text.")
    title: int = Field(default=0, description="Characters of the title.")
    blocks: int = Field(default=0, description="Blocks of one message.")


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One delivery to be sent: the bytes, where to, and whom not to write to again."""

    envelope: Envelope
    destination: Any
    """An instance of the channel's `Destination`; None for a channel that writes to persons."""
    wire: bytes
    attempt: int
    settled: Mapping[str, str] = field(default_factory=dict)
    """Addresses answered for good in an earlier attempt, `accepted` or `failed`: leave them out."""
    accounts: Sequence[Any] = ()
    """What the tenants configured for a channel that writes to persons, instances of `Destination`, the nearest
    tenant's first: the channel takes the one that may carry this message, else the operator's settings."""
    thread: str = ""
    """The `Outcome.reference` of the first message of `envelope.thread` at this destination, if there was one."""


class Channel(ABC):
    """A way to deliver. One instance serves all tenants; made on first use, closed with the engine.

    Subclasses import their heavy libraries in `send`, so that start-up stays cheap.
    """

    Settings: ClassVar[type[Model]] = NoSettings
    """The operator's settings: `[channels.<name>]`."""
    Destination: ClassVar[type[Model]] = NoSettings
    """A tenant's destination: `[[tenants.<id>.channels.<name>]]`. Secrets are `SecretStr`. For a channel that writes
    to persons it is an account of the tenant's own to send by: see `Dispatch.accounts`."""

    def __init__(self, settings: Any, outbound: Outbound) -> None:
        self.settings = settings
        self.outbound = outbound

    @classmethod
    def label(cls, destination: Any) -> str:
        """What people are shown of a destination. Never a secret: a chat hook's URL is one."""
        del destination
        return ""

    @classmethod
    def identity(cls, destination: Any) -> str:
        """What makes a destination this one and no other; hashed before it is kept.

        Override it to leave out what may change while deliveries are under way, such as a signing secret.
        """
        return repr(sorted(_revealed(destination.model_dump()).items()))

    @abstractmethod
    def encode(self, message: Message, envelope: Envelope) -> bytes:
        """The exact bytes to send: the same for the same arguments, on every attempt and machine."""

    def encode_for(self, destination: Any, message: Message, envelope: Envelope) -> bytes:
        """The exact bytes for one destination; override it where those of one channel want different ones.

        `destination` is None for persons, and in a preview of what would go to nobody yet.
        """
        del destination
        return self.encode(message, envelope)

    @abstractmethod
    async def send(self, dispatch: Dispatch) -> Outcome:
        """Try once. A failed send is an `Outcome` with a reason; a raise counts as the plugin's fault.

        Everything sent carries `dispatch.envelope.delivery_id` in the form the far side can use to
        recognise a copy. An answer lost after sending is `unknown`, never `retry`.
        """

    async def aclose(self) -> None:  # noqa: B027 - most channels hold nothing
        """Close connections. Called once, after the last `send`."""


def _revealed(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value.get_secret_value() if isinstance(value, SecretStr) else value for key, value in values.items()}


@dataclass(frozen=True, slots=True)
class Offer:
    """A service that can be reached by a channel: what `livery plugin list --services` shows."""

    key: str
    name: str
    fields: tuple[str, ...] = ()
    """What it is told: each a set of field names, any one of them will do."""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelType:
    """What a plugin registers: everything the engine must know before it loads the channel."""

    name: str
    summary: str
    format: Format
    load: Callable[[], type[Channel]]
    """Imports and returns the class; called when the channel is first needed."""
    addressing: Literal["persons", "endpoint"] = "endpoint"
    """`persons`: one delivery for the whole audience (To, Cc, Bcc). `endpoint`: one for each destination."""
    cumulative: bool = False
    """Whether destinations of every level get a delivery (webhooks), or the lowest level's replace."""
    threads: bool = False
    """Whether a message can follow an earlier one: `Dispatch.thread` and `Outcome.reference`."""
    inline_images: bool = False
    """Whether it sends the images in `Message.inline` along. If not, it ignores them."""
    suffix: str = ".json"
    """File name ending of the encoded message."""
    limits: Limits = field(default_factory=Limits)
    ladder: tuple[int, ...] = LADDER
    """Seconds before each further attempt; its length bounds them."""
    deadline: float = 30.0
    """Seconds one `send` may take, all in all; then the attempt is `unknown`."""
    needs: tuple[str, ...] = ()
    """Import names of optional libraries; `livery doctor` says how to get a missing one."""
    extra: str = ""
    """The extra of livery's that brings them."""
    carries: "Callable[[ChannelType], ChannelType | None] | None" = None
    """For a channel that can send others' messages: the other's type as it is then, None for one it cannot carry. An
    operator asks for it by `via = "<this channel>"` in the other's settings."""
    offers: Callable[[], Sequence[Offer]] | None = None
    """The services it reaches, where that is more than one."""
