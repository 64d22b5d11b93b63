"""What leaves the store with age: kind by kind, in small transactions, and nothing that is still open."""

from datetime import timedelta
from threading import Event as Signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from livery.models.delivery import Outcome, RecipientResult, State
from livery.policies import RetentionPolicy
from livery.ports import NewEvent, Query
from livery.storage import schema
from livery.storage.database import writing
from livery.storage.retention import Retention
from livery.vault import Vault, new_key
from store import large
from store.ledgers import BUSY, GOOD, START, everything, opened, sent, told

POLICY = RetentionPolicy(message_days=10, text_days=20, delivery_days=30, event_days=40, thread_days=5, audit_days=50)
VAULT = Vault([new_key()])
SAID = Outcome(
    status="accepted", code="250", detail="250 ok ada@a.example",
    recipients=(RecipientResult(address="ada@a.example", status="accepted"),),
)  # fmt: skip


@pytest.fixture
def ledger(store_url):
    made = opened(store_url)
    yield made
    made.close()


def kept(ledger, days, policy=POLICY, batch=2, **options):
    """Retention as it is so many days after the start."""
    return Retention(ledger, policy, VAULT, now=lambda: START + timedelta(days=days, seconds=1), batch=batch, **options)


def rows(ledger, table):
    with ledger.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(schema.metadata.tables[f"livery_{table}"])).scalar()


def test_each_kind_leaves_in_its_time_and_what_is_open_stays(ledger):
    (key, mail, hook) = told(ledger, "e1", ["ada@a.example"], hooks=["erp"], body='{"user": "ada@a.example"}')
    (_, waits) = told(ledger, "e2", ["bob@b.example"], body='{"user": "bob@b.example"}')
    sent(ledger, mail, SAID)
    sent(ledger, hook)
    sent(ledger, waits, BUSY)
    assert kept(ledger, 9).prune(rest=0) == {}

    assert kept(ledger, 10).prune(rest=0) == {"messages": 2}
    assert ledger.wire(mail) is None
    assert ledger.delivery(mail).title
    assert kept(ledger, 10).prune(rest=0) == {}

    assert kept(ledger, 20).prune(rest=0) == {"texts": 2}
    one = ledger.delivery(mail)
    assert (one.state, one.title, one.destination, one.trace) == (State.ACCEPTED, "", "", {})
    assert ledger.delivery(hook).destination == "https://erp.example"
    assert ledger.attempts(mail)[0].outcome == Outcome(status="accepted", code="250")
    assert ledger.event(key).body == b""
    assert "ada@" not in everything(ledger.engine)
    assert kept(ledger, 20).was_told(mail, "Ada@A.example")
    assert not kept(ledger, 20).was_told(mail, "bob@b.example")
    assert kept(ledger, 20).prune(rest=0) == {}

    assert kept(ledger, 30).prune(rest=0) == {"deliveries": 2, "attempts": 2}
    assert ledger.event(key) is not None
    assert kept(ledger, 40).prune(rest=0) == {"events": 1}
    assert ledger.event(key) is None
    assert kept(ledger, 500).prune(rest=0) == {}
    assert ledger.wire(waits) == b"Dear Ada"
    assert ledger.delivery(waits).destination == "bob@b.example"


def test_what_settles_late_leaves_late(ledger):
    (_, early), (_, late) = told(ledger, "e1", ["ada@a.example"]), told(ledger, "e2", ["bob@b.example"])
    sent(ledger, early)
    assert kept(ledger, 25).prune(rest=0) == {"messages": 1, "texts": 1}
    sent(ledger, late, now=START + timedelta(days=24))
    assert kept(ledger, 30).prune(rest=0) == {"deliveries": 1, "attempts": 1}
    assert kept(ledger, 44).prune(rest=0) == {"messages": 1, "texts": 1, "events": 1}


def test_events_that_nobody_was_told_of_lose_their_text_and_leave(ledger):
    from livery.models.audience import Audience

    with ledger.transaction() as tx:
        for number in range(5):
            new = NewEvent(("shop", "src", f"n{number}"), "X", b'{"user": "ada@a.example"}', "-", Audience())
            ledger.add_events(tx, [new], now=START)
        ledger.add_events(tx, [NewEvent(("shop", "src", "unplanned"), "X", b"{}", "-", None)], now=START)
    assert kept(ledger, 20).prune(rest=0) == {"event texts": 5}
    assert "ada@" not in everything(ledger.engine)
    assert kept(ledger, 40).prune(rest=0) == {"events": 5}
    assert rows(ledger, "event") == 1


def test_threads_leave_and_later_messages_begin_one_anew(ledger):
    with writing(ledger.engine) as tx:
        for number, days in enumerate((0, 1, 6)):
            at = large.START_US + days * 86_400_000_000
            row = {"destination": "hook", "thread": f"t{number}", "reference": "ts-1", "at": at}
            tx.execute(schema.thread.insert(), row)
    now = large.moment_of(6)
    assert Retention(ledger, POLICY, VAULT, now=lambda: now, batch=1).prune(rest=0) == {"threads": 1}
    assert rows(ledger, "thread") == 2


def test_zero_keeps_it_for_ever(ledger):
    (_, mail) = told(ledger, "e1", ["ada@a.example"])
    sent(ledger, mail)
    nothing = RetentionPolicy(**dict.fromkeys(RetentionPolicy.model_fields, 0))
    assert kept(ledger, 30_000, nothing).prune(rest=0) == {}
    assert ledger.wire(mail) == b"Dear Ada"


def test_it_stops_when_told_to_and_goes_on_where_it_was(ledger):
    for number in range(6):
        (_, mail) = told(ledger, f"e{number}", ["ada@a.example"])
        sent(ledger, mail, now=START + timedelta(seconds=number))
    stop = Signal()
    stop.set()
    assert kept(ledger, 12).prune(stop=stop) == {}
    assert kept(ledger, 12).prune(seconds=0) == {}
    assert kept(ledger, 12).prune(rest=0) == {"messages": 6}


@settings(max_examples=25)
@given(
    ages=st.lists(st.integers(0, 45), max_size=12),
    looks=st.lists(st.integers(0, 60), min_size=1, max_size=5).map(sorted),
    batch=st.integers(1, 4),
)
def test_whenever_it_is_looked_exactly_what_is_too_old_is_gone(tmp_path_factory, ages, looks, batch):
    ledger = opened(f"sqlite:///{tmp_path_factory.mktemp('aged')}/livery.db")
    try:
        for number, age in enumerate(ages):
            at = START + timedelta(days=age)
            (_, mail) = told(ledger, f"e{number}", ["ada@a.example"], now=at)
            sent(ledger, mail, GOOD, now=at)
        for days in looks:
            kept(ledger, days, batch=batch).prune(rest=0)
            left = {one.event_id: one for one in ledger.deliveries(Query())}
            for number, age in enumerate(ages):
                one, old = left.get(f"e{number}"), days - age
                if old < 30:
                    assert (one.purged_at is not None) == (old >= 20)
                    assert (ledger.wire(one.id) is None) == (old >= 10)
                else:
                    assert one is None
    finally:
        ledger.close()
