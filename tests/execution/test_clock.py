"""A clock that is set: retries come neither in a storm nor never."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from livery.execution import clock
from livery.execution.clock import Drift
from livery.execution.embedded import EmbeddedExecution
from livery.ports import Again, Done, Load, Wake
from livery.storage.database import connect, writing

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Times:
    """A clock that people set, and the time that passes."""

    def __init__(self, monkeypatch):
        self.shown, self.passed = START, timedelta(hours=1)
        monkeypatch.setattr(clock, "passed", lambda: self.passed)

    def go_on(self, by):
        self.shown += by
        self.passed += by

    def set(self, by):
        self.shown += by


@pytest.fixture
def times(monkeypatch):
    return Times(monkeypatch)


@pytest.fixture
def execution(tmp_path, times):
    engine = connect(f"sqlite:///{tmp_path}/livery.db")
    yield EmbeddedExecution(engine, now=lambda: times.shown, on_takeover=list, drift=Drift())
    engine.dispose()


class Trying:
    """Work that asks to be woken again in five minutes, for ever."""

    def __init__(self, execution, *works, due=START):
        self.execution, self.done = execution, []
        with writing(execution._engine) as tx:
            execution.put(tx, [Wake(work, "lane", due) for work in works])

    async def drain(self, verdict=None):
        async def work(wake):
            self.done.append(wake.work)
            return verdict or Again(5 * MINUTE, counts=True)

        await self.execution.run(work, until_idle=True, load=Load())
        return len(self.done)


@pytest.mark.parametrize("jump", [timedelta(days=30), timedelta(minutes=-10), timedelta(seconds=6)])
async def test_retries_keep_their_distance(execution, times, jump):
    trying = Trying(execution, *(f"w{number}" for number in range(20)))
    assert await trying.drain() == 20
    times.go_on(MINUTE)
    times.set(jump)
    assert await trying.drain() == 20, "no storm"
    times.go_on(3 * MINUTE)
    assert await trying.drain() == 20
    times.go_on(MINUTE + timedelta(seconds=1))
    assert await trying.drain() == 40, "none is parked"


async def test_back_and_forth_again_changes_nothing(execution, times):
    trying = Trying(execution, "w")
    await trying.drain()
    for by in (timedelta(days=30), timedelta(days=-30)):
        times.set(by)
        assert await trying.drain() == 1
    times.go_on(5 * MINUTE)
    assert await trying.drain() == 2


async def test_a_moment_somebody_named_is_that_moment(execution, times):
    trying = Trying(execution, "w", due=START + timedelta(days=1))
    await trying.drain()
    times.set(timedelta(days=1))
    await trying.drain()
    times.go_on(timedelta(seconds=1))
    assert await trying.drain(Done()) == 1


def test_the_clock_that_nobody_sets_goes_on():
    first = clock.passed()
    assert clock.passed() >= first
    assert abs((clock.passed() - timedelta(seconds=time.monotonic())).total_seconds()) < 10**9


def test_small_steps_are_noise(times):
    drift = Drift()
    assert not drift.since_last(times.shown)
    times.go_on(MINUTE)
    times.set(timedelta(seconds=2))
    assert not drift.since_last(times.shown)
    times.set(-MINUTE)
    assert drift.since_last(times.shown) == -MINUTE
