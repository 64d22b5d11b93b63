"""A store moves to another database whole, however often the move is killed; and then one is worked on, never two."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update

import databases
from livery import Config, Engine
from livery.errors import StoreError
from livery.execution.embedded import EmbeddedExecution
from livery.moving import abandon, move_store
from livery.ports import utc_now
from livery.storage import schema
from livery.storage.database import connect, writing
from livery.storage.moving import Move, carried
from livery.testing import MailServer
from livery.vault import new_key
from store import large

EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
KEY = new_key()
HOOK = {"url": "https://shop.example/hook", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
ROWS = 700


def opened(url, mail_port=1):
    channels = {"smtp": {"host": "127.0.0.1", "port": mail_port}}
    return Engine.open(Config.load(None, database_url=url, secret_keys=[KEY], channels=channels))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A store with some of everything, and 700 old deliveries."""
    file = tmp_path_factory.mktemp("source") / "livery.db"
    with opened(f"sqlite:///{file}") as engine:
        engine.tenants.add("platform")
        engine.tenants.add("res-org-n", parent="platform")
        engine.settings.change("platform", "add", "bcc", "address:audit@north.example")
        engine.settings.change("res-org-n", "add", "destinations", HOOK, item="ours", channel="webhook")
        engine.suppressions.add("platform", "gone@custo.example", who="desk", note="naïve \N{PILE OF POO}")
        engine.accept(EVENT)
        store = engine._opened().ledger.engine
        large.fill(store, ROWS)
        with writing(store) as tx:
            tx.execute(insert(schema.thread), {"destination": "d", "thread": "t", "reference": "r", "at": 1})
    return file


@pytest.fixture
def source(original, tmp_path):
    copy = tmp_path / "livery.db"
    copy.write_bytes(original.read_bytes())
    return f"sqlite:///{copy}"


@pytest.fixture
def target(store_url, tmp_path):
    return store_url if store_url.startswith("postgresql") else f"sqlite:///{tmp_path}/target.db"


def contents(url):
    """Every row of every table that is carried."""
    engine = connect(url)
    with engine.connect() as connection:
        found = {one.name: sorted(map(str, connection.execute(select(one)).all())) for one in carried()}
    engine.dispose()
    return found


def test_everything_comes_over_and_open_work_is_woken_there_and_only_there(source, target):
    before = contents(source)
    moved = move_store(source, target)
    assert contents(target) == before
    assert moved.tables["livery_delivery"] == ROWS + 2
    assert moved.wakes == large.OPEN + 2
    assert move_store(source, target) == moved
    with pytest.raises(StoreError, match=r"was moved to .*(target\.db|livery_)"), opened(source) as engine:
        engine.deliveries()
    with MailServer() as mail, opened(target, mail.port) as engine:
        assert engine._opened().execution.waiting() == large.OPEN + 2
        (mine,) = engine.deliveries(event_id=EVENT["id"], channel="smtp")
        assert "audit@north.example" in json.dumps(engine.explain(EVENT).model_dump(mode="json"))
        assert engine.accept(EVENT).duplicate
        with engine._opened().ledger.transaction() as tx:  # those that were made by hand cannot be written
            tx.execute(update(schema.delivery).where(schema.delivery.c.event_type == "X").values(state="suppressed"))
            tx.execute(update(schema.delivery).where(schema.delivery.c.channel == "webhook").values(state="suppressed"))
        engine.drain()
        assert engine.deliveries(id_prefix=mine.id)[0].state == "accepted"
        assert len(mail.mails) == 1


def test_killed_at_any_step_it_goes_on_where_it_was(source, target, tmp_path):
    before = contents(source)
    here, there = connect(source), connect(target)
    put = EmbeddedExecution(there, now=utc_now, on_takeover=list).put if there.dialect.name == "sqlite" else None
    if put is None:
        from livery.execution.pgqueuer.adapter import PgQueuerExecution

        put = PgQueuerExecution(there, now=utc_now).put
    steps = []

    class Killed(Exception):
        pass

    def kill(step):
        if step not in steps:
            steps.append(step)
            raise Killed

    move, moved = Move(here, there, put, batch=200), None
    while moved is None:
        with suppress(Killed):
            moved = move.run(kill)
    assert moved.wakes == large.OPEN + 2
    assert {step.doing for step in steps} == {"copied", "verified", "wakes"}
    here.dispose()
    there.dispose()
    assert contents(target) == before


_PROGRAM = """
import os, signal, sys
from livery.storage import moving
moving.Move.__init__.__kwdefaults__["batch"] = 150
from livery.moving import move_store
left = int(sys.argv[3])
def kill(step):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
print(move_store(sys.argv[1], sys.argv[2], kill).wakes)
"""


def test_kill_9_half_way_and_again(source, postgres):
    with databases.database(postgres) as url:
        _killed_and_again(source, url)


def _killed_and_again(source, postgres_url):
    before = contents(source)
    for left, code in ((4, -signal.SIGKILL), (30, -signal.SIGKILL), (10_000, 0)):
        command = [sys.executable, "-c", _PROGRAM, source, postgres_url, str(left)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
        assert done.returncode == code, done.stderr
        if code:
            for url in (source, postgres_url):
                with pytest.raises(StoreError, match="is being moved"), opened(url) as engine:
                    engine.accept({**EVENT, "id": "late"})
    assert done.stdout.strip() == str(large.OPEN + 2)
    assert contents(postgres_url) == before


def test_what_did_not_come_as_it_was_is_found(source, target):
    here, there = connect(source), connect(target)

    def lose(step):
        if step.doing == "copied" and step.table == "livery_attempt" and step.done == step.of:
            with writing(there) as tx:
                tx.execute(update(schema.attempt).where(schema.attempt.c.number == 1).values(duration_us=6))

    move = Move(here, there, lambda tx, wakes: len(wakes))
    with pytest.raises(StoreError, match="livery_attempt did not come over as it was"):
        move.run(lose)
    move.abandon()
    with writing(here) as tx:
        tx.execute(delete(schema.thread))
    assert not any(contents(target).values())
    here.dispose()
    there.dispose()


def test_while_it_moves_the_source_takes_no_change(source, target):
    here, there = connect(source), connect(target)
    seen = []

    def write(step):
        with pytest.raises(StoreError, match="being moved"), writing(here) as tx:
            tx.execute(delete(schema.thread))
        seen.append(step)

    Move(here, there, lambda tx, wakes: len(wakes)).run(write)
    assert seen
    here.dispose()
    there.dispose()


def test_a_target_with_something_in_it_is_refused_and_the_source_stays_free(source, target):
    with opened(target) as engine:
        engine.tenants.add("platform")
    with pytest.raises(StoreError, match="it is not empty"):
        move_store(source, target)
    with opened(source) as engine:
        assert engine.accept({**EVENT, "id": "another"}).deliveries
    with pytest.raises(StoreError, match="nothing to give up"):
        abandon(source, target)


def test_a_target_of_a_newer_livery_is_refused(source, target):
    engine = connect(target)
    with writing(engine) as tx:
        tx.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
        tx.execute(delete(schema.generation))
    engine.dispose()
    with pytest.raises(StoreError, match="newer than this Livery's"):
        move_store(source, target)


def test_a_source_that_a_worker_serves_is_refused(source, target):
    from livery.execution.turf import Turf

    engine = connect(source)
    with Turf(engine, worker="w", patience=60).attempt() as tenure:
        assert tenure is not None
        with pytest.raises(StoreError, match="a worker serves"):
            move_store(source, target)
    engine.dispose()


@pytest.mark.parametrize(
    ("source", "says"),
    [("postgresql://h/d", "pg_dump"), ("sqlite:////nowhere/livery.db", "there is no store"), ("x", "no database URL")],
)
def test_what_is_no_store_in_a_file_is_not_moved(source, says, tmp_path):
    with pytest.raises(StoreError, match=says):
        move_store(source, f"sqlite:///{tmp_path}/target.db")
