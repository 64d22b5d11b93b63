"""Every error Livery raises on purpose.

LiveryError
├── ConfigError          a setting in livery.toml or LIVERY_* is wrong
│   └── NoKey            a secret is to be stored, and no key is configured to keep it with
├── EventError           an event was refused at the border; nothing was stored
│   ├── UnknownEventType
│   └── UnknownSeller
├── EventConflict        the same (seller, source, id) came before with another body
├── Backlogged           too much work waits already; nothing was stored
├── PackError            a template pack is wrong, with file, line and the way to mend it
├── PluginError          a plugin misuses a hook, or two plugins claim one name
├── DirectoryUnavailable the host's directory of people did not answer; an event waits until it does
├── InputError           something given to a call or in a file is wrong
├── Refused              a change would break something that hangs on what is changed
├── SettingsError        a change of settings was refused; nothing was stored
│   ├── SettingsLocked   a level above has locked what was to be changed
│   └── SettingsConflict somebody else changed it in between
├── NotFound             no such delivery, tenant, pack, channel or locale
└── StoreError           the store could not do what was asked
    ├── StoreAway        its server cannot be reached
    └── StoreFull        no room left on the disk
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN, _PATH = 80, 200
_LISTED = 20


def shown(value: object) -> str:
    """`value` as an error message shows it: its repr, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (a field path), what was expected there, and what came."""

    path: str
    expected: str
    came: str = ""

    def __str__(self) -> str:
        came = f", got {self.came}" if self.came else ""
        # The keys in a path are the sender's own words: nothing in them may move a cursor or fill a screen.
        path = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in self.path[:_PATH])
        return f"{path}: expected {self.expected}{came}"


class LiveryError(Exception):
    """Base of every error Livery raises on purpose."""


class _Problems(LiveryError):
    """An error with one line for each problem found; `problems` has all of them, the text the first 20."""

    def __init__(self, summary: str, problems: Sequence[Problem] = ()) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        lines = [f"  {problem}" for problem in self.problems[:_LISTED]]
        if len(self.problems) > _LISTED:
            lines.append(f"  … and {len(self.problems) - _LISTED} more")
        super().__init__("\n".join([summary, *lines]))


class ConfigError(_Problems):
    """A setting is wrong: says which, what is expected, and where it was read."""


class NoKey(ConfigError):
    """A secret is to be stored, and `secret_keys` holds no key to keep it with. Nothing was stored."""


class EventError(_Problems):
    """An event was refused at the border: says every field that is wrong. Nothing was stored.

    `at` says which of the events that came together, counted from 0.
    """

    at: int = 0


class UnknownEventType(EventError):
    """No plugin registered this event type."""


class UnknownSeller(EventError):
    """The event names a seller that is no tenant, neither of livery.toml nor of the store."""


class EventConflict(LiveryError):
    """The same seller, source and id were accepted before with another body; the first one stands."""


class Backlogged(LiveryError):
    """More work waits than `max_backlog` allows. Nothing was stored; send the event again later."""


class PackError(LiveryError):
    """A template pack is wrong: `file`, `line` and `column` (1-based, 0 if the whole file) and what to do.

    `findings` holds everything that was found wrong, each a `livery.packs.findings.Finding`; it may be empty.
    """

    def __init__(
        self,
        message: str,
        *,
        pack: str = "",
        file: str = "",
        line: int = 0,
        column: int = 0,
        findings: Sequence[Any] = (),
    ) -> None:
        self.pack, self.file, self.line, self.column = pack, file, line, column
        self.findings = tuple(findings)
        place = ":".join(str(part) for part in (file, line, column) if part)
        where = " ".join(part for part in (f"pack {pack!r}" if pack else "", place) if part)
        super().__init__(f"{where}: {message}" if where else message)


class PluginError(LiveryError):
    """A plugin misuses a hook, or two plugins claim one name; names the distributions."""


class DirectoryUnavailable(LiveryError):
    """The host's directory of people failed or took too long. An accepted event waits; explaining it fails."""


class InputError(_Problems):
    """Something given to a call, or in a file given to one, is wrong: says each. Nothing was changed."""


class Refused(_Problems):
    """A change would break something that hangs on what is changed: says what, and what to do first."""


class SettingsError(_Problems):
    """A change of settings was refused: says every value that is wrong. Nothing was stored."""


class SettingsLocked(SettingsError):
    """A level above has locked what was to be changed: says which, and who locked it."""


class SettingsConflict(SettingsError):
    """Somebody else changed it since it was read; `changes` has theirs, each a `livery.settings.changes.Change`."""

    def __init__(self, summary: str, problems: Sequence[Problem] = (), changes: Sequence[Any] = ()) -> None:
        super().__init__(summary, problems)
        self.changes = tuple(changes)


class NotFound(LiveryError):
    """What was asked for does not exist here."""


class StoreError(LiveryError):
    """The store could not do what was asked; what had been stored stays stored."""


class StoreAway(StoreError):
    """The store's server cannot be reached, or takes nobody in now. Try again later."""


class StoreFull(StoreError):
    """No room left for the store; nothing of the event was written. Free space and try again."""
