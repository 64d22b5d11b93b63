"""A service over a real engine and store, asked in this process; and tokens for everybody who may ask."""

import asyncio
import copy
import json
from pathlib import Path

import httpx

from livery import Config, Engine
from livery.http import create_app

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
TENANTS = {
    "platform": {"name": "The Platform", "contacts": {"operations": {"email": "ops@platform.example"}}},
    "north": {"parent": "platform", "name": "North"},
    "shop": {"parent": "north", "name": "The Shop"},
    "kiosk": {"parent": "north", "name": "The Kiosk"},
    "south": {"parent": "platform", "name": "South"},
    "stall": {"parent": "south", "name": "The Stall"},
}
ROLES = ("sender", "viewer", "designer", "admin", "operator")


def config(folder, **fields):
    settings = {
        "database_url": f"sqlite:///{folder}/livery.db",
        "tenants": TENANTS,
        "channels": {"smtp": {}},
        "server": {"rate": 0, "stranger_rate": 0},
        **fields,
    }
    return Config.load(None, **settings)


def event(seller="shop", id_="evt-1", **changes):
    made = copy.deepcopy(GOOD)
    made["id"], made["data"]["seller"]["id"] = id_, seller
    return {**made, **changes}


class Service:
    """An engine and the application over it, asked in this process."""

    def __init__(self, folder, *, plugins=None, resolve=None, **fields):
        self.engine = Engine.open(config(folder, **fields), plugins=plugins, resolve=resolve)
        self.app = create_app(self.engine)
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://livery.test")

    def request(self, method, path, **options):
        return self._runner.run(self._client.request(method, path, **options))

    def token(self, role="admin", tenant=None, **options):
        return self.engine.identity.create_token(f"{role} test", roles=[role], tenant=tenant, by="test", **options)[1]

    def bearer(self, role="admin", tenant=None):
        return {"Authorization": f"Bearer {self.token(role, tenant)}"}

    def ask(self, method, path, role="admin", tenant=None, **options):
        headers = {**self.bearer(role, tenant), **options.pop("headers", {})}
        return self.request(method, path, headers=headers, **options)

    def close(self):
        self._runner.run(self._client.aclose())
        self._runner.close()
        self.app.state.viewing.close()
        self.engine.close()


def problem(answer, status, name):
    """That an answer is a problem of a kind, and its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == f"urn:livery:problem:{name}"
    assert body["instance"].endswith(answer.headers["x-request-id"])
    return body
