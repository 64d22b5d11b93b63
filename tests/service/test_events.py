"""`POST /v1/events`: CloudEvents in their three forms, idempotent, for the tenants of whoever sends them."""

import json
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.served import event, problem

PATH = "/v1/events"
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def send(service, body, headers=STRUCTURED, role="sender", tenant=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return service.ask("POST", PATH, role, tenant, content=raw, headers=headers)


def test_an_event_is_stored_and_its_receipt_names_its_deliveries(service):
    answer = send(service, event())
    assert answer.status_code == 202
    receipt = answer.json()
    assert (receipt["event_id"], receipt["duplicate"]) == ("evt-1", False)
    assert [one.id for one in service.engine.deliveries()] == receipt["deliveries"]
    assert receipt["deliveries"]


def test_the_same_event_again_adds_nothing_and_says_so(service):
    send(service, event())
    answer = send(service, event())
    assert (answer.status_code, answer.json()["duplicate"]) == (202, True)
    assert len(service.engine.deliveries()) == 1


def test_another_body_under_the_same_id_is_a_conflict(service):
    send(service, event())
    problem(send(service, event(subject="another")), 409, "event-conflict")


def test_an_event_in_headers_is_the_same_as_one_in_a_body(service):
    send(service, event(subject="Bücher"))
    whole = event(subject="Bücher")
    headers = {
        f"ce-{name}": value.encode().decode("latin-1") if name != "subject" else "B%C3%BCcher"
        for name, value in whole.items()
        if name not in ("data", "datacontenttype")
    }
    answer = send(service, whole["data"], {"Content-Type": "application/json; charset=utf-8", **headers})
    assert (answer.status_code, answer.json()["duplicate"]) == (202, True)


def test_a_batch_is_stored_as_a_whole_or_not_at_all(service):
    wrong = event(id_="evt-3")
    del wrong["data"]["customer"]
    said = problem(send(service, [event(), event(id_="evt-2"), wrong], BATCH), 422, "event-invalid")
    assert said["errors"] == [{"detail": "expected a value, none is given", "pointer": "#/2/data/customer"}]
    assert service.engine.deliveries() == []
    answer = send(service, [event(), event(id_="evt-2"), event()], BATCH)
    assert [one["duplicate"] for one in answer.json()["receipts"]] == [False, False, True]


@pytest.mark.parametrize(
    ("body", "headers", "status", "name"),
    [
        (b"{", STRUCTURED, 400, "malformed"),
        (b"\xff", STRUCTURED, 400, "malformed"),
        (b"[]", STRUCTURED, 422, "event-invalid"),
        (b"[1]", BATCH, 422, "event-invalid"),
        (b"{}", BATCH, 422, "event-invalid"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        (b"{}", {}, 415, "unsupported-media-type"),
        (b"{}", {"Content-Type": "application/cloudevents+json; charset=latin-1"}, 415, "unsupported-media-type"),
    ],
)
def test_what_cannot_be_read_is_refused(service, body, headers, status, name):
    problem(send(service, body, headers), status, name)


def test_every_wrong_field_is_named_by_a_pointer(service):
    wrong = event(time="yesterday")
    wrong["data"]["customer"]["id"] = 7
    said = problem(send(service, wrong), 422, "event-invalid")
    assert sorted(one["pointer"] for one in said["errors"]) == ["#/data/customer/id", "#/time"]


def test_a_seller_of_others_is_as_unknown_as_one_that_does_not_exist(service):
    foreign = problem(send(service, event("stall"), tenant="north"), 422, "unknown-seller")
    nobody = problem(send(service, event("nobody"), tenant="north"), 422, "unknown-seller")
    assert str({**foreign, "instance": ""}).replace("stall", "nobody") == str({**nobody, "instance": ""})
    assert send(service, event("kiosk"), tenant="north").status_code == 202
    assert [one.tenant for one in service.engine.deliveries()] == ["kiosk"]


def test_without_a_token_nothing_is_read(service):
    answer = service.request("POST", PATH, content=b"{", headers=STRUCTURED)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_that_is_revoked_counts_no_more(service):
    token, secret = service.engine.identity.create_token("gone", roles=["sender"], by="test")
    headers = {**STRUCTURED, "Authorization": f"Bearer {secret}"}
    assert service.request("POST", PATH, content=json.dumps(event()), headers=headers).status_code == 202
    service.engine.identity.revoke(token.id, by="test")
    answer = service.request("POST", PATH, content=json.dumps(event()), headers=headers)
    problem(answer, 401, "unauthenticated")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_the_request_that_the_docs_show_is_accepted(service):
    root = Path(__file__).parents[2]
    page = (root / "docs/host.md").read_text("utf-8")
    shown = page.partition("```text\ncurl ")[2].partition("```")[0]
    words = shlex.split(shown.replace("\\\n", " ").replace("$TOKEN", service.token("sender")))
    url, *options = words
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for name, value in given if name == "-H")
    (file,) = [value.removeprefix("@") for name, value in given if name == "--data-binary"]
    sent = json.loads((root / file).read_text("utf-8"))
    sent["data"]["seller"]["id"] = "shop"
    answer = service.request("POST", urlsplit(url).path, headers=headers, content=json.dumps(sent))
    assert answer.status_code == 202, answer.text
    after = page.partition("offer_provision_error.en.json\n```")[2]
    said = json.loads(after.partition("```json\n")[2].partition("```")[0])
    assert answer.json().keys() == said.keys()
    assert answer.json()["event_id"] == said["event_id"]
