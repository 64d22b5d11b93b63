"""Accepting in the host's own transaction, on each database there is."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from livery import Config, Engine
from livery.errors import EventConflict, StoreError

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))


@pytest.fixture
def engine(store_url):
    tenants = {"platform": {}, "res-org-n": {"parent": "platform"}}
    given = {"sender": {"address": "notifications@platform.example"}, "channels": {"smtp": {"port": 1}}}
    with Engine.open(Config.load(None, database_url=store_url, tenants=tenants, **given)) as opened:
        yield opened


def test_an_event_in_the_hosts_transaction_exists_only_if_that_commits(engine):
    host = create_engine(engine.config.database_url)
    engine.migrate()
    with host.connect() as connection, connection.begin() as transaction:
        engine.accept(GOOD, connection=connection)
        transaction.rollback()
    assert engine.deliveries() == []
    with host.begin() as connection:
        assert not engine.accept(GOOD, connection=connection).duplicate
    assert len(engine.deliveries()) == 1
    host.dispose()


@pytest.mark.parametrize("wrote", [False, True])
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_what_is_refused_in_the_hosts_transaction_takes_only_itself_back(engine, wrote, ends):
    """And not a part of itself: an event without its deliveries would never be told."""
    engine.accept(GOOD)
    host = create_engine(engine.config.database_url)
    with host.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id TEXT)")
    with host.connect() as connection, connection.begin() as transaction:
        if wrote:
            connection.exec_driver_sql("INSERT INTO orders VALUES ('before')")
        with pytest.raises(EventConflict):
            engine.accept_all([{**GOOD, "id": "new"}, {**GOOD, "time": "2026-11-20T09:00:00Z"}], connection=connection)
        connection.exec_driver_sql("INSERT INTO orders VALUES ('after')")
        getattr(transaction, ends)()
    with host.connect() as connection:
        found = {id_ for (id_,) in connection.exec_driver_sql("SELECT id FROM orders")}
    host.dispose()
    assert found == ({"after", *(["before"] if wrote else [])} if ends == "commit" else set())
    receipt = engine.accept({**GOOD, "id": "new"})
    assert (receipt.duplicate, len(receipt.deliveries)) == (False, 1)


def test_a_connection_without_a_transaction_is_refused(engine):
    host = create_engine(engine.config.database_url)
    engine.migrate()
    with host.connect() as connection, pytest.raises(StoreError, match="no transaction begun"):
        engine.accept(GOOD, connection=connection)
    host.dispose()
