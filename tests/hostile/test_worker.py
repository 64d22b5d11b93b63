"""The process that compiles packs: whatever becomes of it, the right message goes out."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hostile.rig import NAMING, Rig, is_whole, message
from livery.errors import PackError
from livery.stencils.press import CompileLimit, Press


@pytest.fixture
def own():
    """An engine and a worker for one test alone."""
    made = Rig()
    yield made
    made.close()


def worker_of(rig):
    rig.press.warm()
    return rig.press._process.pid


# --------------------------------------------------------------------------- the process


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM, signal.SIGXCPU])
def test_a_worker_that_died_between_two_messages_is_replaced(own, how):
    before = worker_of(own)
    os.kill(before, how)
    own.press._process.wait()
    outcome = message(own, own.chain(NAMING))
    assert is_whole(outcome)
    assert not outcome.said
    assert worker_of(own) != before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_at_work_is_not_the_packs_fault_the_second_time(own, how):
    """Killed from outside while it compiles, which no pack did: the message goes out, and the next is whole again."""
    stopped = worker_of(own)
    os.kill(stopped, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(message, own, own.chain(NAMING))
        while not own.press._lock.locked() and not writing.done():
            time.sleep(0.001)
        os.kill(stopped, how)
        os.kill(stopped, signal.SIGCONT)
        outcome = writing.result()
    assert is_whole(outcome)
    assert not outcome.said


def test_a_worker_that_hangs_is_ended_and_the_message_goes_out():
    rig = Rig(press=Press(deadline=0.3))
    try:
        hanging = worker_of(rig)
        os.kill(hanging, signal.SIGSTOP)
        outcome = message(rig, rig.chain(NAMING))
        assert "Copilot" in outcome.messages["smtp"].text
        with pytest.raises(ProcessLookupError):
            os.kill(hanging, 0)
        rig.is_well()
    finally:
        rig.close()


def test_many_threads_and_a_worker_that_is_killed_again_and_again(own):
    """Every message of every thread is whole, or says why it is not; nobody waits for ever."""
    is_over = threading.Event()

    def kill():
        while not is_over.wait(0.05):
            process = own.press._process
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    def write(number):
        files = {"strings/en.toml": f'summary = "{{{{ event.offer.name }}}} is named here, {number}."'}
        return number, message(own, own.chain(files))

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with ThreadPoolExecutor(6) as pool:
            for number, outcome in pool.map(write, range(24)):
                text = outcome.messages["smtp"].text
                assert f"is named here, {number}." in text or outcome.said
                assert "Copilot" in text
    finally:
        is_over.set()
        killer.join()
    own.is_well()


def test_a_pack_that_takes_the_worker_down_keeps_nobody_waiting_twice(own):
    bomb = own.chain(
        {
            "strings/en.toml": 'summary = "'
            + "{% for a in [1,2,3,4,5,6,7,8,9,10] %}" * 9
            + "x" * 50
            + "{% endfor %}" * 9
            + '"'
        }
    )
    start = time.monotonic()
    for _ in range(5):
        assert "Copilot" in message(own, bomb).messages["smtp"].text
    assert time.monotonic() - start < 30  # not five times the deadline for each channel
    own.is_well()


def test_no_worker_can_be_started(own, monkeypatch):
    own.press.close()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    outcome = message(own, own.chain(NAMING))
    assert "Copilot" in outcome.messages["smtp"].text
    assert "cannot be started" in outcome.notes
    monkeypatch.undo()
    assert is_whole(message(own, own.chain(NAMING)))


def test_a_worker_that_speaks_nonsense_is_ended(own, monkeypatch):
    for said in (
        "b'garbage that is no frame at all'",
        "b'\\0\\0\\0\\4nope'",
        "b'\\xff' * 9",
        "b''",
        "b'\\0\\0\\0\\2[]'",
        "b'\\0\\0\\0\\2{}'",
    ):
        own.press.close()
        code = f"import sys, os\nos.write(1, {said})\nsys.stdin.read()\n"
        monkeypatch.setattr("livery.stencils.press._RUN", code.replace("{", "{{").replace("}", "}}"))
        monkeypatch.setattr("livery.stencils.press.START", 1.0)
        outcome = message(own, own.chain(NAMING))
        assert "Copilot" in outcome.messages["smtp"].text
        assert outcome.said
        monkeypatch.undo()
    assert is_whole(message(own, own.chain(NAMING)))


def test_a_host_that_forks_has_a_worker_on_each_side(own):
    assert is_whole(message(own, own.chain(NAMING)))
    parent = own.press._process.pid
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            outcome = message(
                own, own.chain({"strings/en.toml": 'summary = "{{ event.offer.name }} is named here, too."'})
            )
            code = 0 if is_whole(outcome) and own.press._process.pid != parent else 2
        os._exit(code)
    assert is_whole(
        message(own, own.chain({"strings/en.toml": 'summary = "{{ event.offer.name }} is named here, as well."'}))
    )
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert own.press._process.pid == parent


def test_the_worker_ends_with_its_host():
    code = "from livery.stencils.press import Press; import os, signal; p = Press(); p.warm(); print(p._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    pid, until = int(done.stdout), time.monotonic() + 10
    while _is_there(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not _is_there(pid)


def _is_there(pid):
    return Path(f"/proc/{pid}/cmdline").exists() and b"livery" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_the_worker_knows_nothing_of_its_hosts_secrets(own, monkeypatch):
    own.press.close()
    monkeypatch.setenv("LIVERY_SECRET", "s3cret")
    pid = worker_of(own)
    assert b"s3cret" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_worker_has_no_file_of_its_hosts_open(own, tmp_path):
    own.press.close()
    with (tmp_path / "secret").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)
        pid = worker_of(own)
        assert not [one for one in Path(f"/proc/{pid}/fd").iterdir() if "secret" in str(one.readlink())]


REQUESTS = [
    {},
    {"op": 1},
    {"op": "no such"},
    {"op": "compile"},
    {"op": "compile", "order": {}},
    {"op": "compile", "order": {"script": {}, "packs": [], "files": {}}},
    {"op": "page", "order": [], "said": 1},
    {"op": "read", "templates": {"a": "{{"}},
    {"op": "prove", "order": {}, "samples": [[]]},
]


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_a_request_that_makes_no_sense_is_refused_and_the_worker_stays(own, request_):
    before = worker_of(own)
    with contextlib.suppress(PackError):
        own.press.ask(request_)
    assert worker_of(own) == before


def test_a_request_that_is_too_large_is_refused_by_its_limit(own):
    with pytest.raises(PackError):
        own.press.ask({"op": "read", "templates": [["x", "y" * 20_000_000]]})
    own.is_well()


def test_memory_is_a_limit_with_a_name(own):
    with pytest.raises(CompileLimit) as caught:
        own.press.ask({"op": "compile", "order": _greedy()})
    assert caught.value.limit in ("memory", "time", "crash", "output")
    own.is_well()


def _greedy():
    """An order whose plain data alone is more than the worker may use."""
    return {"script": [[{}] * 4_000] * 1_000, "packs": [], "files": {}}
