"""A second event type: `OfferProvisioned`. What is said of it: `livery_pack_offer_provisioned`."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from livery.plugin import EventData, EventPart, EventType, hookimpl

_Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
_Url = Annotated[str, StringConstraints(max_length=2000)]


class Order(EventPart):
    """The order that was filled."""

    id: _Id = Field(description="The order's number, as customer and seller know it.")
    placed_at: AwareDatetime | None = Field(default=None, description="When it was placed.")
    url: _Url | None = Field(default=None, description="Its page in the seller's portal.")


class Offer(EventPart):
    """The vendor's offer that is ready."""

    id: _Id | None = Field(default=None, description="The vendor's id of the offer.")
    name: _Name = Field(description="The offer's name, such as `Microsoft 365 Copilot`.")
    vendor: _Name | None = Field(default=None, description="Who makes it.")
    quantity: int | None = Field(default=None, ge=0, description="How many licences the customer got.")


class Access(EventPart):
    """Where it is used from now on."""

    admin_url: _Url | None = Field(default=None, description="The admin centre, where licences are assigned.")
    sign_in_url: _Url | None = Field(default=None, description="Where its users sign in.")


class Subscription(EventPart):
    """What the order has become on the vendor's side."""

    id: _Id = Field(description="The vendor's id of the subscription.")
    renews_on: AwareDatetime | None = Field(default=None, description="When its term ends, or it is renewed.")


class OfferProvisionedData(EventData):
    """The vendor has provisioned an order line."""

    order: Order = Field(description="The order.")
    offer: Offer = Field(description="The offer in it that is ready.")
    access: Access | None = Field(default=None, description="Where to go next.")
    subscription: Subscription | None = Field(default=None, description="For the support desk, and for renewal.")
    provisioned_at: AwareDatetime | None = Field(default=None, description="When it was set up.")


@hookimpl
def livery_register_event_types() -> list[EventType]:
    return [
        EventType(
            name="OfferProvisioned",
            data=OfferProvisionedData,
            notification="offer_provisioned",
            critical=False,
            thread="order.id",
            to=("event_user",),
            cc=("organization_contact:seller.primary",),
        )
    ]
