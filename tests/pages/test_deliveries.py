"""Deliveries on the pages: found, read as they were sent, sent again, and exported, with nothing hostile alive."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.http.pages.sent import document, sent
from livery.http.pages.sheet import harmless
from livery.models.identity import Role
from pages.test_story import signed_in
from waiting import until

SELLER = "sent"
EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
HOSTILE = '=HYPERLINK("https://evil.example","x")<script>parent.document.title="owned"</script>'


@pytest.fixture(scope="module")
def told(service):
    """Two events of the seller, told by e-mail and to a webhook that refuses; one of them means harm."""
    desk = service.engine.settings.by("olaf")
    hook = {"url": service.http.url("/sent"), "secret": f"whsec_{'QUJD' * 12}"}
    desk.change(SELLER, "add", "destinations", hook, item="erp", channel="webhook")
    service.http.answers["/sent"] = [(400, "no <b>thanks</b>", {})] * 2 + [(200, "ok", {})] * 9
    for number, product in enumerate(("Mail Plus", HOSTILE)):
        data = json.loads(json.dumps(EVENT["data"]).replace("Mail Plus", "Mail Plus"))
        data["seller"]["id"] = SELLER
        data["offer"]["name"] = product
        data["user"]["email"] = f"ada{number}@sent.example"
        service.engine.accept({**EVENT, "id": f"sent-{number}", "data": data})
    until(lambda: all(one.settled_at for one in service.engine.deliveries(tenant=SELLER)))
    return service


def rows(page):
    return page.get_by_role("table").get_by_role("row").count() - 1


def test_a_delivery_is_found_read_and_sent_again(told, tab):
    page = tab(java_script_enabled=False)
    signed_in(told, page, SELLER)
    with page.expect_navigation():
        page.get_by_role("link", name="Deliveries", exact=True).click()
    assert rows(page) == 4
    page.get_by_label("Channel").select_option("webhook")
    page.get_by_label("State").select_option("dead")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    assert rows(page) == 2
    page.get_by_role("table").get_by_role("link").last.click()
    steps = page.get_by_role("region", name="What happened")
    assert "Attempt 1: failed" in steps.inner_text()
    assert "no <b>thanks</b>" in steps.inner_text()
    assert '"Mail Plus"' in page.get_by_role("region", name="The message as it was sent").inner_text()
    page.get_by_role("button", name="Send again", exact=True).click()
    page.get_by_role("status").filter(has_text="It is sent again.").wait_for()
    until(lambda: [one for one in told.engine.deliveries(tenant=SELLER, channel="webhook") if one.is_good])
    page.reload()
    assert "Settled: delivered" in page.get_by_role("region", name="What happened").inner_text()
    with page.expect_navigation():
        page.get_by_role("definition").get_by_role("link").last.click()
    assert re.search(r"Retry by hand\s+by nele", page.get_by_role("region", name="What happened").inner_text())


def test_an_email_is_shown_as_it_was_sent_and_nothing_of_it_runs(told, tab):
    page = tab()
    signed_in(told, page, SELLER)
    (mail,) = told.engine.deliveries(tenant=SELLER, event_id="sent-1", channel="smtp")
    page.goto(told.at(SELLER, f"/deliveries/{mail.id}"))
    title = page.title()
    shown = page.get_by_role("region", name="The message as it was sent")
    assert "ada1@sent.example" in shown.inner_text()
    frame = page.frame_locator("iframe.mail")
    frame.get_by_text("HYPERLINK").first.wait_for()
    assert frame.locator("script").count() == 0
    assert page.title() == title
    answer = page.request.get(told.at(SELLER, f"/deliveries/{mail.id}/message"))
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    kept = page.request.get(told.at(SELLER, f"/deliveries/{mail.id}/file"))
    assert (kept.body(), "attachment" in kept.headers["content-disposition"]) == (told.engine.wire(mail.id), True)


def test_the_list_goes_on_by_itself_and_page_by_page(told, tab):
    page = tab()
    signed_in(told, page, SELLER, roles=(Role.VIEWER,))
    page.goto(told.at(SELLER, "/deliveries?event=sent-late"))
    page.get_by_text("No delivery fits").wait_for()
    data = {**EVENT["data"], "seller": {"id": SELLER, "name": "S"}}
    told.engine.accept({**EVENT, "id": "sent-late", "data": data})
    page.get_by_role("table").wait_for()
    assert page.get_by_role("button", name="Send again").count() == 0


def test_an_export_opens_as_text_alone(told, tab):
    page = tab()
    signed_in(told, page, SELLER)
    answer = page.request.get(told.at(SELLER, "/deliveries.csv?event=sent-1"))
    assert (answer.headers["content-type"], answer.status) == ("text/csv; charset=utf-8", 200)
    head, *lines = csv.reader(io.StringIO(answer.text().removeprefix("\ufeff")))
    assert head[:3] == ["id", "created_at", "settled_at"]
    assert len(lines) == 2
    assert {line[head.index("event_id")] for line in lines} == {"sent-1"}
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@"))]


def test_who_only_looks_or_is_somebody_else_sends_nothing_again(told, tab):
    page = tab()
    signed_in(told, page, "story")
    (mail,) = told.engine.deliveries(tenant=SELLER, event_id="sent-0", channel="smtp")
    for path in (f"/deliveries/{mail.id}", f"/deliveries/{mail.id}/message", f"/deliveries/{mail.id}/file"):
        assert page.request.get(told.at("story", path)).status == 404
        assert page.request.get(told.at(SELLER, path)).status == 404
    assert page.request.post(told.at("story", f"/deliveries/{mail.id}/retry")).status == 403
    assert page.request.get(told.at(SELLER, "/deliveries?since=yesterday")).status == 404
    assert page.request.get(told.at("story", "/deliveries?since=yesterday")).status == 422


@given(st.text(max_size=30))
def test_no_cell_begins_as_a_formula(text):
    assert not harmless(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.binary(max_size=200), st.sampled_from([".eml", ".json"]))
def test_whatever_bytes_were_sent_can_be_looked_at(wire, suffix):
    message = sent(wire, suffix)
    assert document(message, "dark").startswith("<!doctype html>")
