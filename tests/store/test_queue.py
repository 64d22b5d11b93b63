"""The queue by hand: what is held back waits in every worker and across restarts, and then goes on, each thing once."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from livery import Config, Engine
from livery.errors import NotFound
from livery.models.delivery import State
from livery.ports import Again, Claim, Who
from livery.storage.queue import Queue
from livery.testing import MailServer
from livery.workshop import execution_on
from store.ledgers import BUSY, GOOD, START, claimed, ended, opened, sent, told

EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
WHO = Who("ada@desk", "the server moves")
LATER = START + timedelta(hours=1)


@pytest.fixture
def ledger(store_url):
    made = opened(store_url)
    yield made
    made.close()


@pytest.fixture
def execution(ledger):
    return execution_on(ledger, now=lambda: LATER)


@pytest.fixture
def queue(ledger, execution):
    return Queue(ledger, execution, now=lambda: LATER)


def test_what_is_open_is_counted_by_channel_tenant_and_destination(ledger, queue):
    (_, mail, hook) = told(ledger, "e1", ["ada@a.example"], hooks=["erp"])
    (_, other) = told(ledger, "e2", ["bob@b.example"], tenant="rival")
    told(ledger, "later", ["bob@b.example"], tenant="rival", now=LATER + timedelta(hours=1))
    sent(ledger, mail)
    assert isinstance(claimed(ledger, hook, LATER), Claim)
    lines = {by: {one.name: one for one in queue.stats(by)} for by in ("channel", "tenant", "destination")}
    assert {name: (one.waiting, one.due, one.sending) for name, one in lines["channel"].items()} == {
        "smtp": (2, 1, 0), "webhook": (0, 0, 1),
    }  # fmt: skip
    assert lines["channel"]["smtp"].oldest == 3600
    assert set(lines["tenant"]) == {"shop", "rival"}
    assert set(lines["destination"]) == {"smtp:rival", "erp"}
    assert (queue.left(), queue.left("tenant", "rival"), queue.left("tenant", "rival", later=True)) == (2, 1, 2)
    sent(ledger, other)
    assert queue.left("tenant", "rival") == 0


@pytest.mark.parametrize(("kind", "name"), [("channel", "smtp"), ("tenant", "shop"), ("destination", "smtp:shop")])
def test_what_is_paused_waits_and_counts_no_attempt(ledger, queue, kind, name):
    (_, mail) = told(ledger, "e1", ["ada@a.example"])
    (_, other) = told(ledger, "e2", hooks=["erp"], tenant="rival")
    assert queue.pause(kind, name, WHO)
    assert not queue.pause(kind, name, WHO)
    assert isinstance(claimed(ledger, mail, LATER), Again)
    assert isinstance(claimed(ledger, other, LATER), Claim)
    assert (ledger.delivery(mail).state, ledger.delivery(mail).attempts) == (State.PENDING, 0)
    assert ledger.overdue(before=LATER, limit=10) == []
    (line,) = [one for one in queue.stats(kind) if one.name == name]
    assert "by ada@desk: the server moves" in line.paused
    assert queue.resume(kind, name, WHO) == 1
    assert isinstance(claimed(ledger, mail, LATER), Claim)
    with pytest.raises(NotFound, match="is not paused"):
        queue.resume(kind, name, WHO)


def test_a_pause_holds_for_other_workers_and_after_a_restart_and_then_each_is_sent_once(store_url):
    with MailServer() as mail:
        channels = {"smtp": {"host": "127.0.0.1", "port": mail.port}}
        config = Config.load(None, database_url=store_url, channels=channels)
        with Engine(config) as engine:
            engine.tenants.add("platform")
            engine.tenants.add("res-org-n", parent="platform")
            engine.queue.pause("channel", "smtp", WHO)
            for number in range(3):
                engine.accept({**EVENT, "id": f"e{number}"})
            engine.drain()
        with Engine(config) as engine:
            engine.drain()
            assert (mail.mails, engine.queue.left()) == ([], 3)
            assert [one.name for one in engine.queue.paused()] == ["smtp"]
            (first, *_) = engine.queue.stuck(timedelta(seconds=-60))
            assert "channel smtp is paused: since" in first.why
            assert engine.queue.resume("channel", "smtp", WHO) == 3
            engine.drain()
            assert (len(mail.mails), engine.queue.left()) == (3, 0)


def test_what_is_stuck_says_why(ledger, queue, execution):
    (_, lost) = told(ledger, "lost", ["ada@a.example"])
    (_, idle) = told(ledger, "idle", ["ada@a.example"])
    (_, held) = told(ledger, "held", ["ada@a.example"])
    (_, gone) = told(ledger, "gone", ["ada@a.example"])
    (_, slow) = told(ledger, "slow", ["ada@a.example"])
    with ledger.transaction() as tx:
        wakes = {wake.work: wake for wake in ledger.overdue(before=LATER, limit=10)}
        execution.put(tx, [wakes[idle], wakes[held]])
    assert isinstance(claimed(ledger, gone, START, worker="host:1"), Claim)
    assert isinstance(claimed(ledger, slow, LATER, worker="host:2"), Claim)
    for _ in range(5):
        (_, bad) = told(ledger, f"bad{_}", hooks=["erp"])
        claim = claimed(ledger, bad, LATER)
        ledger.settle(claim, ended(claim, BUSY, LATER))
    (_, rests) = told(ledger, "rests", hooks=["erp"])
    why = {one.delivery: one.why for one in queue.stuck()}
    assert "lost its wake" in why[lost]
    assert "no worker has come to it" in why[idle]
    assert why[gone] == "host:1 had it and is not heard of; another takes it over"
    assert why[slow] == "host:2 is sending it"
    assert "keeps failing and is tried again at" in why[rests]
    assert queue.stuck(timedelta(hours=2)) == []
    sent(ledger, idle, GOOD, LATER)
    assert idle not in {one.delivery for one in queue.stuck()}
