"""The process that compiles packs, and the folder it fills: whatever becomes of them, the right message goes out."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from hostile import places
from hostile.rig import NOW, Outcome, Reading, Rig
from livery.errors import PackError
from livery.stencils.press import CompileLimit, Press
from livery.stencils.shelf import Shelf

NAMING = {"strings/en.toml": 'summary = "{{ event.offer.name }} is named here."'}
SLOW = {"strings/en.toml": "summary = \"" + "{% for a in [1,2,3,4,5,6,7,8,9,10] %}" * 3 + "x" + "{% endfor %}" * 3 + '"'}


@pytest.fixture
def own():
    """An engine and a worker for one test alone."""
    made = Rig()
    yield made
    made.close()


def message(rig, packs, shelf=None):
    outcome = Outcome()
    writer = rig._writer(packs, shelf)
    rig.write(writer, {}, outcome)
    return outcome


def worker_of(rig):
    rig.press.warm()
    return rig.press._process.pid


def is_whole(outcome):
    return "is named here" in outcome.messages["smtp"].text and "Not available in your region" in outcome.html


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
    bomb = own.chain({"strings/en.toml": 'summary = "' + "{% for a in [1,2,3,4,5,6,7,8,9,10] %}" * 9 + "x" * 50 + "{% endfor %}" * 9 + '"'})
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
    for said in ("b'garbage that is no frame at all'", "b'\\0\\0\\0\\4nope'", "b'\\xff' * 9", "b''", "b'\\0\\0\\0\\2[]'", "b'\\0\\0\\0\\2{}'"):
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
            outcome = message(own, own.chain({"strings/en.toml": 'summary = "{{ event.offer.name }} is named here, too."'}))
            code = 0 if is_whole(outcome) and own.press._process.pid != parent else 2
        os._exit(code)
    assert is_whole(message(own, own.chain({"strings/en.toml": 'summary = "{{ event.offer.name }} is named here, as well."'})))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert own.press._process.pid == parent


def test_the_worker_ends_with_its_host():
    code = "from livery.stencils.press import Press; import os, signal; p = Press(); p.warm(); print(p._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    pid, until = int(done.stdout), time.monotonic() + 10
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < until:
            os.kill(pid, 0)
            time.sleep(0.01)


def test_the_worker_knows_nothing_of_its_hosts_secrets(own, monkeypatch):
    own.press.close()
    monkeypatch.setenv("LIVERY_SECRET", "s3cret")
    pid = worker_of(own)
    with open(f"/proc/{pid}/environ", "rb") as stream:
        assert b"s3cret" not in stream.read()


def test_the_worker_has_no_file_of_its_hosts_open(own, tmp_path):
    own.press.close()
    with (tmp_path / "secret").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)
        pid = worker_of(own)
        assert not any("secret" in os.readlink(f"/proc/{pid}/fd/{one}") for one in os.listdir(f"/proc/{pid}/fd"))


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


# --------------------------------------------------------------------------- the folder


def files_of(folder):
    return sorted(folder.glob("*.json"))


POISON = {
    "empty": lambda raw: b"",
    "cut off": lambda raw: raw[: len(raw) // 2],
    "garbage": lambda raw: os.urandom(2000),
    "one bit": lambda raw: raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:],
    "no digest": lambda raw: raw.partition(b"\n")[2],
    "another digest": lambda raw: b"0" * 64 + raw[64:],
    "no stencil": lambda raw: signed(b"{}"),
    "a list": lambda raw: signed(b"[1, 2]"),
    "a number": lambda raw: signed(b"1"),
    "null": lambda raw: signed(b"null"),
    "a newer format": lambda raw: signed(json.dumps({"format": 99, "engine": "99"}).encode()),
    "deep": lambda raw: signed(b"[" * 200_000 + b"]" * 200_000),
    "no UTF-8": lambda raw: signed(b'{"a": "\xff"}'),
    "unknown nodes": lambda raw: signed(changed(raw, html=[["zz", 1]])),
    "no script": lambda raw: signed(changed(raw, script=None)),
    "cards that are none": lambda raw: signed(changed(raw, cards=[1])),
    "html that nests": lambda raw: signed(changed(raw, html=nest(400))),
    "of another name": lambda raw: sha256(raw.partition(b"\n")[2]).hexdigest().encode() + b"\n" + raw.partition(b"\n")[2],
}


def signed(body, name=""):
    """As one who may write there would leave it; `name` is put in by the test."""
    return sha256(name.encode() + b"\n" + body).hexdigest().encode() + b"\n" + body


def changed(raw, **fields):
    return json.dumps({**json.loads(raw.partition(b"\n")[2]), **fields}).encode()


def nest(levels):
    node = "x"
    for _ in range(levels):
        node = ["i", ["c", True], [node], []]
    return [node]


@pytest.mark.parametrize("how", POISON)
def test_a_stencil_that_was_spoilt_on_disk_is_made_again(rig, tmp_path, how):
    packs = rig.chain(NAMING)
    whole = message(rig, packs, Shelf(tmp_path))
    (file,) = files_of(tmp_path)
    raw = file.read_bytes()
    spoilt = POISON[how](raw)
    body = spoilt.partition(b"\n")[2]
    file.write_bytes(signed(body, file.stem) if spoilt == signed(body) else spoilt)
    outcome = message(rig, packs, Shelf(tmp_path))
    assert is_whole(outcome)
    assert outcome.html == whole.html
    assert not outcome.said
    assert file.read_bytes() == raw


def test_odd_things_in_place_of_a_stencil_are_no_obstacle(rig, tmp_path):
    packs = rig.chain(NAMING)
    message(rig, packs, Shelf(tmp_path))
    (file,) = files_of(tmp_path)
    file.unlink()
    for make in (os.mkdir, os.mkfifo, lambda at: os.symlink("/dev/zero", at), lambda at: os.symlink(at, at)):
        make(file)
        with rig.watching() as watch:
            assert is_whole(message(rig, packs, Shelf(tmp_path)))
        assert not watch.over(), watch.over()
        if file.is_dir() and not file.is_symlink():
            file.rmdir()
        else:
            file.unlink()


def test_a_stencil_of_a_gigabyte_is_not_read(rig, tmp_path):
    packs = rig.chain(NAMING)
    message(rig, packs, Shelf(tmp_path))
    (file,) = files_of(tmp_path)
    with file.open("r+b") as stream:
        stream.truncate(3 * 1024**3)
    with rig.watching() as watch:
        assert is_whole(message(rig, packs, Shelf(tmp_path)))
    assert not watch.over(), watch.over()


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o722])
def test_a_folder_that_others_may_write_to_is_not_used(rig, tmp_path, mode):
    packs = rig.chain(NAMING)
    folder = tmp_path / "cache"
    message(rig, packs, Shelf(folder))
    (file,) = files_of(folder)
    file.write_bytes(signed(changed(file.read_bytes(), html=["EVIL"]), file.stem))
    folder.chmod(mode)
    outcome = message(rig, packs, Shelf(folder))
    assert "EVIL" not in outcome.html
    assert is_whole(outcome)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_stencil_of_another_user_is_not_used(rig, tmp_path):
    packs = rig.chain(NAMING)
    message(rig, packs, Shelf(tmp_path))
    (file,) = files_of(tmp_path)
    file.write_bytes(signed(changed(file.read_bytes(), html=["EVIL"]), file.stem))
    os.chown(file, 12345, 12345)
    outcome = message(rig, packs, Shelf(tmp_path))
    assert "EVIL" not in outcome.html
    assert is_whole(outcome)


def test_a_link_that_another_could_change_is_no_folder(rig, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "cache").symlink_to(tmp_path / "open")
    shelf = Shelf(tmp_path / "cache")
    assert is_whole(message(rig, rig.chain(NAMING), shelf))
    assert not list((tmp_path / "open").iterdir())


@pytest.mark.parametrize("where", ["/proc/nowhere", "/dev/null/x", "/proc/self/fd/0/x", "x" * 5000])
def test_a_folder_that_cannot_be_made_is_done_without(rig, where):
    from pathlib import Path

    assert is_whole(message(rig, rig.chain(NAMING), Shelf(Path(where))))


@pytest.mark.parametrize("error", [28, 30, 122, 5, 13])  # no space, read-only, quota, I/O, permission
def test_a_disk_that_takes_nothing_costs_no_message(rig, tmp_path, monkeypatch, error):
    real = os.fdopen

    def full(descriptor, *args, **options):
        stream = real(descriptor, *args, **options)
        if "w" in (args[0] if args else ""):
            stream.close()
            raise OSError(error, os.strerror(error))
        return stream

    monkeypatch.setattr("livery.stencils.shelf.os.fdopen", full)
    assert is_whole(message(rig, rig.chain(NAMING), Shelf(tmp_path)))
    assert not list(tmp_path.iterdir()), "half a file was left behind"


def test_a_folder_that_goes_away_is_done_without(rig, tmp_path):
    folder = tmp_path / "cache"
    shelf = Shelf(folder)
    assert is_whole(message(rig, rig.chain(NAMING), shelf))
    for one in folder.iterdir():
        one.unlink()
    folder.rmdir()
    assert is_whole(message(rig, rig.chain({**NAMING, **places.letter("{{ block.text }}")}), shelf))


def test_what_is_swept_is_the_oldest_and_only_stencils(rig, tmp_path):
    (tmp_path / "kept.txt").write_text("not ours")
    shelf = Shelf(tmp_path, disk=1)
    assert is_whole(message(rig, rig.chain(NAMING), shelf))
    assert (tmp_path / "kept.txt").exists()


TWO = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from livery.stencils.shelf import Shelf
from hostile.test_worker import NAMING, is_whole, message
from hostile.rig import Rig
rig = Rig()
for number in range({times}):
    packs = rig.chain({{**NAMING, "blocks/text.txt.j2": "{{{{ block.text }}}} " + str(number % 5)}})
    outcome = message(rig, packs, Shelf(Path({folder!r}), disk=40_000))
    assert is_whole(outcome) and not outcome.said, outcome.notes
rig.close()
"""


def test_processes_that_share_a_folder_do_not_harm_each_other(tmp_path):
    times = 200 if os.environ.get("LIVERY_SOAK") else 12
    path = [one for one in sys.path if one]
    code = TWO.format(path=path, folder=str(tmp_path), times=times)
    running = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    spoilt = 0
    while any(one.poll() is None for one in running):
        for file in files_of(tmp_path):
            with contextlib.suppress(OSError):
                file.write_bytes(file.read_bytes()[:100])
                spoilt += 1
        time.sleep(0.05)
    for one in running:
        _, said = one.communicate()
        assert one.returncode == 0, said
    assert spoilt


# --------------------------------------------------------------------------- told once


def test_what_fell_back_is_told_once_for_each_version_of_a_pack_by_all_processes(rig, tmp_path):
    broken = rig.chain({"strings/en.toml": 'summary = "{{ event.missing.part }}"'})
    outcome = message(rig, broken, Shelf(tmp_path))
    said = outcome.messages["smtp"].degraded
    assert said
    first, second = rig._writer(broken, Shelf(tmp_path)), rig._writer(broken, Shelf(tmp_path))
    assert first.news(["hostile1 1.0"], said) == list(said)
    assert first.news(["hostile1 1.0"], said) == []
    assert second.news(["hostile1 1.0"], said) == []
    assert second.news(["hostile1 1.1"], said) == list(said)


__all__ = ["NOW", "Reading"]
