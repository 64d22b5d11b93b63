"""Moving: everything of a store, carried into another one; may be killed at any time, and goes on where it was.

Owns the order of a move, what is carried, and the proof that it came. The source is frozen first, by triggers that
refuse every change: what is read of it is true for as long as the move takes, however often it is begun again. Each
batch and how far the table is are one transaction of the target. Then every table is read back and compared. Last the
source is marked as gone, for good, so that one store is worked on and never two.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, tuple_, update

from livery.errors import StoreError
from livery.ids import new_id
from livery.ports import PLAN, Wake, utc_now
from livery.storage import schema
from livery.storage.database import moment, told, writing
from livery.storage.metadata import metadata
from livery.storage.rows import wake_of

_BATCH = 500
_MOVE = schema.move
_STORE = "store"
_LEAVING, _GONE, _COMING, _HERE = "leaving", "gone", "coming", "here"
_COPYING, _COPIED, _VERIFIED = "copying", "copied", "verified"
_STAYS = frozenset(
    f"livery_{name}"
    for name in ("wake", "runner", "move", "generation", "place", "pace", "stencil", "session", "sign_in_link")
)
"""What is made anew where it is missing, or is one process's alone."""
_WAKES = "livery_wake"
_MODULUS = 2**256
Put = Callable[[Connection, Sequence[Wake]], int]


@dataclass
class Moved:
    """What came over.

    Attributes:
        tables: rows by table.
        wakes: pieces of open work that the target will be woken for.

    """

    tables: dict[str, int] = field(default_factory=dict)
    wakes: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """How far a move is: rows of a table `copied` or `verified` (or `wakes`), of how many."""

    doing: str
    table: str
    done: int
    of: int


def carried() -> list[Table]:
    """The tables that are moved, what others point to first."""
    return [one for one in metadata.sorted_tables if one.name not in _STAYS]


def refuse_moved(engine: Engine) -> None:
    """See that a store is neither half here nor gone.

    Raises:
        StoreError: it is; says where to.

    """
    with told(), engine.connect() as connection:
        row = connection.execute(select(_MOVE).where(_MOVE.c.name == _STORE)).mappings().first()
    if row is None or row["state"] == _HERE:
        return
    if row["state"] == _GONE:
        where = row["cursor"].partition(" ")[2]
        raise StoreError(f"this store was moved to {where}: set database_url to that")
    doing = "moved away" if row["state"] == _LEAVING else "moved here"
    raise StoreError(
        f"this store is being {doing}; let `livery migrate-store` end, run it again if it was broken off, "
        "or give it up with --abandon"
    )


class Move:
    """One move, from a SQLite store to another store.

    Args:
        source: where from; nobody works on it.
        target: where to, its schema up to date.
        put: stores wakes with the target's execution engine.
        batch: rows in one transaction.

    """

    def __init__(self, source: Engine, target: Engine, put: Put, *, batch: int = _BATCH) -> None:
        self._source, self._target, self._put, self._batch = source, target, put, batch

    def run(self, progress: Callable[[Step], object] = lambda _: None) -> Moved:
        """Move everything that is not there yet. Idempotent.

        Raises:
            StoreError: the target has something in it, or another move; or what came is not what was sent.

        """
        if self._state(self._source) == _GONE and self._state(self._target) == _HERE:
            return self._moved()
        self._begin()
        for table in carried():
            self._copy(table, progress)
        for table in carried():
            self._verify(table, progress)
        self._wake(progress)
        self._end()
        return self._moved()

    def abandon(self) -> None:
        """Give up a move that has not ended: the source is free again, and the target empty.

        Raises:
            StoreError: it has ended.

        """
        if self._state(self._source) != _LEAVING:
            raise StoreError("nothing to give up: no move away from this store is under way")
        with writing(self._target) as tx:
            mine = self._row(tx, _STORE)
            if mine is not None and mine["state"] == _COMING and mine["cursor"] == self._id():
                for table in reversed(carried()):
                    tx.execute(delete(table))
                tx.execute(delete(_MOVE))
        with writing(self._source) as tx:
            for name, _ in _triggers(""):
                tx.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            tx.execute(delete(_MOVE))

    # ------------------------------------------------------------------ begin and end

    def _begin(self) -> None:
        """Freeze the source and claim the target."""
        with writing(self._source) as tx:
            if self._row(tx, _STORE) is None:
                tx.execute(insert(_MOVE), _row(_STORE, _LEAVING, new_id("mov", utc_now())))
                for _, statement in _triggers("this store is being moved, or was: see livery migrate-store"):
                    tx.exec_driver_sql(statement)
        id_ = self._id()
        with writing(self._target) as tx:
            mine = self._row(tx, _STORE)
            if mine is not None and mine["cursor"] != id_:
                raise self._freed("another store is being moved there, or was")
            if mine is None:
                for table in carried():
                    if tx.execute(select(*table.primary_key.columns).limit(1)).first() is not None:
                        raise self._freed(f"it is not empty: {table.name} has rows; make a new database")
                tx.execute(insert(_MOVE), _row(_STORE, _COMING, id_))

    def _freed(self, why: str) -> StoreError:
        """Why the target will not do; a source that was only just frozen is free again."""
        with writing(self._source) as tx:
            for name, _ in _triggers(""):
                tx.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            tx.execute(delete(_MOVE).where(_MOVE.c.state == _LEAVING))
        return StoreError(f"nothing was moved to {self._shown()}: {why}")

    def _end(self) -> None:
        with writing(self._source) as tx:
            values = {"state": _GONE, "cursor": f"{self._id()} {self._shown()}"}
            tx.execute(update(_MOVE).where(_MOVE.c.name == _STORE).values(**values))
        with writing(self._target) as tx:
            tx.execute(update(_MOVE).where(_MOVE.c.name == _STORE).values(state=_HERE))

    def _shown(self) -> str:
        url = self._target.url.set(drivername=self._target.url.get_backend_name())
        return url.render_as_string(hide_password=True)

    # ------------------------------------------------------------------ each table

    def _copy(self, table: Table, progress: Callable[[Step], object]) -> None:
        with told(), self._source.connect() as source:
            total = int(source.execute(select(func.count()).select_from(table)).scalar() or 0)
            while True:
                with writing(self._target) as tx:
                    at = self._row(tx, table.name)
                    if at is None:
                        at = _row(table.name, _COPYING, "")
                        tx.execute(insert(_MOVE), at)
                    if at["state"] != _COPYING:
                        return
                    after = json.loads(at["cursor"]) if at["cursor"] else None
                    rows = self._next(source, table, after)
                    if rows:
                        tx.execute(insert(table), rows)
                    count, digest = at["count"] + len(rows), _added(at["digest"], table, rows)
                    cursor = json.dumps([rows[-1][one.name] for one in table.primary_key]) if rows else at["cursor"]
                    state = _COPYING if len(rows) == self._batch else _COPIED
                    mine = update(_MOVE).where(_MOVE.c.name == table.name)
                    tx.execute(mine.values(state=state, cursor=cursor, count=count, digest=digest))
                progress(Step("copied", table.name, count, total))

    def _next(self, source: Connection, table: Table, after: list[Any] | None) -> list[dict[str, Any]]:
        keys = list(table.primary_key.columns)
        wanted = select(table).order_by(*keys).limit(self._batch)
        if after is not None:
            wanted = wanted.where(tuple_(*keys) > tuple(after))
        return [dict(row) for row in source.execute(wanted).mappings()]

    def _verify(self, table: Table, progress: Callable[[Step], object]) -> None:
        with told(), self._target.connect() as target:
            at = self._row(target, table.name)
            assert at is not None, "it was copied"
            if at["state"] == _VERIFIED:
                return
            count, digest = 0, ""
            with target.execution_options(yield_per=self._batch).execute(select(table)) as rows:
                for some in rows.mappings().partitions():
                    count, digest = count + len(some), _added(digest, table, some)
                    progress(Step("verified", table.name, count, at["count"]))
        with told(), self._source.connect() as source:
            sent = int(source.execute(select(func.count()).select_from(table)).scalar() or 0)
        if (count, digest) != (at["count"], at["digest"]) or count != sent:
            raise StoreError(
                f"{table.name} did not come over as it was: {sent} rows there, {count} here, digests "
                f"{at['digest'][:12] or '-'} and {digest[:12] or '-'}; give the move up with --abandon and begin again"
            )
        with writing(self._target) as tx:
            tx.execute(update(_MOVE).where(_MOVE.c.name == table.name).values(state=_VERIFIED))

    def _wake(self, progress: Callable[[Step], object]) -> None:
        """Put what is open into the target's execution, which knows of nothing yet."""
        delivery, event = schema.delivery, schema.event
        with told(), self._source.connect() as source:
            kinds = (
                (select(delivery).where(schema.OPEN), delivery.c.id, wake_of),
                (select(event).where(event.c.planned_at.is_(None)), event.c.key, _plan_of),
            )
            for wanted, key, made in kinds:
                after, done = "", 0
                while True:
                    chosen = wanted.where(key > after).order_by(key).limit(self._batch)
                    rows = source.execute(chosen).mappings().all()
                    if not rows:
                        break
                    after = str(rows[-1][key.name])
                    with writing(self._target) as tx:
                        added = self._put(tx, [made(row) for row in rows])
                        at = self._row(tx, _WAKES)
                        if at is None:
                            tx.execute(insert(_MOVE), _row(_WAKES, _COPIED, "") | {"count": added})
                        else:
                            tx.execute(update(_MOVE).where(_MOVE.c.name == _WAKES).values(count=at["count"] + added))
                    done += len(rows)
                    progress(Step("wakes", key.table.name, done, done))

    # ------------------------------------------------------------------ where it stands

    def _moved(self) -> Moved:
        with told(), self._target.connect() as target:
            rows = target.execute(select(_MOVE.c.name, _MOVE.c.count)).all()
        counts = {str(name): int(count) for name, count in rows if name != _STORE}
        return Moved(wakes=counts.pop(_WAKES, 0), tables=counts)

    def _id(self) -> str:
        with told(), self._source.connect() as source:
            row = self._row(source, _STORE)
        return str(row["cursor"]).partition(" ")[0] if row else ""

    def _state(self, engine: Engine) -> str:
        with told(), engine.connect() as connection:
            row = self._row(connection, _STORE)
        return row["state"] if row else ""

    def _row(self, connection: Connection, name: str) -> dict[str, Any] | None:
        row = connection.execute(select(_MOVE).where(_MOVE.c.name == name)).mappings().first()
        return dict(row) if row else None


def _row(name: str, state: str, cursor: str) -> dict[str, Any]:
    return {"name": name, "state": state, "cursor": cursor, "count": 0, "digest": ""}


def _plan_of(row: Any) -> Wake:
    return Wake(row["key"], PLAN, moment(row["accepted_at"]), tenant=row["tenant"])


def _triggers(said: str) -> Iterator[tuple[str, str]]:
    """What refuses every change of a table in SQLite: names, and the statements that make them."""
    for table in carried():
        for change in ("INSERT", "UPDATE", "DELETE"):
            name = f"{table.name}_frozen_{change.lower()}"
            yield (
                name,
                f"CREATE TRIGGER {name} BEFORE {change} ON {table.name} BEGIN SELECT RAISE(ABORT, '{said}'); END",
            )


def _added(digest: str, table: Table, rows: Sequence[Any]) -> str:
    """The digest of a table with these rows in it, too: the same in whatever order databases sort."""
    total = int(digest or "0", 16)
    for row in rows:
        total += int.from_bytes(sha256(b"".join(_bytes_of(row[one.name]) for one in table.columns)).digest())
    return f"{total % _MODULUS:064x}" if rows or digest else ""


def _bytes_of(value: Any) -> bytes:
    if value is None:
        return b"n;"
    if isinstance(value, bytes | memoryview):
        kind, raw = b"b", bytes(value)
    elif isinstance(value, str):
        kind, raw = b"s", value.encode("utf-8", "surrogatepass")
    else:
        kind, raw = b"i", str(int(value)).encode()
    return kind + str(len(raw)).encode() + b":" + raw
