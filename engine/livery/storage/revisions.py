"""Revisions: a number for each kind of thing that is kept in memory, moved on with every change of it.

Owns how processes hear of each other's changes. Who keeps something in memory asks `get` for its revision each time,
and reads anew when it has moved. On SQLite that is a look at the file, which costs no more than a cache would. On
PostgreSQL nothing is asked: the change says so itself when it is committed (NOTIFY), and a look every second is the
net for what is not heard, such as behind a pooler that passes no notifications on.
"""

import logging
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Lock, Thread, local
from typing import Any

from sqlalchemy import Connection, Engine, func
from sqlalchemy import select as selecting
from sqlalchemy.exc import DBAPIError

from livery.errors import StoreError
from livery.storage import schema
from livery.storage.database import upsert

log = logging.getLogger("livery.storage")
NOTIFIED = "livery_revision"
"""The channel of PostgreSQL on which a change is told of."""
_EVERY = 1.0
"""Seconds between looks while nothing is heard."""
_GOOD_FOR = 1.5
"""Seconds for which what was seen last counts: after a lost connection, or a process that was stopped."""
_AWAITED = 10.0
"""Seconds for which this process asks each time after a change of its own, until the change is seen."""
_TABLE = schema.revision
_ONE = "SELECT value FROM livery_revision WHERE name = ?"
_ALL = "SELECT name, value FROM livery_revision"
_Saw = Callable[[Mapping[str, int], float], None]


class Revisions:
    """The revisions of one store. Safe from any thread.

    A change is seen at once in the process that makes it, from the end of its transaction on, whoever ends it. In
    others it is seen at once on SQLite, and within two seconds on PostgreSQL.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._is_watched = engine, engine.dialect.name == "postgresql"
        self._lock, self._looking = Lock(), Lock()
        self._own: Any = None
        self._known: Mapping[str, int] = {}
        self._seen_at: float | None = None
        self._awaited: dict[str, tuple[int, float]] = {}
        self._watch: _Watch | None = None
        self._looks = local()

    @contextmanager
    def look(self) -> Iterator[None]:
        """Within it, what this thread asks of a file is asked once: what is done together is done by one state."""
        before = getattr(self._looks, "seen", None)
        self._looks.seen = {} if before is None else before
        try:
            yield
        finally:
            self._looks.seen = before

    def get(self, name: str) -> int:
        """The revision of a kind of thing; 0 if it was never moved.

        Raises:
            StoreError: the store had to be asked, and failed.

        """
        if not self._is_watched:
            return self._in_file(name)
        if not self._is_good(name):
            with self._looking:
                if not self._is_good(name):
                    self._look()
        return self._known.get(name, 0)

    def move(self, tx: Connection, name: str) -> int:
        """Move a revision on, as part of the change it tells of: what it is from then on.

        Two changes of one kind wait for each other here.
        """
        statement = upsert(tx, _TABLE).values(name=name, value=1)
        moved = statement.on_conflict_do_update(index_elements=["name"], set_={"value": _TABLE.c.value + 1})
        value = int(tx.execute(moved.returning(_TABLE.c.value)).scalar_one())
        if (seen := getattr(self._looks, "seen", None)) is not None:
            seen.clear()
        if self._is_watched:
            tx.execute(selecting(func.pg_notify(NOTIFIED, name)))
            with self._lock:
                self._awaited[name] = (value, time.monotonic() + _AWAITED)
        return value

    def close(self) -> None:
        """End what watches; `get` goes on working."""
        with self._lock:
            watch, self._watch = self._watch, None
            own, self._own = self._own, None
        if watch is not None:
            watch.close()
        if own is not None:
            own.close()

    def _in_file(self, name: str) -> int:
        seen: dict[str, int] | None = getattr(self._looks, "seen", None)
        if seen:
            return seen.get(name, 0)
        with self._lock, _told(self._engine):
            if self._own is None:
                self._own = _own_connection(self._engine)
            if seen is None:
                row = self._own.execute(_ONE, (name,)).fetchone()
                return int(row[0]) if row else 0
            seen.update(self._own.execute(_ALL).fetchall())
            return seen.setdefault(name, 0)

    def _is_good(self, name: str) -> bool:
        """Whether what was seen last may be said of one of them."""
        now, awaited = time.monotonic(), self._awaited.get(name)
        if awaited is not None:
            value, until = awaited
            if self._known.get(name, 0) < value and now < until:
                return False
            with self._lock:
                if self._awaited.get(name) == awaited:
                    del self._awaited[name]
        return self._seen_at is not None and now - self._seen_at < _GOOD_FOR

    def _look(self) -> None:
        """Ask the store; who has to for the second time starts what does it for everybody."""
        started = time.monotonic()
        with _told(self._engine), self._engine.connect() as connection:
            found = connection.execute(selecting(_TABLE.c.name, _TABLE.c.value)).all()
        is_first = self._seen_at is None
        self._saw({str(name): int(value) for name, value in found}, started)
        if not is_first:
            with self._lock:
                if self._watch is None:
                    self._watch = _Watch(self._engine, self._saw)

    def _saw(self, found: Mapping[str, int], started: float) -> None:
        """What a look found that began then; one that began later says more."""
        with self._lock:
            if self._seen_at is None or started >= self._seen_at:
                self._known, self._seen_at = found, started


class _Watch:
    """A thread with a connection of its own, which hears of changes and looks at what they are."""

    def __init__(self, engine: Engine, saw: _Saw) -> None:
        self._engine, self._saw = engine, saw
        self._stopped, self._stop = socket.socketpair()
        self._thread = Thread(target=self._run, name="livery-revisions", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.close()
        self._thread.join(_EVERY)

    def _run(self) -> None:
        with self._stopped:
            while not self._is_stopped(0):
                try:
                    self._listen()
                except Exception as error:  # noqa: BLE001 - whoever asks looks for themselves meanwhile
                    log.info("changes in the store are not heard of, and looked for instead: %s", error)
                    if self._is_stopped(_EVERY):
                        return

    def _listen(self) -> None:
        own = _own_connection(self._engine)
        try:
            own.autocommit = True
            own.execute(f"LISTEN {NOTIFIED}")
            while True:
                started = time.monotonic()
                self._saw({str(name): int(value) for name, value in own.execute(_ALL).fetchall()}, started)
                # What came in with the answer waits nowhere that could be waited for.
                if not list(own.notifies(timeout=0)) and self._is_stopped(_EVERY, own):
                    return
        finally:
            with suppress(Exception):
                own.close()

    def _is_stopped(self, most: float, *others: Any) -> bool:
        """Wait until something comes in, so many seconds at most; whether it is time to stop."""
        with selectors.DefaultSelector() as selector:
            for one in (self._stopped, *others):
                selector.register(one, selectors.EVENT_READ)
            return any(key.fileobj is self._stopped for key, _ in selector.select(most))


def _own_connection(engine: Engine) -> Any:
    """The driver's connection, kept out of the pool and in no transaction: whoever takes it closes it."""
    fairy = engine.raw_connection()
    own = fairy.driver_connection
    fairy.detach()
    return own


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """A failed look as ours, whether SQLAlchemy or the driver says so."""
    assert engine.dialect.dbapi is not None, "an engine has a driver"
    try:
        yield
    except (DBAPIError, engine.dialect.dbapi.Error) as error:
        raise StoreError(f"the store failed: {getattr(error, 'orig', error)}") from error
