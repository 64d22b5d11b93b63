"""API tokens and one-time sign-in links in the store: by the hash of their secret, which is kept nowhere."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update

from livery.identity import Link, Token
from livery.models.identity import Principal, Role
from livery.storage import schema_identity as schema
from livery.storage.database import micros, moment, slices, told
from livery.storage.ledger import Ledger

_TOKEN, _LINK = schema.api_token, schema.sign_in_link
_BY_DIGEST = select(_TOKEN).where(_TOKEN.c.digest == bindparam("digest_"))


class IdentityTable:
    """`livery.identity.IdentityStore` in the ledger's database."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, token: Token, digest: str) -> None:
        with self._ledger.transaction() as tx:
            tx.execute(
                insert(_TOKEN).values(
                    id=token.id,
                    digest=digest,
                    name=token.name,
                    shown=token.shown,
                    tenant=token.tenant,
                    roles=json.dumps(sorted(token.roles)),
                    by=token.by,
                    created_at=micros(token.created_at),
                    expires_at=None if token.expires_at is None else micros(token.expires_at),
                )
            )

    def token(self, digest: str) -> Token | None:
        with told(), self._ledger.engine.connect() as connection:
            row = connection.execute(_BY_DIGEST, {"digest_": digest}).mappings().first()
        return _of(row) if row else None

    def tokens(self, tenants: Collection[str] | None, *, limit: int) -> Sequence[Token]:
        found: list[Token] = []
        newest = (_TOKEN.c.created_at.desc(), _TOKEN.c.id.desc())
        with told(), self._ledger.engine.connect() as connection:
            for some in slices(tenants):
                wanted = select(_TOKEN) if some is None else select(_TOKEN).where(_TOKEN.c.tenant.in_(some))
                found += map(_of, connection.execute(wanted.order_by(*newest).limit(limit)).mappings())
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]

    def revoke(self, tenants: Collection[str] | None, id_: str, at: datetime, by: str) -> Token | None:
        one = _TOKEN.c.id == id_
        with self._ledger.transaction() as tx:
            row = tx.execute(select(_TOKEN).where(one)).mappings().first()
            if row is None or (tenants is not None and row["tenant"] not in tenants):
                return None
            tx.execute(
                update(_TOKEN).where(one, _TOKEN.c.revoked_at.is_(None)).values(revoked_at=micros(at), revoked_by=by)
            )
            return _of(tx.execute(select(_TOKEN).where(one)).mappings().one())

    def note_use(self, id_: str, at: datetime) -> None:
        with self._ledger.transaction() as tx:
            tx.execute(update(_TOKEN).where(_TOKEN.c.id == id_).values(used_at=micros(at)))

    def add_link(self, link: Link, digest: str) -> None:
        principal = link.principal.model_dump_json()
        with self._ledger.transaction() as tx:
            tx.execute(insert(_LINK).values(digest=digest, principal=principal, expires_at=micros(link.expires_at)))

    def take_link(self, digest: str, now: datetime) -> Link | None:
        with self._ledger.transaction() as tx:
            tx.execute(delete(_LINK).where(_LINK.c.expires_at <= micros(now)))
            taken = delete(_LINK).where(_LINK.c.digest == digest).returning(_LINK.c.principal, _LINK.c.expires_at)
            row = tx.execute(taken).first()
        return Link(Principal.model_validate_json(row[0]), moment(row[1])) if row else None


def _of(row: RowMapping) -> Token:
    times = {
        name: None if row[name] is None else moment(row[name])
        for name in ("created_at", "expires_at", "used_at", "revoked_at")
    }
    created = times.pop("created_at")
    assert created is not None, "the column holds no null"
    roles = frozenset(map(Role, json.loads(row["roles"])))
    return Token(
        row["id"], row["name"], row["shown"], row["tenant"], roles, row["by"], created,
        **times, revoked_by=row["revoked_by"],
    )  # fmt: skip
