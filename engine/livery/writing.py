"""Writing: from an event to the exact message. Owns the choice of pack and language, and the order compose → render."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from livery.channels import Channels
from livery.config import Config
from livery.errors import NotFound, PackError
from livery.hooks import Hooks
from livery.models.event import Event, EventType
from livery.models.explanation import Wording
from livery.models.message import Envelope, Message
from livery.models.notification import Notification
from livery.models.tenant import Chain
from livery.packs.chain import Library, PackChain
from livery.render.message import render
from livery.steps import compose


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads it and when it was accepted: what decides language and dates beside the event itself."""

    accepted_at: datetime
    reader_locale: str | None = None
    asked_locale: str | None = None


class Writer:
    """Composes and renders with the packs of one engine."""

    def __init__(
        self,
        config: Config,
        hooks: Hooks,
        types: Mapping[str, EventType],
        library: Library,
        channels: Channels,
    ) -> None:
        self._config, self._hooks, self._types, self._library, self._channels = (
            config,
            hooks,
            types,
            library,
            channels,
        )

    def notification(self, event: Event, chain: Chain, reading: Reading) -> tuple[Notification, PackChain, Wording]:
        """What is said, before it is rendered for a channel; plugins had their say."""
        packs, passed_over = self.packs(chain)
        reader, asked = reading.reader_locale, reading.asked_locale
        choice = compose.choose_locale(chain, packs, reader, self._config.default_locale, asked=asked)
        kind = self._types[event.type]
        made = compose.compose(event, kind, chain, packs, choice=choice, accepted_at=reading.accepted_at)
        made = made.model_copy(update={"degraded": (*passed_over, *made.degraded)})
        made = self._hooks.pipe("livery_amend_notification", "notification", notification=made, event=event)
        wording = Wording(
            locale=choice.tag,
            locale_why=choice.why,
            locale_fallbacks=choice.fallbacks,
            packs=tuple(pack.label for pack in packs.packs),
            subject=made.subject,
            pieces=made.trace,
            degraded=made.degraded,
        )
        return made, packs, wording

    def message(
        self, event: Event, chain: Chain, channel: str, envelope: Envelope, reading: Reading
    ) -> tuple[Message, Wording, bytes]:
        """The message a channel sends, how it was worded, and its exact bytes."""
        kind = self._channels.kind(channel)
        said, packs, wording = self.notification(event, chain, reading)
        message = render(said, event, packs, wanted=kind.format, limits=kind.limits)
        wording = wording.model_copy(update={"degraded": message.degraded})
        return message, wording, self._channels.open(channel).encode(message, envelope)

    def packs(self, chain: Chain) -> tuple[PackChain, tuple[str, ...]]:
        """The pack of the nearest tenant that names a usable one, else the default; and what was passed over."""
        named = [tenant.pack for tenant in reversed(chain) if tenant.pack]
        passed_over: list[str] = []
        for name in [*named, self._config.default_pack]:
            try:
                return self._library.chain(name), tuple(passed_over)
            except (NotFound, PackError) as error:
                passed_over.append(str(error))
        return PackChain(()), tuple(passed_over)
