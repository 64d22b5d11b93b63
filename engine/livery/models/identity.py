"""Principal: who asks, for which tenants they may act, and what they may do there."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from livery.models.base import Model
from livery.models.event import Id
from livery.models.tenant import Chain

PrincipalName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Role(StrEnum):
    """What somebody may do.

    `sender` hands events in and reads nothing: the role for programs of the host. `viewer` reads settings, deliveries
    and packs; `designer` also brings packs in and takes them into use; `admin` also sends events, changes settings
    and the directory, repeats deliveries and gives out tokens. `operator` runs the installation: tenants' places,
    metrics, and whatever is no single tenant's; it may do everything.
    """

    SENDER = "sender"
    VIEWER = "viewer"
    DESIGNER = "designer"
    ADMIN = "admin"
    OPERATOR = "operator"


_INCLUDES = {
    Role.SENDER: frozenset({Role.SENDER}),
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.DESIGNER: frozenset({Role.VIEWER, Role.DESIGNER}),
    Role.ADMIN: frozenset(Role) - {Role.OPERATOR},
    Role.OPERATOR: frozenset(Role),
}


class Principal(Model):
    """Somebody who was authenticated: a person or a program."""

    name: PrincipalName = Field(description="What the trails call them, such as a user's id or a token's name.")
    tenant: Id | None = Field(
        default=None, description="Whom they act for: this tenant and all below it; None for every tenant there is."
    )
    roles: frozenset[Role] = Field(description="What they may do there.")
    via: str = Field(default="host", max_length=40, description="How they were authenticated: `token`, `host`, …")
    id: str = Field(default="", max_length=200, description="Of the token or session they came with, if any.")

    @model_validator(mode="after")
    def _an_operator_is_nobodys(self) -> Self:
        if Role.OPERATOR in self.roles and self.tenant is not None:
            raise ValueError("an operator runs the whole installation, so it acts for no tenant (tenant: None)")
        return self

    def may(self, role: Role) -> bool:
        """Whether they have this role, or one that includes it."""
        return any(role in _INCLUDES[mine] for mine in self.roles)

    def may_give(self, roles: Iterable[Role]) -> bool:
        """Whether they may give roles to others: none that they do not have themselves."""
        return all(self.may(role) for role in roles)

    def sees(self, chain: Chain) -> bool:
        """Whether the last tenant of a chain is theirs or below theirs."""
        return self.tenant is None or any(one.id == self.tenant for one in chain)
