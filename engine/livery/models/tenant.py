"""Tenant: a node of the chain platform → distributor → seller. Brand and settings hang on a tenant."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator

from livery.models.base import Model
from livery.models.event import Event, Id, Name

SELECTORS = ("event_user", "organization_contact:", "role:", "user:", "address:")


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


BrandToken = Annotated[
    str, BeforeValidator(_as_text), StringConstraints(max_length=2000, pattern=r"^[^<>\"{};\\\x00-\x1f\x7f]*$")
]
"""A value that stands in style sheets and attributes, so it may hold nothing that ends one: `<>"{};\\`."""


class Level(StrEnum):
    """A tenant's place in the chain; `default` is the platform itself."""

    DEFAULT = "default"
    DISTRIBUTOR = "distributor"
    SELLER = "seller"


def _an_address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not (local and at and domain) or any(char.isspace() or char in '<>,;:"()[]' for char in text):
        raise ValueError("one e-mail address, such as help@seller.example")
    return text


Address = Annotated[str, AfterValidator(_an_address)]
"""An address in settings: its form is checked here, every rule of it when somebody is written to."""


class Contact(Model):
    """Somebody an organisation named for a purpose: primary, billing, technical, operations."""

    name: str = Field(default="", description="The name shown beside the address.")
    email: Address = Field(description="Where they read mail.")
    locale: str | None = Field(default=None, description="BCP 47 tag.")


class PlatformSender(Model):
    """From whom mail comes where a seller has no verified address of its own. The name is always the seller's."""

    address: Address | None = Field(
        default=None, description="The platform's own From address; `notifications@` and `message_id_domain` if absent."
    )
    reply_to: Address | None = Field(default=None, description="Where answers go, unless a tenant says otherwise.")


class Sender(Model):
    """From whom mail comes."""

    address: Address | None = Field(
        default=None,
        description="Counts at a tenant only if its domain is verified: in `verified_domains`, or by `livery domain`.",
    )
    name: str | None = Field(default=None, description="Display name; the seller's name if absent.")
    reply_to: Address | None = Field(default=None, description="Where answers go.")


def _a_selector(text: str) -> str:
    if not text.startswith(SELECTORS):
        raise ValueError(
            f"{' or '.join(SELECTORS)}… (such as organization_contact:seller.primary or address:a@b.example)"
        )
    return text


Selector = Annotated[str, AfterValidator(_a_selector)]
"""Stands for recipients: who did it, an organisation's contact, a role, a user, or a plain address."""


class Place(Model):
    """A difference at one level for one list of selectors: `set` replaces what came from above."""

    set: tuple[Selector, ...] | None = Field(default=None, description="Selectors instead of those from above.")
    add: tuple[Selector, ...] = Field(default=(), description="Selectors beside those from above.")
    remove: tuple[Selector, ...] = Field(default=(), description="Selectors from above to leave out.")


class EventSettings(Model):
    """What one level says about one event type. Only differences; absent means inherited."""

    enabled: bool | None = Field(default=None, description="Whether anybody is told at all.")
    to: Place = Field(default=Place(), description="Who it is addressed to. A list is short for `set`.")
    cc: Place = Field(default=Place(), description="Who gets a copy that everybody sees.")
    bcc: Place = Field(default=Place(), description="Who gets a copy that nobody else sees.")
    locked: tuple[str, ...] = Field(
        default=(), description="Settings that the levels below cannot change: `enabled`, `to`, `cc`, …"
    )

    @field_validator("to", "cc", "bcc", mode="before")
    @classmethod
    def _a_list_sets(cls, value: Any) -> Any:
        return {"set": value} if isinstance(value, list | tuple) else value


class Tenant(Model):
    """One tenant as configured: differences against its parent."""

    id: Id = Field(description="Its key under `[tenants]`: the id events name their seller by.")
    level: Level = Field(description="Follows from the parents if absent.")
    name: Name | None = Field(default=None, description="Its name as people know it; as events give it if absent.")
    parent: str | None = Field(default=None, description="Id of the tenant above; none for the platform.")
    pack: str | None = Field(default=None, description="Id of its template pack; its parent's if absent.")
    locale: str | None = Field(default=None, description="BCP 47 tag of its default language.")
    brand: dict[str, BrandToken] = Field(default={}, description="Brand tokens laid over the pack's.")
    sender: Sender = Field(default=Sender(), description="From whom its mail comes.")
    contacts: dict[str, Contact] = Field(default={}, description="Contacts by kind: primary, operations, …")
    settings: dict[str, EventSettings] = Field(
        default={}, description="Differences by event type; `*` speaks for all of them."
    )
    channels: dict[str, tuple[dict[str, Any], ...]] = Field(
        default={}, description="Destinations by channel; validated by the channel's own model.", repr=False
    )


class TenantRow(Model):
    """One tenant as the store has it: a tenant of its own, or what is different from livery.toml's."""

    id: Id
    parent: Id | None
    level: Level
    name: Name | None
    locale: str | None
    created_at: datetime
    changed_at: datetime
    removed_at: datetime | None = None


Chain = tuple[Tenant, ...]
"""A seller and those above it, from the platform down: resolution walks it in this order."""


def seller_name(chain: Chain, event: Event) -> str:
    """The name in which people are told: as configured, else as the event gives it."""
    return chain[-1].name or event.data.seller.name
