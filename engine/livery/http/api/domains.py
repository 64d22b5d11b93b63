"""`/v1/domains`: domains that tenants' mail may come from."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import Query
from pydantic import BaseModel, Field

from livery.http.api.common import SomeId, TenantFilter, TenantPath, TheEngine, problems, router
from livery.http.gate import Admin, Viewer
from livery.sender_domains import SenderDomain

routes = router("domains")


class DnsRecord(BaseModel):
    """What to publish in DNS."""

    type: Literal["TXT"]
    name: str
    text: str


class DomainOut(BaseModel):
    """A domain that a tenant says is its own."""

    tenant: str = Field(description="Who says so; it counts for all below, too.")
    domain: str = Field(description="In ASCII and lower case.")
    verified: bool = Field(description="Whether mail may come from it.")
    status: Literal["unchecked", "verified", "missing", "unknown"] = Field(description="What was found last.")
    detail: str = Field(description="The same for people.")
    record: DnsRecord
    added_at: datetime
    verified_at: datetime | None
    checked_at: datetime | None
    due_at: datetime = Field(description="When DNS is asked again.")

    @classmethod
    def of(cls, one: SenderDomain) -> Self:
        return cls.model_validate(one.plain())


class NewDomain(BaseModel):
    """A domain that is a tenant's own."""

    domain: str = Field(min_length=1, max_length=300, examples=["nordwind.example"])


@routes.get("/v1/domains", summary="Sender domains", responses=problems(404))
def list_domains(
    who: Viewer,
    engine: TheEngine,
    tenant: TenantFilter = None,
    domain: Annotated[str | None, Query(min_length=1, max_length=300, description="Only this one.")] = None,
) -> list[DomainOut]:
    """By name."""
    return [DomainOut.of(one) for one in engine.domains.find(tenant=tenant, domain=domain, within=who.tenant)]


@routes.post("/v1/tenants/{tenant}/domains", summary="Say that a domain is a tenant's own", responses=problems(404))
def add_domain(who: Admin, engine: TheEngine, tenant: TenantPath, new: NewDomain) -> DomainOut:
    """With the record to publish. It counts once a check finds that. Again, it gives the same."""
    return DomainOut.of(engine.domains.add(tenant, new.domain, within=who.tenant))


@routes.post("/v1/tenants/{tenant}/domains/{domain}/check", summary="Ask DNS now", responses=problems(404))
def check_domain(who: Admin, engine: TheEngine, tenant: TenantPath, domain: SomeId) -> DomainOut:
    """Takes as long as DNS does. Livery asks again by itself, too."""
    return DomainOut.of(engine.domains.check(tenant, domain, within=who.tenant))


@routes.delete(
    "/v1/tenants/{tenant}/domains/{domain}", status_code=204, summary="Take a domain away", responses=problems(404)
)
def remove_domain(who: Admin, engine: TheEngine, tenant: TenantPath, domain: SomeId) -> None:
    """Mail comes from it no more. Added again, it has another record."""
    engine.domains.remove(tenant, domain, within=who.tenant)
