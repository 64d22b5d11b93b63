"""What goes in and out of the store."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from livery.models.audience import Audience, Endpoint
from livery.models.delivery import Attempt, Delivery, Reason, State
from livery.models.explanation import Wording
from livery.models.message import Envelope, Message

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
    waiting: str = ""
    """Why it waits to be planned, if it does: it is tried again until it can be."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as accepted: its exact canonical bytes."""

    key: str
    tenant: str
    body: bytes
    accepted_at: datetime
    tries: int = 0
    """How often planning it failed so far."""
    kind: str = ""
    """Its type, where that is known without reading it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An accepted event whose deliveries are yet to be planned."""

    tenant: str
    event_id: str
    event_type: str
    accepted_at: datetime
    tries: int
    why: str
    due: datetime | None
    """When it is tried again, if that is known."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as lists show it."""

    key: str
    """The store's id of it."""
    tenant: str
    source: str
    event_id: str
    type: str
    accepted_at: datetime
    planned_at: datetime | None
    """When its deliveries were made; None if they are yet to be."""
    tries: int
    waits_for: str
    """Why they could not be made yet."""
    is_purged: bool
    """Whether its body was removed."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events; newest first. Everything given must hold."""

    tenants: Collection[str] | None = None
    """Of these alone."""
    type: str | None = None
    event_id: str | None = None
    is_waiting: bool | None = None
    """Whether their deliveries are yet to be made."""
    since: datetime | None = None
    """Accepted at or after."""
    until: datetime | None = None
    """Accepted before."""
    after: str | None = None
    """The key of the last one of the page before. What is older follows."""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to be stored."""

    key: tuple[str, str, str]
    """Seller, source and id: what makes it this one."""
    kind: str
    body: bytes
    digest: str
    audience: Audience | None
    """Who is told; None if it is yet to be planned."""


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
    event: StoredEvent
    thread: str = ""
    """The far side's id of the first message of `envelope.thread` at this destination; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The bytes about to be sent, and how they were written."""

    claim: Claim
    wire: bytes
    message: Message
    trace: Mapping[str, Any]
    wording: Wording | None = None
    """Kept with the trace."""


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
class Rates:
    """How many deliveries a second all workers together may begin."""

    channels: Mapping[str, float] = field(default_factory=dict)
    """By channel."""
    destinations: Mapping[str, float] = field(default_factory=dict)
    """By channel, for each of its destinations."""

    def of(self, channel: str, destination: str) -> list[tuple[str, int]]:
        """What counts for a delivery, its destination first, and the microseconds from one of each to the next."""
        asked = [(destination, self.destinations.get(channel)), (channel, self.channels.get(channel))]
        return [(key, round(1_000_000 / rate)) for key, rate in asked if key and rate is not None]


@dataclass(frozen=True, slots=True)
class Query:
    """Which deliveries; newest first. Everything given must hold."""

    tenant: str | None = None
    tenants: Collection[str] | None = None
    """Of these alone: whose deliveries somebody may see."""
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
    after: tuple[datetime, str] | None = None
    """Where the page before ended: when its last delivery was created, and its id. What is older follows."""
    id_prefix: str = ""
    is_last: bool = False
    """Only what was not sent again as a new delivery."""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Who:
    """Who does it, and why; both are kept."""

    actor: str
    why: str = ""


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


Suppress = Callable[[Delivery, Envelope], Mapping[str, str]]
"""Asked right before every send: the addresses that must not be written to, each with why. For a channel that does
not write to persons, the key is the delivery's destination."""


SuppressAll = Callable[[Sequence[Claim]], Sequence[Mapping[str, str]]]
"""`Suppress` of several claims at once."""


Learn = Callable[[Delivery, Attempt], object]
"""Told of every attempt in which an address was refused for good."""


def nothing_learnt(delivery: Delivery, attempt: Attempt) -> None:
    """`Learn` where there is no suppression list."""
    del delivery, attempt


def none_suppressed(claims: Sequence[Claim]) -> Sequence[Mapping[str, str]]:
    """`SuppressAll` where there is no suppression list."""
    return [{} for _ in claims]


def nobody_suppressed(delivery: Delivery, envelope: Envelope) -> Mapping[str, str]:
    """`Suppress` where there is no suppression list."""
    del delivery, envelope
    return {}
