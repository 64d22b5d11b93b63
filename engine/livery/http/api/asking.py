"""`/v1/explain` and `/v1/preview`: who would be told what, and in which words. Nothing is sent and nothing stored."""

import base64
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from livery.engine import Engine
from livery.errors import EventError, Problem
from livery.http.api import examples
from livery.http.api.common import TheEngine, problems, router
from livery.http.bodies import events_of
from livery.http.gate import Viewer
from livery.http.intake import Raw
from livery.models.event import Event
from livery.models.explanation import Explanation, Wording
from livery.models.identity import Principal

routes = router("asking")


class PreviewOut(BaseModel):
    """The exact message a channel would send."""

    channel: str
    title: str
    text: str = Field(description="As plain text.")
    html: str = Field(description="Of an e-mail. Show it in a sandboxed frame: it is what a pack and an event say.")
    wording: Wording
    wire: str = Field(description="The bytes that would be sent, in base64.")


@routes.post(
    "/v1/explain",
    summary="Who would be told, why, and through what",
    responses=problems(415),
    openapi_extra={"requestBody": examples.ONE_EVENT_BODY},
)
async def explain(request: Request, who: Viewer, engine: TheEngine) -> Explanation:
    """For an event as one would hand it in. Sends and stores nothing."""
    raw = await _one(request)
    return await run_in_threadpool(lambda: engine.explain(_mine(engine, who, raw)))


@routes.post(
    "/v1/preview",
    summary="The exact message a channel would send",
    responses=problems(404, 415),
    openapi_extra={"requestBody": examples.ONE_EVENT_BODY},
)
async def preview(
    request: Request,
    who: Viewer,
    engine: TheEngine,
    channel: Annotated[str, Query(max_length=100, description="Such as smtp, slack, teams or webhook.")] = "smtp",
    locale: Annotated[str | None, Query(max_length=85, description="BCP 47 tag; else the reader's.")] = None,
) -> PreviewOut:
    """For an event as one would hand it in. Secrets in it are concealed. Sends and stores nothing."""
    raw = await _one(request)
    made = await run_in_threadpool(lambda: engine.preview(_mine(engine, who, raw), channel=channel, locale=locale))
    return PreviewOut(
        channel=channel,
        title=made.message.title,
        text=made.message.text,
        html=str(made.message.html),
        wording=made.wording,
        wire=base64.b64encode(made.wire).decode(),
    )


async def _one(request: Request) -> Raw:
    events, is_batch = await events_of(request)
    if is_batch:
        raise EventError("one event is asked about:", [Problem("(whole)", "one event", "a batch")])
    return events[0]


def _mine(engine: Engine, who: Principal, raw: Raw) -> Event:
    read = engine.read(raw)
    engine.planner.chain(read, within=who.tenant)
    return read
