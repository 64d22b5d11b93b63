"""Waiting for what is to come, and never for a time to pass."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def until(found: Callable[[], _T], *, seconds: float = 60, every: float = 0.01, why: Callable[[], str] = str) -> _T:
    """Ask until the answer counts as true, and give it; the suite hangs at nothing."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, f"it did not come in {seconds} seconds: {why()}"
        time.sleep(every)
    return answer
