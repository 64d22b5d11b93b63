"""However long the log is, looking at it costs the same: by an index, and no more of it than is shown.

A million deliveries with LIVERY_SOAK=1, some thousands otherwise; the plans are the same.
"""

from dataclasses import replace
from datetime import timedelta
from threading import Event as Signal

import pytest

import databases
from livery.models.delivery import State
from livery.policies import RetentionPolicy
from livery.ports import EventQuery, Query
from livery.storage import event_log
from livery.storage.database import connect, moment
from livery.storage.ledger import Ledger
from livery.storage.retention import Retention
from livery.vault import Vault
from store import large

NEWEST = moment(large.START_US + large.ROWS * large.STEP_US)
MIDDLE = moment(large.START_US + large.ROWS // 2 * large.STEP_US)
SHOWN = 50
LIMITS = {"sqlite": 60_000, "postgresql": 3_000}
"""Instructions of SQLite, blocks of PostgreSQL: for a page of a log of any length."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ledger(request, tmp_path_factory):
    if request.param == "sqlite":
        made = Ledger(connect(f"sqlite:///{tmp_path_factory.mktemp('large')}/livery.db"))
        large.fill(made.engine)
        yield made
        made.close()
        return
    with databases.database(request.getfixturevalue("postgres")) as url:
        made = Ledger(connect(url))
        large.fill(made.engine)
        yield made
        made.close()


QUERIES = {
    "newest": Query(),
    "of a tenant": Query(tenant="t-7"),
    "of the largest tenant": Query(tenant="t-0"),
    "of a tenant with few": Query(tenant="t-999"),
    "of a tenant and those below it": Query(tenants=frozenset({"t-7", "t-8", "t-999", "t-none"})),
    "of very many tenants": Query(tenants=frozenset(f"t-{number}" for number in range(700))),
    "of a state": Query(state=State.ACCEPTED),
    "of a rare state": Query(state=State.DEAD),
    "of a state that none is in": Query(state=State.DELIVERED),
    "of a channel": Query(channel="smtp"),
    "of a rare channel": Query(channel="teams"),
    "of a channel and a state": Query(channel="webhook", state=State.DEAD),
    "dead ones of a tenant": Query(tenant="t-9", state=State.DEAD),
    "retrying ones of a tenant": Query(tenants=frozenset({"t-0"}), state=State.RETRYING),
    "of a destination": Query(destination="hook-17"),
    "of an event": Query(event_id="e-4321"),
    "of events": Query(event_ids=("e-17", "e-18", "e-nowhere"), tenants=frozenset({"t-0", "t-17"})),
    "by the beginning of an id": Query(id_prefix="dlv_100043"),
    "of a time": Query(since=MIDDLE, until=MIDDLE + timedelta(hours=1)),
    "of a tenant and a time": Query(tenant="t-7", since=MIDDLE - timedelta(days=1), until=MIDDLE),
    "the next page": Query(after=(MIDDLE, "dlv_10004000")),
    "the next page of a tenant": Query(tenant="t-7", after=(MIDDLE, "dlv_1")),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_page_of_the_log_is_found_by_an_index_and_no_more_of_it_is_read(ledger, name):
    query = Query(**{**{slot: getattr(QUERIES[name], slot) for slot in Query.__slots__}, "limit": SHOWN})
    with large.watched(ledger.engine) as statements:
        found = ledger.deliveries(query)
    assert large.scans(ledger.engine, statements) == []
    with large.counted(ledger.engine) as cost:
        assert ledger.deliveries(query) == found
    assert cost[0] < LIMITS[ledger.engine.dialect.name], statements
    ages = [(one.created_at, one.id) for one in found]
    assert ages == sorted(ages, reverse=True)
    assert bool(found) == (name not in ("of a state that none is in", "retrying ones of a tenant"))


EVENTS = {
    "newest": EventQuery(),
    "of a tenant": EventQuery(tenants=frozenset({"t-7"})),
    "of the largest tenant": EventQuery(tenants=frozenset({"t-0"})),
    "of a tenant and those below it": EventQuery(tenants=frozenset({"t-0", "t-7", "t-999", "t-none"})),
    "of an id": EventQuery(event_id="e-4321"),
    "of the largest tenant and a time": EventQuery(
        tenants=frozenset({"t-0"}), since=MIDDLE - timedelta(days=1), until=MIDDLE
    ),
    "waiting": EventQuery(is_waiting=True),
    "waiting ones of a tenant": EventQuery(is_waiting=True, tenants=frozenset({"t-0"})),
    "waiting ones of tenants": EventQuery(is_waiting=True, tenants=frozenset({"t-0", "t-7"})),
    "waiting ones of very many tenants": EventQuery(
        is_waiting=True, tenants=frozenset(f"t-{number}" for number in range(700))
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_page_of_events_is_found_by_an_index_and_no_more_of_it_is_read(ledger, name):
    query = replace(EVENTS[name], limit=SHOWN)
    with large.watched(ledger.engine) as statements:
        found = event_log.page(ledger.engine, query)
    assert large.scans(ledger.engine, statements) == []
    with large.counted(ledger.engine) as cost:
        assert event_log.page(ledger.engine, query) == found
    assert cost[0] < LIMITS[ledger.engine.dialect.name], statements
    keys = [one.key for one in found]
    assert keys == sorted(keys, reverse=True)
    assert bool(found) != name.startswith("waiting")


def test_pages_end_to_end_hold_every_delivery_once(ledger):
    whole = [one.id for one in ledger.deliveries(Query(tenants=frozenset({"t-7", "t-999"}), limit=10_000))]
    paged, after = [], None
    while True:
        page = ledger.deliveries(Query(tenants=frozenset({"t-7", "t-999"}), limit=97, after=after))
        if not page:
            break
        paged += [one.id for one in page]
        after = (page[-1].created_at, page[-1].id)
        if len(paged) >= len(whole):
            break
    assert paged[: len(whole)] == whole


def test_what_is_overdue_is_found_without_a_look_at_what_is_settled(ledger):
    with large.watched(ledger.engine) as statements:
        found = ledger.overdue(before=NEWEST + timedelta(days=1), limit=1000)
    assert len(found) == large.OPEN
    assert large.scans(ledger.engine, statements) == []
    with large.counted(ledger.engine) as cost:
        ledger.overdue(before=NEWEST + timedelta(days=1), limit=1000)
    assert cost[0] < LIMITS[ledger.engine.dialect.name]


class Few(Signal):
    """Stops what it is given to after so many looks."""

    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0


@pytest.mark.parametrize("kind", [name for name in RetentionPolicy.model_fields if name != "audit_days"])
def test_a_batch_of_what_is_too_old_is_found_by_an_index(ledger, kind):
    policy = RetentionPolicy(**{**dict.fromkeys(RetentionPolicy.model_fields, 0), kind: 1})
    retention = Retention(ledger, policy, Vault(), now=lambda: NEWEST + timedelta(days=2), batch=100)
    with large.watched(ledger.engine) as statements:
        removed = retention.prune(rest=0, stop=Few(3))
    assert large.scans(ledger.engine, statements) == []
    assert max(removed.values(), default=0) == (0 if kind == "thread_days" else 300)


@pytest.mark.parametrize("where", ["front", "middle"])
def test_a_batch_costs_the_same_wherever_it_is(ledger, where):
    """Of what is long gone, nothing is looked at again."""
    policy = RetentionPolicy(**{**dict.fromkeys(RetentionPolicy.model_fields, 0), "message_days": 1})
    retention = Retention(ledger, policy, Vault(), now=lambda: NEWEST + timedelta(days=2), batch=100)
    retention.prune(rest=0, stop=Few(1 if where == "front" else large.ROWS // 400))
    with large.counted(ledger.engine) as cost:
        retention.prune(rest=0, stop=Few(1))
    assert cost[0] < LIMITS[ledger.engine.dialect.name]
