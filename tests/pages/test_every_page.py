"""Every page: axe finds nothing, nothing is wider than a phone, in light and in dark; and looks were kept."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from livery.models.identity import Role
from pages.judging import violations
from waiting import until

SELLER = "looks"
EVENT = "/settings/event/OfferProvisionError"
PAGES = {
    "home": "",
    "settings": "/settings",
    "an event by e-mail": f"{EVENT}/smtp",
    "somebody looked for": f"{EVENT}/smtp?q=nele",
    "an event by webhook": f"{EVENT}/webhook",
    "a locked list": "/settings/event/OfferProvisioned/smtp",
    "sender and language": "/settings/general",
    "history": "/settings/history",
    "quiet periods": "/settings/times",
    "explain": "/explain?type=OfferProvisionError",
    "deliveries": "/deliveries",
    "deliveries that are none": "/deliveries?event=nothing",
    "what is not there": "/settings/event/Nothing/smtp",
}
WAYS = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True},
}


@pytest.fixture(scope="module")
def lived_in(service):
    """A seller that has something of everything."""
    desk = service.engine.settings.by("olaf")
    one = {"event_type": "OfferProvisionError"}
    desk.change("north-distribution", "lock", "bcc", event_type="OfferProvisioned", note="compliance")
    desk.change("north-distribution", "add", "cc", "address:desk@north.example", **one)
    desk.change(SELLER, "set", "enabled", False, channel="slack", **one)
    desk.change(SELLER, "add", "bcc", "address:log@looks.example", channel="smtp", note="for the audit", **one)
    desk.change(SELLER, "remove", "cc", "organization_contact:seller.primary", channel="smtp", **one)
    hook = {"url": service.http.url("/looks"), "secret": f"whsec_{'QUJD' * 12}"}
    desk.change(SELLER, "add", "destinations", hook, item="erp", channel="webhook")
    desk.change("north-distribution", "add", "quiet", {"from": "22:00", "until": "07:00"}, item="night")
    soon = {"starts": service.engine.now() + timedelta(days=1), "ends": service.engine.now() + timedelta(days=9)}
    desk.change(SELLER, "add", "cc", "address:deputy@looks.example", **one, **soon)
    service.engine.domains.add(SELLER, "mail.looks.example")
    event = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
    event["data"]["seller"]["id"] = SELLER
    service.engine.accept({**event, "id": "looks-1"})
    until(lambda: all(one.settled_at for one in service.engine.deliveries(tenant=SELLER)))
    return service


def judged(page, way):
    """What is wrong with a page; what a phone or the dark do not change is judged once."""
    wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    rules = {"desktop": (), "dark": ("color-contrast",), "phone": ("target-size",)}[way]
    return violations(page, *rules), wide


@pytest.mark.parametrize("way", WAYS)
def test_every_page_passes_axe_and_fits(lived_in, tab, way):
    page = tab(**WAYS[way])
    page.goto(f"{lived_in.url}/sign-in")
    found = {"sign in": judged(page, way)}
    page.goto(lived_in.link("north-distribution", name="olaf", roles=(Role.ADMIN,)))
    found["by a link"] = judged(page, way)
    page.click("main button")
    for name, path in PAGES.items():
        page.goto(lived_in.at(SELLER, path))
        found[name] = judged(page, way)
    for name, path in (("who is signed in", "/sessions"), ("an address that is none", "/nothing")):
        page.goto(f"{lived_in.url}{path}")
        found[name] = judged(page, way)
    page.goto(lived_in.at(SELLER, "/settings/times"))
    for closed in page.locator("summary").all():
        closed.click()
    found["the forms of times"] = judged(page, way)
    for one in lived_in.engine.deliveries(tenant=SELLER):
        page.goto(lived_in.at(SELLER, f"/deliveries/{one.id}"))
        found[f"a delivery by {one.channel}"] = judged(page, way)
    page.goto(lived_in.at(SELLER, PAGES["explain"]))
    with page.expect_navigation():
        page.get_by_role("button", name="Explain", exact=True).click()
    found["explained"] = judged(page, way)

    assert {name: one for name, one in found.items() if one != ({}, 0)} == {}


def test_axe_would_find_something(lived_in, tab):
    page = tab()
    page.goto(f"{lived_in.url}/sign-in")
    page.evaluate("() => document.querySelector('label').remove()")
    assert set(violations(page)) == {"label-title-only"}
