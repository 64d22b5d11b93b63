"""Connections to PostgreSQL that ended while nobody used them: found out before they are used, and by no statement."""

import psycopg
import pytest
from sqlalchemy import event, select

from livery.errors import StoreAway
from livery.storage import postgresql
from livery.storage.database import connect, writing
from livery.storage.schema import generation

COUNT = select(generation)


@pytest.fixture
def engine(postgres_store):
    made = connect(postgres_store)
    with made.connect() as one, made.connect() as other:
        one.execute(COUNT)
        other.execute(COUNT)
    yield made
    made.dispose()


def ended(engine):
    """How many connections to this database there were: the server ended them."""
    with psycopg.connect(engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as admin:
        gone = admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    assert all(is_gone for (is_gone,) in gone)
    return len(gone)


@pytest.mark.parametrize("fresh", [postgresql._FRESH, 0.0])
def test_one_that_the_server_ended_is_replaced_before_its_use(engine, monkeypatch, fresh):
    monkeypatch.setattr(postgresql, "_FRESH", fresh)
    assert ended(engine) == 2
    for _ in range(2):
        with writing(engine) as tx:
            assert tx.execute(COUNT).all()


def test_one_that_ends_in_its_use_fails_once(engine):
    def cut_off():
        with writing(engine) as tx:
            tx.execute(COUNT)
            assert ended(engine)
            tx.execute(COUNT)

    with pytest.raises(StoreAway):
        cut_off()
    with writing(engine) as tx:
        assert tx.execute(COUNT).all()


@pytest.mark.parametrize(("fresh", "asked"), [(60.0, 0), (0.0, 3)])
def test_one_that_was_just_used_is_not_asked(engine, monkeypatch, fresh, asked):
    monkeypatch.setattr(postgresql, "_FRESH", fresh)
    probes = []

    class Watched:
        def __init__(self, raw):
            self.pgconn = raw.pgconn
            self.execute = lambda statement: (probes.append(statement), raw.execute(statement))
            self.rollback = raw.rollback

    on_checkout = postgresql._on_checkout
    event.remove(engine, "checkout", on_checkout)
    event.listen(engine, "checkout", lambda raw, record, fairy: on_checkout(Watched(raw), record, fairy))
    for _ in range(3):
        with engine.connect() as connection:
            connection.execute(COUNT)
    assert len(probes) == asked


def test_one_that_ends_as_soon_as_it_is_opened_is_a_store_that_is_away(postgres_store):
    engine = connect(postgres_store)
    engine.dispose()

    def end(raw, _):
        with pytest.raises(psycopg.OperationalError):
            raw.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    event.listen(engine, "connect", end)
    with pytest.raises(StoreAway), writing(engine) as tx:
        tx.execute(COUNT)
    engine.dispose()
