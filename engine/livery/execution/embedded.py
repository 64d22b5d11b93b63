"""The embedded engine: wakes in the store's own SQLite file, worked off by one process at a time.

A lock on `<database>.runner` proves that no other process works on the file; the system frees it with the
process, however it ends. Who gets the lock may therefore end every lease at once: nothing waits for one to
run out. Other processes stand by, and may accept events at any time.
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from livery.ports import Again, Now, Verdict, Wake, Work
from livery.storage import schema
from livery.storage.database import micros, moment, told, writing

log = logging.getLogger("livery.execution")
_POLL = 0.1
"""Seconds until work that another process put is seen."""
_STAND_BY = 0.5
_GRACE = 25.0
"""Seconds a stopping worker lets sends end; supervisors commonly kill after 30."""
_FOR_EVER = timedelta(days=3650)


class EmbeddedExecution:
    """`livery.ports.Execution` for one machine."""

    def __init__(self, engine: Engine, *, now: Now, on_takeover: Callable[[], Sequence[str]]) -> None:
        self._engine, self._now, self._on_takeover = engine, now, on_takeover
        self._lock_file = Path(f"{engine.url.database}.runner")
        self._nudged: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def put(self, tx: Connection, wakes: Sequence[Wake]) -> None:
        rows = [{"work": one.work, "lane": one.lane, "due": micros(one.due), "priority": one.priority} for one in wakes]
        if rows:
            tx.execute(insert(schema.wake).on_conflict_do_nothing(), rows)

    def nudge(self) -> None:
        loop, nudged = self._loop, self._nudged
        if loop is not None and nudged is not None:
            try:
                loop.call_soon_threadsafe(nudged.set)
            except RuntimeError:  # the loop has just ended
                return

    async def run(self, work: Work, *, until_idle: bool, concurrency: int) -> None:
        self._loop, self._nudged = asyncio.get_running_loop(), asyncio.Event()
        try:
            while True:
                with self._lock() as is_ours:
                    if is_ours:
                        for suspect in await asyncio.to_thread(self._on_takeover):
                            await self._alone(work, suspect)
                        await self._work_off(work, until_idle=until_idle, concurrency=concurrency)
                        return
                if until_idle and not await asyncio.to_thread(self._due, frozenset(), 1):
                    return
                await asyncio.sleep(_STAND_BY)
        finally:
            self._loop = self._nudged = None

    async def _alone(self, work: Work, suspect: str) -> None:
        table = schema.wake
        with told(), self._engine.connect() as connection:
            row = connection.execute(select(table).where(table.c.work == suspect)).mappings().first()
        if row is not None:
            wake = Wake(row["work"], row["lane"], moment(row["due"]), row["priority"])
            await asyncio.to_thread(self._end, [await _one(work, wake)])

    async def _work_off(self, work: Work, *, until_idle: bool, concurrency: int) -> None:
        running: dict[str, asyncio.Task[tuple[Wake, Verdict]]] = {}
        try:
            while True:
                free = concurrency - len(running)
                due = await asyncio.to_thread(self._due, frozenset(running), free) if free else []
                for wake in due:
                    running[wake.work] = asyncio.create_task(_one(work, wake))
                if until_idle and not running:
                    return
                await self._wait(running, is_full=len(running) >= concurrency)
                done = [task for task in running.values() if task.done()]
                if done:
                    await asyncio.to_thread(self._end, [task.result() for task in done])
                    running = {key: task for key, task in running.items() if task not in done}
        except asyncio.CancelledError:
            await self._let_end(list(running.values()))
            raise

    async def _let_end(self, running: Sequence["asyncio.Task[tuple[Wake, Verdict]]"]) -> None:
        """Graceful stop: nothing new is taken, what is being sent may end, and its end is recorded."""
        if not running:
            return
        done, late = await asyncio.wait(running, timeout=_GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._end([task.result() for task in done])

    async def _wait(self, running: dict[str, Any], *, is_full: bool) -> None:
        """Until a task ends, this process puts something, or it is time to look what others put."""
        assert self._nudged is not None, "run() sets it"
        nudged = asyncio.ensure_future(self._nudged.wait())
        timeout = None if is_full else _POLL
        await asyncio.wait([nudged, *running.values()], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        nudged.cancel()
        self._nudged.clear()

    def _due(self, running: frozenset[str], limit: int) -> list[Wake]:
        table = schema.wake
        statement = (
            select(table)
            .where(table.c.due <= micros(self._now()))
            .order_by(table.c.priority.desc(), table.c.due)
            .limit(limit + len(running))
        )
        with told(), self._engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        wakes = [Wake(row["work"], row["lane"], moment(row["due"]), row["priority"]) for row in rows]
        return [wake for wake in wakes if wake.work not in running][:limit]

    def _end(self, verdicts: Sequence[tuple[Wake, Verdict]]) -> None:
        """Record what the work said, in one transaction for all that ended together."""
        table, now = schema.wake, self._now()
        with writing(self._engine) as tx:
            done = [wake.work for wake, verdict in verdicts if not isinstance(verdict, Again)]
            if done:
                tx.execute(delete(table).where(table.c.work.in_(done)))
            for wake, verdict in verdicts:
                if isinstance(verdict, Again):
                    after = min(max(verdict.after, timedelta()), _FOR_EVER)
                    tx.execute(update(table).where(table.c.work == wake.work).values(due=micros(now + after)))

    def waiting(self) -> int:
        """How much work is stored, due or not."""
        with told(), self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(schema.wake)).scalar() or 0)

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)


async def _one(work: Work, wake: Wake) -> tuple[Wake, Verdict]:
    """Run one piece of work; what raises here is ours to mend, so it is tried again and never dropped."""
    try:
        return wake, await work(wake)
    except Exception:
        log.exception("work %s failed in lane %s", wake.work, wake.lane)
        return wake, Again(timedelta(seconds=10))
