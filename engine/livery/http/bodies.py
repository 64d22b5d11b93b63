"""Bodies: JSON that is read as strictly as events are, and CloudEvents in each of their three forms.

What two readers could read differently is refused: two keys of one name, NaN, text that is no UTF-8.
"""

from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any
from urllib.parse import unquote

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from livery import border
from livery.errors import EventError, InputError, Problem, shown
from livery.http.intake import Raw
from livery.http.problems import BODY, Told

STRUCTURED, BATCH, JSON = "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"
_PLAIN = frozenset({STRUCTURED, BATCH, JSON})
MAX_EVENTS = 1000
_NAME = 80
"""Characters of a name in a query that an error repeats."""
_PREFIX, _NOT_IN_HEADERS = "ce-", frozenset({"data", "data_base64", "datacontenttype"})


class StrictRequest(Request):
    """A request whose JSON keeps to the rules of `livery.border`."""

    async def json(self) -> Any:
        if not hasattr(self, "_strict"):
            try:
                self._strict = self.scope[BODY] = border.parsed(await self.body(), "the body")
            except EventError as error:
                raise Told(error, 400) from None
        return self._strict


class StrictRoute(APIRoute):
    """A route that reads JSON strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, known = super().get_route_handler(), _asked_by(self.dependant)

        async def handled(request: Request) -> Response:
            if b"%00" in request.scope["query_string"] or "\x00" in request.scope["path"]:
                raise HTTPException(400, "There is a NUL in the address, which no store can hold.")
            if self.path.startswith("/v1/"):
                _check_query(request, known)
            return await handle(StrictRequest(request.scope, request.receive))

        return handled


def _asked_by(dependant: Dependant) -> frozenset[str]:
    """The names that a route reads of a query, by itself and by what it depends on."""
    own = (one.alias for one in dependant.query_params)
    return frozenset(own).union(*(_asked_by(one) for one in dependant.dependencies))


def _check_query(request: Request, known: frozenset[str]) -> None:
    """That nothing is asked for which is not read: a filter that is mistyped would give all there is.

    Raises:
        Told: 422, names each.

    """
    unknown = [name for name in request.query_params if name not in known] if request.scope["query_string"] else []
    if unknown:
        expected = f"one of {', '.join(sorted(known))}" if known else "nothing after the `?`"
        problems = [Problem(name[:_NAME], expected) for name in dict.fromkeys(unknown)]
        raise Told(InputError("the address asks for what is not known here:", problems), 422)


async def events_of(request: Request) -> tuple[list[Raw], bool]:
    """The events in a request, and whether they came as a batch (CloudEvents HTTP binding 1.0.2, §3).

    Raises:
        EventError: they cannot be read.
        HTTPException: 415, they are in no form that is read here.

    """
    kind, charset = _media_type(request)
    body = await request.body()
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise HTTPException(415, f"Events are read as UTF-8, not as {shown(charset)}.")
    if kind == BATCH:
        return _batch(body), True
    if kind == STRUCTURED or (kind == JSON and "ce-specversion" not in request.headers):
        return [body], False
    if kind == JSON:
        return [_binary(request, body)], False
    accepted = f"{STRUCTURED}, {BATCH}, {JSON}"
    raise HTTPException(415, f"Send {accepted}; this came as {shown(kind or 'nothing')}.", {"Accept": accepted})


def _media_type(request: Request) -> tuple[str, str]:
    given = request.headers.getlist("content-type")
    if len(given) > 1:
        raise HTTPException(400, "One Content-Type is read, and several came.")
    said = given[0] if given else ""
    if said in _PLAIN:
        return said, ""
    message = Message()
    message["content-type"] = said
    charset = message.get_param("charset", "")
    return said.partition(";")[0].strip().lower(), charset.lower() if isinstance(charset, str) else "?"


def _batch(body: bytes) -> list[Raw]:
    found = border.parsed(body, "the batch")
    if not isinstance(found, list):
        raise EventError("not a batch:", [Problem("(whole)", "a JSON array of events", shown(found))])
    if len(found) > MAX_EVENTS:
        said = Problem("(whole)", f"at most {MAX_EVENTS} events", str(len(found)))
        raise EventError("the batch is too large:", [said])
    others = [(at, one) for at, one in enumerate(found) if not isinstance(one, dict)]
    if others:
        wrong = [Problem(str(at), "an event, as a JSON object", shown(one)) for at, one in others]
        raise EventError("the batch holds what is no event:", wrong)
    return list(found)


def _binary(request: Request, body: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for name, value in request.headers.items():
        attribute = name.removeprefix(_PREFIX)
        if attribute == name:
            continue
        if attribute in event or attribute in _NOT_IN_HEADERS:
            raise _wrong(attribute, "one header for each attribute, and none for the data", name)
        try:
            event[attribute] = unquote(value, errors="strict")
        except UnicodeDecodeError:
            raise _wrong(attribute, "percent-encoded UTF-8", shown(value)) from None
    return {**event, "datacontenttype": JSON, "data": border.parsed(body, "the data")}


def _wrong(attribute: str, expected: str, came: str) -> EventError:
    return EventError("the event is wrong:", [Problem(attribute, expected, came)])
