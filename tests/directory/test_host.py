"""The host's own directory: asked once for an event, waited for no longer than said, and never passed over."""

import subprocess
import sys
import threading
from datetime import timedelta
from time import monotonic

import pytest

from directory.people import Clock, contact, of, opened, saying, told
from livery.errors import DirectoryUnavailable
from livery.plugin import Recipient, hookimpl
from livery.retry import PLAN_LADDER

MANAGER = Recipient(address="manager@host.example")


class Host:
    """A host's directory that can be made slow, broken or confused."""

    def __init__(self):
        self.asked, self.alarms = [], []
        self.fails, self.answer = None, {"role:manager": [MANAGER]}
        self.goes_on = threading.Event()
        self.goes_on.set()

    @hookimpl
    def livery_directory(self, selectors, customer, user, chain):
        self.asked.append((selectors, customer.id, user.id if user else None, chain[-1].id))
        assert self.goes_on.wait(60)
        if self.fails:
            raise self.fails
        return self.answer

    @hookimpl
    def livery_on_alarm(self, kind, message):
        self.alarms.append((kind, message))


@pytest.fixture
def host():
    made = Host()
    yield made
    made.goes_on.set()


@pytest.fixture
def make(tmp_path, host, mail):
    engines = []

    def made(*, now=None, plugins=None, **directory):
        engine = opened(
            tmp_path,
            plugins=plugins or {"host": host},
            now=now,
            tenants=saying(to=["role:manager"], bcc=["role:sales", "user:x"]),
            channels={"smtp": {"host": "127.0.0.1", "port": mail.port}},
            directory={"rest_seconds": 0, "cache_seconds": 0, **directory},
        )
        engines.append(engine)
        return engine

    yield made
    for engine in engines:
        engine.close()


def test_all_selectors_are_asked_at_once_and_what_the_host_does_not_know_livery_answers(make, host):
    engine = make()
    engine.directory.put([contact("shop", "cust-1", "primary", "erika@custo.example")])
    assert told(engine, of()) == ["to manager@host.example"]
    ((selectors, *parties),) = host.asked
    assert set(selectors) > {"role:manager", "role:sales", "user:x", "organization_contact:customer.primary"}
    assert parties == ["cust-1", "u-1", "shop"]
    host.answer = {"role:manager": []}
    assert told(engine, of()) == ["to erika@custo.example"]


def test_answers_are_kept_for_a_time_by_who_is_concerned(make, host):
    engine = make(cache_seconds=3600)
    for event in (of(), of(), of(id_="evt-2"), of(customer="cust-2"), of(customer="cust-2"), of(id="u-2")):
        engine.explain(event)
    assert [(customer, user) for _, customer, user, _ in host.asked] == [
        ("cust-1", "u-1"),
        ("cust-2", "u-1"),
        ("cust-1", "u-2"),
    ]


def test_no_more_answers_are_kept_than_said(make, host):
    engine = make(cache_seconds=3600, cache_size=20)
    for number in range(50):
        engine.explain(of(customer=f"cust-{number}"))
    assert len(engine.answers._host.__self__._kept) == 20
    engine.explain(of(customer="cust-0"))
    assert len(host.asked) == 51


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ({"fails": RuntimeError("no connection")}, "the directory of plugin host raised RuntimeError: no connection"),
        ({"fails": TimeoutError()}, "the directory of plugin host raised TimeoutError"),
        ({"fails": SystemExit(1)}, "the directory of plugin host raised SystemExit: 1"),
        ({"answer": ["x"]}, "answered something else than recipients by selector: a mapping was expected"),
        ({"answer": {"role:manager": "a@x.example"}}, "a list of Recipient was expected for role:manager"),
        ({"answer": {"role:manager": ["a@x.example"]}}, "a Recipient was expected for role:manager"),
    ],
)
def test_a_directory_that_fails_delays_the_event_and_loses_nothing(make, host, mail, trouble, says):
    clock = Clock()
    engine = make(now=clock)
    good = host.fails, host.answer
    for name, value in trouble.items():
        setattr(host, name, value)
    receipt = engine.accept(of())
    assert says in receipt.waiting
    assert (receipt.deliveries, receipt.unreachable) == ((), False)
    assert [kind for kind, _ in host.alarms] == ["directory"]
    (waiting,) = engine.waiting()
    assert (waiting.event_id, waiting.tenant, waiting.tries, waiting.why) == ("evt-1", "shop", 1, receipt.waiting)
    with pytest.raises(DirectoryUnavailable, match=r"the directory of plugin host"):
        engine.explain(of())
    engine.drain()
    assert mail.mails == []
    for rung in PLAN_LADDER:
        clock.at += timedelta(seconds=rung * 1.25)
        engine.drain()
    assert engine.waiting()[0].tries == 1 + len(PLAN_LADDER)
    host.fails, host.answer = good
    clock.at += timedelta(hours=2)
    engine.drain()
    assert [one.recipients for one in mail.mails] == [("manager@host.example",)]
    assert (engine.waiting(), engine.counts()["unplanned"]) == ([], 0)


def test_a_slow_directory_holds_accept_up_no_longer_than_said_and_then_is_left_in_peace(make, host, mail):
    clock = Clock()
    engine = make(now=clock, deadline_seconds=0.05, rest_seconds=3600)
    host.goes_on.clear()
    receipts = engine.accept_all([of(id_=f"evt-{number}") for number in range(50)])
    assert "did not answer within 0.05 s" in receipts[0].waiting
    assert all("asked again in a while" in one.waiting for one in receipts[1:])
    assert len(host.asked) == 1
    assert len(engine.waiting(limit=1000)) == 50
    engine.close()
    host.goes_on.set()
    clock.at += timedelta(seconds=PLAN_LADDER[0] * 1.25)
    again = make(now=clock)
    again.drain()
    assert len(mail.mails) == 50


def test_a_directory_that_never_comes_back_takes_a_bounded_number_of_threads(make, host):
    engine = make(deadline_seconds=0.01)
    host.goes_on.clear()
    said = [engine.accept(of(id_=f"evt-{number}")).waiting for number in range(12)]
    assert sum("did not answer" in one for one in said) == 8
    assert sum("8 calls are still under way" in one for one in said) == 4
    assert sum(one.name == "livery-directory" for one in threading.enumerate()) == 8


def test_deliveries_go_on_while_a_directory_is_slow(make, host, mail):
    """Planning late has threads of its own: the one of the store, which every send needs, is not held."""
    clock = Clock()
    engine = make(now=clock, deadline_seconds=20)
    host.fails = RuntimeError("down")
    engine.accept(of(id_="waits"))
    host.fails = None
    engine.accept(of(id_="ready"))
    clock.at += timedelta(seconds=PLAN_LADDER[0] * 1.25)
    host.goes_on.clear()
    worker = threading.Thread(target=engine.drain)
    worker.start()
    try:
        assert _arrived(mail)
        assert [one.event_id for one in engine.waiting()] == ["waits"]
    finally:
        host.goes_on.set()
        worker.join(60)
    assert len(mail.mails) == 2


def _arrived(mail) -> bool:
    until = monotonic() + 30
    pause = threading.Event()
    while monotonic() < until:
        if mail.mails:
            return True
        pause.wait(0.02)
    return False


KILLED = """
import os, sys
sys.path.insert(0, {tests!r})
from directory.people import of, opened, saying
from livery.plugin import hookimpl

class Host:
    @hookimpl
    def livery_directory(self, selectors):
        raise RuntimeError("down")

engine = opened({folder!r}, plugins={{"host": Host()}}, tenants=saying(to=["role:manager"]))
assert engine.accept(of()).waiting
os.kill(os.getpid(), 9)
"""


def test_an_event_that_waits_survives_kill_9(make, host, mail, tmp_path):
    from pathlib import Path

    program = KILLED.format(tests=str(Path(__file__).parents[1]), folder=str(tmp_path))
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    clock = Clock()
    clock.at += timedelta(seconds=PLAN_LADDER[0] * 1.25)
    engine = make(now=clock)
    assert [one.event_id for one in engine.waiting()] == ["evt-1"]
    engine.drain()
    assert [one.recipients for one in mail.mails] == [("manager@host.example",)]


def test_the_command_line_says_what_waits_and_why(make, host, tmp_path):
    engine = make()
    host.fails = RuntimeError("no connection")
    engine.accept(of())
    engine.close()
    (tmp_path / "livery.toml").write_text('database_url = "sqlite:///livery.db"\n[tenants.platform]\n')
    command = [sys.executable, "-m", "livery", "deliveries", "waiting"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the directory of plugin host raised RuntimeError: no connection" in " ".join(done.stdout.split())
    nobody = subprocess.run([*command, "--tenant", "rival"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert nobody.stdout == "No event waits.\n"
