"""`/v1/deliveries` and `/v1/destinations`: what was sent, to whom and why, and what people do about it by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Self

from fastapi import Query, Response
from pydantic import BaseModel, Field

from livery.engine import Engine
from livery.errors import NotFound, shown
from livery.http.api.common import (
    Cursor,
    Limit,
    Moment,
    Page,
    SomeId,
    TenantFilter,
    TheEngine,
    after,
    cursor_of,
    cut,
    problems,
    router,
    scope,
)
from livery.http.gate import Admin, Viewer
from livery.models.delivery import Attempt, Delivery, Destination, State
from livery.models.identity import Principal
from livery.ports import Intervention, Who
from livery.ports import Query as Wanted
from livery.storage.interventions import Handled, Interventions

routes = router("deliveries")
_AT_ONCE = 1000
Why = Annotated[
    str, Field(max_length=400, description="Why; it is kept with who and when.", examples=["the quota was raised"])
]


class DeliveryShown(BaseModel):
    """One delivery with everything about it."""

    delivery: Delivery
    attempts: list[Attempt] = Field(description="First to last.")
    interventions: list["Done"] = Field(description="What was done to it by hand, newest first.")


class Done(BaseModel):
    """Something a person did by hand."""

    at: datetime
    actor: str
    action: str
    subject: str = Field(description="The id of the delivery, or the key of the destination.")
    why: str
    result: str

    @classmethod
    def of(cls, one: Intervention) -> Self:
        return cls.model_validate(one, from_attributes=True)


class What(BaseModel):
    """What became of one delivery."""

    delivery: str
    done: bool = Field(description="Whether anything was done.")
    said: str = Field(description="What, or why not.")
    result: str = Field(description="The id of the new delivery, if there is one.")

    @classmethod
    def of(cls, found: Sequence[Handled]) -> list[Self]:
        return [cls.model_validate(one, from_attributes=True) for one in found]


class Retry(BaseModel):
    """How to send again."""

    fresh: bool = Field(default=False, description="Write it anew with the pack as it is now, not the same bytes.")
    why: Why = ""


class Cancel(BaseModel):
    """Why to give up."""

    why: Why = ""


class Some(BaseModel):
    """Which deliveries: all that fit, or those named."""

    ids: list[Annotated[str, Field(max_length=100)]] = Field(
        default=[], max_length=_AT_ONCE, description="By id; else by what follows."
    )
    tenant: str | None = Field(default=None, max_length=200, description="This tenant's, and of those below it.")
    state: State | None = Field(default=None, description="In this state.")
    channel: str | None = Field(default=None, max_length=100)
    event_id: str | None = Field(default=None, max_length=200)
    since: Moment | None = Field(default=None, description="Created since.")
    until: Moment | None = Field(default=None, description="Created before.")
    limit: int = Field(default=_AT_ONCE, ge=1, le=_AT_ONCE, description="At most so many.")

    def query(self) -> Wanted:
        """Which they are, but for whose."""
        names = ("state", "channel", "event_id", "since", "until", "limit")
        return Wanted(**{name: getattr(self, name) for name in names})


class RetrySome(Retry, Some):
    """Which deliveries to send again; by filter those that did not arrive: dead, unknown, suppressed."""


class CancelSome(Cancel, Some):
    """Which deliveries to give up; by filter those that wait."""


class Switch(BaseModel):
    """A destination to be switched."""

    key: str = Field(min_length=1, max_length=310, description="As the list of destinations shows it.")
    why: Why = ""


class Counts(BaseModel):
    """How many deliveries there are."""

    states: dict[str, int] = Field(description="By state; `unplanned` are events whose deliveries are yet to be made.")


@routes.get("/v1/deliveries", summary="Deliveries, newest first", responses=problems(404))
def list_deliveries(
    who: Viewer,
    engine: TheEngine,
    tenant: TenantFilter = None,
    state: Annotated[State | None, Query(description="Only in this state.")] = None,
    channel: Annotated[str | None, Query(max_length=100, description="Only of this channel.")] = None,
    event_id: Annotated[str | None, Query(max_length=200, description="Only of the event with this id.")] = None,
    destination: Annotated[
        str | None, Query(max_length=310, description="Only to the destination of this key.")
    ] = None,
    since: Annotated[Moment | None, Query(description="Created since.")] = None,
    until: Annotated[Moment | None, Query(description="Created before.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Delivery]:
    """The deliveries of the tenants one may see, page by page; without their traces."""
    found, has_more = cut(
        engine.deliveries(
            within=scope(engine, who, tenant),
            state=state,
            channel=channel,
            event_id=event_id,
            destination=destination,
            since=since,
            until=until,
            after=after(cursor),
            limit=limit + 1,
        ),
        limit,
    )
    last = cursor_of(found[-1].created_at, found[-1].id) if has_more else None
    return Page(items=[one.model_copy(update={"trace": {}}) for one in found], next=last)


@routes.get("/v1/deliveries/counts", summary="How many deliveries are in each state", responses=problems(404))
def count_deliveries(who: Viewer, engine: TheEngine, tenant: TenantFilter = None) -> Counts:
    """Counted by state."""
    return Counts(states=engine.counts(within=scope(engine, who, tenant)))


@routes.get("/v1/deliveries/{delivery}", summary="One delivery, and all that is known of it", responses=problems(404))
def show_delivery(who: Viewer, engine: TheEngine, delivery: SomeId) -> DeliveryShown:
    """With its attempts, and its trace: who was told and why, and where every piece of text came from."""
    one = _one(engine, who, delivery)
    return DeliveryShown(
        delivery=one,
        attempts=engine.attempts(one.id),
        interventions=[Done.of(each) for each in engine.interventions.audit(one.id)],
    )


@routes.get(
    "/v1/deliveries/{delivery}/message",
    summary="The message as it was sent",
    response_class=Response,
    responses={
        200: {"description": "Its bytes, to be kept as a file.", "content": {"application/octet-stream": {}}},
        **problems(404),
    },
)
def message(who: Viewer, engine: TheEngine, delivery: SomeId) -> Response:
    """The exact bytes. None before the first attempt, and none of a message with secrets in it."""
    one = _one(engine, who, delivery)
    wire = engine.wire(one.id)
    if wire is None:
        raise NotFound(
            f"of the delivery {one.id} no message can be had: it was not written yet, was purged or is secret"
        )
    name = f"{one.id}.{engine.channels.kind(one.channel).suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": "sandbox"}
    return Response(wire, media_type="application/octet-stream", headers=headers)


@routes.post("/v1/deliveries/{delivery}/retry", summary="Send it again", responses=problems(404))
def retry(who: Admin, engine: TheEngine, delivery: SomeId, how: Retry) -> What:
    """What is settled gets a new delivery under the same event; what still waits is tried now."""
    one = _one(engine, who, delivery)
    return What.of(_by_hand(engine, who.tenant).retry([one.id], Who(who.name, how.why), fresh=how.fresh))[0]


@routes.post("/v1/deliveries/{delivery}/cancel", summary="Give it up", responses=problems(404))
def cancel(who: Admin, engine: TheEngine, delivery: SomeId, how: Cancel) -> What:
    """What waits ends as suppressed, and can be sent again; what is being sent is left alone."""
    one = _one(engine, who, delivery)
    return What.of(_by_hand(engine, who.tenant).cancel([one.id], Who(who.name, how.why)))[0]


@routes.post("/v1/deliveries/retry", summary="Send several again", responses=problems(404))
def retry_some(who: Admin, engine: TheEngine, some: RetrySome) -> list[What]:
    """Those named, or by filter those that did not arrive. What one may not see is as if it did not exist."""
    desk = _by_hand(engine, scope(engine, who, some.tenant))
    ids = some.ids or desk.found(some.query())
    return What.of(desk.retry(ids, Who(who.name, some.why), fresh=some.fresh, once=not some.ids))


@routes.post("/v1/deliveries/cancel", summary="Give several up", responses=problems(404))
def cancel_some(who: Admin, engine: TheEngine, some: CancelSome) -> list[What]:
    """Those named, or by filter those that wait. What one may not see is as if it did not exist."""
    desk, ids = _by_hand(engine, scope(engine, who, some.tenant)), list(some.ids)
    if not ids:
        for state in [some.state] if some.state else [State.PENDING, State.RETRYING]:
            ids += desk.found(replace(some.query(), state=state))
    return What.of(desk.cancel(ids[: some.limit], Who(who.name, some.why)))


@routes.get("/v1/interventions", summary="What was done by hand, newest first")
def interventions(
    who: Viewer,
    engine: TheEngine,
    subject: Annotated[
        str | None, Query(max_length=310, description="Only to this delivery, or destination by its key.")
    ] = None,
    limit: Limit = 100,
) -> list[Done]:
    """Who retried, cancelled, purged or switched what, when and why."""
    return [Done.of(one) for one in _by_hand(engine, who.tenant).audit(subject, limit=limit)]


@routes.get("/v1/destinations", summary="Destinations, and how they answered lately", responses=problems(404))
def list_destinations(
    who: Viewer,
    engine: TheEngine,
    tenant: TenantFilter = None,
    troubled: Annotated[
        bool, Query(description="Only those that are paused or disabled; else all that ever failed.")
    ] = True,
) -> list[Destination]:
    """Where deliveries go, and which of them get none right now."""
    return engine.destinations(troubled=troubled, within=scope(engine, who, tenant))


@routes.post("/v1/destinations/enable", status_code=204, summary="Turn a destination on again", responses=problems(404))
def enable(who: Admin, engine: TheEngine, one: Switch) -> None:
    """And end its pause. What was held back meanwhile is sent by a retry."""
    _by_hand(engine, who.tenant).enable(one.key, Who(who.name, one.why))


@routes.post("/v1/destinations/disable", status_code=204, summary="Send nothing there", responses=problems(404))
def disable(who: Admin, engine: TheEngine, one: Switch) -> None:
    """Until it is enabled; what waits for it ends as suppressed."""
    _by_hand(engine, who.tenant).disable(one.key, Who(who.name, one.why))


def _one(engine: Engine, who: Principal, id_: str) -> Delivery:
    found = engine.delivery(id_, within=who.tenant)
    if found is None:
        raise NotFound(f"no delivery is called {shown(id_)}")
    return found


def _by_hand(engine: Engine, within: str | None) -> Interventions:
    return engine.interventions if within is None else engine.interventions_of(within)
