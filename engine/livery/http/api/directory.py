"""`/v1/tenants/{tenant}/directory`: the people of a tenant and of its customers."""

from typing import Annotated, Any, Self

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from livery.directory.facade import type_of
from livery.directory.files import Row
from livery.directory.importing import Reader
from livery.errors import InputError, Problem
from livery.http.api.common import SomeId, TenantPath, TheEngine, problems, router
from livery.http.gate import Admin, Viewer
from livery.models.directory import Record, RecordType

routes = router("directory")
_AT_ONCE = 1000


class OrganizationRow(BaseModel):
    """An organisation in a tenant's directory."""

    customer: str = Field(description="The id of the customer; empty for the tenant's own organisation.")
    name: str
    active: bool
    contacts: int
    users: int


class DirectoryRecord(BaseModel):
    """An organisation, a contact of one, or a user; of each only its own fields."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"type": "organization", "customer": "c-100", "name": "Müller Logistik GmbH", "locale": "de"},
                {"type": "contact", "customer": "c-100", "kind": "primary", "email": "it@mueller-logistik.example"},
                {"type": "user", "id": "u-7", "name": "Ada Müller", "email": "ada@mueller-logistik.example"},
            ]
        },
    )
    type: RecordType
    customer: str = Field(default="", max_length=200, description="Empty for the tenant's own organisation.")
    kind: str | None = Field(default=None, max_length=60, description="Of a contact: primary, billing, technical, …")
    id: str | None = Field(default=None, max_length=200, description="Of a user: the host's id.")
    name: str = Field(default="", max_length=400)
    email: str | None = Field(default=None, max_length=1000, description="Of contacts and users.")
    locale: str = Field(default="", max_length=85, description="BCP 47 tag.")
    roles: list[str] | None = Field(default=None, max_length=100, description="Of users: lower-case words.")
    active: bool | None = Field(default=None, description="Of organisations and users: whether they are written to.")

    @classmethod
    def of(cls, one: Record) -> Self:
        return cls(type=_TYPES[type_of(one)], **one.model_dump(mode="json", exclude={"tenant"}))


_TYPES: dict[str, RecordType] = {"organization": "organization", "contact": "contact", "user": "user"}


class Records(BaseModel):
    """Records of one tenant."""

    records: list[DirectoryRecord] = Field(max_length=_AT_ONCE)


class Counted(BaseModel):
    """What became of records."""

    added: int
    changed: int
    unchanged: int = Field(description="They stood there already.")


class Removed(BaseModel):
    """How many records were removed."""

    removed: int


@routes.get("/v1/tenants/{tenant}/directory", summary="Organisations in a tenant's directory", responses=problems(404))
def list_directory(
    who: Viewer,
    engine: TheEngine,
    tenant: TenantPath,
    limit: Annotated[int, Query(ge=1, le=10_000, description="At most so many.")] = 1000,
) -> list[OrganizationRow]:
    """By customer id, the tenant's own first."""
    found = engine.directory.list(tenant, within=who.tenant, limit=limit)
    return [OrganizationRow.model_validate(one, from_attributes=True) for one in found]


@routes.get(
    "/v1/tenants/{tenant}/directory/records",
    summary="An organisation, its contacts and its users",
    responses=problems(404),
)
def show_organization(
    who: Viewer,
    engine: TheEngine,
    tenant: TenantPath,
    customer: Annotated[str, Query(max_length=200, description="Of the tenant's own organisation if empty.")] = "",
) -> Records:
    """Its first thousand records."""
    found = engine.directory.show(tenant, customer, within=who.tenant)
    return Records(records=[DirectoryRecord.of(one) for one in found[:_AT_ONCE]])


@routes.get("/v1/tenants/{tenant}/directory/users/{user}", summary="One user", responses=problems(404))
def show_user(who: Viewer, engine: TheEngine, tenant: TenantPath, user: SomeId) -> DirectoryRecord:
    """By the host's id."""
    return DirectoryRecord.of(engine.directory.user(tenant, user, within=who.tenant))


@routes.post("/v1/tenants/{tenant}/directory/records", summary="Write records", responses=problems(404))
def put_records(
    who: Admin,
    engine: TheEngine,
    tenant: TenantPath,
    given: Records,
    dry: Annotated[bool, Query(description="Write nothing, and count what would be written.")] = False,
) -> Counted:
    """All of them or none. One of the same key is replaced; what stands there already is not written."""
    engine.tenants.show(tenant, within=who.tenant)
    reader = Reader(tenant, lambda id_: id_ == tenant)
    records: list[Record] = []
    wrong: list[Problem] = []
    for number, one in enumerate(given.records):
        values: dict[str, Any] = one.model_dump(exclude_none=True)
        found, said, _ = reader.read(Row(number, values))
        records += found
        wrong += [Problem(f"records.{number}.{each.path}", each.expected, each.came) for each in said]
    if wrong:
        raise InputError("records are wrong, and nothing was written:", wrong)
    counted = engine.directory.put(records, within=who.tenant, dry=dry)
    return Counted(**counted._asdict())


@routes.delete("/v1/tenants/{tenant}/directory/records", summary="Remove records", responses=problems(404))
def remove_records(
    who: Admin,
    engine: TheEngine,
    tenant: TenantPath,
    customer: Annotated[
        str | None, Query(max_length=200, description="Alone: a customer with its contacts and users.")
    ] = None,
    contact: Annotated[str | None, Query(max_length=60, description="One kind of contact of the customer.")] = None,
    user: Annotated[str | None, Query(max_length=200, description="One user, by id.")] = None,
    everything: Annotated[bool, Query(description="All the tenant has.")] = False,
) -> Removed:
    """What is to be removed has to be said."""
    count = engine.directory.remove(
        tenant, customer=customer, contact=contact, user=user, everything=everything, within=who.tenant
    )
    return Removed(removed=count)
