"""One thread for the store, so that a slow disk holds up no send. What comes while it is busy is written together.

Twenty deliveries under way then cost the disk one commit and not twenty. Only the flow uses it.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from livery.errors import StoreError

_T = TypeVar("_T")
_MOST = 50
_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]
_End = tuple[Any, BaseException | None]


class Clerk:
    """Does jobs in the order they come.

    Args:
        together: gives a context in which all that this thread writes is one transaction.

    """

    def __init__(self, together: Callable[[], AbstractContextManager[Any]]) -> None:
        self._together = together
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def do(self, job: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Do a job; what it wrote is committed when its result is there."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="livery-store", daemon=True)
                self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        self._jobs.put((job, loop, future))
        return future

    def close(self) -> None:
        """End the thread, after what was asked of it."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join()

    def _work(self) -> None:
        while True:
            first = self._jobs.get()
            if first is None:
                return
            jobs = [first]
            is_last = False
            with suppress(Empty):
                while len(jobs) < _MOST and not is_last:
                    more = self._jobs.get_nowait()
                    if more is None:
                        is_last = True
                    else:
                        jobs.append(more)
            _tell(jobs, self._done([job for job, _, _ in jobs]))
            if is_last:
                return

    def _done(self, jobs: Sequence[Callable[[], Any]]) -> list[_End]:
        if len(jobs) > 1:
            # Does the store fail one of them, nothing of the others is written either: then one by one.
            with suppress(Exception), self._together():
                ends = [_end(job) for job in jobs]
                if failed := next((error for _, error in ends if isinstance(error, StoreError)), None):
                    raise failed
                return ends
        return [_end(job) for job in jobs]


def _end(job: Callable[[], Any]) -> _End:
    try:
        return job(), None
    except BaseException as error:  # noqa: BLE001 - whoever asked is told
        return None, error


def _tell(jobs: Sequence[_Job], ends: Sequence[_End]) -> None:
    def tell(loop: asyncio.AbstractEventLoop) -> None:
        for (_, mine, future), (result, error) in zip(jobs, ends, strict=True):
            if mine is loop and not future.done():
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)

    for loop in {loop for _, loop, _ in jobs}:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(tell, loop)
