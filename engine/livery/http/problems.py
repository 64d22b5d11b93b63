"""Errors as problem details (RFC 9457): what was wrong, where in the request, and what to do. Never a traceback."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from livery import errors
from livery.errors import LiveryError, Problem, shown

log = logging.getLogger("livery.http")
MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:livery:problem:"
_SHOWN = 50
REQUEST_ID, BODY = "livery_request_id", "livery_body"
"""Where the scope of a request has its name, and its body as it was read."""


class ProblemAt(BaseModel):
    """One thing that is wrong in a request."""

    detail: str = Field(description="What was expected, and what came.")
    pointer: str | None = Field(default=None, description="JSON Pointer into the body (RFC 6901), as a URI fragment.")
    parameter: str | None = Field(default=None, description="The parameter of the path, the query or a header.")
    about: str | None = Field(default=None, description="What it is about, if it is no part of the request.")


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="Names the kind of error for programs; `about:blank` if the status says it all.")
    title: str = Field(description="The kind of error, for people; the same for every occurrence.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong this time, and what to do.")
    instance: str = Field(default="", description="Names this request; it is in the service's log.")
    errors: list[ProblemAt] = Field(default=[], description="Each thing that is wrong, where that can be said.")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of error: its status, its name for programs, its title for people, and when to come again."""

    status: int
    name: str
    title: str
    retry_after: int = 0


_KINDS: Mapping[type[LiveryError], Kind] = {
    errors.UnknownSeller: Kind(422, "unknown-seller", "The event names no seller there is"),
    errors.UnknownEventType: Kind(422, "unknown-event-type", "The event is of no type there is"),
    errors.EventError: Kind(422, "event-invalid", "The event was refused"),
    errors.EventConflict: Kind(409, "event-conflict", "Another event came with this id before"),
    errors.Backlogged: Kind(503, "backlogged", "Too much work waits already", retry_after=30),
    errors.NoKey: Kind(409, "no-key", "The service has no key to keep secrets with"),
    errors.NotFound: Kind(404, "not-found", "There is no such thing here"),
    errors.SettingsLocked: Kind(409, "settings-locked", "A level above has locked this"),
    errors.SettingsConflict: Kind(409, "settings-conflict", "Somebody else changed it in between"),
    errors.SettingsError: Kind(422, "settings-invalid", "The change was refused"),
    errors.InputError: Kind(422, "input-invalid", "Something that was given is wrong"),
    errors.PackError: Kind(422, "pack-invalid", "The template pack is wrong"),
    errors.Refused: Kind(409, "refused", "Something hangs on what was to be changed"),
    errors.DirectoryUnavailable: Kind(503, "directory-unavailable", "The directory does not answer", retry_after=10),
    errors.StoreFull: Kind(507, "store-full", "No room is left for the store", retry_after=60),
    errors.StoreError: Kind(503, "store-failed", "The store failed", retry_after=5),
}
_FAILED = Kind(500, "internal", "The service failed")
_UNSPECIFIC: Mapping[int, Kind] = {
    400: Kind(400, "malformed", "The request cannot be read"),
    401: Kind(401, "unauthenticated", "Nobody knows who asks"),
    403: Kind(403, "forbidden", "Who asks may not do this"),
    404: Kind(404, "not-found", "There is no such thing here"),
    405: Kind(405, "method-not-allowed", "This cannot be done here"),
    408: Kind(408, "too-slow", "The request took too long to arrive"),
    412: Kind(412, "precondition-failed", "It was changed since it was read"),
    413: Kind(413, "too-large", "The request is too large"),
    415: Kind(415, "unsupported-media-type", "The body is in a form that is not read here"),
    422: Kind(422, "input-invalid", "Something that was given is wrong"),
    428: Kind(428, "precondition-required", "Say which version you change"),
    429: Kind(429, "too-many-requests", "Too many requests"),
    431: Kind(431, "headers-too-large", "The headers are too large"),
}


class Told(HTTPException):
    """One of our own errors, told by another status than it mostly is.

    400: a body that cannot be read. 412: it was changed since it was read. 422: what a body names does not exist.
    """

    def __init__(self, error: LiveryError, status: int) -> None:
        super().__init__(status, str(error))
        self.error = error


def kind_of(error: LiveryError) -> Kind:
    """The kind of one of our own errors."""
    found = next((_KINDS[one] for one in type(error).__mro__ if one in _KINDS), _FAILED)
    if found.name == "event-invalid" and not getattr(error, "problems", ()):
        return _UNSPECIFIC[400]  # it could not even be read
    return found


def answer(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    at: Sequence[ProblemAt] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response that tells of an error."""
    body = ProblemDetails(
        type=f"{_TYPE}{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=f"urn:livery:request:{request.scope.get(REQUEST_ID, '')}",
        errors=list(at[:_SHOWN]),
    )
    more = {"Retry-After": str(kind.retry_after)} if kind.retry_after else {}
    said = body.model_dump_json(exclude_none=True)
    return Response(said, kind.status, {**more, **(headers or {})}, media_type=MEDIA_TYPE)


def of_livery(request: Request, error: LiveryError, *, at: str = "", kind: Kind | None = None) -> Response:
    """One of our own errors as problem details.

    Args:
        request: the request.
        error: the error.
        at: a JSON Pointer to the part of the body it is about.
        kind: what kind of error it is here, if not the one it mostly is.

    """
    kind, problems = kind or kind_of(error), getattr(error, "problems", ())
    if kind is _FAILED:
        log.error("request %s: %s: %s", request.scope.get(REQUEST_ID), type(error).__name__, error)
        return answer(request, kind, "The service failed; its log says why, under this request's name.")
    detail = getattr(error, "summary", "") or str(error)
    found = [ProblemAt(detail=_told(one), about=one.place or None) for one in getattr(error, "findings", ())]
    return answer(request, kind, detail.rstrip(":"), at=[*(_placed(request, one, at) for one in problems), *found])


def install(app: FastAPI) -> None:
    """Let every error of an application be told as problem details."""
    app.add_exception_handler(LiveryError, _livery)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, http_problem)
    app.add_exception_handler(Exception, _unforeseen)


def said(request: Request, error: LiveryError | HTTPException) -> Response:
    """The response that an application with `install` gives to such an error."""
    return of_livery(request, error) if isinstance(error, LiveryError) else of_http(request, error)


async def _livery(request: Request, error: Exception) -> Response:
    assert isinstance(error, LiveryError), "it is installed for these"
    return of_livery(request, error)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "it is installed for these"
    at = [_of_pydantic(one) for one in error.errors()]
    kind = _UNSPECIFIC[400 if any(one["type"] == "json_invalid" for one in error.errors()) else 422]
    return answer(request, kind, "The request is wrong; see errors for each thing that is.", at=at)


def plain(request: Request, status: int, detail: str) -> Response:
    """The response for an error that its status says enough of."""
    return answer(request, _UNSPECIFIC[status], detail)


async def http_problem(request: Request, error: Exception) -> Response:
    """An error that its status tells, as problem details."""
    assert isinstance(error, HTTPException), "it is installed for these"
    return of_http(request, error)


def of_http(request: Request, error: HTTPException) -> Response:
    """An error of HTTP as problem details."""
    if isinstance(error, Told):
        return of_livery(request, error.error, kind=_UNSPECIFIC[error.status_code])
    kind = _UNSPECIFIC.get(error.status_code) or Kind(error.status_code, "error", "The request failed")
    detail = {404: "Nothing is found at this address.", 405: "This address takes other methods; see Allow."}
    said = str(error.detail)
    if said == kind_phrase(error.status_code):
        said = detail.get(error.status_code, kind.title)
    return answer(request, kind, said, headers=error.headers)


async def _unforeseen(request: Request, error: Exception) -> Response:
    name = request.scope.get(REQUEST_ID)
    log.error("request %s: %s %s failed", name, request.method, request.url.path, exc_info=error)
    return answer(request, _FAILED, "The service failed; its log says why, under this request's name.")


def kind_phrase(status: int) -> str:
    """What Starlette says of itself where nobody said more."""
    from http import HTTPStatus

    return HTTPStatus(status).phrase


def _told(found: Any) -> str:
    """A finding in a pack, without its place."""
    said = f"{found.message}; {found.fix}" if found.fix else found.message
    return f"{found.severity}: {said}"


def _placed(request: Request, one: Problem, at: str) -> ProblemAt:
    detail = f"expected {one.expected}" + (f", got {one.came}" if one.came else "")
    if one.path in request.query_params or one.path in request.path_params:
        return ProblemAt(detail=detail, parameter=one.path)
    parts = [] if one.path == "(whole)" else one.path.split(".")
    if BODY in request.scope and not _leads(parts, request.scope[BODY]):
        return ProblemAt(detail=detail, about=one.path)
    return ProblemAt(detail=detail, pointer=f"#{at}{_pointer(parts)}")


def _leads(parts: Sequence[str], body: Any) -> bool:
    """Whether a path leads to something in a body, or to where something could be."""
    for number, part in enumerate(parts):
        if isinstance(body, list) and part.isdecimal() and int(part) < len(body):
            body = body[int(part)]
        elif isinstance(body, Mapping) and part in body:
            body = body[part]
        else:
            return isinstance(body, Mapping) and number == len(parts) - 1 and part.isidentifier()
    return True


def _pointer(parts: Sequence[str]) -> str:
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts)


def _of_pydantic(one: Mapping[str, Any]) -> ProblemAt:
    where, *path = (str(part) for part in one["loc"])
    message = str(one["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    came = "" if one["type"] in ("missing", "json_invalid") else f", got {shown(one.get('input'))}"
    detail = "a value is missing" if one["type"] == "missing" else f"expected {message}{came}"
    if one["type"] == "json_invalid":
        return ProblemAt(detail=f"not JSON: {one.get('ctx', {}).get('error', message)}", pointer="#")
    if where == "body":
        return ProblemAt(detail=detail, pointer=f"#{_pointer(path)}")
    return ProblemAt(detail=detail, parameter=".".join(path) or where)
