"""Selectors: what each asks the directory for, and of which organisation."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from livery.models.classification import Side
from livery.models.event import Event
from livery.models.tenant import Chain, Level, Tenant

ORGANIZATIONS = ("customer", "seller", "distributor", "platform")
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,59}")

What = Literal["contact", "role", "user", "event_user"]
KINDS: Mapping[What, str] = {"contact": "contact", "role": "role", "user": "user", "event_user": "user"}
"""What the store calls those that a selector stands for."""
Key = tuple[str, str, str, str]
"""What is looked up: its kind, the tenant, the customer (empty for the tenant's own people), and the name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One selector, read.

    Attributes:
        what: what is asked for.
        of: the organisation: `customer`, `seller`, `distributor` or `platform`; empty for a user by id.
        name: the kind of contact, the role, or the user's id.

    """

    what: What
    of: str = ""
    name: str = ""


class Place(NamedTuple):
    """An organisation of one tenant: a customer's, or (empty) the tenant's own; and whose side it is on."""

    tenant: str
    customer: str
    side: Side


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted of the store, to be answered by one query.

    Attributes:
        contacts: kinds by tenant and customer.
        roles: roles by tenant and customer.
        users: ids by tenant and customer.

    """

    contacts: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    roles: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    users: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Iterable[Key]) -> "Ask":
        """What these keys stand for."""
        made = cls()
        parts = {"contact": made.contacts, "role": made.roles, "user": made.users}
        for kind, tenant, customer, name in keys:
            parts[kind].setdefault((tenant, customer), set()).add(name)
        return made

    @property
    def is_empty(self) -> bool:
        return not (self.contacts or self.roles or self.users)


@lru_cache(maxsize=4096)
def read(selector: str) -> Wanted | str:
    """What a selector asks for; text says why it can stand for nobody.

    `organization_contact:customer.primary`; of `seller`, `distributor`, `platform` alike.
    `role:sales` is a role of the seller's own users, `role:customer.buyer` of the users of the event's customer.
    `user:u-17` is that user of the event's customer or of the seller, else of the distributor, else of the platform.
    """
    kind, colon, rest = selector.partition(":")
    if selector == "event_user":
        return Wanted("event_user")
    if not colon or not rest:
        return "it names nobody"
    if kind == "user":
        return Wanted("user", "", rest)
    organization, dot, name = rest.rpartition(".")
    if kind == "organization_contact" and not dot:
        return f"it names no contact: expected {', '.join(ORGANIZATIONS)}, a dot and a kind of contact"
    if organization not in (*ORGANIZATIONS, *([""] if kind == "role" else [])):
        return f"there is no organisation {organization!r}: expected {', '.join(ORGANIZATIONS)}"
    if not _WORD.fullmatch(name):
        return f"{name!r} is not a lower-case word"
    if kind == "organization_contact":
        return Wanted("contact", organization, name)
    if kind == "role":
        return Wanted("role", organization or "seller", name)
    return "no directory answers this selector"


def places(wanted: Wanted, event: Event, chain: Chain) -> list[Place]:
    """The organisations a selector is looked up in, the nearest first: the first that answers counts."""
    seller, of = chain[-1], wanted.of
    if of == "seller":
        return [Place(seller.id, "", "seller")]
    if of == "customer":
        return [Place(seller.id, event.data.customer.id, "customer")]
    if of == "platform":
        return [Place(one.id, "", _side(one, chain)) for one in chain if one.level is Level.DEFAULT]
    if of == "distributor":
        return [Place(one.id, "", _side(one, chain)) for one in reversed(chain) if one.level is Level.DISTRIBUTOR]
    customer = Place(seller.id, event.data.customer.id, "customer")
    if wanted.what == "event_user":
        return [customer, Place(seller.id, "", "seller")]
    return [customer, *(Place(one.id, "", _side(one, chain)) for one in reversed(chain))]


def keys(wanted: Iterable[tuple[Wanted, Sequence[Place]]], event: Event) -> list[Key]:
    """What all of an event's selectors, each with its places, want of the store, each once."""
    made: dict[Key, None] = {}
    user = event.data.user
    for one, where in wanted:
        name = one.name if one.what != "event_user" else user.id if user else ""
        for place in where if name else ():
            made[KINDS[one.what], place.tenant, place.customer, name] = None
    return list(made)


def _side(tenant: Tenant, chain: Chain) -> Side:
    if tenant is chain[-1]:
        return "seller"
    return "platform" if tenant.level is Level.DEFAULT else "distributor"
