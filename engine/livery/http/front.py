"""The front: where nearly all requests go, one event handed in, they go the short way.

Owns which requests that are. They come to the very function of the route, by the rule of the route; what is left out
is FastAPI's looking for a route and putting arguments together, which takes longer than to accept the event.
"""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from livery.errors import LiveryError
from livery.http import problems
from livery.http.api.events import post_events
from livery.http.bodies import StrictRequest
from livery.http.gate import SENDER

_PATH = "/v1/events"


class Front:
    """ASGI middleware, within `Limits`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_plain(scope):
            await self._app(scope, receive, send)
            return
        request = StrictRequest(scope, receive)
        try:
            response = await post_events(request, await SENDER(request))
        except (LiveryError, HTTPException) as error:
            response = problems.said(request, error)
        await response(scope, receive, send)


def _is_plain(scope: Scope) -> bool:
    """Whether the route would do nothing else with it; one that FastAPI traces goes by the route."""
    return (
        scope["type"] == "http"
        and scope["method"] == "POST"
        and scope["path"].removeprefix(scope.get("root_path", "")) == _PATH
        and not scope["query_string"]
        and "fastapi.telemetry" not in scope
    )
