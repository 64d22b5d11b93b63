"""Pacing: when a piece of work may begin, if so many a second may. Pure: owns the arithmetic, and no statement.

What may not begin yet books the next free moment if that is near, and begins then without asking again. If it is far,
it is told when its turn will be, in the order of asking, and asks again then: however much waits, each piece of work
asks a handful of times, and not as often as it can.
"""

from dataclasses import dataclass

SECOND = 1_000_000
_AT_ONCE = SECOND // 10
"""So much work may begin at once that the rate allows in this time."""
_NEAR = 2 * SECOND
"""How far ahead a moment is booked: what is urgent waits no longer than that behind what is not."""
LATE = SECOND // 2
"""For how long a moment that was booked counts."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a rate stands; moments in microseconds.

    Attributes:
        free: from when on the next may begin; everything before is taken or booked.
        line: until when work that waits has been told to come back.

    """

    free: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """What is told to who asks: it may begin `at`; if that is `booked`, without asking again, else it asks again."""

    at: int
    booked: bool


def ask(pace: Pace, now: int, every: int, *, waited: bool, urgent: bool) -> tuple[Pace, Turn | None]:
    """One piece of work asks to begin.

    Args:
        pace: where the rate stands.
        now: in microseconds, as all moments.
        every: how long after one the next may begin, on average.
        waited: it was told before to come back now.
        urgent: it need not stand in line.

    Returns:
        Where the rate stands then, and when its turn is; None for now.

    """
    free = max(pace.free, now - _AT_ONCE)
    stands_in_line = pace.line > max(free, now) and not (waited or urgent)
    if stands_in_line or free - now > max(_NEAR, 2 * every):
        at = max(pace.line, free, now)
        return Pace(free, at + every), Turn(at, booked=False)
    taken = Pace(free + every, max(pace.line, free + every))
    return taken, (Turn(free, booked=True) if free > now else None)
