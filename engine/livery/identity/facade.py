"""`engine.identity`: tokens and one-time links, given out, revoked and recognised."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Protocol

from pydantic import ValidationError

from livery.config import problems_of
from livery.errors import InputError, NotFound, Problem, StoreError, shown
from livery.identity.secrets import LINK_PREFIX, PREFIX, Link, Token, beginning, digest, is_wellformed, minted
from livery.ids import new_id
from livery.locales import one_line
from livery.models.identity import Principal, Role
from livery.ports import Now
from livery.tenants import Tree

log = logging.getLogger("livery.identity")
_NAME = 200
_KEPT = 10_000
_FRESH = 1.0
"""Seconds for which it is not asked again whether a token counts: a revocation by another process is heard then."""
_NOTED = timedelta(minutes=1)
_LONGEST = timedelta(days=3650)
_LINK = timedelta(minutes=15)


class IdentityStore(Protocol):
    """What is kept of tokens and links. `tenants` is whose a query may touch; None for everybody's."""

    def add(self, token: Token, digest: str) -> None: ...
    def token(self, digest: str) -> Token | None: ...

    def tokens(self, tenants: Collection[str] | None, *, limit: int) -> Sequence[Token]:
        """Newest first."""
        ...

    def revoke(self, tenants: Collection[str] | None, id_: str, at: datetime, by: str) -> Token | None:
        """Revoke it; one that was revoked before stays as it was."""
        ...

    def note_use(self, id_: str, at: datetime) -> None: ...

    def add_link(self, link: Link, digest: str) -> None:
        """Keep it."""
        ...

    def take_link(self, digest: str, now: datetime) -> Link | None:
        """The link, once: whoever comes second gets None. Those that are over are forgotten."""
        ...


class Identity:
    """The tokens and links of one engine. Safe from any thread.

    With `within`, a call is made for a tenant: what is neither its own nor of those below it does not exist.

    Args:
        tree: the tenants.
        made: the store, made if there is none yet.
        found: the store, or None as long as there is none.
        now: the clock.

    """

    def __init__(
        self, tree: Tree, *, made: Callable[[], IdentityStore], found: Callable[[], IdentityStore | None], now: Now
    ) -> None:
        self._tree, self._made, self._found, self._now = tree, made, found, now
        self._lock = Lock()
        self._kept: dict[str, tuple[float, Token]] = {}

    def create_token(
        self,
        name: str,
        *,
        roles: Iterable[Role | str],
        tenant: str | None = None,
        lasts: timedelta | None = timedelta(days=365),
        by: str,
        within: str | None = None,
    ) -> tuple[Token, str]:
        """Make a token: what is kept of it, and the secret itself, which cannot be had again.

        Args:
            name: what it is for; trails call whoever comes with it so.
            roles: what it may do.
            tenant: for which tenant and all below; `within` if None, and without it every tenant there is.
            lasts: how long it counts; None for ever.
            by: who makes it; kept.
            within: the tenant somebody acts for; None for the operator.

        Raises:
            NotFound: there is no such tenant here.
            InputError: names every field that is wrong.

        """
        tenant = within if tenant is None else tenant
        if tenant is not None:
            self._tree.show(tenant, within=within)
        named, granted, wrong = one_line(name, _NAME).strip(), self._roles(roles), []
        if not named:
            wrong.append(Problem("name", "what it is for, such as `order service`"))
        if lasts is not None and not timedelta(0) < lasts <= _LONGEST:
            wrong.append(Problem("expires", f"between now and {_LONGEST.days} days from now, or never"))
        if wrong:
            raise InputError("the token is wrong:", wrong)
        principal = _principal(named, tenant, granted)
        secret, now = minted(PREFIX), self._now()
        token = Token(
            id=new_id("tok", now),
            name=named,
            shown=beginning(secret, PREFIX),
            tenant=tenant,
            roles=principal.roles,
            by=one_line(by, _NAME),
            created_at=now,
            expires_at=None if lasts is None else now + lasts,
        )
        self._made().add(token, digest(secret))
        return token, secret

    def tokens(self, *, tenant: str | None = None, within: str | None = None, limit: int = 1000) -> Sequence[Token]:
        """Tokens, newest first, also those that count no more; with `tenant`, its own and of those below it.

        Raises:
            NotFound: there is no such tenant here.

        """
        store, scope = self._found(), self._scope(tenant, within)
        return store.tokens(scope, limit=limit) if store else []

    def revoke(self, id_: str, *, by: str, within: str | None = None) -> Token:
        """Let a token count no more, at once; in other processes within a second. Idempotent.

        Raises:
            NotFound: there is none here.

        """
        store = self._found()
        token = store.revoke(self._scope(None, within), id_, self._now(), one_line(by, _NAME)) if store else None
        if token is None:
            raise NotFound(f"no token is called {shown(id_)}")
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if kept[1].id != id_}
        return token

    def by_token(self, secret: str) -> Principal | None:
        """Whom a token stands for; None if it is none, or counts no more."""
        if not is_wellformed(secret, PREFIX):
            return None
        key, now = digest(secret), self._now()
        token = self._remembered(key)
        if token is None:
            token = self._looked_up(key, now)
        return token.principal() if token is not None and token.counts(now) else None

    def at_once(self, secret: str) -> Principal | None:
        """Whom a token stands for, if it was looked up just now; None says nothing, and waits for nothing."""
        token = self._remembered(digest(secret))
        return token.principal() if token is not None and token.counts(self._now()) else None

    def counts(self, digest: str) -> bool:
        """Whether the token of a digest counts: whoever signed in by it is signed in for no longer."""
        token = self._remembered(digest) or self._looked_up(digest, self._now())
        return token is not None and token.counts(self._now())

    def create_link(self, principal: Principal, *, lasts: timedelta = _LINK) -> str:
        """The secret of a link by which somebody may sign in once."""
        if principal.tenant is not None:
            self._tree.show(principal.tenant)
        secret = minted(LINK_PREFIX)
        self._made().add_link(Link(principal, self._now() + lasts), digest(secret))
        return secret

    def by_link(self, secret: str) -> Principal | None:
        """Whom a link lets in; only the first time, and not when it is over."""
        store = self._found() if is_wellformed(secret, LINK_PREFIX) else None
        link = store.take_link(digest(secret), self._now()) if store else None
        return link.principal if link else None

    # ------------------------------------------------------------------ how

    def _remembered(self, key: str) -> Token | None:
        kept = self._kept.get(key)
        return kept[1] if kept is not None and monotonic() - kept[0] < _FRESH else None

    def _looked_up(self, key: str, now: datetime) -> Token | None:
        store = self._found()
        token = store.token(key) if store else None
        if store is None or token is None or not token.counts(now) or not self._has_a_tenant(token):
            return None
        if token.used_at is None or now - token.used_at > _NOTED:
            token = self._noted(store, token, now)
        with self._lock:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = (monotonic(), token)
        return token

    def _noted(self, store: IdentityStore, token: Token, now: datetime) -> Token:
        try:
            store.note_use(token.id, now)
        except StoreError as error:  # a full disk keeps nobody out who may look
            log.warning("when token %s was used last was not kept: %s", token.id, error)
            return token
        return replace(token, used_at=now)

    def _has_a_tenant(self, token: Token) -> bool:
        return token.tenant is None or self._tree.chain(token.tenant) is not None

    def _scope(self, tenant: str | None, within: str | None) -> Collection[str] | None:
        if tenant is not None:
            self._tree.show(tenant, within=within)
        top = tenant if tenant is not None else within
        return None if top is None else [one.tenant.id for one in self._tree.list(under=top, removed=True)]

    def _roles(self, roles: Iterable[Role | str]) -> frozenset[Role]:
        try:
            found = frozenset(Role(one) for one in roles)
        except ValueError as error:
            raise InputError(
                "the token is wrong:", [Problem("roles", f"some of {', '.join(Role)}", str(error))]
            ) from None
        if not found:
            raise InputError("the token is wrong:", [Problem("roles", f"some of {', '.join(Role)}", "none")])
        return found


def _principal(name: str, tenant: str | None, roles: frozenset[Role]) -> Principal:
    try:
        return Principal(name=name, tenant=tenant, roles=roles)
    except ValidationError as error:
        raise InputError("the token is wrong:", problems_of(error)) from None
