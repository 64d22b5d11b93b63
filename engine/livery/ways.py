"""Ways: by which channels a seller's events of one type may go out, and what the levels say about each.

Owns what of planning depends on no event, and keeps it for as long as nobody changes a tenant or a setting. Planning
alone asks it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livery.channel import ChannelType
from livery.channels import Channels
from livery.models.event import EventType
from livery.models.tenant import Chain
from livery.settings.differences import ANY
from livery.settings.effect import chain_of
from livery.settings.live import Live
from livery.settings.resolving import Answer, Asked, Resolved
from livery.steps import audience

PERSONS = "persons"
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Way:
    """A channel an event may go out by, and what the levels say about it."""

    kind: ChannelType
    settings: Resolved
    chain: Chain
    """The tenants, with what they say about just this event type and channel."""

    @property
    def is_to_persons(self) -> bool:
        return self.kind.addressing == PERSONS

    @property
    def enabled(self) -> Answer:
        return self.settings["enabled"]


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a seller's events of one type before one comes.

    Attributes:
        general: whether anybody is told at all, and who says so.
        ways: the channels that are set up, whether they are switched on or not.
        asked: whom each channel to persons is for; of an event nobody set up one for, as if there were one.
        selectors: all that may have to be looked up, each once.

    """

    general: Answer
    ways: Sequence[Way]
    asked: Mapping[str, Resolved]
    selectors: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An outline, and what it is good for."""

    outline: Outline
    chain: Chain
    stamp: object
    since: datetime
    until: datetime

    def is_good(self, chain: Chain, stamp: object, at: datetime) -> bool:
        return (
            self.stamp == stamp
            and self.since <= at < self.until
            and len(chain) == len(self.chain)
            and all(mine is theirs for mine, theirs in zip(self.chain, chain, strict=True))
        )


class Ways:
    """The ways of one engine. Safe from any thread.

    Args:
        types: event types by name.
        channels: the channels.
        settings: what the tenants' levels say; `refresh` it before asking here.

    """

    def __init__(self, types: Mapping[str, EventType], channels: Channels, settings: Live) -> None:
        self._types, self._channels, self._settings = types, channels, settings
        self._asked: dict[tuple[str, str], Asked] = {}
        self._kept: dict[tuple[str, str], _Kept] = {}

    def of(self, event_type: str, chain: Chain, at: datetime) -> Outline:
        """What a seller's levels come to for an event type at a moment."""
        key, stamp = (chain[-1].id, event_type), self._settings.stamp
        kept = self._kept.get(key)
        if kept is not None and kept.is_good(chain, stamp, at):
            return kept.outline
        general = self.resolved(chain, event_type, ANY, at)
        every = {
            name: self.resolved(chain, event_type, name, at)
            for name, kind in sorted(self._channels.types.items())
            if kind.addressing != PERSONS or self._channels.has_settings(name)
        }
        outline = self._outline(general, every, chain)
        if len(self._kept) >= _MOST:
            self._kept.clear()
        used = [general, *every.values()]
        since, until = max(one.since for one in used), min(one.until for one in used)
        self._kept[key] = _Kept(outline, chain, stamp, since, until)
        return outline

    def resolved(self, chain: Chain, event_type: str, channel: str, at: datetime) -> Resolved:
        """What the levels' settings come to for an event type and channel (`*` for what is said of all)."""
        return self._settings.resolved(chain, self._asking(event_type, channel), at)

    def _outline(self, general: Resolved, every: Mapping[str, Resolved], chain: Chain) -> Outline:
        kinds = self._channels.types
        ways = [
            Way(kinds[name], settings, chain_of(settings, chain))
            for name, settings in every.items()
            if kinds[name].addressing == PERSONS or settings["destinations"].items
        ]
        asked = {way.kind.name: way.settings for way in ways if way.is_to_persons and way.enabled.value}
        if not any(way.is_to_persons for way in ways):
            asked = {ANY: general}
        selectors = dict.fromkeys(selector for one in asked.values() for selector in audience.selectors(one))
        return Outline(general["enabled"], ways, asked, list(selectors))

    def _asking(self, event_type: str, channel: str) -> Asked:
        made = self._asked.get((event_type, channel))
        if made is None:
            kind, way = self._types.get(event_type), self._channels.types.get(channel)
            places: dict[str, Any] = {place: getattr(kind, place) for place in audience.PLACES} if kind else {}
            defaults: dict[str, Any] = {"enabled": True, "locale_policy": "reader", **places}
            made = Asked(event_type, channel, defaults, is_cumulative=bool(way and way.cumulative))
            self._asked[event_type, channel] = made
        return made
