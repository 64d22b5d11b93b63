"""The directory in the store. Every statement names the tenants it is for; one query answers all of an event."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from livery.directory.ports import Counted, FoundRow
from livery.directory.selectors import Ask
from livery.models.directory import DirectoryUser, Organization, OrganizationContact, Record
from livery.storage import schema
from livery.storage.database import told, upsert
from livery.storage.ledger import Ledger

REVISION = "directory"
MOST_PEOPLE = 500
"""How many users a role may stand for."""
_AT_ONCE = 400
_TABLES: Mapping[type[Any], Table] = {
    Organization: schema.organization,
    OrganizationContact: schema.contact,
    DirectoryUser: schema.directory_user,
}


class DirectoryTable:
    """`livery.directory.ports.DirectoryStore` in the ledger's database."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._engine = ledger, ledger.engine

    def revision(self) -> int:
        return self._ledger.revisions.get(REVISION)

    def find(self, ask: Ask) -> list[FoundRow]:
        if ask.is_empty:
            return []
        roles = [(place, name) for place, names in ask.roles.items() for name in names]
        values: dict[str, Any] = {"most": MOST_PEOPLE + 1} if roles else {}
        for part, places in (("contact", ask.contacts), ("user", ask.users)):
            for number, (place, names) in enumerate(places.items()):
                values |= _place(f"{part}_{number}", place) | {f"{part}_{number}_names": list(names)}
        for number, (place, name) in enumerate(roles):
            values |= _place(f"role_{number}", place) | {f"role_{number}_name": name}
        statement = _statement(len(ask.contacts), len(ask.users), len(roles))
        with told(), self._engine.connect() as connection:
            return [FoundRow(*row) for row in connection.execute(statement, values)]

    def changing(self, connection: Any = None) -> AbstractContextManager[Connection]:
        return self._ledger.transaction(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with told(), self._engine.connect() as connection:
            yield connection

    def compare(self, tx: Connection, records: Sequence[Record]) -> tuple[Counted, list[Record]]:
        known: dict[tuple[str, ...], Record] = {}
        for kind, table in _TABLES.items():
            mine = [one for one in records if isinstance(one, kind)]
            keys = [one.key[1:] for one in mine]
            columns = list(table.primary_key.columns)
            for start in range(0, len(keys), _AT_ONCE):
                some = select(table).where(tuple_(*columns).in_(keys[start : start + _AT_ONCE]))
                known |= {one.key: one for one in map(_record_of(table), tx.execute(some).mappings())}
        new = [one for one in records if one.key not in known]
        changed = [one for one in records if one.key in known and known[one.key].__dict__ != one.__dict__]
        return Counted(len(new), len(changed), len(records) - len(new) - len(changed)), [*new, *changed]

    def put(self, tx: Connection, records: Sequence[Record]) -> None:
        for kind, table in _TABLES.items():
            rows = [_row_of(one) for one in records if isinstance(one, kind)]
            if not rows:
                continue
            keys = [column.name for column in table.primary_key.columns]
            statement = upsert(tx, table)
            others = {name: statement.excluded[name] for name in table.c.keys() if name not in keys}  # noqa: SIM118
            tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)
        self._put_roles(tx, [one for one in records if isinstance(one, DirectoryUser)])
        if records:
            self._ledger.revisions.move(tx, REVISION)

    def remove(self, tx: Connection, tenant: str, *, customer: str | None, kind: str | None, user: str | None) -> int:
        tables = [schema.organization, schema.contact, schema.directory_user, schema.user_role]
        if user is not None:
            removed = tx.execute(delete(schema.directory_user).where(_of(schema.directory_user, tenant, id=user)))
            tx.execute(delete(schema.user_role).where(_of(schema.user_role, tenant, user=user)))
            count = removed.rowcount
        elif kind is not None:
            where = _of(schema.contact, tenant, customer=customer or "", kind=kind)
            count = tx.execute(delete(schema.contact).where(where)).rowcount
        else:
            only = {} if customer is None else {"customer": customer}
            counts = [tx.execute(delete(table).where(_of(table, tenant, **only))).rowcount for table in tables]
            count = sum(counts[:3])
        if count:
            self._ledger.revisions.move(tx, REVISION)
        return int(count)

    def records(
        self, tx: Connection, tenant: str, *, customer: str | None = None, user: str | None = None
    ) -> Iterator[Record]:
        for table in _TABLES.values():
            only = {} if customer is None else {"customer": customer}
            if user is not None:
                if table is not schema.directory_user:
                    continue
                only["id"] = user
            found = select(table).where(_of(table, tenant, **only)).order_by(*table.primary_key.columns)
            rows = tx.execution_options(yield_per=1000).execute(found).mappings()
            yield from map(_record_of(table), rows)

    def customers(self, tx: Connection, tenant: str, limit: int) -> list[tuple[str, str, int, int, int]]:
        table, contact, user = schema.organization, schema.contact, schema.directory_user
        ids = union_all(*(select(one.c.customer).where(one.c.tenant == tenant) for one in (table, contact, user)))
        known = select(ids.subquery().c.customer).distinct().order_by("customer").limit(limit).subquery()

        def count(of: Table) -> Any:
            mine = (of.c.tenant == tenant) & (of.c.customer == known.c.customer)
            return select(func.count()).select_from(of).where(mine).scalar_subquery()

        on = (table.c.tenant == tenant) & (table.c.customer == known.c.customer)
        found = (
            select(known.c.customer, table.c.name, func.coalesce(table.c.active, 1), count(contact), count(user))
            .join(table, on, isouter=True)
            .order_by(known.c.customer)
        )
        return [(one[0], one[1] or "", int(one[2]), int(one[3]), int(one[4])) for one in tx.execute(found)]

    def count(self, tx: Connection, tenant: str) -> int:
        counts = [select(func.count()).select_from(table).where(table.c.tenant == tenant) for table in _TABLES.values()]
        return sum(int(tx.execute(one).scalar() or 0) for one in counts)

    def _put_roles(self, tx: Connection, users: Sequence[DirectoryUser]) -> None:
        table = schema.user_role
        for start in range(0, len(users), _AT_ONCE):
            keys = [(one.tenant, one.id) for one in users[start : start + _AT_ONCE]]
            tx.execute(delete(table).where(tuple_(table.c.tenant, table.c.user).in_(keys)))
        rows = [
            {"tenant": one.tenant, "customer": one.customer, "role": role, "user": one.id}
            for one in users
            for role in one.roles
        ]
        if rows:
            tx.execute(insert(table), rows)


def _of(table: Table, tenant: str, **only: str) -> ColumnElement[bool]:
    return and_(table.c.tenant == tenant, *(table.c[name] == value for name, value in only.items()))


def _place(part: str, place: tuple[str, str]) -> dict[str, str]:
    return {f"{part}_tenant": place[0], f"{part}_customer": place[1]}


@lru_cache(maxsize=256)
def _statement(contacts: int, users: int, roles: int) -> Any:
    """The query for contacts and users in so many places, and for so many roles.

    Built once, since building it takes longer than running it.
    """
    made = [
        *([_contacts(contacts)] if contacts else []),
        *([_users(users)] if users else []),
        *map(_role, range(roles)),
    ]
    return union_all(*made) if len(made) > 1 else made[0]


def _where(part: str, count: int, table: Table, key: Any) -> ColumnElement[bool]:
    return or_(
        *(
            and_(
                table.c.tenant == bindparam(f"{part}_{number}_tenant"),
                table.c.customer == bindparam(f"{part}_{number}_customer"),
                key.in_(bindparam(f"{part}_{number}_names", expanding=True)),
            )
            for number in range(count)
        )
    )


def _with_organization(table: Table) -> Any:
    above = schema.organization
    return table.join(above, (above.c.tenant == table.c.tenant) & (above.c.customer == table.c.customer), isouter=True)


def _columns(what: str, table: Table, key: Any, id_: Any, active: Any) -> list[Any]:
    above = schema.organization
    return [
        literal(what).label("what"), table.c.tenant, table.c.customer, key.label("key"), id_.label("id"),
        table.c.name, table.c.email, func.coalesce(func.nullif(table.c.locale, ""), above.c.locale, "").label("locale"),
        active.label("active"), func.coalesce(above.c.active, 1).label("organization_active"),
    ]  # fmt: skip


def _contacts(count: int) -> Select[Any]:
    table = schema.contact
    columns = _columns("contact", table, table.c.kind, literal(""), literal(1))
    where = _where("contact", count, table, table.c.kind)
    return select(*columns).select_from(_with_organization(table)).where(where)


def _users(count: int) -> Select[Any]:
    table = schema.directory_user
    columns = _columns("user", table, table.c.id, table.c.id, table.c.active)
    where = _where("user", count, table, table.c.id)
    return select(*columns).select_from(_with_organization(table)).where(where)


def _role(number: int) -> Select[Any]:
    """Those who have a role: each role has its own bound, so that one of very many leaves no other without any."""
    table, role, above = schema.directory_user, schema.user_role, schema.organization
    columns = _columns("role", table, role.c.role, table.c.id, table.c.active)
    held = role.join(table, (table.c.tenant == role.c.tenant) & (table.c.id == role.c.user))
    on = (above.c.tenant == table.c.tenant) & (above.c.customer == table.c.customer)
    some = (
        select(*columns)
        .select_from(held.join(above, on, isouter=True))
        .where(
            role.c.tenant == bindparam(f"role_{number}_tenant"),
            role.c.customer == bindparam(f"role_{number}_customer"),
            role.c.role == bindparam(f"role_{number}_name"),
        )
        .order_by(role.c.user)
        .limit(bindparam("most"))
        .subquery()
    )
    return select(some)


def _row_of(record: Record) -> dict[str, Any]:
    row = record.model_dump()
    if isinstance(record, DirectoryUser):
        row["roles"] = " ".join(record.roles)
    if "active" in row:
        row["active"] = int(row["active"])
    return row


def _record_of(table: Table) -> Any:
    kind: Any = next(kind for kind, mine in _TABLES.items() if mine is table)

    def made(row: Mapping[str, Any]) -> Record:
        values = dict(row)
        if "active" in values:
            values["active"] = bool(values["active"])
        if "roles" in values:
            values["roles"] = tuple(values["roles"].split())
        record: Record = kind.model_construct(**values)
        return record

    return made
