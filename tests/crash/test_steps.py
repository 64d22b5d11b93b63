"""kill -9 at every boundary between two steps, and at random: nothing is lost, copies are only what was in flight."""

import os
import random
import time

import pytest

from crash.harness import CONCURRENCY, Harness

SOAK = bool(os.environ.get("LIVERY_SOAK"))
STEPS = ("add_events", "add_deliveries", "put", "claim", "keep_wire", "send", "settle", "end")
BOUNDARIES = [f"{when}:{step}" for step in STEPS for when in (("before", "after") if SOAK else ("before",))]
"""After one step is before the next, but for what other deliveries do meanwhile: `make soak` has them all."""


@pytest.fixture
def harness(tmp_path, mail, http):
    return Harness(tmp_path, mail, http, events=6)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("number", [1, 2, 5] if SOAK else [2])
def test_killed_at_a_boundary_loses_nothing(harness, boundary, number):
    assert harness.run(KILL=f"{boundary}:{number}"), "it was to be killed"
    harness.recover()
    assert harness.report().problems(copies=CONCURRENCY) == []


def test_without_a_crash_everything_arrives_once(harness):
    assert not harness.run()
    assert harness.report().problems(copies=0) == []


def test_a_build_that_marks_before_it_sends_looks_well_without_a_crash(harness):
    """The harness can see a loss: here is an outbox that loses, and the next test shows it."""
    assert not harness.run(BUILD="marks_first"), "without a crash it does well"
    assert harness.report().problems(copies=0) == []


def test_a_build_that_marks_before_it_sends_loses_in_a_crash_and_is_caught(harness):
    assert harness.run(KILL="before:send:2", BUILD="marks_first")
    harness.recover()
    report = harness.report()
    assert report.lost
    assert report.problems(copies=CONCURRENCY)[0].startswith("lost: ")


@pytest.mark.parametrize("seed", range(20 if SOAK else 1))
def test_killed_at_random_again_and_again_loses_nothing(tmp_path, mail, http, seed):
    chance = random.Random(seed)
    harness = Harness(tmp_path, mail, http, events=2000 if SOAK else 60)
    kills = 0
    for _ in range(40 if SOAK else 3):
        process = harness.start(ACCEPT="all")
        before = len(mail.mails) + len(http.requests)
        wanted = before + chance.randrange(1, 40)
        while process.poll() is None and len(mail.mails) + len(http.requests) < wanted:
            time.sleep(0.005)
        if process.poll() is None:
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
            kills += 1
        process.wait()
        if len(mail.mails) + len(http.requests) >= 2 * len(harness.ids):
            break
    harness.recover()
    assert harness.report().problems(copies=kills * CONCURRENCY) == [], f"seed {seed}, {kills} kills"
