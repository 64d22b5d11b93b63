"""Looking for deliveries: newest first, a page at a time, each by an index however many there are.

Owns the statements of a `Query`. Where one filter has several values (the tenants somebody may see, every state of a
channel), each value has a statement of its own that stops after a page, and what they find is merged.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from itertools import product
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    String,
    any_,
    exists,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from livery.models.delivery import GOOD, State
from livery.ports import Query
from livery.storage import schema
from livery.storage.database import micros
from livery.storage.rows import Row

_TABLE = schema.delivery
_EVENT = schema.event
_AT_ONCE = 100
"""Statements in one: SQLite takes 500."""
_BY_AGE = (_TABLE.c.created_at, _TABLE.c.id)
_STATES = tuple(state.value for state in State)
_MANY = 500
"""Tenants of whom it is likely enough that some have deliveries among the newest of all."""


def page(connection: Connection, query: Query, columns: Sequence[Any]) -> list[Row]:
    """The rows of a query, newest first: these columns, and at most `query.limit`."""
    named = list(branches(connection, query))
    if len(named) == 1:
        return list(connection.execute(_newest(query, named[0], columns)).mappings())
    found: list[tuple[int, str]] = []
    for start in range(0, len(named), _AT_ONCE):
        each = [_newest(query, where, _BY_AGE).subquery().select() for where in named[start : start + _AT_ONCE]]
        merged = union_all(*each).subquery()
        last = select(merged).order_by(merged.c.created_at.desc(), merged.c.id.desc()).limit(query.limit)
        found += [(row.created_at, row.id) for row in connection.execute(last)]
    ids = [id_ for _, id_ in sorted(found, reverse=True)[: query.limit]]
    rows: dict[str, Row] = {}
    for start in range(0, len(ids), 5 * _AT_ONCE):
        some = select(_TABLE.c.id.label("_id"), *columns).where(_TABLE.c.id.in_(ids[start : start + 5 * _AT_ONCE]))
        rows |= {row["_id"]: row for row in connection.execute(some).mappings()}
    return [rows[id_] for id_ in ids if id_ in rows]


def repeated(id_: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a delivery was sent again as a new one."""
    again = _TABLE.alias()
    return exists().where(again.c.replay_of == id_)


def branches(connection: Connection, query: Query) -> Iterator[list[ColumnElement[bool]]]:
    """What each statement of a query asks for by equality: together they find what the query asks for."""
    dialect = connection.dialect.name
    among = [] if query.tenants is None else [_among(dialect, query.tenants)]
    equal = _equal(query, "tenant", "state", "channel", "destination_key")
    events = _events(connection, query)
    if events is not None:
        for start in range(0, len(events), 5 * _AT_ONCE):
            yield [_TABLE.c.event_key.in_(events[start : start + 5 * _AT_ONCE]), *equal, *among]
    elif query.id_prefix or query.destination is not None or len(query.tenants or ()) > _MANY:
        yield [*equal, *among]
    elif query.tenant is not None or query.tenants is not None:
        yield from _by_tenant(query)
    elif query.state is not None or query.channel is not None:
        channels = [query.channel] if query.channel is not None else _channels(connection)
        for channel, state in product(channels, [query.state] if query.state else _STATES):
            yield [_TABLE.c.channel == channel, _TABLE.c.state == state]
    else:
        yield []


def _by_tenant(query: Query) -> Iterator[list[ColumnElement[bool]]]:
    tenants = [query.tenant] if query.tenant is not None else sorted(query.tenants or ())
    if query.tenants is not None:
        tenants = [one for one in tenants if one in query.tenants]
    for tenant in tenants:
        where: list[Any] = [_TABLE.c.tenant == tenant, *_equal(query, "channel", "state")]
        if query.state is not None and query.state not in GOOD:
            where.append(schema.NOT_GOOD)  # in the words of the index, or it is not used
        yield where


def _among(dialect: str, tenants: Collection[str]) -> ColumnElement[bool]:
    """However many: as one parameter."""
    if dialect == "postgresql":
        return _TABLE.c.tenant == any_(literal(sorted(tenants), ARRAY(String)))
    each = func.json_each(json.dumps(sorted(tenants))).table_valued("value")
    return _TABLE.c.tenant.in_(select(each.c.value))


def _equal(query: Query, *names: str) -> list[ColumnElement[bool]]:
    values = {
        "tenant": query.tenant,
        "state": query.state.value if query.state else None,
        "channel": query.channel,
        "destination_key": query.destination,
    }
    return [_TABLE.c[name] == values[name] for name in names if values[name] is not None]


def _newest(query: Query, where: Sequence[ColumnElement[bool]], columns: Sequence[Any]) -> Select[Any]:
    statement = select(*columns).where(*where).order_by(*(one.desc() for one in _BY_AGE)).limit(query.limit)
    if query.is_last:
        statement = statement.where(~repeated(_TABLE.c.id))
    if query.since is not None:
        statement = statement.where(_TABLE.c.created_at >= micros(query.since))
    if query.until is not None:
        statement = statement.where(_TABLE.c.created_at < micros(query.until))
    if query.after is not None:
        at, id_ = query.after
        # Said twice, since only the first is a range of an index on every database.
        statement = statement.where(
            _TABLE.c.created_at <= micros(at), tuple_(_TABLE.c.created_at, _TABLE.c.id) < (micros(at), id_)
        )
    if query.id_prefix:
        upto = query.id_prefix[:-1] + chr(ord(query.id_prefix[-1]) + 1)
        statement = statement.where(
            _TABLE.c.id >= query.id_prefix,
            _TABLE.c.id < upto,
            _TABLE.c.id.startswith(query.id_prefix, autoescape=True),
        )
    return statement


def _events(connection: Connection, query: Query) -> list[str] | None:
    """The store's keys of the events asked for; None if it is not asked by event."""
    wanted = set(query.event_ids) if query.event_ids is not None else None
    if query.event_id is not None:
        wanted = {query.event_id} if wanted is None else wanted & {query.event_id}
    if wanted is None:
        return None
    found: list[str] = []
    every = sorted(wanted)
    for start in range(0, len(every), 5 * _AT_ONCE):
        some = select(_EVENT.c.key).where(_EVENT.c.event_id.in_(every[start : start + 5 * _AT_ONCE]))
        found += connection.execute(some).scalars()
    return found


def _channels(connection: Connection) -> list[str]:
    """Channels that have deliveries: one seek for each."""
    found: list[str] = []
    at = connection.execute(select(func.min(_TABLE.c.channel))).scalar()
    while at is not None:
        found.append(str(at))
        at = connection.execute(select(func.min(_TABLE.c.channel)).where(_TABLE.c.channel > at)).scalar()
    return found
