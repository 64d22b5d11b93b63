"""What comes from outside is harmless in pages: text of events, names, tokens of brands, ids with every kind of character."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.http.pages.brand import style
from livery.http.pages.once import Said
from livery.http.pages.shell import segment, unsegment
from livery.packs.colour import AA, AA_LARGE, contrast
from livery.trying import example
from pages.site import site
from pages.test_story import signed_in
from waiting import until

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg/onload=alert(3)>{{7*7}}</textarea><h1>"
HIDDEN = "a\u202eb\u0000c"
ODD = "a/b ~%c?d#é"
PLACES = (
    "",
    "/settings",
    "/settings/event/OfferProvisionError/smtp?q=%3Cscript%3E",
    "/settings/general",
    "/settings/history?below=yes",
    "/deliveries",
)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    brand = {"primary": "#ffffff", "header": "#ffff00", "on_header": "#fffffe", "name": "x'), url(javascript:alert(5)) /*",
             "logo_url": "https://evil.example/a.png' onerror='alert(4)", "font": "a, url(javascript:alert(1))"}  # fmt: skip
    tenants = {
        "platform": {},
        "hostile": {"parent": "platform", "name": MARKUP, "brand": brand},
        ODD: {"parent": "platform", "name": "Odd"},
    }
    with site(tmp_path_factory.mktemp("hostile"), tenants=tenants) as running:
        yield running


def test_markup_in_events_names_and_settings_is_text_on_every_page(service, tab):
    dialogs = []
    page = tab()
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
    desk = service.engine.settings.by(f"who {MARKUP}")
    desk.change("hostile", "set", "sender.name", MARKUP, note=MARKUP)
    desk.change("hostile", "add", "bcc", "role:a", event_type="OfferProvisionError", note=MARKUP)
    event = example(service.engine, "OfferProvisionError", seller="hostile", email="a@hostile.example")
    event["data"]["error"]["message"] = event["data"]["offer"]["name"] = MARKUP
    event["data"]["user"]["name"] = MARKUP
    receipt = service.engine.accept(event)
    until(lambda: all(one.is_good for one in service.engine.deliveries(event_id=receipt.event_id)))

    signed_in(service, page, "hostile", name=MARKUP)
    for path in (*PLACES, f"/deliveries/{service.engine.deliveries(tenant='hostile')[0].id}"):
        assert page.goto(service.at("hostile", path)).ok
        assert page.locator("img:not(.wordmark img), script:not([src]), svg, main h1 h1").count() == 0, path
        assert "onerror" not in page.evaluate(
            "() => [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).join(' ')"
        )
    page.goto(service.at("hostile", "/explain"))
    page.get_by_label("Event, as JSON").fill(json.dumps(event))
    page.get_by_role("button", name="Explain", exact=True).click()
    page.get_by_text("Who gets it by e-mail").wait_for()
    assert MARKUP.split('"', maxsplit=1)[0] in page.locator("main").inner_text()
    for wrong in (
        "{",
        "[]",
        '{"data": 1}',
        "[" * 100_000,
        json.dumps({**event, "type": MARKUP}),
        json.dumps({**event, "id": HIDDEN}),
    ):
        page.get_by_label("Event, as JSON").fill(wrong)
        page.get_by_role("button", name="Explain", exact=True).click()
        page.get_by_role("alert").wait_for()
    assert dialogs == []


def test_tokens_that_are_hostile_or_cannot_be_read_leave_a_page_that_can(service, tab):
    page = tab()
    signed_in(service, page, "hostile")
    assert page.locator("main").is_visible(), "no token ends a rule"
    seen = page.evaluate(
        """() => { const of = getComputedStyle(document.querySelector(".band")); const button = getComputedStyle(document.querySelector(".tabs a, .bar a[aria-current]"));
        return [of.backgroundColor, of.color, document.querySelectorAll(".wordmark img").length] }"""
    )
    assert seen[0] == "rgb(255, 255, 0)"
    assert seen[1] != "rgb(255, 255, 254)", "white on yellow is nothing to read"
    assert seen[2] == 0, "an address that ends its attribute is no picture"


@given(
    st.dictionaries(
        st.sampled_from(["primary", "header", "on_header", "mark", "font", "dark_primary", "on_primary"]), st.text()
    )
)
def test_no_token_ends_a_rule_and_every_colour_can_be_read(tokens):
    css = style(tokens)
    assert css.count("{") == css.count("}") == (3 if "--brand-font" not in css else 4)
    assert all(bad not in css for bad in ("<", "url(", "@import", "\\", "expression", "/*"))
    for scheme in css.split("@media")[:2]:
        values = dict(one.split(":") for one in scheme.partition(":root{")[2].partition("}")[0].split(";"))
        assert contrast(values["--band"], values["--on-band"]) >= AA
        assert contrast(values["--fill"], values["--on-fill"]) >= AA
        page = {"--link": AA, "--edge": AA_LARGE}
        grounds = ("#131416", "#1c1e21", "#26292d") if "dark" in scheme else ("#f6f6f4", "#ffffff", "#eeeeea")
        assert all(contrast(values[name], ground) >= needed for name, needed in page.items() for ground in grounds)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_id_survives_an_address(id_):
    part = segment(id_)
    assert not set("/%?#") & set(part)
    assert unsegment(part) == id_


@given(st.text())
def test_what_is_said_once_reads_no_cookie_that_came_from_elsewhere(cookie):
    found = Said.from_cookie(cookie)
    assert found is None or len(found.text) <= 401


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_said_once_is_read_again(text):
    assert Said.from_cookie(Said(text).as_cookie()).text[:400] == text[:400]


def test_a_tenant_of_any_name_has_pages_and_a_switcher_that_leads_to_them(service, tab):
    page = tab()
    page.goto(service.link(None, roles=["operator"]))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Tenant").select_option(ODD)
    page.get_by_role("button", name="Go").click()
    page.get_by_text("How Odd has fared").wait_for()
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Offer provision error", exact=True).click()
    page.get_by_label("Add to Bcc").fill("log@odd.example")
    page.get_by_label("Add to Bcc").press("Enter")
    page.get_by_role("status").filter(has_text="is in Bcc now").wait_for()
    assert [one.slot.item for one in service.engine.settings.own(ODD)] == ["address:log@odd.example"]


def test_static_files_are_ours_and_no_others(service):
    with httpx.Client(base_url=service.url) as client:
        assert client.get("/static/pages.css").status_code == 200
        for name in ("..%2Fshell.py", "%2e%2e/shell.py", "shell.py", "nothing.css", "..\\shell.py"):
            assert client.get(f"/static/{name}").status_code in (404, 405), name
