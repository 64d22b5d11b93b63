"""Parts of the pages without a browser: destinations and their secrets, what-if, domains, being embedded, and every way to fail."""

import html
import re

import httpx
import pytest
from standardwebhooks import Webhook

from livery.domains import resolver
from livery.http.pages import drawing
from livery.models.identity import Principal, Role
from livery.plugin import hookimpl
from livery.trying import example
from pages.site import needs_htmx, site
from waiting import until

EVENT = "/t/hooks/settings/event/OfferProvisionError"
WHO = Principal(name="nele", tenant="hooks", roles=frozenset({Role.ADMIN}), via="host")


class Portal:
    """A host that knows who asks, by a header that its proxy sets."""

    @hookimpl
    def livery_authenticate(self, headers, scope):
        return WHO if headers.get("x-portal-user") == "nele" else None


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The service inside of a host's portal, below a prefix and in a frame, with people whom the host knows."""
    server = {"frame_ancestors": ["https://portal.example"], "rate": 0, "stranger_rate": 0}
    with site(
        tmp_path_factory.mktemp("embedded"), plugins={"portal": Portal()}, prefix="/livery", server=server
    ) as running:
        yield running


@pytest.fixture
def client(embedded):
    headers = {"x-portal-user": "nele"}
    with httpx.Client(base_url=embedded.url, headers=headers, follow_redirects=True, cookies=httpx.Cookies()) as made:
        made.cookies.clear()
        yield Clicking(made)


class Clicking:
    """Fills in forms as a browser does: with the token of the page they stand on."""

    def __init__(self, client):
        self.client = client
        self.page = None

    def get(self, path):
        self.page = self.client.get(f"/livery{path}")
        return self.page

    def post(self, path, status=200, **data):
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', self.page.text)[1]
        revision = re.search(r'name="revision" value="(\d+)"', self.page.text)
        given = {"form_token": token, **({"revision": revision[1]} if revision else {}), **data}
        self.page = self.client.post(f"/livery{path}", data=given)
        assert self.page.status_code == status, words(self.page)
        return self.page


def words(page):
    """What a page says."""
    text = re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2])
    return " ".join(html.unescape(text).split())


def secret_of(page):
    return re.search(r"whsec_[A-Za-z0-9+/=]+", html.unescape(page.text))[0]


def test_a_webhooks_secret_is_shown_once_made_anew_and_tried_out(embedded, client):
    client.get(f"{EVENT}/webhook")
    page = client.post(f"{EVENT}/webhook/destinations/add", name="erp", url=embedded.http.url("/erp"))
    first = secret_of(page)
    assert "no-store" in page.headers["cache-control"]
    shown = client.get(f"{EVENT}/webhook")
    assert "erp" in words(shown)
    assert "whsec_" not in shown.text + client.get("/t/hooks/settings/history").text

    client.get(f"{EVENT}/webhook")
    tried = client.post(f"{EVENT}/webhook/destinations/test", name="erp")
    assert "It took the message" in words(tried)
    (got,) = embedded.http.at("/erp")
    Webhook(first).verify(got.body, dict(got.headers))
    assert embedded.engine.deliveries(tenant="hooks") == [], "a test is no delivery"

    client.get(f"{EVENT}/webhook")
    second = secret_of(client.post(f"{EVENT}/webhook/destinations/rotate", name="erp"))
    assert second != first
    client.get(f"{EVENT}/webhook")
    client.post(f"{EVENT}/webhook/destinations/test", name="erp")
    for secret in (first, second):
        Webhook(secret).verify(embedded.http.at("/erp")[-1].body, dict(embedded.http.at("/erp")[-1].headers))

    client.get(f"{EVENT}/webhook")
    client.post(f"{EVENT}/webhook/destinations/remove", name="erp")
    assert "Nowhere yet" in words(client.page)
    client.post(f"{EVENT}/webhook/destinations/test", status=404, name="erp")


@pytest.mark.parametrize(
    ("channel", "given", "said"),
    [
        ("webhook", {"name": "a b", "url": "https://a.example"}, "a name of letters"),
        ("webhook", {"name": "erp", "url": "nowhere"}, "a URL"),
        ("slack", {"name": "desk"}, "either the url"),
        ("slack", {"name": "desk", "url": "https://hooks.slack.example/T0SECRET"}, ""),
    ],
)
def test_what_is_wrong_with_a_destination_is_said_and_no_secret_with_it(client, channel, given, said):
    client.get(f"{EVENT}/{channel}")
    page = client.post(f"{EVENT}/{channel}/destinations/add", status=422 if said else 200, **given)
    assert said in words(page)
    assert "T0SECRET" not in page.text
    assert "T0SECRET" not in client.get("/t/hooks/settings/history").text
    client.get(f"{EVENT}/{channel}")
    if not said:
        client.post(f"{EVENT}/{channel}/destinations/remove", name=given["name"])


def test_a_change_is_held_against_what_came_before_it_counts(embedded, client):
    embedded.engine.accept(example(embedded.engine, "OfferProvisionError", seller="hooks"))
    client.get(f"{EVENT}/smtp")
    page = client.post(f"{EVENT}/smtp/cc", operation="add", value="log@hooks.example", **{"try": "yes"})
    assert "recipient added: log@hooks.example in Cc" in words(page)
    assert embedded.engine.settings.own("hooks") == []
    page = client.post(f"{EVENT}/smtp/cc", operation="add", value="address:log@hooks.example")
    assert "log@hooks.example is in Cc now" in words(page)
    client.get(f"{EVENT}/smtp")
    client.post(
        f"{EVENT}/smtp",
    )
    assert embedded.engine.settings.own("hooks") == []


def test_values_of_the_tenant_are_said_and_taken_back(embedded, client):
    for field, value in (
        ("sender.name", "Hooks & Söhne"),
        ("locale", "de"),
        ("pack", "polar"),
        ("locale_policy", "tenant"),
    ):
        client.get("/t/hooks/settings/general")
        page = client.post(f"/t/hooks/settings/general/{field}", value=value)
        assert f"is {value} now" in words(page)
        page = client.post(f"/t/hooks/settings/general/{field}", value=value, operation="reset")
        assert "as the level above says again" in words(page)
    client.post("/t/hooks/settings/general/locale", status=422, value="not a language")
    client.get("/t/hooks/settings/general")
    client.post("/t/hooks/settings/general/nothing", status=404, value="x")
    assert embedded.engine.settings.own("hooks") == []


def test_a_domain_is_added_checked_and_removed(embedded, client, name_server, monkeypatch):
    table, port = name_server
    monkeypatch.setattr(embedded.engine.domains, "_resolve", resolver(["127.0.0.1"], port=port))
    client.get("/t/hooks/settings/general")
    page = client.post("/t/hooks/settings/domains", operation="add", domain="mail.hooks.example")
    assert "TXT record at" in words(page)
    page = client.post("/t/hooks/settings/domains", operation="check", domain="mail.hooks.example")
    assert "mail.hooks.example is not verified" in words(page)
    (domain,) = embedded.engine.domains.find(tenant="hooks")
    table[domain.record[0]] = [[domain.record[1]]]
    page = client.post("/t/hooks/settings/domains", operation="check", domain="mail.hooks.example")
    assert "mail.hooks.example is verified" in words(page)
    client.post("/t/hooks/settings/domains", status=422, operation="add", domain="no domain")
    client.get("/t/hooks/settings/general")
    page = client.post("/t/hooks/settings/domains", operation="remove", domain="mail.hooks.example")
    assert "None yet" in words(page)


def test_an_undo_of_what_was_changed_again_shows_that_first(embedded, client):
    client.get("/t/hooks/settings/general")
    client.post("/t/hooks/settings/general/locale", value="de")
    change = embedded.engine.settings.history("hooks", limit=1)[0]
    embedded.engine.settings.by("ada").change("hooks", "set", "locale", "fr")
    page = client.post("/t/hooks/settings/history/undo", status=409, change=change.id)
    assert all(said in words(page) for said in ("ada", "de → fr"))
    page = client.post("/t/hooks/settings/history/undo", change=change.id, anyway="yes")
    assert "Undone" in words(page)
    assert embedded.engine.settings.own("hooks") == []
    client.post("/t/hooks/settings/history/undo", status=404, change="chg_none")


def test_in_a_hosts_portal_the_pages_stay_below_their_prefix_and_in_its_frame(client):
    page = client.get("/")
    assert page.url.path == "/livery/t/hooks"
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors https://portal.example" in policy
    assert "x-frame-options" not in page.headers
    links = re.findall(r'(?:href|src|action|hx-post)="(/[^"]*)"', client.get(f"{EVENT}/smtp").text)
    assert len(links) > 20
    assert {one for one in links if not one.startswith("/livery/")} == set()
    for link in links:
        if "static" in link or "brand.css" in link:
            assert client.client.get(link).status_code == 200, link


def test_errors_are_pages_in_words(client, embedded):
    client.get("/t/hooks/settings")
    for address, status, said in (
        ("/t/nobody/settings", 404, "no tenant is called"),
        ("/t/hooks/settings/event/Nothing/smtp", 404, "No event type is called"),
        ("/t/hooks/settings/event/OfferProvisionError/pigeon", 404, "No channel is called"),
        ("/t/hooks/deliveries/nothing", 404, "No delivery is called"),
    ):
        page = client.get(address)
        assert page.status_code == status
        assert "text/html" in page.headers["content-type"]
        assert said.lower() in words(page).lower()
    until(lambda: embedded.engine.counts(within="hooks").get("pending", 0) == 0)


def test_an_event_that_came_is_explained_by_todays_settings(embedded, client):
    receipt = embedded.engine.accept(example(embedded.engine, "OfferProvisioned", seller="hooks"))
    page = client.get("/t/hooks/explain")
    assert f"{receipt.event_id} Offer provisioned By today's settings" in words(page)
    (address,) = (
        one
        for one in re.findall(r'href="/livery([^"]*event=[^"]*)"', page.text)
        if "explain" in one and receipt.event_id in html.unescape(page.text.partition(one)[2][:200])
    )
    page = client.get(html.unescape(address))
    event = html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)[1])
    assert receipt.event_id in event
    assert "Who gets it by e-mail" in words(client.post("/t/hooks/explain", event=event))
    assert client.get("/t/hooks/explain?event=nothing").status_code == 404


def test_an_installation_without_the_script_serves_pages_without_it(client, monkeypatch, tmp_path):
    needs_htmx()
    assert '<script src="' in client.get("/t/hooks/settings").text
    for name in ("pages.css", "icon.svg"):
        (tmp_path / name).write_bytes((drawing.STATIC / name).read_bytes())
    monkeypatch.setattr(drawing, "STATIC", tmp_path)
    drawing.htmx.cache_clear()
    monkeypatch.setitem(drawing.environment().globals, "htmx", drawing.htmx())
    try:
        page = client.get("/t/hooks/settings")
    finally:
        drawing.htmx.cache_clear()
    assert page.status_code == 200
    assert "<script" not in page.text


TIMES = "/t/hooks/settings/times"


def test_a_quiet_period_is_added_left_out_below_and_put_back(embedded, client):
    night = {"from": "22:00", "until": "07:00", "time_zone": "Europe/Berlin", "day-mon": "yes", "day-fri": "yes"}
    client.get(TIMES)
    page = client.post(f"{TIMES}/quiet", operation="add", name="night", event="*", **night)
    assert "night 22:00 to 07:00, Mon, Fri (Europe/Berlin) set here" in words(page).replace("  ", " ")
    said = embedded.engine.settings.own("hooks")[-1]
    assert (said.slot.field, said.slot.item) == ("quiet", "night")
    assert said.value == {"time_zone": "Europe/Berlin", "days": ["mon", "fri"], "from": "22:00", "until": "07:00"}
    client.post(f"{TIMES}/quiet", operation="reset", name="night", event="*")

    above = embedded.engine.settings.by("olaf")
    above.change("north-distribution", "add", "quiet", {"from": "00:00", "until": "23:59"}, item="always")
    assert "from distributor north-distribution Leave out" in words(client.get(TIMES))
    page = client.post(f"{TIMES}/quiet", operation="remove", name="always", event="*")
    assert "removed by seller hooks" in words(page)
    page = client.post(f"{TIMES}/quiet", operation="reset", name="always", event="*")
    assert "always 00:00 to 23:59, every day (UTC)" in words(page)
    above.change("north-distribution", "lock", "quiet", note="compliance")
    assert "Locked by distributor north-distribution by olaf" in words(client.get(TIMES))
    assert "Leave out" not in words(client.page)
    assert "has locked" in words(client.post(f"{TIMES}/quiet", 409, operation="add", name="x", event="*", **night))
    above.reset("north-distribution")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"from": "25:00", "until": "07:00"}, "a time of day"),
        ({"from": "22:00", "until": "07:00", "time_zone": "Mars"}, "a time zone, such as Europe/Berlin"),
        ({"starts": "2030-01-02T00:00", "ends": "2030-01-01T00:00"}, "a time after the beginning"),
        ({"starts": "soon", "ends": ""}, "such as 2026-12-24T18:00"),
        ({"from": "22:00", "until": "07:00", "event": "OfferProvisionError"}, "which is critical"),
    ],
    ids=["hour", "zone", "backwards", "no time", "critical"],
)
def test_a_quiet_period_that_is_none_is_told_what_is_wrong(client, fields, says):
    client.get(TIMES)
    assert says in words(client.post(f"{TIMES}/quiet", 422, operation="add", name="x", **fields))


def test_what_counts_for_a_time_only_is_listed_and_taken_back_alone(embedded, client):
    desk, address = embedded.engine.settings.by("nele"), f"{EVENT}/smtp/cc"
    client.get(f"{EVENT}/smtp")
    span = {"starts": "2030-12-20T00:00", "ends": "2031-01-04T00:00"}
    page = client.post(address, operation="add", value="deputy@hooks.example", **span)
    assert "deputy@hooks.example is in Cc from 2030-12-20 00:00 UTC until 2031-01-04 00:00 UTC." in words(page)
    assert "Scheduled: deputy@hooks.example from 2030-12-20 00:00 UTC" in words(page)
    client.post(address, operation="add", value="deputy@hooks.example", starts="2032-01-01T00:00")
    page = client.get(TIMES)
    page = client.post(f"{TIMES}/off", event="*", channel="slack", starts="", ends="2030-01-01T00:00")
    assert "Switch (Slack) off until 2030-01-01 00:00 UTC now Take back" in words(page)
    assert "a time at which it is switched on again" in words(client.post(f"{TIMES}/off", 422, event="*", channel="*"))

    page = client.get(TIMES)
    keys = re.findall(r'name="key" value="(\w+)"', page.text)
    assert len(set(keys)) == 3
    starts = [one.slot.starts for one in desk.own("hooks") if one.slot.field == "cc"]
    client.post(f"{TIMES}/back", key=keys[[one.slot.field for one in desk.own("hooks")].index("cc")])
    assert [one.slot.starts for one in desk.own("hooks") if one.slot.field == "cc"] == starts[1:]
    client.post(f"{TIMES}/back", 404, key=keys[[one.slot.field for one in desk.own("hooks")].index("cc")])
    desk.reset("hooks")


def test_whom_the_host_knows_has_no_session_here(client):
    page = client.get("/sessions")
    assert "The application around these pages says who you are" in words(page)


def test_a_channel_without_a_destination_says_so_and_leads_to_where_one_is_added(client):
    page = client.get("/t/hooks/settings")
    link = re.search(
        r'href="/livery([^"]+/slack)" aria-label="no destination yet: Offer provision error by Slack"', page.text
    )
    assert "Add a destination" in words(client.get(link[1]))
