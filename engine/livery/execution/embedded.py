"""The embedded engine: wakes in the store's own SQLite file, worked off by one process at a time.

Other processes stand by (`turf` says who works), and may accept events at any time: they are seen within 50 ms,
what this process accepts is seen at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from livery.errors import StoreError
from livery.execution.clock import Drift
from livery.execution.turf import Superseded, Tenure, Turf
from livery.execution.turns import Turns
from livery.ports import FAIR, IN_HOST_TX, TAKEOVER, Again, Depth, Load, Now, Verdict, Wake, Work
from livery.storage import schema
from livery.storage.database import micros, moment, told, writing
from livery.storage.prepared import Prepared

log = logging.getLogger("livery.execution")
_POLL = 0.05
"""Seconds until work that another process put is seen."""
_STAND_BY = 0.5
_GRACE = 25.0
"""Seconds a stopping worker lets sends end; supervisors commonly kill after 30."""
_FOR_EVER = timedelta(days=3650)
_RECOUNT = 1.0
_STORE_AGAIN = 1.0
_RAISED = timedelta(seconds=10)
_LINGER = 0.005
"""Seconds for which what has ended waits for more to end: recorded together, they cost one transaction."""

_TABLE = schema.wake
_COLUMNS = ("work", "lane", "due", "priority", "tenant", "destination", "ready", "relative")
_PUT = Prepared(lambda _: insert(_TABLE).on_conflict_do_nothing(), _COLUMNS)
_FORGET = Prepared(lambda _: delete(_TABLE).where(_TABLE.c.work == bindparam("work_")))
_AGAIN = (
    update(_TABLE)
    .where(_TABLE.c.work == bindparam("work_"))
    .values(due=bindparam("due_"), ready=bindparam("ready_"), relative=1)
)
_RIPEN = update(_TABLE).where(_TABLE.c.ready == 0, _TABLE.c.due <= bindparam("now_")).values(ready=1)
_NEXT = select(func.min(_TABLE.c.due)).where(_TABLE.c.ready == 0)


class EmbeddedExecution:
    """`livery.ports.Execution` for one machine.

    Args:
        engine: the store's database.
        now: the clock.
        on_takeover: called with proof that no other worker is alive; returns what to work on alone.
        patience: seconds without a sign of life after which the process at work is taken for stopped.
        worker: what this process is called.
        drift: notices that the clock was set; None where `now` is no real clock.

    """

    traits = frozenset({IN_HOST_TX, TAKEOVER, FAIR})

    def __init__(
        self,
        engine: Engine,
        *,
        now: Now,
        on_takeover: Callable[[], Sequence[str]],
        patience: float = 60.0,
        worker: str = "",
        drift: Drift | None = None,
    ) -> None:
        self._engine, self._now, self._on_takeover = engine, now, on_takeover
        self._turf = Turf(engine, worker=worker, patience=patience)
        self._beat, self._drift = patience / 4, drift
        self._beaten, self._until_due = 0.0, _POLL
        self._turns = Turns()
        self._nudged: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._count, self._counted_at = 0, float("-inf")

    # ------------------------------------------------------------------ storing

    def put(self, tx: Connection, wakes: Sequence[Wake]) -> int:
        now = micros(self._now())
        rows = [
            {
                "work": one.work, "lane": one.lane, "due": micros(one.due), "priority": one.priority,
                "tenant": one.tenant, "destination": one.destination, "ready": int(micros(one.due) <= now),
                "relative": 0,
            }
            for one in wakes
        ]  # fmt: skip
        added = _PUT.run(tx, rows)
        self._count += added
        return added

    def cancel(self, tx: Connection, works: Sequence[str]) -> None:
        _FORGET.run(tx, [{"work_": one} for one in works])

    def hold(self, tx: Connection, destination: str, until: datetime) -> None:
        table, at, now = _TABLE, micros(until), micros(self._now())
        waiting = update(table).where(table.c.destination == destination)
        if at > now:
            tx.execute(waiting.where(table.c.due < at).values(due=at, ready=0, relative=1))
        else:
            tx.execute(waiting.where(table.c.ready == 0, table.c.relative == 1).values(due=now, ready=1))

    def nudge(self) -> None:
        loop, nudged = self._loop, self._nudged
        if loop is not None and nudged is not None:
            try:
                loop.call_soon_threadsafe(nudged.set)
            except RuntimeError:  # the loop has just ended
                return

    def waiting(self) -> int:
        now = time.monotonic()
        if now - self._counted_at > _RECOUNT:
            with told(), self._engine.connect() as connection:
                found = connection.execute(select(func.count()).select_from(_TABLE)).scalar()
            self._count, self._counted_at = int(found or 0), now
        return self._count

    def due(self, works: Sequence[str]) -> dict[str, datetime]:
        wanted = select(_TABLE.c.work, _TABLE.c.due).where(_TABLE.c.work.in_(works))
        with told(), self._engine.connect() as connection:
            return {str(work): moment(due) for work, due in connection.execute(wanted)}

    def depths(self) -> list[Depth]:
        table, now = _TABLE, micros(self._now())
        due = case((table.c.due <= now, table.c.due))
        counted = select(table.c.lane, func.count(), func.count(due), func.min(due)).group_by(table.c.lane)
        with told(), self._engine.connect() as connection:
            rows = connection.execute(counted).all()
        return [Depth(lane, waiting, ripe, (now - (first or now)) / 1e6) for lane, waiting, ripe, first in rows]

    # ------------------------------------------------------------------ working

    async def run(self, work: Work, *, until_idle: bool, load: Load) -> None:
        self._loop, self._nudged = asyncio.get_running_loop(), asyncio.Event()
        try:
            while True:
                try:
                    with self._turf.attempt() as tenure:
                        if tenure is not None:
                            await self._at_work(work, tenure, until_idle=until_idle, load=load)
                            return
                except Superseded:
                    log.warning("another process took the store over; standing by")
                except Exception as error:
                    if until_idle:
                        raise
                    _complain(error)
                if until_idle and not await asyncio.to_thread(self._anything_due):
                    return
                await asyncio.sleep(_STAND_BY)
        finally:
            self._loop = self._nudged = None

    async def _at_work(self, work: Work, tenure: Tenure, *, until_idle: bool, load: Load) -> None:
        assert self._nudged is not None, "run() sets it"
        shift = _Shift(work, self._nudged, enough=max(load.concurrency // 4, 1))
        if tenure.is_alone:
            for suspect in await asyncio.to_thread(self._on_takeover):
                await self._alone(shift, suspect, tenure)
        self._beaten = time.monotonic()
        try:
            while True:
                await self._stepped(shift, tenure, load, until_idle=until_idle)
                if until_idle and not shift.running and not shift.ended:
                    return
                await self._wait()
        except asyncio.CancelledError:
            await self._let_end(shift, tenure)
            raise
        except Superseded:
            await shift.abandon()
            raise

    async def _stepped(self, shift: "_Shift", tenure: Tenure, load: Load, *, until_idle: bool) -> None:
        try:
            await self._step(shift, tenure, load)
        except Superseded:
            raise
        except Exception as error:
            if until_idle:
                raise
            _complain(error)
            await asyncio.sleep(_STORE_AGAIN)

    async def _step(self, shift: "_Shift", tenure: Tenure, load: Load) -> None:
        """Record what has ended, and begin what is due."""
        shift.start(load.concurrency - len(shift.running))
        if shift.ended:
            ended = list(shift.ended)
            await asyncio.to_thread(self._end, ended, tenure)
            del shift.ended[: len(ended)]
        if time.monotonic() - self._beaten >= self._beat:
            self._beaten = time.monotonic()
            await asyncio.to_thread(self._turf.beat, tenure)
        free = load.concurrency - len(shift.running)
        if free > len(shift.ahead):
            count = load.concurrency + free - len(shift.ahead)
            shift.ahead += await asyncio.to_thread(self._look, count, shift.busy(), load)
        shift.start(load.concurrency - len(shift.running))

    async def _alone(self, shift: "_Shift", suspect: str, tenure: Tenure) -> None:
        with told(), self._engine.connect() as connection:
            row = connection.execute(select(_TABLE).where(_TABLE.c.work == suspect)).mappings().first()
        if row is None:
            return
        wake = Wake(row["work"], row["lane"], moment(row["due"]), row["priority"], row["tenant"], row["destination"])
        await asyncio.to_thread(self._end, [await shift.one(wake)], tenure)

    async def _let_end(self, shift: "_Shift", tenure: Tenure) -> None:
        """Graceful stop: nothing new is taken, what is being sent may end, and its end is recorded."""
        if shift.running:
            _, late = await asyncio.wait(list(shift.running.values()), timeout=_GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            self._end(shift.ended, tenure)
        except (Superseded, StoreError) as error:  # the ledger knows what ended, and whoever works next asks it
            log.warning("the last ends were not taken out of the queue: %s", error)

    async def _wait(self) -> None:
        """Until enough has ended, this process puts something, something is due, or others may have put something."""
        assert self._nudged is not None, "run() sets it"
        with suppress(TimeoutError):
            async with asyncio.timeout(self._until_due):
                await self._nudged.wait()
        self._nudged.clear()

    def _look(self, count: int, busy: Sequence[Wake], load: Load) -> list[Wake]:
        """What is due and has its turn."""
        now = self._now()
        with told(), self._engine.connect() as connection:
            due = connection.execute(_NEXT).scalar()
        jumped = self._drift.since_last(now) if self._drift else timedelta()
        if jumped:
            self._set_clock(now, jumped)
        elif due is not None and due <= micros(now):
            with writing(self._engine) as tx:
                tx.execute(_RIPEN, {"now_": micros(now)})
            due = None
        self._until_due = _POLL if due is None else min(max((moment(due) - now).total_seconds(), 0.001), _POLL)
        with told(), self._engine.connect() as connection:
            cursor = connection.connection.cursor()

            def run(statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
                return list(cursor.execute(statement, values).fetchall())

            return self._turns.take(run, count, busy=busy, load=load)

    def _set_clock(self, now: datetime, jumped: timedelta) -> None:
        """The clock was set: what is due so long after something keeps that distance."""
        log.warning("the clock jumped by %s; retries and pauses move with it", jumped)
        table = _TABLE
        with writing(self._engine) as tx:
            later = update(table).where(table.c.ready == 0, table.c.relative == 1, table.c.due > micros(now - jumped))
            tx.execute(later.values(due=table.c.due + jumped // timedelta(microseconds=1)))

    def _anything_due(self) -> bool:
        table = _TABLE
        due = (table.c.ready == 1) | (table.c.due <= micros(self._now()))
        with told(), self._engine.connect() as connection:
            return connection.execute(select(table.c.work).where(due).limit(1)).first() is not None

    def _end(self, verdicts: Sequence[tuple[Wake, Verdict]], tenure: Tenure) -> None:
        """Record what the work said, in one transaction for all that ended together."""
        if not verdicts:
            return
        now = self._now()
        again = [(wake, verdict) for wake, verdict in verdicts if isinstance(verdict, Again)]
        done = [wake.work for wake, verdict in verdicts if not isinstance(verdict, Again)]
        with writing(self._engine) as tx:
            self._turf.check(tx, tenure)
            _FORGET.run(tx, [{"work_": one} for one in done])
            if again:
                rows = []
                for wake, verdict in again:
                    due = micros(now + min(max(verdict.after, timedelta()), _FOR_EVER))
                    rows.append({"work_": wake.work, "due_": due, "ready_": int(due <= micros(now))})
                tx.execute(_AGAIN, rows)
        self._count -= len(done)


def _complain(error: Exception) -> None:
    """Whatever it is (a locked or full store, too many open files, no more memory), it may be over in a moment."""
    is_told = isinstance(error, StoreError)
    said = str(error) if is_told else f"{type(error).__name__}: {error}"
    log.warning("the store cannot be worked on, trying again: %s", said, exc_info=None if is_told else error)


class _Shift:
    """What one process has in hand: the work that runs, what is next, and what ended and is not recorded yet.

    Args:
        work: what is called for each.
        changed: set once something is to be done about what has ended.
        enough: so many that ended are recorded at once; fewer wait for a moment.

    """

    def __init__(self, work: Work, changed: asyncio.Event, *, enough: int) -> None:
        self._work, self._changed, self._enough = work, changed, enough
        self.running: dict[str, asyncio.Task[tuple[Wake, Verdict]]] = {}
        self._wakes: dict[str, Wake] = {}
        self.ahead: list[Wake] = []
        self.ended: list[tuple[Wake, Verdict]] = []

    def busy(self) -> list[Wake]:
        return [*self._wakes.values(), *self.ahead, *(wake for wake, _ in self.ended)]

    def start(self, count: int) -> None:
        now, self.ahead = self.ahead[:count], self.ahead[count:]
        for wake in now:
            self._wakes[wake.work] = wake
            self.running[wake.work] = task = asyncio.create_task(self.one(wake))
            task.add_done_callback(partial(self._over, wake))

    def _over(self, wake: Wake, task: "asyncio.Task[tuple[Wake, Verdict]]") -> None:
        del self.running[wake.work], self._wakes[wake.work]
        if task.cancelled():
            self._changed.set()
            return
        self.ended.append(task.result())
        if len(self.ended) >= self._enough or not self.running:
            self._changed.set()
        elif len(self.ended) == 1:
            asyncio.get_running_loop().call_later(_LINGER, self._changed.set)

    async def abandon(self) -> None:
        """Break off what runs: it is another process's now."""
        tasks = list(self.running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def one(self, wake: Wake) -> tuple[Wake, Verdict]:
        """Run one piece of work; what raises here is ours to mend, so it is tried again and never dropped."""
        try:
            return wake, await self._work(wake)
        except Exception:
            log.exception("work %s failed in lane %s", wake.work, wake.lane)
            return wake, Again(_RAISED)
