"""Resolving: what the levels' differences come to for one seller, event type and channel, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from livery.settings.differences import Difference, Layer, Operation
from livery.settings.fields import FIELDS, Field

DEFAULT = "default"
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """A value in force, and whose word it is."""

    key: str
    """The selector, or the name of the destination or period; empty for a scalar."""
    value: Any = field(repr=False)
    origin: str
    tenant: str = ""
    when: str = ""
    """When it counts, if it is scheduled."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A value that is not in force, whose it was, and why it is not."""

    key: str
    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Who keeps a field from being changed below."""

    origin: str
    tenant: str
    who: str = ""
    at: datetime | None = None
    note: str = ""

    def __str__(self) -> str:
        by = f" by {self.who}" if self.who else ""
        on = f" on {self.at:%Y-%m-%d}" if self.at else ""
        return f"{self.origin}{by}{on}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a field comes to.

    Attributes:
        field: which.
        items: of a scalar, everything that was said, the nearest first: the first one counts. Of a list or table,
            what is in it, in the order of the levels.
        left_out: what was replaced, removed, or said below a lock.
        lock: who locked it, if somebody did.

    """

    field: Field
    items: tuple[Item, ...]
    left_out: tuple[LeftOut, ...] = ()
    lock: Lock | None = None

    @property
    def value(self) -> Any:
        """Of a scalar: the value in force; None if nobody said anything."""
        return self.items[0].value if self.items else None

    @property
    def origin(self) -> str:
        """Of a scalar: who says so."""
        return self.items[0].origin if self.items else DEFAULT


@dataclass(frozen=True)
class Resolved:
    """Every field for one event type and channel, and how long it stays so if nobody changes anything."""

    answers: Mapping[str, Answer]
    since: datetime
    until: datetime
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What callers worked out of it; kept as long as it is."""

    def __getitem__(self, name: str) -> Answer:
        return self.answers[name]

    def is_valid(self, at: datetime) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Asked:
    """What is resolved: an event type (`*` for what is said of all), a channel, and where nobody says anything."""

    event_type: str
    channel: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """By field; of a list, its selectors."""
    is_cumulative: bool = False
    """Whether the channel delivers to the destinations of every level."""


def resolve(layers: Sequence[Layer], asked: Asked, at: datetime) -> Resolved:
    """What the layers say, from the platform down, of what is asked at a moment.

    Within a level the store's word comes after livery.toml's. What is said below a lock has no effect and is left
    out with the lock as the reason.
    """
    working = {name: _WORKING[one.kind](one, asked) for name, one in FIELDS.items()}
    since, until = _FIRST, _LAST
    locks: dict[str, Lock] = {}
    coming: dict[str, Lock] = {}
    level, last = "", layers[-1].tenant if layers else ""
    for layer in layers:
        if layer.tenant != level:
            level, locks, coming = layer.tenant, {**coming, **locks}, {}
        for one in layer.differences:
            if not one.slot.matches(asked.event_type, asked.channel):
                continue
            since, until = _narrowed(since, until, one, at)
            if not one.slot.is_active(at):
                continue
            name = one.slot.field
            if one.operation is Operation.LOCK:
                coming[name] = Lock(layer.origin, layer.tenant, one.who, one.at, one.note)
            elif not FIELDS[name].is_inherited and layer.tenant != last:
                continue
            elif name in locks:
                working[name].refuse(one, layer, locks[name])
            else:
                working[name].apply(one, layer)
    all_locks = {**coming, **locks}
    answers = {name: one.answer(all_locks.get(name)) for name, one in working.items()}
    return Resolved(answers, since, until)


def lock_over(layers: Sequence[Layer], wanted: Difference, at: datetime) -> Lock | None:
    """The lock of a level above that would leave a difference without any effect now."""
    for layer in layers:
        if layer.tenant == wanted.slot.tenant:
            return None
        for one in layer.differences:
            if one.operation is Operation.LOCK and one.slot.covers(wanted.slot) and one.slot.is_active(at):
                return Lock(layer.origin, layer.tenant, one.who, one.at, one.note)
    return None


def _narrowed(since: datetime, until: datetime, one: Difference, at: datetime) -> tuple[datetime, datetime]:
    for edge in (one.slot.starts, one.slot.ends):
        if edge is not None:
            since, until = (max(since, edge), until) if edge <= at else (since, min(until, edge))
    return since, until


class _Working:
    """A field while the levels are walked."""

    def __init__(self, of: Field, asked: Asked) -> None:
        self.of, self.asked = of, asked
        self.left_out: list[LeftOut] = []

    def refuse(self, one: Difference, layer: Layer, lock: Lock) -> None:
        """Something was said below a lock."""
        keys = one.value if isinstance(one.value, list | dict) and one.operation is Operation.SET else [one.slot.item]
        self.left_out += [
            LeftOut(str(key), layer.origin, f"{one.operation} has no effect: locked by {lock}") for key in keys or [""]
        ]

    def apply(self, one: Difference, layer: Layer) -> None:
        raise NotImplementedError

    def answer(self, lock: Lock | None) -> Answer:
        raise NotImplementedError


class _Scalar(_Working):
    def __init__(self, of: Field, asked: Asked) -> None:
        super().__init__(of, asked)
        given = asked.defaults.get(of.name)
        self.items = [] if given is None else [Item("", given, DEFAULT)]

    def apply(self, one: Difference, layer: Layer) -> None:
        self.items.append(_item("", one.value, one, layer))

    def answer(self, lock: Lock | None) -> Answer:
        return Answer(self.of, tuple(reversed(self.items)), tuple(self.left_out), lock)


class _List(_Working):
    def __init__(self, of: Field, asked: Asked) -> None:
        super().__init__(of, asked)
        self.items = {key: Item(key, key, DEFAULT) for key in asked.defaults.get(of.name, ())}

    def apply(self, one: Difference, layer: Layer) -> None:
        if one.operation is Operation.SET:
            gone = [item for key, item in self.items.items() if key not in one.value]
            self._leave(gone, f"replaced by the list of {layer.origin}{_noted(one)}")
            self.items = {key: _item(key, key, one, layer) for key in one.value}
        elif one.operation is Operation.ADD:
            self.items.setdefault(one.slot.item, _item(one.slot.item, one.slot.item, one, layer))
        elif one.slot.item in self.items:
            self._leave([self.items.pop(one.slot.item)], f"removed by {layer.origin}{_noted(one)}")

    def _leave(self, gone: Iterable[Item], reason: str) -> None:
        self.left_out += [LeftOut(item.key, item.origin, reason) for item in gone]

    def answer(self, lock: Lock | None) -> Answer:
        # Who was left out and put in again by a level below is in.
        left_out = tuple(one for one in self.left_out if one.key not in self.items or "locked by" in one.reason)
        return Answer(self.of, tuple(self.items.values()), left_out, lock)


class _Table(_Working):
    """Items by name. Of an owned table each level has its own, else a level below may replace and remove."""

    def __init__(self, of: Field, asked: Asked) -> None:
        super().__init__(of, asked)
        self.levels: dict[str, dict[str, Item]] = {}

    def apply(self, one: Difference, layer: Layer) -> None:
        items = self.levels.setdefault(layer.tenant if self.of.is_owned else "", {})
        if one.operation is Operation.SET:
            reason = f"replaced by the list of {layer.origin}"
            self.left_out += [LeftOut(item.key, item.origin, reason) for item in items.values()]
            items.clear()
            items.update({key: _item(key, value, one, layer) for key, value in one.value.items()})
        elif one.operation is Operation.ADD:
            if before := items.get(one.slot.item):
                self.left_out.append(LeftOut(before.key, before.origin, f"replaced by {layer.origin}{_noted(one)}"))
            items[one.slot.item] = _item(one.slot.item, one.value, one, layer)
        elif before := items.pop(one.slot.item, None):
            self.left_out.append(LeftOut(before.key, before.origin, f"removed by {layer.origin}{_noted(one)}"))

    def answer(self, lock: Lock | None) -> Answer:
        levels = [items for items in self.levels.values() if items]
        counting = levels if self.asked.is_cumulative or not self.of.is_owned else levels[-1:]
        for above in levels[: len(levels) - len(counting)]:
            nearest = next(iter(levels[-1].values())).origin
            self.left_out += [LeftOut(one.key, one.origin, f"{nearest} has its own") for one in above.values()]
        items = tuple(item for level in counting for item in level.values())
        return Answer(self.of, items, tuple(self.left_out), lock)


_WORKING: Mapping[str, type[_Working]] = {"scalar": _Scalar, "list": _List, "table": _Table}


def _item(key: str, value: Any, one: Difference, layer: Layer) -> Item:
    return Item(key, value, layer.origin, layer.tenant, one.slot.when())


def _noted(one: Difference) -> str:
    return f" ({one.note})" if one.note else ""
