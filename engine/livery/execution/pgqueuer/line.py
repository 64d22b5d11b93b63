"""The connections of one worker to its queue. They are lost and found again here; nobody else sees it.

One says things, one listens: while a connection waits for news, nothing can be said on it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from pgqueuer.core.tm import TaskManager
from psycopg import AsyncConnection, AsyncRawCursor, Error, InterfaceError, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from livery.errors import StoreError
from livery.execution.pgqueuer.statements import CHANGED

log = logging.getLogger("livery.execution")
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0
# A line that fell dead is noticed within half a minute, where the URL says nothing else.
_LIVELY: dict[str, str | int | None] = {
    "application_name": "livery worker", "connect_timeout": 10, "keepalives_idle": 15, "keepalives_interval": 5,
    "keepalives_count": 3, "tcp_user_timeout": 30_000, "client_encoding": "utf8",
}  # fmt: skip
# The ledger has the record. Is a pick or an end lost with the server, it is picked once more. The others are what a
# role or a database may have set otherwise: every statement sees what is there, and times are as the driver reads them.
_SESSION = """
SET synchronous_commit TO off; SET default_transaction_isolation TO 'read committed'; SET datestyle TO ISO
"""


class Line:
    """PgQueuer's `Driver`.

    Args:
        dsn: the database, as libpq reads it.
        is_patient: wait for a server that is away, instead of failing.

    """

    def __init__(self, dsn: str, *, is_patient: bool) -> None:
        options = {name: value for name, value in _LIVELY.items() if name not in dsn}
        self._dsn, self._is_patient = make_conninfo(dsn, **options), is_patient
        self._connection: AsyncConnection[Any] | None = None
        self._lock = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._tell: Callable[[str], None] | None = None
        self._is_told = False
        self._is_away = False
        self.shutdown = asyncio.Event()
        self.tm: TaskManager = TaskManager()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Say something, again if need be: what runs here may be said twice.

        Raises:
            StoreError: it failed; or the server is away and this line waits for nothing (any more).

        """
        wait = _FIRST_WAIT
        while True:
            try:
                async with self._lock:
                    cursor = AsyncRawCursor(await self._connected(), row_factory=dict_row)
                    await cursor.execute(query, args or None)
                    rows = await cursor.fetchall() if cursor.description else []
            except (OperationalError, InterfaceError) as error:
                await self._hang_up()
                if not self._is_patient or self.shutdown.is_set():
                    raise StoreError(f"the store failed: {error}") from error
                self._note_away(error)
            except Error as error:
                raise StoreError(f"the store failed: {error}") from error
            else:
                self._is_away = False
                return rows
            with suppress(TimeoutError):
                await asyncio.wait_for(self.shutdown.wait(), wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def execute(self, query: str, *args: object) -> str:
        await self.fetch(query, *args)
        return ""

    async def notify(self, channel: str, payload: str) -> None:
        await self.fetch("SELECT pg_notify($1, $2)", channel, payload)

    async def add_listener(self, channel: str, callback: Callable[[str], None]) -> None:
        self._tell = callback
        self._listening = asyncio.create_task(self._listen(channel))

    def poke(self) -> None:
        """Have the queue looked at now, if that is not asked for already."""
        if self._tell is not None and not self._is_told:
            self._is_told = True
            self._tell(CHANGED)

    def looked(self) -> None:
        """The queue is looked at now: what comes from here on is news."""
        self._is_told = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """It is closed by whoever made it, when PgQueuer has said its last."""

    async def aclose(self) -> None:
        self.shutdown.set()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._hang_up()

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
            await self._connection.execute(_SESSION)
        return self._connection

    async def _connect(self) -> AsyncConnection[Any]:
        return await AsyncConnection.connect(self._dsn, autocommit=True)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Error):
                await connection.close()

    async def _listen(self, channel: str) -> None:
        wait = _FIRST_WAIT
        while True:
            try:
                async with self._calling() as connection:
                    await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
                    wait = _FIRST_WAIT
                    self.poke()  # what was put before it listened is news, too
                    async for _ in connection.notifies():
                        self.poke()
            except (OperationalError, InterfaceError) as error:
                self._note_away(error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[AsyncConnection[Any]]:
        connection = await self._connect()
        try:
            yield connection
        finally:
            with suppress(Error):
                await connection.close()

    def _note_away(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("the store cannot be worked on, trying again: %s", str(error).strip())
        self._is_away = True
