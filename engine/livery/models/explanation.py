"""Explanation: who is told, why, in which words and through what; before sending, and stored with a delivery."""

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
    subject: str
    pieces: tuple[Piece, ...] = ()
    degraded: tuple[str, ...] = ()


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
    unreachable: bool = Field(default=False, description="No person is reached: an alarm is raised.")
