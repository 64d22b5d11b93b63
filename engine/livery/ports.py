"""What the flow needs from outside, declared by who uses it: a clock, a store (the ledger), an execution engine.

The ledger decides, the engine wakes. The ledger's delivery and attempt rows are the truth; the
execution engine only carries "this work is due" and calls back, on whatever machine.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from livery.models.audience import Audience, Endpoint
from livery.models.delivery import Attempt, Delivery, Reason, State
from livery.models.message import Envelope, Message

PLAN = "plan"
"""The lane of events whose deliveries are yet to be planned; every other lane is a channel."""

Now = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to `accept`: the event is stored and will be worked off, or was before."""

    event_id: str
    duplicate: bool
    deliveries: tuple[str, ...] = ()
    """Ids of the deliveries made for it; none for a duplicate, or where planning had to wait."""
    unreachable: bool = False
    """Somebody should be told, and no person can be: an alarm was raised."""


@dataclass(frozen=True, slots=True)
class Wake:
    """All an execution engine ever stores: which work is due when."""

    work: str
    lane: str
    due: datetime
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """The work needs no more waking."""


@dataclass(frozen=True, slots=True)
class Again:
    """Wake it again after this long."""

    after: timedelta


Verdict = Done | Again


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as accepted: its exact canonical bytes."""

    key: str
    tenant: str
    body: bytes
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """A delivery about to be created. `unique` makes planning the same event twice add nothing."""

    delivery: Delivery
    unique: str
    envelope: Envelope
    endpoint: Endpoint | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery leased to this worker. Writing under a stale `fence` changes nothing."""

    delivery: Delivery
    envelope: Envelope
    endpoint: Endpoint | None
    fence: int
    wire: bytes | None
    settled: Mapping[str, str]
    """Addresses the far side has answered for good, `accepted` or `failed`; not written to again."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of an attempt as the ledger records it."""

    attempt: Attempt
    state: State
    reason: Reason | None
    due: datetime
    settled: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """Which deliveries to list; newest first."""

    tenant: str | None = None
    state: State | None = None
    channel: str | None = None
    event_id: str | None = None
    event_ids: tuple[str, ...] | None = None
    id_prefix: str = ""
    limit: int = 100


class Store(Protocol):
    """The ledger. Every method is one transaction unless given one; all are safe from any thread."""

    def transaction(self, connection: Any = None) -> AbstractContextManager[Any]:
        """A write transaction; with the host's own `connection`, part of the host's."""
        ...

    def add_event(
        self, tx: Any, *, key: tuple[str, str, str], kind: str, body: bytes, now: datetime
    ) -> tuple[str, bool]:
        """Store an event: its store key, and whether it was there before.

        Raises:
            EventConflict: the same key came before with another body.

        """
        ...

    def add_plans(self, tx: Any, event: str, plans: Sequence[Plan], audience: Audience) -> list[Wake]:
        """Create the deliveries of an event and mark it planned; those that exist already are left alone."""
        ...

    def event(self, key: str) -> StoredEvent | None: ...

    def claim(self, delivery: str, *, now: datetime, lease: timedelta) -> Claim | None:
        """Lease an open delivery and count the attempt before the work; None if it is settled or leased."""
        ...

    def keep_wire(self, claim: Claim, wire: bytes, message: Message, trace: dict[str, Any]) -> bool:
        """Store the bytes about to be sent; False if the fence is stale, and then they must not be sent."""
        ...

    def settle(self, claim: Claim, settlement: Settlement) -> bool:
        """Record an attempt and where the delivery stands now; False if the fence is stale."""
        ...

    def release_abandoned(self) -> list[str]:
        """End every lease: called by who has proof that no other worker is alive.

        Returns the deliveries whose worker died with them for at least the second time: one of them may be
        why, so they are to be worked on alone, where the others cannot be taken down with it.
        """
        ...

    def deliveries(self, query: Query) -> list[Delivery]: ...
    def attempts(self, delivery: str) -> list[Attempt]: ...
    def wire(self, delivery: str) -> bytes | None: ...
    def counts(self) -> dict[str, int]: ...
    def close(self) -> None: ...


Work = Callable[[Wake], Awaitable[Verdict]]


class Execution(Protocol):
    """Carries wakes to workers. `put` joins the transaction it is given."""

    def put(self, tx: Any, wakes: Sequence[Wake]) -> None: ...

    def nudge(self) -> None:
        """Something was put and committed by this process: look now."""
        ...

    async def run(self, work: Work, *, until_idle: bool, concurrency: int) -> None:
        """Call `work` for what is due; for ever, or until nothing is due and nothing runs."""
        ...
