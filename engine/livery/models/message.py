"""Message: a notification rendered for one channel, and the envelope it travels in."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from livery.models.audience import Recipient
from livery.models.base import Model


class Format(StrEnum):
    """The renderings the engine knows; a channel names the one it wants."""

    EMAIL = "email"
    BLOCK_KIT = "block_kit"
    ADAPTIVE_CARD = "adaptive_card"
    TEXT = "text"
    JSON = "json"


class Message(Model):
    """A notification rendered for one channel. Which parts are filled depends on the format."""

    format: Format
    locale: str
    title: str = Field(description="The subject of an e-mail; a one-line summary elsewhere. One line.")
    text: str = Field(default="", description="Plain text; always there, the fallback of richer formats.")
    html: str = Field(default="", description="HTML of an e-mail.")
    body: dict[str, Any] = Field(default={}, description="Block Kit, Adaptive Card or JSON.")
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

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address once: To, then Cc, then Bcc."""
        return tuple(dict.fromkeys(r.address for r in (*self.to, *self.cc, *self.bcc)))
