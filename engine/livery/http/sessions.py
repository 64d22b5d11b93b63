"""Sessions over HTTP: the cookie that says who asks, and the token by which a form shows that it is ours.

Only the browser has the session's secret; the store keeps a hash of it, and forms carry another. A new sign-in gets
a new one. Before anybody has signed in, and for those whom the host knows, a cookie of its own takes its place.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from livery.identity import Sessions
from livery.models.identity import Principal

SESSION, FORM = "livery_session", "livery_form"
TOKEN = "form_token"  # noqa: S105 - the name of a form's field
_BYTES = 32
_LONGEST = 100
_Response = TypeVar("_Response", bound=Response)


async def recognise(request: Request) -> Principal | None:
    """Who asks, by the cookie of their session; None without one that counts. For `Gate.recognisers`."""
    secret = secret_of(request)
    sessions: Sessions = request.app.state.engine.sessions
    session = await run_in_threadpool(sessions.of, secret) if secret else None
    if session is None:
        return None
    # Whatever they signed in with: a browser sends the cookie along with what other sites' pages ask for, too.
    return session.principal.model_copy(update={"via": "session", "id": session.id})


def secret_of(request: Request) -> str:
    """The secret of a session; empty if there is none."""
    found = request.cookies.get(SESSION, "")
    return found if len(found) <= _LONGEST else ""


def signed_in(response: Response, request: Request, secret: str) -> Response:
    """Let a browser keep the secret of a new session."""
    response.set_cookie(SESSION, secret, **_manner(request))
    response.delete_cookie(FORM, path=_path(request))
    return response


def signed_out(response: Response, request: Request) -> Response:
    manner = _manner(request)
    response.delete_cookie(SESSION, **{name: manner[name] for name in ("path", "secure", "httponly", "samesite")})
    return response


def form_token(request: Request) -> tuple[str, str]:
    """What the forms of a page carry, and the secret of a new cookie if there is none it could be made of."""
    secret = secret_of(request) or _form_secret(request)
    fresh = "" if secret else secrets.token_urlsafe(_BYTES)
    return _token(secret or fresh), fresh


def with_form_cookie(response: _Response, request: Request, fresh: str) -> _Response:
    """Let a browser keep the secret that its forms' tokens are made of, if it is new."""
    if fresh:
        response.set_cookie(FORM, fresh, **_manner(request))
    return response


def is_our_form(request: Request, token: str) -> bool:
    """Whether a form is from a page of ours that this browser was shown."""
    candidates = [one for one in (secret_of(request), _form_secret(request)) if one]
    return any(hmac.compare_digest(_token(one).encode(), token.encode()) for one in candidates)


def _form_secret(request: Request) -> str:
    found = request.cookies.get(FORM, "")
    return found if len(found) <= _LONGEST else ""


def _token(secret: str) -> str:
    return sha256(b"livery form\0" + secret.encode()).hexdigest()


def _path(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/") or "/"


def _manner(request: Request) -> dict[str, Any]:
    """How cookies are set. In a frame of the host's portal they have to travel across sites, which needs https."""
    secure = request.url.scheme == "https"
    in_a_frame = secure and bool(request.app.state.engine.config.server.frame_ancestors)
    site = "none" if in_a_frame else "lax"
    return {"path": _path(request), "httponly": True, "secure": secure, "samesite": site}
