"""Destinations that keep failing are paused, with one probe for each cool-down; what is gone is disabled."""

from datetime import timedelta

import pytest

from livery.models.delivery import Outcome, Reason, State
from livery.ports import Again, Claim, Dead, Settled
from store.ledgers import BUSY, GOOD, START, added, claimed, ended, opened

COOL = timedelta(seconds=30)


@pytest.fixture
def ledger(store_url):
    made = opened(store_url)
    for number in range(9):
        added(made, f"d{number}")
    yield made
    made.close()


def failing(ledger, ids, now=START):
    found = Settled(recorded=False)
    for id_ in ids:
        claim = claimed(ledger, id_, now)
        assert isinstance(claim, Claim), claim
        found = ledger.settle(claim, ended(claim, BUSY, now))
    return found


def test_five_failures_in_a_row_pause_and_the_sixth_delivery_waits_without_an_attempt(ledger):
    assert failing(ledger, ["d0", "d1", "d2", "d3"]).paused_until is None
    settled = failing(ledger, ["d4"])
    assert START < settled.paused_until <= START + COOL + timedelta(seconds=1)
    assert isinstance(claimed(ledger, "d5"), Again)
    assert (ledger.delivery("d5").state, ledger.delivery("d5").attempts) == (State.PENDING, 0)
    (one,) = ledger.destinations()
    assert (one.label, one.failures, one.paused_until) == ("https://hook.example", 5, settled.paused_until)


def test_a_success_in_between_starts_the_count_again(ledger):
    failing(ledger, ["d0", "d1", "d2", "d3"])
    claim = claimed(ledger, "d4")
    assert not ledger.settle(claim, ended(claim, GOOD)).resumed
    assert failing(ledger, ["d5", "d6", "d7", "d8"]).paused_until is None


def test_one_probe_for_each_cool_down_and_the_pause_doubles(ledger):
    failing(ledger, [f"d{number}" for number in range(5)])
    after = START + COOL + timedelta(seconds=1)
    probe = claimed(ledger, "d5", after)
    assert isinstance(probe, Claim)
    assert isinstance(claimed(ledger, "d6", after), Again)
    settled = ledger.settle(probe, ended(probe, BUSY, after))
    assert settled.paused_until >= after + 2 * COOL
    assert isinstance(claimed(ledger, "d6", after + COOL), Again)


def test_a_probe_that_succeeds_ends_the_pause(ledger):
    failing(ledger, [f"d{number}" for number in range(5)])
    after = START + COOL + timedelta(seconds=1)
    probe = claimed(ledger, "d5", after)
    assert ledger.settle(probe, ended(probe, GOOD, after)) == Settled(recorded=True, resumed=True)
    assert isinstance(claimed(ledger, "d6", after), Claim)
    assert ledger.destinations() == []


def test_a_probe_whose_worker_dies_leaves_its_place_to_another(ledger):
    failing(ledger, [f"d{number}" for number in range(5)])
    after = START + COOL + timedelta(seconds=1)
    assert isinstance(claimed(ledger, "d5", after), Claim)
    assert isinstance(claimed(ledger, "d6", after), Again)
    assert isinstance(claimed(ledger, "d6", after + timedelta(seconds=61)), Claim)


def test_a_probe_that_says_nothing_of_the_destination_leaves_its_place_to_another(ledger):
    failing(ledger, [f"d{number}" for number in range(5)])
    after = START + COOL + timedelta(seconds=1)
    probe = claimed(ledger, "d5", after)
    ledger.settle(probe, ended(probe, Outcome(status="failed", reason=Reason.RENDER_FAILED), after))
    assert isinstance(claimed(ledger, "d6", after), Claim)


def test_another_destination_goes_on(ledger):
    added(ledger, "other", endpoint="elsewhere")
    failing(ledger, [f"d{number}" for number in range(5)])
    assert isinstance(claimed(ledger, "other"), Claim)


def test_a_clock_set_back_lets_no_pause_last_for_ever(ledger):
    failing(ledger, [f"d{number}" for number in range(5)], START + timedelta(days=30))
    assert isinstance(claimed(ledger, "d5"), Claim)


def test_gone_for_good_disables_and_what_waits_for_it_is_held_back(ledger):
    gone = Outcome(status="failed", reason=Reason.GONE, code="410")
    claim = claimed(ledger, "d0")
    assert ledger.settle(claim, ended(claim, gone, disable="it answered 410 Gone")).disabled
    assert claimed(ledger, "d1") == Dead(Reason.DISABLED)
    held = ledger.delivery("d1")
    assert (held.state, held.reason, held.attempts) == (State.SUPPRESSED, Reason.DISABLED, 0)
    (one,) = ledger.destinations()
    assert (one.disabled_at is not None, one.disabled_why) == (True, "it answered 410 Gone")
