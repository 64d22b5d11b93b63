"""The ledger: events, deliveries and attempts. Every write is fenced; what is not ours to change stays."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, case, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from livery.errors import EventConflict, StoreError
from livery.ids import new_id
from livery.models.audience import Audience, Endpoint
from livery.models.delivery import OPEN, Attempt, Delivery, Outcome, Reason, State
from livery.models.message import Envelope, Message
from livery.ports import Claim, Plan, Query, Settlement, StoredEvent, Wake
from livery.storage import schema
from livery.storage.database import micros, moment, told, writing

MAX_CRASHES = 3
_OPEN = tuple(state.value for state in OPEN)
_LISTED = [column for column in schema.delivery.c if column.name not in ("wire", "endpoint", "envelope")]


class Ledger:
    """`livery.ports.Store` on one SQLAlchemy engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def transaction(self, connection: Any = None) -> Iterator[Connection]:
        if connection is None:
            with writing(self.engine) as own:
                yield own
            return
        if not isinstance(connection, Connection) or not connection.in_transaction():
            raise StoreError("`connection` must be a SQLAlchemy Connection with a transaction begun")
        theirs, ours = connection.engine.url, self.engine.url
        if theirs.get_backend_name() != ours.get_backend_name() or not _same_file(theirs.database, ours.database):
            raise StoreError(f"`connection` is to another database than Livery's store, {ours.render_as_string()}")
        with told():
            yield connection

    def add_event(
        self, tx: Connection, *, key: tuple[str, str, str], kind: str, body: bytes, now: datetime
    ) -> tuple[str, bool]:
        tenant, source, event_id = key
        table, digest = schema.event, sha256(body).hexdigest()
        row = {
            "key": new_id("evt", now),
            "tenant": tenant,
            "source": source,
            "event_id": event_id,
            "type": kind,
            "body": body,
            "digest": digest,
            "accepted_at": micros(now),
        }
        added = tx.execute(upsert(table).values(row).on_conflict_do_nothing().returning(table.c.key)).scalar()
        if added is not None:
            return str(added), False
        same = (table.c.tenant == tenant) & (table.c.source == source) & (table.c.event_id == event_id)
        before = tx.execute(select(table.c.key, table.c.digest).where(same)).one()
        if before.digest != digest:
            raise EventConflict(
                f"event {event_id!r} of {source!r} was accepted before with another body; the first one stands. "
                "Give a new event a new id"
            )
        return str(before.key), True

    def add_plans(self, tx: Connection, event: str, plans: Sequence[Plan], audience: Audience) -> list[Wake]:
        wakes = []
        for plan in plans:
            row = _row_of(plan)
            statement = upsert(schema.delivery).values(row).on_conflict_do_nothing().returning(schema.delivery.c.id)
            if tx.execute(statement).scalar() is not None:
                wakes.append(Wake(plan.delivery.id, plan.delivery.channel, plan.delivery.due_at))
        planned = {"planned_at": func.coalesce(schema.event.c.planned_at, schema.event.c.accepted_at)}
        values = {**planned, "audience": audience.model_dump_json()}
        tx.execute(update(schema.event).where(schema.event.c.key == event).values(**values))
        return wakes

    def event(self, key: str) -> StoredEvent | None:
        with told(), self.engine.connect() as connection:
            row = connection.execute(select(schema.event).where(schema.event.c.key == key)).mappings().first()
        return StoredEvent(row["key"], row["tenant"], row["body"], moment(row["accepted_at"])) if row else None

    def claim(self, delivery: str, *, now: datetime, lease: timedelta) -> Claim | None:
        table = schema.delivery
        free = table.c.lease_until.is_(None) | (table.c.lease_until < micros(now))
        # A delivery still `sending` when it is claimed was never settled: its worker died with it.
        crashed = table.c.crashes + case((table.c.state == State.SENDING, 1), else_=0)
        statement = (
            update(table)
            .where(table.c.id == delivery, table.c.state.in_(_OPEN), free)
            .values(
                state=State.SENDING.value,
                attempts=table.c.attempts + 1,
                crashes=crashed,
                fence=table.c.fence + 1,
                lease_until=micros(now + lease),
            )
            .returning(*table.c)
        )
        with writing(self.engine) as tx:
            row = tx.execute(statement).mappings().first()
            if row is None:
                return None
            if row["crashes"] < MAX_CRASHES:
                return _claim_of(row)
            gone = {
                "state": State.DEAD.value,
                "reason": Reason.WORKER_CRASHED.value,
                "settled_at": micros(now),
                "lease_until": None,
            }
            tx.execute(update(table).where(table.c.id == delivery).values(**gone, attempts=row["attempts"] - 1))
            return None

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

    def settle(self, claim: Claim, settlement: Settlement) -> bool:
        attempt, is_open = settlement.attempt, settlement.state in OPEN
        ended = micros(attempt.started_at) + int(attempt.duration_ms * 1000)
        values = {
            "state": settlement.state.value,
            "reason": settlement.reason.value if settlement.reason else None,
            "due_at": micros(settlement.due),
            "lease_until": None,
            "crashes": 0,
            "settled": json.dumps(dict(settlement.settled)),
            "settled_at": None if is_open else ended,
        }
        row = {
            "delivery": claim.delivery.id,
            "number": attempt.number,
            "started_at": micros(attempt.started_at),
            "duration_us": int(attempt.duration_ms * 1000),
            "status": attempt.outcome.status,
            "reason": attempt.outcome.reason,
            "outcome": attempt.outcome.model_dump_json(),
        }
        with writing(self.engine) as tx:
            if not self._fenced(tx, claim, values):
                return False
            tx.execute(insert(schema.attempt).values(row))
            return True

    def release_abandoned(self) -> list[str]:
        table = schema.delivery
        held = (table.c.lease_until.is_not(None)) & (table.c.state == State.SENDING.value)
        with writing(self.engine) as tx:
            suspects = tx.execute(select(table.c.id).where(held, table.c.crashes > 0)).scalars().all()
            tx.execute(update(table).where(held).values(lease_until=None))
            return list(suspects)

    def deliveries(self, query: Query) -> list[Delivery]:
        table = schema.delivery
        statement = select(*_LISTED).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(query.limit)
        wanted: dict[Any, Any] = {
            table.c.tenant: query.tenant,
            table.c.state: query.state,
            table.c.channel: query.channel,
            table.c.event_id: query.event_id,
        }
        for column, value in wanted.items():
            if value is not None:
                statement = statement.where(column == value)
        if query.event_ids is not None:
            statement = statement.where(table.c.event_id.in_(query.event_ids))
        if query.id_prefix:
            statement = statement.where(table.c.id.startswith(query.id_prefix, autoescape=True))
        with told(), self.engine.connect() as connection:
            return [_delivery_of(row) for row in connection.execute(statement).mappings()]

    def attempts(self, delivery: str) -> list[Attempt]:
        table = schema.attempt
        statement = select(table).where(table.c.delivery == delivery).order_by(table.c.number)
        with told(), self.engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        return [
            Attempt(
                number=row["number"],
                started_at=moment(row["started_at"]),
                duration_ms=row["duration_us"] / 1000,
                outcome=Outcome.model_validate_json(row["outcome"]),
            )
            for row in rows
        ]

    def wire(self, delivery: str) -> bytes | None:
        statement = select(schema.delivery.c.wire).where(schema.delivery.c.id == delivery)
        with told(), self.engine.connect() as connection:
            found = connection.execute(statement).scalar()
        return None if found is None else bytes(found)

    def counts(self) -> dict[str, int]:
        statement = select(schema.delivery.c.state, func.count()).group_by(schema.delivery.c.state)
        unplanned = select(func.count()).select_from(schema.event).where(schema.event.c.planned_at.is_(None))
        with told(), self.engine.connect() as connection:
            found = {str(state): int(count) for state, count in connection.execute(statement)}
            return {**found, "unplanned": int(connection.execute(unplanned).scalar() or 0)}

    def close(self) -> None:
        self.engine.dispose()

    def _fenced(self, tx: Connection, claim: Claim, values: Mapping[str, Any]) -> bool:
        table = schema.delivery
        ours = (
            (table.c.id == claim.delivery.id) & (table.c.fence == claim.fence) & (table.c.state == State.SENDING.value)
        )
        return bool(tx.execute(update(table).where(ours).values(**values)).rowcount)


def _same_file(one: str | None, other: str | None) -> bool:
    return bool(one and other) and Path(str(one)).resolve() == Path(str(other)).resolve()


def _row_of(plan: Plan) -> dict[str, Any]:
    one = plan.delivery
    return {
        "id": one.id,
        "tenant": one.tenant,
        "event_key": one.event_key,
        "event_id": one.event_id,
        "event_type": one.event_type,
        "channel": one.channel,
        "unique_key": plan.unique,
        "destination": one.destination,
        "envelope": plan.envelope.model_dump_json(),
        "endpoint": plan.endpoint.model_dump_json() if plan.endpoint else None,
        "state": one.state.value,
        "due_at": micros(one.due_at),
        "created_at": micros(one.created_at),
        "title": one.title,
        "locale": one.locale,
        "message_id": one.message_id,
        "warnings": json.dumps(list(one.warnings)),
        "trace": json.dumps(one.trace),
    }


def _claim_of(row: RowMapping) -> Claim:
    return Claim(
        delivery=_delivery_of(row),
        envelope=Envelope.model_validate_json(row["envelope"]),
        endpoint=Endpoint.model_validate_json(row["endpoint"]) if row["endpoint"] else None,
        fence=row["fence"],
        wire=bytes(row["wire"]) if row["wire"] is not None else None,
        settled=json.loads(row["settled"]),
    )


def _delivery_of(row: RowMapping) -> Delivery:
    return Delivery(
        **{
            name: row[name]
            for name in ("id", "tenant", "event_key", "event_id", "event_type", "channel", "destination")
        },
        **{name: row[name] for name in ("attempts", "title", "locale", "message_id")},
        state=State(row["state"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        degraded=tuple(json.loads(row["degraded"])),
        warnings=tuple(json.loads(row["warnings"])),
        due_at=moment(row["due_at"]),
        created_at=moment(row["created_at"]),
        settled_at=moment(row["settled_at"]) if row["settled_at"] is not None else None,
        trace=json.loads(row["trace"]),
    )
