"""The ledger: a claim is a lease under a fence, an attempt is written down before the work."""

from datetime import timedelta

import pytest

from livery.models.delivery import STARTED, Reason, State
from livery.ports import Again, Claim, Dead, Done, NewEvent, Query
from store.ledgers import BUSY, GOOD, LEASE, START, added, claimed, ended, opened

LATER = START + LEASE + timedelta(seconds=1)


@pytest.fixture
def ledger(store_url):
    made = opened(store_url)
    yield made
    made.close()


def test_an_attempt_is_written_down_before_the_work_as_it_stands_if_the_worker_dies(ledger):
    added(ledger, "d")
    claim = claimed(ledger, "d", worker="host:7")
    assert isinstance(claim, Claim)
    (attempt,) = ledger.attempts("d")
    assert (attempt.number, attempt.outcome, attempt.worker) == (1, STARTED, "host:7")
    assert ledger.delivery("d").state is State.SENDING
    assert ledger.settle(claim, ended(claim, GOOD)).recorded
    (attempt,) = ledger.attempts("d")
    assert (attempt.outcome, attempt.duration_ms) == (GOOD, 5)
    assert ledger.delivery("d").state is State.DELIVERED


def test_a_lease_is_one_workers_until_it_ends_and_can_be_extended(ledger):
    added(ledger, "d")
    claim = claimed(ledger, "d")
    assert claimed(ledger, "d", START + LEASE / 2) == Again(LEASE / 2 + timedelta(milliseconds=50))
    assert ledger.extend(claim, LATER + LEASE)
    assert isinstance(claimed(ledger, "d", LATER), Again)
    assert ledger.settle(claim, ended(claim, GOOD)).recorded


def test_a_late_finisher_changes_nothing(ledger):
    added(ledger, "d")
    late = claimed(ledger, "d", worker="stopped")
    now = claimed(ledger, "d", LATER, worker="other")
    assert isinstance(now, Claim)
    assert not ledger.extend(late, LATER + LEASE)
    assert not ledger.settle(late, ended(late, GOOD)).recorded
    assert ledger.delivery("d").state is State.SENDING
    assert ledger.settle(now, ended(now, BUSY, LATER)).recorded
    assert not ledger.settle(late, ended(late, GOOD)).recorded
    assert ledger.delivery("d").state is State.RETRYING
    assert [one.outcome.status for one in ledger.attempts("d")] == ["unknown", "retry"]


def test_who_kills_three_workers_is_given_up_with_every_attempt_on_record(ledger):
    added(ledger, "d")
    for _ in range(3):
        assert isinstance(claimed(ledger, "d"), Claim)
        ledger.release_abandoned()
    assert claimed(ledger, "d") == Dead(Reason.WORKER_CRASHED)
    dead = ledger.delivery("d")
    assert (dead.state, dead.reason, dead.attempts) == (State.DEAD, Reason.WORKER_CRASHED, 3)
    assert [one.outcome for one in ledger.attempts("d")] == [STARTED] * 3
    assert claimed(ledger, "d") == Done()


def test_crashes_count_in_a_row_only(ledger):
    added(ledger, "d")
    for number in range(5):
        at = START + timedelta(hours=number)
        claimed(ledger, "d", at)
        ledger.release_abandoned()
        claim = claimed(ledger, "d", at)
        assert ledger.settle(claim, ended(claim, BUSY, at)).recorded
    assert ledger.delivery("d").state is State.RETRYING


def test_what_killed_a_worker_twice_is_suspect(ledger):
    added(ledger, "a")
    added(ledger, "b")
    claimed(ledger, "a")
    assert ledger.release_abandoned() == []
    claimed(ledger, "a")
    claimed(ledger, "b")
    assert ledger.release_abandoned() == ["a"]


def test_a_clock_set_back_keeps_a_lease_no_longer_than_a_lease(ledger):
    added(ledger, "d")
    claimed(ledger, "d")
    before = START - timedelta(days=30)
    assert claimed(ledger, "d", before).after <= LEASE + timedelta(seconds=1)


def test_overdue_is_what_is_open_past_its_time_and_leased_to_nobody(ledger):
    for id_ in ("waits", "held", "done", "later"):
        added(ledger, id_, due=START if id_ != "later" else LATER + LEASE)
    claimed(ledger, "held", LATER)
    claim = claimed(ledger, "done")
    ledger.settle(claim, ended(claim, GOOD))
    with ledger.transaction() as tx:
        ((key, _),) = ledger.add_events(tx, [NewEvent(("shop", "src", "unplanned"), "X", b"{}", "-", None)], now=START)
    found = ledger.overdue(before=LATER, limit=10)
    assert {one.work for one in found} == {"waits", key}
    assert {one.tenant for one in found} == {"shop"}


def test_deliveries_are_found_by_everything_at_once(ledger):
    added(ledger, "a", endpoint="one")
    added(ledger, "b", endpoint="two", tenant="other")
    assert [one.id for one in ledger.deliveries(Query(tenant="other", destination="two"))] == ["b"]
    assert ledger.deliveries(Query(tenant="shop", destination="two")) == []
    assert {one.id for one in ledger.deliveries(Query(since=START))} == {"a", "b"}
    assert ledger.deliveries(Query(until=START)) == []
