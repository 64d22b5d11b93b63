"""`/v1/tenants`: the tree of tenants."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import Query
from pydantic import BaseModel, Field

from livery.http.api.common import TenantFilter, TenantPath, TheEngine, problems, router
from livery.http.gate import Admin, Operator, Viewer
from livery.models.event import Id
from livery.models.tenant import Level
from livery.tenants import UNSET, Listed

routes = router("tenants")
Name = Annotated[str, Field(min_length=1, max_length=400)]
Locale = Annotated[str, Field(min_length=2, max_length=85, description="BCP 47 tag.", examples=["de-AT"])]


class TenantOut(BaseModel):
    """A tenant as it counts."""

    id: str
    level: Level
    parent: str | None = Field(description="The tenant above; null for the platform.")
    name: str | None = Field(description="As people know it; as events give it if null.")
    locale: str | None = Field(description="Its default language.")
    stands_in: list[Literal["livery.toml", "store"]] = Field(description="Where it was said.")
    created_at: datetime | None = Field(description="In the store.")
    changed_at: datetime | None
    removed_at: datetime | None = Field(description="Since when it is a tenant no more.")
    below: list[str] = Field(description="Tenants directly below it.")

    @classmethod
    def of(cls, one: Listed) -> Self:
        plain = one.plain()
        plain["stands_in"] = plain.pop("in")
        return cls.model_validate(plain)


class NewTenant(BaseModel):
    """A tenant to be added to the store."""

    id: Id = Field(description="The id events name it by.", examples=["nordwind"])
    parent: Id | None = Field(default=None, description="The tenant above; null for the platform.")
    level: Level | None = Field(default=None, description="`default` for the platform, else `seller`, if absent.")
    name: Name | None = None
    locale: Locale | None = None
    again: bool = Field(default=False, description="Bring back one that was removed, and its history with it.")


class TenantChange(BaseModel):
    """What is to be different. What is absent stays; null takes a name or locale away."""

    parent: Id | None = Field(default=None, description="Move it below another; for operators.")
    level: Level | None = Field(default=None, description="distributor or seller; for operators.")
    name: Name | None = None
    locale: Locale | None = None


@routes.get("/v1/tenants", summary="The tenants one may see", responses=problems(404))
def list_tenants(
    who: Viewer,
    engine: TheEngine,
    under: TenantFilter = None,
    removed: Annotated[bool, Query(description="Also those that were removed.")] = False,
) -> list[TenantOut]:
    """Each before those below it."""
    found = engine.tenants.list(under=under, within=who.tenant, removed=removed)
    return [TenantOut.of(one) for one in found]


@routes.get("/v1/tenants/{tenant}", summary="One tenant", responses=problems(404))
def show_tenant(who: Viewer, engine: TheEngine, tenant: TenantPath) -> TenantOut:
    """Also one that was removed."""
    return TenantOut.of(engine.tenants.show(tenant, within=who.tenant))


@routes.post("/v1/tenants", status_code=201, summary="Add a tenant", responses=problems(409))
def add_tenant(who: Operator, engine: TheEngine, new: NewTenant) -> TenantOut:
    """To the store. It counts from then on, in every process."""
    engine.tenants.add(new.id, **new.model_dump(exclude={"id"}))
    return TenantOut.of(engine.tenants.show(new.id))


@routes.patch("/v1/tenants/{tenant}", summary="Change a tenant", responses=problems(404, 409))
def change_tenant(who: Admin, engine: TheEngine, tenant: TenantPath, change: TenantChange) -> TenantOut:
    """Its name and language; its place is for operators to change."""
    given = {name: getattr(change, name) for name in change.model_fields_set}
    placed = {name: given[name] if given.get(name) is not None else UNSET for name in ("parent", "level")}
    said = {name: given.get(name, UNSET) for name in ("name", "locale")}
    engine.tenants.change(tenant, **placed, **said, within=who.tenant)
    return TenantOut.of(engine.tenants.show(tenant, within=who.tenant))


@routes.delete("/v1/tenants/{tenant}", status_code=204, summary="Remove a tenant", responses=problems(404, 409))
def remove_tenant(who: Operator, engine: TheEngine, tenant: TenantPath) -> None:
    """Its events are refused from then on. What was sent for it stays in the log."""
    engine.tenants.remove(tenant)
