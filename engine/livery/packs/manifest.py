"""The files of a pack as models: `pack.toml` and `notifications/*.toml`."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from livery.models.base import Model
from livery.models.tenant import BrandToken

PackId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class PackManifest(Model):
    """`pack.toml`."""

    format: Literal[1] = Field(description="Version of the pack format: 1.")
    id: PackId = Field(description="Names the pack; settings and other packs refer to it by this.")
    version: str = Field(description="The pack's own version, such as `1.2.0`.")
    title: str = Field(default="", description="What people call it.")
    parent: PackId | None = Field(default=None, description="The pack this one is laid over.")
    locales: tuple[str, ...] = Field(default=(), description="Languages it has strings for; informative.")
    tokens: dict[str, BrandToken] = Field(default={}, description="Brand tokens, each over its parent's.")


class FactDefinition(Model):
    """A labelled value: `[[blocks.facts]]`."""

    label: str = Field(description="String key or template.")
    value: str = Field(description="String key or template.")
    when: str = Field(default="", description="As for blocks; false leaves the fact out.")
    mono: bool = Field(default=False, description="An identifier: fixed width, left to right.")


class ActionDefinition(Model):
    """A link as a button: `[[blocks.actions]]`."""

    label: str = Field(description="String key or template.")
    url: str = Field(description="A template or a URL; http, https or mailto, else the action is left out.")
    when: str = Field(default="", description="As for blocks; false leaves the action out.")
    primary: bool = Field(default=False, description="Whether it is the button that stands out.")


class BlockDefinition(Model):
    """One block: which of the fields it has depends on its kind. Text is a string key, or a template (`{{`)."""

    id: str = Field(description="Names the block; packs laid over this one change it by this.")
    kind: Literal["text", "facts", "error", "list", "actions", "image", "divider"] = Field(
        description="Which partial shows it."
    )
    priority: int = Field(
        default=50, ge=0, le=100, description="Where a channel lacks room, lower goes first; 100 never goes."
    )
    when: str = Field(default="", description="An expression over `event`; false leaves the block out.")
    heading: str = Field(default="", description="text, facts, error, list: the line above it.")
    text: str = Field(default="", description="text, error: what it says.")
    code: str = Field(default="", description="error: the stable code.")
    items: tuple[str, ...] = Field(default=(), description="list: one entry each.")
    facts: tuple[FactDefinition, ...] = Field(default=(), description="facts: the labelled values.")
    actions: tuple[ActionDefinition, ...] = Field(default=(), description="actions: the links.")
    url: str = Field(default="", description="image: http or https.")
    alt: str = Field(default="", description="image: what it shows, in words.")
    width: int | None = Field(default=None, description="image: pixels.")


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

    format: Literal[1] = Field(default=1, description="Version of the format: 1.")
    event: str | None = Field(default=None, description="The event type it tells of.")
    subject: str | None = Field(default=None, description="Subject of the e-mail.")
    preheader: str | None = Field(default=None, description="What an inbox shows beside the subject.")
    title: str | None = Field(default=None, description="The headline.")
    greeting: str | None = Field(default=None, description="The line of address.")
    closing: str | None = Field(default=None, description="The last paragraph.")
    signature: tuple[str, ...] | None = Field(default=None, description="Who signs, one line each.")
    footer: str | None = Field(default=None, description="The small print.")
    remove: tuple[str, ...] = Field(default=(), description="Ids of the parent's blocks to leave out.")
    blocks: tuple[dict[str, Any], ...] = Field(
        default=(),
        description="Blocks by id: one the parent has is changed field by field, a new one is added at the end, or "
        "where `after` or `before` says; with either, one the parent has is moved.",
    )
