"""People: whom a list of recipients may name, as they are typed, offered and searched for."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from livery.errors import LiveryError
from livery.http.pages.shell import Page
from livery.models.directory import DirectoryUser, OrganizationContact
from livery.models.tenant import SELECTORS as KINDS

SELECTORS: Final = (
    "event_user",
    *(
        f"organization_contact:{of}.{kind}"
        for of in ("customer", "seller", "distributor")
        for kind in ("primary", "billing")
    ),
    "organization_contact:seller.technical",
    "organization_contact:distributor.operations",
    "role:account_manager",
)
"""Offered while one types; any other may be typed."""
_FOUND = 20


def selector(text: str) -> str:
    """What was typed as a selector: a plain address stands for itself."""
    bare = text.strip()
    return f"address:{bare}" if "@" in bare and not bare.startswith(KINDS) else bare


def search(page: Page, text: str) -> list[tuple[str, str]]:
    """People and contacts of the tenant's directory, and of the configuration's contacts: (selector, what they are).

    Customers' people are not offered: a list counts for every customer's events.
    """
    wanted = text.casefold()
    found = (one for one in _everybody(page) if wanted in f"{one[0]} {one[1]}".casefold())
    return list(islice(dict.fromkeys(found), _FOUND))


def _everybody(page: Page) -> Iterator[tuple[str, str]]:
    for tenant in page.chain[::-1]:
        side = "seller" if tenant.id == page.tenant else "distributor" if tenant.parent else "platform"
        for kind, contact in tenant.contacts.items():
            yield f"organization_contact:{side}.{kind}", f"{contact.name} <{contact.email}>".strip()
    try:
        records = page.engine.directory.export(page.tenant, customer="", within=page.within)
        for record in records:
            if isinstance(record, OrganizationContact):
                yield f"organization_contact:seller.{record.kind}", f"{record.name} <{record.email}>".strip()
            elif isinstance(record, DirectoryUser) and record.active:
                yield f"user:{record.id}", f"{record.name} <{record.email}>".strip()
    except LiveryError:  # somebody may be typed all the same
        return
