"""Deliver: one attempt always ends with an outcome, and nobody is written to twice."""

import asyncio
from random import Random

import pytest

from livery.channel import Dispatch
from livery.models.delivery import Delivery, Outcome, Reason, RecipientResult, State
from livery.models.message import Envelope
from livery.ports import Claim, StoredEvent
from livery.steps import deliver
from unit.making import NOW

ENVELOPE = Envelope(delivery_id="dlv_1", event_id="evt-1", event_type="X", created_at=NOW)
EVENT = StoredEvent("evt", "shop", b"{}", NOW)
DISPATCH = Dispatch(ENVELOPE, destination=None, wire=b"bytes", attempt=1)


class Doing:
    """A channel that does as it is told."""

    def __init__(self, what) -> None:
        self.what = what

    async def send(self, dispatch):
        if isinstance(self.what, BaseException):
            raise self.what
        if self.what == "hang":
            await asyncio.Event().wait()
        return self.what


async def attempted(what) -> Outcome:
    outcome, took = await deliver.attempt(Doing(what), DISPATCH, deadline=0.01 if what == "hang" else 60)
    assert took >= 0
    return outcome


async def test_what_a_channel_says_is_the_outcome():
    said = Outcome(status="accepted", code="250", detail="queued")
    assert await attempted(said) == said


@pytest.mark.parametrize(
    "error",
    [
        ValueError("geheim"),
        OSError("geheim"),
        KeyError("geheim"),
        RecursionError("geheim"),
        MemoryError("geheim"),
        GeneratorExit("geheim"),
        BaseException("geheim"),
        BaseExceptionGroup("geheim", [GeneratorExit()]),
    ],
)
async def test_a_channel_that_raises_is_at_fault_and_what_it_raised_is_not_repeated(error):
    outcome = await attempted(error)
    assert (outcome.status, outcome.reason) == ("retry", Reason.CHANNEL_FAILED)
    assert "geheim" not in outcome.detail


@pytest.mark.parametrize("nonsense", [None, True, {"status": "delivered"}, Outcome, "delivered", 250])
async def test_a_channel_that_returns_something_else_is_at_fault_and_told_what_it_returned(nonsense):
    outcome = await attempted(nonsense)
    assert (outcome.status, outcome.reason) == ("retry", Reason.CHANNEL_FAILED)
    assert outcome.detail == f"it returned {type(nonsense).__name__}, no Outcome"


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_who_ends_the_process_or_the_task_ends_it(end):
    """A host's own signal handler raises wherever its process is, in a channel too."""
    with pytest.raises(end):
        await attempted(end())


async def test_a_channel_that_does_not_come_back_may_have_sent():
    outcome = await attempted("hang")
    assert (outcome.status, outcome.reason) == ("unknown", Reason.TIMEOUT)


async def test_a_detail_is_one_short_line():
    outcome = await attempted(Outcome(status="failed", detail="line\r\nline\u202e " + "x" * 1000))
    assert len(outcome.detail) <= 300
    assert outcome.detail.startswith("line line x")


def claim(attempts: int = 1, **settled: str) -> Claim:
    delivery = Delivery(
        id="dlv_1",
        tenant="shop",
        event_key="evt",
        event_id="evt-1",
        event_type="X",
        channel="smtp",
        destination="",
        state=State.SENDING,
        attempts=attempts,
        due_at=NOW,
        created_at=NOW,
    )
    return Claim(delivery, ENVELOPE, endpoint=None, fence=1, wire=None, settled=settled, event=EVENT)


def settled(of: Claim, outcome: Outcome, ladder: tuple[int, ...] = (100,)):
    return deliver.settlement(of, outcome, started_at=NOW, took=1.5, ladder=ladder, random=Random(0))


def each(**results: str) -> tuple[RecipientResult, ...]:
    return tuple(RecipientResult(address=address, status=status) for address, status in results.items())


@pytest.mark.parametrize(
    ("before", "results", "after"),
    [
        ({}, {}, {}),
        ({}, {"a": "accepted", "b": "failed", "c": "retry"}, {"a": "accepted", "b": "failed"}),
        ({"a": "accepted"}, {"c": "retry"}, {"a": "accepted"}),
        ({"a": "accepted"}, {"c": "accepted"}, {"a": "accepted", "c": "accepted"}),
    ],
)
def test_who_was_answered_for_good_is_remembered(before, results, after):
    end = settled(claim(**before), Outcome(status="retry", recipients=each(**results)))
    assert dict(end.settled) == after


@pytest.mark.parametrize(
    ("before", "outcome", "state"),
    [
        ({}, Outcome(status="failed", recipients=each(a="failed")), State.DEAD),
        ({}, Outcome(status="failed", recipients=each(a="accepted", b="failed")), State.ACCEPTED),
        ({"a": "accepted"}, Outcome(status="failed", recipients=each(b="failed")), State.ACCEPTED),
        ({"a": "failed"}, Outcome(status="failed", recipients=each(b="failed")), State.DEAD),
        ({}, Outcome(status="retry"), State.RETRYING),
        ({}, Outcome(status="delivered"), State.DELIVERED),
    ],
)
def test_a_delivery_some_of_the_audience_has_is_not_dead(before, outcome, state):
    assert settled(claim(**before), outcome).state is state


def test_an_attempt_is_kept_with_its_number_time_and_outcome():
    outcome = Outcome(status="retry", reason=Reason.THROTTLED)
    end = settled(claim(attempts=2), outcome, ladder=(1, 100))
    assert (end.attempt.number, end.attempt.started_at, end.attempt.duration_ms, end.attempt.outcome) == (
        2,
        NOW,
        1.5,
        outcome,
    )
    assert 80 <= (end.due - NOW).total_seconds() <= 120
    assert end.reason is Reason.THROTTLED
