"""PostgreSQL databases that are set up otherwise than most: a store is as safe there, or it is said why there is none."""

import json
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url

import databases
from livery import Config, Engine
from livery.errors import StoreError

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
ODD = {
    "datestyle": "'SQL, DMY'",
    "timezone": "'Pacific/Kiritimati'",
    "intervalstyle": "'sql_standard'",
    "bytea_output": "'escape'",
    "default_transaction_isolation": "'serializable'",
    "synchronous_commit": "off",
}


def opened(url, **more):
    tenants = {"platform": {}, "res-org-n": {"parent": "platform"}}
    return Engine.open(Config.load(None, database_url=url, tenants=tenants, channels={"smtp": {}}, **more))


@pytest.fixture
def odd(postgres_store):
    with psycopg.connect(postgres_store, autocommit=True) as admin:
        for name, value in ODD.items():
            admin.execute(f"ALTER DATABASE {make_url(postgres_store).database} SET {name} TO {value}")
    return postgres_store


def test_what_a_database_sets_for_its_sessions_changes_nothing(odd, mail):
    channels = {"smtp": {"host": "127.0.0.1", "port": mail.port}}
    more = {"channels": channels, "outbound": {"allow": ["127.0.0.1"]}}
    tenants = {"platform": {}, "res-org-n": {"parent": "platform"}}
    with Engine.open(Config.load(None, database_url=odd, tenants=tenants, **more)) as engine:
        assert not engine.accept({**GOOD, "id": "€ مرحبا"}).duplicate
        assert engine.accept({**GOOD, "id": "€ مرحبا"}).duplicate
        host = create_engine(make_url(odd).set(drivername="postgresql+psycopg"))
        with host.begin() as connection:
            assert not engine.accept(GOOD, connection=connection).duplicate
        host.dispose()
        engine.drain()
        assert len(mail.mails) == 2
        assert abs(engine.clock_ahead().total_seconds()) < 60
        assert engine.queue.stuck() == []


def test_what_is_accepted_is_on_the_disk_whatever_a_role_says_of_commits(odd):
    with opened(odd) as engine:
        engine.migrate()
        with engine._opened().ledger.engine.connect() as own:
            assert own.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            assert own.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"


def test_a_stronger_promise_of_commits_is_left_as_it_is(postgres_store):
    with psycopg.connect(postgres_store, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {make_url(postgres_store).database} SET synchronous_commit TO remote_apply")
    with opened(postgres_store) as engine, engine._opened().ledger.engine.connect() as own:
        assert own.exec_driver_sql("SHOW synchronous_commit").scalar() == "remote_apply"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_keep_every_text_is_refused_with_what_to_do(postgres, encoding):
    with databases.database(postgres) as beside:
        name = f"{make_url(beside).database}_odd"
        with psycopg.connect(beside, autocommit=True) as admin:
            admin.execute(
                f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            )
            try:
                url = make_url(beside).set(database=name).render_as_string(hide_password=False)
                with pytest.raises(StoreError, match=f"as {encoding}.*ENCODING 'UTF8'"), opened(url) as engine:
                    engine.accept(GOOD)
            finally:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
