"""Four workers on PostgreSQL: without a fault exactly one delivery each, and with any fault nothing is lost.

A duplicate may only be what was in flight when something died, and it is the same to the byte. `make soak` has many
more seeds, a hundred thousand events, and a server that is away for a minute.
"""

import os
import sys
from contextlib import ExitStack, contextmanager

import pytest

import databases
from crash.fleet import Chaos, Fleet
from crash.receiver import Receiver
from livery.testing import MailServer

SOAK = bool(os.environ.get("LIVERY_SOAK"))
WORKERS = 4


@pytest.fixture(scope="module")
def server(second_postgres):
    second_postgres.recover()
    return second_postgres


@pytest.fixture(scope="module")
def fleet(server, tmp_path_factory):
    """Four workers that all of the short run share: starting them takes longer than all they do."""
    folder = tmp_path_factory.mktemp("fleet")
    with opened(server, folder) as made:
        made.start(WORKERS)
        made.ready()
        yield made


@contextmanager
def opened(server, folder):
    with (
        databases.database(server.url) as url,
        MailServer() as mail,
        Receiver(pause=0.01) as http,
        ExitStack() as stack,
    ):
        yield stack.enter_context(Fleet(folder, url, http, mail))


def test_without_a_fault_everybody_gets_each_message_once(fleet):
    ids = [f"calm-{number}" for number in range(60)]
    fleet.accept(ids)
    fleet.delivered(ids, seconds=60)
    assert fleet.report(ids).problems(copies=0) == []
    assert len({one.worker for one in attempts(fleet, ids)}) == WORKERS, "all of them had their part"


def attempts(fleet, ids):
    mine = [one for one in fleet.engine.deliveries(limit=10_000) if one.event_id in set(ids)]
    return [attempt for one in mine for attempt in fleet.engine.attempts(one.id)]


@pytest.mark.parametrize("seed", [1])
def test_whatever_dies_nothing_is_lost(fleet, server, seed):
    """A worker and the server are killed, and a worker is stopped for longer than its lease."""
    ids = [f"storm-{seed}-{number}" for number in range(100)]
    chaos = Chaos(fleet, server, seed)
    fleet.accept(ids)
    chaos.some("stop_worker", "kill_worker", "kill_server")
    chaos.over()
    told(seed, chaos)
    fleet.delivered(ids, seconds=120)
    fleet.stop()
    assert fleet.report(ids).problems(copies=fleet.copies_may_be) == [], f"seed {seed}: {chaos.did}"


@pytest.mark.skipif(not SOAK, reason="long: LIVERY_SOAK=1")
@pytest.mark.parametrize("seed", range(10))
def test_whatever_dies_again_and_again_nothing_is_lost(server, tmp_path, seed):
    with opened(server, tmp_path) as fleet:
        fleet.start(WORKERS)
        ids = [f"storm-{seed}-{number}" for number in range(2000)]
        fleet.accept(ids)
        chaos = Chaos(fleet, server, seed, down=60.0 if seed == 0 else 2.0)
        chaos.some(*["kill_worker"] * 12, *["stop_worker"] * 2, *["kill_server"] * (1 if seed == 0 else 4))
        chaos.over()
        told(seed, chaos)
        fleet.delivered(ids, seconds=600)
        fleet.stop()
        assert fleet.report(ids).problems(copies=fleet.copies_may_be) == [], f"seed {seed}: {chaos.did}"


@pytest.mark.skipif(not SOAK, reason="long: LIVERY_SOAK=1")
def test_a_hundred_thousand_events_arrive_once_each(server, tmp_path):
    with databases.database(server.url) as url, Receiver() as http, quick(tmp_path, url, http) as fleet:
        fleet.start(WORKERS)
        ids = [f"many-{number}" for number in range(100_000)]
        fleet.accept(ids, at_once=500)
        fleet.delivered(ids, seconds=3600)
        fleet.stop()
        assert fleet.report(ids).problems(copies=0) == []
        assert http.count == len(ids)


def quick(folder, url, http):
    return Fleet(folder, url, http, concurrency=20, places=20 * WORKERS)


def told(seed, chaos):
    sys.stdout.write(f"seed {seed}: {', '.join(chaos.did)}\n")
