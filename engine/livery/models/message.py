"""Message: a notification rendered for one channel, and the envelope it travels in."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from livery.models.audience import Recipient
from livery.models.base import Model


class Format(StrEnum):
    """The renderings the engine knows; a channel names the one it wants."""

    EMAIL = "email"
    BLOCK_KIT = "block_kit"
    ADAPTIVE_CARD = "adaptive_card"
    TEXT = "text"
    JSON = "json"


def _unencoded(value: Any) -> Any:
    try:
        return b64decode(value, validate=True) if isinstance(value, str) else value
    except (binascii.Error, ValueError):
        raise ValueError("bytes, or their base64 as text") from None


def _encoded(value: bytes) -> str:
    return b64encode(value).decode("ascii")


Data = Annotated[
    bytes,
    BeforeValidator(_unencoded),
    PlainSerializer(_encoded, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes; in JSON, and in plain data made for it, the base64 of RFC 4648 §4, which `data:` URLs take as well."""
ImageType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
"""What mail clients show, and what cannot hold script: no SVG."""


class Inline(Model):
    """An image that travels with an e-mail, which shows it as `<img src="cid:…">` (RFC 2392)."""

    cid: Annotated[
        str,
        StringConstraints(
            max_length=200, pattern=r"^[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
        ),
    ] = Field(description="Content-ID without its angle brackets: what stands after `cid:` in the HTML.")
    media_type: ImageType = Field(description="What the bytes are.")
    filename: str = Field(default="", description="What the image is called where somebody saves it.")
    data: Data = Field(min_length=1, repr=False, description="The image itself.")


def _no_twins(images: Sequence[Inline]) -> Sequence[Inline]:
    if len({one.cid for one in images}) < len(images):
        raise ValueError("each image once: two have one cid")
    return images


class Message(Model):
    """A notification rendered for one channel. Which parts are filled depends on the format."""

    format: Format
    locale: str
    title: str = Field(description="The subject of an e-mail; a one-line summary elsewhere. One line.")
    text: str = Field(default="", description="Plain text; always there, the fallback of richer formats.")
    html: str = Field(default="", description="HTML of an e-mail; a `Joined` if a stencil made it.")
    inline: Annotated[tuple[Inline, ...], AfterValidator(_no_twins)] = Field(
        default=(), description="Images the HTML refers to by `cid:`; only for channels that send them."
    )
    body: dict[str, Any] = Field(default={}, description="Block Kit, Adaptive Card or JSON.")
    context: dict[str, Any] = Field(
        default={}, repr=False, description="With JSON: the notification and its brand, for bodies of another shape."
    )
    degraded: tuple[str, ...] = Field(default=(), description="What was dropped or fell back, and why.")


class Envelope(Model):
    """Everything a channel needs beside the message. Stable over all attempts of a delivery."""

    delivery_id: str = Field(description="Identifies the delivery to the far side, for ever.")
    event_id: str
    event_type: str
    created_at: datetime = Field(description="When the delivery was planned: the Date of an e-mail.")
    sender_name: str = ""
    sender_address: str = ""
    reply_to: str = ""
    to: tuple[Recipient, ...] = ()
    cc: tuple[Recipient, ...] = ()
    bcc: tuple[Recipient, ...] = ()
    message_id: str = Field(default="", description="RFC 5322 msg-id with its angle brackets.")
    thread: str = Field(
        default="", description="The same for messages that belong together, such as those of an order."
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address once: To, then Cc, then Bcc."""
        return tuple(dict.fromkeys([one.address for one in self.to + self.cc + self.bcc]))
