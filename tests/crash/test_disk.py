"""A disk that is full or fails: a typed error, nothing half-written, and the work goes on afterwards."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from crash.harness import SAMPLE, Harness
from livery import Config, Engine
from livery.errors import StoreError, StoreFull
from livery.storage.database import connect


@pytest.fixture
def harness(tmp_path, mail, http):
    return Harness(tmp_path, mail, http, events=0)


@pytest.fixture
def engine(harness):
    with Engine.open(Config.load(harness.folder / "livery.toml")) as opened:
        yield opened


@contextmanager
def full(engine):
    """No page more than there are: what SQLite says is what it says of a full disk."""
    pool = engine.interventions._ledger.engine

    def limit(raw, _):
        (pages,) = raw.execute("PRAGMA page_count").fetchone()
        raw.execute(f"PRAGMA max_page_count = {pages + 1}").close()

    event.listen(pool, "connect", limit)
    pool.dispose()
    try:
        yield
    finally:
        event.remove(pool, "connect", limit)
        pool.dispose()


def filled(engine, ids):
    """Accept until there is no room; which were accepted."""
    accepted = []
    for id_ in ids:
        try:
            engine.accept({**SAMPLE, "id": id_})
        except StoreFull:
            return accepted
        accepted.append(id_)
    pytest.fail("there was always room")


def arrived(http, ids):
    """Wait until each of these events has come."""
    end = time.monotonic() + 120
    while {json.loads(one.body)["id"] for one in http.requests} != ids:
        assert time.monotonic() < end
        time.sleep(0.05)


def sound(folder):
    with sqlite3.connect(folder / "livery.db") as raw:
        (said,) = raw.execute("PRAGMA integrity_check").fetchone()
        orphans = raw.execute(
            "SELECT count(*) FROM livery_event e WHERE NOT EXISTS "
            "(SELECT 1 FROM livery_delivery d WHERE d.event_key = e.key)"
        ).fetchone()
    raw.close()
    return said == "ok" and orphans == (0,)


def test_a_full_disk_refuses_new_events_and_loses_none_that_were_accepted(engine, harness, mail, http):
    engine.accept({**SAMPLE, "id": "first"})
    with full(engine):
        accepted = ["first", *filled(engine, (f"evt-{number}" for number in range(2000)))]
    assert sound(harness.folder)
    assert {one.event_id for one in engine.deliveries(limit=10_000)} == set(accepted)
    assert not engine.accept({**SAMPLE, "id": "after"}).duplicate
    engine.drain()
    assert {json.loads(one.body)["id"] for one in http.requests} == {*accepted, "after"}
    assert len(mail.mails) == len(accepted) + 1


async def test_a_worker_goes_on_when_there_is_room_again(engine, harness, http):
    await asyncio.to_thread(engine.migrate)
    async with engine.worker():
        with full(engine):
            accepted = await asyncio.to_thread(filled, engine, [f"evt-{number}" for number in range(2000)])
            await asyncio.sleep(0.5)
        await asyncio.to_thread(engine.accept, {**SAMPLE, "id": "after"})
        await asyncio.to_thread(arrived, http, {*accepted, "after"})
    assert sound(harness.folder)


ACCEPTING = """
import sys
from livery import Engine
from livery.errors import StoreError
with Engine.open("livery.toml") as engine:
    try:
        engine.accept(open(sys.argv[1], "rb").read())
    except StoreError as error:
        print(type(error).__name__, error)
    else:
        print("accepted")
"""


def straced(inject, harness, name):
    """Accept one event in a process whose disk does as it is told."""
    command = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", f"inject={inject}", "-o", "/dev/null"]
    command += [sys.executable, "-c", ACCEPTING, name]
    done = subprocess.run(command, cwd=harness.folder, capture_output=True, text=True, timeout=120)
    return done.stdout.strip()


def can_strace():
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


needs_strace = pytest.mark.skipif(
    not can_strace() and not os.environ.get("CI"), reason="strace is needed to let a disk fail"
)


@needs_strace
def test_an_fsync_that_fails_is_never_a_success(harness):
    connect(f"sqlite:///{harness.folder}/livery.db").dispose()
    (harness.folder / "event.json").write_text(json.dumps(SAMPLE))
    said = straced("fdatasync,fsync:error=EIO", harness, "event.json")
    assert said.startswith("StoreError"), said
    assert straced("fdatasync,fsync:delay_exit=1000", harness, "event.json") == "accepted", "a slow disk is only slow"
    with Engine.open(Config.load(harness.folder / "livery.toml")) as engine:
        assert engine.accept(SAMPLE).duplicate
        assert len(engine.deliveries()) == 2
    assert sound(harness.folder)


def test_both_are_store_errors():
    assert issubclass(StoreFull, StoreError)
