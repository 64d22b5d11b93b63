"""`POST /v1/events`: events in."""

from fastapi import Request, Response
from pydantic import BaseModel, Field

from livery.errors import EventError
from livery.http.api.common import problems, router
from livery.http.bodies import events_of
from livery.http.gate import Sender
from livery.http.intake import Intake
from livery.http.problems import of_livery
from livery.ports import Receipt

routes = router("events")


class ReceiptOut(BaseModel):
    """The event is stored, and its deliveries will be made or accounted for."""

    event_id: str = Field(description="The event's own id.")
    duplicate: bool = Field(description="It was accepted before; nothing was added.")
    deliveries: list[str] = Field(description="Ids of the deliveries made for it; none for a duplicate.")
    unreachable: bool = Field(description="Somebody should be told, and no person can be: an alarm was raised.")
    waiting: str = Field(description="Why it waits to be planned, if it does: it is tried again until it can be.")

    @classmethod
    def of(cls, one: Receipt) -> "ReceiptOut":
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


@routes.post(
    "/v1/events",
    status_code=202,
    summary="Hand in an event, or a batch of them",
    response_model=ReceiptOut | BatchReceipt,
    responses=problems(409, 413, 415, 422, 503),
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
