"""Audience: recipients in their places, each with the reason it is there or is not."""

from typing import Literal

from pydantic import Field

from livery.models.base import Model
from livery.models.classification import Side

PlaceName = Literal["to", "cc", "bcc"]


class Recipient(Model):
    """A person who can be written to."""

    address: str = Field(description="Exactly one addr-spec, its domain in ASCII (RFC 5322, RFC 5890).")
    name: str = Field(default="", description="Display name, free of control and direction characters.")
    locale: str | None = Field(default=None, description="BCP 47 tag of the language they read.")
    side: Side | None = Field(
        default=None, description="Whose person it is, which decides what they may see; follows from the selector."
    )


class Entry(Model):
    """A recipient in a place, with the rule and level that put it there."""

    place: PlaceName
    recipient: Recipient
    selector: str = Field(description="The selector that resolved to it.")
    origin: str = Field(description="The level and tenant whose setting it is, such as `default`.")

    also: tuple[str, ...] = Field(default=(), description="Other selectors that resolved to the same address.")

    def why(self) -> str:
        return f"{self.selector} · from {self.origin}"


class Exclusion(Model):
    """Somebody a setting named who will not be told, and why."""

    place: PlaceName
    selector: str
    origin: str
    reason: str
    address: str = ""


class Endpoint(Model):
    """Where a channel that does not write to persons delivers to: a chat hook, a webhook.

    Secrets are not in it: the destination itself is looked up by `key` when something is sent.
    """

    channel: str
    key: str = Field(description="Identifies the destination without telling its secrets.")
    label: str = Field(description="What people are shown of it.")
    origin: str
    may_see_secrets: bool = Field(
        default=False, description="Whether its setting allows secret fields that its side may see."
    )


class Audience(Model):
    """Who is told, where, and why; who is not, and why not."""

    entries: tuple[Entry, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    excluded: tuple[Exclusion, ...] = ()
    warnings: tuple[str, ...] = Field(default=(), description="Fallbacks taken; shown on the delivery.")

    def at(self, place: PlaceName) -> tuple[Recipient, ...]:
        return tuple(entry.recipient for entry in self.entries if entry.place == place)

    @property
    def reaches_a_person(self) -> bool:
        return any(entry.place == "to" for entry in self.entries)
