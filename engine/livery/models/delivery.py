"""Delivery: one message to one destination; its attempts and what became of them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field

from livery.models.base import Model


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    DEAD = "dead"


OPEN = frozenset({State.PENDING, State.SENDING, State.RETRYING})
"""States in which there is work left."""
SETTLED = frozenset(State) - OPEN
FAILED = frozenset({State.DEAD, State.UNKNOWN, State.SUPPRESSED})
"""Settled, and the far side does not have it for certain."""
GOOD = frozenset({State.DELIVERED, State.ACCEPTED})


class Reason(StrEnum):
    """Why an attempt ended as it did: metrics, retries and people read the same word."""

    REFUSED = "refused"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    AUTH = "auth"
    INVALID = "invalid"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    GONE = "gone"
    SERVER_ERROR = "server_error"
    FORBIDDEN_TARGET = "forbidden_target"
    MISCONFIGURED = "misconfigured"
    RENDER_FAILED = "render_failed"
    WORKER_CRASHED = "worker_crashed"
    CHANNEL_FAILED = "channel_failed"
    EXHAUSTED = "exhausted"
    SUPPRESSED = "suppressed"
    DISABLED = "disabled"
    CANCELLED = "cancelled"


class RecipientResult(Model):
    """What the far side said of one address."""

    address: str
    status: Literal["accepted", "retry", "failed"]
    code: str = ""
    detail: str = ""


class Outcome(Model):
    """The end of one attempt, with its reason; a channel returns this and never raises for a failed send.

    `delivered`: the far side has it for certain. `accepted`: the far side took it on, showing it is not
    known (SMTP 250, Teams 202). `retry`: try again. `failed`: never again. `unknown`: sent, answer lost.
    """

    status: Literal["delivered", "accepted", "retry", "failed", "unknown"]
    reason: Reason | None = None
    code: str = Field(default="", description="The far side's own code, such as `250` or `429`.")
    detail: str = Field(default="", description="An excerpt of its answer; capped and redacted.")
    retry_after: float | None = Field(default=None, description="Seconds the far side asked us to wait.")
    reference: str = Field(
        default="",
        max_length=200,
        description="The far side's own id of the message, by which a later one can follow it.",
    )
    recipients: tuple[RecipientResult, ...] = Field(
        default=(), description="Per address, where the far side tells them apart."
    )


class Attempt(Model):
    """One try of a delivery. It is written down before the work, as it will stand if the worker dies with it."""

    number: int = Field(ge=1)
    started_at: datetime
    duration_ms: float
    outcome: Outcome
    worker: str = Field(default="", description="The host name and process id of who made it.")

    @property
    def took(self) -> timedelta:
        return timedelta(milliseconds=self.duration_ms)

    @property
    def ended_at(self) -> datetime:
        return self.started_at + self.took


STARTED = Outcome(
    status="unknown", reason=Reason.WORKER_CRASHED, detail="no end was recorded: it is under way, or its worker died"
)
"""The outcome of an attempt that is being made."""


class Delivery(Model):
    """One message to one destination: the unit of retry and of the log."""

    id: str
    tenant: str = Field(description="The seller.")
    event_key: str = Field(description="The store's id of the event.")
    event_id: str
    event_type: str
    channel: str
    destination: str = Field(description="What people are shown of where it goes; no secrets.")
    state: State
    attempts: int = 0
    priority: int = Field(default=0, description="Higher goes first among the deliveries of one tenant.")
    reason: Reason | None = None
    title: str = ""
    locale: str = ""
    degraded: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None = None
    message_id: str = ""
    destination_key: str = Field(default="", description="What failures in a row, limits and pauses are counted by.")
    replay_of: str = Field(default="", description="The delivery this one repeats.")
    purged_at: datetime | None = Field(default=None, description="When the personal text in it was removed.")
    trace: dict[str, Any] = Field(default={}, repr=False)

    @classmethod
    def planned(cls, **values: Any) -> Self:
        """One that was just planned, of parts that were made here: nothing is checked."""
        return cls.trusted(**{**_NEW, **values})

    def keyed(self, event_key: str, due_at: datetime, priority: int, traced: Mapping[str, str]) -> Self:
        """One that was planned, as it is stored: with the key of its event, and what is known only then."""
        known = {"event_key": event_key, "due_at": due_at, "priority": priority, "trace": {**self.trace, **traced}}
        return type(self).trusted(**{**vars(self), **known})

    @property
    def is_good(self) -> bool:
        """Whether the far side has it, as far as that can be known."""
        return self.state in GOOD


_NEW: Mapping[str, Any] = {
    **{name: field.default for name, field in Delivery.model_fields.items() if not field.is_required()},
    "state": State.PENDING,
    "event_key": "",
}


class Destination(Model):
    """Where deliveries go, and how it has answered lately."""

    key: str
    tenant: str = Field(description="Whose destination it is: the tenant of the last delivery.")
    channel: str
    label: str = Field(description="What people are shown of it; no secrets.")
    failures: int = Field(default=0, description="Attempts in a row that it did not answer well.")
    paused_until: datetime | None = Field(
        default=None, description="Deliveries wait until then, without counting attempts; then one of them is a probe."
    )
    disabled_at: datetime | None = Field(default=None, description="Nothing is sent there until somebody enables it.")
    disabled_why: str = ""
    changed_at: datetime
