"""Notification: what is said, neutral of the channel. Composed once; every channel renders this."""

from typing import Annotated, Literal

from pydantic import Field

from livery.models.base import Model


class BaseBlock(Model):
    id: str = Field(description="Names the block, so that packs can override it.")
    priority: int = Field(
        default=50, ge=0, le=100, description="Where a channel lacks room, lower goes first; 100 never goes."
    )


class TextBlock(BaseBlock):
    """A paragraph; `heading` if it has one."""

    kind: Literal["text"] = "text"
    heading: str = ""
    text: str


class Fact(Model):
    """A labelled value."""

    label: str
    value: str
    mono: bool = Field(default=False, description="An identifier: shown in a fixed-width font, left to right.")


class FactsBlock(BaseBlock):
    """Labelled values, in order."""

    kind: Literal["facts"] = "facts"
    heading: str = ""
    facts: tuple[Fact, ...]


class ErrorBlock(BaseBlock):
    """What went wrong, in the words of whoever said so. Hostile text: escaped and shortened everywhere."""

    kind: Literal["error"] = "error"
    heading: str = ""
    text: str
    code: str = ""


class ListBlock(BaseBlock):
    kind: Literal["list"] = "list"
    heading: str = ""
    items: tuple[str, ...]


class Action(Model):
    """Something the reader can do: a link."""

    label: str
    url: str = Field(description="http, https or mailto; anything else never becomes an action.")
    primary: bool = False


class ActionsBlock(BaseBlock):
    kind: Literal["actions"] = "actions"
    actions: tuple[Action, ...]


class ImageBlock(BaseBlock):
    kind: Literal["image"] = "image"
    url: str
    alt: str
    width: int | None = Field(default=None, ge=1, le=2000, description="Pixels.")


class DividerBlock(BaseBlock):
    kind: Literal["divider"] = "divider"


Block = Annotated[
    TextBlock | FactsBlock | ErrorBlock | ListBlock | ActionsBlock | ImageBlock | DividerBlock,
    Field(discriminator="kind"),
]
BLOCK_KINDS = ("text", "facts", "error", "list", "actions", "image", "divider")


class Piece(Model):
    """Where a piece of a notification comes from: for `explain`."""

    piece: str
    pack: str
    file: str
    locale: str = ""


class Notification(Model):
    """What one event says to one audience, in one language and one brand."""

    event_type: str
    locale: str = Field(description="BCP 47 tag of the language chosen.")
    direction: Literal["ltr", "rtl"]
    subject: str
    preheader: str = Field(default="", description="What an inbox shows beside the subject.")
    title: str
    greeting: str = ""
    blocks: tuple[Block, ...]
    closing: str = ""
    signature: tuple[str, ...] = Field(default=(), description="One line each.")
    footer: str = ""
    brand: dict[str, str] = Field(description="Every token, resolved: pack chain, then tenant chain.")
    pack: str = Field(description="Id and version of the pack in whose livery it goes out.")
    trace: tuple[Piece, ...] = ()
    degraded: tuple[str, ...] = Field(default=(), description="What fell back to a parent, and why.")
