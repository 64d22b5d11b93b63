"""What the distributed engine promises beyond the conformance suite: one order and one set of limits for all workers."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import make_url

import databases
from livery.execution.pgqueuer import crew
from livery.execution.pgqueuer.adapter import PgQueuerExecution
from livery.ports import Again, Done, Load, Wake, utc_now
from livery.storage.database import connect, writing
from waiting import until

TABLES = "livery_pgqueuer, livery_pgqueuer_hold, livery_pgqueuer_turn"


@pytest.fixture(scope="module")
def url(postgres):
    with databases.database(postgres) as made:
        yield made


@pytest.fixture
def engine(url):
    made = connect(url)
    with made.begin() as tx:
        tx.exec_driver_sql(f"TRUNCATE {TABLES}")
    yield made
    made.dispose()


@pytest.fixture
def execution(engine):
    return PgQueuerExecution(engine, now=utc_now, patience=1.5)


def put(execution, *works, lane="lane", tenant="shop", destination="", after=0.0, priority=0):
    due = utc_now() + timedelta(seconds=after)
    with writing(execution._engine) as tx:
        return execution.put(tx, [Wake(work, lane, due, priority, tenant, destination) for work in works])


def said(execution, statement):
    with execution._engine.begin() as tx:
        return tx.exec_driver_sql(statement)


class Record:
    """Work that takes a moment, and how much of it was done at once."""

    def __init__(self, *, during=None):
        self.works, self.most, self._now, self._during = [], Counter(), Counter(), during

    async def __call__(self, wake):
        self.works.append(wake.work)
        for key in ("all", wake.lane, wake.destination):
            self._now[key] += 1
            self.most[key] = max(self.most[key], self._now[key])
        if self._during:
            self._during(wake, dict(self._now))
        await asyncio.sleep(0.01)
        for key in ("all", wake.lane, wake.destination):
            self._now[key] -= 1
        return Done()


@asynccontextmanager
async def at_work(execution, work):
    worker = asyncio.create_task(execution.run(work, until_idle=False, load=Load(5)))
    yield
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def drained(work, *executions, **load):
    await asyncio.gather(*(one.run(work, until_idle=True, load=Load(**load)) for one in executions))


async def test_every_tenant_has_its_turn_in_every_round(execution):
    tenants = ["b", "B", "a", "Z", "ä", ""]
    for tenant in tenants:
        put(execution, *(f"{tenant}{number}" for number in range(10)), tenant=tenant)
    record = Record()
    await drained(record, execution, concurrency=1)
    for start in range(0, 60, 6):
        assert sorted(work[:-1] for work in record.works[start : start + 6]) == sorted(tenants)


async def test_lines_of_a_tenant_take_turns_and_the_urgent_of_each_goes_first(execution):
    for destination in ("x", "y", "z"):
        put(execution, *(f"{destination}{number}" for number in range(4)), destination=destination)
    put(execution, "urgent", destination="z", priority=2**40)
    record = Record()
    await drained(record, execution, concurrency=1)
    assert record.works[0] == "urgent"
    for start in (1, 4, 7, 10):
        assert {work[0] for work in record.works[start : start + 3]} == {"x", "y", "z"}


async def test_limits_hold_over_all_workers(execution, url):
    other = connect(url)
    for destination in ("hook", "other"):
        put(execution, *(f"{destination}{number}" for number in range(30)), destination=destination)
    put(execution, *(f"mail{number}" for number in range(30)), lane="mail", destination="mail:shop")
    record = Record()
    workers = (execution, PgQueuerExecution(other, now=utc_now, patience=1.5))
    limits = {"by_lane": {"lane": 5}, "by_destination": {"lane": 3}, "share": {"mail": 4}}
    await drained(record, *workers, concurrency=10, **limits)
    assert len(record.works) == len(set(record.works)) == 90
    assert record.most["lane"] <= 5
    assert record.most["hook"] <= 3
    assert record.most["other"] <= 3
    assert 4 < record.most["mail:shop"] <= 8, "a share is each worker's"
    other.dispose()


async def test_a_worker_takes_what_it_is_for(execution):
    put(execution, "a", tenant="a")
    put(execution, "b", tenant="b")
    put(execution, "c", tenant="a", lane="other")
    record = Record()
    await drained(record, execution, lanes=frozenset({"lane"}), tenants=frozenset({"a", "nobody"}))
    assert record.works == ["a"]
    assert execution.waiting() >= 2


async def test_what_took_two_workers_down_runs_alone(execution):
    put(execution, "suspect", *(f"ok{number}" for number in range(20)))
    said(execution, "UPDATE livery_pgqueuer SET crashes = 2 WHERE dedupe_key = 'suspect'")
    beside = []
    record = Record(during=lambda wake, now: beside.append(now["all"]) if wake.work == "suspect" else None)
    await drained(record, execution, concurrency=5)
    assert beside == [1]
    assert len(record.works) == 21


async def test_an_attempt_that_ended_clears_of_suspicion(execution):
    put(execution, "a")
    said(execution, "UPDATE livery_pgqueuer SET crashes = 1")

    async def again(wake):
        return Again(timedelta(hours=1), counts=wake.work == "a")

    await drained(again, execution)
    assert said(execution, "SELECT crashes FROM livery_pgqueuer").scalar() == 0


async def test_what_is_put_for_a_held_destination_waits_as_well(execution):
    with writing(execution._engine) as tx:
        execution.hold(tx, "hook", utc_now() + timedelta(hours=1))
    put(execution, "a", destination="hook")
    put(execution, "b", destination="free")
    record = Record()
    await drained(record, execution)
    assert record.works == ["b"]
    with writing(execution._engine) as tx:
        execution.hold(tx, "hook", utc_now())
    await drained(record, execution)
    assert record.works == ["b", "a"]


async def test_a_hold_that_is_over_lets_go_by_itself(execution):
    put(execution, "a", destination="hook")
    with writing(execution._engine) as tx:
        execution.hold(tx, "hook", utc_now() + timedelta(seconds=0.3))
    record = Record()
    async with at_work(execution, record):
        await asyncio.to_thread(until, lambda: record.works)


async def test_a_worker_whose_connections_are_cut_goes_on(execution, url, caplog):
    works = [f"w{number}" for number in range(60)]
    put(execution, *works)
    cut = psycopg.connect(url, autocommit=True)

    def during(wake, _):
        if wake.work.endswith("0"):
            cut.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'livery worker' AND datname = current_database()"
            )

    record = Record(during=during)
    async with at_work(execution, record):
        await asyncio.to_thread(until, lambda: not said(execution, "SELECT count(*) FROM livery_pgqueuer").scalar())
        put(execution, "after")
        await asyncio.to_thread(until, lambda: "after" in record.works)
    cut.close()
    assert set(record.works) == {*works, "after"}
    assert "the store cannot be worked on" in caplog.text


async def test_a_drain_without_a_server_is_told(url, execution):
    from livery.errors import StoreError

    gone = PgQueuerExecution(execution._engine, now=utc_now)
    gone._engine = type("Gone", (), {"url": make_url(url).set(port=1)})()
    with pytest.raises(StoreError, match="the store failed"):
        await drained(Record(), gone)


def test_when_each_is_woken_can_be_asked(execution):
    put(execution, "a", after=60)
    put(execution, "b", lane="other")
    due = execution.due(["a", "b", "nothing"])
    assert set(due) == {"a", "b"}
    assert timedelta(seconds=50) < due["a"] - utc_now() <= timedelta(seconds=60)
    assert [(one.lane, one.waiting, one.due) for one in execution.depths()] == [("lane", 1, 0), ("other", 1, 1)]


async def test_what_is_to_come_is_woken_then_and_not_at_some_next_look(engine, monkeypatch):
    monkeypatch.setattr(crew, "_LOOK_AT_LEAST", timedelta(hours=1))
    execution = PgQueuerExecution(engine, now=utc_now, patience=7200)
    works = []

    async def work(wake):
        works.append(wake.work)
        return Again(timedelta(seconds=0.3)) if works.count("again") == 1 and wake.work == "again" else Done()

    async with at_work(execution, work):
        put(execution, "again")
        await asyncio.to_thread(until, lambda: works == ["again", "again"])
        put(execution, "later", after=0.3)
        await asyncio.to_thread(until, lambda: "later" in works)


async def test_a_worker_outlives_a_server_that_only_reads_for_a_while(url, execution, caplog):
    """As one does that others took over from, until it is told to write."""
    name = make_url(url).database

    def turned(setting):
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("SET default_transaction_read_only TO off")
            admin.execute(f"ALTER DATABASE {name} {setting}")
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    put(execution, "a")
    await asyncio.to_thread(turned, "SET default_transaction_read_only TO on")
    record = Record()
    worker = asyncio.create_task(execution.run(record, until_idle=False, load=Load()))
    try:
        while "read-only transaction" not in caplog.text:
            assert not worker.done(), worker
            await asyncio.sleep(0.02)
    finally:
        await asyncio.to_thread(turned, "RESET default_transaction_read_only")
    while record.works != ["a"]:
        assert not worker.done(), worker
        await asyncio.sleep(0.02)
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker
