"""`livery worker` as a supervisor runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path
from urllib.request import urlopen

import pytest

import databases
from cli.commands import livery, stored
from livery.testing import MailServer

ADA, NEXT = "ada.buyer@custo.example", "next@custo.example"


@pytest.fixture
def arrived():
    """Set once somebody is written to, by address."""
    return defaultdict(threading.Event)


@pytest.fixture
def mail(arrived):
    with MailServer(answer=lambda address: arrived[address].set()) as server:
        yield server


def test_a_worker_delivers_what_waits_and_stops_when_asked(home, mail, arrived):
    assert livery("send", "--queue", "event.json", cwd=home).returncode == 0
    worker = subprocess.Popen([sys.executable, "-m", "livery", "worker"], cwd=home, stderr=subprocess.PIPE, text=True)
    assert arrived[ADA].wait(30)
    worker.send_signal(signal.SIGTERM)
    _, said = worker.communicate(timeout=30)
    assert (worker.returncode, said.splitlines()[-1]) == (0, "Stopped.")
    assert {one["channel"]: one["state"] for one in stored(home)}["smtp"] == "accepted"
    assert len(mail.mails) == 1


@pytest.mark.parametrize("streams", ["closed", "full", "broken"])
def test_a_worker_works_though_nobody_can_hear_it(home, mail, arrived, streams):
    reading, writing = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("w") as full, os.fdopen(writing, "w") as broken:
        where = {"closed": None, "full": full, "broken": broken}[streams]
        ends = "<&- >&- 2>&-" if streams == "closed" else ""
        command = ["sh", "-c", f'exec "$0" -m livery worker {ends}', sys.executable]
        assert livery("send", "--queue", "event.json", cwd=home).returncode == 0
        worker = subprocess.Popen(command, cwd=home, stderr=where)
        assert arrived[ADA].wait(30)
        worker.terminate()
        assert worker.wait(timeout=30) == 0
    assert {one["channel"]: one["state"] for one in stored(home)}["smtp"] == "accepted"


def test_a_worker_takes_over_from_one_that_was_killed(home, mail, arrived):
    assert livery("send", "--queue", "event.json", cwd=home).returncode == 0
    command = [sys.executable, "-m", "livery", "worker"]
    first = subprocess.Popen(command, cwd=home, stderr=subprocess.DEVNULL)
    assert arrived[ADA].wait(30)
    second = subprocess.Popen(command, cwd=home, stderr=subprocess.DEVNULL)
    first.kill()
    first.wait()
    (home / "next.json").write_text(
        (home / "event.json").read_text().replace("evt-7f0c2f6e-1042-1", "evt-next").replace(ADA, NEXT)
    )
    assert livery("send", "--queue", "next.json", cwd=home).returncode == 0
    assert arrived[NEXT].wait(30)
    second.terminate()
    assert second.wait(timeout=30) == 0
    assert "evt-next" in {one["event_id"] for one in stored(home) if one["state"] == "accepted"}


def test_a_worker_serves_metrics_and_logs_json(home, mail, arrived):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert livery("send", "--queue", "event.json", cwd=home).returncode == 0
    command = [sys.executable, "-m", "livery", "worker", "--log-json", "--metrics-port", str(port)]
    worker = subprocess.Popen(command, cwd=home, stderr=subprocess.PIPE, text=True)
    assert arrived[ADA].wait(30)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert "livery_queue_depth" in answer.read().decode()
    worker.terminate()
    _, said = worker.communicate(timeout=30)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert "smtp" in {one.get("livery_channel") for one in lines}


def test_a_worker_waits_for_a_store_that_is_away_says_so_once_and_goes_on(home, mail, arrived, own_postgres):
    with databases.database(own_postgres.url) as url:
        environment = {**os.environ, "LIVERY_DATABASE_URL": url}
        command = [sys.executable, "-m", "livery", "worker"]

        def start():
            one = subprocess.Popen(command, cwd=home, stderr=subprocess.PIPE, text=True, env=environment)
            said = [one.stderr.readline(), one.stderr.readline()]
            assert "the store cannot be reached" in said[1], said
            return one

        assert livery("send", "--queue", "event.json", cwd=home, env=environment).returncode == 0
        own_postgres.stop()
        try:
            worker, other = start(), start()
            other.terminate()
            assert (other.wait(timeout=30), "cannot be reached" in other.communicate()[1]) == (0, False)
        finally:
            own_postgres.start()
        assert arrived[ADA].wait(60)
        worker.terminate()
        _, said = worker.communicate(timeout=30)
        assert (worker.returncode, said.splitlines()[-1], "cannot be reached" in said) == (0, "Stopped.", False), said


def test_a_worker_for_a_part_of_the_work_needs_postgresql(home):
    done = livery("worker", "--channels", "smtp", cwd=home)
    assert (done.returncode, "on SQLite one worker does all there is" in done.stderr) == (2, True), done.stderr


def test_a_worker_works_for_its_channels_and_sellers_beside_others(home, mail, arrived, postgres):
    with databases.database(postgres) as url:
        environment = {**os.environ, "LIVERY_DATABASE_URL": url}
        command = [sys.executable, "-m", "livery", "worker", "--concurrency", "3"]

        def start(*options):
            return subprocess.Popen([*command, *options], cwd=home, stderr=subprocess.PIPE, text=True, env=environment)

        assert livery("send", "--queue", "event.json", cwd=home, env=environment).returncode == 0
        others = [start("--channels", "webhook"), start("--tenants", "nobody")]
        for one in others:
            assert "Working" in one.stderr.readline()
        worker = start("--channels", "smtp,webhook", "--tenants", "res-org-n")
        assert arrived[ADA].wait(30)
        for one in (*others, worker):
            one.send_signal(signal.SIGTERM)
            assert (one.communicate(timeout=30)[1].splitlines()[-1], one.returncode) == ("Stopped.", 0)
        assert len(mail.mails) == 1
        assert livery("worker", "--channels", "smtq", cwd=home, env=environment).returncode != 0
