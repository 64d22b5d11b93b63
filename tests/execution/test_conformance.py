"""What every execution engine does, shown with real processes: `ADAPTERS` names the engines this runs over.

Nothing here knows how an engine stores a wake; `transaction` is a host's own.
"""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from execution.adapters import ADAPTERS, PATIENCE
from livery.ports import IN_HOST_TX, TAKEOVER, Again, Dead, Done, Load, Wake, utc_now

WORKER = Path(__file__).with_name("worker.py")


class Rig:
    """One adapter, its workers, and the log of what they did."""

    def __init__(self, name, url, folder):
        self.name, self.url, self.log = name, url, folder / "log"
        self.log.touch()
        self.adapter = ADAPTERS[name](self.url)
        self.execution = self.adapter.execution
        self.workers = []

    def put(self, *works, tenant="shop", destination="", after=0.0, priority=0):
        due = utc_now() + timedelta(seconds=after)
        wakes = [Wake(work, "lane", due, priority, tenant, destination) for work in works]
        with self.adapter.transaction() as tx:
            added = self.execution.put(tx, wakes)
        self.execution.nudge()
        return added

    def worker(self, concurrency=5):
        command = [sys.executable, str(WORKER), self.name, self.url, str(self.log), str(concurrency)]
        process = subprocess.Popen(command)
        self.workers.append(process)
        self.until(lambda: any(one[2] == process.pid for one in self.seen("ready")))
        return process

    def seen(self, what):
        """(work, time, process) of every line of a kind."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [(line[1], float(line[3]), int(line[2])) for line in lines if line[0] == what]

    def counted(self, what):
        return Counter(work for work, _, _ in self.seen(what))

    def until(self, holds, seconds=60):
        """Wait for something that is to come; the suite hangs at nothing."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self.log.read_text()[-2000:]
            time.sleep(0.02)

    async def drain(self, work, **load):
        await self.execution.run(work, until_idle=True, load=Load(**load))

    def close(self):
        for process in self.workers:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        self.adapter.close()


@pytest.fixture(params=sorted(ADAPTERS))
def rig(request, tmp_path):
    where = ADAPTERS[request.param].database(tmp_path, lambda: request.getfixturevalue("postgres"))
    with where as url:
        made = Rig(request.param, url, tmp_path)
        yield made
        made.close()


class Record:
    """Work that is done at once and remembered."""

    def __init__(self, verdict=None):
        self.works, self._verdict = [], verdict

    async def __call__(self, wake):
        self.works.append(wake.work)
        return self._verdict(wake) if self._verdict else Done()


def test_it_says_what_it_can(rig):
    assert rig.execution.traits >= {IN_HOST_TX, TAKEOVER}


async def test_what_is_put_twice_is_woken_once(rig):
    assert (rig.put("a", "b"), rig.put("a")) == (2, 0)
    record = Record()
    await rig.drain(record)
    assert sorted(record.works) == ["a", "b"]
    assert rig.adapter.stored() == 0


async def test_what_the_host_rolls_back_was_never_put(rig):
    def rolled_back():
        with rig.adapter.transaction() as tx:
            rig.execution.put(tx, [Wake("a", "lane", utc_now())])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rolled_back()
    record = Record()
    await rig.drain(record)
    assert record.works == []


async def test_cancelled_is_not_woken(rig):
    rig.put("a", "b")
    with rig.adapter.transaction() as tx:
        rig.execution.cancel(tx, ["a"])
    record = Record()
    await rig.drain(record)
    assert record.works == ["b"]


async def test_a_higher_priority_goes_first_within_a_tenant(rig):
    rig.put("low", priority=-1)
    rig.put("usual")
    rig.put("high", priority=5)
    record = Record()
    await rig.drain(record, concurrency=1)
    assert record.works == ["high", "usual", "low"]


@pytest.mark.parametrize(("verdict", "left"), [(Done(), 0), (Dead("gone"), 0), (Again(timedelta(hours=1)), 1)])
async def test_a_verdict_is_data(rig, verdict, left):
    rig.put("a")
    record = Record(lambda _: verdict)
    await rig.drain(record)
    assert (record.works, rig.adapter.stored()) == (["a"], left)


async def test_what_raises_is_kept(rig, caplog):
    def broken(_):
        raise RuntimeError("no")

    rig.put("a")
    await rig.drain(Record(broken))
    assert rig.adapter.stored() == 1
    assert "work a failed" in caplog.text


async def test_held_is_not_woken_until_released(rig):
    rig.put("a", destination="hook")
    rig.put("b", destination="other")
    record = Record()
    with rig.adapter.transaction() as tx:
        rig.execution.hold(tx, "hook", utc_now() + timedelta(hours=1))
    await rig.drain(record)
    assert record.works == ["b"]
    with rig.adapter.transaction() as tx:
        rig.execution.hold(tx, "hook", utc_now() - timedelta(seconds=1))
    await rig.drain(record)
    assert record.works == ["b", "a"]


async def test_limits_hold_for_lanes_and_destinations(rig):
    rig.put(*(f"a{number}" for number in range(10)), destination="hook")
    rig.put(*(f"b{number}" for number in range(10)), destination="other")
    now, most = Counter(), Counter()

    async def work(wake):
        for key in (wake.lane, wake.destination):
            now[key] += 1
            most[key] = max(most[key], now[key])
        await asyncio.sleep(0)
        for key in (wake.lane, wake.destination):
            now[key] -= 1
        return Done()

    await rig.drain(work, concurrency=9, by_lane={"lane": 5}, by_destination={"lane": 3})
    assert most["lane"] <= 5
    assert max(most["hook"], most["other"]) <= 3
    assert rig.adapter.stored() == 0


async def test_other_lanes_are_left_to_others(rig):
    rig.put("a")
    record = Record()
    await rig.drain(record, lanes=frozenset({"elsewhere"}))
    assert (record.works, rig.adapter.stored()) == ([], 1)


async def test_tenants_take_turns_and_so_do_destinations(rig):
    rig.put(*(f"a{number}" for number in range(50)), tenant="a", destination="a1")
    rig.put("a-other", tenant="a", destination="a2")
    rig.put("b0", "b1", tenant="b")
    record = Record()
    await rig.drain(record, concurrency=1)
    assert {"b0", "b1", "a-other"} <= set(record.works[:6])


def test_a_delay_is_kept_to_a_second(rig):
    rig.worker()
    began = time.time()
    rig.put("ok-later", after=1.5)
    rig.put("again:1.5-1")
    rig.until(lambda: rig.counted("end")["again:1.5-1"] == 2 and rig.counted("end")["ok-later"])
    later = next(at for work, at, _ in rig.seen("start") if work == "ok-later") - began
    first, second = (at for work, at, _ in rig.seen("start") if work.startswith("again"))
    assert 1.5 <= later <= 2.5
    assert 1.5 <= second - first <= 2.6


def test_a_killed_workers_work_is_taken_over_without_help(rig):
    first, _ = rig.worker(), rig.worker()
    works = [f"slow:0.4-{number}" for number in range(15)]
    rig.put(*works)
    rig.until(lambda: len(rig.seen("end")) >= 3)
    first.kill()
    killed = time.time()
    rig.until(lambda: set(rig.counted("end")) == set(works))
    by_second = [at for _, at, pid in rig.seen("start") if pid != first.pid]
    assert min(by_second) - killed <= PATIENCE + 5
    rig.until(lambda: rig.adapter.stored() == 0)
    assert sum(rig.counted("start").values()) <= len(works) + 5, "again only what was in flight"


def test_a_stopped_worker_is_taken_over_from_and_changes_nothing_when_it_goes_on(rig):
    first = rig.worker()
    rig.put("zombie:1-1")
    rig.until(lambda: rig.seen("start"))
    first.send_signal(signal.SIGSTOP)
    second = rig.worker()
    rig.until(lambda: any(pid == second.pid for _, _, pid in rig.seen("end")))
    first.send_signal(signal.SIGCONT)
    rig.until(lambda: any(pid == first.pid for _, _, pid in rig.seen("end")) or first.poll() is not None, 10)
    rig.put("ok-after")
    rig.until(lambda: rig.counted("end")["ok-after"])
    rig.until(lambda: rig.adapter.stored() <= 1)
    assert rig.counted("end")["ok-after"] == 1
    assert rig.adapter.stored() == 1, "the second asked for it again, the first had it done"


def test_poison_ends_as_dead_and_the_others_are_done(rig):
    rig.put("poison-1", *(f"ok-{number}" for number in range(5)))
    for _ in range(3):
        assert rig.worker().wait(timeout=60) == 9
    rig.worker()
    rig.until(lambda: rig.adapter.stored() == 0)
    assert rig.counted("start")["poison-1"] == 4
    assert all(rig.counted("end")[f"ok-{number}"] for number in range(5))


def test_a_flood_of_one_tenant_holds_up_no_other(rig):
    rig.put(*(f"ok-{number}" for number in range(20_000)), tenant="loud")
    rig.worker(concurrency=20)
    rig.until(lambda: len(rig.seen("end")) > 100)
    put = time.time()
    rig.put("ok-quiet", tenant="quiet")
    rig.until(lambda: rig.counted("end")["ok-quiet"])
    (at,) = (at for work, at, _ in rig.seen("start") if work == "ok-quiet")
    assert at - put < 2
    assert rig.adapter.stored() > 1000, "it was a flood"


def test_asked_to_stop_it_lets_what_runs_end_and_takes_nothing_new(rig):
    process = rig.worker(concurrency=2)
    works = [f"slow:1-{number}" for number in range(6)]
    rig.put(*works)
    rig.until(lambda: len(rig.seen("start")) == 2)
    process.terminate()
    assert process.wait(timeout=30) == 0
    assert rig.counted("start") == rig.counted("end")
    assert rig.adapter.stored() == 4


def test_many_processes_on_one_store_do_everything_once(rig):
    for _ in range(3):
        rig.worker()
    works = [f"ok-{number}" for number in range(300)]
    for start in range(0, 300, 50):
        rig.put(*works[start : start + 50], tenant=f"t{start}")
    rig.until(lambda: rig.adapter.stored() == 0)
    assert rig.counted("start") == dict.fromkeys(works, 1)
