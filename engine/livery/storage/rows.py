"""What the store's rows stand for: models from rows and rows from models. Owns no statement."""

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from livery.models.audience import Endpoint
from livery.models.delivery import STARTED, Attempt, Delivery, Destination, Outcome, Reason, State
from livery.models.message import Envelope
from livery.ports import Claim, Plan, StoredEvent, Wake
from livery.storage.database import micros, moment

_SAME = (
    "id", "tenant", "event_key", "event_id", "event_type", "channel", "destination", "attempts", "title", "locale",
    "message_id", "priority", "destination_key",
)  # fmt: skip

NEW = (
    "id", "tenant", "event_key", "event_id", "event_type", "channel", "unique_key", "destination", "envelope",
    "endpoint", "state", "due_at", "created_at", "title", "locale", "message_id", "priority", "destination_key",
    "warnings", "trace",
)  # fmt: skip
"""The columns of a delivery that is new."""
Row = Mapping[Any, Any]


def destination_key(plan: Plan) -> str:
    """What a delivery's failures, limits and pauses are counted by.

    The endpoint. For mail to persons, the tenant's way out: one tenant's mail server may be down alone.
    """
    return plan.endpoint.key if plan.endpoint else f"{plan.delivery.channel}:{plan.delivery.tenant}"


def row_of(plan: Plan) -> dict[str, Any]:
    one = plan.delivery
    return {
        "id": one.id,
        "tenant": one.tenant,
        "event_key": one.event_key,
        "event_id": one.event_id,
        "event_type": one.event_type,
        "channel": one.channel,
        "unique_key": plan.unique,
        "destination": one.destination,
        "envelope": plan.envelope.model_dump_json(),
        "endpoint": plan.endpoint.model_dump_json() if plan.endpoint else None,
        "state": one.state.value,
        "due_at": micros(one.due_at),
        "created_at": micros(one.created_at),
        "title": one.title,
        "locale": one.locale,
        "message_id": one.message_id,
        "priority": one.priority,
        "destination_key": destination_key(plan),
        "warnings": json.dumps(list(one.warnings)) if one.warnings else "[]",
        "trace": json.dumps(one.trace),
    }


def claim_of(row: Row, event: StoredEvent) -> Claim:
    return Claim(
        delivery=delivery_of(row),
        envelope=Envelope.model_validate_json(row["envelope"]),
        endpoint=_endpoint(row["endpoint"]) if row["endpoint"] else None,
        fence=row["fence"],
        wire=bytes(row["wire"]) if row["wire"] is not None else None,
        settled=json.loads(row["settled"]),
        event=event,
    )


@lru_cache(maxsize=4096)
def _endpoint(text: str) -> Endpoint:
    return Endpoint.model_validate_json(text)


def wake_of(row: Row) -> Wake:
    """The wake of a delivery's row."""
    return Wake(
        row["id"], row["channel"], moment(row["due_at"]), row["priority"], row["tenant"], row["destination_key"]
    )


def delivery_of(row: Row) -> Delivery:
    return Delivery.trusted(
        **{name: row[name] for name in _SAME},
        state=State(row["state"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        degraded=tuple(json.loads(row["degraded"])),
        warnings=tuple(json.loads(row["warnings"])),
        due_at=moment(row["due_at"]),
        created_at=moment(row["created_at"]),
        settled_at=_moment(row["settled_at"]),
        purged_at=_moment(row["purged_at"]),
        replay_of=row["replay_of"] or "",
        trace=json.loads(row["trace"]),
    )


def attempt_of(row: Row) -> Attempt:
    return Attempt(
        number=row["number"],
        started_at=moment(row["started_at"]),
        duration_ms=row["duration_us"] / 1000,
        outcome=Outcome.model_validate_json(row["outcome"]),
        worker=row["worker"],
    )


def attempt_row(delivery: str, attempt: Attempt) -> dict[str, Any]:
    return {
        "delivery": delivery,
        "number": attempt.number,
        "started_at": micros(attempt.started_at),
        "duration_us": int(attempt.duration_ms * 1000),
        "status": attempt.outcome.status,
        "reason": attempt.outcome.reason,
        "outcome": attempt.outcome.model_dump_json(),
        "worker": attempt.worker,
    }


@cache
def started() -> Mapping[str, Any]:
    """What is the same in the row of every attempt that begins."""
    outcome = {"status": STARTED.status, "reason": STARTED.reason, "outcome": STARTED.model_dump_json()}
    return {"duration_us": 0, **outcome}


def destination_of(row: Row) -> Destination:
    return Destination(
        **{name: row[name] for name in ("key", "tenant", "channel", "label", "failures", "disabled_why")},
        paused_until=_moment(row["paused_until"]),
        disabled_at=_moment(row["disabled_at"]),
        changed_at=moment(row["changed_at"]),
    )


def _moment(value: int | None) -> Any:
    return None if value is None else moment(value)
