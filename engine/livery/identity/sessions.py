"""`engine.sessions`: people who have signed in. Owns how long that lasts, and what ends it."""

import secrets as randomness
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from livery.errors import NotFound, shown
from livery.identity.secrets import digest
from livery.ids import new_id
from livery.models.identity import Principal
from livery.ports import Now
from livery.tenants import Tree

_BYTES = 32
_NOTED = timedelta(minutes=1)
"""A session that was used is written down so often at most: a page is several requests."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in, as it is kept: no secret.

    Attributes:
        id: names it, for ending it.
        principal: who.
        source: the digest of the token they signed in with; empty if by other means. It ends with that.
        created_at: when they signed in.
        used_at: when they were seen last, to about a minute.
        ends_at: when it ends, however much it is used.

    """

    id: str
    principal: Principal
    source: str
    created_at: datetime
    used_at: datetime
    ends_at: datetime


class SessionStore(Protocol):
    """What is kept of sessions: by the digest of their secret."""

    def add(self, session: Session, digest: str) -> None:
        """Keep it, and forget those that are over."""
        ...

    def find(self, digest: str) -> Session | None: ...

    def note_use(self, id_: str, at: datetime) -> None: ...

    def end(self, tenants: Collection[str] | None, *, digest: str | None = None, id_: str | None = None) -> int:
        """Forget one, if it is of somebody who acts for one of these tenants: how many that were."""
        ...

    def all(self, tenants: Collection[str] | None, *, limit: int) -> Sequence[Session]:
        """Newest first."""
        ...


class Sessions:
    """The sessions of one engine. Safe from any thread.

    Args:
        tree: the tenants.
        made: the store, made if there is none yet.
        found: the store, or None as long as there is none.
        counts: whether a token still counts, by its digest.
        idle: a session that is not used for so long is over.
        longest: and every session after so long.
        now: the clock.

    """

    def __init__(  # noqa: PLR0913 - the composition root hands every part in
        self,
        tree: Tree,
        *,
        made: Callable[[], SessionStore],
        found: Callable[[], SessionStore | None],
        counts: Callable[[str], bool],
        idle: timedelta,
        longest: timedelta,
        now: Now,
    ) -> None:
        self._tree, self._made, self._found, self._counts = tree, made, found, counts
        self._idle, self._longest, self._now = idle, longest, now

    def begin(self, principal: Principal, *, source: str = "", instead_of: str = "") -> str:
        """Sign somebody in: the secret that their browser keeps, and that cannot be had again.

        Args:
            principal: who.
            source: the digest of the token they came with.
            instead_of: the secret of the session they had before, which ends.

        """
        now, secret = self._now(), randomness.token_urlsafe(_BYTES)
        if instead_of:
            self.end(instead_of)
        made = Session(new_id("ses", now), principal, source, now, now, now + self._longest)
        self._made().add(made, digest(secret))
        return secret

    def of(self, secret: str) -> Session | None:
        """The session of a secret; None if there is none, or it is over, or what it came from is."""
        store, now = self._found() if secret else None, self._now()
        session = store.find(digest(secret)) if store else None
        if store is None or session is None:
            return None
        if now >= session.ends_at or now >= session.used_at + self._idle or not self._still_counts(session):
            store.end(None, id_=session.id)
            return None
        if now - session.used_at > _NOTED:
            store.note_use(session.id, now)
            session = replace(session, used_at=now)
        return session

    def end(self, secret: str) -> None:
        """Sign out. Idempotent."""
        store = self._found()
        if store and secret:
            store.end(None, digest=digest(secret))

    def list(self, *, within: str | None = None, limit: int = 1000) -> Sequence[Session]:
        """Who is signed in, newest first.

        Raises:
            NotFound: there is no such tenant.

        """
        store = self._found()
        return store.all(self._scope(within), limit=limit) if store else []

    def revoke(self, id_: str, *, within: str | None = None) -> None:
        """Sign somebody out.

        Raises:
            NotFound: there is no such session here.

        """
        store = self._found()
        if store is None or not store.end(self._scope(within), id_=id_):
            raise NotFound(f"no session is called {shown(id_)}")

    def _still_counts(self, session: Session) -> bool:
        tenant = session.principal.tenant
        if tenant is not None and self._tree.chain(tenant) is None:
            return False
        return not session.source or self._counts(session.source)

    def _scope(self, within: str | None) -> Collection[str] | None:
        return None if within is None else [one.tenant.id for one in self._tree.list(under=within, removed=True)]
