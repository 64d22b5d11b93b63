"""`/v1/events`: events in, and what became of them."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from livery.errors import EventError, NotFound, shown
from livery.http.api import examples
from livery.http.api.common import (
    Cursor,
    Limit,
    Moment,
    Page,
    SomeId,
    TenantFilter,
    TheEngine,
    cut,
    problems,
    router,
    scope,
)
from livery.http.bodies import events_of
from livery.http.gate import Sender, Viewer
from livery.http.intake import Intake
from livery.http.problems import of_livery
from livery.ports import LoggedEvent, Receipt

routes = router("events")


class ReceiptOut(BaseModel):
    """The event is stored, and its deliveries will be made or accounted for."""

    event_id: str = Field(description="The event's own id.")
    duplicate: bool = Field(description="It was accepted before; nothing was added.")
    deliveries: list[str] = Field(description="Ids of the deliveries made for it; none for a duplicate.")
    unreachable: bool = Field(description="Somebody should be told, and no person can be: an alarm was raised.")
    waiting: str = Field(description="Why it waits to be planned, if it does: it is tried again until it can be.")

    @classmethod
    def of(cls, one: Receipt) -> Self:
        return cls(
            event_id=one.event_id,
            duplicate=one.duplicate,
            deliveries=list(one.deliveries),
            unreachable=one.unreachable,
            waiting=one.waiting,
        )


class BatchReceipt(BaseModel):
    """All events of the batch are stored."""

    receipts: list[ReceiptOut] = Field(description="One for each event, in their order.")


class EventRow(BaseModel):
    """An event that was accepted."""

    key: str = Field(description="The store's id of it.")
    tenant: str = Field(description="The seller.")
    source: str
    event_id: str = Field(description="Its own id, unique within `source`.")
    type: str
    accepted_at: datetime
    planned_at: datetime | None = Field(description="When its deliveries were made; null if they are yet to be.")
    tries: int = Field(description="How often they could not be made so far.")
    waits_for: str = Field(description="Why they could not.")
    is_purged: bool = Field(description="What it said was removed.")

    @classmethod
    def of(cls, one: LoggedEvent) -> Self:
        return cls.model_validate(one, from_attributes=True)


class EventShown(EventRow):
    """An event, what it said, and its deliveries."""

    deliveries: list[str] = Field(description="Ids of its deliveries, newest first; at most 1000.")
    event: dict[str, Any] | None = Field(
        description="As CloudEvents JSON. Secret fields are concealed; null if it was purged."
    )


@routes.post(
    "/v1/events",
    status_code=202,
    summary="Hand in an event, or a batch of them",
    response_model=ReceiptOut | BatchReceipt,
    responses={202: examples.answer(examples.RECEIPT), **problems(408, 409, 415)},
    openapi_extra={"requestBody": examples.EVENT_BODY},
)
async def post_events(request: Request, who: Sender) -> Response:
    """Store an event and its deliveries. What is stored when this answers is delivered or accounted for.

    CloudEvents 1.0 in each of its three forms: structured, binary (`ce-` headers), and as a batch. Idempotent by
    seller, `source` and `id`: the same event again adds nothing and says so. A batch is stored as a whole or not at
    all, and then `errors` point into it.
    """
    intake: Intake = request.app.state.intake
    events, is_batch = await events_of(request)
    try:
        receipts = await intake.accept(events, who.tenant)
    except EventError as error:
        return of_livery(request, error, at=f"/{error.at}" if is_batch else "")
    answers = [ReceiptOut.of(one) for one in receipts]
    said: BaseModel = BatchReceipt(receipts=answers) if is_batch else answers[0]
    return Response(said.model_dump_json(), 202, media_type="application/json")


@routes.get("/v1/events", summary="Events that were accepted, newest first", responses=problems(404))
def list_events(
    who: Viewer,
    engine: TheEngine,
    tenant: TenantFilter = None,
    type_: Annotated[str | None, Query(alias="type", max_length=200, description="Only of this type.")] = None,
    event_id: Annotated[str | None, Query(max_length=200, description="Only with this id of its own.")] = None,
    waiting: Annotated[
        bool | None, Query(description="Only those whose deliveries are yet to be made; or only the others.")
    ] = None,
    since: Annotated[Moment | None, Query(description="Accepted since.")] = None,
    until: Annotated[Moment | None, Query(description="Accepted before.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[EventRow]:
    """The events of the tenants one may see, page by page."""
    found, has_more = cut(
        engine.events(
            within=scope(engine, who, tenant),
            type=type_,
            event_id=event_id,
            is_waiting=waiting,
            since=since,
            until=until,
            after=cursor,
            limit=limit + 1,
        ),
        limit,
    )
    return Page(items=[EventRow.of(one) for one in found], next=found[-1].key if has_more else None)


@routes.get("/v1/events/{key}", summary="One event, and what became of it", responses=problems(404))
def show_event(who: Viewer, engine: TheEngine, key: SomeId) -> EventShown:
    """An event by the store's key, with the ids of its deliveries."""
    found = engine.event(key, within=who.tenant)
    if found is None:
        raise NotFound(f"no event has the key {shown(key)}")
    row, event = found
    deliveries = engine.deliveries(within=who.tenant, tenant=row.tenant, event_id=row.event_id, limit=1000)
    mine = [one.id for one in deliveries if one.event_key == key]
    said = event.plain() if event is not None else None
    return EventShown(**EventRow.of(row).model_dump(), deliveries=mine, event=said)
