"""Every page by every role for one's own tenant and another's, and with every kind of text in its forms.

The pages are those the application has; a new one needs a row in `PAGES`. What is another's is answered in the very
words of what does not exist, and nothing that is typed makes a page fail.
"""

import json
import os
import re
from hashlib import sha256
from urllib.parse import quote

import pytest

from livery.http.gate import every_route, rule_of
from livery.trying import example
from service.served import ROLES, problem
from service.test_matrix import A, D, Row, Side, T, V, World, _said, may

_NAMES = re.compile(r"shop|stall|nobody|(evt|dlv|chg|ses|pkv|test)_[0-9a-z]{26}|[0-9a-f]{12}[0-9a-f]{8}")
AT = {"event": "OfferProvisionError", "channel": "webhook"}
MAIL = {"event": "OfferProvisionError", "channel": "smtp"}
DELIVERY = {"delivery": "$delivery"}
PUBLIC = {
    ("GET", "/static/{name}"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/link"),
    ("POST", "/sign-in/link"),
    ("GET", "/sign-in/oidc"),
    ("GET", "/sign-in/oidc/back"),
    ("POST", "/sign-out"),
}
PAGES: dict[tuple[str, str], Row] = {
    ("GET", "/"): Row(V, 303, None),
    ("GET", "/go"): Row(V, 303, query={"tenant": "$tenant", "from": "Packs"}),
    ("GET", "/sessions"): Row(V, foreign=None),
    ("POST", "/sessions/end"): Row(V, 303, None, body={"session": "ses_" + "0" * 26}),
    ("GET", "/t/{tenant}"): Row(V, path=T),
    ("GET", "/t/{tenant}/brand.css"): Row(V, path=T),
    ("GET", "/t/{tenant}/settings"): Row(V, path=T),
    ("POST", "/t/{tenant}/settings/switch"): Row(
        A, 303, path=T, body={"event": "*", "channel": "slack", "value": "off", "page_event": "", "page_channel": ""}
    ),
    ("GET", "/t/{tenant}/settings/event/{event}/{channel}"): Row(V, path={**T, **MAIL}, query={"q": "n"}),
    ("POST", "/t/{tenant}/settings/event/{event}/{channel}/{field}"): Row(
        A,
        303,
        path={**T, **MAIL, "field": "bcc"},
        body={"operation": "add", "value": "log@shop.example", "starts": "", "ends": ""},
    ),
    ("POST", "/t/{tenant}/settings/event/{event}/{channel}"): Row(A, 303, path={**T, **MAIL}, body={"revision": ""}),
    ("POST", "/t/{tenant}/settings/event/{event}/{channel}/destinations/add"): Row(
        A, 409, path={**T, **AT}, body={"name": "erp", "url": "https://hooks.example/1", "body": ""}
    ),
    ("POST", "/t/{tenant}/settings/event/{event}/{channel}/destinations/rotate"): Row(
        A, 404, path={**T, **AT}, body={"name": "erp"}
    ),
    ("POST", "/t/{tenant}/settings/event/{event}/{channel}/destinations/remove"): Row(
        A, 404, path={**T, **AT}, body={"name": "erp"}
    ),
    ("POST", "/t/{tenant}/settings/event/{event}/{channel}/destinations/test"): Row(
        A, 404, path={**T, **AT}, body={"name": "erp"}
    ),
    ("GET", "/t/{tenant}/settings/general"): Row(V, path=T),
    ("POST", "/t/{tenant}/settings/general/{field}"): Row(
        A, 303, path={**T, "field": "sender.name"}, body={"value": "The Shop", "operation": ""}
    ),
    ("POST", "/t/{tenant}/settings/domains"): Row(
        A, 303, path=T, body={"operation": "add", "domain": "mail.shop.example"}
    ),
    ("GET", "/t/{tenant}/settings/history"): Row(V, path=T, query={"below": "yes"}),
    ("POST", "/t/{tenant}/settings/history/undo"): Row(A, 303, path=T, body={"change": "$change", "anyway": "yes"}),
    ("GET", "/t/{tenant}/settings/times"): Row(V, path=T),
    ("POST", "/t/{tenant}/settings/times/quiet"): Row(
        A,
        303,
        path=T,
        body={"operation": "add", "name": "night", "from": "22:00", "until": "07:00", "time_zone": "UTC"},
    ),
    ("POST", "/t/{tenant}/settings/times/off"): Row(
        A, 303, path=T, body={"event": "*", "channel": "slack", "starts": "", "ends": "2099-01-01T00:00"}
    ),
    ("POST", "/t/{tenant}/settings/times/back"): Row(A, 404, path=T, body={"key": "none"}),
    ("GET", "/t/{tenant}/explain"): Row(V, path=T, query={"type": "OfferProvisionError", "event": "$event"}),
    ("POST", "/t/{tenant}/explain"): Row(V, path=T, body={"event": "$example"}),
    ("POST", "/t/{tenant}/explain/send"): Row(A, 303, path=T, body={"event": "$example", "email": "me@shop.example"}),
    ("GET", "/t/{tenant}/deliveries"): Row(
        V, path=T, query={"state": "", "channel": "", "event": "", "since": "", "until": "", "cursor": ""}
    ),
    ("GET", "/t/{tenant}/deliveries.csv"): Row(V, path=T, query={"event": "", "since": "", "until": ""}),
    ("GET", "/t/{tenant}/deliveries/{delivery}"): Row(V, path={**T, **DELIVERY}),
    ("GET", "/t/{tenant}/deliveries/{delivery}/message"): Row(V, path={**T, **DELIVERY}),
    ("GET", "/t/{tenant}/deliveries/{delivery}/file"): Row(V, path={**T, **DELIVERY}),
    ("POST", "/t/{tenant}/deliveries/{delivery}/{what}"): Row(
        A, 303, path={**T, **DELIVERY, "what": "retry"}, body={"why": "x"}
    ),
    ("GET", "/t/{tenant}/packs"): Row(V, path=T),
    ("POST", "/t/{tenant}/packs/upload"): Row(D, 422, path=T, body={"zip": "no file", "note": ""}),
    ("POST", "/t/{tenant}/packs/activate"): Row(D, 303, path=T, body={"version": "$version"}),
    ("POST", "/t/{tenant}/packs/rollback"): Row(D, 303, path=T, body={"pack": "fjord"}),
    ("POST", "/t/{tenant}/packs/use/{pack}"): Row(A, 303, path={**T, "pack": "base"}, body={"x": ""}),
    ("GET", "/t/{tenant}/packs/look/{what}"): Row(
        V, path={**T, "what": "$version"}, query={"locale": "", "sample": ""}
    ),
    ("GET", "/t/{tenant}/packs/frame/{what}/{slug}/{scheme}"): Row(
        V, 404, path={**T, "what": "$version", "slug": "none", "scheme": "dark"}
    ),
    ("GET", "/t/{tenant}/packs/findings/{what}"): Row(V, path={**T, "what": "$version"}),
    ("GET", "/t/{tenant}/packs/drift/{what}"): Row(V, path={**T, "what": "$version"}),
    ("POST", "/t/{tenant}/packs/remove"): Row(D, 303, path=T, body={"version": "$version"}),
}
CASES = [pytest.param(*key, id=" ".join(key)) for key in PAGES]
SECRET = "what-the-browser-keeps"
FORM = sha256(b"livery form\0" + SECRET.encode()).hexdigest()
ODD = (
    "\x00", "😀\u202e\ud7ff", "9" * 400, "[" * 3000, '{"data": {"seller": {"id": []}}}', "../../etc/passwd", "%00~00",
    "a\r\nX-Evil: 1", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "x" * 6000, "-1", "*", "address:", "",
)  # fmt: skip
AT_ONCE = 1 if os.environ.get("LIVERY_SOAK") else 5
"""So many of the odd texts are left out for each that a page is tried with, in turn."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.service.close()


def ask(world, method, path, role, side, *, about: Side | None = None, odd: str | None = None, token: str = FORM):
    """Ask for a page of one side, about what is of another, with an odd text wherever one can be typed."""
    row, about = PAGES[method, path], about or side
    kept = {
        "tenant": side.tenant,
        **{name: row.path[name] for name in ("what",) if name in row.path and method == "POST"},
    }
    said = {name: odd or _told(world, one, about) for name, one in row.path.items()} | kept
    address = path.format(
        **{name: quote(one, safe="").replace("~", "%7E").replace("%", "~") for name, one in said.items()}
    )
    query, form = (
        {name: _told(world, one, about) if odd is None else odd for name, one in (fields or {}).items()}
        for fields in (row.query, row.body)
    )
    headers = {"Cookie": f"livery_form={SECRET}"}
    headers |= {"Authorization": f"Bearer {world.tokens[role]}"} if role else {}
    data = None if method == "GET" else {**form, "form_token": token}
    return world.service.request(method, address, params=query, headers=headers, data=data)


def _told(world, what, side):
    if what == "$example":
        made = example(world.engine, "OfferProvisionError", seller=world.own.tenant)
        made["data"]["seller"]["id"] = side.tenant
        return json.dumps({**made, "id": "test"})
    return _said(what, side)


def is_page(answer) -> bool:
    return answer.headers.get("content-type") == "text/html; charset=utf-8"


def test_every_page_of_the_application_is_in_the_table(world):
    routes = [one for one in every_route(world.service.app.routes) if not one.include_in_schema]
    have = {(method, one.path): rule_of(one) for one in routes for method in one.methods}
    assert {key for key, rule in have.items() if rule is None} == PUBLIC
    assert {key: rule.role for key, rule in have.items() if rule} == {key: row.role for key, row in PAGES.items()}


@pytest.mark.parametrize(("method", "path"), CASES)
def test_a_stranger_is_sent_to_sign_in_and_who_may_not_is_told_so(world, method, path):
    stranger = ask(world, method, path, None, world.own)
    assert stranger.status_code == 303
    assert stranger.headers["location"].startswith("/sign-in")
    for role in ROLES:
        if not may(role, PAGES[method, path]):
            for side in (world.own, world.foreign, world.nobody):
                answer = ask(world, method, path, role, side)
                assert (answer.status_code, is_page(answer)) == (403, True), (role, side.tenant)


@pytest.mark.parametrize(("method", "path"), CASES)
def test_what_is_anothers_is_answered_in_the_words_of_what_does_not_exist(world, method, path):
    row = PAGES[method, path]
    for role in ROLES[:-1]:
        if row.foreign is None or not may(role, row):
            continue
        foreign, nobody = (ask(world, method, path, role, side) for side in (world.foreign, world.nobody))
        assert foreign.status_code == nobody.status_code == row.foreign, foreign.text
        assert _NAMES.sub("-", foreign.text) == _NAMES.sub("-", nobody.text)
        # What is another's is no more to be had by an address of one's own.
        foreign, nobody = (
            ask(world, method, path, role, world.own, about=side) for side in (world.foreign, world.nobody)
        )
        assert foreign.status_code == nobody.status_code, foreign.text
        assert _NAMES.sub("-", foreign.text) == _NAMES.sub("-", nobody.text)


@pytest.mark.parametrize(("method", "path"), [one for one in CASES if one.values[0] == "POST"])
def test_a_form_of_no_page_of_ours_does_nothing(world, method, path):
    revision = world.engine.settings.revision("shop")
    for token in ("", "0" * 64, sha256(b"livery form\0").hexdigest()):
        answer = ask(world, method, path, "admin", world.own, token=token)
        assert (answer.status_code, is_page(answer)) == (403, True)
    assert world.engine.settings.revision("shop") == revision


@pytest.mark.parametrize(
    ("number", "method", "path"), [pytest.param(at, *one.values, id=one.id) for at, one in enumerate(CASES)]
)
def test_nothing_that_is_typed_makes_a_page_fail(world, number, method, path):
    for odd in ODD[number % AT_ONCE :: AT_ONCE]:
        answer = ask(world, method, path, "admin", world.own, odd=odd)
        assert answer.status_code < 500, (odd, answer.text)
        assert "x-evil" not in answer.headers
        assert is_page(answer) or answer.status_code in (200, 303), (odd, answer.text)


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_an_address_that_is_none_is_a_page_to_a_browser_and_a_problem_to_programs(world):
    for path in ("/t/shop/setings", "/nothing", "/t/shop/settings/switch"):
        answer = world.service.request("GET", path, headers=BROWSER)
        assert (is_page(answer), answer.status_code) == (True, 405 if "switch" in path else 404)
        assert world.service.request("GET", path).headers["content-type"] == "application/problem+json"
    api = world.service.request("GET", "/v1/nothing", headers=BROWSER)
    assert (api.status_code, api.headers["content-type"]) == (404, "application/problem+json")


def test_a_page_that_fails_is_a_page_that_names_the_request(world, monkeypatch, caplog):
    def fails(**_):
        raise RuntimeError("of a bug")

    monkeypatch.setattr(world.engine, "counts", fails)
    answer = ask(world, "GET", "/t/{tenant}", "viewer", world.own)
    assert (answer.status_code, is_page(answer)) == (500, True)
    assert answer.headers["x-request-id"] in answer.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "of a bug" not in answer.text


@pytest.mark.parametrize(
    "path", ["/healthz", "/v1/me", "/v1/nothing", "/openapi.json", "/t/shop", "/nothing", "/sign-in", "/go?tenant=shop"]
)
def test_no_answer_is_kept_framed_or_run(world, path):
    for headers in ({}, {"Authorization": "Bearer livery_x"}, {"Authorization": f"Bearer {world.tokens['admin']}"}):
        answer = world.service.request("GET", path, headers={**headers, **BROWSER})
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert all(said in policy for said in ("default-src 'none'", "frame-ancestors 'none'"))


def test_a_destination_is_refused_in_words_where_there_is_no_key_to_keep_its_secret_with(world):
    said = {"operation": "add", "field": "destinations", "item": "erp", "channel": "webhook",
            "value": {"url": "https://hooks.example/1", "secret": f"whsec_{'QUJD' * 12}"}}  # fmt: skip
    answer = world.service.ask("POST", "/v1/tenants/shop/settings", json=said)
    assert "livery secrets new-key" in problem(answer, 409, "no-key")["errors"][0]["detail"]


def test_a_test_event_whose_user_is_no_user_is_told_what_is_wrong(world):
    made = example(world.engine, "OfferProvisionError", seller="shop")
    made["data"]["user"] = "Ada"
    form = {"event": json.dumps(made), "email": "me@shop.example", "form_token": FORM}
    headers = {"Cookie": f"livery_form={SECRET}", "Authorization": f"Bearer {world.tokens['admin']}"}
    answer = world.service.request("POST", "/t/shop/explain/send", data=form, headers=headers)
    assert (answer.status_code, is_page(answer)) == (422, True)


@pytest.mark.parametrize(("method", "path"), CASES)
def test_who_may_is_let_in(world, method, path):
    """Last, since it changes things."""
    row = PAGES[method, path]
    answer = ask(world, method, path, next(one for one in ROLES if may(one, row)), world.own)
    assert answer.status_code == row.status, answer.text
    if is_page(answer):
        assert "no-store" in answer.headers["cache-control"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
