"""One thread for the store, so that a slow disk holds up no send. What comes while it is busy is written together.

What is asked for in one turn of the loop comes together, too.

Fifty deliveries under way then cost the disk one commit and not fifty, and what is wanted for each of them alike is
done for all of them at once. Only the flow uses it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from livery.errors import StoreError

log = logging.getLogger("livery.flow")
_T = TypeVar("_T")
_A = TypeVar("_A")
_MOST = 500
_Many = Callable[[Sequence[Any]], Sequence[Any]]
_End = tuple[Any, BaseException | None]


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be done with `item` and with those of other jobs, and who waits for it."""

    many: _Many
    item: Any
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Clerk:
    """Does jobs in the order they come, but for those that are alike.

    Args:
        together: see `livery.ports.Store.together`.

    """

    def __init__(self, together: Callable[..., AbstractContextManager[Any]]) -> None:
        self._together = together
        self._jobs: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._waiting: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def do(self, job: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Do a job; what it wrote is committed when its result is there."""
        return self.do_alike(_each, job)

    def do_alike(self, many: Callable[[Sequence[_A]], Sequence[_T]], item: _A) -> "asyncio.Future[_T]":
        """Do for an item what `many` does for several at once, with what else waits for the same.

        Args:
            many: gives a result for each item, in order. Does it raise, it is called anew for each of them alone.
            item: one of them.

        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        job = _Job(many, item, loop, future)
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="livery-store", daemon=True)
                thread.start()
                self._thread = thread
            if waiting := self._waiting.get(loop):
                waiting.append(job)
            else:
                self._waiting[loop] = [job]
                loop.call_soon(self._hand_over, loop)
        return future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if jobs := self._waiting.pop(loop, None):
                self._jobs.put(jobs)

    def close(self) -> None:
        """End the thread, after what was asked of it."""
        with self._lock:
            thread, self._thread = self._thread, None
            waiting, self._waiting = self._waiting, {}
            for jobs in waiting.values():
                self._jobs.put(jobs)
            if thread is not None:
                self._jobs.put(None)
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            first = self._jobs.get()
            if first is None:
                return
            jobs, is_last = [*first], False
            with suppress(Empty):
                while len(jobs) < _MOST and not is_last:
                    more = self._jobs.get_nowait()
                    if more is None:
                        is_last = True
                    else:
                        jobs += more
            _tell(jobs, self._done(jobs))
            if is_last:
                return

    def _done(self, jobs: Sequence[_Job]) -> Sequence[_End]:
        alike: dict[_Many, list[int]] = {}
        for number, job in enumerate(jobs):
            alike.setdefault(job.many, []).append(number)
        if len(jobs) > 1 and len(alike) == 1 and _each not in alike:  # one transaction by itself
            with suppress(BaseException):
                return [(result, None) for result in jobs[0].many([job.item for job in jobs])]
        elif len(jobs) > 1:
            # First as if nothing could fail. Does something, nothing was written and all is done anew, each kind with a
            # savepoint of its own; and does the store fail one of them then, one by one.
            for apart in (False, True):
                with suppress(BaseException), self._together(apart=apart):
                    ends: dict[int, _End] = {}
                    for many, numbers in alike.items():
                        ends |= zip(numbers, _ends(many, [jobs[number].item for number in numbers]), strict=True)
                    return [ends[number] for number in range(len(jobs))]
                log.debug("%s jobs could not be done together; apart: %s", len(jobs), apart)
        return [_end(job.many, job.item) for job in jobs]


def _each(jobs: Sequence[Callable[[], Any]]) -> Sequence[Any]:
    (job,) = jobs
    return [job()]


def _ends(many: _Many, items: Sequence[Any]) -> Sequence[_End]:
    """What comes of these within a transaction. Is the store at fault, that is raised at once.

    SQLite ends a transaction by itself when its disk is full: what came after that would be written for good.
    """
    if many is not _each and len(items) > 1:
        try:
            return [(result, None) for result in many(items)]
        except StoreError:
            raise
        except BaseException:
            log.debug("%s failed for %s at once", many, len(items), exc_info=True)
    ends = []
    for item in items:
        ends.append(_end(many, item))
        if isinstance(ends[-1][1], StoreError):
            raise ends[-1][1]
    return ends


def _end(many: _Many, item: Any) -> _End:
    try:
        return many([item])[0], None
    except BaseException as error:  # noqa: BLE001 - whoever asked is told; it ends neither this thread nor their loop
        is_carried = isinstance(error, Exception) and not isinstance(error, StopIteration)
        return None, error if is_carried else _told(error)


def _told(error: BaseException) -> Exception:
    """What no future carries, or no task survives, as what both do."""
    told = RuntimeError(f"{type(error).__name__}: {error}")
    told.__cause__ = error
    return told


def _tell(jobs: Sequence[_Job], ends: Sequence[_End]) -> None:
    def tell(loop: asyncio.AbstractEventLoop) -> None:
        for job, (result, error) in zip(jobs, ends, strict=True):
            if job.loop is loop and not job.future.done():
                if error is None:
                    job.future.set_result(result)
                else:
                    job.future.set_exception(error)

    for loop in {job.loop for job in jobs}:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(tell, loop)
