"""Intake: events that arrive at the same time are stored together, with one commit and one wait for the disk.

While one group is being stored the next one gathers, so nobody waits for a timer: alone, an event is stored at once.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from livery.engine import Engine
from livery.errors import StoreError
from livery.ports import Receipt

Raw = bytes | dict[str, Any]
_MOST = 500


@dataclass(eq=False)
class _Asked:
    """Events that are accepted together or not at all, and who waits for the receipts."""

    events: Sequence[Raw]
    within: str | None
    answer: "asyncio.Future[list[Receipt]]"


@dataclass
class _Queue:
    """What waits in one event loop."""

    waiting: list[_Asked] = field(default_factory=list)
    is_served: bool = False


class Intake:
    """Accepts events of many requests, group by group, in a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool: ThreadPoolExecutor | None = None
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = WeakKeyDictionary()

    async def accept(self, events: Sequence[Raw], within: str | None) -> list[Receipt]:
        """Accept events: all of them, or none.

        Args:
            events: JSON bytes or plain data.
            within: the tenant somebody acts for; sellers that are neither it nor below it do not exist.

        Raises:
            LiveryError: what `Engine.accept` raises.

        """
        loop = asyncio.get_running_loop()
        queue = self._queues.setdefault(loop, _Queue())
        asked = _Asked(events, within, loop.create_future())
        queue.waiting.append(asked)
        if not queue.is_served:
            queue.is_served = True
            self._task = loop.create_task(self._serve(loop, queue))
        return await asked.answer

    async def _serve(self, loop: asyncio.AbstractEventLoop, queue: _Queue) -> None:
        try:
            while queue.waiting:
                group, queue.waiting = queue.waiting[:_MOST], queue.waiting[_MOST:]
                await self._serve_group(loop, group)
        finally:
            queue.is_served = False
            for asked in queue.waiting:  # there are some only if this was cancelled: the service ends
                asked.answer.cancel()
            queue.waiting = []

    async def _serve_group(self, loop: asyncio.AbstractEventLoop, group: Sequence[_Asked]) -> None:
        """Whatever happens, nobody is left waiting."""
        said = "the service was stopped, and the event may be stored or not: send it again"
        answers: list[list[Receipt] | Exception] = [StoreError(said)] * len(group)
        try:
            answers = await loop.run_in_executor(self._thread(), self._accepted, group)
        except Exception as error:  # noqa: BLE001 - each of them is told
            answers = [error] * len(group)
        finally:
            for asked, one in zip(group, answers, strict=True):
                if asked.answer.done():
                    continue  # who asked went away; the event is stored all the same
                if isinstance(one, Exception):
                    asked.answer.set_exception(one)
                else:
                    asked.answer.set_result(one)

    def _accepted(self, group: Sequence[_Asked]) -> list[list[Receipt] | Exception]:
        try:
            return list(self._engine.accept_groups([(one.events, one.within) for one in group]))
        except Exception as error:  # noqa: BLE001 - each of them has to be told
            return [error] * len(group)

    def _thread(self) -> ThreadPoolExecutor:
        """The thread; a new one after `close`."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="livery-intake")
        return self._pool

    def close(self) -> None:
        """End the thread, after what it is doing. It begins anew if more comes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)
