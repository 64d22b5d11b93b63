"""What the flow needs from outside, declared by who uses it: a clock, a store (the ledger), an execution engine.

The ledger decides, the engine wakes. The ledger's delivery and attempt rows are the truth; the
execution engine only carries "this work is due" and calls back, on whatever machine.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from livery.models.audience import Audience, Endpoint
from livery.models.delivery import Attempt, Delivery, Destination, Reason, State
from livery.models.message import Envelope, Message
from livery.models.tenant import TenantRow

PLAN = "plan"
"""The lane of events whose deliveries are yet to be planned; every other lane is a channel."""

Now = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


# --------------------------------------------------------------------------- values


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
    destination_failed: bool | None = None
    """What the attempt says about the destination: it failed, it answered, or (None) nothing."""
    disable: str = ""
    """Why the destination is to be disabled, if it is."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a settlement."""

    recorded: bool
    """False: the fence is stale, nothing was changed."""
    paused_until: datetime | None = None
    """The destination is paused until then, by this attempt."""
    resumed: bool = False
    """The destination was paused, and this attempt ended that."""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a destination that keeps failing is paused, and for how long."""

    failures: int = 5
    """Failed attempts in a row that pause it; 0 for never."""
    cool_down: timedelta = timedelta(seconds=30)
    """How long at first; doubled each time the probe after it fails."""
    longest: timedelta = timedelta(minutes=10)

    def pause(self, failures: int) -> timedelta:
        """How long the pause after so many failures in a row is."""
        times = min(max(failures - self.failures, 0), 20)
        return min(self.cool_down * float(2**times), self.longest)


@dataclass(frozen=True, slots=True)
class Query:
    """Which deliveries; newest first. Everything given must hold."""

    tenant: str | None = None
    state: State | None = None
    channel: str | None = None
    event_id: str | None = None
    event_ids: tuple[str, ...] | None = None
    destination: str | None = None
    """The key of a destination."""
    since: datetime | None = None
    """Created at or after."""
    until: datetime | None = None
    """Created before."""
    id_prefix: str = ""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Intervention:
    """Something a person did to deliveries or destinations by hand: who, when, what, why."""

    at: datetime
    actor: str
    action: str
    subject: str
    """The id of the delivery, or the key of the destination."""
    why: str = ""
    result: str = ""
    """What came of it: the id of the new delivery of a retry."""


# --------------------------------------------------------------------------- the store


class Store(Protocol):
    """The ledger. Every method is one transaction unless given one; all are safe from any thread."""

    def transaction(self, connection: Any = None) -> AbstractContextManager[Any]:
        """A write transaction; with the host's own `connection`, part of the host's."""
        ...

    def add_event(
        self, tx: Any, *, key: tuple[str, str, str], kind: str, body: bytes, digest: str, now: datetime
    ) -> tuple[str, bool]:
        """Store an event: its store key, and whether it was there before.

        Args:
            tx: the transaction to join.
            key: seller, source and id.
            kind: the event type.
            body: the bytes to give back; sealed ones differ each time.
            digest: of the event itself, for telling the same event from another of its key.
            now: when it was accepted.

        Raises:
            EventConflict: the same key came before with another body.

        """
        ...

    def add_plans(self, tx: Any, event: str, plans: Sequence[Plan], audience: Audience) -> list[Wake]:
        """Create the deliveries of an event and mark it planned; those that exist already are left alone."""
        ...

    def event(self, key: str) -> StoredEvent | None: ...

    def claim(self, delivery: str, *, now: datetime, lease: timedelta, worker: str) -> Claim | Verdict:
        """Lease an open delivery and write down the attempt before the work.

        Returns:
            The claim; or the verdict for the engine: `Done` (nothing is left to do), `Again` (leased elsewhere, or
            its destination is paused: no attempt counts), `Dead` (it has killed its worker three times).

        """
        ...

    def extend(self, claim: Claim, until: datetime) -> bool:
        """Hold the lease longer; False if the fence is stale, and then the work is somebody else's."""
        ...

    def keep_wire(self, claim: Claim, wire: bytes, message: Message, trace: dict[str, Any]) -> bool:
        """Store the bytes about to be sent; False if the fence is stale, and then they must not be sent."""
        ...

    def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        """Record the end of an attempt, where the delivery stands now, and what it says about its destination."""
        ...

    def release_abandoned(self) -> list[str]:
        """End every lease: called by who has proof that no other worker is alive.

        Returns the deliveries whose worker died with them for at least the second time: one of them may be
        why, so they are to be worked on alone, where the others cannot be taken down with it.
        """
        ...

    def overdue(self, *, before: datetime, limit: int) -> list[Wake]:
        """Open deliveries, and events to be planned, that were due before then and are leased to nobody."""
        ...

    def deliveries(self, query: Query) -> list[Delivery]: ...
    def delivery(self, id_: str) -> Delivery | None: ...
    def attempts(self, delivery: str) -> list[Attempt]: ...
    def wire(self, delivery: str) -> bytes | None: ...
    def counts(self) -> dict[str, int]: ...
    def destinations(self, *, troubled: bool) -> list[Destination]: ...
    def close(self) -> None: ...


class TenantStore(Protocol):
    """Tenants in the store. Reading is a transaction of its own; changing happens in the one it is given."""

    def revision(self) -> int:
        """A number that any change of a tenant, in any process, has moved on once it can be seen."""
        ...

    def line(self, id_: str) -> list[TenantRow]:
        """A tenant and those above it as far as the store knows them, from the tenant up; removed ones too."""
        ...

    def find(self, ids: Iterable[str] | None = None) -> dict[str, TenantRow]:
        """These tenants, or all; removed ones too."""
        ...

    def roots(self) -> list[str]:
        """Tenants without a parent that are not removed."""
        ...

    def adrift(self) -> list[tuple[str, str]]:
        """(parent, tenant) of each tenant whose parent the store does not know."""
        ...

    def changing(self, connection: Any = None) -> AbstractContextManager[Any]:
        """A write transaction; with the host's own `connection`, part of the host's."""
        ...

    def move_revision(self, tx: Any) -> None:
        """Say that tenants change; changes wait for each other here."""
        ...

    def get(self, tx: Any, id_: str) -> TenantRow | None: ...
    def root(self, tx: Any) -> str | None: ...
    def put(self, tx: Any, row: TenantRow) -> None: ...

    def below(self, id_: str, tx: Any = None) -> list[str]:
        """Ids of the tenants directly below one; as a change that is under way sees them."""
        ...

    def hanging(self, tx: Any, id_: str) -> Mapping[str, int]:
        """How much is still open for a tenant, by what it is; counted up to 1000."""
        ...


# --------------------------------------------------------------------------- the execution engine

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
        by_lane: pieces of work of one lane.
        by_destination: pieces of work for one destination of a lane.

    """

    concurrency: int = 20
    lanes: frozenset[str] | None = None
    by_lane: Mapping[str, int] = field(default_factory=dict)
    by_destination: Mapping[str, int] = field(default_factory=dict)


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

    async def run(self, work: Work, *, until_idle: bool, load: Load) -> None:
        """Call `work` for what is due; for ever, or until nothing is due and nothing runs.

        Cancelled, it takes nothing new, lets what runs end for 25 seconds at most, and records it.
        """
        ...


Suppress = Callable[[Delivery, Envelope], Mapping[str, str]]
"""Asked right before every send: the addresses that must not be written to, each with why. For a channel that does
not write to persons, the key is the delivery's destination."""


def nobody_suppressed(delivery: Delivery, envelope: Envelope) -> Mapping[str, str]:
    """`Suppress` where there is no suppression list."""
    del delivery, envelope
    return {}
