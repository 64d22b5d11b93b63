"""What routes share: the engine they speak for, ids in paths, pages of long lists, the errors they may answer with."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, Field

from livery.engine import Engine
from livery.errors import InputError, Problem, shown
from livery.http.bodies import StrictRoute
from livery.http.problems import ProblemDetails
from livery.models.identity import Principal
from livery.storage.database import micros, moment

_Item = TypeVar("_Item")
_ESCAPED = re.compile(r"(~[0-9A-Fa-f]{2})+")
_SAID = {
    400: "The request cannot be read.",
    401: "No token came, or one that does not count.",
    403: "The role of whoever asks does not reach so far.",
    404: "There is no such thing, or it is not for whoever asks to see.",
    408: "The body took too long to arrive.",
    409: "It contradicts what is there.",
    412: "It was changed since it was read.",
    413: "The body is too large.",
    415: "The body is in a form that is not read here.",
    422: "Something in the request is wrong; `errors` says what and where.",
    429: "Too many requests; `Retry-After` says when to come again.",
    503: "Not now; `Retry-After` says when to come again.",
}
EXAMPLE_PROBLEM = {
    "type": "urn:livery:problem:event-invalid",
    "title": "The event was refused",
    "status": 422,
    "detail": "the event is wrong",
    "instance": "urn:livery:request:9b3727617a56b28b",
    "errors": [{"detail": "expected a value, none is given", "pointer": "#/data/customer"}],
}


async def _engine_of(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


TheEngine = Annotated[Engine, Depends(_engine_of)]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors a route may answer with, for its description."""
    told = {"model": ProblemDetails}
    return {status: {"description": _SAID[status], **told} for status in sorted(statuses)}


def router(tag: str, *, needs_token: bool = True) -> APIRouter:
    """Routes about one thing."""
    always = problems(400, 401, 403, 413, 422, 429, 503) if needs_token else {}
    return APIRouter(tags=[tag], route_class=StrictRoute, responses=always)


# ------------------------------------------------------------------ ids in paths


def unsegment(part: str) -> str:
    """An id as it stood before `~` took the place of `%` in it: servers read `%2F` as a slash, and `~2F` as it is."""
    return _ESCAPED.sub(lambda found: unquote(found[0].replace("~", "%")), part)


_ID = "An id with a slash is written with `~2F` for it, one with a tilde with `~7E`."
TenantPath = Annotated[
    str,
    Path(
        alias="tenant", min_length=1, max_length=600, description=f"The id of the tenant. {_ID}", examples=["nordwind"]
    ),
    AfterValidator(unsegment),
]
SomeId = Annotated[str, Path(min_length=1, max_length=600, description=_ID), AfterValidator(unsegment)]
TenantFilter = Annotated[
    str | None, Query(min_length=1, max_length=200, description="Only this tenant's, and of those below it.")
]


# ------------------------------------------------------------------ long lists

Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before; what is older follows.")]


class Page(BaseModel, Generic[_Item]):
    """A part of a long list."""

    items: list[_Item]
    next: str | None = Field(description="For `cursor`, to have what follows; null if nothing does.")


def cursor_of(at: datetime, id_: str) -> str:
    """Where a page ended."""
    return urlsafe_b64encode(f"{micros(at)} {id_}".encode()).decode().rstrip("=")


def after(cursor: str | None) -> tuple[datetime, str] | None:
    """Where the page before ended.

    Raises:
        InputError: it is no cursor of ours.

    """
    if cursor is None:
        return None
    try:
        at, _, id_ = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        return moment(int(at)), id_
    except (ValueError, OverflowError):
        said = [Problem("cursor", "`next` of the page before", shown(cursor))]
        raise InputError("the request is wrong:", said) from None


def cut(found: Sequence[_Item], limit: int) -> tuple[list[_Item], bool]:
    """What fits a page of one more than was asked for, and whether more follows."""
    return list(found[:limit]), len(found) > limit


def scope(engine: Engine, who: Principal, tenant: str | None) -> str | None:
    """The tenant a list is made for: the one asked for, else whom they act for; None for every tenant.

    Raises:
        NotFound: the tenant is not theirs, or there is none.

    """
    if tenant is None:
        return who.tenant
    engine.tenants.show(tenant, within=who.tenant)
    return tenant


# ------------------------------------------------------------------ times


def _zoned(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a time with its zone, such as 2026-12-01T08:00:00+01:00")
    return at


Moment = Annotated[datetime, AfterValidator(_zoned)]
"""A time with its zone."""
