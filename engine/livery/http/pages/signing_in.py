"""Signing in and out: by a token, by the one-time link that `livery serve` prints, or at an OpenID provider."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from livery.errors import LiveryError, NotFound
from livery.http.gate import PUBLIC, gate_of
from livery.http.oidc import COOKIE, LASTS, Asked, Provider, SignInFailed
from livery.http.pages.once import Said
from livery.http.pages.routes import Fields, pages
from livery.http.pages.shell import Page
from livery.http.sessions import secret_of, signed_in, signed_out
from livery.identity import digest
from livery.models.identity import Principal

router = pages()
_NO_TOKEN = "This token does not count: it may be mistyped, revoked or over."  # noqa: S105 - a sentence
_NO_LINK = (
    "This link does not count any more: it signs in once, and for a few minutes. Start the service again for a new one."
)
Back = Annotated[str, Query(max_length=2000)]


@router.get("/sign-in", dependencies=[PUBLIC])
def asked(request: Request, back: Back = "") -> Response:
    return _form(Page(request), back=safe(back))


@router.post("/sign-in", dependencies=[PUBLIC])
def by_token(request: Request, form: Fields) -> Response:
    page, secret, back = Page(request), form.text("token"), safe(form.text("back"))
    gate_of(request).check_stranger(request)
    principal = page.engine.identity.by_token(secret)
    if principal is None:
        return _form(page, back=back, problem=_NO_TOKEN, status=403)
    return enter(page, principal, back=back, source=digest(secret))


@router.get("/sign-in/link", dependencies=[PUBLIC])
def by_link_asked(request: Request, key: Annotated[str, Query(max_length=200)] = "") -> Response:
    """A page with a button: programs that look at links in messages must not use one up."""
    return Page(request).show("sign_in_link.html.j2", title="Sign in", key=key)


@router.post("/sign-in/link", dependencies=[PUBLIC])
def by_link(request: Request, form: Fields) -> Response:
    page = Page(request)
    gate_of(request).check_stranger(request)
    principal = page.engine.identity.by_link(form.text("key"))
    if principal is None:
        return _form(page, back="", problem=_NO_LINK, status=403)
    return enter(page, principal, back="")


@router.get("/sign-in/oidc", dependencies=[PUBLIC])
def at_provider(request: Request, back: Back = "") -> Response:
    """To the OpenID provider."""
    page = Page(request)
    gate_of(request).check_stranger(request)
    try:
        address, asked = _provider(page).ask(_redirect_uri(page), safe(back))
    except SignInFailed as error:
        return _form(page, back=safe(back), problem=str(error), status=503)
    response = page.go(address)
    response.set_cookie(
        COOKIE, asked.as_cookie(), max_age=LASTS, path=page.at("sign-in"), httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return response


@router.get("/sign-in/oidc/back", dependencies=[PUBLIC])
def from_provider(request: Request) -> Response:
    """Back from the OpenID provider."""
    page, asked = Page(request), Asked.from_cookie(request.cookies.get(COOKIE, ""))
    gate_of(request).check_stranger(request)
    try:
        principal = _provider(page).answer(_redirect_uri(page), asked, request.query_params)
        if principal.tenant is not None:
            page.engine.tenants.show(principal.tenant)
        response = enter(page, principal, back=safe(asked.back) if asked else "")
    except SignInFailed as error:
        response = _form(page, back="", problem=str(error), status=403)
    except NotFound:
        response = _form(page, back="", problem="Your organisation is no tenant here.", status=403)
    response.delete_cookie(COOKIE, path=page.at("sign-in"))
    return response


@router.post("/sign-out", dependencies=[PUBLIC])
def out(request: Request, form: Fields) -> Response:
    del form
    page = Page(request)
    page.engine.sessions.end(secret_of(request))
    return signed_out(page.go(page.at("sign-in"), Said("You have signed out.")), request)


def enter(page: Page, principal: Principal, *, back: str, source: str = "") -> Response:
    """Begin a session, and send them on to where they wanted to go."""
    engine, request = page.engine, page.request
    try:
        secret = engine.sessions.begin(principal, source=source, instead_of=secret_of(request))
    except LiveryError:
        raise HTTPException(503, "You could not be signed in, since nothing can be stored right now.") from None
    return signed_in(page.go(f"{page.root}{back}" if back else page.at("")), request, secret)


def safe(back: str) -> str:
    """An address of our own to go back to: one slash and what follows; anything else is home."""
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable() and "\\" not in back
    return back if is_ours else ""


def _provider(page: Page) -> Provider:
    """The provider, whose settings are kept from one sign-in to the next."""
    state, policy = page.request.app.state, page.engine.config.sign_in.oidc
    if policy is None:
        raise NotFound("nobody signs in at a provider here")
    if getattr(state, "provider", None) is None:
        state.provider = Provider(policy)
    found: Provider = state.provider
    return found


def _redirect_uri(page: Page) -> str:
    """Where the provider sends the browser back to."""
    base = page.engine.config.server.public_url or str(page.request.base_url)
    return f"{base.rstrip('/')}/sign-in/oidc/back"


def _form(page: Page, *, back: str, problem: str = "", status: int = 200) -> Response:
    provider = page.engine.config.sign_in.oidc
    label = provider.label if provider else ""
    return page.show("sign_in.html.j2", status=status, title="Sign in", back=back, problem=problem, provider=label)
