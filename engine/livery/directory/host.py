"""The host's directory: asked by a hook, for all selectors of an event at once; within a time, and not over again.

What a host's directory does wrong is never passed over: the event waits until it answers.
"""

import contextvars
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TimedOut
from threading import BoundedSemaphore, Lock, Thread
from time import monotonic
from typing import Any

from livery.errors import DirectoryUnavailable, shown
from livery.hooks import Hooks
from livery.locales import one_line
from livery.models.audience import Recipient
from livery.models.event import Event
from livery.models.tenant import Chain
from livery.policies import DirectoryPolicy

log = logging.getLogger("livery.directory")
HOOK = "livery_directory"
_THREADS = 8
"""Calls that may be under way at once; one that never ends holds one for as long as it lasts."""
_SAID = 200
_Key = tuple[str, str, str, str]
_People = tuple[Recipient, ...]


class HostDirectory:
    """Asks the hook `livery_directory`. Safe from any thread.

    After a call that failed or came too late, nobody is asked for a while (`rest_seconds`): what comes in meanwhile
    is not held up, and a directory in trouble is left in peace.
    """

    def __init__(self, hooks: Hooks, policy: DirectoryPolicy) -> None:
        self._hooks, self._policy = hooks, policy
        self._lock = Lock()
        self._kept: OrderedDict[_Key, tuple[float, _People | None]] = OrderedDict()
        self._free = BoundedSemaphore(_THREADS)
        self._rests_until = 0.0
        self._why = ""

    def ask(self, selectors: Sequence[str], event: Event, chain: Chain) -> dict[str, _People]:
        """What the host says of these selectors; those it does not know are not in it.

        Raises:
            DirectoryUnavailable: it raised, answered nonsense, or took too long; or it did so just now.

        """
        asked = self._hooks.implementations(HOOK)
        if not asked or not selectors:
            return {}
        found, missing = self._remembered(selectors, event)
        for plugin, function, wanted in asked:
            if not missing:
                break
            given = {"selectors": tuple(missing), "customer": event.data.customer, "user": event.data.user}
            given["chain"] = chain
            answer = self._called(plugin, function, {name: given[name] for name in wanted}, event)
            found |= {one: people for one, people in answer.items() if one in missing}
            missing = [one for one in missing if one not in answer]
        self._remember(selectors, event, found)
        return {one: people for one, people in found.items() if people is not None}

    def _called(self, plugin: str, function: Any, arguments: dict[str, Any], event: Event) -> dict[str, _People]:
        if monotonic() < self._rests_until:
            raise DirectoryUnavailable(f"{self._why}; it is asked again in a while")
        if not self._free.acquire(blocking=False):
            raise self._failed(plugin, f"does not answer: {_THREADS} calls are still under way", event)
        deadline = self._policy.deadline_seconds
        call = self._submit(function, arguments)
        try:
            error = call.exception(deadline)
        except TimedOut:
            raise self._failed(plugin, f"did not answer within {deadline:g} s", event) from None
        if error is not None:
            log.debug("plugin %s raised in %s", plugin, HOOK, exc_info=error)
            said = one_line(f"raised {type(error).__name__}: {error}", _SAID).removesuffix(": ").removesuffix(":")
            raise self._failed(plugin, said, event) from error
        try:
            return _read(call.result())
        except (TypeError, ValueError) as error:
            raise self._failed(plugin, f"answered something else than recipients by selector: {error}", event) from None

    def _submit(self, function: Any, arguments: dict[str, Any]) -> "Future[Any]":
        """The call in a thread of its own, which holds up nobody: a call that never ends does not keep a host alive."""
        call: Future[Any] = Future()
        context = contextvars.copy_context()

        def run() -> None:
            try:
                call.set_result(context.run(function, **arguments))
            except BaseException as error:  # noqa: BLE001 - whatever a host's directory raises
                call.set_exception(error)
            finally:
                self._free.release()

        Thread(target=run, name="livery-directory", daemon=True).start()
        return call

    def _failed(self, plugin: str, what: str, event: Event) -> DirectoryUnavailable:
        self._why = f"the directory of plugin {plugin} {what}"
        self._rests_until = monotonic() + self._policy.rest_seconds
        self._hooks.alarm("directory", f"{self._why}; events wait until it answers", event)
        return DirectoryUnavailable(self._why)

    # ------------------------------------------------------------------ what was answered before

    def _remembered(self, selectors: Sequence[str], event: Event) -> tuple[dict[str, _People | None], list[str]]:
        now, found, missing = monotonic(), dict[str, _People | None](), list[str]()
        with self._lock:
            for one in selectors:
                kept = self._kept.get(_key(one, event))
                if kept is None or kept[0] < now:
                    missing.append(one)
                else:
                    found[one] = kept[1]
        return found, missing

    def _remember(self, selectors: Sequence[str], event: Event, found: Mapping[str, _People | None]) -> None:
        until = monotonic() + self._policy.cache_seconds
        if not self._policy.cache_seconds or not self._policy.cache_size:
            return
        with self._lock:
            for one in selectors:
                key = _key(one, event)
                if key not in self._kept or self._kept[key][0] < monotonic():
                    self._kept[key] = (until, found.get(one))
                    self._kept.move_to_end(key)
            while len(self._kept) > self._policy.cache_size:
                self._kept.popitem(last=False)


def _key(selector: str, event: Event) -> _Key:
    user = event.data.user
    return (selector, event.seller_id, event.data.customer.id, user.id if user else "")


def _read(answer: Any) -> dict[str, _People]:
    if answer is None:
        return {}
    if not isinstance(answer, Mapping):
        raise TypeError(f"a mapping was expected, got {shown(answer)}")
    read: dict[str, _People] = {}
    for selector, people in answer.items():
        if people is None:
            continue
        if isinstance(people, str | bytes | Mapping) or not isinstance(people, Sequence):
            raise TypeError(f"a list of Recipient was expected for {selector}, got {shown(people)}")
        for one in people:
            if not isinstance(one, Recipient):
                raise TypeError(f"a Recipient was expected for {selector}, got {shown(one)}")
        read[selector] = tuple(people)
    return read
