"""Kept: what was read of a store, good for as long as the revision of its kind stays the same."""

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
_MOST = 50_000


class Kept(Generic[K, V]):
    """Safe from any thread.

    Args:
        most: how many answers are kept.
        seconds: how long one is, whatever the revision says; for as long as that stays the same if not given.

    """

    def __init__(self, most: int = _MOST, *, seconds: float = float("inf")) -> None:
        self._most, self._seconds = most, seconds
        self._lock = Lock()
        self._revision: int | None = None
        self._known: dict[K, tuple[float, V]] = {}

    def all(self, revision: int, keys: Iterable[K], read: Callable[[list[K]], Mapping[K, V]]) -> dict[K, V]:
        """The answers to these keys; `read`, which answers every key, is called once with those that are not known.

        Args:
            revision: the store's, asked for before this call.
            keys: what is asked.
            read: asks the store.

        """
        now, found, missing = monotonic(), dict[K, V](), list[K]()
        with self._lock:
            if revision != self._revision:
                self._known.clear()
                self._revision = revision
            for key in keys:
                kept = self._known.get(key)
                if kept is None or now - kept[0] > self._seconds:
                    missing.append(key)
                else:
                    found[key] = kept[1]
        if missing:
            new = read(missing)
            found.update(new)
            with self._lock:
                # What was read before somebody else saw a newer revision may be older than that.
                if revision == self._revision:
                    if len(self._known) + len(new) > self._most:
                        self._known.clear()
                    self._known.update((key, (now, value)) for key, value in new.items())
        return found
