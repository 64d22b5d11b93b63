"""`/v1/event-types` and `/v1/channels`: what can be told, and by which ways; the JSON Schemas of webhook bodies."""

from typing import Any

from pydantic import BaseModel, Field

from livery.errors import NotFound, shown
from livery.http.api.common import SomeId, TheEngine, problems, router
from livery.http.gate import Viewer
from livery.models.event import EventType

routes = router("catalogue")


class EventTypeOut(BaseModel):
    """A kind of event people can be told about."""

    name: str = Field(description="The CloudEvents `type`.")
    summary: str = Field(description="What it is about.")
    notification: str = Field(description="The notification definition of packs.")
    critical: bool = Field(description="Never held back by quiet periods.")
    priority: int
    to: list[str] = Field(description="Default To selectors.")
    cc: list[str]
    bcc: list[str]

    @classmethod
    def of(cls, one: EventType) -> "EventTypeOut":
        summary = (one.data.__doc__ or "").strip().partition("\n")[0]
        fields = one.model_dump(include=set(cls.model_fields))
        return cls(**{**fields, "summary": summary})


class ChannelOut(BaseModel):
    """A way to deliver."""

    name: str
    summary: str
    addressing: str = Field(description="`persons`: to people's addresses. `endpoint`: to destinations of a tenant.")
    ready: bool = Field(description="Whether it can be used as it is installed and configured.")
    missing: str = Field(description="What it lacks, if it is not.")


@routes.get("/v1/event-types", summary="What people can be told about")
def event_types(who: Viewer, engine: TheEngine) -> list[EventTypeOut]:
    """Every event type there is."""
    return [EventTypeOut.of(one) for _, one in sorted(engine.types.items())]


@routes.get("/v1/event-types/{name}/schema", summary="The JSON Schema of an event", responses=problems(404))
def schema(who: Viewer, engine: TheEngine, name: SomeId) -> dict[str, Any]:
    """Of what is handed in, and of what webhooks get as their body (2020-12)."""
    kind = engine.types.get(name)
    if kind is None:
        raise NotFound(f"no event type is called {shown(name)}")
    return kind.schema_of_event()


@routes.get("/v1/channels", summary="The ways to deliver")
def channels(who: Viewer, engine: TheEngine) -> list[ChannelOut]:
    """Every channel that is installed."""
    found = []
    for kind in engine.channels.types.values():
        missing = engine.channels.missing(kind.name)
        found.append(
            ChannelOut(
                name=kind.name, summary=kind.summary, addressing=kind.addressing, ready=not missing, missing=missing
            )
        )
    return found
