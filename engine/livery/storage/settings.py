"""Settings in the store: what stands, and the trail of every change. Every query is held to a scope.

What is stored is one row a slot; a change replaces it and leaves a row in the trail, which nothing ever alters.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, delete, insert, select

from livery.ids import new_id
from livery.ports import StoredEvent
from livery.settings.changes import EVERYTHING, Change, Said, Scope, Signed, Write
from livery.settings.differences import Difference, Operation, Slot
from livery.settings.fields import FIELDS
from livery.settings.sealed import Sealed, context
from livery.storage import schema
from livery.storage.database import micros, moment, told, upsert, writing
from livery.storage.ledger import Ledger
from livery.vault import Vault

REVISION = "settings"
"""The name of the revision that any change of any tenant's settings moves on."""
_PARAMETERS = 500


class SettingsStore:
    """Settings in the ledger's database. Every method is one transaction; all are safe from any thread."""

    def __init__(self, ledger: Ledger, vault: Vault) -> None:
        self.engine, self._revisions, self._vault = ledger.engine, ledger.revisions, vault

    def revision(self) -> int:
        """Rises with every change of any tenant's settings."""
        return self._revisions.get(REVISION)

    def moved(self, since: int) -> set[str]:
        """Tenants whose settings have changed since a revision."""
        table = schema.setting_revision
        with told(), self.engine.connect() as connection:
            return set(connection.execute(select(table.c.tenant).where(table.c.revision > since)).scalars())

    def differences(self, chain: Sequence[str]) -> Mapping[str, Sequence[Difference]]:
        """What the tenants of one chain say; who may ask for a seller may see what reaches it from above."""
        with told(), self.engine.connect() as connection:
            return _differences(self._vault, connection, chain)

    def stated(self, scope: Scope, tenants: Sequence[str]) -> tuple[Mapping[str, Sequence[Difference]], dict[str, int]]:
        """What these tenants say themselves, and the revision of each.

        Raises:
            NotFound: a tenant is outside of the scope.

        """
        scope.check(tenants)
        with told(), self.engine.connect() as connection:
            return _differences(self._vault, connection, tenants), _revisions(connection, tenants)

    def history(self, scope: Scope, *, tenant: str | None = None, limit: int = 100, since: int = 0) -> list[Change]:
        """Changes after a revision, newest first.

        Raises:
            NotFound: the tenant is outside of the scope.

        """
        if tenant is not None:
            scope.check([tenant])
        wanted = {tenant} if tenant is not None else scope.tenants
        with told(), self.engine.connect() as connection:
            return _history(self._vault, connection, wanted, since, limit)

    def change(self, scope: Scope, id_: str) -> list[Change]:
        """The changes made at once under an id; none if there are none in the scope."""
        table = schema.setting_change
        statement = select(table).where(table.c.id == id_).order_by(table.c.number)
        with told(), self.engine.connect() as connection:
            found = [_change_of(self._vault, row) for row in connection.execute(statement).mappings()]
        return found if all(scope.has(one.slot.tenant) for one in found) else []

    def events(self, scope: Scope, since: datetime, *, limit: int) -> list[StoredEvent]:
        """Events of these sellers that were accepted since then, newest first."""
        table = schema.event
        statement = select(table.c.key, table.c.tenant, table.c.body, table.c.accepted_at)
        statement = statement.where(table.c.accepted_at >= micros(since)).order_by(table.c.accepted_at.desc())
        if scope.tenants is not None:
            statement = statement.where(table.c.tenant.in_(sorted(scope.tenants)))
        with told(), self.engine.connect() as connection:
            rows = connection.execute(statement.limit(limit)).all()
        return [StoredEvent(row.key, row.tenant, bytes(row.body), moment(row.accepted_at)) for row in rows]

    @contextmanager
    def editing(self, scope: Scope = EVERYTHING) -> Iterator["Editing"]:
        """A transaction in which nobody else changes settings: what is read in it stands until it ends."""
        with writing(self.engine) as tx:
            # Whoever moves it holds everybody else who changes settings until the transaction ends.
            yield Editing(tx, scope, self._revisions.move(tx, REVISION), self._vault)


class Editing:
    """Settings while they are changed."""

    def __init__(self, tx: Connection, scope: Scope, revision: int, vault: Vault) -> None:
        self._tx, self._scope, self._revision, self._vault = tx, scope, revision, vault

    def differences(self, chain: Sequence[str]) -> Mapping[str, Sequence[Difference]]:
        """What the tenants of one chain say."""
        return _differences(self._vault, self._tx, chain)

    def revision(self, tenant: str) -> int:
        """At which revision a tenant's settings were changed last; 0 if never."""
        self._scope.check([tenant])
        return _revisions(self._tx, [tenant])[tenant]

    def history(self, tenant: str, since: int) -> list[Change]:
        """A tenant's changes after a revision, newest first."""
        self._scope.check([tenant])
        return _history(self._vault, self._tx, {tenant}, since, 20)

    def write(self, writes: Sequence[Write], signed: Signed) -> list[Change]:
        """Let these stand, and keep a trail of it; what stands already is passed over.

        Raises:
            NotFound: a tenant is outside of the scope.

        """
        self._scope.check([one.slot.tenant for one in writes])
        id_, made = new_id("chg", signed.at), list[Change]()
        for one in writes:
            before = self._standing(one.slot)
            if before == one.after:
                continue
            change = Change(
                id_, len(made) + 1, self._revision, signed.at, signed.who, one.slot, before, one.after,
                signed.note, signed.undo_of,
            )  # fmt: skip
            self._put(change)
            made.append(change)
        for tenant in {one.slot.tenant for one in made}:
            _set_revision(self._tx, tenant, self._revision)
        return made

    def _standing(self, slot: Slot) -> Said:
        table = schema.setting
        row = self._tx.execute(select(table.c.operation, table.c.value).where(_is(table, slot))).first()
        if row is None:
            return None
        operation = Operation(row.operation)
        return operation, closed(self._vault, slot, operation, _read(row.value))

    def _put(self, change: Change) -> None:
        keys = _keys(change.slot)
        self._tx.execute(delete(schema.setting).where(_is(schema.setting, change.slot)))
        signed = {"who": change.who, "at": micros(change.at), "note": change.note}
        if change.after is not None:
            operation, value = change.after
            row = {**keys, **signed, "operation": operation.value, "value": written(value)}
            self._tx.execute(insert(schema.setting).values(row))
        trail = {
            **keys, **signed, "id": change.id, "number": change.number, "revision": change.revision,
            "before": said_text(change.before), "after": said_text(change.after), "undo_of": change.undo_of,
        }  # fmt: skip
        self._tx.execute(insert(schema.setting_change).values(trail))


def _differences(vault: Vault, connection: Connection, tenants: Sequence[str]) -> Mapping[str, Sequence[Difference]]:
    table, found = schema.setting, dict[str, list[Difference]]()
    for start in range(0, len(tenants), _PARAMETERS):
        statement = select(table).where(table.c.tenant.in_(tenants[start : start + _PARAMETERS]))
        for row in connection.execute(statement).mappings():
            slot, operation = slot_of(row), Operation(row["operation"])
            value = closed(vault, slot, operation, _read(row["value"]))
            made = Difference(slot, operation, value, row["who"], moment(row["at"]), row["note"])
            found.setdefault(row["tenant"], []).append(made)
    return found


def _history(
    vault: Vault, connection: Connection, tenants: set[str] | frozenset[str] | None, since: int, limit: int
) -> list[Change]:
    table = schema.setting_change
    statement = select(table).where(table.c.revision > since)
    if tenants is not None:
        statement = statement.where(table.c.tenant.in_(sorted(tenants)))
    statement = statement.order_by(table.c.revision.desc(), table.c.number.desc()).limit(limit)
    return [_change_of(vault, row) for row in connection.execute(statement).mappings()]


def _revisions(connection: Connection, tenants: Sequence[str]) -> dict[str, int]:
    table, found = schema.setting_revision, dict.fromkeys(tenants, 0)
    for start in range(0, len(tenants), _PARAMETERS):
        some = select(table.c.tenant, table.c.revision).where(table.c.tenant.in_(tenants[start : start + _PARAMETERS]))
        found |= {str(tenant): int(revision) for tenant, revision in connection.execute(some)}
    return found


def _set_revision(tx: Connection, tenant: str, revision: int) -> None:
    statement = upsert(tx, schema.setting_revision).values(tenant=tenant, revision=revision)
    tx.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_={"revision": revision}))


def _keys(slot: Slot) -> dict[str, Any]:
    return {
        "tenant": slot.tenant,
        "event_type": slot.event_type,
        "channel": slot.channel,
        "field": slot.field,
        "item": slot.item,
        "is_lock": int(slot.is_lock),
        "starts": micros(slot.starts) if slot.starts else 0,
        "ends": micros(slot.ends) if slot.ends else 0,
    }


def _is(table: Table, slot: Slot) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _keys(slot).items()))


def slot_of(row: RowMapping) -> Slot:
    return Slot(
        row["tenant"], row["event_type"], row["channel"], row["field"], row["item"], bool(row["is_lock"]),
        _moment(row["starts"]), _moment(row["ends"]),
    )  # fmt: skip


def _moment(value: int) -> datetime | None:
    return moment(value) if value else None


def _change_of(vault: Vault, row: RowMapping) -> Change:
    slot = slot_of(row)
    return Change(
        row["id"], row["number"], row["revision"], moment(row["at"]), row["who"], slot,
        unsaid(vault, slot, row["before"]), unsaid(vault, slot, row["after"]), row["note"], row["undo_of"],
    )  # fmt: skip


def said_text(said: Said) -> str | None:
    return None if said is None else written([said[0].value, said[1]])


def unsaid(vault: Vault, slot: Slot, text: str | None) -> Said:
    """What a row of the trail says; secrets stay sealed."""
    if text is None:
        return None
    operation, value = _read(text)
    return Operation(operation), closed(vault, slot, Operation(operation), value)


def closed(vault: Vault, slot: Slot, operation: Operation, value: Any) -> Any:
    """What was stored of a slot; secrets stay sealed, and open for the very slot alone."""
    if slot.field not in FIELDS or not FIELDS[slot.field].is_secret or not isinstance(value, dict):
        return value
    if operation is Operation.SET:
        return {name: Sealed.read(vault, one, context(slot, name)) for name, one in value.items()}
    return Sealed.read(vault, value, context(slot, slot.item))


def written(value: Any) -> str:
    """What is stored of a value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_stored)


def _stored(value: Any) -> Any:
    if isinstance(value, Sealed):
        return value.stored()
    raise TypeError(f"{type(value).__name__} is nothing that is stored")


def _read(text: str) -> Any:
    return json.loads(text)
