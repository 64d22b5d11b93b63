"""Limits that hold over all workers: places and paces, as the ledger's claim keeps to them."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.models.delivery import State
from livery.ports import Again, Claim, Limits, Query
from livery.storage.database import connect
from livery.storage.ledger import Ledger
from livery.storage.pacing import LATE, SECOND, Pace, ask
from store.ledgers import GOOD, LEASE, added, ended

AT_ONCE = SECOND // 10
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def opened(store_url):
    """A ledger for each worker there is."""
    made = []

    def another(**limits):
        ledger = Ledger(connect(store_url), limits=Limits(**limits))
        made.append(ledger)
        return ledger

    yield another
    for ledger in made:
        ledger.close()


@pytest.fixture
def shared(postgres_store):
    """Two workers' ledgers on PostgreSQL."""
    made = []

    def both(**limits):
        made.extend(Ledger(connect(postgres_store), limits=Limits(**limits)) for _ in range(2))
        return made

    yield both
    for ledger in made:
        ledger.close()


def claimed(ledger, id_, now=NOW):
    return ledger.claim(id_, now=now, lease=LEASE, worker="w")


def test_a_destination_has_so_many_places_over_all_workers(shared):
    one, other = shared(destination_places={"webhook": 3})
    ids = [f"d{number}" for number in range(6)]
    for id_ in ids:
        added(one, id_)
    got = [claimed(ledger, id_) for ledger, id_ in zip([one, other] * 3, ids, strict=True)]
    assert [type(answer) for answer in got] == [Claim] * 3 + [Again] * 3
    assert all(answer.after > timedelta() and not answer.counts for answer in got[3:])
    assert (one.delivery("d4").state, one.delivery("d4").attempts) == (State.PENDING, 0)
    assert isinstance(claimed(other, "d3"), Again)
    other.settle(got[0], ended(got[0], GOOD, NOW))
    assert isinstance(claimed(other, "d3"), Claim)
    assert isinstance(claimed(one, "d4"), Again)


def test_other_destinations_have_places_of_their_own_and_the_channel_has_its_own(shared):
    one, other = shared(destination_places={"webhook": 2}, channel_places={"webhook": 3})
    for id_, hook in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b")):
        added(one, id_, endpoint=hook)
    got = {
        id_: claimed(ledger, id_) for id_, ledger in zip(("a1", "a2", "a3", "b1", "b2"), [one, other] * 3, strict=False)
    }
    assert {id_ for id_, answer in got.items() if isinstance(answer, Claim)} == {"a1", "a2", "b1"}
    one.settle(got["a1"], ended(got["a1"], GOOD, NOW))
    # b2 gave its destination's place back when the channel had none.
    assert [type(claimed(one, id_)) for id_ in ("b2", "a3")] == [Claim, Again]


def test_the_places_of_a_dead_worker_are_free_when_its_leases_end(shared):
    one, other = shared(destination_places={"webhook": 1})
    added(one, "d0")
    added(one, "d1")
    claim = claimed(one, "d0")
    assert isinstance(claimed(other, "d1"), Again)
    later = NOW + LEASE + timedelta(seconds=1)
    again = claimed(other, "d0", later)
    assert isinstance(again, Claim)
    one.settle(claim, ended(claim, GOOD, later))
    assert isinstance(claimed(other, "d1", later), Again), "the dead one gave back what was not its own any more"


def test_a_long_send_keeps_its_place(shared):
    one, other = shared(destination_places={"webhook": 1})
    added(one, "d0")
    added(one, "d1")
    claim = claimed(one, "d0")
    one.extend(claim, NOW + 2 * LEASE)
    assert isinstance(claimed(other, "d1", NOW + LEASE + timedelta(seconds=1)), Again)


def test_what_waits_for_a_place_comes_back_one_after_the_other(shared):
    """As many ask again in a second as can go in a second: a flood does not ask as often as it can."""
    one, _ = shared(destination_places={"webhook": 2})
    for number in range(22):
        added(one, f"d{number}")
    first = claimed(one, "d0")
    assert isinstance(claimed(one, "d1"), Claim)
    end = ended(first, GOOD, NOW)
    one.settle(first, replace(end, attempt=end.attempt.model_copy(update={"duration_ms": 4000})))
    assert isinstance(claimed(one, "d2"), Claim)
    waits = [claimed(one, f"d{number}").after.total_seconds() for number in range(3, 22)]
    expected = [2 * number for number in range(1, 20)]
    assert waits == pytest.approx(expected, abs=1.5), "a send took four seconds, and two go at once"


def test_of_very_many_who_claim_at_once_never_more_get_a_place_and_nobody_waits_for_ever(shared):
    ledgers = shared(destination_places={"webhook": 3}, channel_places={"webhook": 5})
    ids = [f"{hook}{number}" for hook in "abc" for number in range(8)]
    for id_ in ids:
        added(ledgers[0], id_, endpoint=id_[0])
    lock, running, peaks = Lock(), Counter(), Counter()

    def deliver(id_):
        ledger = ledgers[int(id_[1]) % 2]
        while True:
            claim = claimed(ledger, id_)
            if isinstance(claim, Claim):
                break
            assert isinstance(claim, Again)
        with lock:
            for key in (id_[0], "all"):
                running[key] += 1
                peaks[key] = max(peaks[key], running[key])
        ledger.attempts(id_)  # others claim meanwhile
        with lock:
            for key in (id_[0], "all"):
                running[key] -= 1
        ledger.settle(claim, ended(claim, GOOD, NOW))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(deliver, ids))
    assert {one.state for one in ledgers[0].deliveries(Query())} == {State.DELIVERED}
    assert all(peaks[hook] <= 3 for hook in "abc")
    assert peaks["all"] <= 5


def test_a_rate_holds_over_all_workers(opened):
    limits = {"destination_rates": {"webhook": 2}}
    one, other = opened(**limits), opened(**limits)
    for number in range(8):
        added(one, f"d{number}")
    got = [claimed(ledger, f"d{number}") for number, ledger in enumerate([one, other] * 4)]
    assert isinstance(got[0], Claim)
    waits = [answer.after.total_seconds() for answer in got[1:]]
    assert waits == pytest.approx([0.4 + number / 2 for number in range(7)], abs=0.3)


def test_a_moment_that_was_booked_needs_no_second_asking_and_is_lost_when_it_is_long_past(opened):
    ledger = opened(destination_rates={"webhook": 10})
    for number in range(4):
        added(ledger, f"d{number}")
    claims = [claimed(ledger, f"d{number}") for number in range(4)]
    booked = next(number for number, answer in enumerate(claims) if isinstance(answer, Again))
    if ledger.engine.dialect.name == "sqlite":  # where the clock is the worker's, and can be set
        assert isinstance(claimed(ledger, f"d{booked}", NOW + claims[booked].after), Claim)
        assert isinstance(claimed(ledger, "d3", NOW + claims[3].after + timedelta(seconds=5)), Claim)
    assert ledger.delivery(f"d{booked}").due_at > NOW


@given(
    every=st.integers(SECOND // 200, 5 * SECOND),
    arrivals=st.lists(st.tuples(st.integers(0, SECOND), st.booleans()), min_size=1, max_size=60),
    seed=st.integers(0, 2**32),
)
def test_a_rate_is_never_exceeded_and_everybody_gets_their_turn(every, arrivals, seed):
    """Whoever is told to come back does so, somewhat late; what begins is counted in every window there is."""
    chance, pace, began, at = random.Random(seed), Pace(), [], 0
    waiting = []
    for gap, urgent in arrivals:
        at += gap
        waiting.append((at, urgent, False, None))
    asked = 0
    while waiting:
        waiting.sort(key=lambda one: one[0])
        now, urgent, waited, booked = waiting.pop(0)
        asked += 1
        if booked is not None and now <= booked + LATE:
            began.append(now)
            continue
        pace, turn = ask(pace, now, every, waited=waited, urgent=urgent)
        if turn is None:
            began.append(now)
        else:
            late = chance.choice([0, 0, SECOND // 100, SECOND // 3, 3 * SECOND])
            waiting.append((turn.at + late, urgent, True, turn.at if turn.booked else None))
    began.sort()
    for first, start in enumerate(began):
        for last in range(first, len(began)):
            most = (began[last] - start + AT_ONCE + LATE) / every + 1
            assert last - first + 1 <= most + 1e-9
    assert asked <= 12 * len(arrivals), "it asked as often as it could"
