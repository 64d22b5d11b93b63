"""Rates that hold over all workers, as the ledger's claim keeps to them."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.ports import Again, Claim, Rates
from livery.storage.database import connect
from livery.storage.ledger import Ledger
from livery.storage.pacing import LATE, SECOND, Pace, ask
from store.ledgers import LEASE, added

AT_ONCE = SECOND // 10
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def opened(store_url):
    """A ledger for each worker there is."""
    made = []

    def another(**rates):
        ledger = Ledger(connect(store_url), rates=Rates(**rates))
        made.append(ledger)
        return ledger

    yield another
    for ledger in made:
        ledger.close()


def claimed(ledger, id_, now=NOW):
    return ledger.claim(id_, now=now, lease=LEASE, worker="w")


def test_a_rate_holds_over_all_workers(opened):
    one, other = (opened(destinations={"webhook": 0.25}) for _ in range(2))
    for number in range(8):
        added(one, f"d{number}")
    got = [claimed(ledger, f"d{number}") for number, ledger in enumerate([one, other] * 4)]
    assert isinstance(got[0], Claim)
    waits = [answer.after.total_seconds() for answer in got[1:]]
    assert waits == pytest.approx([3 + 4 * number for number in range(7)], abs=2.5)


def test_a_moment_that_was_booked_needs_no_second_asking_and_is_lost_when_it_is_long_past(opened):
    ledger = opened(destinations={"webhook": 10})
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
