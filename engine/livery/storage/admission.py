"""Admission: what may be sent now, if so many a second may be, by channel and by destination, over all workers.

Owns where rates stand in the store. Nobody waits for anybody here: on PostgreSQL a rate is kept in a transaction of its
own, while others claim. How many are sent at once is the execution engine's to keep to: it knows what runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, select, text, update

from livery.ports import Rates
from livery.storage import schema_admission as schema
from livery.storage.database import micros, unless_there, writing
from livery.storage.pacing import LATE, Pace, Turn, ask
from livery.storage.rows import Row

_PACE = schema.pace
_PACED = select(_PACE.c.free, _PACE.c.line).where(_PACE.c.key == bindparam("key_")).with_for_update()
_GO_ON = update(_PACE).where(_PACE.c.key == bindparam("key_"))
_CLOCK = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
_FORGOTTEN = timedelta(days=1)
_NONE, _TOLD, _BOOKED = 0, 1, 2
"""What a delivery's `admission` says: nothing; it was told to come back when it is due; or that moment is booked at
the first rate it is kept to (at the second: one more)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It has to wait: for so long, and what its row says from then on."""

    after: timedelta
    values: dict[str, Any]


class Admission:
    """The rates that hold over all workers of one store."""

    def __init__(self, engine: Engine, rates: Rates) -> None:
        self._engine, self._rates = engine, rates
        self._is_shared = engine.dialect.name == "postgresql"

    def refusal(self, tx: Connection, row: Row, now: datetime) -> Refused | None:
        """When one delivery is to ask again; None if it may begin now."""
        state, urgent = row["admission"], row["priority"] > 0
        for step, (key, every) in enumerate(self._rates.of(row["channel"], row["destination_key"])):
            mark = _BOOKED + step
            with self._pace(tx, key, now) as (at, pace, put):
                if state >= mark and at <= row["due_at"] + LATE:
                    continue
                stands, turn = ask(pace, at, every, waited=state != _NONE, urgent=urgent)
                put(stands)
            if turn is not None:
                return _refused(turn, at, mark if turn.booked else _TOLD)
        return None

    def forget(self, now: datetime) -> None:
        """Drop what nobody has asked for in a day."""
        before = micros(now - _FORGOTTEN)
        with writing(self._engine) as tx:
            tx.execute(delete(_PACE).where(_PACE.c.free < before, _PACE.c.line < before))

    @contextmanager
    def _pace(self, tx: Connection, key: str, now: datetime) -> Iterator[tuple[int, Pace, Any]]:
        """When it is, where a pace stands, and what lets it stand elsewhere; held until the block ends."""

        def put(pace: Pace) -> None:
            connection.execute(_GO_ON.values(free=pace.free, line=pace.line), {"key_": key})

        if not self._is_shared:
            connection = tx
            yield micros(now), _found(tx, key), put
            return
        with self._engine.begin() as connection:
            found = _found(connection, key)
            # Workers' clocks differ by more than what lies between two sends.
            yield int(connection.execute(_CLOCK).scalar_one()), found, put


def _found(connection: Connection, key: str) -> Pace:
    row = connection.execute(_PACED, {"key_": key}).first()
    if row is None:
        connection.execute(unless_there(connection.dialect.name, _PACE), {"key": key, "free": 0, "line": 0})
        row = connection.execute(_PACED, {"key_": key}).one()
    return Pace(int(row.free), int(row.line))


def _refused(turn: Turn, now: int, admission: int) -> Refused:
    return Refused(timedelta(microseconds=turn.at - now), {"due_at": turn.at, "admission": admission})
