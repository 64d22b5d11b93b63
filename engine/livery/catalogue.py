"""The event types Livery knows by itself. They come in by the entry point that anybody's would."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from livery.models.event import EventData, EventPart, EventType, Id, Name
from livery.plugin import hookimpl


class Order(EventPart):
    """The order that failed."""

    id: Id = Field(description="The order's number, as customer and seller know it.")
    placed_at: AwareDatetime | None = Field(default=None, description="When it was placed.")
    url: str | None = Field(default=None, max_length=2000, description="Its page in the seller's portal.")


class Offer(EventPart):
    """The vendor's offer that could not be provisioned."""

    id: str | None = Field(default=None, max_length=200, description="The vendor's id of the offer.")
    name: Name = Field(description="The offer's name, such as `Microsoft 365 Copilot`.")
    vendor: str | None = Field(default=None, max_length=400, description="Who makes it.")
    quantity: int | None = Field(default=None, ge=0, description="How many were ordered.")


class ProvisionError(EventPart):
    """Why it failed, in the vendor's words. Shown to people escaped and shortened."""

    code: str | None = Field(default=None, max_length=200, description="Stable code of the error.")
    message: Annotated[str, StringConstraints(min_length=1)] = Field(description="The vendor's own sentence.")
    occurred_at: AwareDatetime | None = Field(default=None, description="When it failed.")
    correlation_id: str | None = Field(default=None, max_length=200, description="For the support desk.")
    retryable: bool | None = Field(default=None, description="Whether trying again can help; unknown if absent.")


class OfferProvisionErrorData(EventData):
    """Provisioning an order line failed."""

    order: Order = Field(description="The order.")
    offer: Offer = Field(description="The offer in it that failed.")
    error: ProvisionError = Field(description="Why.")


@hookimpl
def livery_register_event_types() -> list[EventType]:
    return [
        EventType(
            name="OfferProvisionError",
            data=OfferProvisionErrorData,
            notification="offer_provision_error",
            thread="order.id",
            to=("event_user",),
            cc=("organization_contact:seller.primary",),
        )
    ]
