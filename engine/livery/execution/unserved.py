"""What stands for an execution engine on a database that none of this version works on: it refuses events.

Settings, tenants, the directory and what hangs on them are kept there all the same.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from livery.errors import ConfigError, Problem
from livery.ports import Depth, Load, Wake, Work


class Unserved:
    """`livery.ports.Execution` that takes nothing, so that nothing is accepted which nobody would deliver."""

    traits: frozenset[str] = frozenset()

    def put(self, tx: Any, wakes: Sequence[Wake]) -> int:
        del tx, wakes
        raise _refusal()

    def cancel(self, tx: Any, works: Sequence[str]) -> None: ...

    def hold(self, tx: Any, destination: str, until: datetime) -> None: ...

    def nudge(self) -> None: ...

    def waiting(self) -> int:
        raise _refusal()

    def depths(self) -> list[Depth]:
        return []

    async def run(self, work: Work, *, until_idle: bool, load: Load) -> None:
        del work, until_idle, load
        raise _refusal()


def _refusal() -> ConfigError:
    expected = "sqlite:/// and the path of a file: this version accepts and delivers events on SQLite alone"
    return ConfigError("nothing was accepted or sent:", [Problem("database_url", expected)])
