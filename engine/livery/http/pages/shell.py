"""The shell: what every page stands in. Owns the frame around a page, its addresses and its headers.

A page is made for somebody (a `Principal`), and for one tenant that they may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, unquote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from livery.engine import Engine
from livery.http.pages import brand, drawing
from livery.http.pages.once import Said
from livery.http.sessions import form_token, with_form_cookie
from livery.models.identity import Principal, Role
from livery.models.tenant import Chain

if TYPE_CHECKING:
    from livery.administration.facade import Settings

LISTED = 200
"""So many tenants are offered in a list; beyond that their ids are typed."""
_SAID = "livery_said"


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the navigation.

    Attributes:
        title: what it is called.
        path: its address below a tenant's.
        place: lower comes first.
        role: who is shown it.

    """

    title: str
    path: str
    place: int
    role: Role = Role.VIEWER


SECTIONS: list[Section] = []
"""Every section there is; modules of pages append theirs when they are imported."""


@dataclass(frozen=True)
class Page:
    """A request for a page: who asks, and for which tenant.

    Attributes:
        request: the request.
        who: who asks; None before anybody has signed in.
        chain: the tenant and those above it, from the platform down; empty outside of tenants.

    """

    request: Request
    who: Principal | None = None
    chain: Chain = ()
    _memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, request: Request, who: Principal, tenant: str) -> Self:
        """A page of a tenant, named as addresses name it.

        Raises:
            NotFound: there is no such tenant for them.

        """
        engine, id_ = engine_of(request), unsegment(tenant)
        engine.tenants.show(id_, within=who.tenant)
        return cls(request, who, engine.tenants.chain(id_, late=True) or ())

    # ------------------------------------------------------------------ what it is about

    @property
    def engine(self) -> Engine:
        return engine_of(self.request)

    @property
    def tenant(self) -> str:
        """The id of the tenant."""
        return self.chain[-1].id

    @property
    def name(self) -> str:
        """What people call the tenant."""
        return self.chain[-1].name or self.tenant if self.chain else "Livery"

    @property
    def within(self) -> str | None:
        """What the engine's calls take as `within`: the tenant somebody acts for, None for all."""
        return self.who.tenant if self.who else ""

    @cached_property
    def desk(self) -> "Settings":
        """The settings as they see and may change them."""
        assert self.who is not None, "only who has signed in has a desk"
        settings = self.engine.settings
        return (
            settings.by(self.who.name)
            if self.who.tenant is None
            else settings.scoped(self.who.tenant, who=self.who.name)
        )

    def may(self, role: str) -> bool:
        return self.who is not None and self.who.may(Role(role))

    # ------------------------------------------------------------------ addresses

    @property
    def root(self) -> str:
        """The address that everything is below, without a slash at its end."""
        return str(self.request.scope.get("root_path", "")).rstrip("/")

    def at(self, *parts: str, **query: Any) -> str:
        """An address of this service, whatever it is mounted under; parts are quoted, empty ones left out."""
        path = "/".join(segment(one) for one in parts if one)
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{self.root}/{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")

    def here(self, *parts: str, **query: Any) -> str:
        """An address of this tenant's pages."""
        return self.at("t", self.tenant, *parts, **query)

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks, and only for a part of a page."""
        return self.request.headers.get("hx-request-type") == "partial"

    # ------------------------------------------------------------------ answers

    def show(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page from a template of `web/`, which extends `layout.html.j2`; `title` is among the values."""
        said = Said.from_cookie(self.request.cookies.get(_SAID, ""))
        token, fresh = form_token(self.request)
        html = drawing.draw(template, page=self, said=said, form_token=token, **values)
        response = HTMLResponse(html, status)
        response.headers.update(headers(self))
        if said is not None:
            response.delete_cookie(_SAID, path=self.root or "/")
        return with_form_cookie(response, self.request, fresh)

    def go(self, address: str, said: Said | None = None) -> Response:
        """Send them on to another page, which says something once. An address of `at` or `here`."""
        response = RedirectResponse(address, 303)
        if said is not None:
            secure = self.request.url.scheme == "https"
            response.set_cookie(
                _SAID, said.as_cookie(), max_age=60, path=self.root or "/", httponly=True, samesite="lax", secure=secure
            )
        return response

    # ------------------------------------------------------------------ what the frame shows

    @cached_property
    def brand(self) -> brand.Brand:
        """The tenant's own colours; the platform's outside of tenants."""
        return brand.of(self.engine, self.chain)

    @property
    def sections(self) -> list[Section]:
        return sorted((one for one in SECTIONS if self.who and self.who.may(one.role)), key=lambda one: one.place)

    @cached_property
    def tenants(self) -> list[tuple[int, str, str]]:
        """The tenants that they may see, with how deep below the first each is; its id and its name."""
        if self.who is None:
            return []
        depths: dict[str | None, int] = {}
        found = []
        for one in self.engine.tenants.list(within=self.who.tenant):
            depth = depths.get(one.tenant.parent, -1) + 1
            depths[one.tenant.id] = depth
            found.append((depth, one.tenant.id, one.tenant.name or one.tenant.id))
        return found


def engine_of(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def segment(id_: str) -> str:
    """An id as one part of an address: servers would read `%2F` as a slash, so `~` takes the place of the `%`."""
    return quote(id_, safe="").replace("~", "%7E").replace("%", "~")


def unsegment(part: str) -> str:
    return unquote(part.replace("~", "%"))


def headers(page: Page | None) -> dict[str, str]:
    """What goes with every page: nothing is loaded but our own files, nothing of it is kept by proxies."""
    ancestors: Sequence[str] = page.engine.config.server.frame_ancestors if page else ()
    picture = page.brand.logo_origin if page and page.chain else ""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' {picture}".strip(),
        "connect-src": "'self'",
        "frame-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": " ".join(ancestors) or "'none'",
    }
    found = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if not ancestors:
        found["X-Frame-Options"] = "DENY"
    return found
