"""The ledger: events, deliveries and attempts. Every write is fenced; what is not ours to change stays."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update

from livery.errors import EventConflict
from livery.ids import new_id
from livery.models.audience import Audience
from livery.models.delivery import OPEN, Attempt, Delivery, Destination, State
from livery.ports import (
    PLAN,
    Breaker,
    Claim,
    NewEvent,
    Plan,
    Query,
    Rates,
    Settled,
    Settlement,
    StoredEvent,
    Verdict,
    Waiting,
    Wake,
    Wire,
)
from livery.storage import claims, destinations, listing, pauses, schema, waiting
from livery.storage.admission import Admission
from livery.storage.database import micros, moment, together, told, unless_there, writing
from livery.storage.lent import Lent
from livery.storage.prepared import Prepared
from livery.storage.revisions import Revisions
from livery.storage.rows import NEW, Row, attempt_of, delivery_of, row_of, wake_of

_T = TypeVar("_T")
_R = TypeVar("_R")
_OPEN = tuple(state.value for state in OPEN)

_EVENT, _DELIVERY, _ATTEMPT = schema.event, schema.delivery, schema.attempt
_LISTED = [column for column in _DELIVERY.c if column.name not in ("wire", "endpoint", "envelope")]
# Statements that run for every message are built once: SQLAlchemy takes longer for that than SQLite to run them.
_SAME_EVENT = select(_EVENT.c.key, _EVENT.c.digest).where(
    _EVENT.c.tenant == bindparam("tenant"),
    _EVENT.c.source == bindparam("source"),
    _EVENT.c.event_id == bindparam("event_id"),
)
_ADD_EVENT = Prepared(
    lambda dialect: unless_there(dialect, _EVENT),
    ("key", "tenant", "source", "event_id", "type", "body", "digest", "accepted_at", "planned_at", "audience"),
)
_NEW_DELIVERY = Prepared(lambda _: insert(_DELIVERY), NEW)
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


class Ledger:
    """`livery.ports.Store` on one SQLAlchemy engine."""

    def __init__(self, engine: Engine, *, breaker: Breaker | None = None, rates: Rates | None = None) -> None:
        self.engine, self._breaker = engine, breaker or Breaker()
        self.admission = Admission(engine, rates or Rates())
        self.revisions, self._pauses = Revisions(engine), pauses.Pauses()
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

    def looking(self) -> AbstractContextManager[None]:
        return self.revisions.look()

    def together(self, *, apart: bool = True) -> AbstractContextManager[None]:
        return together(self.engine, apart=apart)

    # ------------------------------------------------------------------ accepting

    def add_events(self, tx: Connection, events: Sequence[NewEvent], *, now: datetime) -> list[tuple[str, bool]]:
        rows = [_event_row(one, now) for one in events]
        if not rows:
            return []
        # In one order everywhere: two batches that share events wait for each other, and never in a circle.
        ordered = sorted(rows, key=lambda row: (row["tenant"], row["source"], row["event_id"]))
        if _ADD_EVENT.run(tx, ordered) == len(rows):
            return [(row["key"], False) for row in rows]
        known = [(row["key"], self._known(tx, row)) for row in rows]
        return [(key, key != mine) for mine, key in known]

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
        _NEW_DELIVERY.run(tx, rows)
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

    def claim_all(
        self, deliveries: Sequence[str], *, now: datetime, lease: timedelta, worker: str
    ) -> list[Claim | Verdict]:
        with writing(self.engine) as tx:
            asking = claims.Asking(tx, now, lease, self._breaker, self.admission, self._pauses)
            return claims.claim(asking, deliveries, worker)

    def claim(self, delivery: str, *, now: datetime, lease: timedelta, worker: str) -> Claim | Verdict:
        return self.claim_all([delivery], now=now, lease=lease, worker=worker)[0]

    def extend(self, claim: Claim, until: datetime) -> bool:
        with writing(self.engine) as tx:
            return claims.extend(tx, [claim], until)

    def keep_wires(self, wires: Sequence[Wire]) -> list[bool]:
        return self._fenced(wires, claims.keep_wires, stale=False)

    def settle_all(self, ends: Sequence[tuple[Claim, Settlement]]) -> list[Settled]:
        def settle(tx: Connection, some: Sequence[tuple[Claim, Settlement]]) -> list[Settled] | None:
            return claims.settle(tx, some, breaker=self._breaker)

        return self._fenced(ends, settle, stale=Settled(recorded=False))

    def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        return self.settle_all([(claim, settlement)])[0]

    def _fenced(
        self, items: Sequence[_T], do: Callable[[Connection, Sequence[_T]], list[_R] | None], *, stale: _R
    ) -> list[_R]:
        """Write many at once. Is the fence of one of them stale, all of it is taken back, and each is written alone."""
        with suppress(_Stale), writing(self.engine) as tx:
            if (found := do(tx, items)) is not None:
                return found
            raise _Stale
        if len(items) == 1:
            return [stale]
        return [found for one in items for found in self._fenced([one], do, stale=stale)]

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
                late = schema.OPEN, _DELIVERY.c.due_at < latest, free, *pauses.nothing_holds(connection)
                mine = select(*_LISTED).where(_DELIVERY.c.state == state, *late)
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

    def clock_ahead(self, now: datetime) -> timedelta:
        with told(), self.engine.connect() as connection:
            if self.engine.dialect.name == "postgresql":
                theirs: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
                return now - theirs
            newest = connection.execute(select(func.max(_EVENT.c.accepted_at))).scalar()
        return timedelta() if newest is None else min(now - moment(newest), timedelta())

    def destinations(self, *, troubled: bool = True, tenants: Collection[str] | None = None) -> list[Destination]:
        with told(), self.engine.connect() as connection:
            return list(destinations.listed(connection, troubled=troubled, tenants=tenants))

    def close(self) -> None:
        self.revisions.close()
        self.engine.dispose()


class _Stale(Exception):
    """Somebody else has a delivery now."""


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
