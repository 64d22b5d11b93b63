"""Noticing edits: the state of files by their times and sizes. Polled, since it works on every disk and share."""

import os
from collections.abc import Iterable
from pathlib import Path

_MAX_FILES = 20_000
_PASSED_OVER = ("__pycache__", "node_modules")

State = dict[str, tuple[int, int]]
"""By path: when a file was changed (nanoseconds), and its size."""


def state_of(places: Iterable[Path]) -> State:
    """The state of every file in these folders, and of these files; what is not there has none.

    Hidden files are passed over: editors keep theirs beside the ones they edit.
    """
    state: State = {}
    waiting = [str(place) for place in places]
    while waiting and len(state) < _MAX_FILES:
        at = waiting.pop()
        try:
            if os.path.isdir(at):  # noqa: PTH112 - many times a second for thousands of files
                waiting += [entry.path for entry in os.scandir(at) if not _is_passed_over(entry.name)]
            else:
                found = os.stat(at)  # noqa: PTH116 - as above
                state[at] = (found.st_mtime_ns, found.st_size)
        except OSError:
            continue  # gone between two looks
    return state


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.endswith("~") or name in _PASSED_OVER
