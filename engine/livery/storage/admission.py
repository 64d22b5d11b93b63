"""Admission: what may be sent now beside what all workers are sending, by channel and by destination.

Owns the places (how many at once) and the paces (how many a second) in the store. Nobody waits for anybody here: a
place is taken past those that others are just taking, and a pace is kept in a transaction of its own. One process at
a time works on a SQLite store, and its own turns keep to the numbers at once; PostgreSQL has places for them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, Engine, bindparam, delete, func, select, text, update

from livery.ports import Limits, Place
from livery.storage import schema_admission as schema
from livery.storage.database import micros, unless_there, writing
from livery.storage.pacing import LATE, Pace, Turn, ask, later
from livery.storage.rows import Row

_PLACE, _PACE = schema.place, schema.pace
_TAKE = text(
    "UPDATE livery_place SET holder = :holder, until = :until WHERE (key, number) = ("
    "SELECT key, number FROM livery_place WHERE key = :key AND number < :most AND until < :now"
    " ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING number"
)
_MAKE = text(
    "INSERT INTO livery_place (key, number) SELECT :key, number FROM generate_series(0, :most - 1) AS number"
    " ON CONFLICT DO NOTHING"
)
_SEEN = select(func.count(), func.coalesce(func.avg(func.nullif(_PLACE.c.took, 0)), bindparam("guess_"))).where(
    _PLACE.c.key == bindparam("key_"), _PLACE.c.number < bindparam("most_")
)
_MINE = (
    update(_PLACE)
    .where(_PLACE.c.key == bindparam("key_"), _PLACE.c.number == bindparam("number_"))
    .where(_PLACE.c.holder == bindparam("holder_"))
)
_LEAVE = _MINE.values(holder="", until=bindparam("until_"), took=bindparam("took_"))
_KEEP = _MINE.values(until=bindparam("until_"))
_GIVE_BACK = _MINE.values(holder="", until=0)
_PACED = select(_PACE.c.free, _PACE.c.line).where(_PACE.c.key == bindparam("key_")).with_for_update()
_GO_ON = update(_PACE).where(_PACE.c.key == bindparam("key_"))
_CLOCK = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
_SHORTEST = 1_000
_GUESS, _LONGEST = 50_000, 60_000_000
"""How long a send takes, in microseconds, if none has ended yet; and at most, as far as others wait for it."""
_FREE_SINCE = timedelta(hours=1)
"""Places are free since then, as soon as they are left: others' clocks may be slow."""
_FORGOTTEN = timedelta(days=1)
_NONE, _TOLD, _BOOKED = 0, 1, 2
"""What a delivery's `admission` says: nothing; it was told to come back when it is due; or that moment is booked at
the first pace it is kept to (at the second: one more)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It has to wait: for so long, and what its row says from then on."""

    after: timedelta
    values: dict[str, Any]


class Admission:
    """The limits that hold over all workers of one store."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine, self._limits = engine, limits
        self._is_shared = engine.dialect.name == "postgresql"

    def ask(self, tx: Connection, row: Row, *, now: datetime, lease: timedelta) -> tuple[Place, ...] | Refused:
        """Let one delivery begin, in the places it is given; or say when it is to ask again."""
        places = list[Place]()
        for key, most in self._limits.places(row["channel"], row["destination_key"]) if self._is_shared else ():
            place = self._place(tx, row, key, most, now, lease)
            if not isinstance(place, Place):
                self._give_back(tx, places)
                return place
            places.append(place)
        if refused := self._paced(tx, row, now):
            self._give_back(tx, places)
            return refused
        return tuple(places)

    def leave(self, tx: Connection, places: Sequence[Place], *, took: timedelta, now: datetime) -> None:
        """What was sent in these places has ended."""
        values = {
            "took_": min(max(took // timedelta(microseconds=1), 1), _LONGEST),
            "until_": micros(now - _FREE_SINCE),
        }
        if places:
            tx.execute(_LEAVE, [{**_named(one), **values} for one in places])

    def keep(self, tx: Connection, places: Sequence[Place], until: datetime) -> None:
        """What is being sent in these places takes longer."""
        if places:
            tx.execute(_KEEP, [{**_named(one), "until_": micros(until)} for one in places])

    def forget(self, now: datetime) -> None:
        """Drop what nobody has asked for in a day."""
        before = micros(now - _FORGOTTEN)
        with writing(self._engine) as tx:
            tx.execute(delete(_PLACE).where(_PLACE.c.until < before))
            tx.execute(delete(_PACE).where(_PACE.c.free < before, _PACE.c.line < before))

    # ------------------------------------------------------------------ how

    def _place(self, tx: Connection, row: Row, key: str, most: int, now: datetime, lease: timedelta) -> Place | Refused:
        holder = f"{row['id']}/{row['fence'] + 1}"
        values = {"key": key, "most": most, "holder": holder, "now": micros(now), "until": micros(now + lease)}
        number = tx.execute(_TAKE, values).scalar()
        count, took = 0, 0
        if number is None:
            count, took = tx.execute(_SEEN, {"key_": key, "most_": most, "guess_": _GUESS}).one()
        if count < most and number is None:
            with self._engine.begin() as own:  # of two who make them at once none waits for the other's transaction
                own.execute(_MAKE, {"key": key, "most": most})
            number = tx.execute(_TAKE, values).scalar()
        if number is not None:
            return Place(key, int(number), holder)
        every, urgent, spread = (
            max(int(took) // most, _SHORTEST),
            row["priority"] > 0,
            crc32(row["id"].encode()) / 2**32,
        )
        with self._pace(tx, key, now) as (at, pace, put):
            stands, turn = later(pace, at, every, urgent=urgent, spread=spread)
            put(stands)
        return _refused(turn, at, _TOLD)

    def _paced(self, tx: Connection, row: Row, now: datetime) -> Refused | None:
        state, urgent = row["admission"], row["priority"] > 0
        for step, (key, every) in enumerate(self._limits.paces(row["channel"], row["destination_key"])):
            mark = _BOOKED + step
            with self._pace(tx, key, now) as (at, pace, put):
                if state >= mark and at <= row["due_at"] + LATE:
                    continue
                stands, turn = ask(pace, at, every, waited=state != _NONE, urgent=urgent)
                put(stands)
            if turn is not None:
                return _refused(turn, at, mark if turn.booked else _TOLD)
        return None

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

    def _give_back(self, tx: Connection, places: Sequence[Place]) -> None:
        if places:
            tx.execute(_GIVE_BACK, [_named(one) for one in places])


def _found(connection: Connection, key: str) -> Pace:
    row = connection.execute(_PACED, {"key_": key}).first()
    if row is None:
        connection.execute(unless_there(connection.dialect.name, _PACE), {"key": key, "free": 0, "line": 0})
        row = connection.execute(_PACED, {"key_": key}).one()
    return Pace(int(row.free), int(row.line))


def _refused(turn: Turn, now: int, admission: int) -> Refused:
    return Refused(timedelta(microseconds=turn.at - now), {"due_at": turn.at, "admission": admission})


def _named(place: Place) -> dict[str, Any]:
    return {"key_": place.key, "number_": place.number, "holder_": place.holder}
