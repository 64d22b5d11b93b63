"""Connections that a host lends: what is stored joins the host's own transaction, through the driver it has.

Owns which kinds there are and how each is made a SQLAlchemy Connection. The host's connection is never committed,
rolled back or closed here, and nothing is set on it; what fails takes itself back to a savepoint. Only the ledger
imports it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from sys import modules
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from livery.errors import StoreError

_T = TypeVar("_T")
_RAW: ContextVar[Any] = ContextVar("livery_lent")
_IDENTITY = text(
    "SELECT CAST(extract(epoch FROM pg_postmaster_start_time()) AS text), "
    "(SELECT oid FROM pg_database WHERE datname = current_database()), CAST(to_regclass('livery_event') AS oid)"
)
"""Whether two connections see the same table: of one run of one server, in one database."""
_KINDS = "a SQLAlchemy Connection or Session, or a psycopg 3 connection"
_ASYNC_KINDS = "a SQLAlchemy AsyncConnection or AsyncSession, a psycopg 3 AsyncConnection, or an asyncpg connection"


class Lent:
    """What was found out about hosts' connections, for one store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: WeakSet[Any] = WeakSet()

    @contextmanager
    def joined(self, lent: Any) -> Iterator[Connection]:
        """A host's connection as one of SQLAlchemy.

        Raises:
            StoreError: it is none of the kinds there are, has no transaction begun, or is to another database.

        """
        if _is_async(lent):
            raise StoreError("`connection` is asynchronous: await engine.accept_async(event, connection=connection)")
        found = lent.connection() if _is(lent, "sqlalchemy.orm", "Session") else lent
        if isinstance(found, Connection):
            _require(found.in_transaction())
            with self._checked(found, found.engine):
                yield found
        elif _is(found, "psycopg", "Connection"):
            _require(_psycopg_has_begun(found))
            with _naming(found), _borrowing("psycopg").connect() as borrowed, self._checked(borrowed, found):
                yield borrowed
        else:
            raise StoreError(f"`connection` must be {_KINDS}, not {type(lent).__name__}")

    async def within(self, lent: Any, do: Callable[[Connection], _T]) -> _T:
        """Do something on a host's asynchronous connection.

        Raises:
            StoreError: as `joined`.

        """
        async with _asynchronous(lent) as (connection, key):

            def run(found: Connection) -> _T:
                with self._checked(found, key):
                    return do(found)

            return await connection.run_sync(run)  # type: ignore[no-any-return]

    @contextmanager
    def _checked(self, found: Connection, key: Any) -> Iterator[None]:
        """That it is to the store's database; and what fails within takes only itself back."""
        if found.dialect.name != self._engine.dialect.name:
            raise self._elsewhere()
        if found.dialect.name == "sqlite":
            if not _same_file(found.engine.url.database, self._engine.url.database):
                raise self._elsewhere()
            # Python's driver begins with the first change, and SQLite commits with a savepoint that stands alone.
            driven: Any = found.connection.driver_connection
            if not driven.in_transaction:
                found.exec_driver_sql("BEGIN")
            with found.begin_nested():
                yield
            return
        with found.begin_nested():
            if key not in self._known:
                with self._engine.connect() as own:
                    if tuple(own.execute(_IDENTITY).one()) != tuple(found.execute(_IDENTITY).one()):
                        raise self._elsewhere()
                self._known.add(key)
            yield

    def _elsewhere(self) -> StoreError:
        return StoreError(f"`connection` is to another database than Livery's store, {self._engine.url!r}")


@asynccontextmanager
async def _asynchronous(lent: Any) -> AsyncIterator[tuple[Any, Any]]:
    """A host's connection as an AsyncConnection, and what it is known by."""
    if _is(lent, "sqlalchemy.ext.asyncio", "AsyncSession"):
        lent = await lent.connection()
    if _is(lent, "sqlalchemy.ext.asyncio", "AsyncConnection"):
        _require(lent.in_transaction())
        yield lent, lent.sync_connection.engine
        return
    if _is(lent, "psycopg", "AsyncConnection"):
        _require(_psycopg_has_begun(lent))
        driver = "psycopg_async"
    elif type(lent).__module__.partition(".")[0] == "asyncpg" and hasattr(lent, "is_in_transaction"):
        _require(lent.is_in_transaction())
        driver = "asyncpg"
    else:
        raise StoreError(f"`connection` must be {_ASYNC_KINDS}, not {type(lent).__name__}")
    from sqlalchemy.ext.asyncio import AsyncEngine

    with _naming(lent):
        # asyncpg's transaction is a savepoint here, and has to end well; the others do nothing when they end.
        async with AsyncEngine(_borrowing(driver)).begin() as connection:
            yield connection, lent


@cache
def _borrowing(driver: str) -> Engine:
    """Makes SQLAlchemy's connections out of the one named last; one for each driver, since it keeps its statements."""
    url = f"postgresql+{driver}://"
    if driver == "psycopg":
        return create_engine(url, poolclass=NullPool, use_native_hstore=False, creator=lambda: _Psycopg(_RAW.get()))
    from sqlalchemy.ext.asyncio import create_async_engine

    kind = _Asyncpg if driver == "asyncpg" else _AsyncPsycopg
    more: dict[str, Any] = {} if driver == "asyncpg" else {"use_native_hstore": False}

    async def lend() -> Any:
        return kind(_RAW.get())

    return create_async_engine(url, poolclass=NullPool, async_creator=lend, **more).sync_engine


@contextmanager
def _naming(raw: Any) -> Iterator[None]:
    token = _RAW.set(raw)
    try:
        yield
    finally:
        _RAW.reset(token)


class _Borrowed:
    """The host's connection, but for what is the host's alone to do."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def add_notice_handler(self, _: object) -> None: ...


class _Psycopg(_Borrowed):
    def cursor(self, *_: object, **__: object) -> Any:
        from psycopg import Cursor
        from psycopg.rows import tuple_row

        return Cursor(self._raw, row_factory=tuple_row)

    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...


class _AsyncPsycopg(_Borrowed):
    def cursor(self, *_: object, **__: object) -> Any:
        from psycopg import AsyncCursor
        from psycopg.rows import tuple_row

        return AsyncCursor(self._raw, row_factory=tuple_row)

    async def commit(self) -> None: ...
    async def rollback(self) -> None: ...
    async def close(self) -> None: ...


class _Asyncpg(_Borrowed):
    async def set_type_codec(self, *_: object, **__: object) -> None: ...
    async def close(self, *_: object, **__: object) -> None: ...
    def terminate(self) -> None: ...


def _same_file(one: str | None, other: str | None) -> bool:
    return bool(one and other) and Path(str(one)).resolve() == Path(str(other)).resolve()


def _is(lent: Any, module: str, kind: str) -> bool:
    """Whether it is of a kind whose module the host has imported, or it could not be."""
    return module in modules and isinstance(lent, getattr(modules[module], kind))


def _is_async(lent: Any) -> bool:
    return (
        _is(lent, "sqlalchemy.ext.asyncio", "AsyncSession")
        or _is(lent, "sqlalchemy.ext.asyncio", "AsyncConnection")
        or _is(lent, "psycopg", "AsyncConnection")
        or type(lent).__module__.partition(".")[0] == "asyncpg"
    )


def _psycopg_has_begun(raw: Any) -> bool:
    """Without autocommit, psycopg begins by itself. Of one that has failed, the server says so."""
    return raw.info.transaction_status.name in ("INTRANS", "INERROR") or (
        raw.info.transaction_status.name == "IDLE" and not raw.autocommit
    )


def _require(has_begun: bool) -> None:
    if not has_begun:
        raise StoreError("`connection` has no transaction begun: there is nothing that the event could be a part of")
