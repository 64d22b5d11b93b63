"""The connections to one mail server: as many as there is work for, kept while it lasts.

Each connection takes the next waiting message by itself. Where the server allows it, the next message's commands
follow the content of the one before, so that a message costs one round trip (RFC 2920). A connection that was lost
before a message's content was sent costs that message nothing: it goes to another.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from livery.plugin import Outcome, Reason
from livery_smtp import outcomes
from livery_smtp.opening import NotOpened
from livery_smtp.outcomes import BUSY, CLOSING, OK, PERMANENT
from livery_smtp.replies import Reply
from livery_smtp.session import Lost, Session
from livery_smtp.transaction import Transaction

_PROBE_AFTER = 5.0
"""Seconds without work after which a connection is asked whether it still lives."""
_PROBE_WAIT = 3.0
_CROWDED = 30.0
"""Seconds in which no more connections are opened than there are, once the server refused one."""
_MOVES = 5
_ALONG = 256 * 1024
"""Bytes of a content up to which the next message's commands follow at once; a larger one may take its time."""


log = logging.getLogger("livery.smtp")


class Terms(NamedTuple):
    """How a pool uses its connections; see `SmtpSettings`."""

    connections: int
    messages: int
    idle: float
    timeout: float


@dataclass(slots=True)
class _Course:
    """What is under way on a connection: whose content is sent, and whose commands went along with it."""

    transaction: Transaction
    following: Transaction | None = None


class Pool:
    """Connections to one server under one login, in one event loop.

    Args:
        open_: opens a session; raises NotOpened.
        terms: how many, and for how long.

    """

    def __init__(self, open_: Callable[[], Awaitable[Session]], terms: Terms) -> None:
        self._open, self._terms = open_, terms
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Transaction] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._sessions: set[Session] = set()
        self._idle: list[asyncio.Future[None]] = []
        self._free: set[Session] = set()
        """Those that are done with a message, and will look for another in a moment."""
        self._crowded_until = 0.0
        self._carried: set[Transaction] = set()
        self._watch: asyncio.TimerHandle | None = None
        """Gives up what is late. One for all messages: setting one for each costs as much as reading its answer."""
        self._is_closing = False

    @property
    def is_busy(self) -> bool:
        """Whether there is anything in it."""
        return bool(self._workers or self._waiting)

    async def carry(self, transaction: Transaction, deadline: float = math.inf, late: str = "given up") -> Outcome:
        """Bring a message to the server. Cancelling it gives it up, and ends the connection it is on.

        Args:
            transaction: the message.
            deadline: when it is given up, by the clock of the event loop.
            late: what is said then.

        """
        transaction.deadline, transaction.late = deadline, late
        self._carried.add(transaction)
        if self._watch is None or deadline < self._watch.when():
            self._look_at(deadline)
        self._waiting.append(transaction)
        self._wake()
        try:
            return await transaction.done
        except asyncio.CancelledError:
            self._give_up(transaction, late)
            raise
        finally:
            self._carried.discard(transaction)

    def _look_at(self, when: float) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._watch, now = None, self._loop.time()
        for one in [one for one in self._carried if one.deadline <= now]:
            self._give_up(one, one.late)
        if left := [one.deadline for one in self._carried if one.deadline > now]:
            self._look_at(min(left))

    def _give_up(self, transaction: Transaction, late: str) -> None:
        with suppress(ValueError):
            self._waiting.remove(transaction)
        if transaction.session is not None:
            transaction.session.end(Reason.TIMEOUT, "given up")
        transaction.settle(outcomes.lost(transaction.results, Reason.TIMEOUT, late, is_sent=transaction.is_sent))

    async def aclose(self) -> None:
        """Say goodbye on every connection; those that are at work are dropped."""
        self._is_closing = True
        if self._watch is not None and not self._carried:
            self._watch.cancel()
        while self._idle:
            self._rouse(self._idle.pop())
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=3)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._tell_all(outcomes.lost((), Reason.UNREACHABLE, "the channel was closed", is_sent=False))

    # ------------------------------------------------------------------ who works

    def _wake(self) -> None:
        """See to it that somebody takes what is waiting."""
        if not self._waiting or self._is_closing:
            return
        while self._idle:
            if self._rouse(self._idle.pop()):
                return
        opening = len(self._workers) - len(self._sessions)
        if opening + len(self._free) < len(self._waiting) and len(self._workers) < self._limit():
            task = self._loop.create_task(self._work())
            self._workers.add(task)
            task.add_done_callback(self._ended)

    def _limit(self) -> int:
        crowded = self._sessions and self._loop.time() < self._crowded_until
        return max(1, len(self._sessions)) if crowded else self._terms.connections

    @staticmethod
    def _rouse(sleeper: "asyncio.Future[None]") -> bool:
        if sleeper.done():
            return False
        sleeper.set_result(None)
        return True

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._workers.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection to a mail server ended by a fault", exc_info=error)
            self._tell_all(outcomes.lost((), Reason.CHANNEL_FAILED, type(error).__name__, is_sent=False))
        self._wake()

    async def _work(self) -> None:
        began = self._loop.time()
        try:
            session = await self._open()
        except NotOpened as error:
            self._not_opened(error.outcome, began)
            return
        if session.over is not None:
            reason, said = session.over
            self._not_opened(outcomes.lost((), reason, said, is_sent=False), began)
            return
        self._sessions.add(session)
        try:
            await self._use(session)
        finally:
            session.end(Reason.UNREACHABLE, "the session is over")
            self._sessions.discard(session)

    def _not_opened(self, outcome: Outcome, began: float) -> None:
        """Tell those who were waiting already; where others are being served, they only wait a little longer."""
        if self._sessions:
            self._crowded_until = self._loop.time() + _CROWDED
            return
        self._tell_all(outcome, until=began)

    def _tell_all(self, outcome: Outcome, until: float = math.inf) -> None:
        told = [one for one in self._waiting if one.since <= until]
        self._waiting = deque(one for one in self._waiting if one.since > until)
        for one in told:
            one.settle(outcome)

    # ------------------------------------------------------------------ one connection

    async def _use(self, session: Session) -> None:
        begun: Transaction | None = None
        while session.is_open and not self._is_closing:
            if not begun and (session.served >= self._terms.messages or not session.is_silent):
                break  # what has come too early would pass for an answer to the next message
            transaction = begun or self._next()
            if transaction is None:
                if not await self._rest(session):
                    break
                continue
            begun = await self._one(session, transaction, is_begun=begun is not None)
        self._move(begun)
        await session.quit()

    def _next(self) -> Transaction | None:
        while self._waiting:
            transaction = self._waiting.popleft()
            if not transaction.done.done():
                return transaction
        return None

    async def _rest(self, session: Session) -> bool:
        """Wait for work; False if there is none for too long, or the connection has not survived it."""
        since, sleeper = self._loop.time(), self._loop.create_future()
        self._idle.append(sleeper)
        session.on_end = lambda: self._rouse(sleeper)
        try:
            async with asyncio.timeout(self._terms.idle):
                await sleeper
        except TimeoutError:
            return False
        finally:
            session.on_end = None
            with suppress(ValueError):
                self._idle.remove(sleeper)
        if self._is_closing or not session.is_open:
            return False
        if self._loop.time() - since > _PROBE_AFTER:
            with suppress(Lost):
                return (await session.ask(b"RSET", min(_PROBE_WAIT, self._terms.timeout))).code in OK
            return False
        return True

    async def _one(self, session: Session, transaction: Transaction, *, is_begun: bool) -> Transaction | None:
        """Carry one message; the next one, if its commands were sent along with this one's content."""
        if not is_begun:
            if outcome := transaction.unfit(session.features):
                transaction.settle(outcome)
                return None
            self._assign(session, transaction)
        course = _Course(transaction)
        try:
            if not await self._may_send(session, transaction, is_begun=is_begun):
                return None
            return await self._send(session, course)
        except BaseException as error:  # a fault of ours, or the channel is being closed
            reason, said = Reason.CHANNEL_FAILED, type(error).__name__
            if isinstance(error, asyncio.CancelledError):
                reason, said = Reason.UNREACHABLE, "the channel was closed"
            course.transaction.settle(outcomes.lost((), reason, said, is_sent=course.transaction.is_sent))
            self._move(course.following)
            raise

    async def _may_send(self, session: Session, transaction: Transaction, *, is_begun: bool) -> bool:
        """MAIL to DATA; if the content may not follow, the transaction is settled or on another connection."""
        commands = transaction.commands(session.features)
        lines = [b"RSET", *commands] if session.is_dirty else commands
        try:
            if "PIPELINING" not in session.features:
                replies = await self._step_by_step(session, transaction, lines, len(lines) - len(commands))
            else:
                if not is_begun:
                    session.write(b"\r\n".join((*lines, b"")), len(lines))
                replies = await session.replies(len(lines), self._terms.timeout)
            outcome = transaction.judged(replies[len(lines) - len(commands) :])
            if outcome is None:
                session.check_silence(replies)
        except Lost as lost:
            lost.replies = lost.replies[len(lines) - len(commands) :]
            self._lost_before(session, transaction, lost)
            return False
        session.is_dirty = outcome is not None
        if outcome is None:
            return True
        if replies[-1].code == CLOSING and session.served > 1:
            self._move(transaction)
        transaction.settle_if_here(outcome)
        if replies[-1].code == CLOSING or not _is_refusal(replies[-1]):
            session.end(Reason.SERVER_ERROR, replies[-1].text)
        return False

    async def _step_by_step(
        self, session: Session, transaction: Transaction, lines: Sequence[bytes], before: int
    ) -> list[Reply]:
        replies: list[Reply] = []
        for line in lines:
            try:
                replies.append(await session.ask(line, self._terms.timeout))
            except Lost as lost:
                raise Lost(lost.reason, lost.detail, replies) from None
            if transaction.judged(replies[before:]) is not None:
                break
        return replies

    async def _send(self, session: Session, course: _Course) -> Transaction | None:
        """One content after another as long as all goes as usual; the next transaction, if it was begun."""
        self._write(session, course)
        session.on_turn = lambda: self._turn(session, course)
        try:
            [reply] = await session.replies(1, self._terms.timeout)
        except Lost as lost:
            course.transaction.settle(course.transaction.interrupted(lost))
            self._move(course.following)
            return None
        finally:
            session.on_turn = None
            self._free.discard(session)
        is_amid = session.is_paused and not session.is_encrypted
        if is_amid or reply.code == CLOSING or not (reply.code in OK or _is_refusal(reply)):
            session.end(Reason.SERVER_ERROR, reply.text)
            self._move(course.following)
            return None
        return course.following

    def _write(self, session: Session, course: _Course) -> None:
        """The content, and with it the commands of the next message."""
        transaction, content = course.transaction, course.transaction.content()
        following = course.following = self._following(session, len(content))
        commands = following.commands(session.features) if following is not None else []

        def hear(reply: Reply) -> None:
            # At once: whoever brought it may bring another before the next content is sent, and both go together.
            transaction.hear(reply)
            if following is None and session.served < self._terms.messages:
                self._free.add(session)

        session.on_reply = hear
        session.write(content + b"\r\n".join((b".", *commands, b"")), 1 + len(commands))
        transaction.is_written, transaction.is_mixed = True, following is not None

    def _turn(self, session: Session, course: _Course) -> bool:
        """Go on with the message that was begun, if every answer is here and as usual; anything else is for `_send`."""
        following, replies = course.following, session.here
        if following is None or self._is_closing or session.is_paused or session.is_amid or replies[0].code not in OK:
            return False
        if len(replies) <= len(following.commands(session.features)) or following.judged(replies[1:]) is not None:
            return False
        session.next_turn(len(replies), self._terms.timeout)
        course.transaction = following
        self._write(session, course)
        return True

    def _following(self, session: Session, size: int) -> Transaction | None:
        """The next waiting message, if its commands may be sent along with a content of this size."""
        if "PIPELINING" not in session.features or size > _ALONG or session.served >= self._terms.messages:
            return None
        if self._waiting and self._waiting[0].moves:
            return None  # lost once with another's content: now it goes on its own
        while transaction := self._next():
            if outcome := transaction.unfit(session.features):
                transaction.settle(outcome)
                continue
            self._assign(session, transaction)
            return transaction
        return None

    @staticmethod
    def _assign(session: Session, transaction: Transaction) -> None:
        transaction.session = session
        session.served += 1

    def _lost_before(self, session: Session, transaction: Transaction, lost: Lost) -> None:
        """The connection went before the content was sent: one that was used before may just have been stale."""
        outcome = transaction.interrupted(lost)
        if session.served > 1:
            self._move(transaction)
        transaction.settle_if_here(outcome)

    def _move(self, transaction: Transaction | None) -> None:
        """Bring a message of which nothing was sent to another connection, unless that happened too often."""
        if transaction is None or transaction.done.done():
            return
        transaction.session = None
        if transaction.moves < _MOVES:
            transaction.moves += 1
            self._waiting.appendleft(transaction)
            self._wake()
        else:
            said = "connections are lost again and again"
            transaction.settle(outcomes.lost((), Reason.UNREACHABLE, said, is_sent=False))


def _is_refusal(reply: Reply) -> bool:
    return reply.code in BUSY or reply.code in PERMANENT
