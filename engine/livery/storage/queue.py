"""The queue as operators see it: what waits where and for how long, what is stuck and why, pausing and going on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, delete, func, insert, select

from livery.errors import NotFound
from livery.ids import new_id
from livery.models.delivery import State
from livery.ports import PLAN, Execution, Now, Query, Who
from livery.storage import listing, pauses, schema
from livery.storage.database import micros, moment, told
from livery.storage.ledger import Ledger
from livery.storage.pauses import COLUMNS, Kind, Pause
from livery.storage.rows import Row, wake_of

_TABLE, _EVENT, _PAUSE = schema.delivery, schema.event, schema.pause
_BATCH = 500
_WAITING = (State.PENDING, State.RETRYING)


@dataclass(frozen=True, slots=True)
class Line:
    """What is open of one channel, tenant or destination.

    Attributes:
        waiting: to be sent, now or later.
        due: of these, now.
        sending: being sent.
        oldest: seconds for which the oldest of what is due has been so.
        paused: why it is held back by hand, with since when and by whom; empty if it is not.

    """

    name: str
    waiting: int
    due: int
    sending: int
    oldest: float
    paused: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """A delivery that should have been sent by now, and what holds it up."""

    delivery: str
    tenant: str
    channel: str
    destination: str
    due_at: datetime
    why: str


class Queue:
    """The queue of one store; safe from any thread."""

    def __init__(self, ledger: Ledger, execution: Execution, *, now: Now) -> None:
        self._ledger, self._execution, self._now = ledger, execution, now

    # ------------------------------------------------------------------ looking

    def stats(self, by: Kind = "channel") -> list[Line]:
        """What is open, by channel, tenant or destination; what has most that is due first.

        By channel, `plan` stands for events whose deliveries are yet to be planned.
        """
        now = micros(self._now())
        column = _TABLE.c[COLUMNS[by]]
        waits = _TABLE.c.state != State.SENDING.value
        is_due = case((waits & (_TABLE.c.due_at <= now), _TABLE.c.due_at))
        counted = select(
            column.label("name"),
            func.count(case((waits, 1))).label("waiting"),
            func.count(is_due).label("due"),
            func.count(case((~waits, 1))).label("sending"),
            func.min(is_due).label("first"),
        )
        unplanned = select(func.count(), func.min(_EVENT.c.accepted_at)).where(_EVENT.c.planned_at.is_(None))
        with told(), self._ledger.engine.connect() as connection:
            held = {one.name: one for one in pauses.listed(connection) if one.kind == by}
            rows = [tuple(row) for row in connection.execute(counted.where(schema.OPEN).group_by(column))]
            count, first = connection.execute(unplanned).one()
        if by == "channel" and count:
            rows.append((PLAN, count, count, 0, first))
        rows += [(name, 0, 0, 0, None) for name in held.keys() - {row[0] for row in rows}]
        lines = [
            Line(name, waiting, due, sending, (now - (first or now)) / 1e6, _said(held.get(name)))
            for name, waiting, due, sending, first in rows
        ]
        return sorted(lines, key=lambda one: (-one.due, -one.waiting, one.name))

    def left(self, kind: Kind | None = None, name: str = "", *, later: bool = False) -> int:
        """How much is due or being sent, of one channel, tenant or destination, or of all; with `later`, all open."""
        wanted = select(func.count()).select_from(_TABLE).where(schema.OPEN)
        if not later:
            is_sent = _TABLE.c.state == State.SENDING.value
            wanted = wanted.where(is_sent | (_TABLE.c.due_at <= micros(self._now())))
        if kind is not None:
            wanted = wanted.where(_TABLE.c[COLUMNS[kind]] == name)
        unplanned = select(func.count()).select_from(_EVENT).where(_EVENT.c.planned_at.is_(None))
        if kind == "tenant":
            unplanned = unplanned.where(_EVENT.c.tenant == name)
        with told(), self._ledger.engine.connect() as connection:
            plans = 0 if kind in ("channel", "destination") else int(connection.execute(unplanned).scalar() or 0)
            return int(connection.execute(wanted).scalar() or 0) + plans

    def stuck(self, after: timedelta = timedelta(minutes=5), *, limit: int = 100) -> list[Stuck]:
        """What has been due for longer than that and is not sent, the longest first, each with why."""
        before = micros(self._now() - after)
        columns = [column for column in _TABLE.c if column.name not in ("wire", "endpoint", "envelope", "trace")]
        rows: list[Row] = []
        with told(), self._ledger.engine.connect() as connection:
            for state in (*_WAITING, State.SENDING):
                late = select(*columns).where(_TABLE.c.state == state.value, schema.OPEN, _TABLE.c.due_at < before)
                rows += connection.execute(late.order_by(_TABLE.c.due_at).limit(limit)).mappings()
            rows = sorted(rows, key=lambda row: row["due_at"])[:limit]
            reasons = _Reasons(connection, self._execution.due([row["id"] for row in rows]), rows, self._now())
            return [
                Stuck(
                    row["id"], row["tenant"], row["channel"], row["destination"], moment(row["due_at"]), reasons.of(row)
                )
                for row in rows
            ]

    def paused(self) -> list[Pause]:
        """All that is held back by hand."""
        with told(), self._ledger.engine.connect() as connection:
            return pauses.listed(connection)

    # ------------------------------------------------------------------ by hand

    def pause(self, kind: Kind, name: str, who: Who) -> bool:
        """Hold back what is for a channel, tenant or destination, in every worker, until it is resumed.

        It is kept in the store, counts no attempts, and holds within a second; what is being sent ends. False if it was
        paused before.
        """
        now = self._now()
        with self._ledger.transaction() as tx:
            if tx.execute(select(_PAUSE.c.at).where(_PAUSE.c.kind == kind, _PAUSE.c.name == name)).first():
                return False
            row = {"kind": kind, "name": name, "at": micros(now), "who": who.actor, "why": who.why}
            tx.execute(insert(_PAUSE), row)
            self._note(tx, who, "pause", kind, name)
        return True

    def resume(self, kind: Kind, name: str, who: Who, progress: Callable[[int], object] = lambda _: None) -> int:
        """Let it go on: how many deliveries were woken. May be broken off; what is left then goes on by itself later.

        Raises:
            NotFound: it is not paused.

        """
        with self._ledger.transaction() as tx:
            gone = delete(_PAUSE).where(_PAUSE.c.kind == kind, _PAUSE.c.name == name)
            if not tx.execute(gone).rowcount:
                raise NotFound(f"{kind} {name!r} is not paused; `livery queue stats --by {kind}` shows what is")
            self._note(tx, who, "resume", kind, name)
        total = 0
        for ids in self._waiting(kind, name):
            with self._ledger.transaction() as tx:
                free = _TABLE.c.lease_until.is_(None), _TABLE.c.state.in_(_WAITING)
                rows = tx.execute(select(_TABLE).where(_TABLE.c.id.in_(ids), *free)).mappings().all()
                self._execution.cancel(tx, [row["id"] for row in rows])
                self._execution.put(tx, [wake_of(row) for row in rows])
            total += len(rows)
            progress(total)
        self._execution.nudge()
        return total

    def _waiting(self, kind: Kind, name: str) -> Iterator[list[str]]:
        everything = Query(
            channel=name if kind == "channel" else None,
            tenant=name if kind == "tenant" else None,
            destination=name if kind == "destination" else None,
            limit=_BATCH,
        )
        for state in _WAITING:
            after = None
            while True:
                query = replace(everything, state=state, after=after)
                with told(), self._ledger.engine.connect() as connection:
                    rows = listing.page(connection, query, [_TABLE.c.id, _TABLE.c.created_at])
                if not rows:
                    break
                yield [row["id"] for row in rows]
                after = moment(rows[-1]["created_at"]), rows[-1]["id"]

    def _note(self, tx: Connection, who: Who, action: str, kind: str, name: str) -> None:
        now = self._now()
        subject = name if kind != "channel" else f"channel {name}"
        row = {"id": new_id("int", now), "at": micros(now), "action": action, "subject": subject, "result": kind}
        tx.execute(insert(schema.intervention), {**row, "actor": who.actor, "why": who.why})


class _Reasons:
    """Why deliveries are stuck: what is known of their destinations, wakes and workers."""

    def __init__(self, connection: Connection, wakes: Mapping[str, datetime], rows: list[Row], now: datetime) -> None:
        self._wakes, self._now = wakes, now
        self._held: dict[tuple[str, str], Pause] = {(one.kind, one.name): one for one in pauses.listed(connection)}
        table, keys = schema.destination, {row["destination_key"] for row in rows}
        paused = select(table.c.key, table.c.paused_until).where(table.c.key.in_(keys))
        self._resting = {key: until for key, until in connection.execute(paused) if until is not None}
        attempt = schema.attempt
        last = select(attempt.c.delivery, attempt.c.worker).where(attempt.c.delivery.in_([row["id"] for row in rows]))
        self._workers = {str(id_): worker for id_, worker in connection.execute(last.order_by(attempt.c.number))}

    def of(self, row: Row) -> str:
        for kind, column in COLUMNS.items():
            if held := self._held.get((kind, row[column])):
                return f"{kind} {held.name} is paused: {_said(held)}"
        lease = row["lease_until"]
        if lease is not None:
            worker = self._workers.get(row["id"], "a worker")
            if moment(lease) >= self._now:
                return f"{worker} is sending it"
            return f"{worker} had it and is not heard of; another takes it over"
        until = self._resting.get(row["destination_key"])
        if until is not None and moment(until) > self._now:
            return f"its destination keeps failing and is tried again at {moment(until):%Y-%m-%d %H:%M:%S} UTC"
        due = self._wakes.get(row["id"])
        if due is None:
            return "it lost its wake; a worker's next sweep, within two minutes, wakes it again"
        if due > self._now:
            return f"it waits for a place or its rate, until {due:%Y-%m-%d %H:%M:%S} UTC"
        return "no worker has come to it: see that workers run, and enough of them"


def _said(held: Pause | None) -> str:
    if held is None:
        return ""
    return f"since {held.at:%Y-%m-%d %H:%M} UTC by {held.who}" + (f": {held.why}" if held.why else "")
