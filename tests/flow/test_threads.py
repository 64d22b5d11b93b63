"""What is about one order stands in one thread, where a channel has threads."""

import json
from pathlib import Path

import pytest

from livery import Config, Engine
from livery.testing import HttpReceiver

EVENTS = Path(__file__).parents[2] / "examples/events"
FAILED = json.loads((EVENTS / "offer_provision_error.en.json").read_text("utf-8"))
DONE = json.loads((EVENTS / "offer_provisioned.en.json").read_text("utf-8"))
SELLER = FAILED["data"]["seller"]


def about(event, order, id_):
    data = {**event["data"], "seller": SELLER, "order": {**event["data"]["order"], "id": order}}
    return {**event, "id": id_, "data": data}


@pytest.fixture
def slack(tmp_path):
    """An engine with two channels of one seller, and what was posted: (channel, thread_ts) in order."""
    with HttpReceiver() as server:
        answers = [(200, json.dumps({"ok": True, "ts": f"170000000{number}.000100"}), {}) for number in range(9)]
        server.answers["/api/chat.postMessage"] = answers
        where = [{"token": "xoxb-0123456789abc", "channel": channel} for channel in ("C0000AAA", "C0000BBB")]
        config = Config(
            database_url=f"sqlite:///{tmp_path}/livery.db",
            outbound={"allow": ["127.0.0.1"]},
            channels={"slack": {"api": server.url("/api")}},
            tenants={"platform": {}, SELLER["id"]: {"parent": "platform", "channels": {"slack": where}}},
            concurrency=1,
        )
        with Engine.open(config) as engine:
            yield engine, server


def posted(server):
    bodies = [json.loads(request.body) for request in server.requests]
    return [(body["channel"], body.get("thread_ts", "")) for body in bodies]


def test_follow_ups_of_an_order_hang_on_its_first_message_in_each_channel(slack):
    engine, server = slack
    for event in (about(FAILED, "ORD-1", "1"), about(DONE, "ORD-1", "2"), about(FAILED, "ORD-2", "3")):
        engine.accept(event)
        engine.drain()
    sent = posted(server)
    firsts = {channel: f"170000000{number}.000100" for number, (channel, _) in enumerate(sent[:2])}
    assert set(firsts) == {"C0000AAA", "C0000BBB"}
    assert [thread for _, thread in sent[:2]] == ["", ""]
    assert dict(sent[2:4]) == firsts
    assert [thread for _, thread in sent[4:6]] == ["", ""], "another order is another thread"


def test_a_message_that_did_not_arrive_is_nobodys_first(slack):
    engine, server = slack
    server.answers["/api/chat.postMessage"] = [(200, json.dumps({"ok": False, "error": "internal_error"}), {})] * 2 + [
        (200, json.dumps({"ok": True, "ts": "1700000009.000100"}), {})
    ]
    for number in ("1", "2"):
        engine.accept(about(FAILED, "ORD-3", number))
        engine.drain()
    assert [thread for _, thread in posted(server)] == ["", "", "", ""]


def test_threads_of_sellers_and_orders_do_not_meet():
    kind = Engine.open(Config()).types["OfferProvisionError"]
    read = Engine.open(Config(tenants={"platform": {}, SELLER["id"]: {"parent": "platform"}})).read
    one, same, other = (
        kind.thread_of(read(about(FAILED, order, id_))) for order, id_ in (("A", "1"), ("A", "2"), ("B", "3"))
    )
    assert one == same != other
    assert kind.model_copy(update={"thread": ""}).thread_of(read(FAILED)) == ""
    assert kind.model_copy(update={"thread": "order.nothing"}).thread_of(read(FAILED)) == ""
