"""Differences: one thing that one tenant says. All that is ever stored of settings."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from livery.models.tenant import Level

ANY = "*"
"""Every event type, or every channel."""


class Operation(StrEnum):
    """What a difference does to what comes from above."""

    SET = "set"
    ADD = "add"
    REMOVE = "remove"
    LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Slot:
    """What a difference is about: a tenant has at most one for each.

    Attributes:
        tenant: who says it.
        event_type: `*` for all.
        channel: `*` for all.
        field: a name in `livery.settings.fields.FIELDS`.
        item: the selector, or the name of the destination or period; empty for the whole field.
        is_lock: whether it is about changing the field below.
        starts: from when on it counts; None for always.
        ends: until when; None for ever.

    """

    tenant: str
    event_type: str
    channel: str
    field: str
    item: str = ""
    is_lock: bool = False
    starts: datetime | None = None
    ends: datetime | None = None

    def matches(self, event_type: str, channel: str) -> bool:
        """Whether it has a say in what is asked for. Who asks for `*` hears only what is said of all."""
        return self.event_type in (ANY, event_type) and self.channel in (ANY, channel)

    def covers(self, other: "Slot") -> bool:
        """Whether whatever `other` is about, this is about too; by event type, channel and field."""
        return self.field == other.field and self.matches(other.event_type, other.channel)

    def is_active(self, at: datetime) -> bool:
        return (self.starts is None or self.starts <= at) and (self.ends is None or at < self.ends)

    def where(self) -> str:
        """For people: such as `OfferProvisionError, smtp`."""
        said = [one for one in (self.event_type, self.channel) if one != ANY]
        return ", ".join(said) or "all event types"

    def when(self) -> str:
        """For people: such as `from 2026-12-01 00:00 UTC`; empty if always."""
        parts = [("from", self.starts), ("until", self.ends)]
        return " ".join(f"{word} {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for word, at in parts if at)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that one tenant says, and who said it."""

    slot: Slot
    operation: Operation
    value: Any = field(default=None, repr=False)
    """For `set`: the value, a list of selectors or a table by name. For `add` of a named item: that item."""
    who: str = ""
    at: datetime | None = None
    note: str = ""

    @property
    def is_scheduled(self) -> bool:
        return self.slot.starts is not None or self.slot.ends is not None

    def said(self) -> tuple[Operation, Any]:
        """What it comes to, whoever said it."""
        return self.operation, self.value


_ORDER = {Operation.SET: 0, Operation.ADD: 1, Operation.REMOVE: 2, Operation.LOCK: 3}
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def in_order(differences: Sequence[Difference]) -> list[Difference]:
    """In the order in which they take effect, whatever the order in which they were said.

    `*` before the event type, `*` before the channel, what always counts before what is scheduled, an earlier
    start before a later one, of two with one start the longer first; then set, add, remove.
    """

    def rank(one: Difference) -> tuple[Any, ...]:
        slot = one.slot
        ends = slot.ends or _LAST
        return (
            *(slot.event_type != ANY, slot.channel != ANY),
            *(one.is_scheduled, slot.starts or _FIRST, _LAST - ends),
            *(_ORDER[one.operation], slot.item),
        )

    return sorted(differences, key=rank)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one tenant says in one place: in livery.toml, or in the store on top of it."""

    tenant: str
    level: Level
    differences: tuple[Difference, ...]
    source: str = ""
    """Where it was read, if not in the store: `livery.toml`."""
    origin: str = ""
    """For people: such as `seller nordwind` or `seller nordwind (livery.toml)`."""

    @classmethod
    def of(cls, tenant: str, level: Level, differences: Sequence[Difference], source: str = "") -> "Layer":
        origin = f"{level} {tenant}" + (f" ({source})" if source else "")
        return cls(tenant, level, tuple(in_order(differences)), source, origin)

    def asked(self, event_type: str, channel: str) -> "Layer":
        """Only what has a say in what is asked for."""
        return replace(self, differences=tuple(d for d in self.differences if d.slot.matches(event_type, channel)))
