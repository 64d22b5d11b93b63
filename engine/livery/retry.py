"""When to try again: a pure decision from an outcome, the attempt's number and the channel's ladder."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import NamedTuple

from livery.models.delivery import Outcome, Reason, State

# Standard Webhooks 1.0.0, "Deliverability and reliability": the first try and nine more over 75 h 35 min.
LADDER = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
JITTER = 0.2


class Next(NamedTuple):
    """Where the delivery goes from here; `after` is zero unless it is tried again."""

    state: State
    reason: Reason | None
    after: timedelta


_SETTLED = {"delivered": State.DELIVERED, "accepted": State.ACCEPTED, "failed": State.DEAD}


def decide(outcome: Outcome, attempt: int, *, ladder: Sequence[int] = LADDER, random: Random) -> Next:
    """What becomes of a delivery after attempt number `attempt` (1-based).

    `unknown` is tried again with the same identity. A `retry_after` counts only between one and two
    times the planned delay, so that no receiver can park a message for ever.
    """
    if settled := _SETTLED.get(outcome.status):
        return Next(settled, outcome.reason, timedelta())
    if attempt > len(ladder):
        state = State.UNKNOWN if outcome.status == "unknown" else State.DEAD
        return Next(state, outcome.reason or Reason.EXHAUSTED, timedelta())
    planned = ladder[attempt - 1]
    delay = planned * random.uniform(1 - JITTER, 1 + JITTER)
    if outcome.retry_after is not None:
        delay = min(max(delay, outcome.retry_after), 2.0 * planned)  # in this order nonsense (NaN) counts as absent
    return Next(State.RETRYING, outcome.reason, timedelta(seconds=delay))
