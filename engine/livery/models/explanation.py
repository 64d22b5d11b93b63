"""Explanation: who is told, why, in which words and through what; before sending, and stored with a delivery."""

from datetime import datetime

from pydantic import Field

from livery.models.audience import Audience
from livery.models.base import Model
from livery.models.notification import Piece


class Wording(Model):
    """In which language, brand and words."""

    locale: str
    locale_why: str
    locale_fallbacks: tuple[str, ...]
    packs: tuple[str, ...] = Field(description="Id and version of the pack and its parents, nearest first.")
    digests: tuple[str, ...] = Field(default=(), description="sha256 over the files of each of these packs.")
    subject: str
    pieces: tuple[Piece, ...] = ()
    degraded: tuple[str, ...] = ()


class Said(Model):
    """One thing that a level says about an event type and channel, and whether it counts."""

    field: str
    value: str = Field(description="What people are shown of it; of a destination its name.")
    origin: str = Field(description="The level and tenant whose word it is.")
    when: str = Field(default="", description="When it counts, if it is scheduled.")
    locked_by: str = Field(default="", description="Who keeps the levels below from changing it.")
    left_out: str = Field(default="", description="Why it is not in force; empty if it is.")


class SettingsView(Model):
    """What counts at a tenant for an event type and channel, and whose word it is."""

    tenant: str
    chain: tuple[str, ...] = Field(description="Tenants from the platform down, with their levels.")
    event_type: str = Field(description="`*` for what is said of all event types.")
    channel: str = Field(description="`*` for what is said of all channels.")
    revision: int = Field(description="When the tenant's own settings were changed last; for `expected_revision`.")
    rows: tuple[Said, ...]


class SwitchedOff(Model):
    """A channel that is not used, and whose word that is."""

    channel: str
    origin: str


class Planned(Model):
    """One delivery that would be made."""

    channel: str
    destination: str
    origin: str = Field(description="The level whose setting it is.")
    sender: str = ""
    sender_why: str = ""
    reader_locale: str | None = None
    views: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="What its readers may see: for each kind of reader its sides, and `secrets` if it may see some.",
    )
    withheld: tuple[str, ...] = Field(default=(), description="Fields of the event that its readers may not see.")
    due: datetime | None = Field(default=None, description="When it is due, if it has to wait.")
    held: str = Field(default="", description="Why it has to wait.")
    settings: tuple[Said, ...] = Field(default=(), description="What the levels say, beside the defaults.")
    wording: Wording | None = None


class Explanation(Model):
    """The whole answer to "who gets what, and why"."""

    event_id: str
    event_type: str
    seller: str
    chain: tuple[str, ...] = Field(description="Tenants from the platform down, with their levels.")
    enabled: bool = True
    enabled_why: str = ""
    audience: Audience
    deliveries: tuple[Planned, ...]
    switched_off: tuple[SwitchedOff, ...] = Field(default=(), description="Channels that are not used.")
    unreachable: bool = Field(default=False, description="No person is reached: an alarm is raised.")
