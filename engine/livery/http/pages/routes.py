"""Routes of pages: errors as pages in words, and forms that are only taken from our own pages."""

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from livery.errors import LiveryError, Problem
from livery.http.gate import Forbidden, Unauthenticated, gate_of
from livery.http.pages.shell import Page
from livery.http.problems import REQUEST_ID, http_problem, kind_of
from livery.http.sessions import TOKEN, is_our_form

log = logging.getLogger("livery.http")
_HTMX = "hx-request"
_MAX_FIELDS = 400
_FAILED = 500
_TITLES = {
    400: "This cannot be read",
    403: "This is not for you to do",
    404: "There is no such page here",
    405: "This cannot be done here",
    409: "This was not done",
    413: "This is too large",
    422: "Something is not right yet",
    429: "Too many requests",
    500: "Something failed here",
    503: "This cannot be done right now",
    507: "There is no room left",
}


class Form:
    """The fields of a form from one of our own pages."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str, default: str = "") -> str:
        """A field without spaces around it; `default` if it was not sent."""
        value = self._data.get(name)
        return value.strip() if isinstance(value, str) else default

    def number(self, name: str) -> int | None:
        """A field that holds a whole number; None if it holds anything else."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - 64 bits

    def has(self, name: str) -> bool:
        return name in self._data

    def items(self) -> list[tuple[str, str]]:
        """Every field that is text, as it was sent."""
        return [(name, value) for name, value in self._data.multi_items() if isinstance(value, str)]

    def file(self, name: str) -> Any:
        """An upload (`starlette.datastructures.UploadFile`); None if none was sent."""
        value = self._data.get(name)
        return None if value is None or isinstance(value, str) or not value.filename else value


async def _form(request: Request) -> AsyncIterator[Form]:
    """The form of a request; its uploads are there as long as it is answered.

    Raises:
        Forbidden: it is from no page of ours that this browser was shown.

    """
    async with request.form(max_files=4, max_fields=_MAX_FIELDS) as data:
        token = data.get(TOKEN)
        if not isinstance(token, str) or not is_our_form(request, token):
            raise Forbidden(
                "This form is not of a page that you were shown, or you have signed in anew since. Load the page again."
            )
        yield Form(data)


Fields = Annotated[Form, Depends(_form)]


class PageRoute(APIRoute):
    """A route that answers errors as pages: to who has not signed in with the way to do so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except Unauthenticated:
                return _to_sign_in(request)
            except Exception as error:  # noqa: BLE001 - whoever looks at a page is told by a page
                return await _error(request, error)

        return handler


def pages() -> APIRouter:
    """A router for pages; no page is in the API's description."""
    return APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=Response)


async def unrouted(request: Request, error: Exception) -> Response:
    """What no page and no route of the API answers: a page for a browser, problem details for programs."""
    is_api = request.url.path.removeprefix(str(request.scope.get("root_path", ""))).startswith("/v1/")
    if request.method == "GET" and not is_api and "text/html" in request.headers.get("accept", ""):
        return await _error(request, error)
    return await http_problem(request, error)


def _to_sign_in(request: Request) -> Response:
    page = Page(request)
    back = request.url.path.removeprefix(page.root) + (f"?{request.url.query}" if request.url.query else "")
    target = page.at("sign-in", back=back if request.method == "GET" and back != "/" else "")
    if request.headers.get(_HTMX):
        return Response(status_code=200, headers={"HX-Redirect": target})
    return page.go(target)


async def _error(request: Request, error: Exception) -> Response:
    status, said, problems = _told(request, error)
    try:
        who = await gate_of(request).principal(request)
    except (HTTPException, LiveryError):
        who = None
    page = Page(request, who)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    back = request.headers.get("referer", "") if request.method != "GET" else ""
    is_back = back.startswith(str(request.base_url))
    response = page.show(
        "error.html.j2",
        status=status,
        title=_TITLES.get(status, "This did not work"),
        detail=said,
        problems=problems,
        back=back if is_back else page.at(""),
        is_back=is_back,
        name=request.scope.get(REQUEST_ID, ""),
    )
    response.headers.update({key: value for key, value in headers.items() if key.lower() != "content-type"})
    return response


def _told(request: Request, error: Exception) -> tuple[int, str, tuple[Problem, ...]]:
    """The status, what to say, and each thing that is wrong."""
    if isinstance(error, HTTPException):
        is_said = error.detail not in ("Not Found", "Method Not Allowed")
        return error.status_code, str(error.detail) if is_said else "The address may be mistyped or out of date.", ()
    if isinstance(error, RequestValidationError):
        return 422, "The address or the form holds something that cannot be read.", ()
    status = kind_of(error).status if isinstance(error, LiveryError) else _FAILED
    if status == _FAILED:
        name, address = request.scope.get(REQUEST_ID), f"{request.method} {request.url.path}"
        log.error("request %s: %s failed: %s", name, address, type(error).__name__, exc_info=error)
        return status, "The service's log says why, under the name below.", ()
    summary = getattr(error, "summary", "") or str(error)
    return status, sentence(summary), tuple(getattr(error, "problems", ()))


def sentence(text: str) -> str:
    """What an error says, as a sentence of a page."""
    bare = text.strip().rstrip(":")
    return bare[:1].upper() + bare[1:] + ("" if bare.endswith((".", "!", "?")) else ".")
