"""The files of a pack as models: `pack.toml` and `notifications/*.toml`."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from livery.models.base import Model
from livery.models.notification import BLOCK_KINDS

PackId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Token = Annotated[str, BeforeValidator(_as_text), StringConstraints(max_length=2000)]


class PackManifest(Model):
    """`pack.toml`."""

    format: Literal[1] = Field(description="Version of the pack format: 1.")
    id: PackId = Field(description="Names the pack; settings and other packs refer to it by this.")
    version: str = Field(description="The pack's own version, such as `1.2.0`.")
    title: str = Field(default="", description="What people call it.")
    parent: PackId | None = Field(default=None, description="The pack this one is laid over.")
    locales: tuple[str, ...] = Field(default=(), description="Languages it has strings for; informative.")
    tokens: dict[str, Token] = Field(default={}, description="Brand tokens, each over its parent's.")


class FactDefinition(Model):
    label: str
    value: str
    when: str = ""
    mono: bool = False


class ActionDefinition(Model):
    label: str
    url: str
    when: str = ""
    primary: bool = False


class BlockDefinition(Model):
    """One block: which of the fields it has depends on its kind. Text is a string key, or a template (`{{`)."""

    id: str
    kind: Literal["text", "facts", "error", "list", "actions", "image", "divider"]
    priority: int = Field(default=50, ge=0, le=100)
    when: str = Field(default="", description="An expression over `event`; false leaves the block out.")
    heading: str = ""
    text: str = ""
    code: str = ""
    items: tuple[str, ...] = ()
    facts: tuple[FactDefinition, ...] = ()
    actions: tuple[ActionDefinition, ...] = ()
    url: str = ""
    alt: str = ""
    width: int | None = None


class NotificationDefinition(Model):
    """A whole definition, after the overlays of all packs of the chain."""

    event: str
    subject: str
    preheader: str = ""
    title: str
    greeting: str = ""
    closing: str = ""
    signature: tuple[str, ...] = ()
    footer: str = ""
    blocks: tuple[BlockDefinition, ...]


class NotificationOverlay(Model):
    """`notifications/<name>.toml` as one pack has it: differences against its parent."""

    format: Literal[1] = 1
    event: str | None = None
    subject: str | None = None
    preheader: str | None = None
    title: str | None = None
    greeting: str | None = None
    closing: str | None = None
    signature: tuple[str, ...] | None = None
    footer: str | None = None
    remove: tuple[str, ...] = Field(default=(), description="Ids of the parent's blocks to leave out.")
    blocks: tuple[dict[str, Any], ...] = Field(
        default=(),
        description="Blocks by id: one the parent has is changed field by field, a new one is added at the end, or "
        "where `after` or `before` says; with either, one the parent has is moved.",
    )


__all__ = [
    "BLOCK_KINDS",
    "BlockDefinition",
    "NotificationDefinition",
    "NotificationOverlay",
    "PackId",
    "PackManifest",
]
