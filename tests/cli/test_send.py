"""`livery send` as people use it: every broken input has one clear message, exit code 2, and nothing stored."""

import json

import pytest

from cli.commands import GOOD, livery, stored


def broken(change):
    event = json.loads(json.dumps(GOOD))
    change(event)
    return json.dumps(event)


BROKEN = {
    "not JSON": ("not json", "is not JSON: Expecting value at line 1, column 1"),
    "an array": ("[]", "expected a JSON object"),
    "missing seller": (broken(lambda e: e["data"].pop("seller")), "data.seller: expected a value, none is given"),
    "wrong type": (
        broken(lambda e: e["data"]["offer"].update(quantity="25")),
        "data.offer.quantity: expected a whole number, got '25'",
    ),
    "unknown event type": (
        broken(lambda e: e.update(type="OfferExploded")),
        "type: expected one of OfferProvisionError",
    ),
    "unknown seller": (
        broken(lambda e: e["data"]["seller"].update(id="nobody")),
        "data.seller.id: expected a tenant; livery tenant list shows them; livery tenant add, or add [tenants.…] to livery.toml, got 'nobody'",
    ),
    "10 MB": (
        '{"a": "' + "x" * 10_000_000 + '"}',
        "the event is too large: expected at most 256 KiB, got 10,000,009 bytes",
    ),
    "empty": ("", "is not JSON"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_event_has_one_clear_message_and_stores_nothing(case, home, mail):
    text, says = BROKEN[case]
    (home / "broken.json").write_text(text)
    done = livery("send", "broken.json", cwd=home)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.startswith("broken.json: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 1000
    assert stored(home) == []
    assert mail.mails == []


def test_one_broken_file_among_good_ones_stores_nothing(home, mail):
    (home / "broken.json").write_text("{}")
    done = livery("send", "event.json", "broken.json", cwd=home)
    assert done.returncode == 2
    assert "1 of 2 files are wrong; nothing was stored." in done.stderr
    assert stored(home) == []
    assert mail.mails == []


def test_a_missing_file_is_bad_input(home):
    done = livery("send", "nowhere.json", cwd=home)
    assert done.returncode == 2
    assert "nowhere.json: cannot read it: No such file or directory" in done.stderr


def test_sending_without_any_configuration_says_what_to_do(tmp_path):
    (tmp_path / "event.json").write_text(json.dumps(GOOD))
    done = livery("send", "event.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "add [tenants.…] to livery.toml" in done.stderr


def test_a_good_event_is_delivered_once_however_often_it_is_sent(home, mail, http):
    first = livery("send", "event.json", "--json", cwd=home)
    assert first.returncode == 0, first.stderr
    assert {one["channel"]: one["state"] for one in json.loads(first.stdout)["deliveries"]} == {
        "smtp": "accepted",
        "webhook": "delivered",
    }
    again = livery("send", "event.json", "--json", cwd=home)
    assert again.returncode == 0
    assert json.loads(again.stdout)["events"] == [{"event_id": GOOD["id"], "duplicate": True}]
    assert len(mail.mails) == 1
    assert len(http.at("/hook")) == 1


def test_the_same_id_with_another_body_is_refused(home):
    assert livery("send", "event.json", cwd=home).returncode == 0
    (home / "other.json").write_text(broken(lambda e: e["data"]["offer"].update(name="Something else")))
    done = livery("send", "other.json", cwd=home)
    assert done.returncode == 2
    assert "was accepted before with another body" in done.stderr


def test_a_failed_delivery_is_exit_code_1_and_stays_in_the_log(home, http):
    http.answers["/hook"] = [(410, "gone", {})]
    done = livery("send", "event.json", cwd=home)
    assert done.returncode == 1
    states = {one["channel"]: (one["state"], one["reason"]) for one in stored(home)}
    assert states == {"smtp": ("accepted", None), "webhook": ("dead", "gone")}


def test_an_event_from_standard_input_is_sent(home, mail):
    done = livery("send", "-", cwd=home, input=json.dumps(GOOD))
    assert done.returncode == 0, done.stderr
    assert len(mail.mails) == 1


def test_queued_events_wait_for_a_worker(home, mail):
    assert livery("send", "--queue", "event.json", cwd=home).returncode == 0
    assert mail.mails == []
    assert {one["state"] for one in stored(home)} == {"pending"}


def test_an_event_that_reaches_nobody_is_exit_code_1(home):
    (home / "alone.json").write_text(broken(lambda e: e["data"].pop("user")))
    done = livery("send", "alone.json", cwd=home)
    assert done.returncode == 1
    assert "Nobody could be reached for" in done.stderr
