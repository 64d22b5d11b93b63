"""The embedded execution engine: one process at a time works on a store, the others stand by."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from livery.errors import StoreError
from livery.execution.embedded import EmbeddedExecution
from livery.execution.turf import Turf
from livery.ports import Again, Done, Load, Wake
from livery.storage.database import connect, writing

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Runner:
    """An execution engine with a clock of its own and a record of what it did."""

    def __init__(self, engine, suspects=()):
        self.at, self.done, self.takeovers = START, [], 0
        self.engine = engine
        self.execution = EmbeddedExecution(engine, now=lambda: self.at, on_takeover=lambda: self._taken(suspects))

    def _taken(self, suspects):
        self.takeovers += 1
        return suspects

    def put(self, *wakes):
        with writing(self.engine) as tx:
            self.execution.put(tx, wakes)

    async def drain(self, work=None, concurrency=5):
        async def record(wake):
            self.done.append(wake.work)
            return Done()

        await self.execution.run(work or record, until_idle=True, load=Load(concurrency))


@pytest.fixture
def engine(tmp_path):
    opened = connect(f"sqlite:///{tmp_path}/livery.db")
    yield opened
    opened.dispose()


@pytest.fixture
def runner(engine):
    return Runner(engine)


def wake(work, *, due=START, priority=0):
    return Wake(work, "lane", due, priority)


async def test_due_work_is_done_once_by_priority_then_by_due_time(runner):
    early = START - timedelta(minutes=1)
    runner.put(
        wake("b"), wake("a", due=early), wake("urgent", priority=5), wake("later", due=START + timedelta(minutes=1))
    )
    await runner.drain(concurrency=1)
    assert runner.done == ["urgent", "a", "b"]
    assert runner.execution.waiting() == 1


async def test_putting_the_same_work_twice_adds_nothing(runner):
    runner.put(wake("a"), wake("a"))
    runner.put(wake("a"))
    await runner.drain()
    assert runner.done == ["a"]


async def test_work_that_asks_for_it_is_woken_again_not_before_its_time(runner):
    async def again(_):
        return Again(timedelta(seconds=30))

    runner.put(wake("a"))
    await runner.drain(again)
    runner.at += timedelta(seconds=29)
    await runner.drain()
    assert runner.done == []
    runner.at += timedelta(seconds=2)
    await runner.drain()
    assert runner.done == ["a"]


async def test_work_that_raises_is_kept_and_the_others_are_done(runner, caplog):
    async def work(one):
        if one.work == "bad":
            raise RuntimeError("no")
        runner.done.append(one.work)
        return Done()

    runner.put(wake("bad"), wake("good"))
    await runner.drain(work)
    assert runner.done == ["good"]
    assert runner.execution.waiting() == 1
    assert "work bad failed" in caplog.text


async def test_never_more_runs_at_once_than_allowed(runner):
    running, most = 0, 0

    async def work(_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return Done()

    runner.put(*(wake(f"w{number}") for number in range(30)))
    await runner.drain(work, concurrency=4)
    assert most == 4
    assert runner.execution.waiting() == 0


def held(runner):
    """When work has begun, what lets it end, and the work."""
    begun, finish = asyncio.Event(), asyncio.Event()

    async def slow(one):
        begun.set()
        await finish.wait()
        runner.done.append(one.work)
        return Done()

    return begun, finish, slow


async def test_a_second_worker_stands_by_until_the_first_is_gone(engine):
    first, second = Runner(engine), Runner(engine)
    begun, finish, slow = held(first)
    first.put(wake("a"))
    working = asyncio.create_task(first.drain(slow))
    await begun.wait()
    waiting = asyncio.create_task(second.drain())
    await asyncio.sleep(0)
    assert second.takeovers == 0
    finish.set()
    await working
    await waiting
    assert (first.done, second.done) == (["a"], [])


async def test_stopping_lets_what_runs_end_and_records_it(runner):
    begun, finish, slow = held(runner)
    runner.put(wake("a"), wake("b"))
    working = asyncio.create_task(runner.drain(slow, concurrency=1))
    await begun.wait()
    working.cancel()
    await asyncio.sleep(0)
    finish.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert runner.done == ["a"]
    assert runner.execution.waiting() == 1


async def test_what_may_have_killed_its_worker_is_worked_on_alone_and_first(engine):
    runner = Runner(engine, suspects=["suspect"])
    running = []

    async def work(one):
        running.append(one.work)
        assert one.work != "suspect" or running == ["suspect"]
        await asyncio.sleep(0)
        return Done()

    runner.put(wake("other", priority=9), wake("suspect"))
    await runner.drain(work)
    assert running == ["suspect", "other"]


async def test_by_whatever_link_a_store_is_reached_one_works_on_it(engine, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.db").symlink_to(tmp_path / "livery.db")
    linked = connect(f"sqlite:///{tmp_path}/elsewhere/link.db")
    first, second = Runner(engine), Runner(linked)
    begun, finish, slow = held(first)
    first.put(wake("a"))
    working = asyncio.create_task(first.drain(slow))
    await begun.wait()
    with second.execution._turf.attempt() as tenure:
        assert tenure is None
    finish.set()
    await working
    linked.dispose()
    assert first.done == ["a"]


async def test_who_is_told_to_stop_stops_though_another_has_taken_over(runner):
    begun, finish = asyncio.Event(), asyncio.Event()

    async def slow(_):
        begun.set()
        await finish.wait()
        return Done()

    runner.put(wake("a"))
    working = asyncio.create_task(runner.execution.run(slow, until_idle=False, load=Load(1)))
    await begun.wait()
    with writing(runner.engine) as tx:
        tx.exec_driver_sql("UPDATE livery_runner SET epoch = epoch + 1")
    working.cancel()
    await asyncio.sleep(0)
    finish.set()
    await asyncio.wait([working], timeout=30)
    assert working.cancelled()
    assert runner.execution.waiting() == 1, "it is the other's now"


@pytest.mark.parametrize("when", ["before it begins", "while it works"])
@pytest.mark.parametrize("error", [StoreError("database is locked"), OSError(24, "Too many open files"), MemoryError()])
async def test_a_worker_outlives_whatever_keeps_it_from_the_store_for_a_while(runner, monkeypatch, when, error):
    home, name = (Turf, "_taken_over") if when == "before it begins" else (EmbeddedExecution, "_look")
    real, failed, done = getattr(home, name), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def fails(*arguments):
        monkeypatch.setattr(home, name, real)
        loop.call_soon_threadsafe(failed.set)
        raise error

    async def work(one):
        runner.done.append(one.work)
        done.set()
        return Done()

    monkeypatch.setattr(home, name, fails)
    monkeypatch.setattr("livery.execution.embedded._STORE_AGAIN", 0.01)
    working = asyncio.create_task(runner.execution.run(work, until_idle=False, load=Load(1)))
    await asyncio.wait_for(failed.wait(), 30)
    runner.put(wake("a"))
    await asyncio.wait_for(done.wait(), 30)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert runner.done == ["a"]
