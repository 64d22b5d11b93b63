"""The gate: who asks, and whether they may. Every route says which role it is for; there is no other way in.

401: nobody knows who asks. 403: their role may not do it. 404: the tenant is not theirs, in the very words of one
that does not exist; that is said by the engine, which is handed the tenant they act for.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from livery.engine import Engine
from livery.http.limits import Buckets
from livery.models.identity import Principal, Role

Recognise = Callable[[Request], Awaitable[Principal | None]]
"""Says who sends a request, or None if it cannot tell."""
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER = "bearer "
_KEPT_ON = "livery_principal"


class Unauthenticated(HTTPException):
    """Nobody knows who asks. Pages answer it with the way to sign in, the API with 401."""

    def __init__(self, detail: str, *, error: str = "") -> None:
        challenge = f'Bearer realm="livery"{f", error={chr(34)}{error}{chr(34)}" if error else ""}'
        super().__init__(401, detail, {"WWW-Authenticate": challenge})


class Forbidden(HTTPException):
    """It is known who asks, and they may not."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, detail)


class Gate:
    """Knows who asks: by a token, by what else was added to it, by the host's own identity; in this order.

    Attributes:
        recognisers: asked one after the other if no token came; the pages' sessions are one of them.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine, policy = engine, engine.config.server
        self.recognisers: list[Recognise] = [self._by_host]
        self._mine = Buckets(policy.rate, policy.burst)
        self._strangers = Buckets(policy.stranger_rate, policy.stranger_burst)

    async def principal(self, request: Request) -> Principal:
        """Who asks.

        Raises:
            Unauthenticated: nobody knows.
            HTTPException: 429, they asked too often; 400, they came with two tokens.

        """
        kept: Principal | None = request.scope.get(_KEPT_ON)
        if kept is not None:
            return kept
        found = await self._recognised(request)
        self._mine.check(f"{found.via} {found.id or found.name}", found.name)
        if found.via != "token" and request.method not in _HARMLESS:
            _check_same_site(request)
        request.scope[_KEPT_ON] = found
        return found

    def check_stranger(self, request: Request) -> None:
        """Count an attempt to sign in, as a request that nobody knows the sender of.

        Raises:
            HTTPException: 429, there were too many from this address.
            Forbidden: it comes from another site's page.

        """
        self._strangers.check(address(request), "This address")
        if request.method not in _HARMLESS:
            _check_same_site(request)

    async def _recognised(self, request: Request) -> Principal:
        given = request.headers.getlist("authorization")
        if len(given) > 1:
            raise HTTPException(400, "One Authorization header is read, and several came.")
        if given and given[0][: len(_BEARER)].lower() == _BEARER:
            found = await self._by_token(given[0][len(_BEARER) :].strip())
            said, error = "This token does not count: it is none, was revoked or is over.", "invalid_token"
        else:
            found = await self._by_others(request)
            said, error = "Send a token: Authorization: Bearer livery_…; `livery token create` makes one.", ""
        if found is None:
            self._strangers.check(address(request), "This address")
            raise Unauthenticated(said, error=error)
        return found

    async def _by_others(self, request: Request) -> Principal | None:
        for recognise in self.recognisers:
            if (known := await recognise(request)) is not None:
                return known
        return None

    async def _by_token(self, secret: str) -> Principal | None:
        identity = self._engine.identity
        if (known := identity.at_once(secret)) is not None:
            return known
        return await run_in_threadpool(identity.by_token, secret)

    async def _by_host(self, request: Request) -> Principal | None:
        hooks = self._engine.hooks
        if not hooks.implementations("livery_authenticate"):
            return None
        arguments: dict[str, Any] = {"headers": dict(request.headers), "scope": request.scope}
        answer = await run_in_threadpool(lambda: hooks.first("livery_authenticate", **arguments))
        if answer is not None and not isinstance(answer[1], Principal):
            said = f"plugin {answer[0]} returned {type(answer[1]).__name__} from livery_authenticate(), no Principal"
            hooks.alarm("hook_failed", said)
            return None
        return answer[1] if answer else None


class Needs(SecurityBase):
    """The rule of a route: a dependency that gives the principal, if it may do what the role is for."""

    def __init__(self, role: Role | None) -> None:
        self.role = role
        self.model = HTTPBearer(description="A token that `livery token create` made.", bearerFormat="livery_…")
        self.scheme_name = "token"

    async def __call__(self, request: Request) -> Principal:
        who = await gate_of(request).principal(request)
        if self.role is not None and not who.may(self.role):
            has = ", ".join(sorted(who.roles)) or "none"
            raise Forbidden(f"This takes the role {self.role}, and {who.name} has {has}.")
        return who


def anybody() -> None:
    """The rule of a route that everybody may read."""


SENDER = Needs(Role.SENDER)
Sender = Annotated[Principal, Depends(SENDER)]
Viewer = Annotated[Principal, Depends(Needs(Role.VIEWER))]
Designer = Annotated[Principal, Depends(Needs(Role.DESIGNER))]
Admin = Annotated[Principal, Depends(Needs(Role.ADMIN))]
Operator = Annotated[Principal, Depends(Needs(Role.OPERATOR))]
PUBLIC = Depends(anybody)


def every_route(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Every route of an application or router, also of the routers in it."""
    for one in routes:
        if isinstance(one, APIRoute):
            yield one
        else:
            # FastAPI keeps an included router whole in its later versions; before, its routes were copied.
            yield from every_route(getattr(getattr(one, "original_router", None), "routes", ()))


def rule_of(route: APIRoute) -> Needs | None:
    """The rule of a route; None for everybody.

    Raises:
        LookupError: it has none, which is a mistake.

    """
    rules = [one.call for one in route.dependant.dependencies]
    needs = [one for one in rules if isinstance(one, Needs)]
    if not needs and anybody not in rules:
        raise LookupError(f"{sorted(route.methods or ())} {route.path} says not whom it is for")
    return needs[0] if needs else None


def gate_of(request: Request) -> Gate:
    """The gate of the service a request came to."""
    gate: Gate = request.app.state.gate
    return gate


def address(request: Request) -> str:
    """Where a request comes from, as strangers are counted: an IPv6 network of 64 bits is one."""
    host = request.client.host if request.client else ""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else host  # noqa: PLR2004


def _check_same_site(request: Request) -> None:
    """That what changes something comes from this service's own pages, since a browser sends cookies with all.

    Raises:
        Forbidden: it comes from another site's page.

    """
    site, origin = request.headers.get("sec-fetch-site", ""), request.headers.get("origin", "")
    own = {f"{request.url.scheme}://{request.headers.get('host', '')}", _public(request)}
    if site in ("cross-site", "same-site") or (origin and origin not in own):
        raise Forbidden("This came from another site's page; only this service's own pages change something.")


def _public(request: Request) -> str:
    """The origin that people know the service by, if it is told: proxies may ask for another host."""
    parts = urlsplit(request.app.state.engine.config.server.public_url or "")
    return f"{parts.scheme}://{parts.netloc}"
