"""`/v1/suppressions`: addresses that are not written to, and why."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import Query
from pydantic import BaseModel, Field

from livery.http.api.common import Limit, Moment, TenantFilter, TheEngine, problems, router
from livery.http.gate import Admin, Viewer
from livery.suppressions import ANY, Kind, Suppression

routes = router("suppressions")
Address = Annotated[str, Query(min_length=1, max_length=320, description="One e-mail address.")]


class SuppressionOut(BaseModel):
    """An address that is not written to."""

    tenant: str = Field(description="At whom; it holds for all below, too.")
    address: str
    event_type: str = Field(description="For which; `*` for all.")
    kind: Kind
    note: str = Field(description="What the server said, or what somebody wrote.")
    who: str = Field(description="Who put it there; the id of a delivery that bounced.")
    at: datetime
    until: datetime | None = Field(description="When it ends by itself; null for never.")

    @classmethod
    def of(cls, one: Suppression) -> Self:
        return cls.model_validate(one, from_attributes=True)


class NewSuppression(BaseModel):
    """An address not to write to any more."""

    tenant: str = Field(min_length=1, max_length=200, description="At whom; it holds for all below.")
    address: str = Field(min_length=1, max_length=320, examples=["ada@customer.example"])
    kind: Kind = Kind.MANUAL
    event_type: str = Field(default=ANY, min_length=1, max_length=200, description="For which; `*` for all.")
    note: str = Field(default="", max_length=300)
    until: Moment | None = Field(default=None, description="When it ends by itself.")


@routes.get("/v1/suppressions", summary="Addresses that are not written to", responses=problems(404))
def list_suppressions(
    who: Viewer,
    engine: TheEngine,
    tenant: TenantFilter = None,
    address: Annotated[str | None, Query(max_length=320, description="Only this address.")] = None,
    after: Annotated[str, Query(max_length=320, description="Only addresses after this one, for paging.")] = "",
    limit: Limit = 100,
) -> list[SuppressionOut]:
    """By address."""
    found = engine.suppressions.find(tenant=tenant, address=address, within=who.tenant, limit=limit, after=after)
    return [SuppressionOut.of(one) for one in found]


@routes.post("/v1/suppressions", status_code=201, summary="Write to an address no more", responses=problems(404))
def add_suppression(who: Admin, engine: TheEngine, new: NewSuppression) -> SuppressionOut:
    """An entry that is there is replaced. What waits, is retried or is replayed obeys it, too."""
    one = engine.suppressions.add(**new.model_dump(), who=who.name, within=who.tenant)
    return SuppressionOut.of(one)


@routes.delete("/v1/suppressions", summary="Write to an address again", responses=problems(404))
def remove_suppression(
    who: Admin,
    engine: TheEngine,
    address: Address,
    tenant: Annotated[str | None, Query(max_length=200, description="Off this tenant's list alone.")] = None,
    event_type: Annotated[str | None, Query(max_length=200, description="Only what holds for this type.")] = None,
) -> list[SuppressionOut]:
    """What was taken off the list."""
    gone = engine.suppressions.remove(address, tenant=tenant, event_type=event_type, within=who.tenant)
    return [SuppressionOut.of(one) for one in gone]
