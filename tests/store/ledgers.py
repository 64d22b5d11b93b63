"""A ledger with deliveries in it, made by hand."""

from datetime import UTC, datetime, timedelta

from livery.models.audience import Audience, Endpoint, Recipient
from livery.models.delivery import Attempt, Delivery, Outcome, State
from livery.models.message import Envelope, Format, Message
from livery.ports import Breaker, NewEvent, Plan, Settlement, Wire
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
    states = {"delivered": State.DELIVERED, "accepted": State.ACCEPTED, "failed": State.DEAD}
    failed = {"delivered": False, "accepted": False, "failed": None}.get(outcome.status, True)
    return Settlement(
        attempt=Attempt(number=claim.delivery.attempts, started_at=now, duration_ms=5, outcome=outcome),
        state=state or states.get(outcome.status, State.RETRYING),
        reason=outcome.reason,
        due=now + after,
        destination_failed=failed,
        disable=disable,
    )


def told(ledger, event_id, *mails, hooks=(), body="{}", tenant="shop", now=START):
    """An event told by e-mails, each to some addresses, and to endpoints: the ids of its deliveries, its key first."""
    channels = [*(("smtp", mail) for mail in mails), *(("webhook", hook) for hook in hooks)]
    with ledger.transaction() as tx:
        new = NewEvent((tenant, "src", event_id), "X", body.encode(), "-", None)
        ((key, _),) = ledger.add_events(tx, [new], now=now)
        plans = []
        for number, (channel, to) in enumerate(channels):
            names = {"event_id": event_id, "event_type": "X", "created_at": now}
            people = tuple(Recipient(address=one) for one in to) if channel == "smtp" else ()
            envelope = Envelope(delivery_id=f"{tenant}.{event_id}.{number}", to=people, **names)
            where = None
            if channel == "webhook":
                where = Endpoint(channel="webhook", key=to, label=f"https://{to}.example", origin="seller")
            delivery = Delivery(
                id=envelope.delivery_id, tenant=tenant, event_key=key, channel=channel, due_at=now, state=State.PENDING,
                destination=where.label if where else ", ".join(to), trace={"audience": list(to)}, **names,
            )  # fmt: skip
            plans.append(Plan(delivery, delivery.id, envelope, where))
        ledger.add_plans(tx, key, plans, Audience())
    return [key, *(plan.delivery.id for plan in plans)]


def sent(ledger, id_, outcome=GOOD, now=START, wire=b"Dear Ada"):
    """Claim, write and settle a delivery."""
    claim = claimed(ledger, id_, now)
    message = Message(format=Format.JSON, locale="en", title="Your order, Ada", text="")
    assert ledger.keep_wires(
        [Wire(claim, wire, message, {"audience": [one.address for one in claim.envelope.to]})]
    ) == [True]
    assert ledger.settle(claim, ended(claim, outcome, now)).recorded


def everything(engine):
    """All that is in the tables of the log, as one text."""
    found = []
    with engine.connect() as connection:
        for name in ("event", "delivery", "attempt", "erasure", "intervention"):
            for row in connection.exec_driver_sql(f"SELECT * FROM livery_{name}"):
                found += [bytes(one).decode() if isinstance(one, bytes | memoryview) else str(one) for one in row]
    return "\n".join(found)
