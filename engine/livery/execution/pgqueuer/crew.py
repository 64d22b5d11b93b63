"""A worker: PgQueuer's manager over a repository that takes in turns, and ends under a fence."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain import models, types
from pgqueuer.domain.types import QueueExecutionMode
from pgqueuer.queries import Queries

from livery.execution.pgqueuer.line import Line
from livery.execution.pgqueuer.shift import Ends, Hands
from livery.execution.pgqueuer.statements import BEAT, CHANNEL, LEFT, TAKE
from livery.ports import Again, Load, Now, Verdict, Wake, Work

log = logging.getLogger("livery.execution")
_RAISED = timedelta(seconds=10)
_LOOK_AT_LEAST = timedelta(seconds=5)
"""Between two looks of a worker that nothing is told, so that another's retry is on time though it died."""
_LOOK_AT_MOST = timedelta(milliseconds=20)
_DRAINING = timedelta(milliseconds=250)
_BATCH = types.QueueEntrypoint("batch")


@dataclass(frozen=True, slots=True)
class Terms:
    """How a worker works: what it may do at once, whether it ends, and when it is taken for dead."""

    load: Load
    until_idle: bool
    patience: timedelta
    now: Now | None
    """A clock that is no real one; None for the server's."""


class Crew:
    """One worker's manager and its jobs."""

    def __init__(self, line: Line, work: Work, terms: Terms) -> None:
        self._work, self._terms = work, terms
        self.hands = Hands(terms.load.concurrency)
        self._queue = _Queue(driver=line)
        self._manager = _Manager(queries=self._queue, channel=types.Channel(CHANNEL))
        self._manager.min_dequeue_poll_interval = _LOOK_AT_MOST
        self._manager.register_executor(_BATCH, _Executor(self))
        self._numbers = count(1)
        self._batches: dict[types.JobId, set[int]] = {}
        self._queue.serve(self)
        self._line, self._ends = line, Ends(line, self._manager.queue_manager_id, terms.now)

    async def run(self) -> None:
        """Work until told to stop; or, on those terms, until nothing is due."""
        terms = self._terms
        timeout = _DRAINING if terms.until_idle else min(terms.patience / 2, _LOOK_AT_LEAST)
        await self._manager.run(
            dequeue_timeout=timeout,
            mode=QueueExecutionMode.drain if terms.until_idle else QueueExecutionMode.continuous,
            heartbeat_timeout=terms.patience,
            log_aggregation_interval=timedelta(),
        )

    def stop(self) -> None:
        """Take nothing new, and end with what runs."""
        self.hands.close()
        self._manager.shutdown.set()

    def arguments(self, want: int) -> tuple[object, ...]:
        """What `TAKE` is asked with."""
        load, now = self._terms.load, self._terms.now
        lanes = None if load.lanes is None else sorted(load.lanes)
        tenants = None if load.tenants is None else sorted(load.tenants)
        capped, narrow = sorted(load.by_lane), sorted({*load.by_destination, *load.share})
        widest = max([*load.by_destination.values(), *load.share.values()], default=None)
        return (
            self._manager.queue_manager_id, want, True, lanes, tenants, now() if now else None, self._terms.patience,
            capped, [load.by_lane[one] for one in capped],
            narrow, [load.by_destination.get(one) for one in narrow], [load.share.get(one) for one in narrow],
            None, widest,
        )  # fmt: skip

    @property
    def id(self) -> types.QueueManagerId:
        return self._manager.queue_manager_id

    def answer(self, probe: types.HealthCheckId) -> None:
        """The manager asks whether it is told of changes; the line looks after itself."""
        now = models.utc_now()
        event = models.HealthCheckEvent(
            channel=types.Channel(CHANNEL), sent_at=now, type="health_check_event", id=probe
        )
        self._manager.pending_health_check[probe].set_result(event)

    def left(self) -> tuple[object, ...]:
        """What `LEFT` is asked with."""
        load, now = self._terms.load, self._terms.now
        return (
            None if load.lanes is None else sorted(load.lanes),
            None if load.tenants is None else sorted(load.tenants),
            now() if now else None,
        )

    def batch(self, rows: Sequence[Mapping[str, Any]]) -> list[models.Job]:
        """Rows that were taken, as one job that the manager runs; without those that run here already."""
        taken = [
            (
                row["job"],
                Wake(row["work"], row["lane"], row["due"], row["priority"], row["tenant"], row["destination"]),
            )
            for row in rows
            if self.hands.hold(row["job"], row["crashes"])
        ]
        if not taken:
            return []
        now, number = models.utc_now(), types.JobId(next(self._numbers))
        self._batches[number] = {job for job, _ in taken}
        job = _Batch.model_construct(
            id=number, entrypoint=_BATCH, attempts=0, headers=None, priority=0, created=now, updated=now,
            heartbeat=now, execute_after=now, status="picked", payload=None, queue_manager_id=self.id, taken=taken,
        )  # fmt: skip
        return [job]

    def alive(self, numbers: Iterable[types.JobId]) -> list[int]:
        """What of these batches has not ended."""
        return [job for number in set(numbers) for job in self._batches.get(number, ())]

    async def every(self, number: types.JobId, taken: Sequence[tuple[int, Wake]]) -> None:
        """Run what was taken together; each ends by itself."""
        alive = self._batches[number]

        async def run(job: int, wake: Wake) -> None:
            try:
                await self.one(job, wake)
            finally:
                alive.discard(job)

        running = [asyncio.create_task(run(job, wake)) for job, wake in taken]
        try:
            ends = await asyncio.gather(*running, return_exceptions=True)
        finally:
            del self._batches[number]
        for (_, wake), end in zip(taken, ends, strict=True):
            if isinstance(end, Exception):
                log.error("the end of work %s could not be recorded", wake.work, exc_info=end)

    async def one(self, job: int, wake: Wake) -> None:
        """Run one job; what raises here is ours to mend, so it is tried again and never dropped."""
        verdict: Verdict = Again(_RAISED)
        try:
            await self.hands.begin(job)
            try:
                verdict = await self._work(wake)
            except Exception:
                log.exception("work %s failed in lane %s", wake.work, wake.lane)
        finally:
            self.hands.end(job)
        await self._ends.record(job, verdict)
        if isinstance(verdict, Again) and verdict.after < _LOOK_AT_LEAST:
            # The next look may be later than that: nobody is told of a retry.
            after = max(verdict.after.total_seconds(), 0) + _LOOK_AT_MOST.total_seconds()
            asyncio.get_running_loop().call_later(after, self._line.poke)
        if self._queue.is_crowded or self._terms.until_idle:
            self._line.poke()


class _Batch(models.Job):
    """What the manager knows as one job: it costs a task, a heartbeat and a line in its log, each time."""

    taken: list[tuple[int, Wake]]


class _Manager(QueueManager):
    async def verify_structure(self) -> None:
        """Our migration made the tables, and our statements use no other."""


async def _nothing(_: models.Job) -> None: ...


class _Executor(AbstractEntrypointExecutor):
    """Runs batches."""

    def __init__(self, crew: Crew) -> None:
        super().__init__(EntrypointExecutorParameters(concurrency_limit=0, func=_nothing))
        self._crew = crew

    async def execute(self, job: models.Job, context: models.Context) -> None:
        del context
        assert isinstance(job, _Batch), "the queue makes no other"
        await self._crew.every(job.id, job.taken)


class _Queue(Queries):
    """PgQueuer's repository, as far as its manager asks it for anything."""

    is_crowded = False
    """Something was due and had no room."""

    def serve(self, crew: Crew) -> None:
        self._crew, self._later = crew, timedelta()

    async def dequeue(self, *_: object, **__: object) -> list[models.Job]:
        want = await self._crew.hands.room()
        if not want:
            return []
        self._line.looked()
        rows = await self._line.fetch(TAKE, *self._crew.arguments(want))
        if rows and rows[-1]["job"] is None:
            end: Any = rows.pop()
            self._later = _LOOK_AT_LEAST if end["later"] is None else timedelta(seconds=max(end["later"], 0.0))
            self.is_crowded = end["crashes"] == 1
        return self._crew.batch(rows)

    async def next_deferred_eta(self, _: object) -> timedelta:
        return self._later

    async def eligible_queued_work(self, _: object) -> int:
        return 0  # the manager asks right after `dequeue`, which told when to look again

    async def queued_work(self, _: object) -> int:
        (row,) = await self._line.fetch(LEFT, *self._crew.left())
        return int(str(row["count"]))

    async def update_heartbeat(self, job_ids: list[types.JobId]) -> None:
        await self._line.fetch(BEAT, self._crew.id, self._crew.alive(job_ids))

    async def log_jobs(self, _: object) -> None:
        """Ends are recorded where they are known to be this worker's, before the manager hears of them."""

    async def notify_health_check(self, health_check_event_id: types.HealthCheckId) -> None:
        self._crew.answer(health_check_event_id)

    @property
    def _line(self) -> Line:
        assert isinstance(self.driver, Line), "Crew gives it one"
        return self.driver
