"""An event accepted in the host's transaction is there if and only if that is committed, whatever happens when."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

import databases
from livery import Config, Engine
from livery.errors import EventConflict, EventError, StoreError
from livery.execution.pgqueuer import crew
from livery.execution.pgqueuer.adapter import PgQueuerExecution
from livery.ports import Done, Load, utc_now
from outbox.hosts import HOSTS, MAKE, PID

WOKEN = "SELECT d.event_id FROM livery_delivery d JOIN livery_pgqueuer q ON q.dedupe_key = d.id"
GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
STEPS = st.sampled_from(["accept", "accept two", "accept the same", "conflict", "wrong", "order, kill", "kill"])
TRANSACTIONS = st.lists(st.tuples(st.lists(STEPS, max_size=5), st.sampled_from(["commit", "rollback"])), max_size=3)


def event(id_, **data):
    return {**GOOD, "id": id_, "data": {**GOOD["data"], **data}}


@pytest.fixture(scope="module")
def url(postgres):
    with databases.database(postgres) as made:
        yield made


@pytest.fixture(scope="module")
def engine(url):
    tenants = {"platform": {}, "res-org-n": {"parent": "platform", "name": "Res. Org N."}}
    with Engine.open(Config.load(None, database_url=url, tenants=tenants, channels={"smtp": {}})) as made:
        made.migrate()
        with made._opened().ledger.engine.begin() as store:
            store.execute(text(MAKE))
        yield made


def there(engine, prefix):
    """What is stored under a prefix, each by event: orders, events, deliveries and wakes."""
    with engine._opened().ledger.engine.connect() as store:
        like = {"it": f"{prefix}%"}
        return [
            {row[0] for row in store.execute(text(query), like)}
            for query in (
                "SELECT id FROM orders WHERE id LIKE :it",
                "SELECT event_id FROM livery_event WHERE event_id LIKE :it",
                "SELECT event_id FROM livery_delivery WHERE event_id LIKE :it",
                f"{WOKEN} WHERE d.event_id LIKE :it",
            )
        ]


class Killed(Exception):
    """The server has ended the host's connection."""


class Story:
    """What a host does in one transaction, and what is to be there in the end."""

    def __init__(self, engine, url, prefix):
        self.engine, self.url, self.prefix, self.kept, self.next = engine, url, prefix, set(), 0

    def fresh(self):
        self.next += 1
        return f"{self.prefix}{self.next}"

    async def play(self, host, steps, end):
        mine, pid = [], await host.say(PID)
        try:
            for step in steps:
                await self.step(host, step, mine, pid)
            await (host.commit if end == "commit" else host.rollback)()
        except Killed:
            with suppress(Exception):  # whatever a driver makes of it
                await host.rollback()
            return
        if end == "commit":
            self.kept |= {*mine}

    async def step(self, host, step, mine, pid):
        if step.endswith("kill"):
            if "order" in step:
                await self.ordered(host)
            with psycopg.connect(self.url, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            raise Killed
        if step.startswith("accept"):
            ids = [await self.ordered(host) for _ in range(2 if "two" in step else 1)]
            receipts = await host.accept([event(one) for one in (ids * 2 if "same" in step else ids)])
            assert [one.duplicate for one in receipts] == ([False, True] if "same" in step else [False] * len(ids))
            mine += ids
        elif step == "conflict" and mine:
            lost = self.fresh()
            with pytest.raises(EventConflict):
                await host.accept([event(lost), event(mine[-1], order={"id": "another"})])
        elif step == "wrong":
            with pytest.raises(EventError):
                await host.accept([event(self.fresh()), {**event(self.fresh()), "type": "Nothing"}])

    async def ordered(self, host):
        id_ = self.fresh()
        await host.say(f"INSERT INTO orders (id) VALUES ('{id_}')")
        return id_


@pytest.mark.parametrize("kind", HOSTS)
def test_there_is_what_was_committed_and_nothing_else(engine, url, kind):
    @settings(max_examples=12)
    @given(TRANSACTIONS)
    def holds(transactions):
        story = Story(engine, url, uuid4().hex)

        async def play():
            for steps, end in transactions:
                async with HOSTS[kind](engine, url) as host:
                    await story.play(host, steps, end)

        asyncio.run(play())
        assert there(engine, story.prefix) == [story.kept] * 4

    holds()


@pytest.mark.parametrize("kind", HOSTS)
async def test_a_worker_elsewhere_is_told_on_commit(engine, url, kind, monkeypatch):
    """It sleeps between two looks for longer than the test waits."""
    woken = asyncio.Queue()

    async def work(wake):
        woken.put_nowait(wake.work)
        return Done()

    monkeypatch.setattr(crew, "_LOOK_AT_LEAST", timedelta(hours=1))
    execution = PgQueuerExecution(engine._opened().ledger.engine, now=utc_now, patience=7200)
    with execution._engine.begin() as tx:
        tx.execute(text("DELETE FROM livery_pgqueuer"))
    worker = asyncio.create_task(execution.run(work, until_idle=False, load=Load()))
    (first,) = engine.accept({**GOOD, "id": uuid4().hex}).deliveries
    assert await asyncio.wait_for(woken.get(), 30) == first, "it is at work now, and nothing else is due"
    async with HOSTS[kind](engine, url) as host:
        ((second,),) = [one.deliveries for one in await host.accept([event(uuid4().hex)])]
        assert woken.empty()
        await host.commit()
    assert await asyncio.wait_for(woken.get(), 30) == second
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


def test_what_cannot_be_joined_is_told(engine, url, postgres):
    sqlalchemy = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with sqlalchemy.connect() as none, pytest.raises(StoreError, match="no transaction begun"):
        engine.accept(GOOD, connection=none)
    with psycopg.connect(url, autocommit=True) as none, pytest.raises(StoreError, match="no transaction begun"):
        engine.accept(GOOD, connection=none)
    with pytest.raises(StoreError, match="SQLAlchemy Connection or Session, or a psycopg 3 connection, not int"):
        engine.accept(GOOD, connection=5)
    with databases.database(postgres) as other, psycopg.connect(other) as elsewhere:
        with pytest.raises(StoreError, match="another database"):
            engine.accept(GOOD, connection=elsewhere)
        assert elsewhere.execute("SELECT 1").fetchone() == (1,), "the host's transaction goes on"
    sqlalchemy.dispose()


async def test_a_transaction_that_has_failed_is_told_as_such(engine, url):
    with psycopg.connect(url) as host:
        with suppress(psycopg.errors.DivisionByZero):
            host.execute("SELECT 1/0")
        with pytest.raises(StoreError, match="current transaction is aborted"):
            engine.accept(GOOD, connection=host)
    async with await psycopg.AsyncConnection.connect(url) as other:
        with suppress(psycopg.errors.DivisionByZero):
            await other.execute("SELECT 1/0")
        with pytest.raises(StoreError, match="current transaction is aborted"):
            await engine.accept_async(GOOD, connection=other)


async def test_a_savepoint_takes_back_what_was_accepted_since_and_no_more(engine, url):
    prefix = uuid4().hex
    with psycopg.connect(url) as host:
        engine.accept(event(f"{prefix}1"), connection=host)
        with suppress(ZeroDivisionError), host.transaction():
            engine.accept(event(f"{prefix}2"), connection=host)
            raise ZeroDivisionError
        with host.transaction():
            engine.accept(event(f"{prefix}3"), connection=host)
    assert there(engine, prefix)[1:] == [{f"{prefix}1", f"{prefix}3"}] * 3


@pytest.mark.parametrize("level", ["REPEATABLE_READ", "SERIALIZABLE"])
def test_what_another_stored_meanwhile_is_a_duplicate_when_the_host_tries_again(engine, url, level):
    one = event(uuid4().hex)
    with psycopg.connect(url) as host:
        host.isolation_level = psycopg.IsolationLevel[level]
        host.execute("SELECT count(*) FROM livery_event")
        engine.accept(one)
        with pytest.raises(StoreError, match="could not serialize access"):
            engine.accept(one, connection=host)
        host.rollback()
        assert engine.accept(one, connection=host).duplicate


async def test_sync_and_async_are_told_apart(engine, url):
    async with HOSTS["asyncpg_connection"](engine, url) as host:
        with pytest.raises(StoreError, match=r"await engine\.accept_async"):
            engine.accept(GOOD, connection=host.connection)
        await host.rollback()
        with pytest.raises(StoreError, match="no transaction begun"):
            await engine.accept_async(GOOD, connection=host.connection)
    with psycopg.connect(url) as sync, pytest.raises(StoreError, match="AsyncConnection"):
        await engine.accept_async(GOOD, connection=sync)


async def test_without_a_connection_it_is_stored_at_once(engine):
    receipt = await engine.accept_async(event(uuid4().hex))
    assert (receipt.duplicate, len(receipt.deliveries)) == (False, 1)
