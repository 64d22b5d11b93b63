"""What routes share: the engine they speak for, and the errors every one of them may answer with."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from livery.engine import Engine
from livery.http.bodies import StrictRoute
from livery.http.problems import MEDIA_TYPE, ProblemDetails


async def _engine_of(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


TheEngine = Annotated[Engine, Depends(_engine_of)]
_SAID = {
    400: "The request cannot be read.",
    401: "No token came, or one that does not count.",
    403: "The role of whoever asks does not reach so far.",
    404: "There is no such thing, or it is not for whoever asks to see.",
    409: "It contradicts what is there.",
    412: "It was changed since it was read.",
    413: "The body is too large.",
    415: "The body is in a form that is not read here.",
    422: "Something in the request is wrong; `errors` says what and where.",
    429: "Too many requests; `Retry-After` says when to come again.",
    503: "Not now; `Retry-After` says when to come again.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors a route may answer with, for its description."""
    schema = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": _SAID[status], "content": schema, "model": ProblemDetails}
        for status in sorted(statuses)
    }


def router(tag: str, *, needs_token: bool = True) -> APIRouter:
    """Routes about one thing."""
    always = problems(400, 401, 403, 429) if needs_token else {}
    return APIRouter(tags=[tag], route_class=StrictRoute, responses=always)
