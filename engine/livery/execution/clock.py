"""A clock that was set: the difference between what it shows and the time that has passed."""

import time
from datetime import datetime, timedelta

_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)
"""Counts while the machine sleeps, too; a retry that came due meanwhile is due."""
_NOISE = timedelta(seconds=5)


def passed() -> timedelta:
    """Time by a clock that nobody can set."""
    return timedelta(seconds=time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK))


class Drift:
    """Compares a clock people can set with one they cannot."""

    def __init__(self) -> None:
        self._last: tuple[datetime, timedelta] | None = None

    def since_last(self, now: datetime) -> timedelta:
        """By how much the clock was set since the last call; zero if it just went on."""
        last, self._last = self._last, (now, passed())
        if last is None:
            return timedelta()
        jumped = (now - last[0]) - (self._last[1] - last[1])
        return jumped if abs(jumped) > _NOISE else timedelta()
