"""The short way of `POST /v1/events` answers as the route does, whatever comes."""

import json

import pytest

from livery.http import front
from service.served import event

PATH = "/v1/events"
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


@pytest.fixture
def shortly(monkeypatch):
    """How many requests have gone the short way."""
    seen = []

    async def counted(request, who):
        seen.append(request)
        return await handed_in(request, who)

    handed_in, is_plain = front.post_events, front._is_plain
    monkeypatch.setattr(front, "post_events", counted)
    # Once a test has set up OpenTelemetry for its process, FastAPI traces whatever is asked there.
    untraced = lambda scope: is_plain({name: one for name, one in scope.items() if name != "fastapi.telemetry"})  # noqa: E731
    monkeypatch.setattr(front, "_is_plain", untraced)
    return seen


def said(answer):
    """An answer but for what names the request."""
    named = {key: value for key, value in answer.headers.items() if key != "x-request-id"}
    body = {key: value for key, value in answer.json().items() if key != "instance"}
    return answer.status_code, named, body


@pytest.mark.parametrize(
    ("body", "headers", "role", "tenant", "status"),
    [
        (event(), STRUCTURED, "sender", None, 202),
        ([event(), event(id_="evt-2")], BATCH, "sender", None, 202),
        (event(seller="stall"), STRUCTURED, "sender", "north", 422),
        (event(time="yesterday"), STRUCTURED, "sender", None, 422),
        (event(subject="another"), STRUCTURED, "sender", None, 409),
        ([event(), {}], BATCH, "sender", None, 422),
        (b"{", STRUCTURED, "sender", None, 400),
        (b"\xff", STRUCTURED, "sender", None, 400),
        (b"{}", {"Content-Type": "text/plain"}, "sender", None, 415),
        (b"{}", {**STRUCTURED, "Content-Encoding": "gzip"}, "sender", None, 415),
        (b" " * 6_000_000, STRUCTURED, "sender", None, 413),
        (event(), STRUCTURED, "viewer", None, 403),
        (event(), {**STRUCTURED, "Authorization": "Bearer livery_none"}, None, None, 401),
        (event(), STRUCTURED, None, None, 401),
    ],
)
def test_the_short_way_answers_as_the_route_does(service, shortly, monkeypatch, body, headers, role, tenant, status):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    service.engine.accept(event())
    service.engine.accept(event(id_="evt-2"))
    headers = {**(service.bearer(role, tenant) if role else {}), **headers}
    short = service.request("POST", PATH, content=raw, headers=headers)
    count = len(shortly)
    monkeypatch.setattr(front, "_is_plain", lambda _: False)
    long = service.request("POST", PATH, content=raw, headers=headers)
    assert len(shortly) == count
    assert count == (status not in (401, 403))
    assert said(short) == said(long)
    assert short.status_code == status


def test_other_methods_and_paths_go_by_the_routes(service, shortly):
    assert service.ask("GET", PATH, "viewer").status_code == 200
    assert service.ask("PUT", PATH, "sender").status_code == 405
    assert service.ask("POST", f"{PATH}/", "sender").status_code in (307, 404, 405)
    assert not shortly
