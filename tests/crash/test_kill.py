"""kill -9 at any point of `livery send`: what was accepted is delivered, nothing is lost.

A duplicate may only be what was in flight when the process died, and it is the same message to the byte.
`make soak` runs many more rounds.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from livery import Config, Engine
from livery.testing import MailServer

EVENTS = 200
CONCURRENCY = 20
ROUNDS = range(20 if os.environ.get("LIVERY_SOAK") else 3)
GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))


@pytest.fixture
def home(tmp_path):
    for number in range(EVENTS):
        event = {**GOOD, "id": f"evt-{number}"}
        (tmp_path / f"{number}.json").write_text(json.dumps(event))
    return tmp_path


def configured(home, port):
    (home / "livery.toml").write_text(
        'database_url = "sqlite:///livery.db"\n'
        f"concurrency = {CONCURRENCY}\n"
        f'[channels.smtp]\nhost = "127.0.0.1"\nport = {port}\n'
        '[tenants.platform]\n[tenants.res-org-n]\nparent = "platform"\n'
    )
    return Config.load(home / "livery.toml")


def sending(home):
    files = sorted(file.name for file in home.glob("*.json"))
    command = [sys.executable, "-m", "livery", "send", *files]
    return subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def by_event(mails):
    """Copies of each message, by the event they tell of."""
    found = {}
    for mail in mails:
        found.setdefault(mail.parsed["Message-ID"], []).append(mail.content)
    return found


@pytest.mark.parametrize("seed", ROUNDS)
def test_killed_while_delivering_loses_nothing(home, seed):
    """The server kills the sender from within one of its own conversations, at a random one."""
    victim = random.Random(seed).randrange(1, EVENTS)
    seen, process = Counter(), []

    def answer(address):
        seen["rcpt"] += 1
        if seen["rcpt"] == victim:
            process[0].send_signal(signal.SIGKILL)
            process[0].wait()

    with MailServer(answer=answer) as mail:
        config = configured(home, mail.port)
        process.append(sending(home))
        assert process[0].wait(timeout=120) == -signal.SIGKILL, f"seed {seed}: not killed"
        with Engine.open(config) as engine:
            engine.drain()
            states = Counter(one.state for one in engine.deliveries(limit=10_000))
        copies = by_event(mail.mails)
    assert states == {"accepted": EVENTS}, f"seed {seed}"
    assert len(copies) == EVENTS, f"seed {seed}: {EVENTS - len(copies)} lost"
    assert all(len(set(same)) == 1 for same in copies.values()), f"seed {seed}: copies differ"
    assert sum(len(same) - 1 for same in copies.values()) <= CONCURRENCY, f"seed {seed}: delivered again"


@pytest.mark.parametrize("seed", ROUNDS)
def test_killed_while_accepting_stores_all_or_nothing(home, seed):
    """Killed after a random while; sending the same files again completes the set without doubling it."""
    with MailServer() as mail:
        config = configured(home, mail.port)
        process = sending(home)
        timer = threading.Timer(random.Random(seed).uniform(0.2, 1.5), process.kill)
        timer.start()
        process.wait(timeout=120)
        timer.cancel()
        with Engine.open(config) as engine:
            stored = len(engine.deliveries(limit=10_000))
            assert stored in (0, EVENTS), f"seed {seed}"
            engine.accept_all([file.read_bytes() for file in home.glob("*.json")])
            engine.drain()
            assert Counter(one.state for one in engine.deliveries(limit=10_000)) == {"accepted": EVENTS}, f"seed {seed}"
        assert len(by_event(mail.mails)) == EVENTS, f"seed {seed}"


def test_a_message_that_kills_its_worker_three_times_is_given_up(home):
    """The others go out all the same."""
    (home / "poison.py").write_text(
        "import os\n"
        "from livery.plugin import hookimpl\n"
        "@hookimpl\n"
        "def livery_amend_notification(notification, event):\n"
        "    if event.id == 'evt-7':\n"
        "        os._exit(9)\n"
    )
    program = (
        "import poison\n"
        "from livery import Engine\n"
        "with Engine.open('livery.toml', plugins={'poison': poison}) as engine: engine.drain()\n"
    )
    for number in range(10, EVENTS):
        (home / f"{number}.json").unlink()
    with MailServer() as mail:
        config = configured(home, mail.port)
        with Engine.open(config) as engine:
            engine.accept_all([file.read_bytes() for file in home.glob("*.json")])
            ends = [
                subprocess.run([sys.executable, "-c", program], cwd=home, check=False, capture_output=True).returncode
                for _ in range(4)
            ]
            assert ends == [9, 9, 9, 0]
            states = {one.event_id: (one.state, one.reason) for one in engine.deliveries(limit=100)}
        assert states.pop("evt-7") == ("dead", "worker_crashed")
        assert set(states.values()) == {("accepted", None)}
        assert len(by_event(mail.mails)) == 9
