"""Retry: what becomes of a delivery after an attempt, and when it is tried again."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.models.delivery import Outcome, Reason, State
from livery.retry import JITTER, LADDER, Rules, decide

HOURS = 3600


def after(status: str, attempt: int = 1, *, seed: int = 0, ladder=LADDER, **fields):
    return decide(Outcome(status=status, **fields), attempt, ladder=ladder, random=Random(seed))


@pytest.mark.parametrize(
    ("status", "state"), [("delivered", State.DELIVERED), ("accepted", State.ACCEPTED), ("failed", State.DEAD)]
)
@pytest.mark.parametrize("attempt", [1, 5, 100])
def test_an_attempt_that_settles_it_is_the_last(status, state, attempt):
    verdict = after(status, attempt, reason=Reason.GONE, retry_after=60)
    assert (verdict.state, verdict.reason, verdict.after.total_seconds()) == (state, Reason.GONE, 0)


@pytest.mark.parametrize("status", ["retry", "unknown"])
@pytest.mark.parametrize("attempt", range(1, len(LADDER) + 1))
def test_each_attempt_waits_its_rung_of_the_ladder_give_or_take_the_jitter(status, attempt):
    waits = [after(status, attempt, seed=seed, reason=Reason.TIMEOUT) for seed in range(50)]
    planned = LADDER[attempt - 1]
    assert {(wait.state, wait.reason) for wait in waits} == {(State.RETRYING, Reason.TIMEOUT)}
    assert all(planned * (1 - JITTER) <= wait.after.total_seconds() <= planned * (1 + JITTER) for wait in waits)
    assert len({wait.after for wait in waits}) > 10


def test_the_ladder_is_the_published_one():
    assert len(LADDER) == 9
    assert sum(LADDER) == 75 * HOURS + 35 * 60 + 5
    assert list(LADDER) == sorted(LADDER)


@pytest.mark.parametrize(
    ("status", "reason", "state", "said"),
    [
        ("retry", Reason.THROTTLED, State.DEAD, Reason.THROTTLED),
        ("retry", None, State.DEAD, Reason.EXHAUSTED),
        ("unknown", Reason.TIMEOUT, State.UNKNOWN, Reason.TIMEOUT),
        ("unknown", None, State.UNKNOWN, Reason.EXHAUSTED),
    ],
)
@pytest.mark.parametrize("ladder", [(), (5,), LADDER])
def test_past_the_end_of_the_ladder_it_is_given_up_and_unknown_stays_unknown(status, reason, state, said, ladder):
    verdict = after(status, len(ladder) + 1, ladder=ladder, reason=reason)
    assert (verdict.state, verdict.reason, verdict.after.total_seconds()) == (state, said, 0)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (0, 80, 120),
        (-5, 80, 120),
        (60, 80, 120),
        (150, 150, 150),
        (200, 200, 200),
        (201, 200, 200),
        (10**9, 200, 200),
        (float("inf"), 200, 200),
        (float("nan"), 80, 120),
    ],
)
def test_a_wait_the_far_side_asks_for_counts_between_once_and_twice_the_planned(asked, least, most):
    waits = [after("retry", seed=seed, ladder=(100,), retry_after=asked).after.total_seconds() for seed in range(50)]
    assert least <= min(waits)
    assert max(waits) <= most


asked_for = st.none() | st.floats(allow_nan=True, allow_infinity=True)
ladders = st.lists(st.integers(1, 10**6), max_size=12)


@given(
    status=st.sampled_from(["delivered", "accepted", "retry", "failed", "unknown"]),
    attempt=st.integers(1, 20),
    ladder=ladders,
    asked=asked_for,
    seed=st.integers(),
)
def test_every_outcome_ends_or_waits_within_bounds(status, attempt, ladder, asked, seed):
    verdict = after(status, attempt, seed=seed, ladder=ladder, retry_after=asked)
    if verdict.state is State.RETRYING:
        planned = ladder[attempt - 1]
        assert planned * (1 - JITTER) <= verdict.after.total_seconds() + 1e-6
        assert verdict.after.total_seconds() <= 2 * planned
        assert status in ("retry", "unknown")
    else:
        assert verdict.after.total_seconds() == 0


@given(attempt=st.integers(1, 9), asked=st.floats(0, 10**6), seed=st.integers())
def test_the_same_chance_gives_the_same_verdict(attempt, asked, seed):
    assert after("retry", attempt, seed=seed, retry_after=asked) == after(
        "retry", attempt, seed=seed, retry_after=asked
    )


@pytest.mark.parametrize(
    ("names", "is_named"),
    [
        ({"auth"}, True), ({"401"}, True), ({"webhook:auth"}, True), ({"webhook:401"}, True),
        ({"smtp:auth"}, False), ({"403"}, False), (set(), False),
    ],
)  # fmt: skip
def test_what_is_permanent_is_a_table_of_reasons_and_codes(names, is_named):
    failed = Outcome(status="failed", reason="auth", code="401")
    again = Outcome(status="retry", reason="auth", code="401")
    assert (Rules(temporary=frozenset(names)).judged(failed, "webhook").status == "retry") is is_named
    assert (Rules(permanent=frozenset(names)).judged(again, "webhook").status == "failed") is is_named


def test_what_is_delivered_or_unknown_is_left_as_it_is():
    rules = Rules(permanent=frozenset({"timeout", "200"}), temporary=frozenset({"timeout", "200"}))
    for status in ("delivered", "accepted", "unknown"):
        outcome = Outcome(status=status, reason="timeout", code="200")
        assert rules.judged(outcome, "webhook") == outcome
