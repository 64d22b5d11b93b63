"""Signing in and out: sessions, forms from elsewhere, tokens, links, and an OpenID provider."""

import re
from datetime import timedelta

import httpx
import pytest
from joserfc.jwk import RSAKey

from livery.http.sessions import FORM, SESSION
from livery.models.identity import Principal, Role
from pages.provider import CLIENT, SECRET, provider
from pages.site import site

WHO = {"sub": "u-1", "email": "nele@nordwind.example", "email_verified": True, "groups": ["sellers"], "org": "story"}


@pytest.fixture(scope="module")
def accounts():
    with provider() as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory, accounts):
    """A service of which the clock can be put forward."""
    rules = [
        {"claim": "groups", "value": "operators", "roles": ["operator"]},
        {"claim": "groups", "value": "sellers", "roles": ["admin"], "tenant_claim": "org"},
    ]
    oidc = {
        "issuer": accounts.url,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "label": "Company account",
        "rules": rules,
    }
    with site(
        tmp_path_factory.mktemp("signing-in"), sign_in={"oidc": oidc, "idle_minutes": 60, "hours": 12}
    ) as running:
        yield running


@pytest.fixture
def client(service):
    """A browser as far as cookies go."""
    with httpx.Client(base_url=service.url, follow_redirects=True) as made:
        yield made


@pytest.fixture(autouse=True)
def as_it_was(accounts, service):
    key, now = accounts.key, service.engine.now
    yield
    accounts.spoil, accounts.key, accounts.published = (lambda claims: claims), key, key
    service.engine.sessions._now = now


def token_of(page):
    return re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)[1]


def entered(client, service, tenant="story", **more):
    """Sign in by a token; the token."""
    token, secret = service.engine.identity.create_token(
        "a person", roles=[Role.ADMIN], tenant=tenant, by="test", **more
    )
    page = client.post("/sign-in", data={"form_token": token_of(client.get("/sign-in")), "token": secret})
    assert page.status_code == 200
    return token


def is_in(client):
    return client.get("/t/story").url.path == "/t/story"


def test_who_has_not_signed_in_is_asked_to_and_comes_back_to_where_they_wanted(client, service):
    page = client.get("/t/story/settings?x=1")
    assert page.url.path == "/sign-in"
    assert page.url.params["back"] == "/t/story/settings?x=1"
    _, secret = service.engine.identity.create_token("a person", roles=[Role.VIEWER], tenant="story", by="test")
    data = {"form_token": token_of(page), "token": secret, "back": page.url.params["back"]}
    assert client.post("/sign-in", data=data).url.raw_path == b"/t/story/settings?x=1"


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\\b"]
)
def test_nobody_is_sent_to_another_site_after_signing_in(client, service, back):
    _, secret = service.engine.identity.create_token("a person", roles=[Role.VIEWER], tenant="story", by="test")
    data = {"form_token": token_of(client.get("/sign-in", params={"back": back})), "token": secret, "back": back}
    answer = client.post("/sign-in", data=data, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_the_secret_of_a_session_is_the_browsers_alone_new_with_each_sign_in_and_kept_as_a_hash(client, service):
    client.cookies.set(SESSION, "mine-from-before")
    entered(client, service)
    first = client.cookies.get(SESSION, domain="127.0.0.1")
    assert first != "mine-from-before"
    entered(client, service)
    second = client.cookies.get(SESSION, domain="127.0.0.1")
    assert second != first
    assert service.engine.sessions.of(first) is None
    stored = service.engine._opened().ledger.engine.raw_connection().driver_connection.serialize()
    assert second.encode() not in stored


def test_cookies_are_for_the_browser_and_this_site_only(client, service):
    page = client.get("/sign-in")
    assert set(page.headers["set-cookie"].partition(";")[2].lower().replace(" ", "").split(";")) >= {
        "httponly",
        "samesite=lax",
        "path=/",
    }
    _, secret = service.engine.identity.create_token("a person", roles=[Role.VIEWER], tenant="story", by="test")
    forwarded = {"x-forwarded-proto": "https", "origin": f"https://{page.url.netloc.decode()}"}
    answer = client.post(
        "/sign-in", data={"form_token": token_of(page), "token": secret}, headers=forwarded, follow_redirects=False
    )
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(SESSION))
    assert {"httponly", "samesite=lax", "secure"} <= set(cookie.lower().replace(" ", "").split(";"))


def test_a_session_ends_by_signing_out_by_time_and_with_the_token_it_came_from(client, service):
    sessions, now = service.engine.sessions, service.engine.now
    entered(client, service)
    assert is_in(client)
    client.post("/sign-out", data={"form_token": token_of(client.get("/t/story"))})
    assert not is_in(client)

    entered(client, service)
    sessions._now = lambda: now() + timedelta(minutes=59)
    assert is_in(client)
    sessions._now = lambda: now() + timedelta(minutes=118)
    assert is_in(client), "it was used in between"
    sessions._now = lambda: now() + timedelta(minutes=180)
    assert not is_in(client)

    sessions._now = now
    entered(client, service)
    for minutes in range(0, 720, 50):
        sessions._now = lambda minutes=minutes: now() + timedelta(minutes=minutes)
        assert is_in(client)
    sessions._now = lambda: now() + timedelta(hours=12)
    assert not is_in(client), "however much it is used"

    sessions._now = now
    token = entered(client, service)
    assert is_in(client)
    service.engine.identity.revoke(token.id, by="test")
    assert not is_in(client)

    entered(client, service)
    sessions.revoke(sessions.list(within="story")[0].id, within="north-distribution")
    assert not is_in(client)


def test_one_sees_ones_own_sessions_and_an_admin_those_of_their_people_and_ends_them(client, service):
    def another(name, tenant, roles=(Role.VIEWER,)):
        who = Principal(name=name, tenant=tenant, roles=frozenset(roles), via="link")
        return service.engine.sessions.begin(who)

    entered(client, service)
    mine = client.cookies.get(SESSION, domain="127.0.0.1")
    principal = service.engine.sessions.of(mine).principal
    elsewhere, below, foreign = (
        service.engine.sessions.begin(principal),
        another("vera", "story"),
        another("x", "hostile"),
    )
    page = client.get("/sessions")
    assert "this browser" in page.text
    assert "vera" in page.text
    form = {"form_token": token_of(page)}
    assert "Signed out elsewhere: 1." in client.post("/sessions/end", data={**form, "others": "yes"}).text
    assert service.engine.sessions.of(elsewhere) is None
    for secret, is_over in ((below, True), (foreign, False)):
        id_ = service.engine.sessions.of(secret).id
        assert (id_ in page.text) is is_over
        said = client.post("/sessions/end", data={**form, "session": id_}).text
        assert ("That session is over." in said) is is_over
        assert (service.engine.sessions.of(secret) is None) is is_over
    client.post("/sessions/end", data={**form, "session": service.engine.sessions.of(mine).id})
    assert not is_in(client)


def test_who_is_no_admin_sees_and_ends_no_session_but_their_own(client, service):
    colleague = service.engine.sessions.begin(Principal(name="ada", tenant="story", roles={Role.ADMIN}, via="link"))
    _, secret = service.engine.identity.create_token("a viewer", roles=[Role.VIEWER], tenant="story", by="test")
    client.post("/sign-in", data={"form_token": token_of(client.get("/sign-in")), "token": secret})
    page = client.get("/sessions")
    assert "ada" not in page.text
    id_ = service.engine.sessions.of(colleague).id
    said = client.post("/sessions/end", data={"form_token": token_of(page), "session": id_}).text
    assert "over already" in said
    assert service.engine.sessions.of(colleague) is not None


def test_a_form_that_is_not_ours_changes_nothing(client, service):
    entered(client, service)
    own, address = token_of(client.get("/t/story/settings")), "/t/story/settings/switch"
    data = {"event": "*", "channel": "slack", "value": "off"}
    elsewhere = {"origin": "https://evil.example"}
    with httpx.Client(base_url=service.url) as other:
        entered_other = token_of(other.get("/sign-in"))
    refused = [
        client.post(address, data=data),
        client.post(address, data={**data, "form_token": "0" * 64}),
        client.post(address, data={**data, "form_token": entered_other}),
        client.post(address, data={**data, "form_token": own}, headers=elsewhere),
        client.post(address, data={**data, "form_token": own}, headers={"sec-fetch-site": "cross-site"}),
    ]
    assert [one.status_code for one in refused] == [403] * 5
    assert all("text/html" in one.headers["content-type"] for one in refused)
    assert service.engine.settings.own("story") == []
    assert client.post(address, data={**data, "form_token": own}).status_code == 200
    assert len(service.engine.settings.own("story")) == 1
    service.engine.settings.reset("story")


def test_a_link_signs_in_once_and_not_by_being_looked_at(client, service):
    who = Principal(name="olaf", tenant=None, roles=frozenset({Role.OPERATOR}), via="link")
    key = service.engine.identity.create_link(who)
    page = client.get("/sign-in/link", params={"key": key})
    client.get("/sign-in/link", params={"key": key})
    data = {"form_token": token_of(page), "key": key}
    assert client.post("/sign-in/link", data=data).url.path == "/t/platform"
    again = client.post("/sign-in/link", data={"form_token": token_of(client.get("/sign-in")), "key": key})
    assert again.status_code == 403
    assert "does not count any more" in again.text


def at_the_provider(client, name):
    """Sign in there, as a browser would."""
    page = client.get("/sign-in/oidc", params={"back": "/t/story/settings"})
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    return client.post(page.url, data={**fields, "who": name})


def test_a_person_signs_in_at_a_provider_and_is_who_its_claims_say(client, service, accounts):
    accounts.people = {"nele": WHO, "boss": {"sub": "u-2", "groups": ["x", "operators"]}}
    page = at_the_provider(client, "nele")
    assert page.url.path == "/t/story/settings"
    (session,) = [one for one in service.engine.sessions.list() if one.principal.via == "oidc"]
    expected = Principal(name="nele@nordwind.example", tenant="story", roles=frozenset({Role.ADMIN}), via="oidc")
    assert session.principal == expected
    assert client.get("/t/levels").status_code == 404
    with httpx.Client(base_url=service.url, follow_redirects=True) as other:
        assert at_the_provider(other, "boss").status_code == 200
        assert other.get("/t/levels").status_code == 200
    states = [one["state"] for one in accounts.asked]
    assert len(set(states)) == len(states)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({**WHO, "groups": ["cleaners"]}, "no access here"),
        ({**WHO, "org": ""}, "names no tenant"),
        ({**WHO, "org": "nowhere"}, "no tenant here"),
    ],
)
def test_who_fits_no_rule_is_not_let_in(client, accounts, claims, said):
    accounts.people = {"nele": claims}
    page = at_the_provider(client, "nele")
    assert page.status_code == 403
    assert said in page.text
    assert not is_in(client)


def stranger(claims):
    return claims | {"iss": "https://other.example"}


@pytest.mark.parametrize(
    "spoil",
    [
        stranger,
        lambda claims: claims | {"aud": "another client"},
        lambda claims: claims | {"nonce": "x" * 20},
        lambda claims: {key: value for key, value in claims.items() if key != "nonce"},
        lambda claims: claims | {"exp": claims["exp"] - 4000},
        lambda claims: {key: value for key, value in claims.items() if key != "sub"},
        lambda claims: claims | {"aud": [CLIENT, "another"], "azp": "another"},
    ],
    ids=["issuer", "audience", "nonce", "no nonce", "expired", "nobody", "authorized party"],
)
def test_a_token_that_is_not_for_us_lets_nobody_in(client, accounts, spoil):
    accounts.people, accounts.spoil = {"nele": WHO}, spoil
    page = at_the_provider(client, "nele")
    assert page.status_code == 403
    assert "could not be verified" in page.text
    assert not is_in(client)


def test_a_token_of_another_key_lets_nobody_in_and_a_new_key_of_the_provider_is_learnt(client, accounts):
    accounts.people = {"nele": WHO}
    accounts.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    assert at_the_provider(client, "nele").status_code == 403
    accounts.key = accounts.published = RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})
    assert at_the_provider(client, "nele").status_code == 200
    assert is_in(client)


def test_an_answer_that_this_browser_did_not_ask_for_lets_nobody_in(client, service, accounts):
    accounts.people = {"nele": WHO}
    with httpx.Client(base_url=service.url) as attacker:
        begun = attacker.get("/sign-in/oidc")
        page = attacker.get(begun.headers["location"])
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        answer = attacker.post(page.url, data={**fields, "who": "nele"}).headers["location"]
    page = client.get(answer)
    assert page.status_code == 403
    assert "not begun in this browser" in page.text
    refused = client.get("/sign-in/oidc/back", params={"error": "access_denied", "state": fields["state"]})
    assert refused.status_code == 403


def test_no_page_may_run_what_is_not_ours(client, service):
    entered(client, service)
    for path in ("/sign-in", "/t/story", "/t/story/settings", "/t/nobody"):
        policy = dict(
            one.strip().partition(" ")[::2] for one in client.get(path).headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert (policy["script-src"], policy["style-src"], policy["frame-ancestors"]) == ("'self'", "'self'", "'none'")
        assert "unsafe" not in str(policy)
    assert FORM != SESSION
