"""When to try again: a pure decision from an outcome, the attempt's number and the channel's ladder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import NamedTuple

from livery.models.delivery import Outcome, Reason, State

# Standard Webhooks 1.0.0, "Deliverability and reliability": the first try and nine more over 75 h 35 min.
LADDER = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
JITTER = 0.2
PLAN_LADDER = (5, 30, 120, 600, 1800, 3600)
"""Seconds until an event that could not be planned is tried again; the last for ever: it is never given up."""


class Next(NamedTuple):
    """Where the delivery goes from here; `after` is zero unless it is tried again."""

    state: State
    reason: Reason | None
    after: timedelta


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's corrections to what channels call permanent.

    An entry is a reason (`auth`) or the far side's own code (`404`), of one channel if that stands before it
    (`webhook:404`).
    """

    permanent: frozenset[str] = frozenset()
    """Never tried again, although the channel would."""
    temporary: frozenset[str] = frozenset()
    """Tried again, although the channel would not."""
    retry_unknown: bool = True
    """Whether an attempt whose answer was lost is made again, with the same identity."""

    def judged(self, outcome: Outcome, channel: str) -> Outcome:
        """The outcome as the operator wants it seen."""
        if not self.permanent and not self.temporary:
            return outcome
        said = {one for one in (outcome.reason, outcome.code) if one}
        names = {*said, *(f"{channel}:{one}" for one in said)}
        if outcome.status == "retry" and names & self.permanent:
            return outcome.model_copy(update={"status": "failed"})
        if outcome.status == "failed" and names & self.temporary:
            return outcome.model_copy(update={"status": "retry"})
        return outcome


DEFAULT_RULES = Rules()
_SETTLED = {"delivered": State.DELIVERED, "accepted": State.ACCEPTED, "failed": State.DEAD}


def decide(
    outcome: Outcome,
    attempt: int,
    *,
    ladder: Sequence[int] = LADDER,
    random: Random,
    retry_unknown: bool = True,
) -> Next:
    """What becomes of a delivery after attempt number `attempt` (1-based).

    `unknown` is tried again with the same identity, unless told not to. A `retry_after` counts only between one
    and two times the planned delay, so that no receiver can park a message for ever.
    """
    if settled := _SETTLED.get(outcome.status):
        return Next(settled, outcome.reason, timedelta())
    if attempt > len(ladder) or (outcome.status == "unknown" and not retry_unknown):
        state = State.UNKNOWN if outcome.status == "unknown" else State.DEAD
        return Next(state, outcome.reason or Reason.EXHAUSTED, timedelta())
    planned = ladder[attempt - 1]
    delay = planned * random.uniform(1 - JITTER, 1 + JITTER)
    if outcome.retry_after is not None:
        delay = min(max(delay, outcome.retry_after), 2.0 * planned)  # in this order nonsense (NaN) counts as absent
    return Next(State.RETRYING, outcome.reason, timedelta(seconds=delay))


def plan_again(tries: int, random: Random) -> timedelta:
    """How long an event waits that could not be planned, after so many tries before."""
    rung = PLAN_LADDER[min(tries, len(PLAN_LADDER) - 1)]
    return timedelta(seconds=rung * random.uniform(1 - JITTER, 1 + JITTER))
