"""Every route by every role for one's own tenant and another's: 401, 403 and 404 as designed.

The routes are those the application has. A new one needs a row in `ROUTES`: who may, and how it is asked about what is
one's own, another's, and nobody's. What is another's has to be answered in the very words of what does not exist.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI

from depot.making import pack_zip
from livery.domains import Lookup
from livery.http.app import check_rules
from livery.http.gate import every_route, rule_of
from livery.models.identity import Principal, Role
from livery.ports import Who
from service.served import ROLES, Service, event

OWN = "north"
"""Whom everybody acts for but operators."""
_NAMES = re.compile(r"stall|nobody|(evt|dlv|chg|tok|pkv)_[0-9a-z]{26}|urn:livery:request:\w+")


@dataclass
class Side:
    """What a request can be about at one tenant."""

    tenant: str
    event: str = "evt_" + "0" * 26
    delivery: str = "dlv_" + "0" * 26
    change: str = "chg_" + "0" * 26
    token: str = "tok_" + "0" * 26
    version: str = "pkv_" + "0" * 26
    destination: str = "smtp:nobody"
    domain: str = "nobody.example"
    user: str = "u-nobody"
    address: str = "no@nobody.example"


@dataclass
class Row:
    """Who may ask, and how; `status` of what is one's own, `foreign` of what is not (None: it is not about a tenant)."""

    role: Role | str | None
    status: int = 200
    foreign: int | None = 404
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    """What the path, the query and the body say; `$name` stands for that of a side."""


ANYONE = "whoever is known"
T = {"tenant": "$tenant"}
SAY = {"operation": "add", "field": "bcc", "value": "address:log@shop.example"}
V, D, A, OP = Role.VIEWER, Role.DESIGNER, Role.ADMIN, Role.OPERATOR
ROUTES: dict[tuple[str, str], Row] = {
    ("GET", "/healthz"): Row(None, foreign=None),
    ("GET", "/readyz"): Row(None, foreign=None),
    ("GET", "/openapi.json"): Row(None, foreign=None),
    ("GET", "/metrics"): Row(OP, foreign=None),
    ("POST", "/v1/events"): Row(Role.SENDER, 202, 422, body="$said"),
    ("GET", "/v1/events"): Row(V, query=T),
    ("GET", "/v1/events/{key}"): Row(V, path={"key": "$event"}),
    ("POST", "/v1/explain"): Row(V, 200, 422, body="$said"),
    ("POST", "/v1/preview"): Row(V, 200, 422, body="$said"),
    ("GET", "/v1/deliveries"): Row(V, query=T),
    ("GET", "/v1/deliveries/counts"): Row(V, query=T),
    ("GET", "/v1/deliveries/{delivery}"): Row(V, path={"delivery": "$delivery"}),
    ("GET", "/v1/deliveries/{delivery}/message"): Row(V, path={"delivery": "$delivery"}),
    ("POST", "/v1/deliveries/{delivery}/retry"): Row(A, path={"delivery": "$delivery"}, body={}),
    ("POST", "/v1/deliveries/{delivery}/cancel"): Row(A, path={"delivery": "$delivery"}, body={}),
    ("POST", "/v1/deliveries/retry"): Row(A, body=T),
    ("POST", "/v1/deliveries/cancel"): Row(A, body=T),
    ("GET", "/v1/interventions"): Row(V, foreign=200, query={"subject": "$delivery"}),
    ("GET", "/v1/destinations"): Row(V, query=T),
    ("POST", "/v1/destinations/disable"): Row(A, 204, body={"key": "$destination"}),
    ("POST", "/v1/destinations/enable"): Row(A, 204, body={"key": "$destination"}),
    ("GET", "/v1/settings/fields"): Row(V, foreign=None),
    ("GET", "/v1/settings/history"): Row(V, query=T),
    ("GET", "/v1/settings/export"): Row(V, query=T),
    ("POST", "/v1/settings/import"): Row(A, body={"document": {"tenants": {"$tenant": {"settings": []}}}}),
    ("POST", "/v1/settings/history/{change}/undo"): Row(A, path={"change": "$change"}, body={}),
    ("GET", "/v1/tenants/{tenant}/settings"): Row(V, path=T),
    ("GET", "/v1/tenants/{tenant}/settings/resolved"): Row(V, path=T),
    ("POST", "/v1/tenants/{tenant}/settings"): Row(A, path=T, body=SAY),
    ("POST", "/v1/tenants/{tenant}/settings/reset"): Row(A, path=T, body={"field": "bcc"}),
    ("POST", "/v1/tenants/{tenant}/settings/what-if"): Row(V, path=T, body=SAY),
    ("GET", "/v1/tenants"): Row(V, query={"under": "$tenant"}),
    ("GET", "/v1/tenants/{tenant}"): Row(V, path=T),
    ("POST", "/v1/tenants"): Row(OP, 201, None, body={"id": "new", "parent": "north"}),
    ("PATCH", "/v1/tenants/{tenant}"): Row(A, path=T, body={"name": "Another name"}),
    ("DELETE", "/v1/tenants/{tenant}"): Row(OP, 204, None, path={"tenant": "new"}),
    ("GET", "/v1/tenants/{tenant}/directory"): Row(V, path=T),
    ("GET", "/v1/tenants/{tenant}/directory/records"): Row(V, path=T),
    ("GET", "/v1/tenants/{tenant}/directory/users/{user}"): Row(V, path={**T, "user": "$user"}),
    ("POST", "/v1/tenants/{tenant}/directory/records"): Row(A, path=T, body={"records": []}),
    ("DELETE", "/v1/tenants/{tenant}/directory/records"): Row(A, path=T, query={"user": "$user"}),
    ("GET", "/v1/suppressions"): Row(V, query=T),
    ("POST", "/v1/suppressions"): Row(A, 201, body={**T, "address": "$address"}),
    ("DELETE", "/v1/suppressions"): Row(A, query={"address": "$address"}),
    ("GET", "/v1/domains"): Row(V, query=T),
    ("POST", "/v1/tenants/{tenant}/domains"): Row(A, path=T, body={"domain": "another.example"}),
    ("POST", "/v1/tenants/{tenant}/domains/{domain}/check"): Row(A, path={**T, "domain": "$domain"}),
    ("DELETE", "/v1/tenants/{tenant}/domains/{domain}"): Row(A, 204, path={**T, "domain": "$domain"}),
    ("GET", "/v1/me"): Row(ANYONE, foreign=None),
    ("GET", "/v1/tokens"): Row(A, query=T),
    ("POST", "/v1/tokens"): Row(A, 201, body={**T, "name": "x", "roles": ["viewer"]}),
    ("DELETE", "/v1/tokens/{token}"): Row(A, path={"token": "$token"}),
    ("GET", "/v1/tenants/{tenant}/packs"): Row(V, path=T),
    ("POST", "/v1/tenants/{tenant}/packs/check"): Row(D, path=T, body=b"no zip"),
    ("POST", "/v1/tenants/{tenant}/packs"): Row(D, 422, path=T, body=b"no zip"),
    ("POST", "/v1/tenants/{tenant}/packs/{pack}/activate"): Row(D, path={**T, "pack": "fjord"}, body={}),
    ("POST", "/v1/tenants/{tenant}/packs/{pack}/rollback"): Row(D, path={**T, "pack": "fjord"}),
    ("GET", "/v1/tenants/{tenant}/packs/{pack}/drift"): Row(V, path={**T, "pack": "base"}),
    ("GET", "/v1/tenants/{tenant}/packs/stencil"): Row(V, path=T, query={"type": "OfferProvisionError"}),
    ("GET", "/v1/packs/history"): Row(V, query=T),
    ("GET", "/v1/packs/{version}"): Row(V, path={"version": "$version"}),
    ("GET", "/v1/packs/{version}/zip"): Row(V, path={"version": "$version"}),
    ("DELETE", "/v1/packs/{version}"): Row(D, 204, path={"version": "$version"}),
    ("GET", "/v1/event-types"): Row(V, foreign=None),
    ("GET", "/v1/event-types/{name}/schema"): Row(V, foreign=None, path={"name": "OfferProvisionError"}),
    ("GET", "/v1/channels"): Row(V, foreign=None),
}


class World:
    """A service with something of everything at a tenant of one's own, and at another's."""

    def __init__(self, folder):
        self.service = Service(folder, resolve=lambda name: Lookup(status="absent"))
        self.engine = self.service.engine
        self.own, self.foreign, self.nobody = self._side("shop"), self._side("stall"), Side("nobody")
        self.tokens = {role: self.service.token(role, OWN if role != "operator" else None) for role in ROLES}

    def _side(self, tenant) -> Side:
        engine = self.engine
        delivery = engine.accept(event(tenant, f"evt-{tenant}")).deliveries[0]
        engine.drain()  # to a mail server that is not there: the destination fails
        (change,) = engine.settings.change(tenant, "add", "cc", f"address:cc@{tenant}.example")
        token, _ = engine.identity.create_token("x", roles=["viewer"], tenant=tenant, by="test")
        engine.domains.add(tenant, f"{tenant}.example")
        version = engine.packs.add(tenant, pack_zip(), who="test")
        engine.packs.add(tenant, pack_zip(version="2.0.0"), who="test")
        engine.packs.activate(tenant, "fjord", "2.0.0", who="test", use=False)
        engine.suppressions.add(tenant, f"no@{tenant}.example", who="test")
        self.service.ask(
            "POST",
            f"/v1/tenants/{tenant}/directory/records",
            json={
                "records": [
                    {"type": "user", "id": f"u-{tenant}", "name": "U"},
                    {"type": "organization", "name": tenant},
                ]
            },
        ).raise_for_status()
        found = engine.delivery(delivery)
        return Side(
            tenant=tenant,
            event=found.event_key,
            delivery=delivery,
            change=change.id,
            token=token.id,
            version=version.id,
            destination=found.destination_key,
            domain=f"{tenant}.example",
            user=f"u-{tenant}",
            address=f"no@{tenant}.example",
        )  # fmt: skip

    def ask(self, method, path, role, side):
        row = ROUTES[method, path]
        path_ = path.format(**{name: _said(one, side) for name, one in row.path.items()})
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        body = _said(row.body, side)
        options = {} if body is None else {"content": body} if isinstance(body, bytes) else {"json": body}
        headers |= {"content-type": "application/zip"} if isinstance(body, bytes) else {}
        return self.service.request(method, path_, params=_said(row.query, side), headers=headers, **options)


def _said(what: Any, side: Side) -> Any:
    if isinstance(what, dict):
        return {_said(key, side): _said(one, side) for key, one in what.items()}
    if what == "$said":
        return event(side.tenant, "evt-asked")
    return getattr(side, what[1:]) if isinstance(what, str) and what.startswith("$") else what


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.service.close()


def may(role: str, row: Row) -> bool:
    return row.role is not None and (row.role == ANYONE or Principal(name="x", roles={Role(role)}).may(row.role))


def described(app):
    return [one for one in every_route(app.routes) if one.include_in_schema]


CASES = [pytest.param(*key, id=" ".join(key)) for key in ROUTES]


def test_every_route_of_the_application_is_in_the_table(world):
    have = {(method, one.path): rule_of(one) for one in described(world.service.app) for method in one.methods}
    assert set(have) == set(ROUTES)
    for key, rule in have.items():
        least = (rule.role or ANYONE) if rule else None
        assert least == ROUTES[key].role, key


def test_every_other_route_has_a_rule_too(world):
    assert [rule_of(one) for one in every_route(world.service.app.routes)]
    with pytest.raises(LookupError, match="says not whom it is for"):
        check_rules(_with_another(FastAPI()))


def _with_another(app):
    app.get("/v1/forgotten")(lambda: None)
    return app


@pytest.mark.parametrize(("method", "path"), CASES)
def test_without_a_token_it_is_401_and_without_the_role_403(world, method, path):
    row = ROUTES[method, path]
    if row.role is None:
        assert world.ask(method, path, None, world.own).status_code in (200, 503)
        return
    assert world.ask(method, path, None, world.own).status_code == 401
    for role in ROLES:
        if not may(role, row):
            for side in (world.own, world.foreign, world.nobody):
                assert world.ask(method, path, role, side).status_code == 403, (role, side.tenant)


@pytest.mark.parametrize(("method", "path"), CASES)
def test_what_is_anothers_is_answered_in_the_words_of_what_does_not_exist(world, method, path):
    row = ROUTES[method, path]
    for role in ROLES[:-1]:
        if row.foreign is None or not may(role, row):
            continue
        foreign, nobody = (world.ask(method, path, role, side) for side in (world.foreign, world.nobody))
        assert foreign.status_code == nobody.status_code == row.foreign, foreign.text
        assert _NAMES.sub("-", foreign.text) == _NAMES.sub("-", nobody.text)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/events",
        "/v1/deliveries",
        "/v1/destinations?troubled=false",
        "/v1/interventions",
        "/v1/settings/history",
        "/v1/settings/export",
        "/v1/tenants",
        "/v1/suppressions",
        "/v1/domains",
        "/v1/tokens",
        "/v1/packs/history",
    ],
)
def test_a_list_shows_what_is_ones_own_and_nothing_of_others(world, path):
    world.service.engine.interventions.retry([world.own.delivery, world.foreign.delivery], Who("test"))
    text = world.service.request("GET", path, headers={"Authorization": f"Bearer {world.tokens['admin']}"}).text
    assert "shop" in text or world.own.delivery in text, text
    assert "stall" not in text
    assert world.foreign.delivery not in text


@pytest.mark.parametrize(("method", "path"), CASES)
def test_who_may_is_let_in(world, method, path):
    """Last, since it changes things: by the least role that may; whoever may more is not refused either."""
    row = ROUTES[method, path]
    roles = [one for one in ROLES if may(one, row)]
    for number, role in enumerate(roles):
        answer = world.ask(method, path, role, world.own)
        if number == 0:
            assert answer.status_code == row.status, answer.text
        assert answer.status_code not in (401, 403), answer.text
        assert answer.status_code < 500, answer.text


def test_an_operator_sees_every_tenant(world):
    for side in (world.own, world.foreign):
        assert world.ask("GET", "/v1/tenants/{tenant}", "operator", side).status_code == 200


def test_nobody_gives_out_more_than_they_have(world):
    for roles in (["operator"], ["viewer", "operator"]):
        headers = {"Authorization": f"Bearer {world.tokens['admin']}"}
        answer = world.service.request("POST", "/v1/tokens", json={"name": "x", "roles": roles}, headers=headers)
        assert answer.status_code == 403
