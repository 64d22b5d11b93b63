"""What the tests of the directory are made of."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

from livery import Config, Engine
from livery.models.directory import DirectoryUser, Organization, OrganizationContact

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
KIND = "OfferProvisionError"
FILE = {
    "platform": {"name": "The Platform", "contacts": {"operations": {"email": "ops@platform.example"}}},
    "north": {"parent": "platform", "name": "North"},
    "shop": {"parent": "north", "name": "The Shop", "contacts": {"primary": {"email": "file@shop.example"}}},
    "rival": {"parent": "north", "name": "The Rival"},
}


class Clock:
    def __init__(self):
        self.at = datetime(2026, 11, 28, 12, tzinfo=UTC)

    def __call__(self):
        return self.at


def opened(folder, *, plugins=None, now=None, tenants=None, **fields) -> Engine:
    settings = {
        "database_url": f"sqlite:///{folder}/livery.db",
        "tenants": tenants or FILE,
        "channels": {"smtp": {}},
        **fields,
    }
    return Engine.open(Config.load(None, **settings), plugins=plugins, now=now or Clock())


def saying(**places) -> dict:
    """The tenants, where the shop tells these selectors and nobody else."""
    made = copy.deepcopy(FILE)
    made["shop"]["settings"] = {KIND: {"to": [], "cc": [], "bcc": [], **places}}
    return made


def of(seller="shop", customer="cust-1", id_="evt-1", **user) -> dict:
    made = copy.deepcopy(GOOD)
    made["id"] = id_
    made["data"]["seller"] = {"id": seller, "name": seller}
    made["data"]["customer"] = {"id": customer, "name": customer}
    made["data"]["user"] = {"id": "u-1", "name": "Ada", "email": "ada@custo.example", **user}
    return made


def organization(tenant, customer="", **fields):
    return Organization(tenant=tenant, customer=customer, **fields)


def contact(tenant, customer, kind, email, **fields):
    return OrganizationContact(tenant=tenant, customer=customer, kind=kind, email=email, **fields)


def user(tenant, customer, id_, *roles, **fields):
    fields = {"email": f"{id_}@{tenant}.example", **fields}
    return DirectoryUser(tenant=tenant, customer=customer, id=id_, roles=roles, **fields)


def told(engine, event) -> list[str]:
    return [f"{one.place} {one.recipient.address}" for one in engine.explain(event).audience.entries]


def reasons(engine, event) -> dict[str, str]:
    return {one.address or one.selector: one.reason for one in engine.explain(event).audience.excluded}
