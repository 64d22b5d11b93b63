"""Intake: events that arrive at the same time are stored together, with one commit and one wait for the disk.

While one group is being stored the next one gathers, so nobody waits for a timer: alone, an event is stored at once.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from livery.engine import Engine
from livery.errors import StoreError
from livery.ports import Receipt

Raw = bytes | dict[str, Any]
_MOST = 500


@dataclass(eq=False, slots=True)
class _Asked:
    """Events that are accepted together or not at all, and who waits for the receipts."""

    events: Sequence[Raw]
    within: str | None
    answer: "asyncio.Future[list[Receipt]]"


class Intake:
    """Accepts events of many requests, group by group, in a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._waiting: list[_Asked] = []
        self._is_served = False

    async def accept(self, events: Sequence[Raw], within: str | None) -> list[Receipt]:
        """Accept events: all of them, or none.

        Args:
            events: JSON bytes or plain data.
            within: the tenant somebody acts for; sellers that are neither it nor below it do not exist.

        Raises:
            LiveryError: what `Engine.accept` raises.

        """
        asked = _Asked(events, within, asyncio.get_running_loop().create_future())
        with self._lock:
            self._waiting.append(asked)
            is_served, self._is_served = self._is_served, True
        if not is_served:
            try:
                self._thread().submit(self._serve)
            except Exception as error:  # noqa: BLE001 - each of them is told
                while group := self._next_group():
                    _tell(group, [error] * len(group))
        return await asked.answer

    def _serve(self) -> None:
        """In the thread, until nobody waits. Whatever happens, nobody is left waiting."""
        while group := self._next_group():
            answers: Sequence[list[Receipt] | Exception]
            try:
                answers = self._engine.accept_groups([(one.events, one.within) for one in group])
            except Exception as error:  # noqa: BLE001 - each of them is told
                answers = [error] * len(group)
            except BaseException:  # noqa: BLE001 - what would end the thread ends nobody's waiting
                said = "the service was stopped, and the event may be stored or not: send it again"
                answers = [StoreError(said)] * len(group)
            _tell(group, answers)

    def _next_group(self) -> list[_Asked]:
        """Those who waited longest. After an empty one the next who asks has to see to it that they are served."""
        with self._lock:
            group = self._waiting[:_MOST]
            del self._waiting[:_MOST]
            self._is_served = bool(group)
            return group

    def _thread(self) -> ThreadPoolExecutor:
        """The thread; a new one after `close`."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="livery-intake")
        return self._pool

    def close(self) -> None:
        """End the thread, after those who wait were served. It begins anew if more come."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)


def _tell(group: Sequence[_Asked], answers: Sequence[list[Receipt] | Exception]) -> None:
    """Each in the loop it waits in, and all that wait in one with one call."""
    mine: dict[asyncio.AbstractEventLoop, list[tuple[_Asked, list[Receipt] | Exception]]] = {}
    for asked, answer in zip(group, answers, strict=True):
        mine.setdefault(asked.answer.get_loop(), []).append((asked, answer))
    for loop, pairs in mine.items():
        with suppress(RuntimeError):  # the loop has ended, and with it all who waited there
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: Sequence[tuple[_Asked, list[Receipt] | Exception]]) -> None:
    for asked, answer in pairs:
        if asked.answer.done():
            continue  # who asked went away; the event is stored all the same
        if isinstance(answer, Exception):
            asked.answer.set_exception(answer)
        else:
            asked.answer.set_result(answer)
