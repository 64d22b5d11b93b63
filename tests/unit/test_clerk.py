"""The clerk: jobs in order, what comes together is written together, and one that fails takes only itself back."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from livery.clerk import Clerk
from livery.errors import StoreError, StoreFull


class Desk:
    """Counts transactions; the first job holds the clerk until the others have come."""

    def __init__(self, *, fails=False):
        self.groups, self.done, self.fails = 0, [], fails
        self.gate = threading.Event()
        self.clerk = Clerk(self.together)

    @contextmanager
    def together(self, *, apart=True):
        self.groups += 1
        yield
        if self.fails:
            raise StoreError("the commit failed")

    def job(self, name, error=None):
        def run():
            if error is not None:
                raise error
            self.done.append(name)
            return name

        return run

    async def all(self, *jobs):
        first = self.clerk.do(self.gate.wait)
        rest = [self.clerk.do(job) for job in jobs]
        self.gate.set()
        await first
        return await asyncio.gather(*rest, return_exceptions=True)


@pytest.fixture
def desk():
    made = Desk()
    yield made
    made.clerk.close()


async def test_what_comes_while_it_is_busy_is_one_transaction(desk):
    assert await desk.all(*(desk.job(number) for number in range(10))) == list(range(10))
    assert (desk.done, desk.groups) == (list(range(10)), 1)


async def test_a_job_alone_needs_no_group(desk):
    assert await desk.clerk.do(desk.job("a")) == "a"
    assert desk.groups == 0


async def test_a_job_that_raises_tells_who_asked_and_the_others_are_done(desk):
    ends = await desk.all(desk.job("a"), desk.job("b", ValueError("no")), desk.job("c"))
    assert [ends[0], str(ends[1]), ends[2]] == ["a", "no", "c"]


async def test_if_the_store_fails_one_the_others_are_done_again_alone(desk):
    ends = await desk.all(desk.job("a"), desk.job("b", StoreFull("full")), desk.job("c"))
    assert [ends[0], str(ends[1]), ends[2]] == ["a", "full", "c"]
    assert desk.done == ["a", "a", "a", "c"], "the first two times were taken back, and ended with the one that failed"


async def test_if_the_commit_fails_nobody_is_told_it_was_done():
    desk = Desk(fails=True)
    assert await desk.all(desk.job("a"), desk.job("b")) == ["a", "b"]
    assert desk.done == ["a", "b"] * 3
    desk.clerk.close()


@pytest.mark.parametrize("end", [SystemExit(3), StopIteration(), GeneratorExit(), KeyboardInterrupt()])
async def test_what_would_end_the_thread_or_the_loop_is_told_as_an_error(desk, end):
    ends = await desk.all(desk.job("a"), desk.job("b", end), desk.job("c"))
    assert [ends[0], type(ends[1]), ends[2]] == ["a", RuntimeError, "c"]
    assert type(end).__name__ in str(ends[1])
    assert await desk.clerk.do(desk.job("after")) == "after"


async def test_where_no_thread_can_be_started_it_is_told_and_tried_again(desk, monkeypatch):
    def none(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        with pytest.raises(RuntimeError, match="new thread"):
            desk.clerk.do(desk.job("a"))
    assert await asyncio.wait_for(desk.clerk.do(desk.job("b")), 30) == "b"


async def test_closing_does_what_was_asked_before(desk):
    asked = [desk.clerk.do(desk.job(number)) for number in range(5)]
    await asyncio.to_thread(desk.clerk.close)
    assert await asyncio.gather(*asked) == list(range(5))
    assert await desk.clerk.do(desk.job("again")) == "again"


def test_a_loop_that_ended_disturbs_nobody(desk):
    async def leave():
        desk.clerk.do(desk.gate.wait)

    asyncio.run(leave())
    desk.gate.set()
    assert asyncio.run(_one(desk)) == "after"


async def _one(desk):
    return await desk.clerk.do(desk.job("after"))


# ------------------------------------------------------------------ what is alike


class Letters:
    """Notes which items came together; one that is `bad` makes all fail that come with it."""

    def __init__(self):
        self.calls = []

    def send(self, items):
        self.calls.append(list(items))
        if "bad" in items:
            raise ValueError("no")
        return [item.upper() for item in items]

    def store(self, items):
        self.calls.append(list(items))
        if "bad" in items:
            raise StoreFull("full")
        return [item.upper() for item in items]


async def alike(desk, many, *items):
    first = desk.clerk.do(desk.gate.wait)
    rest = [desk.clerk.do_alike(many, item) for item in items]
    desk.gate.set()
    await first
    return await asyncio.gather(*rest, return_exceptions=True)


async def test_what_is_alike_is_done_at_once_and_each_gets_its_own_result(desk):
    letters = Letters()
    assert await alike(desk, letters.send, "a", "b", "c") == ["A", "B", "C"]
    assert (letters.calls, desk.groups) == ([["a", "b", "c"]], 1)


async def test_other_jobs_between_do_not_part_what_is_alike(desk):
    letters = Letters()
    asked = [
        desk.clerk.do_alike(letters.send, "a"),
        desk.clerk.do(desk.job("x")),
        desk.clerk.do_alike(letters.send, "b"),
    ]
    assert await asyncio.gather(*asked) == ["A", "x", "B"]
    assert letters.calls == [["a", "b"]]


async def test_one_that_raises_is_told_alone_and_the_others_are_done(desk):
    letters = Letters()
    ends = await alike(desk, letters.send, "a", "bad", "c")
    assert [ends[0], str(ends[1]), ends[2]] == ["A", "no", "C"]
    assert letters.calls == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]


async def test_one_that_the_store_fails_leaves_the_others_to_be_done_alone(desk):
    letters = Letters()
    ends = await alike(desk, letters.store, "a", "bad", "c")
    assert [ends[0], str(ends[1]), ends[2]] == ["A", "full", "C"]
    assert letters.calls == [["a", "bad", "c"], ["a", "bad", "c"], ["a"], ["bad"], ["c"]]


async def test_what_would_end_the_thread_is_done_for_each_alone(desk):
    def leaves(items):
        if "bad" in items:
            raise SystemExit
        return items

    ends = await alike(desk, leaves, "a", "bad", "c")
    assert [ends[0], type(ends[1]), ends[2]] == ["a", RuntimeError, "c"]
