"""Every attempt at a hostile receiver ends in time, in little memory, with an outcome that is true."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from channels.making import outbound
from hostile import receivers
from livery.models.delivery import Outcome
from livery.retry import decide

TIMEOUT = 20.0 if os.environ.get("LIVERY_SOAK") else 1.0
"""Seconds an attempt may take by its setting; the long version has the default."""
MEMORY = 20_000_000
_STATED = {"took", "grown", "name"}


@pytest.fixture(scope="module")
def attempts():
    """What came of one attempt at each receiver, by name. They run one after another in one process."""
    with ExitStack() as stack:
        well = stack.enter_context(receivers.Receiver(receivers.says(receivers.answered(), then="again")))
        urls = {"well": f"http://127.0.0.1:{well.port}/"}
        for name, behave in receivers.EVERY.items():
            urls[name] = f"http://127.0.0.1:{stack.enter_context(receivers.Receiver(behave)).port}/hook"
        silent = stack.enter_context(receivers.Receiver(receivers.never_shakes_hands))
        urls["no handshake"] = f"https://127.0.0.1:{silent.port}/"
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("attempts.py"))],
            input=json.dumps({"timeout": TIMEOUT, "urls": urls}), capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}


def test_every_attempt_ends_within_its_time_and_20_mb(attempts):
    assert attempts["well"]["status"] == "delivered"
    assert set(attempts) >= {*receivers.EVERY, "no handshake"}
    late = {name: one["took"] for name, one in attempts.items() if one.get("took", 0) > TIMEOUT + 12}
    large = {name: one["grown"] for name, one in attempts.items() if one.get("grown", 0) > MEMORY and name != "well"}
    assert (late, large) == ({}, {})
    assert sum(one.get("grown", 0) for name, one in attempts.items() if name != "well") < 2 * MEMORY
    assert attempts[""]["left"] == 0, "tasks were left behind"


@pytest.mark.parametrize("name", [*receivers.SLOW, "no handshake"])
def test_who_is_slow_was_not_delivered_to_unless_the_status_came(attempts, name):
    one = attempts[name]
    if name in ("drip a body", "drip chunks", "drip the size of a chunk", "hang amid a body"):
        assert one["status"] in ("delivered", "unknown")
    else:
        assert (one["status"], one["reason"]) in {
            ("unknown", "timeout"),
            ("retry", "timeout"),
            ("unknown", "unreachable"),
            # In the long run, a head that drips has more lines than are taken before its time is up.
            *([("unknown", "server_error")] if name == "drip a head" else ()),
        }, one


@pytest.mark.parametrize("name", receivers.ENDLESS)
def test_who_never_ends_is_heard_to_a_limit(attempts, name):
    one = attempts[f"endless: {name}"]
    assert one["status"] in ("delivered", "unknown")
    assert len(one["detail"]) <= 300
    if name[:3] in ("100", "102", "103"):
        assert (one["status"], one["reason"]) == ("unknown", "server_error"), "not waited for until time is up"


@pytest.mark.parametrize("name", receivers.ODD)
def test_what_makes_no_sense_is_no_delivery_unless_the_status_is_good(attempts, name):
    one = attempts[name]
    if "redirect" in name:
        assert (one["status"], one["reason"]) == ("failed", "refused")
    elif "bomb" in name or "brotli" in name:
        assert (one["status"], one["detail"]) == ("retry", "")
    else:
        assert one["status"] in ("delivered", "unknown", "failed")
        assert one["status"] != "delivered" or one["code"].startswith("2")


@pytest.mark.parametrize("name", receivers.RETRIES)
def test_no_receiver_parks_a_message(attempts, name):
    one = attempts[name]
    outcome = Outcome.model_validate({key: value for key, value in one.items() if key not in _STATED})
    assert outcome.status in ("retry", "unknown")
    assert outcome.retry_after is None or 0 <= outcome.retry_after <= 86_400
    after = decide(outcome, 1, ladder=(5, 300), random=Random(1)).after.total_seconds()
    assert 4 <= after <= 10


async def test_an_answer_too_many_is_not_taken_for_the_next_ones():
    """A receiver that answers one request twice must not answer for whoever asks next on the same connection."""
    twice = receivers.answered(500, b"no") + receivers.answered(200, b"smuggled")
    with receivers.Receiver(receivers.says(twice, then="again")) as receiver:
        out = outbound(timeout=2)
        answers = [await out.post(f"http://127.0.0.1:{receiver.port}/{number}", b"{}", {}) for number in range(4)]
        await asyncio.sleep(0)
        await out.aclose()
    assert {answer.status for answer in answers} <= {500, None}
    assert not any("smuggled" in answer.excerpt for answer in answers)
