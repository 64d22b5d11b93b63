"""Events that wait to be planned: how often it was tried, and why it failed."""

from collections.abc import Collection

from sqlalchemy import Connection, Engine, select, update

from livery.ports import Waiting
from livery.storage import schema
from livery.storage.database import moment, told

_EVENT = schema.event


def keep(tx: Connection, event: str, why: str) -> None:
    tx.execute(update(_EVENT).where(_EVENT.c.key == event).values(waits_for=why, tries=_EVENT.c.tries + 1))


def listed(engine: Engine, tenants: Collection[str] | None, limit: int) -> dict[str, Waiting]:
    event = _EVENT.c
    columns = (event.key, event.tenant, event.event_id, event.type, event.accepted_at, event.tries, event.waits_for)
    found = select(*columns).where(event.planned_at.is_(None))
    if tenants is not None:
        found = found.where(event.tenant.in_(sorted(tenants)))
    with told(), engine.connect() as connection:
        rows = connection.execute(found.order_by(event.accepted_at).limit(limit))
        return {
            row.key: Waiting(
                tenant=row.tenant, event_id=row.event_id, event_type=row.type, accepted_at=moment(row.accepted_at),
                tries=row.tries, why=row.waits_for or "", due=None,
            )
            for row in rows
        }  # fmt: skip
