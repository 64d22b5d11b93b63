"""Deliver: one attempt of one delivery through its channel, and what becomes of it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from livery.channel import Channel, Dispatch
from livery.errors import StoreError
from livery.locales import one_line
from livery.models.delivery import Attempt, Outcome, Reason, RecipientResult, State
from livery.ports import Claim, Settlement
from livery.retry import DEFAULT_RULES, Rules, decide

log = logging.getLogger("livery.flow")
_EXCERPT = 300
_OF_THE_DESTINATION = frozenset(
    {
        Reason.UNREACHABLE,
        Reason.TIMEOUT,
        Reason.SERVER_ERROR,
        Reason.THROTTLED,
        Reason.AUTH,
        Reason.REFUSED,
        Reason.GONE,
    }
)
"""Reasons of a failed attempt that the destination is behind, not the message or this machine."""
_GONE_FOR_GOOD = "410"
"""RFC 9110 §15.5.11; Standard Webhooks: the endpoint is to be disabled."""


async def attempt(channel: Channel, dispatch: Dispatch, *, deadline: float) -> tuple[Outcome, float]:
    """Send once, within `deadline` seconds: the outcome and how long it took in milliseconds.

    A channel that raises, or returns something else, is at fault: the attempt counts as failed for now. One that does
    not come back in time may have sent: `unknown`.
    """
    began = time.perf_counter()
    try:
        async with asyncio.timeout(deadline):
            sending: Awaitable[object] = channel.send(dispatch)
            came = await sending
        outcome = came if isinstance(came, Outcome) else _at_fault(f"it returned {type(came).__name__}, no Outcome")
    except TimeoutError:
        outcome = Outcome(status="unknown", reason=Reason.TIMEOUT, detail=f"no end within {deadline:.0f} s")
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):  # the worker is to stop, or its process
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        outcome = _at_fault(type(error).__name__)
    took = (time.perf_counter() - began) * 1000
    said = one_line(outcome.detail, _EXCERPT) if outcome.detail else ""
    return (outcome if said == outcome.detail else outcome.model_copy(update={"detail": said})), took


def _at_fault(detail: str) -> Outcome:
    return Outcome(status="retry", reason=Reason.CHANNEL_FAILED, detail=detail)


async def held(
    sending: Awaitable[tuple[Outcome, float]], extend: Callable[[], Awaitable[bool]], *, every: float
) -> tuple[Outcome, float] | None:
    """The result of `sending`, with the lease extended every so many seconds; None once the lease is lost.

    What is being sent when the lease is lost is broken off: another worker has the delivery now.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None, "it is awaited"
    is_lost, keeper = False, None

    async def keep() -> None:
        nonlocal is_lost
        while not is_lost:
            try:
                is_lost = not await extend()
            except StoreError as error:  # it holds for some time yet
                log.warning("a lease cannot be extended, trying again: %s", error)
            await asyncio.sleep(0 if is_lost else every)
        task.cancel()

    def begin() -> None:
        nonlocal keeper
        keeper = loop.create_task(keep())

    timer = loop.call_later(every, begin)
    try:
        return await sending
    except asyncio.CancelledError:
        if is_lost and not task.uncancel():
            return None
        raise
    finally:
        timer.cancel()
        if keeper is not None:
            keeper.cancel()


def settlement(  # noqa: PLR0913 - each decides
    claim: Claim,
    outcome: Outcome,
    *,
    started_at: datetime,
    took: float,
    ladder: Sequence[int],
    random: Random,
    rules: Rules = DEFAULT_RULES,
    worker: str = "",
) -> Settlement:
    """Where a delivery stands after an attempt. Addresses answered for good are never written to again."""
    outcome = rules.judged(outcome, claim.delivery.channel)
    answered = {one.address: one.status for one in outcome.recipients if one.status != "retry"}
    settled: Mapping[str, str] = {**claim.settled, **answered}
    number = claim.delivery.attempts
    state, reason, after = decide(outcome, number, ladder=ladder, random=random, retry_unknown=rules.retry_unknown)
    if state is State.DEAD and "accepted" in settled.values():
        # Some of the audience has it; what the others' servers said stands in the attempts.
        state = State.ACCEPTED
    is_gone = claim.endpoint is not None and state is State.DEAD and outcome.code == _GONE_FOR_GOOD
    return Settlement(
        attempt=Attempt(number=number, started_at=started_at, duration_ms=took, outcome=outcome, worker=worker),
        state=state,
        reason=reason,
        due=started_at + after,
        settled=settled,
        destination_failed=_failed(outcome),
        disable="it answered 410 Gone" if is_gone else "",
    )


def withheld(claim: Claim, why: Mapping[str, str], *, at: datetime, worker: str = "") -> Settlement:
    """A delivery that must not be sent after all: every address in it is suppressed."""
    said = one_line("; ".join(f"{address}: {reason}" for address, reason in why.items()), _EXCERPT)
    outcome = Outcome(status="failed", reason=Reason.SUPPRESSED, detail=said)
    return Settlement(
        attempt=Attempt(number=claim.delivery.attempts, started_at=at, duration_ms=0, outcome=outcome, worker=worker),
        state=State.SUPPRESSED,
        reason=Reason.SUPPRESSED,
        due=at,
        settled=claim.settled,
    )


def told_of(end: Settlement, kept_off: Mapping[str, str]) -> Settlement:
    """The end of an attempt with those who were left out of it, and why, on record."""
    if not kept_off:
        return end
    outcome = end.attempt.outcome
    left_out = [
        RecipientResult(address=one, status="failed", code=Reason.SUPPRESSED, detail=f"not written to: {why}")
        for one, why in kept_off.items()
    ]
    told = outcome.model_copy(update={"recipients": (*outcome.recipients, *left_out)})
    return replace(end, attempt=end.attempt.model_copy(update={"outcome": told}))


def _failed(outcome: Outcome) -> bool | None:
    """Whether the destination failed (True) or answered (False); None if it had no part in the outcome."""
    if outcome.status in ("delivered", "accepted") or outcome.recipients:
        return False
    if outcome.status == "failed":
        return False if outcome.code else None
    return True if outcome.reason in _OF_THE_DESTINATION else None
