"""Directory: organisations with their contacts and users, each a tenant's own."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from livery.models.audience import Recipient
from livery.models.base import Model
from livery.models.event import Id

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
"""A kind of contact or a role: a lower-case word, such as `primary` or `account_manager`."""
Customer = Annotated[str, StringConstraints(max_length=200)]
Line = Annotated[str, StringConstraints(max_length=400)]
_CUSTOMER = "Id of the tenant's customer; empty for the tenant's own organisation."


class _Record(Model):
    tenant: Id = Field(description="The tenant whose record it is; no other ever sees it.")
    customer: Customer = Field(default="", description=_CUSTOMER)
    name: Line = Field(default="", description="As people know it.")
    locale: str = Field(default="", description="BCP 47 tag; of a contact or user, else its organisation's counts.")


class Organization(_Record):
    """A customer of a tenant, or the tenant's own organisation."""

    active: bool = Field(default=True, description="Nobody of an organisation that is not active is written to.")

    @property
    def key(self) -> tuple[str, ...]:
        return ("organization", self.tenant, self.customer)


class OrganizationContact(_Record):
    """Whom an organisation named for a purpose."""

    kind: Word = Field(description="primary, billing, technical, operations, or any lower-case word.")
    email: str = Field(max_length=1000, description="Where they read mail.")

    @property
    def key(self) -> tuple[str, ...]:
        return ("contact", self.tenant, self.customer, self.kind)


class DirectoryUser(_Record):
    """A user of an organisation. Its id is unique within the tenant."""

    id: Id = Field(description="The host's id of the user, as events give it.")
    email: str = Field(default="", max_length=1000, description="Where they read mail.")
    roles: tuple[Word, ...] = Field(default=(), description="Lower-case words, such as `account_manager`.")
    active: bool = Field(default=True, description="A user who is not active is not written to.")

    @property
    def key(self) -> tuple[str, ...]:
        return ("user", self.tenant, self.id)


Record = Organization | OrganizationContact | DirectoryUser
RecordType = Literal["organization", "contact", "user"]


class Found(Model):
    """What a selector stands for: people, or the reason why there are none."""

    people: tuple[Recipient, ...] = ()
    why: str = Field(default="", description="Why there is nobody.")
    left_out: tuple[tuple[str, str], ...] = Field(default=(), description="(address, reason) of those it may not be.")
