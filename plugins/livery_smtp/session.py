"""One connection to a mail server: commands out, replies in, in their order (RFC 5321, RFC 2920).

What the server owes is counted, so that no reply is ever taken for the answer to another command: one too many, or
one that is none, ends the session.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NoReturn, cast

from livery.plugin import Reason
from livery_smtp.outcomes import CLOSING, OUT_OF_TURN
from livery_smtp.replies import Garbled, Reader, Reply

_GOODBYE = 1.0
"""Seconds for the answer to QUIT: every message is settled by then."""


class Lost(Exception):
    """The session has ended before all replies came.

    Attributes:
        reason: why.
        detail: why, in words.
        replies: those of the awaited ones that did come.

    """

    def __init__(self, reason: Reason, detail: str, replies: Sequence[Reply] = ()) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.replies = reason, detail, replies


class Session(asyncio.Protocol):
    """The protocol of one connection. It never raises into the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = Reader()
        self._replies: list[Reply] = []
        self._owed = self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._until = 0.0
        self._watch: asyncio.TimerHandle | None = None
        """Looks whether the answer is late. One for all answers: setting one for each costs as much as reading it."""
        self.over: tuple[Reason, str] | None = None
        """Why it has ended, once it has."""
        self._closed = self._loop.create_future()
        self.features: dict[str, str] = {}
        """What EHLO told: keywords in capitals, and what follows each."""
        self.is_paused = False
        """Whether bytes that were written are still here."""
        self.is_encrypted = False
        self.is_dirty = False
        """Whether a transaction was begun and not ended, so that RSET must come before the next."""
        self.served = 0
        self.on_end: Callable[[], object] | None = None
        self.on_reply: Callable[[Reply], object] | None = None
        """Called once, with the next reply, before whoever waits for it goes on."""
        self.on_turn: Callable[[], bool] | None = None
        """Asked when what is waited for is there: whether it went on by itself, with `next_turn`. Then nobody is woken,
        which takes as long as all else that is done with an answer."""

    # ------------------------------------------------------------------ commands and replies

    @property
    def is_open(self) -> bool:
        """Whether commands may be sent."""
        return self.over is None

    @property
    def is_silent(self) -> bool:
        """Whether nothing is owed and nothing has come that was not asked for."""
        return not (self._owed or self._replies or self.is_amid)

    @property
    def is_amid(self) -> bool:
        """Whether the beginning of another reply has come."""
        return self._reader.is_amid

    def write(self, data: bytes, owed: int) -> None:
        """Send commands to which the server owes so many replies."""
        if self.over is None and self._transport is not None:
            self._owed += owed
            self._transport.write(data)

    async def replies(self, count: int, timeout: float) -> list[Reply]:  # noqa: ASYNC109 - its own timer costs less
        """The next replies, in the order of the commands.

        Raises:
            Lost: the session ended before all of them came, or `timeout` seconds were over, which ends it.

        """
        if len(self._replies) < count and self.over is None:
            self._waiter = self._loop.create_future()
            self._wait_for(count, timeout)
            if self._watch is None or self._watch.when() > self._until:
                self._look_at(self._until)
            try:
                await self._waiter
            finally:
                self._waiter = None
        came, self._replies = self._replies[:count], self._replies[count:]
        if len(came) < count:
            self._raise_lost(came)
        return came

    def check_silence(self, came: Sequence[Reply]) -> None:
        """End it if more has come than the replies that were owed: it would pass for the next one.

        Raises:
            Lost: it has ended.

        """
        if not self.is_silent:
            self.end(Reason.SERVER_ERROR, OUT_OF_TURN)
        if self.over is not None:
            self._raise_lost(came)

    def _raise_lost(self, came: Sequence[Reply]) -> NoReturn:
        reason, detail = cast(tuple[Reason, str], self.over)
        raise Lost(reason, detail, came)

    @property
    def here(self) -> Sequence[Reply]:
        """The replies that have come and that nobody took."""
        return self._replies

    def next_turn(self, took: int, timeout: float) -> None:
        """Take so many replies, and let who waits wait for one more, for so many seconds again."""
        self._replies = self._replies[took:]
        self._wait_for(1, timeout)

    def _wait_for(self, count: int, seconds: float) -> None:
        self._wanted, self._until = count, self._loop.time() + seconds

    async def ask(self, command: bytes, timeout: float) -> Reply:  # noqa: ASYNC109 - as above
        """One command and its reply."""
        self.write(command + b"\r\n", 1)
        return (await self.replies(1, timeout))[0]

    def _look_at(self, when: float) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._watch = None
        if self._waiter is None or self.over is not None:
            return
        if self._loop.time() < self._until:
            self._look_at(self._until)
        else:
            self.end(Reason.TIMEOUT, "no answer in time")

    # ------------------------------------------------------------------ its end

    def end(self, reason: Reason, detail: str) -> None:
        """End it at once, without a word to the server. The first reason counts."""
        if self.over is not None:
            return
        self.over = (reason, detail)
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._wake()
        if self.on_end is not None:
            self.on_end()

    async def quit(self) -> None:
        """End it politely if the server goes along with that within a second or two."""
        if self.over is None:
            self.on_end = None
            with suppress(Lost):
                await self.ask(b"QUIT", _GOODBYE)
            if self._transport is not None:
                self._transport.close()
            await asyncio.wait([self._closed], timeout=_GOODBYE)
        self.end(Reason.UNREACHABLE, "the session is over")
        await asyncio.wait([self._closed], timeout=_GOODBYE)

    # ------------------------------------------------------------------ from the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if transport.get_extra_info("sslcontext") is None:
            # Paused means then that something is still here. Of TLS nobody can tell, and a limit of 0 confuses it.
            self._transport.set_write_buffer_limits(high=0)

    async def encrypt(self, start: Callable[[asyncio.Transport], Awaitable[asyncio.Transport | None]]) -> None:
        """Put TLS between this and the transport; what `start` raises goes through."""
        assert self._transport is not None, "a session is encrypted once it is connected"
        transport = await start(self._transport)
        self._transport, self.is_encrypted = transport, True
        self._reader, self.features = Reader(), {}

    def data_received(self, data: bytes) -> None:
        if self.over is not None:
            return
        garbled = ""
        try:
            came = self._reader.feed(data)
        except Garbled as error:
            came, garbled = error.before, str(error)
        in_turn, more = came[: self._owed], came[self._owed :]
        self._owed -= len(in_turn)
        self._replies += in_turn
        if in_turn and self.on_reply is not None:
            told, self.on_reply = self.on_reply, None
            told(in_turn[0])
        if more and more[0].code == CLOSING:
            self.end(Reason.THROTTLED, more[0].text)
        elif more:
            self.end(Reason.SERVER_ERROR, OUT_OF_TURN)
        elif garbled:
            self.end(Reason.SERVER_ERROR, garbled)
        elif len(self._replies) >= self._wanted:
            # After whoever heard of it: where many answers come at once, all write their next messages, then all are
            # sent. Writing and sending by turns takes longer: each drives the other out of the processor's caches.
            self._loop.call_soon(self._go_on)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)
        reason = Reason.TIMEOUT if isinstance(exc, TimeoutError) else Reason.UNREACHABLE
        self.end(reason, "the connection was lost")

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False

    def _go_on(self) -> None:
        if self._waiter is None or self._waiter.done() or len(self._replies) < self._wanted:
            return
        try:
            if self.on_turn is None or not self.on_turn():
                self._waiter.set_result(None)
        except Exception as error:  # noqa: BLE001 - a fault of ours is for who waits, not for the event loop
            self._waiter.set_exception(error)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
