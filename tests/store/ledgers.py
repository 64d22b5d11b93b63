"""A ledger with deliveries in it, made by hand."""

from datetime import UTC, datetime, timedelta

from livery.models.audience import Audience, Endpoint
from livery.models.delivery import Attempt, Delivery, Outcome, State
from livery.models.message import Envelope
from livery.ports import Breaker, NewEvent, Plan, Settlement
from livery.storage.database import connect
from livery.storage.ledger import Ledger

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEASE = timedelta(seconds=60)
GOOD = Outcome(status="delivered", code="200")
BUSY = Outcome(status="retry", reason="server_error", code="503")


def opened(url, **options):
    return Ledger(connect(url), breaker=Breaker(**options))


def added(ledger, id_, *, endpoint="hook", tenant="shop", due=START, priority=0):
    """One delivery of an event of its own; returns its wake."""
    envelope = Envelope(delivery_id=id_, event_id=f"evt-{id_}", event_type="X", created_at=START)
    where = Endpoint(channel="webhook", key=endpoint, label=f"https://{endpoint}.example", origin="seller")
    with ledger.transaction() as tx:
        ((key, _),) = ledger.add_events(tx, [NewEvent((tenant, "src", f"evt-{id_}"), "X", b"{}", "-", None)], now=START)
        delivery = Delivery(
            id=id_,
            tenant=tenant,
            event_key=key,
            event_id=f"evt-{id_}",
            event_type="X",
            channel="webhook",
            destination=where.label,
            state=State.PENDING,
            due_at=due,
            created_at=START,
            priority=priority,
        )
        (wake,) = ledger.add_plans(tx, key, [Plan(delivery, id_, envelope, where)], Audience())
    return wake


def claimed(ledger, id_, now=START, worker="w"):
    return ledger.claim(id_, now=now, lease=LEASE, worker=worker)


def ended(claim, outcome, now=START, state=None, *, after=timedelta(minutes=5), disable=""):
    """How an attempt of a claim ended."""
    states = {"delivered": State.DELIVERED, "failed": State.DEAD}
    failed = {"delivered": False, "failed": None}.get(outcome.status, True)
    return Settlement(
        attempt=Attempt(number=claim.delivery.attempts, started_at=now, duration_ms=5, outcome=outcome),
        state=state or states.get(outcome.status, State.RETRYING),
        reason=outcome.reason,
        due=now + after,
        destination_failed=failed,
        disable=disable,
    )
