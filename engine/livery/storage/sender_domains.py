"""Sender domains in the store: keyed by tenant and domain."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from livery.sender_domains import SenderDomain
from livery.storage import schema
from livery.storage.database import micros, moment, slices, told
from livery.storage.ledger import Ledger

REVISION = "sender_domains"
_TABLE = schema.sender_domain
_KEY = ("tenant", "domain")
_TIMES = ("added_at", "changed_at", "due_at", "verified_at", "checked_at")


class SenderDomainTable:
    """`livery.sender_domains.SenderDomainStore` in the ledger's database."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def revision(self) -> int:
        return self._ledger.revisions.get(REVISION)

    def add(self, one: SenderDomain) -> SenderDomain:
        with self._ledger.transaction() as tx:
            # First, since two who add at once wait for each other here.
            self._ledger.revisions.move(tx, REVISION)
            found = _one(tx, one.tenant, one.domain)
            if found is None:
                tx.execute(insert(_TABLE).values(_row(one)))
            return found or one

    def change(
        self, one: SenderDomain, to: Callable[[SenderDomain], SenderDomain]
    ) -> tuple[SenderDomain, SenderDomain] | None:
        with self._ledger.transaction() as tx:
            self._ledger.revisions.move(tx, REVISION)
            before = _one(tx, one.tenant, one.domain)
            if before is None or before.token != one.token:
                return None
            after = to(before)
            values = {name: value for name, value in _row(after).items() if name not in _KEY}
            tx.execute(update(_TABLE).where(*_is(one.tenant, one.domain)).values(**values))
            return before, after

    def remove(self, tenant: str, domain: str) -> SenderDomain | None:
        with self._ledger.transaction() as tx:
            self._ledger.revisions.move(tx, REVISION)
            found = _one(tx, tenant, domain)
            tx.execute(delete(_TABLE).where(*_is(tenant, domain)))
            return found

    def find(
        self, tenants: Collection[str] | None, *, domain: str | None = None, limit: int = 1000
    ) -> Sequence[SenderDomain]:
        found: list[SenderDomain] = []
        statement = select(_TABLE).order_by(_TABLE.c.domain, _TABLE.c.tenant).limit(limit)
        if domain is not None:
            statement = statement.where(_TABLE.c.domain == domain)
        with told(), self._ledger.engine.connect() as connection:
            for some in slices(tenants):
                wanted = statement if some is None else statement.where(_TABLE.c.tenant.in_(some))
                found += [_of(row) for row in connection.execute(wanted).mappings()]
        return sorted(found, key=lambda one: (one.domain, one.tenant))[:limit]

    def due(self, now: datetime, limit: int) -> Sequence[SenderDomain]:
        statement = select(_TABLE).where(_TABLE.c.due_at <= micros(now)).order_by(_TABLE.c.due_at).limit(limit)
        with told(), self._ledger.engine.connect() as connection:
            return [_of(row) for row in connection.execute(statement).mappings()]


def _one(tx: Connection, tenant: str, domain: str) -> SenderDomain | None:
    row = tx.execute(select(_TABLE).where(*_is(tenant, domain))).mappings().first()
    return _of(row) if row else None


def _is(tenant: str, domain: str) -> tuple[ColumnElement[bool], ...]:
    return _TABLE.c.tenant == tenant, _TABLE.c.domain == domain


def _row(one: SenderDomain) -> dict[str, Any]:
    times = {name: None if (at := getattr(one, name)) is None else micros(at) for name in _TIMES}
    plain = {name: getattr(one, name) for name in ("tenant", "domain", "token", "status", "detail")}
    return {**plain, **times}


def _of(row: RowMapping) -> SenderDomain:
    times: dict[str, Any] = {name: None if row[name] is None else moment(row[name]) for name in _TIMES}
    plain: dict[str, Any] = {name: row[name] for name in ("tenant", "domain", "token", "status", "detail")}
    return SenderDomain(**plain, **times)
