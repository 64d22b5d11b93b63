"""By hand: retry, cancel, purge; each on record, none of it more than was asked for."""

import json
from datetime import timedelta

import pytest

from livery.execution.embedded import EmbeddedExecution
from livery.execution.pgqueuer.adapter import PgQueuerExecution
from livery.models.delivery import Outcome, Reason, State
from livery.models.message import Format, Message
from livery.ports import Claim, Query, Who, Wire
from livery.storage.interventions import Interventions
from store.ledgers import BUSY, GOOD, START, added, claimed, ended, opened

WHO = Who("ada@desk", "the hook was mended")
DEAD = Outcome(status="failed", reason=Reason.INVALID, code="400", detail="no such person: joe@example.org")


@pytest.fixture
def ledger(store_url):
    made = opened(store_url)
    yield made
    made.close()


@pytest.fixture
def execution(ledger):
    return executing(ledger)


def executing(ledger):
    if ledger.engine.dialect.name == "postgresql":
        return PgQueuerExecution(ledger.engine, now=lambda: START)
    return EmbeddedExecution(ledger.engine, now=lambda: START, on_takeover=list)


@pytest.fixture
def by_hand(ledger, execution):
    return Interventions(ledger, execution, now=lambda: START + timedelta(days=10))


def settled(ledger, id_, outcome=DEAD, wire=b"the bytes", settled_at=None):
    added(ledger, id_)
    claim = claimed(ledger, id_)
    message = Message(format=Format.JSON, locale="en", title="Your order", text="")
    assert ledger.keep_wires([Wire(claim, wire, message, {"audience": {"to": "joe@example.org"}})]) == [True]
    assert ledger.settle(claim, ended(claim, outcome)).recorded
    return id_


def test_a_retry_is_a_new_delivery_of_the_same_event_with_the_same_bytes_linked_and_on_record(
    ledger, by_hand, execution
):
    settled(ledger, "old")
    (done,) = by_hand.retry(["old"], WHO)
    assert done.done
    new, old = ledger.delivery(done.result), ledger.delivery("old")
    assert (new.replay_of, new.event_id, new.event_key) == ("old", old.event_id, old.event_key)
    assert (new.state, new.attempts, old.state) == (State.PENDING, 0, State.DEAD)
    assert ledger.wire(new.id) == b"the bytes"
    assert execution.waiting() == 1
    claim = claimed(ledger, new.id, START + timedelta(days=11))
    assert isinstance(claim, Claim)
    assert claim.envelope.delivery_id == new.id
    (record,) = by_hand.audit("old")
    assert (record.actor, record.action, record.why, record.result) == ("ada@desk", "retry", WHO.why, new.id)


def test_a_fresh_retry_is_written_anew(ledger, by_hand):
    settled(ledger, "old")
    (done,) = by_hand.retry(["old"], WHO, fresh=True)
    assert ledger.wire(done.result) is None


def test_what_still_waits_is_tried_now_and_stays_the_same_delivery(ledger, by_hand, execution):
    settled(ledger, "waits", BUSY)
    (done,) = by_hand.retry(["waits"], WHO)
    assert (done.done, done.result) == (True, "")
    assert ledger.delivery("waits").due_at == START + timedelta(days=10)
    assert len(ledger.deliveries(Query())) == 1
    assert execution.waiting() == 1


def test_by_filter_only_what_did_not_arrive(ledger, by_hand):
    settled(ledger, "dead")
    settled(ledger, "fine", GOOD)
    settled(ledger, "waits", BUSY)
    assert by_hand.found(Query()) == ["dead"]
    assert by_hand.found(Query(state=State.DELIVERED)) == ["fine"]
    assert by_hand.found(Query(until=START)) == []
    assert by_hand.found(Query(since=START, tenant="shop", channel="webhook")) == ["dead"]


def test_by_filter_what_was_sent_again_is_left_out_so_that_a_retry_broken_off_goes_on_with_the_rest(ledger, by_hand):
    for name in ("one", "two", "three"):
        settled(ledger, name)
    by_hand.retry(["one", "two"], WHO)  # and no further
    assert by_hand.found(Query()) == ["three"]
    by_hand.retry(by_hand.found(Query()), WHO)
    assert by_hand.found(Query()) == []
    again = next(one for one in ledger.deliveries(Query()) if one.replay_of == "one")
    claim = claimed(ledger, again.id, START + timedelta(days=11))
    assert ledger.settle(claim, ended(claim, DEAD)).recorded
    assert by_hand.found(Query()) == [again.id], "the last of them is what did not arrive"


def test_of_two_who_send_the_same_again_by_filter_one_does(ledger, by_hand):
    settled(ledger, "dead")
    mine, theirs = by_hand.found(Query()), by_hand.found(Query())
    assert [one.done for one in by_hand.retry(mine, WHO, once=True)] == [True]
    (late,) = by_hand.retry(theirs, WHO, once=True)
    assert (late.done, late.said) == (False, "it was sent again already")
    assert [one.done for one in by_hand.retry(["dead"], WHO)] == [True], "by its name it is sent as often as asked"


def test_what_is_being_sent_is_left_alone(ledger, by_hand):
    added(ledger, "sending")
    claim = claimed(ledger, "sending")
    assert [one.done for one in (*by_hand.retry(["sending"], WHO), *by_hand.cancel(["sending"], WHO))] == [False] * 2
    assert ledger.settle(claim, ended(claim, GOOD)).recorded
    assert by_hand.audit() == []


def test_cancelled_is_suppressed_and_not_woken(ledger, by_hand, execution):
    with ledger.transaction() as tx:
        pass
    wake = added(ledger, "waits")
    with ledger.transaction() as tx:
        execution.put(tx, [wake])
    (done,) = by_hand.cancel(["waits"], WHO)
    one = ledger.delivery("waits")
    assert (done.done, one.state, one.reason) == (True, State.SUPPRESSED, Reason.CANCELLED)
    assert executing(ledger).waiting() == 0
    (again,) = by_hand.cancel(["waits"], WHO)
    assert (again.done, again.said) == (False, "it is suppressed already")


def test_an_unknown_id_is_told(by_hand):
    (one,) = by_hand.retry(["dlv_nowhere"], WHO)
    assert (one.done, one.said) == (False, "there is no such delivery")


def test_a_purge_takes_the_text_and_keeps_the_record(ledger, by_hand):
    settled(ledger, "old")
    settled(ledger, "waits", BUSY)
    assert by_hand.purge(timedelta(days=30), WHO) == 0
    assert by_hand.purge(timedelta(days=9), WHO) == 1
    old = ledger.delivery("old")
    assert (old.state, old.reason, old.title, old.trace) == (State.DEAD, Reason.INVALID, "", {})
    assert old.purged_at is not None
    assert ledger.wire("old") is None
    (attempt,) = ledger.attempts("old")
    assert (attempt.outcome.code, attempt.outcome.detail) == ("400", "")
    assert ledger.event(old.event_key).body == b""
    assert ledger.wire("waits") == b"the bytes"
    assert by_hand.purge(timedelta(days=9), WHO) == 0
    (refused,) = by_hand.retry(["old"], WHO)
    assert (refused.done, refused.said) == (False, "its text was purged")
    assert "joe@example.org" not in json.dumps([str(one) for one in (old, attempt)])
    assert [one.action for one in by_hand.audit()] == ["purge"] * 3


def test_a_destination_is_switched_on_record(ledger, by_hand):
    settled(ledger, "gone", BUSY)
    by_hand.disable("hook", WHO)
    (one,) = ledger.destinations()
    assert one.disabled_why == "by ada@desk: the hook was mended"
    by_hand.enable("hook", WHO)
    assert ledger.destinations() == []
    assert {one.action for one in by_hand.audit("hook")} == {"enable", "disable"}
