"""What one worker has in hand: how much it may take, what runs, and the ends that are to be recorded."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from livery.execution.pgqueuer.line import Line
from livery.execution.pgqueuer.statements import END
from livery.ports import Again, Now, Verdict

_FOR_EVER = timedelta(days=3650)
_MICROSECOND = timedelta(microseconds=1)
_SUSPECT = 2
"""So many workers in a row went silent with it: the next has nothing else in hand."""


class Hands:
    """Room for so many pieces of work; for one alone that may take its worker down with it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[int, asyncio.Task[object] | None] = {}
        self._suspect: int | None = None
        self._has_changed = asyncio.Event()
        self._is_closed = False

    async def room(self) -> int:
        """How much may be taken now: waits until that is something; 0 once it is closed."""
        while not self._is_closed and (self._suspect is not None or len(self._held) >= self._most):
            self._has_changed.clear()
            await self._has_changed.wait()
        return 0 if self._is_closed else self._most - len(self._held)

    def hold(self, job: int, crashes: int) -> bool:
        """A job was taken; False if it is in hand already."""
        if job in self._held:
            return False
        self._held[job] = None
        if crashes >= _SUSPECT:
            self._suspect = job
        return True

    async def begin(self, job: int) -> None:
        """Begin a job in this task; one that is suspect waits until it is alone."""
        self._held[job] = asyncio.current_task()
        while self._suspect == job and len(self._held) > 1:
            self._has_changed.clear()
            await self._has_changed.wait()

    def end(self, job: int) -> None:
        del self._held[job]
        if self._suspect == job:
            self._suspect = None
        self._has_changed.set()

    def close(self) -> None:
        """Take nothing new."""
        self._is_closed = True
        self._has_changed.set()

    def break_off(self) -> None:
        """Break off what still runs."""
        for task in self._held.values():
            if task is not None:
                task.cancel()


class Ends:
    """Records what work came to: what ends while the database is busy is recorded together."""

    def __init__(self, line: Line, manager: UUID, now: Now | None) -> None:
        self._line, self._manager, self._now = line, manager, now
        self._next: list[tuple[int, Verdict, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None

    async def record(self, job: int, verdict: Verdict) -> None:
        """Record one; it changes nothing if somebody else has taken it over."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next.append((job, verdict, future))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record())
        await future

    async def _record(self) -> None:
        while self._next:
            ends, self._next = self._next, []
            try:
                await self._line.fetch(END, *self._arguments(ends))
            except BaseException as error:
                for _, _, future in ends:
                    if not future.done():
                        future.set_exception(error)
                if not isinstance(error, Exception):
                    raise
            else:
                for _, _, future in ends:
                    if not future.done():
                        future.set_result(None)

    def _arguments(self, ends: Iterable[tuple[int, Verdict, object]]) -> tuple[object, ...]:
        done, again, after, counts = [], [], [], []
        for job, verdict, _ in ends:
            if isinstance(verdict, Again):
                again.append(job)
                after.append(min(max(verdict.after, timedelta()), _FOR_EVER) // _MICROSECOND)
                counts.append(verdict.counts)
            else:
                done.append(job)
        return self._manager, done, again, after, counts, self._now() if self._now else None
