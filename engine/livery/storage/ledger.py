"""The ledger: events, deliveries and attempts. Every write is fenced; what is not ours to change stays."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update

from livery.errors import EventConflict
from livery.ids import new_id
from livery.models.audience import Audience
from livery.models.delivery import OPEN, STARTED, Attempt, Delivery, Destination, Reason, State
from livery.models.message import Message
from livery.ports import (
    PLAN,
    Again,
    Breaker,
    Claim,
    Dead,
    Done,
    Limits,
    NewEvent,
    Plan,
    Query,
    Settled,
    Settlement,
    StoredEvent,
    Verdict,
    Waiting,
    Wake,
)
from livery.storage import destinations, listing, schema, threads, waiting
from livery.storage.admission import Admission, Refused
from livery.storage.database import micros, moment, together, told, unless_there, writing
from livery.storage.lent import Lent
from livery.storage.revisions import Revisions
from livery.storage.rows import Row, attempt_of, attempt_row, claim_of, delivery_of, row_of, wake_of

MAX_CRASHES = 3
_T = TypeVar("_T")
_A_MOMENT = timedelta(milliseconds=50)
_OPEN = tuple(state.value for state in OPEN)

_EVENT, _DELIVERY, _ATTEMPT = schema.event, schema.delivery, schema.attempt
_LISTED = [column for column in _DELIVERY.c if column.name not in ("wire", "endpoint", "envelope")]
# Statements that run for every message are built once: SQLAlchemy takes longer for that than SQLite to run them.
_SAME_EVENT = select(_EVENT.c.key, _EVENT.c.digest).where(
    _EVENT.c.tenant == bindparam("tenant"),
    _EVENT.c.source == bindparam("source"),
    _EVENT.c.event_id == bindparam("event_id"),
)
_NEW_DELIVERY = insert(_DELIVERY)
_PLANNED = (
    update(_EVENT)
    .where(_EVENT.c.key == bindparam("key_"))
    .values(
        planned_at=func.coalesce(_EVENT.c.planned_at, _EVENT.c.accepted_at),
        waits_for=None,
        audience=bindparam("audience_"),
    )
)
_ONE = select(_DELIVERY).where(_DELIVERY.c.id == bindparam("id_"))
_LOCKED = _ONE.with_for_update()
_BY_ID = update(_DELIVERY).where(_DELIVERY.c.id == bindparam("id_"))
_BY_FENCE = _BY_ID.where(_DELIVERY.c.fence == bindparam("fence_"), _DELIVERY.c.state == State.SENDING.value)
_ADD_ATTEMPT = insert(_ATTEMPT)
_END_ATTEMPT = update(_ATTEMPT).where(
    _ATTEMPT.c.delivery == bindparam("delivery_"), _ATTEMPT.c.number == bindparam("number_")
)


class Ledger:
    """`livery.ports.Store` on one SQLAlchemy engine."""

    def __init__(self, engine: Engine, *, breaker: Breaker | None = None, limits: Limits | None = None) -> None:
        self.engine, self._breaker = engine, breaker or Breaker()
        self.admission = Admission(engine, limits or Limits())
        self.revisions = Revisions(engine)
        self._lent = Lent(engine)

    @contextmanager
    def transaction(self, connection: Any = None) -> Iterator[Connection]:
        if connection is None:
            with writing(self.engine) as own:
                yield own
            return
        with told(), self._lent.joined(connection) as theirs:
            yield theirs

    async def within(self, connection: Any, do: Callable[[Connection], _T]) -> _T:
        with told():
            return await self._lent.within(connection, do)

    def together(self) -> AbstractContextManager[None]:
        return together(self.engine)

    # ------------------------------------------------------------------ accepting

    def add_events(self, tx: Connection, events: Sequence[NewEvent], *, now: datetime) -> list[tuple[str, bool]]:
        rows = [_event_row(one, now) for one in events]
        if not rows:
            return []
        # In one order everywhere: two batches that share events wait for each other, and never in a circle.
        ordered = sorted(rows, key=lambda row: (row["tenant"], row["source"], row["event_id"]))
        added = set(tx.execute(unless_there(tx.dialect.name, _EVENT, "key"), ordered).scalars())
        return [(row["key"], False) if row["key"] in added else (self._known(tx, row), True) for row in rows]

    def _known(self, tx: Connection, row: Row) -> str:
        """The key of the same event, stored before."""
        names = {name: row[name] for name in ("tenant", "source", "event_id")}
        before = tx.execute(_SAME_EVENT, names).one()
        if before.digest != row["digest"]:
            raise EventConflict(
                f"event {row['event_id']!r} of {row['source']!r} was accepted before with another body; the first one "
                "stands. Give a new event a new id"
            )
        return str(before.key)

    def add_deliveries(self, tx: Connection, plans: Sequence[Plan]) -> list[Wake]:
        rows = [row_of(plan) for plan in plans]
        if rows:
            tx.execute(_NEW_DELIVERY, rows)
        return [wake_of(row) for row in rows]

    def add_plans(self, tx: Connection, event: str, plans: Sequence[Plan], audience: Audience) -> list[Wake]:
        rows = {plan.delivery.id: row_of(plan) for plan in plans}
        add = unless_there(tx.dialect.name, _DELIVERY, "id")
        made = [tx.execute(add, row).scalar() for row in rows.values()]
        tx.execute(_PLANNED, {"key_": event, "audience_": audience.model_dump_json()})
        return [wake_of(rows[id_]) for id_ in made if id_ is not None]

    def event(self, key: str) -> StoredEvent | None:
        with told(), self.engine.connect() as connection:
            row = connection.execute(select(_EVENT).where(_EVENT.c.key == key)).mappings().first()
        return (
            StoredEvent(row["key"], row["tenant"], row["body"], moment(row["accepted_at"]), row["tries"])
            if row
            else None
        )

    # ------------------------------------------------------------------ working

    def keep_waiting(self, tx: Connection, event: str, why: str) -> None:
        waiting.keep(tx, event, why)

    def waiting(self, tenants: Collection[str] | None, limit: int) -> dict[str, Waiting]:
        return waiting.listed(self.engine, tenants, limit)

    def claim(self, delivery: str, *, now: datetime, lease: timedelta, worker: str) -> Claim | Verdict:
        with writing(self.engine) as tx:
            row = tx.execute(_LOCKED, {"id_": delivery}).mappings().first()
            if row is None or row["state"] not in _OPEN:
                return Done()
            if row["lease_until"] is not None and row["lease_until"] >= micros(now):
                return Again(min(moment(row["lease_until"]) - now, lease) + _A_MOMENT)
            # A delivery still `sending` when it is claimed was never settled: its worker died with it.
            crashes = row["crashes"] + (row["state"] == State.SENDING)
            if crashes >= MAX_CRASHES:
                self._end(tx, row, State.DEAD, Reason.WORKER_CRASHED, now)
                return Dead(Reason.WORKER_CRASHED)
            why = destinations.refusal(tx, row, now=now, lease=lease, breaker=self._breaker)
            if isinstance(why, str) and why:
                self._end(tx, row, State.SUPPRESSED, Reason.DISABLED, now)
                return Dead(Reason.DISABLED)
            if not isinstance(why, str):
                return self._waits(tx, row, crashes, why.after, {})
            admitted = self.admission.ask(tx, row, now=now, lease=lease)
            if isinstance(admitted, Refused):
                return self._waits(tx, row, crashes, admitted.after, admitted.values)
            return replace(self._leased(tx, row, crashes, now, lease, worker), places=admitted)

    def _waits(self, tx: Connection, row: Row, crashes: int, after: timedelta, values: Mapping[str, Any]) -> Again:
        if row["state"] == State.SENDING:
            values = {"state": State.RETRYING.value, "crashes": crashes, "lease_until": None, **values}
        if values:
            tx.execute(_BY_ID.values(**values), {"id_": row["id"]})
        return Again(after)

    def _leased(self, tx: Connection, row: Row, crashes: int, now: datetime, lease: timedelta, worker: str) -> Claim:
        values = {
            "admission": 0,
            "state": State.SENDING.value,
            "attempts": row["attempts"] + 1,
            "crashes": crashes,
            "fence": row["fence"] + 1,
            "lease_until": micros(now + lease),
        }
        tx.execute(_BY_ID.values(**values), {"id_": row["id"]})
        attempt = Attempt(number=values["attempts"], started_at=now, duration_ms=0, outcome=STARTED, worker=worker)
        tx.execute(_ADD_ATTEMPT, attempt_row(row["id"], attempt))
        claim = claim_of({**row, **values})
        return replace(claim, thread=threads.first(tx, row["destination_key"], claim.envelope.thread))

    def _end(self, tx: Connection, row: Row, state: State, reason: Reason, now: datetime) -> None:
        values = {
            "state": state.value, "reason": reason.value, "settled_at": micros(now), "lease_until": None,
            "fence": row["fence"] + 1,
        }  # fmt: skip
        tx.execute(_BY_ID.values(**values), {"id_": row["id"]})

    def extend(self, claim: Claim, until: datetime) -> bool:
        with writing(self.engine) as tx:
            self.admission.keep(tx, claim.places, until)
            return self._fenced(tx, claim, {"lease_until": micros(until)})

    def keep_wire(self, claim: Claim, wire: bytes, message: Message, trace: Mapping[str, Any]) -> bool:
        values = {
            "wire": wire,
            "title": message.title,
            "locale": message.locale,
            "degraded": json.dumps(message.degraded),
            "trace": json.dumps(trace),
        }
        with writing(self.engine) as tx:
            return self._fenced(tx, claim, values)

    def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        attempt, is_open = settlement.attempt, settlement.state in OPEN
        ended = attempt.started_at + timedelta(milliseconds=attempt.duration_ms)
        values = {
            "state": settlement.state.value,
            "reason": settlement.reason.value if settlement.reason else None,
            "due_at": micros(settlement.due),
            "lease_until": None,
            "crashes": 0,
            "settled": json.dumps(dict(settlement.settled)),
            "settled_at": None if is_open else micros(ended),
        }
        with writing(self.engine) as tx:
            self.admission.leave(tx, claim.places, took=ended - attempt.started_at, now=ended)
            if not self._fenced(tx, claim, values):
                return Settled(recorded=False)
            row = attempt_row(claim.delivery.id, attempt)
            keys = {"delivery_": row.pop("delivery"), "number_": row.pop("number")}
            tx.execute(_END_ATTEMPT.values(**row), keys)
            threads.keep(tx, claim, attempt.outcome.reference, now=ended)
            return destinations.noted(tx, claim, settlement, now=ended, breaker=self._breaker)

    def release_abandoned(self) -> list[str]:
        held = (_DELIVERY.c.lease_until.is_not(None)) & (_DELIVERY.c.state == State.SENDING.value)
        with writing(self.engine) as tx:
            suspects = tx.execute(select(_DELIVERY.c.id).where(held, _DELIVERY.c.crashes > 0)).scalars().all()
            tx.execute(update(_DELIVERY).where(held).values(lease_until=None))
            return list(suspects)

    def overdue(self, *, before: datetime, limit: int) -> list[Wake]:
        latest = micros(before)
        found: list[Wake] = []
        with told(), self.engine.connect() as connection:
            for state in _OPEN:
                free = _DELIVERY.c.lease_until.is_(None) | (_DELIVERY.c.lease_until < latest)
                mine = select(*_LISTED).where(
                    _DELIVERY.c.state == state, schema.OPEN, _DELIVERY.c.due_at < latest, free
                )
                rows = connection.execute(mine.order_by(_DELIVERY.c.due_at).limit(limit)).mappings()
                found += [wake_of(row) for row in rows]
            unplanned = select(_EVENT).where(_EVENT.c.planned_at.is_(None), _EVENT.c.accepted_at < latest).limit(limit)
            rows = connection.execute(unplanned).mappings()
            found += [Wake(row["key"], PLAN, moment(row["accepted_at"]), tenant=row["tenant"]) for row in rows]
        return found

    # ------------------------------------------------------------------ looking

    def deliveries(self, query: Query) -> list[Delivery]:
        with told(), self.engine.connect() as connection:
            return [delivery_of(row) for row in listing.page(connection, query, _LISTED)]

    def delivery(self, id_: str) -> Delivery | None:
        with told(), self.engine.connect() as connection:
            row = connection.execute(_ONE, {"id_": id_}).mappings().first()
        return delivery_of(row) if row else None

    def attempts(self, delivery: str) -> list[Attempt]:
        statement = select(_ATTEMPT).where(_ATTEMPT.c.delivery == delivery).order_by(_ATTEMPT.c.number)
        with told(), self.engine.connect() as connection:
            return [attempt_of(row) for row in connection.execute(statement).mappings()]

    def wire(self, delivery: str) -> bytes | None:
        statement = select(_DELIVERY.c.wire).where(_DELIVERY.c.id == delivery)
        with told(), self.engine.connect() as connection:
            found = connection.execute(statement).scalar()
        return None if found is None else bytes(found)

    def counts(self, tenants: Collection[str] | None = None) -> dict[str, int]:
        statement = select(_DELIVERY.c.state, func.count()).group_by(_DELIVERY.c.state)
        unplanned = select(func.count()).select_from(_EVENT).where(_EVENT.c.planned_at.is_(None))
        if tenants is not None:
            statement = statement.where(_DELIVERY.c.tenant.in_(sorted(tenants)))
            unplanned = unplanned.where(_EVENT.c.tenant.in_(sorted(tenants)))
        with told(), self.engine.connect() as connection:
            found = {str(state): int(count) for state, count in connection.execute(statement)}
            return {**found, "unplanned": int(connection.execute(unplanned).scalar() or 0)}

    def destinations(self, *, troubled: bool = True, tenants: Collection[str] | None = None) -> list[Destination]:
        with told(), self.engine.connect() as connection:
            return list(destinations.listed(connection, troubled=troubled, tenants=tenants))

    def close(self) -> None:
        self.revisions.close()
        self.engine.dispose()

    def _fenced(self, tx: Connection, claim: Claim, values: Mapping[str, Any]) -> bool:
        keys = {"id_": claim.delivery.id, "fence_": claim.fence}
        return bool(tx.execute(_BY_FENCE.values(**values), keys).rowcount)


def _event_row(one: NewEvent, now: datetime) -> dict[str, Any]:
    tenant, source, event_id = one.key
    return {
        "key": new_id("evt", now),
        "tenant": tenant,
        "source": source,
        "event_id": event_id,
        "type": one.kind,
        "body": one.body,
        "digest": one.digest,
        "accepted_at": micros(now),
        "planned_at": micros(now) if one.audience is not None else None,
        "audience": one.audience.model_dump_json() if one.audience is not None else None,
    }
