"""The suppression list in the store: keyed by tenant, address and event type."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, RowMapping, bindparam, delete, select

from livery.storage import schema
from livery.storage.database import micros, moment, slices, told, upsert
from livery.storage.ledger import Ledger
from livery.suppressions import ANY, Kind, Suppression

REVISION = "suppressions"
_TABLE = schema.suppression
_KEY = ("tenant", "address", "event_type")
_LAST = datetime.max.replace(tzinfo=UTC)
_IN_FORCE = select(_TABLE).where(
    _TABLE.c.address.in_(bindparam("addresses_", expanding=True)),
    _TABLE.c.tenant.in_(bindparam("tenants_", expanding=True)),
    _TABLE.c.event_type.in_(bindparam("types_", expanding=True)),
    _TABLE.c.until.is_(None) | (_TABLE.c.until > bindparam("now_")),
)


class SuppressionTable:
    """`livery.suppressions.SuppressionStore` in the ledger's database."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def revision(self) -> int:
        return self._ledger.revisions.get(REVISION)

    def put(self, one: Suppression) -> None:
        values = {
            "tenant": one.tenant,
            "address": one.address,
            "event_type": one.event_type,
            "kind": one.kind.value,
            "note": one.note,
            "who": one.who,
            "at": micros(one.at),
            "until": None if one.until is None else micros(one.until),
        }
        changed = {name: value for name, value in values.items() if name not in _KEY}
        with self._ledger.transaction() as tx:
            self._ledger.revisions.move(tx, REVISION)
            statement = upsert(tx, _TABLE).values(values)
            tx.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=changed))

    def remove(self, tenants: Collection[str] | None, address: str, event_type: str | None) -> list[Suppression]:
        where = [_TABLE.c.address == address]
        if event_type is not None:
            where.append(_TABLE.c.event_type == event_type)
        with self._ledger.transaction() as tx:
            self._ledger.revisions.move(tx, REVISION)
            rows = tx.execute(select(_TABLE).where(*where)).mappings().all()
            gone = [_of(row) for row in rows if tenants is None or row["tenant"] in set(tenants)]
            for one in gone:
                tx.execute(delete(_TABLE).where(*(_TABLE.c[name] == getattr(one, name) for name in _KEY)))
        return gone

    def find(
        self, tenants: Collection[str] | None, *, address: str | None, limit: int, after: str
    ) -> Sequence[Suppression]:
        order = (_TABLE.c.address, _TABLE.c.tenant, _TABLE.c.event_type)
        where: list[ColumnElement[bool]] = [_TABLE.c.address > after] if after else []
        if address is not None:
            where.append(_TABLE.c.address == address)
        found: list[Suppression] = []
        with told(), self._ledger.engine.connect() as connection:
            for some in slices(tenants):
                wanted = where if some is None else [*where, _TABLE.c.tenant.in_(some)]
                rows = connection.execute(select(_TABLE).where(*wanted).order_by(*order).limit(limit)).mappings()
                found += [_of(row) for row in rows]
        return sorted(found, key=lambda one: (one.address, one.tenant, one.event_type))[:limit]

    def of(
        self, tenants: Collection[str], addresses: Collection[str], event_type: str, now: datetime
    ) -> Sequence[Suppression]:
        given = {"tenants_": list(tenants), "types_": [ANY, event_type], "now_": micros(now)}
        found: list[Suppression] = []
        with told(), self._ledger.engine.connect() as connection:
            for some in slices(addresses):
                rows = connection.execute(_IN_FORCE, {**given, "addresses_": some or []}).mappings()
                found += [_of(row) for row in rows]
        return sorted(found, key=lambda one: one.until or _LAST, reverse=True)


def _of(row: RowMapping) -> Suppression:
    return Suppression(
        row["tenant"], row["address"], row["event_type"], Kind(row["kind"]), row["note"], row["who"],
        moment(row["at"]), None if row["until"] is None else moment(row["until"]),
    )  # fmt: skip
