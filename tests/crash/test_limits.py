"""Limits of the far side hold over all workers: three processes, and one receiver that counts."""

from contextlib import ExitStack

import pytest

import databases
from crash.fleet import Fleet
from crash.receiver import Receiver

RATE, PLACES, EVENTS = 5, 2, 20


@pytest.fixture
def receiver(postgres, tmp_path):
    """What a receiver sees of three workers that could send three at once, and twelve a second."""
    limits = f"destination_rates = {{ webhook = {RATE} }}"
    with ExitStack() as stack:
        url, http = stack.enter_context(databases.database(postgres)), stack.enter_context(Receiver(pause=0.25))
        fleet = stack.enter_context(Fleet(tmp_path, url, http, concurrency=1, places=PLACES, delivery=limits))
        fleet.start(3)
        fleet.ready()
        ids = [f"evt-{number}" for number in range(EVENTS)]
        fleet.accept(ids)
        fleet.delivered(ids, seconds=60)
        attempts = [attempt for one in fleet.engine.deliveries() for attempt in fleet.engine.attempts(one.id)]
        fleet.stop()
        yield http, attempts, fleet.report(ids)


def test_places_and_rates_hold_over_all_workers(receiver):
    http, attempts, report = receiver
    assert report.problems(copies=0) == []
    assert len({one.worker for one in attempts}) > 1, "each of them sends one at a time"
    assert len(attempts) == EVENTS, "what had to wait was no attempt"
    assert http.peak["/hook"] <= PLACES
    began = sorted(one.started_at for one in attempts)
    for first, start in enumerate(began):
        for last in range(first, len(began)):
            most = RATE * ((began[last] - start).total_seconds() + 0.1 + 0.5) + 1
            assert last - first + 1 <= most
