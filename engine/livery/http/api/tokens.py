"""`/v1/tokens` and `/v1/me`: who may use the service, and who one is to it."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import Depends
from pydantic import BaseModel, Field

from livery.http.api.common import SomeId, TenantFilter, TheEngine, problems, router
from livery.http.gate import Admin, Forbidden, Needs
from livery.identity import Token
from livery.models.identity import Principal, Role

routes = router("tokens")


class Me(BaseModel):
    """Who one is to the service."""

    name: str
    tenant: str | None = Field(description="Whom one acts for, and all below; null for every tenant.")
    roles: list[Role]
    via: str = Field(description="How one was recognised.")


class TokenOut(BaseModel):
    """A token, without its secret."""

    id: str
    name: str
    shown: str = Field(description="How it begins.")
    tenant: str | None = Field(description="Whom it acts for, and all below; null for every tenant.")
    roles: list[Role]
    by: str = Field(description="Who made it.")
    created_at: datetime
    expires_at: datetime | None = Field(description="When it ends; null for never.")
    used_at: datetime | None = Field(description="When somebody came with it last, to about a minute.")
    revoked_at: datetime | None
    revoked_by: str

    @classmethod
    def of(cls, one: Token) -> Self:
        return cls.model_validate(one.plain())


class NewToken(BaseModel):
    """A token to be made."""

    name: str = Field(min_length=1, max_length=200, description="What it is for.", examples=["order service"])
    roles: list[Role] = Field(min_length=1, max_length=len(Role), description="None above one's own.")
    tenant: str | None = Field(
        default=None, min_length=1, max_length=200, description="Whom it acts for; whom one acts for oneself if null."
    )
    days: int | None = Field(default=365, ge=1, le=3650, description="How long it counts; null for ever.")


class MadeToken(BaseModel):
    """A token that was just made."""

    token: TokenOut
    secret: str = Field(description="The token itself. It is given this once; only a hash of it is kept.")


@routes.get("/v1/me", summary="Who one is to the service")
async def me(who: Annotated[Principal, Depends(Needs(None))]) -> Me:
    """By the token, or by whatever else one came with."""
    return Me(name=who.name, tenant=who.tenant, roles=sorted(who.roles), via=who.via)


@routes.get("/v1/tokens", summary="Tokens, newest first", responses=problems(404))
def list_tokens(who: Admin, engine: TheEngine, tenant: TenantFilter = None) -> list[TokenOut]:
    """Also those that count no more. None shows its secret."""
    return [TokenOut.of(one) for one in engine.identity.tokens(tenant=tenant, within=who.tenant)]


@routes.post("/v1/tokens", status_code=201, summary="Make a token", responses=problems(404))
def create_token(who: Admin, engine: TheEngine, new: NewToken) -> MadeToken:
    """For a tenant one may act for, with roles one has."""
    if not who.may_give(new.roles):
        raise Forbidden("Nobody gives out more than they may do themselves; ask somebody with that role.")
    lasts = None if new.days is None else timedelta(days=new.days)
    token, secret = engine.identity.create_token(
        new.name, roles=new.roles, tenant=new.tenant, lasts=lasts, by=who.name, within=who.tenant
    )
    return MadeToken(token=TokenOut.of(token), secret=secret)


@routes.delete("/v1/tokens/{token}", summary="Revoke a token", responses=problems(404))
def revoke_token(who: Admin, engine: TheEngine, token: SomeId) -> TokenOut:
    """It counts no more, at once; in other processes within a second."""
    return TokenOut.of(engine.identity.revoke(token, by=who.name, within=who.tenant))
