"""Sessions in the store: by the hash of their secret, which is kept nowhere."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update

from livery.identity.sessions import Session
from livery.models.identity import Principal
from livery.storage import schema_identity as schema
from livery.storage.database import micros, moment, slices, told
from livery.storage.ledger import Ledger

_TABLE = schema.session
_BY_DIGEST = select(_TABLE).where(_TABLE.c.digest == bindparam("digest_"))
_TIMES = ("created_at", "used_at", "ends_at")


class SessionTable:
    """`livery.identity.sessions.SessionStore` in the ledger's database."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, session: Session, digest: str) -> None:
        values: dict[str, Any] = {name: micros(getattr(session, name)) for name in _TIMES}
        values |= {"id": session.id, "digest": digest, "source": session.source, "tenant": session.principal.tenant}
        with self._ledger.transaction() as tx:
            tx.execute(delete(_TABLE).where(_TABLE.c.ends_at <= micros(session.created_at)))
            tx.execute(insert(_TABLE).values(principal=session.principal.model_dump_json(), **values))

    def find(self, digest: str) -> Session | None:
        with told(), self._ledger.engine.connect() as connection:
            row = connection.execute(_BY_DIGEST, {"digest_": digest}).mappings().first()
        return _of(row) if row else None

    def note_use(self, id_: str, at: datetime) -> None:
        with self._ledger.transaction() as tx:
            tx.execute(update(_TABLE).where(_TABLE.c.id == id_).values(used_at=micros(at)))

    def end(self, tenants: Collection[str] | None, *, digest: str | None = None, id_: str | None = None) -> int:
        one = _TABLE.c.digest == digest if digest is not None else _TABLE.c.id == id_
        with self._ledger.transaction() as tx:
            row = tx.execute(select(_TABLE.c.id, _TABLE.c.tenant).where(one)).first()
            if row is None or (tenants is not None and row[1] not in tenants):
                return 0
            tx.execute(delete(_TABLE).where(_TABLE.c.id == row[0]))
            return 1

    def all(self, tenants: Collection[str] | None, *, limit: int) -> Sequence[Session]:
        found: list[Session] = []
        newest = (_TABLE.c.created_at.desc(), _TABLE.c.id.desc())
        with told(), self._ledger.engine.connect() as connection:
            for some in slices(tenants):
                wanted = select(_TABLE) if some is None else select(_TABLE).where(_TABLE.c.tenant.in_(some))
                found += map(_of, connection.execute(wanted.order_by(*newest).limit(limit)).mappings())
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]


def _of(row: RowMapping) -> Session:
    created, used, ends = (moment(row[name]) for name in _TIMES)
    return Session(row["id"], Principal.model_validate_json(row["principal"]), row["source"], created, used, ends)
