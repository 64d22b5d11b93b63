"""The seed's story end to end, in a real browser over a real service: what a seller's admin does on the Settings page."""

import re

import pytest

from livery.http.pages import drawing
from livery.models.identity import Role
from pages.site import needs_htmx
from waiting import until

EVENT = "/settings/event/OfferProvisionError/smtp"


def signed_in(service, page, tenant, **who):
    page.goto(service.link(tenant, **who))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/t/"))


def part(page, name):
    """The card of a list."""
    return page.get_by_role("region", name=name, exact=True)


def add(page, field, value):
    part(page, field).get_by_label(f"Add to {field}").fill(value)
    part(page, field).get_by_role("button", name="Add", exact=True).click()


def delivered_to(service, address):
    """The mails an address got."""
    return [mail for mail in service.mail.mails if address in mail.recipients]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_admin_adds_a_bcc_tests_it_finds_the_delivery_reads_why_and_resets(service, tab, scripts):
    if scripts:
        needs_htmx()
    seller = "story" if scripts else "plain"
    page = tab(java_script_enabled=scripts)
    signed_in(service, page, seller)
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Offer provision error", exact=True).click()
    if scripts:
        assert page.evaluate("() => typeof htmx") == "object", "else both runs are the same"
    assert part(page, "Bcc").inner_text().count("Nobody.") == 1

    add(page, "Bcc", f"log@{seller}.example")
    page.get_by_role("status").filter(has_text="is in Bcc now").wait_for()
    entry = part(page, "Bcc").get_by_role("listitem")
    assert entry.inner_text().split("\n")[0].startswith(f"log@{seller}.example")
    assert "set here" in entry.inner_text()
    assert "default" in part(page, "To").get_by_role("listitem").inner_text()

    page.get_by_role("link", name="Explain or test").click()
    page.get_by_label("Write to this address in place of the event's user").fill(f"me@{seller}.example")
    page.get_by_role("button", name="Send as a test").click()
    page.get_by_role("status").filter(has_text="is on its way").wait_for()
    until(lambda: delivered_to(service, f"log@{seller}.example"))
    assert delivered_to(service, f"me@{seller}.example")
    until(lambda: service.engine.deliveries(tenant=seller)[0].is_good)
    page.reload()
    page.get_by_role("table").get_by_role("link").click()

    who = page.get_by_role("table", name="Who gets it by e-mail")
    bcc = who.get_by_role("row").filter(has_text="Bcc").inner_text()
    assert all(said in bcc for said in (f"log@{seller}.example", "This address", "set here"))
    assert "The user who did it" in who.get_by_role("row").filter(has_text=f"me@{seller}.example").inner_text()
    assert "Accepted by the far side" in page.locator("main").inner_text()

    page.goto(service.at(seller, EVENT))
    part(page, "Bcc").get_by_role("button", name="Reset").click()
    page.get_by_role("status").filter(has_text="as the level above says again").wait_for()
    assert part(page, "Bcc").inner_text().count("Nobody.") == 1
    assert service.engine.settings.own(seller) == []
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("status").filter(has_text="Undone").wait_for()
    assert [one.slot.item for one in service.engine.settings.own(seller)] == [f"address:log@{seller}.example"]


def test_what_a_distributor_says_arrives_at_its_seller_and_what_it_locks_stays(service, tab):
    above, below = tab(), tab()
    signed_in(service, above, "north-distribution", name="olaf")
    signed_in(service, below, "levels", name="nele")
    below.goto(service.at("levels", EVENT))
    add(below, "Bcc", "own@levels.example")
    below.get_by_role("status").filter(has_text="is in Bcc now").wait_for()

    above.goto(service.at("north-distribution", "/settings/event/OfferProvisionError/smtp"))
    add(above, "Bcc", "desk@north.example")
    above.get_by_role("status").filter(has_text="is in Bcc now").wait_for()
    part(above, "Cc").get_by_role("button", name="Lock").click()
    part(above, "Cc").get_by_text("Locked for the levels below").wait_for()

    below.reload()
    rows = part(below, "Bcc").get_by_role("listitem").all_inner_texts()
    assert ["from distributor north-distribution" in one for one in rows] == [
        "desk@north.example" in one for one in rows
    ]
    assert any("own@levels.example" in one and "set here" in one for one in rows)
    assert "Locked by distributor north-distribution by olaf" in part(below, "Cc").inner_text().replace("\n", " ")
    assert part(below, "Cc").get_by_role("button").count() == 0

    part(below, "Bcc").get_by_role("button", name="Remove desk@north.example from Bcc").click()
    below.get_by_role("status").filter(has_text="left out of Bcc").wait_for()
    assert "removed by seller levels" in part(below, "Bcc").inner_text()
    part(above, "Cc").get_by_role("button", name="Unlock").click()
    part(above, "Cc").get_by_role("button", name="Lock").wait_for()
    part(above, "Bcc").get_by_role("button", name="Reset").click()
    part(above, "Bcc").get_by_text("Nobody.").wait_for()
    assert below.goto(service.at("north-distribution")).status == 404
    assert below.goto(service.at("story")).status == 404


def test_two_who_edit_the_same_list_both_see_both_and_nothing_is_lost(service, tab):
    first, second = tab(), tab()
    for page, name in ((first, "ada"), (second, "ben")):
        signed_in(service, page, "conflict", name=name)
        page.goto(service.at("conflict", EVENT))
    add(first, "Bcc", "a@conflict.example")
    first.get_by_role("status").filter(has_text="is in Bcc now").wait_for()
    add(second, "Bcc", "b@conflict.example")
    second.get_by_role("heading", name="Somebody else changed this").wait_for()
    shown = second.locator("main").inner_text()
    assert all(said in shown for said in ("a@conflict.example", "ada", "b@conflict.example"))
    assert [one.slot.item for one in service.engine.settings.own("conflict")] == ["address:a@conflict.example"]

    second.get_by_role("button", name="Make it all the same").click()
    second.get_by_role("status").filter(has_text="is in Bcc now").wait_for()
    assert part(second, "Bcc").get_by_role("listitem").count() == 2

    first.goto(service.at("conflict", "/settings"))  # another setting is no conflict
    second.get_by_role("link", name="Settings", exact=True).first.click()
    for page, name in ((first, "Slack"), (second, "Teams")):
        page.get_by_role("switch", name=f"Offer provision error by {name}").click()
        page.get_by_role("status").filter(has_text="switched off").wait_for()
    page = second
    assert page.get_by_role("switch", name="Offer provision error by Slack").get_attribute("aria-checked") == "false"


def test_everything_can_be_done_by_the_keyboard_alone(service, tab):
    page = tab()
    signed_in(service, page, "keys")
    page.goto(service.at("keys", "/settings"))
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    reached(page, "switch", "Offer provision error by Slack")
    page.keyboard.press("Space")
    page.get_by_role("status").filter(has_text="switched off").wait_for()
    here = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert here == "Offer provision error by Slack", "who works by keyboard stays where they are"
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "and sees where that is"
    reached(page, "link", "Offer provision error", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/smtp$"))
    reached(page, "combobox", "Add to Bcc")
    page.keyboard.type("k@keys.example")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="k@keys.example is in Bcc now").wait_for()
    if drawing.htmx():
        emptied = "() => document.activeElement.id === 'add-bcc' && document.activeElement.value === ''"
        page.wait_for_function(emptied)  # for the next one


def reached(page, role, name, key="Tab"):
    """Go there by one key."""
    wanted = page.get_by_role(role, name=name, exact=True).first.element_handle()
    for _ in range(80):
        page.keyboard.press(key)
        if page.evaluate("one => one === document.activeElement", wanted):
            return
    pytest.fail(f"{name} cannot be reached by {key}")


def test_a_viewer_sees_everything_and_can_change_nothing(service, tab):
    page = tab()
    signed_in(service, page, "story", roles=(Role.VIEWER,), name="vera")
    for path in ("/settings", EVENT, "/settings/general", "/settings/times", "/settings/history"):
        page.goto(service.at("story", path))
        assert page.locator("main form:not([role=search])").count() == 0, path
    page.goto(service.at("story", "/settings"))
    seen = page.get_by_role("img", name="Offer provision error by Email: on").locator("i")
    colour = "one => getComputedStyle(one).backgroundColor"
    off = page.get_by_role("img", name="Offer provision error by Slack: off").locator("i")
    service.engine.settings.change("story", "set", "enabled", False, channel="slack", event_type="OfferProvisionError")
    page.reload()
    assert seen.evaluate(colour) != off.evaluate(colour), "what is on looks so to who may not switch it, too"
