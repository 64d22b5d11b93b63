"""Hosts with a table of orders, one for each kind of connection an event can be accepted on."""

from contextlib import asynccontextmanager

import asyncpg
import psycopg
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

PID = "SELECT pg_backend_pid()"
MAKE = "CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY)"


class _Host:
    """A transaction that is open: `say` runs a statement in it, `accept` takes events in it."""

    def __init__(self, connection, say, accept, commit, rollback):
        self.connection, self.say, self.accept, self.commit, self.rollback = connection, say, accept, commit, rollback


def _soon(do):
    async def done(*arguments):
        return do(*arguments)

    return done


def _plain(url):
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _sync(engine, connection):
    return _soon(lambda events: engine.accept_all(events, connection=connection))


def _async(engine, connection):
    async def accept(events):
        return await engine.accept_all_async(events, connection=connection)

    return accept


@asynccontextmanager
async def sqlalchemy_connection(engine, url):
    database = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with database.connect() as one:
        transaction = one.begin()
        say = _soon(
            lambda statement: (
                one.execute(text(statement)).scalar() if "SELECT" in statement else one.execute(text(statement))
            )
        )
        yield _Host(one, say, _sync(engine, one), _soon(transaction.commit), _soon(transaction.rollback))
    database.dispose()


@asynccontextmanager
async def sqlalchemy_session(engine, url):
    database = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with Session(database) as one:
        say = _soon(
            lambda statement: (
                one.execute(text(statement)).scalar() if "SELECT" in statement else one.execute(text(statement))
            )
        )
        await say("SELECT 1")
        yield _Host(one, say, _sync(engine, one), _soon(one.commit), _soon(one.rollback))
    database.dispose()


@asynccontextmanager
async def psycopg_connection(engine, url):
    with psycopg.connect(_plain(url), row_factory=psycopg.rows.dict_row) as one:
        say = _soon(
            lambda statement: (
                next(iter(one.execute(statement).fetchone().values()))
                if "SELECT" in statement
                else one.execute(statement)
            )
        )
        yield _Host(one, say, _sync(engine, one), _soon(one.commit), _soon(one.rollback))


@asynccontextmanager
async def psycopg_autocommit(engine, url):
    with psycopg.connect(_plain(url), autocommit=True) as one:
        one.execute("BEGIN")
        say = _soon(
            lambda statement: one.execute(statement).fetchone()[0] if "SELECT" in statement else one.execute(statement)
        )
        commit, rollback = (_soon(lambda word=word: one.execute(word)) for word in ("COMMIT", "ROLLBACK"))
        yield _Host(one, say, _sync(engine, one), commit, rollback)


@asynccontextmanager
async def async_connection(engine, url):
    database = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with database.connect() as one:
        transaction = await one.begin()

        async def say(statement):
            found = await one.execute(text(statement))
            return found.scalar() if "SELECT" in statement else None

        yield _Host(one, say, _async(engine, one), transaction.commit, transaction.rollback)
    await database.dispose()


@asynccontextmanager
async def async_session(engine, url):
    database = create_async_engine(make_url(url).set(drivername="postgresql+psycopg_async"))
    async with AsyncSession(database) as one:

        async def say(statement):
            found = await one.execute(text(statement))
            return found.scalar() if "SELECT" in statement else None

        yield _Host(one, say, _async(engine, one), one.commit, one.rollback)
    await database.dispose()


@asynccontextmanager
async def psycopg_async(engine, url):
    async with await psycopg.AsyncConnection.connect(_plain(url), row_factory=psycopg.rows.dict_row) as one:

        async def say(statement):
            found = await one.execute(statement)
            return next(iter((await found.fetchone()).values())) if "SELECT" in statement else None

        yield _Host(one, say, _async(engine, one), one.commit, one.rollback)


@asynccontextmanager
async def asyncpg_connection(engine, url):
    one = await asyncpg.connect(_plain(url))
    transaction = one.transaction()
    await transaction.start()
    try:
        yield _Host(one, one.fetchval, _async(engine, one), transaction.commit, transaction.rollback)
    finally:
        await one.close()


HOSTS = {
    one.__name__: one
    for one in (
        sqlalchemy_connection, sqlalchemy_session, psycopg_connection, psycopg_autocommit,
        async_connection, async_session, psycopg_async, asyncpg_connection,
    )
}  # fmt: skip
