"""Opening a database, migrated to the newest schema: SQLite in WAL with synchronous=FULL, or PostgreSQL."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from sqlite3 import Error as SQLiteError
from threading import Lock, local
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    column,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from livery.errors import ConfigError, Problem, StoreAway, StoreError, StoreFull, shown
from livery.storage.fresh import make
from livery.storage.postgresql import opened
from livery.storage.schema import HEAD, OLDEST, VERSION_TABLE, generation

_AT_ONCE = 500
_BUSY_MS = 30_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_GROUP = local()
_MIGRATING = 0x6C697665
"""The lock under which PostgreSQL's schema is changed, by one process at a time."""
_OLDEST, _WRITER = "oldest", "livery_writer"
_WRITING = {"livery_begin": "BEGIN IMMEDIATE"}
_AWAY = ("53300", "57P01", "57P02", "57P03")
"""Too many connections; shut down; crashed; starting."""


def micros(moment: datetime) -> int:
    """A moment as the store keeps it."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """A moment as the store kept it, in UTC."""
    return _EPOCH + value * _MICROSECOND


def connect(url: str) -> Engine:
    """Open a database and bring its schema up to date.

    Raises:
        ConfigError: the URL is none we can use.
        StoreError: the file cannot be opened, or was written by a newer Livery.

    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(
            "the store:", [Problem("database_url", "a database URL, such as sqlite:///livery.db", shown(url))]
        ) from None
    engine = opened(parsed) if parsed.get_backend_name() == "postgresql" else _sqlite(parsed)
    try:
        with told():
            _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _refuse_missing)
    return engine


def _sqlite(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        expected, came = (
            "sqlite:/// and the path of a file, or postgresql://…",
            url.render_as_string(hide_password=True),
        )
        raise ConfigError("the store:", [Problem("database_url", expected, came)])
    if not Path(url.database).parent.is_dir():
        raise ConfigError("the store:", [Problem("database_url", "a file in a folder that exists", url.database)])
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    vars(engine)[_WRITER] = writer = _Writer(Path(url.database).absolute())
    event.listen(engine, "engine_disposed", lambda _: writer.close())
    return engine


def upsert(tx: Connection, into: Table) -> Any:
    """An INSERT that can say what to do on a conflict, in the words of the database it is for."""
    return _insert(tx.dialect.name, into)


def _insert(dialect: str, into: Table) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(into)
    from sqlalchemy.dialects.sqlite import insert

    return insert(into)


@cache
def unless_there(dialect: str, into: Table, giving: str = "") -> Any:
    """An INSERT that leaves alone what is there; `giving` names the column to return of each row that is new.

    For what runs with every message: built once, since SQLAlchemy takes longer for that than a database to run it.
    """
    statement = _insert(dialect, into).on_conflict_do_nothing()
    return statement.returning(into.c[giving]) if giving else statement


def slices(values: Collection[str] | None) -> Sequence[Sequence[str] | None]:
    """In as many parts as a statement takes parameters; `[None]` if there is no choice to make."""
    if values is None:
        return [None]
    every = sorted(values)
    return [every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE)]


@contextmanager
def told() -> Iterator[None]:
    """Database errors as ours: full disk apart, since the host can do something about it."""
    try:
        yield
    except (DBAPIError, SQLiteError) as error:
        said = str(getattr(error, "orig", error))
        if "full" in said or "No space left" in said:
            raise StoreFull(f"no room for the store: {said}; nothing was written") from error
        if "disk I/O" in said:
            raise StoreError(f"the disk under the store failed: {said}; nothing was written") from error
        if _is_away(error):
            raise StoreAway(f"the store cannot be reached: {said.strip()}") from error
        raise StoreError(f"the store failed: {said}") from error


def _is_away(error: DBAPIError | SQLiteError) -> bool:
    """Whether there was no connection, or it was lost. PostgreSQL tells a reason only where there is one."""
    if not isinstance(error, OperationalError):
        return False
    state: str | None = getattr(error.orig, "sqlstate", "none is told")
    return state is None or state.startswith("08") or state in _AWAY


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A write transaction: taken at once, so that two writers wait for each other instead of failing.

    Within `together` it is a part of that one.
    """
    group: _Group | None = getattr(_GROUP, "open", None)
    if group is not None and group.engine is engine:
        with told(), group.part():
            yield group.tx
        return
    with told(), _connection(engine) as connection, connection.begin():
        yield connection


@contextmanager
def together(engine: Engine, *, apart: bool = True) -> Iterator[None]:
    """All that this thread writes within is one transaction: one commit, and one wait for the disk.

    Args:
        engine: the database.
        apart: what fails takes only itself back. Otherwise it takes back everything, which then raises at the end: for
            what can be done anew, since keeping things apart costs two statements for each.

    """
    around = getattr(_GROUP, "open", None)
    with writing(engine) as tx:
        _GROUP.open = group = _Group(engine, tx, apart)
        try:
            yield
        finally:
            _GROUP.open = around
        if group.is_spoilt:
            raise StoreError("a part of it failed; nothing was written")


@dataclass(slots=True)
class _Group:
    """A transaction that several writers share."""

    engine: Engine
    tx: Connection
    apart: bool
    is_spoilt: bool = False

    @contextmanager
    def part(self) -> Iterator[None]:
        if self.apart:
            with self.tx.begin_nested():
                yield
            return
        try:
            yield
        except BaseException:
            self.is_spoilt = True
            raise


class _Replaced(Exception):
    """The file of a store is another one now, or none."""


class _Writer:
    """The one connection by which a process writes into a SQLite file.

    Its writers wait in a line of their own: SQLite would let them sleep and ask again. It stays open, since to take
    one out of the pool and to give it back takes as long as to write an event; what failed in it is not trusted again.
    Nor is it when its file is no longer the one of that name: what is written there then is gone with the process.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._opened = file, (0, 0)
        self.turn = Lock()
        self._connection: Connection | None = None

    @contextmanager
    def connected(self, engine: Engine) -> Iterator[Connection]:
        with self.turn:
            connection = self._connection
            if connection is not None and self._there() != self._opened:
                self._close()
                raise _Replaced
            if connection is None:
                connection = engine.connect()
                connection.detach()
                self._connection, self._opened = connection.execution_options(**_WRITING), self._there()
            try:
                yield connection
            except BaseException:
                self._close()
                raise

    def _there(self) -> tuple[int, int]:
        try:
            found = self._file.stat()
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino

    def close(self) -> None:
        with self.turn:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@contextmanager
def _connection(engine: Engine) -> Iterator[Connection]:
    """One to write by."""
    if engine.dialect.name == "sqlite":
        writer: _Writer = vars(engine)[_WRITER]
        try:
            with writer.connected(engine) as connection:
                yield connection
        except _Replaced:
            engine.dispose()  # those that read have the old file, too
            raise StoreError(
                f"the store {engine.url.database} was removed or replaced while it was in use; nothing was written"
            ) from None
        return
    with engine.connect() as connection:
        yield connection


def _on_connect(raw: Any, _: Any) -> None:
    # SQLAlchemy begins transactions itself (see _on_begin); the driver's own idea of when would deadlock writers.
    raw.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        raw.execute(f"PRAGMA {pragma}").close()


def _refuse_missing(_: object, __: object, arguments: Sequence[Any], ___: object) -> None:
    """A store that was there is not begun anew, empty, by whoever connects next."""
    if not Path(arguments[0]).exists():
        raise StoreError(f"the store {arguments[0]} is gone; put it back, or start again to begin with an empty one")


def _on_begin(connection: Connection) -> None:
    # By the driver itself: what SQLAlchemy does around a statement takes longer than this one.
    driven: Any = connection.connection.dbapi_connection
    driven.execute(connection.get_execution_options().get("livery_begin", "BEGIN"))


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if _is_usable(connection):
            return
    with engine.connect() as connection:
        connection.execution_options(**_WRITING)
        # One transaction around all of it: two processes that open a new store wait for each other, and
        # whoever is killed in between leaves nothing.
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
            if _is_usable(connection):  # another process was faster
                return
            _refuse_encoding(connection)
            make(connection)
            values = {"name": _OLDEST, "value": OLDEST}
            statement = upsert(connection, generation).values(values)
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def _refuse_encoding(connection: Connection) -> None:
    """A store is made where every text can be kept.

    Raises:
        StoreError: in this database it cannot.

    """
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.execute(select(func.current_setting("server_encoding"))).scalar()
    if encoding != "UTF8":
        raise StoreError(
            f"the database keeps texts as {encoding}, which cannot keep all of them; make one with ENCODING 'UTF8' "
            "(and TEMPLATE template0), and set database_url to that"
        )


def _is_usable(connection: Connection) -> bool:
    """Whether the schema is ours, or a newer one that ours works beside; not if it is older.

    Raises:
        StoreError: it is newer, and this Livery would do harm.

    """
    if not inspect(connection).has_table(VERSION_TABLE):
        return False
    at = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    if at is None or at <= HEAD:
        return at == HEAD
    oldest = None
    if inspect(connection).has_table(generation.name):
        oldest = connection.execute(select(generation.c.value).where(generation.c.name == _OLDEST)).scalar()
    if oldest is None or oldest > HEAD:
        raise StoreError(f"the store is at schema {at}, which is newer than this Livery's {HEAD}; upgrade Livery")
    return True
