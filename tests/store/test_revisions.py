"""Changes are seen in the process that makes them at once, and in every other within two seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text

from livery import Config, Engine
from livery.errors import StoreError
from livery.storage.database import connect, writing
from livery.storage.revisions import Revisions
from waiting import until

SOON = 2.0


@pytest.fixture
def engine(store_url):
    made = connect(store_url)
    yield made
    made.dispose()


@pytest.fixture
def revisions(engine):
    made = Revisions(engine)
    yield made
    made.close()


@pytest.fixture
def other(store_url):
    """Another process's: it shares nothing but the database."""
    engine = connect(store_url)
    made = Revisions(engine)
    yield made
    made.close()
    engine.dispose()


def moved(revisions, name="packs"):
    with writing(revisions._engine) as tx:
        return revisions.move(tx, name)


def watched(revisions):
    """Where there is something to hear of changes by, wait until it has begun."""
    if revisions._is_watched:
        until(lambda: (revisions.get("packs"), revisions._watch)[1], seconds=10)
    return revisions


def test_each_kind_has_a_number_of_its_own(revisions):
    assert revisions.get("packs") == 0
    assert [moved(revisions), moved(revisions), moved(revisions, "tenants")] == [1, 2, 1]
    assert [revisions.get(name) for name in ("packs", "tenants", "settings")] == [2, 1, 0]


def test_a_change_of_ones_own_is_seen_at_once(revisions):
    for number in range(1, 20):
        moved(revisions)
        assert revisions.get("packs") == number


def test_a_change_in_the_hosts_transaction_is_seen_as_soon_as_the_host_commits_it(store_url, revisions):
    before = revisions.get("packs")
    host = create_engine(revisions._engine.url)
    with host.connect() as connection, connection.begin():
        revisions.move(connection, "packs")
        assert revisions.get("packs") == before
    assert revisions.get("packs") == before + 1
    host.dispose()


def test_what_is_rolled_back_never_was(revisions):
    def broken_off():
        with writing(revisions._engine) as tx:
            revisions.move(tx, "packs")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    assert revisions.get("packs") == 0
    moved(revisions)
    assert revisions.get("packs") == 1


def test_a_change_elsewhere_is_seen_soon(revisions, other):
    watched(other)
    for number in range(1, 6):
        moved(revisions)
        until(lambda: other.get("packs") == number, seconds=SOON)  # noqa: B023 - asked at once


def test_a_change_that_nobody_tells_of_is_seen_soon(revisions, other):
    """By a version that did not tell, or behind a pooler that passes no notifications on."""
    moved(revisions)
    watched(other)
    for _ in range(2):
        with writing(revisions._engine) as tx:
            tx.execute(text("UPDATE livery_revision SET value = value + 1"))
            value = tx.execute(text("SELECT value FROM livery_revision")).scalar()
        until(lambda: other.get("packs") == value, seconds=SOON)  # noqa: B023 - asked at once


def test_asking_costs_no_statement_where_changes_are_heard_of(revisions):
    watched(revisions)
    asked = []
    event.listen(revisions._engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for _ in range(5000):
        revisions.get("packs")
    assert asked == []


def test_who_hears_of_changes_is_cut_off_and_hears_of_them_again(postgres_store):
    own = connect(postgres_store)
    revisions = watched(Revisions(own))
    listening = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%livery_revision%'"
                     " AND pid <> pg_backend_pid() AND datname = current_database()")  # fmt: skip
    admin = create_engine(own.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        assert connection.execute(listening).scalars().all() == [True]
    with admin.connect() as connection:
        connection.execute(text("INSERT INTO livery_revision VALUES ('packs', 7)"))
    until(lambda: revisions.get("packs") == 7, seconds=SOON)
    heard = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%livery_revision%'"
                 " AND pid <> pg_backend_pid() AND datname = current_database()")  # fmt: skip
    with admin.connect() as connection:
        until(lambda: connection.execute(heard).scalar() == 1)
    revisions.close()
    admin.dispose()
    own.dispose()


def test_a_store_that_is_gone_is_told_and_one_that_comes_back_is_found(own_postgres):
    own = connect(own_postgres.url)
    revisions = watched(Revisions(own))
    moved(revisions)
    own_postgres.stop()
    with pytest.raises(StoreError, match="the store failed"):
        until(lambda: revisions.get("packs") != 1, seconds=10)
    own_postgres.start()
    until(lambda: _asked(revisions) == 1)
    revisions.close()
    own.dispose()


def _asked(revisions):
    try:
        return revisions.get("packs")
    except StoreError:
        return None


CHANGES = """
import sys
from livery import Config, Engine
with Engine.open(Config.load(None, database_url=sys.argv[1], channels={"smtp": {}})) as engine:
    engine.settings.change("res-org-n", "add", "bcc", "address:audit@shop.example")
    engine.tenants.change("res-org-n", name="Renamed")
"""


def test_settings_and_tenants_that_another_process_changes_are_seen_soon(store_url):
    sample = json.loads(
        (Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8")
    )
    with Engine.open(Config.load(None, database_url=store_url, channels={"smtp": {}})) as engine:
        engine.tenants.add("platform")
        engine.tenants.add("res-org-n", parent="platform")
        engine.explain(sample)
        subprocess.run([sys.executable, "-c", CHANGES, store_url], check=True)
        until(lambda: "audit@shop.example" in str(engine.explain(sample).audience), seconds=SOON)
        until(lambda: engine.tenants.chain("res-org-n")[-1].name == "Renamed", seconds=SOON)
