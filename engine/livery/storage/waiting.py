"""Events that wait to be planned: how often it was tried, and why it failed."""

from collections.abc import Collection

from sqlalchemy import Connection, Engine, select, update

from livery.ports import Waiting
from livery.storage import schema
from livery.storage.database import moment, told

_EVENT, _WAKE = schema.event, schema.wake


def keep(tx: Connection, event: str, why: str) -> None:
    tx.execute(update(_EVENT).where(_EVENT.c.key == event).values(waits_for=why, tries=_EVENT.c.tries + 1))


def listed(engine: Engine, tenants: Collection[str] | None, limit: int) -> list[Waiting]:
    event = _EVENT.c
    columns = (event.tenant, event.event_id, event.type, event.accepted_at, event.tries, event.waits_for, _WAKE.c.due)
    found = (
        select(*columns)
        .select_from(_EVENT.join(_WAKE, _WAKE.c.work == event.key, isouter=True))
        .where(event.planned_at.is_(None))
    )
    if tenants is not None:
        found = found.where(event.tenant.in_(sorted(tenants)))
    with told(), engine.connect() as connection:
        rows = connection.execute(found.order_by(event.accepted_at).limit(limit))
        return [
            Waiting(
                tenant=row.tenant, event_id=row.event_id, event_type=row.type, accepted_at=moment(row.accepted_at),
                tries=row.tries, why=row.waits_for or "", due=None if row.due is None else moment(row.due),
            )
            for row in rows
        ]  # fmt: skip
