"""Deliver: one attempt of one delivery through its channel, and what becomes of it."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from random import Random

from livery.channel import Channel, Dispatch
from livery.locales import one_line
from livery.models.delivery import Attempt, Outcome, Reason, State
from livery.ports import Claim, Settlement
from livery.retry import decide

_EXCERPT = 300


async def attempt(channel: Channel, dispatch: Dispatch, *, deadline: float) -> tuple[Outcome, float]:
    """Send once, within `deadline` seconds: the outcome and how long it took in milliseconds.

    A channel that raises is at fault: the attempt counts as failed for now. One that does not come back in
    time may have sent: `unknown`.
    """
    began = time.perf_counter()
    try:
        async with asyncio.timeout(deadline):
            outcome = await channel.send(dispatch)
    except TimeoutError:
        outcome = Outcome(status="unknown", reason=Reason.TIMEOUT, detail=f"no end within {deadline:.0f} s")
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        outcome = Outcome(status="retry", reason=Reason.CHANNEL_FAILED, detail=type(error).__name__)
    took = (time.perf_counter() - began) * 1000
    return outcome.model_copy(update={"detail": one_line(outcome.detail, _EXCERPT)}), took


def settlement(
    claim: Claim,
    outcome: Outcome,
    *,
    started_at: datetime,
    took: float,
    ladder: tuple[int, ...],
    random: Random,
) -> Settlement:
    """Where a delivery stands after an attempt. Addresses answered for good are never written to again."""
    answered = {one.address: one.status for one in outcome.recipients if one.status != "retry"}
    settled: Mapping[str, str] = {**claim.settled, **answered}
    state, reason, after = decide(outcome, claim.delivery.attempts, ladder=ladder, random=random)
    if state is State.DEAD and "accepted" in settled.values():
        # Some of the audience has it; what the others' servers said stands in the attempts.
        state = State.ACCEPTED
    number = claim.delivery.attempts
    return Settlement(
        attempt=Attempt(number=number, started_at=started_at, duration_ms=took, outcome=outcome),
        state=state,
        reason=reason,
        due=started_at + after,
        settled=settled,
    )
