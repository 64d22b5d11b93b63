"""Pauses: channels, tenants and destinations that are held back by hand. Owns the rows, and what a claim is told.

A worker asks the store at most once a second, so that a claim costs nothing more; within that time all of them obey.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, select

from livery.storage import schema
from livery.storage.database import moment
from livery.storage.rows import Row

Kind = Literal["channel", "tenant", "destination"]
COLUMNS: dict[str, str] = {"channel": "channel", "tenant": "tenant", "destination": "destination_key"}
"""What of a delivery is meant."""
_TABLE = schema.pause
_GOOD_FOR = 1.0
_SHORTEST, _LONGEST = timedelta(seconds=30), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pause:
    """One thing that is held back, since when, by whom and why."""

    kind: Kind
    name: str
    at: datetime
    who: str
    why: str


class Pauses:
    """What of one store is held back."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], datetime] = {}
        self._good_until = float("-inf")

    def wait(self, tx: Connection, row: Row, now: datetime) -> timedelta | None:
        """How long a delivery is to wait until it asks again; None if nothing holds it back.

        About as long as the pause has lasted: what is resumed is woken, and need not ask all the time until then.
        """
        if time.monotonic() > self._good_until:
            self._look(tx)
        if not self._since(row):
            return None
        self._look(tx)  # what was just resumed must not wait once more
        since = self._since(row)
        return min(max(now - min(since), _SHORTEST), _LONGEST) if since else None

    def _look(self, tx: Connection) -> None:
        self._held = {(one.kind, one.name): one.at for one in listed(tx)}
        self._good_until = time.monotonic() + _GOOD_FOR

    def _since(self, row: Row) -> list[datetime]:
        return [at for kind, column in COLUMNS.items() if (at := self._held.get((kind, row[column])))]


def listed(connection: Connection) -> list[Pause]:
    """All that is held back now."""
    rows = connection.execute(select(_TABLE).order_by(_TABLE.c.kind, _TABLE.c.name)).mappings()
    return [_pause_of(row) for row in rows]


def nothing_holds(connection: Connection) -> Sequence[Any]:
    """That nothing holds a delivery back, as conditions of a statement."""
    by_kind: dict[str, list[str]] = {}
    for one in listed(connection):
        by_kind.setdefault(one.kind, []).append(one.name)
    return [schema.delivery.c[COLUMNS[kind]].not_in(names) for kind, names in by_kind.items()]


def _pause_of(row: RowMapping) -> Pause:
    return Pause(row["kind"], row["name"], moment(row["at"]), row["who"], row["why"])
