"""Whose turn it is: tenants take turns, and so do the destinations of one tenant. Owns the reading of due wakes.

Every look is a handful of index seeks, however much waits: what is not due, and what waits for a destination
that has no room, is never read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from livery.ports import Load, Wake
from livery.storage.database import moment

Run = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
"""Runs a statement, with its values, on one connection."""

_TENANT_AFTER = "SELECT min(tenant) FROM livery_wake WHERE ready = 1 AND tenant > ?"
_FIRST_TENANT = "SELECT min(tenant) FROM livery_wake WHERE ready = 1"
_DESTINATION_AFTER = "SELECT min(destination) FROM livery_wake WHERE ready = 1 AND tenant = ? AND destination > ?"
_FIRST_DESTINATION = "SELECT min(destination) FROM livery_wake WHERE ready = 1 AND tenant = ?"
_TAKE = (
    "SELECT work, lane, due, priority, tenant, destination FROM livery_wake"
    " WHERE ready = 1 AND tenant = ? AND destination = ? ORDER BY priority DESC, due LIMIT ?"
)
_REMEMBERED = 10_000


class Turns:
    """Remembers who was served last, from one look to the next."""

    def __init__(self) -> None:
        self._tenant = ""
        self._destinations: dict[str, str] = {}

    def take(self, run: Run, count: int, *, busy: Iterable[Wake], load: Load) -> list[Wake]:
        """Up to `count` wakes that are due and have room beside what is `busy`, in the order of their turns."""
        room = _Room(load, busy)
        found: list[Wake] = []
        lines: dict[str, Iterator[Wake]] = {}
        for tenant in self._circle(run):
            lines[tenant] = self._line(run, tenant, count, room)
            self._serve(tenant, lines, room, found)
            if len(found) == count:
                return found
        while lines:
            for tenant in list(lines):
                self._serve(tenant, lines, room, found)
                if len(found) == count:
                    return found
        return found

    def _serve(self, tenant: str, lines: dict[str, Iterator[Wake]], room: "_Room", found: list[Wake]) -> None:
        wake = next((one for one in lines[tenant] if room.enter(one)), None)
        if wake is None:
            del lines[tenant]
            return
        found.append(wake)
        self._tenant = tenant
        if len(self._destinations) > _REMEMBERED:
            self._destinations.clear()
        self._destinations[tenant] = wake.destination

    def _circle(self, run: Run) -> Iterator[str]:
        """Tenants with due work: those after the one served last, then the others up to it."""
        last, at = self._tenant, _value(run(_TENANT_AFTER, (self._tenant,)))
        while at is not None:
            yield at
            at = _value(run(_TENANT_AFTER, (at,)))
        at = _value(run(_FIRST_TENANT, ()))
        while at is not None and at <= last:
            yield at
            at = _value(run(_TENANT_AFTER, (at,)))

    def _line(self, run: Run, tenant: str, count: int, room: "_Room") -> Iterator[Wake]:
        """A tenant's due wakes: by priority, then each destination in its turn."""
        last = self._destinations.get(tenant, "")
        names = list(_destinations(run, tenant))
        ranked = []
        for turn, destination in enumerate(chain((n for n in names if n > last), (n for n in names if n <= last))):
            could = room.most(destination, count)
            rows = run(_TAKE, (tenant, destination, could + room.busy_at(destination))) if could else []
            wakes = (Wake(row[0], row[1], moment(row[2]), *row[3:]) for row in rows)
            free = [wake for wake in wakes if room.may_enter(wake)]
            most = room.at_most(free[0], count) if free else 0
            ranked += [((-wake.priority, rank, turn), wake) for rank, wake in enumerate(islice(free, most))]
        ranked.sort(key=lambda one: one[0])
        return (wake for _, wake in ranked)


class _Room:
    """What may still be taken: the limits, less what is busy and what was taken."""

    def __init__(self, load: Load, busy: Iterable[Wake]) -> None:
        self._load = load
        self._by_destination = {**load.share, **load.by_destination}
        self._largest = max(self._by_destination.values(), default=None)
        self._works: set[str] = set()
        self._lanes: Counter[str] = Counter()
        self._destinations: Counter[str] = Counter()
        for wake in busy:
            self._count(wake)

    def busy_at(self, destination: str) -> int:
        return self._destinations[destination]

    def most(self, destination: str, count: int) -> int:
        """How many wakes of a destination could be taken, whatever its lane; none need be read if 0."""
        if not destination or self._largest is None:
            return count
        return max(min(count, self._largest - self._destinations[destination]), 0)

    def may_enter(self, wake: Wake) -> bool:
        load = self._load
        return (
            wake.work not in self._works
            and (load.lanes is None or wake.lane in load.lanes)
            and (load.tenants is None or wake.tenant in load.tenants)
            and self._lanes[wake.lane] < load.by_lane.get(wake.lane, load.concurrency)
            and self.at_most(wake, 1) > 0
        )

    def at_most(self, wake: Wake, count: int) -> int:
        """How many more like this one may be taken, by its destination's limit."""
        limit = self._by_destination.get(wake.lane, self._largest) if wake.destination else None
        return count if limit is None else min(count, limit - self._destinations[wake.destination])

    def enter(self, wake: Wake) -> bool:
        if not self.may_enter(wake):
            return False
        self._count(wake)
        return True

    def _count(self, wake: Wake) -> None:
        self._works.add(wake.work)
        self._lanes[wake.lane] += 1
        self._destinations[wake.destination] += 1


def _destinations(run: Run, tenant: str) -> Iterator[str]:
    at = _value(run(_FIRST_DESTINATION, (tenant,)))
    while at is not None:
        yield at
        at = _value(run(_DESTINATION_AFTER, (tenant, at)))


def _value(rows: list[tuple[Any, ...]]) -> Any:
    return rows[0][0] if rows else None
