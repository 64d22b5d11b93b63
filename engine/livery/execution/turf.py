"""Which process works on a SQLite store: one at a time, the others stand by. Owns the lock file and `livery_runner`.

A lock on `<database>.runner` proves that its holder lives; the system frees it with the process, however it
ends. Who gets it may end every lease at once: nothing waits for one to run out. A process that is stopped keeps
its lock. Then the beat in `livery_runner` stands still; others watch it by a clock that nobody sets, and after the
lease take over without the lock. Each takeover starts a new epoch: what the stopped one writes afterwards, if it
goes on, is refused.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects.sqlite import insert

from livery.errors import StoreError
from livery.storage import schema
from livery.storage.database import told, writing

_NAME = "embedded"
_TABLE = schema.runner
_MINE = _TABLE.c.name == _NAME


class Superseded(Exception):
    """Another process has taken the store over."""


@dataclass(slots=True)
class Tenure:
    """The right to work on the store, until somebody else takes it over.

    Attributes:
        epoch: rises with every takeover.
        is_alone: no other process can be at work: the lock was got, and the one before had it.

    """

    epoch: int
    is_alone: bool


class Turf:
    """One process's view of who works on the store."""

    def __init__(self, engine: Engine, *, worker: str, patience: float) -> None:
        self._engine, self._worker, self._patience = engine, worker, patience
        # One file, one lock, by whatever links it is reached.
        self._file = Path(f"{os.path.realpath(str(engine.url.database))}.runner")
        self._seen: tuple[int, int] | None = None
        self._seen_at = 0.0
        self._lock: int | None = None

    @contextmanager
    def attempt(self) -> Iterator[Tenure | None]:
        """Try to become the one who works; None while another does."""
        self._try_lock()
        tenure = None
        try:
            tenure = self._taken_over()
            yield tenure
        finally:
            if tenure is not None and self._lock is None:
                with suppress(StoreError):  # the others wait for as long as they have patience
                    self._leave(tenure)
            self._unlock()

    def check(self, tx: Connection, tenure: Tenure) -> None:
        """Refuse to write if another process has taken over.

        Raises:
            Superseded: it has.

        """
        if tx.execute(select(_TABLE.c.epoch).where(_MINE)).scalar() != tenure.epoch:
            raise Superseded("another process has taken the store over")

    def beat(self, tenure: Tenure) -> None:
        """Show that this process lives.

        Raises:
            Superseded: another process has taken over.

        """
        self._try_lock()
        with writing(self._engine) as tx:
            self.check(tx, tenure)
            values = {"beat": _TABLE.c.beat + 1, "locked": int(self._lock is not None)}
            tx.execute(update(_TABLE).where(_MINE).values(**values))

    def _leave(self, tenure: Tenure) -> None:
        """What worked without the lock ends: from here on, the lock speaks for whoever works."""
        with writing(self._engine) as tx:
            tx.execute(update(_TABLE).where(_MINE, _TABLE.c.epoch == tenure.epoch).values(locked=1))

    def _taken_over(self) -> Tenure | None:
        has_lock = self._lock is not None
        with told(), self._engine.connect() as connection:
            row = connection.execute(select(_TABLE).where(_MINE)).mappings().first()
        # The lock says nothing of a process that works without it, because it took over from a stopped one.
        proven = has_lock and (row is None or bool(row["locked"]))
        if not proven and row is not None and not self._stands_still((row["epoch"], row["beat"])):
            return None
        if not proven and row is None:
            return None
        with writing(self._engine) as tx:
            now = tx.execute(select(_TABLE.c.epoch, _TABLE.c.beat).where(_MINE)).first()
            if now is not None and row is not None and tuple(now) != (row["epoch"], row["beat"]):
                return None
            epoch = (now.epoch if now else 0) + 1
            values = {"epoch": epoch, "beat": 0, "worker": self._worker, "locked": int(has_lock)}
            statement = insert(_TABLE).values(name=_NAME, **values)
            tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
        self._seen = None
        return Tenure(epoch, is_alone=proven)

    def _stands_still(self, at: tuple[int, int]) -> bool:
        """Whether the one who works has not been heard of for as long as we have patience."""
        now = time.monotonic()
        if at != self._seen:
            self._seen, self._seen_at = at, now
        return now - self._seen_at > self._patience

    def _try_lock(self) -> None:
        if self._lock is not None:
            return
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            self._lock = descriptor

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
