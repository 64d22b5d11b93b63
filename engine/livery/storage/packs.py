"""Packs in the store: their exact bytes, what is active where, and the trail of it."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, delete, func, insert, select

from livery.packs.stored import Active, PackChange, PackVersion
from livery.storage import schema_packs as schema
from livery.storage.database import micros, moment, slices, told, upsert
from livery.storage.ledger import Ledger

REVISION = "packs"
_VERSION, _ACTIVE, _CHANGE = schema.pack_version, schema.pack_active, schema.pack_change
_PLAIN = ("id", "tenant", "pack", "version", "digest", "sha256", "size", "title", "who", "note", "signed_by")
_LISTED = [_VERSION.c[name] for name in (*_PLAIN, "at", "counts", "revision")]
_OF_CHANGE = (
    "id", "who", "tenant", "pack", "action", "before", "after", "before_name", "after_name", "note", "used",
)  # fmt: skip


class PackTable:
    """`livery.packs.stored.PackReader` in the ledger's database, and what `livery.depot` does with it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def revision(self) -> int:
        return self._ledger.revisions.get(REVISION)

    def moved(self, since: int) -> set[str]:
        with told(), self._ledger.engine.connect() as connection:
            return set(connection.execute(select(_ACTIVE.c.tenant).where(_ACTIVE.c.revision > since)).scalars())

    def active(self, tenants: Sequence[str]) -> Mapping[str, Sequence[Active]]:
        found: dict[str, list[Active]] = {}
        with told(), self._ledger.engine.connect() as connection:
            for some in slices(tenants):
                wanted = _actives().where(_ACTIVE.c.tenant.in_(some or ())).order_by(_ACTIVE.c.pack)
                for row in connection.execute(wanted).mappings():
                    found.setdefault(row["tenant"], []).append(_active_of(row))
        return found

    def activations(self, tenants: Collection[str] | None) -> list[Active]:
        """What these tenants say is active, by pack and tenant; not what was taken back."""
        found: list[Active] = []
        with told(), self._ledger.engine.connect() as connection:
            for some in slices(tenants):
                wanted = _actives().where(_ACTIVE.c.is_active == 1)
                wanted = wanted if some is None else wanted.where(_ACTIVE.c.tenant.in_(some))
                found += [_active_of(row) for row in connection.execute(wanted).mappings()]
        return sorted(found, key=lambda one: (one.pack, one.tenant))

    def content(self, version: str) -> tuple[bytes, bytes | None] | None:
        statement = select(_VERSION.c.content, _VERSION.c.signature).where(_VERSION.c.id == version)
        with told(), self._ledger.engine.connect() as connection:
            row = connection.execute(statement).first()
        return (bytes(row.content), None if row.signature is None else bytes(row.signature)) if row else None

    def report(self, version: str) -> dict[str, Any]:
        """What was found when a version was uploaded; nothing if there is no such version."""
        with told(), self._ledger.engine.connect() as connection:
            text = connection.execute(select(_VERSION.c.report).where(_VERSION.c.id == version)).scalar()
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def find(
        self, tenants: Collection[str] | None, *, id_: str | None = None, pack: str | None = None, limit: int = 1000
    ) -> list[PackVersion]:
        """Versions these tenants own, by pack, the newest upload first."""
        statement = select(*_LISTED).order_by(_VERSION.c.pack, _VERSION.c.revision.desc()).limit(limit)
        if id_ is not None:
            statement = statement.where(_VERSION.c.id == id_)
        if pack is not None:
            statement = statement.where(_VERSION.c.pack == pack)
        found = [_version_of(row) for row in self._of(tenants, _VERSION, statement)]
        newest = sorted(found, key=lambda one: one.revision, reverse=True)
        return sorted(newest, key=lambda one: one.pack)[:limit]

    def history(
        self, tenants: Collection[str] | None, *, pack: str | None = None, limit: int = 100
    ) -> list[PackChange]:
        """The trail of these tenants, newest first."""
        statement = select(_CHANGE).order_by(_CHANGE.c.revision.desc()).limit(limit)
        if pack is not None:
            statement = statement.where(_CHANGE.c.pack == pack)
        found = [_change_of(row) for row in self._of(tenants, _CHANGE, statement)]
        return sorted(found, key=lambda one: one.revision, reverse=True)[:limit]

    def _of(self, tenants: Collection[str] | None, owned: Table, statement: Select[Any]) -> list[RowMapping]:
        """The rows of these tenants, as many statements as that takes."""
        found: list[RowMapping] = []
        with told(), self._ledger.engine.connect() as connection:
            for some in slices(tenants):
                wanted = statement if some is None else statement.where(owned.c.tenant.in_(some))
                found += connection.execute(wanted).mappings()
        return found

    @contextmanager
    def changing(self) -> Iterator["Changing"]:
        """A transaction in which nobody else changes packs. What is written in it to other tables, is part of it."""
        with self._ledger.together(), self._ledger.transaction() as tx:
            yield Changing(tx, self._ledger.revisions.move(tx, REVISION))


class Changing:
    """Packs while they are changed."""

    def __init__(self, tx: Connection, revision: int) -> None:
        self._tx, self._revision = tx, revision

    def find(self, tenant: str, pack: str) -> list[PackVersion]:
        """What a tenant owns under a pack's id."""
        wanted = select(*_LISTED).where(_VERSION.c.tenant == tenant, _VERSION.c.pack == pack)
        return [_version_of(row) for row in self._tx.execute(wanted).mappings()]

    def one(self, version: str) -> PackVersion | None:
        row = self._tx.execute(select(*_LISTED).where(_VERSION.c.id == version)).mappings().first()
        return _version_of(row) if row else None

    def held(self, tenant: str) -> tuple[int, int]:
        """How many versions a tenant owns, and how many bytes they are."""
        counted = select(func.count(), func.coalesce(func.sum(_VERSION.c.size), 0)).where(_VERSION.c.tenant == tenant)
        count, size = self._tx.execute(counted).one()
        return int(count), int(size)

    def add(self, one: PackVersion, content: bytes, signature: bytes | None, report: Mapping[str, Any]) -> PackVersion:
        plain = {name: getattr(one, name) for name in _PLAIN}
        kept = {"counts": json.dumps(dict(one.counts)), "report": json.dumps(report, ensure_ascii=True)}
        values = {**plain, **kept, "at": micros(one.at), "content": content, "signature": signature}
        values["revision"] = self._revision
        self._tx.execute(insert(_VERSION).values(**values))
        return replace(one, revision=self._revision)

    def remove(self, version: str) -> None:
        self._tx.execute(delete(_ACTIVE).where(_ACTIVE.c.version == version, _ACTIVE.c.is_active == 0))
        self._tx.execute(delete(_VERSION).where(_VERSION.c.id == version))

    def users(self, version: str) -> list[str]:
        """Tenants at which a version is active."""
        wanted = select(_ACTIVE.c.tenant).where(_ACTIVE.c.version == version, _ACTIVE.c.is_active == 1)
        return sorted(self._tx.execute(wanted).scalars())

    def standing(self, tenant: str, pack: str) -> Active | None:
        """What a pack's id means at a tenant by its own word, or meant last."""
        row = self._tx.execute(_actives().where(_ACTIVE.c.tenant == tenant, _ACTIVE.c.pack == pack)).mappings().first()
        return _active_of(row) if row else None

    def stand(self, one: Active) -> None:
        """Let a version be active, or be taken back."""
        values = {
            "version": one.version, "is_active": int(one.is_active), "who": one.who, "at": micros(one.at),
            "revision": self._revision,
        }  # fmt: skip
        statement = upsert(self._tx, _ACTIVE).values(tenant=one.tenant, pack=one.pack, **values)
        self._tx.execute(statement.on_conflict_do_update(index_elements=["tenant", "pack"], set_=values))

    def last(self, tenant: str, pack: str) -> PackChange | None:
        """The last change of what is active."""
        wanted = select(_CHANGE).where(
            _CHANGE.c.tenant == tenant, _CHANGE.c.pack == pack, _CHANGE.c.action.in_(("activate", "roll back"))
        )
        row = self._tx.execute(wanted.order_by(_CHANGE.c.revision.desc()).limit(1)).mappings().first()
        return _change_of(row) if row else None

    def note(self, one: PackChange) -> None:
        plain = {name: getattr(one, name) for name in _OF_CHANGE}
        self._tx.execute(
            insert(_CHANGE).values(**plain, at=micros(one.at), is_used=int(one.is_used), revision=self._revision)
        )


def _actives() -> Any:
    named = [_VERSION.c.version.label("name"), _VERSION.c.digest, _VERSION.c.sha256]
    return select(_ACTIVE, *named).join(_VERSION, _VERSION.c.id == _ACTIVE.c.version)


def _active_of(row: RowMapping) -> Active:
    names = ("tenant", "pack", "version", "name", "digest", "sha256", "who")
    plain: dict[str, Any] = {name: row[name] for name in names}
    return Active(**plain, at=moment(row["at"]), is_active=bool(row["is_active"]))


def _version_of(row: RowMapping) -> PackVersion:
    plain: dict[str, Any] = {name: row[name] for name in _PLAIN}
    return PackVersion(**plain, at=moment(row["at"]), counts=json.loads(row["counts"]), revision=row["revision"])


def _change_of(row: RowMapping) -> PackChange:
    plain: dict[str, Any] = {name: row[name] for name in _OF_CHANGE}
    return PackChange(**plain, at=moment(row["at"]), is_used=bool(row["is_used"]), revision=row["revision"])
