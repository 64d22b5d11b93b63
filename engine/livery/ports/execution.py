"""What an execution engine carries, and what every one of them promises."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from livery.models.delivery import Reason

PLAN = "plan"
"""The lane of events whose deliveries are yet to be planned; every other lane is a channel."""


@dataclass(frozen=True, slots=True)
class Wake:
    """All an execution engine ever stores: which work is due when, and whose share of the workers it takes."""

    work: str
    lane: str
    due: datetime
    priority: int = 0
    tenant: str = ""
    destination: str = ""
    """What is limited and held together: deliveries to one destination; empty for what has none."""


@dataclass(frozen=True, slots=True)
class Done:
    """The work needs no more waking."""


@dataclass(frozen=True, slots=True)
class Again:
    """Wake it again after this long. `counts`: whether an attempt was made; else it only had to wait."""

    after: timedelta
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """It was given up; the ledger has the record. The work needs no more waking."""

    reason: Reason


Verdict = Done | Again | Dead


Work = Callable[[Wake], Awaitable[Verdict]]

IN_HOST_TX = "in_host_tx"
"""A trait: `put` joins the host's own transaction."""
TAKEOVER = "takeover"
"""A trait: a dead worker's work is run by another without help."""
FAIR = "fair"
"""A trait: tenants and destinations get equal shares of the workers by themselves."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one `run` may do at once.

    Attributes:
        concurrency: pieces of work in all.
        lanes: the lanes to work on; None for all.
        tenants: the tenants to work for; None for all.
        by_lane: pieces of work of one lane, over all workers.
        by_destination: pieces of work for one destination of a lane, over all workers.
        share: pieces of work for one destination of a lane in one worker, so that none has all of it. A lane named
            neither here nor in `by_destination` has the largest of both.

    """

    concurrency: int = 50
    lanes: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    by_lane: Mapping[str, int] = field(default_factory=dict)
    by_destination: Mapping[str, int] = field(default_factory=dict)
    share: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Duty:
    """The part of the work that one worker is for.

    Attributes:
        concurrency: deliveries at once; the configuration's if None.
        channels: of these alone, besides the planning of events, which every worker does; None for all.
        tenants: for these sellers alone; None for all.

    """

    concurrency: int | None = None
    channels: frozenset[str] | None = None
    tenants: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """How much work of one lane waits."""

    lane: str
    waiting: int
    """In all, due or not."""
    due: int
    oldest: float
    """Seconds the oldest of what is due has been so; 0 if nothing is."""


class Execution(Protocol):
    """Carries wakes to workers, each at least once, not before it is due; higher priority first within a tenant.

    A wake stays until its work has said `Done` or `Dead`. What dies in between, or raises, is woken again.
    """

    traits: frozenset[str]

    def put(self, tx: Any, wakes: Sequence[Wake]) -> int:
        """Store wakes in the transaction given: how many are new; one whose work is stored already changes nothing."""
        ...

    def cancel(self, tx: Any, works: Sequence[str]) -> None:
        """Forget wakes, in the transaction given; those that run already run on."""
        ...

    def hold(self, tx: Any, destination: str, until: datetime) -> None:
        """Wake nothing for a destination before `until`; a moment past wakes all of it now.

        A service, no duty: what is woken all the same is told `Again` by the ledger.
        """
        ...

    def nudge(self) -> None:
        """Something was put and committed by this process: look now."""
        ...

    def waiting(self) -> int:
        """How many wakes are stored, due or not; may be some seconds old."""
        ...

    def due(self, works: Sequence[str]) -> Mapping[str, datetime]:
        """When each is woken, of those that are stored."""
        ...

    def depths(self) -> Sequence[Depth]:
        """How much work waits, by lane; counted now."""
        ...

    async def run(self, work: Work, *, until_idle: bool, load: Load) -> None:
        """Call `work` for what is due; for ever, or until nothing is due and nothing runs.

        Cancelled, it takes nothing new, lets what runs end for 25 seconds at most, and records it.
        """
        ...
