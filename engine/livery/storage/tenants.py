"""Tenants in the store: looked up by key, never all of them for one event."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, literal, select

from livery.models.delivery import OPEN
from livery.models.tenant import Level, TenantRow
from livery.storage import schema
from livery.storage.database import micros, moment, told, upsert
from livery.storage.ledger import Ledger

REVISION = "tenants"
_DEEPEST = 32
_COUNTED = 1000
_AT_ONCE = 500


class TenantTable:
    """`livery.ports.TenantStore` in the ledger's database."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._engine = ledger, ledger.engine

    def revision(self) -> int:
        return self._ledger.revisions.get(REVISION)

    def line(self, id_: str) -> list[TenantRow]:
        table = schema.tenant
        up = select(table, literal(0).label("depth")).where(table.c.id == id_).cte("line", recursive=True)
        above = select(table, up.c.depth + 1).join(up, table.c.id == up.c.parent).where(up.c.depth < _DEEPEST)
        line = up.union_all(above)
        with told(), self._engine.connect() as connection:
            rows = connection.execute(select(line).order_by(line.c.depth)).mappings()
            return [_row_of(row) for row in rows]

    def find(self, ids: Iterable[str] | None = None) -> dict[str, TenantRow]:
        table = schema.tenant
        if ids is None:
            return self._all()
        wanted = list(ids)
        found: dict[str, TenantRow] = {}
        with told(), self._engine.connect() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                some = select(table).where(table.c.id.in_(wanted[start : start + _AT_ONCE]))
                found |= {row["id"]: _row_of(row) for row in connection.execute(some).mappings()}
        return found

    def roots(self) -> list[str]:
        table = schema.tenant
        with told(), self._engine.connect() as connection:
            return list(connection.execute(select(table.c.id).where(table.c.parent.is_(None), _alive(table))).scalars())

    def adrift(self) -> list[tuple[str, str]]:
        table, above = schema.tenant, schema.tenant.alias("above")
        is_there = select(above.c.id).where(above.c.id == table.c.parent, _alive(above)).exists()
        lost = select(table.c.parent, table.c.id).where(table.c.parent.is_not(None), _alive(table), ~is_there)
        with told(), self._engine.connect() as connection:
            return [(str(parent), str(id_)) for parent, id_ in connection.execute(lost.order_by(table.c.id))]

    def changing(self, connection: Any = None) -> AbstractContextManager[Connection]:
        return self._ledger.transaction(connection)

    def move_revision(self, tx: Connection) -> None:
        self._ledger.revisions.move(tx, REVISION)

    def get(self, tx: Connection, id_: str) -> TenantRow | None:
        table = schema.tenant
        row = tx.execute(select(table).where(table.c.id == id_)).mappings().first()
        return _row_of(row) if row else None

    def root(self, tx: Connection) -> str | None:
        table = schema.tenant
        found = tx.execute(select(table.c.id).where(table.c.parent.is_(None), _alive(table))).scalar()
        return None if found is None else str(found)

    def put(self, tx: Connection, row: TenantRow) -> None:
        values = {
            **row.model_dump(exclude={"created_at", "changed_at", "removed_at", "level"}),
            "level": row.level.value,
            "created_at": micros(row.created_at),
            "changed_at": micros(row.changed_at),
            "removed_at": None if row.removed_at is None else micros(row.removed_at),
        }
        statement = upsert(tx, schema.tenant).values(values)
        changed = {name: value for name, value in values.items() if name not in ("id", "created_at")}
        tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))

    def below(self, id_: str, tx: Connection | None = None) -> list[str]:
        table = schema.tenant
        children = select(table.c.id).where(table.c.parent == id_, _alive(table)).order_by(table.c.id)
        with told(), nullcontext(tx) if tx is not None else self._engine.connect() as connection:
            return list(connection.execute(children).scalars())

    def hanging(self, tx: Connection, id_: str) -> Mapping[str, int]:
        delivery, event = schema.delivery, schema.event
        states = [state.value for state in OPEN]
        records = (schema.organization, schema.contact, schema.directory_user)
        return {
            "directory": sum(_count(tx, one.c.tenant, one.c.tenant == id_) for one in records),
            "settings": _count(tx, schema.setting.c.tenant, schema.setting.c.tenant == id_),
            "domains": _count(tx, schema.sender_domain.c.tenant, schema.sender_domain.c.tenant == id_),
            "deliveries": _count(tx, delivery.c.id, (delivery.c.tenant == id_) & delivery.c.state.in_(states)),
            "events": _count(tx, event.c.key, (event.c.tenant == id_) & event.c.planned_at.is_(None)),
        }

    def _all(self) -> dict[str, TenantRow]:
        with told(), self._engine.connect() as connection:
            rows: Sequence[RowMapping] = connection.execute(select(schema.tenant)).mappings().all()
        return {row["id"]: _row_of(row) for row in rows}


def _alive(table: Any) -> ColumnElement[bool]:
    is_alive: ColumnElement[bool] = table.c.removed_at.is_(None)
    return is_alive


def _count(tx: Connection, column: Any, where: ColumnElement[bool]) -> int:
    some = select(column).where(where).limit(_COUNTED).subquery()
    return int(tx.execute(select(func.count()).select_from(some)).scalar() or 0)


def _row_of(row: RowMapping) -> TenantRow:
    removed: int | None = row["removed_at"]
    return TenantRow(
        id=row["id"], parent=row["parent"], level=Level(row["level"]), name=row["name"], locale=row["locale"],
        created_at=moment(row["created_at"]), changed_at=moment(row["changed_at"]), removed_at=_maybe(removed),
    )  # fmt: skip


def _maybe(value: int | None) -> datetime | None:
    return None if value is None else moment(value)
