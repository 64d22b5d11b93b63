"""Who asks: by a token, by the host's own identity; and that another site's page is not one's own."""

from datetime import timedelta
from hashlib import sha256

import pytest

from livery.errors import InputError, NotFound
from livery.models.identity import Principal, Role
from livery.plugin import hookimpl
from service.served import Service, event, problem

KEY = {"x-host-user": "ada"}


class Host:
    """A host that names its users in a header."""

    def __init__(self, answer):
        self.answer = answer

    @hookimpl
    def livery_authenticate(self, headers):
        if "x-host-user" not in headers:
            return None
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def hosted(tmp_path):
    made = []

    def make(answer):
        made.append(Service(tmp_path, plugins={"host": Host(answer)}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_host_says_who_asks_and_for_which_tenant(hosted):
    service = hosted(Principal(name="ada", tenant="north", roles={Role.ADMIN}))
    assert service.request("POST", "/v1/events", json=event("shop"), headers=KEY).status_code == 202
    problem(service.request("POST", "/v1/events", json=event("stall"), headers=KEY), 422, "unknown-seller")
    problem(service.request("POST", "/v1/events", json=event()), 401, "unauthenticated")


@pytest.mark.parametrize("answer", [RuntimeError("away"), "ada", object()])
def test_a_host_that_fails_or_answers_nonsense_lets_nobody_in(hosted, answer):
    service = hosted(answer)
    problem(service.request("POST", "/v1/events", json=event(), headers=KEY), 401, "unauthenticated")
    assert service.engine.hooks.alarms["hook_failed"] == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"sec-fetch-site": "same-origin", "origin": "http://livery.test"}, 202),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_what_a_browser_sends_from_another_sites_page_is_refused_unless_a_token_came(hosted, headers, status):
    service = hosted(Principal(name="ada", roles={Role.ADMIN}))
    answer = service.request("POST", "/v1/events", json=event(), headers={**KEY, **headers})
    assert answer.status_code == status
    assert service.ask("POST", "/v1/events", json=event(), headers=headers).status_code == 202


@pytest.mark.parametrize("given", ["Bearer", "Bearer x", "Bearer livery_", "Basic YTpi", "bearer  ", "Bearer \x7f"])
def test_what_is_no_token_lets_nobody_in(service, given):
    problem(service.request("GET", "/metrics", headers={"Authorization": given}), 401, "unauthenticated")


def test_two_tokens_at_once_are_one_too_many(service):
    headers = [("Authorization", f"Bearer {service.token('operator')}"), ("Authorization", "Bearer x")]
    problem(service.request("GET", "/metrics", headers=headers), 400, "malformed")


def test_a_token_counts_until_its_end_and_says_when_it_was_used(tmp_path):
    service = Service(tmp_path)
    identity, started = service.engine.identity, service.engine.now()
    token, secret = identity.create_token("short", roles=["viewer"], lasts=timedelta(hours=1), by="test")
    assert identity.by_token(secret) == Principal(name="short", roles={Role.VIEWER}, via="token", id=token.id)
    (kept,) = identity.tokens()
    assert kept.used_at >= started
    assert secret not in repr(kept)
    identity._now = lambda: started + timedelta(hours=2)
    assert identity.by_token(secret) is None
    assert identity.at_once(secret) is None
    service.close()


def test_the_store_has_no_secret_of_a_token(service, tmp_path):
    secret = service.token()
    service.engine.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert secret.encode() not in stored
    assert secret[:13].encode() in stored  # how it begins is kept, for people to tell theirs apart


def test_a_token_acts_for_a_tenant_that_is_there(service):
    with pytest.raises(NotFound, match="no tenant is called 'nobody'"):
        service.engine.identity.create_token("x", roles=["viewer"], tenant="nobody", by="test")
    with pytest.raises(NotFound, match="no tenant is called 'stall'"):
        service.engine.identity.create_token("x", roles=["viewer"], tenant="stall", within="north", by="test")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (" ", {"roles": ["viewer"]}),
        ("x", {"roles": []}),
        ("x", {"roles": ["king"]}),
        ("x", {"roles": ["viewer"], "lasts": timedelta(0)}),
        ("x", {"roles": ["operator"], "tenant": "north"}),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(service, name, options):
    with pytest.raises(InputError):
        service.engine.identity.create_token(name, by="test", **options)
    assert service.engine.identity.tokens() == []


def test_a_link_lets_in_once(service):
    identity, who = service.engine.identity, Principal(name="first", roles={Role.OPERATOR}, via="link")
    secret = identity.create_link(who)
    assert identity.by_link(secret) == who
    assert identity.by_link(secret) is None
    assert identity.by_link(identity.create_link(who, lasts=timedelta(0))) is None
    assert identity.by_token(identity.create_link(who)) is None


def test_what_is_asked_for_and_not_known_is_refused_and_not_left_out(service):
    service.engine.accept(event())
    answer = service.ask("GET", "/v1/deliveries?sate=dead&limit=1")
    (said,) = problem(answer, 422, "input-invalid")["errors"]
    assert (said["parameter"], "state" in said["detail"]) == ("sate", True)
    assert problem(service.ask("DELETE", "/v1/tenants/shop/directory/records?usr=u-1"), 422, "input-invalid")
    assert problem(service.ask("GET", "/v1/me?access_token=x"), 422, "input-invalid")


@pytest.mark.parametrize("path", ["/healthz", "/v1/me", "/t/shop", "/v1/nothing", "/static/pages.css"])
def test_head_is_answered_as_get_without_the_content(service, path):
    got, head = (service.ask(method, path) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def test_behind_a_proxy_that_asks_for_another_host_the_public_address_is_ours(tmp_path):
    known = {"public_url": "https://notify.example/livery", "rate": 0, "stranger_rate": 0}
    service = Service(tmp_path, server=known)
    try:
        form = {"token": "x", "form_token": sha256(b"livery form\0own").hexdigest()}
        for origin, status in (("https://notify.example", 403), ("https://evil.example", 403)):
            headers = {"Origin": origin, "Cookie": "livery_form=own"}
            answer = service.request("POST", "/sign-in", data=form, headers=headers)
            assert answer.status_code == status
            is_from_elsewhere = "another site" in answer.text
            assert is_from_elsewhere is (origin != "https://notify.example")
    finally:
        service.close()
