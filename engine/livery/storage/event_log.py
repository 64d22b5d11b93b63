"""Looking for events: newest first, a page at a time, by the store's key, which sorts by age."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Engine, Select, String, any_, func, literal, select, union_all

from livery.ids import first_id
from livery.ports import EventQuery, LoggedEvent
from livery.storage import schema
from livery.storage.database import moment, told
from livery.storage.rows import Row

_TABLE = schema.event
_SHOWN = (
    *(_TABLE.c[name] for name in ("key", "tenant", "source", "event_id", "type", "accepted_at", "planned_at", "tries")),
    _TABLE.c.waits_for,
    (func.length(_TABLE.c.body) == 0).label("is_purged"),
)
_UNPLANNED = _TABLE.alias("unplanned")
_WAITING = select(_UNPLANNED.c.key).where(_UNPLANNED.c.planned_at.is_(None))
"""Asked apart: SQLite would walk the whole log in its order for the few that wait, if any do."""
_APART = 50
"""Tenants up to which each has a statement of its own that stops after a page."""


def page(engine: Engine, query: EventQuery) -> list[LoggedEvent]:
    """The events of a query, newest first."""
    with told(), engine.connect() as connection:
        rows = connection.execute(_statement(query, engine.dialect.name)).mappings().all()
    return [_of(row) for row in rows]


def one(engine: Engine, key: str) -> LoggedEvent | None:
    """One event, by the store's key."""
    with told(), engine.connect() as connection:
        row = connection.execute(select(*_SHOWN).where(_TABLE.c.key == key)).mappings().first()
    return _of(row) if row else None


def _statement(query: EventQuery, dialect: str) -> Select[Any]:
    tenants = query.tenants
    if tenants is None or query.event_id is not None or len(tenants) > _APART:
        return _newest(query, [] if tenants is None else [_among(dialect, tenants)])
    if len(tenants) < 2:  # noqa: PLR2004 - of one or nobody, there is nothing to be merged
        return _newest(query, [_TABLE.c.tenant == next(iter(tenants), "")])
    each = [_newest(query, [_TABLE.c.tenant == one]).subquery().select() for one in sorted(tenants)]
    merged = union_all(*each).subquery()
    return select(merged).order_by(merged.c.key.desc()).limit(query.limit)


def _newest(query: EventQuery, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    found = select(*_SHOWN).where(*where).order_by(_TABLE.c.key.desc()).limit(query.limit)
    if query.type is not None:
        found = found.where(_TABLE.c.type == query.type)
    if query.event_id is not None:
        found = found.where(_TABLE.c.event_id == query.event_id)
    if query.is_waiting:
        found = found.where(_TABLE.c.key.in_(_WAITING))
    elif query.is_waiting is not None:
        found = found.where(_TABLE.c.planned_at.is_not(None))
    if query.since is not None:
        found = found.where(_TABLE.c.key >= first_id("evt", query.since))
    if query.until is not None:
        found = found.where(_TABLE.c.key < first_id("evt", query.until))
    if query.after is not None:
        found = found.where(_TABLE.c.key < query.after)
    return found


def _among(dialect: str, tenants: Collection[str]) -> ColumnElement[bool]:
    """However many: as one parameter."""
    if dialect == "postgresql":
        return _TABLE.c.tenant == any_(literal(sorted(tenants), ARRAY(String)))
    each = func.json_each(json.dumps(sorted(tenants))).table_valued("value")
    return _TABLE.c.tenant.in_(select(each.c.value))


def _of(row: Row) -> LoggedEvent:
    planned = row["planned_at"]
    return LoggedEvent(
        key=row["key"],
        tenant=row["tenant"],
        source=row["source"],
        event_id=row["event_id"],
        type=row["type"],
        accepted_at=moment(row["accepted_at"]),
        planned_at=None if planned is None else moment(planned),
        tries=row["tries"],
        waits_for=row["waits_for"] or "",
        is_purged=bool(row["is_purged"]),
    )
