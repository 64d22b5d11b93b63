"""The folder compiled packs are kept in: spoilt, full, shared or gone, the right message goes out."""

import contextlib
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from hostile import places
from hostile.rig import NAMING, is_whole, message
from livery.ports import utc_now
from livery.stencils.shelf import Shelf
from livery.storage.database import connect
from livery.storage.ledger import Ledger
from livery.storage.stencils import StencilTable


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
    "of another name": lambda raw: (
        sha256(raw.partition(b"\n")[2]).hexdigest().encode() + b"\n" + raw.partition(b"\n")[2]
    ),
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


class Store:
    """What machines share, as one who may write there leaves it."""

    def __init__(self, table):
        self.table, self.asked = table, []

    def get(self, name, most):
        self.asked.append(name)
        return self.table.get(name, most)

    def put(self, name, seal, body):
        self.table.put(name, seal, body)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    ledger = Ledger(connect(f"sqlite:///{tmp_path_factory.mktemp('shared')}/livery.db"))
    yield StencilTable(ledger, now=utc_now)
    ledger.close()


@pytest.mark.parametrize("how", POISON)
def test_a_stencil_that_was_spoilt_in_the_store_is_made_again(rig, tmp_path, table, how):
    packs, shared = rig.chain(NAMING), Store(table)
    whole = message(rig, packs, Shelf(tmp_path / "one", shared=lambda: shared))
    (file,) = files_of(tmp_path / "one")
    raw = file.read_bytes()
    spoilt = POISON[how](raw)
    head, _, body = spoilt.partition(b"\n")
    seal = signed(body, file.stem)[:64] if spoilt == signed(body) else head[:64]
    table.put(file.stem, seal.decode("utf-8", "replace"), body)
    outcome = message(rig, packs, Shelf(tmp_path / "two", shared=lambda: shared))
    assert shared.asked == [file.stem] * 2
    assert is_whole(outcome)
    assert outcome.html == whole.html
    assert not outcome.said
    assert (tmp_path / "two" / file.name).read_bytes() == raw
    kept = table.get(file.stem, 2**24)
    assert kept == (raw[:64].decode(), raw[65:]), "what was spoilt would be taken by every machine"


def test_another_machine_takes_what_one_has_compiled(rig, tmp_path, table):
    packs = rig.chain(NAMING)
    whole = message(rig, packs, Shelf(tmp_path / "one", shared=lambda: table))
    (file,) = files_of(tmp_path / "one")

    def never():
        raise AssertionError("it was compiled again")

    other = Shelf(tmp_path / "two", shared=lambda: table)
    other.get(file.stem, never)
    assert (tmp_path / "two" / file.name).read_bytes() == file.read_bytes()
    assert message(rig, packs, other).html == whole.html
    assert Shelf(None, shared=lambda: table).data(file.stem, never)[1] == len(file.read_bytes()) - 65


def test_a_store_that_fails_costs_no_message(rig, tmp_path):
    ledger = Ledger(connect(f"sqlite:///{tmp_path}/livery.db"))
    table = StencilTable(ledger, now=utc_now)
    with ledger.transaction() as tx:
        tx.exec_driver_sql("DROP TABLE livery_stencil")
    assert is_whole(message(rig, rig.chain(NAMING), Shelf(tmp_path / "cache", shared=lambda: table)))
    ledger.close()


def test_of_more_than_are_kept_in_the_store_the_oldest_go(tmp_path):
    ledger, moments = Ledger(connect(f"sqlite:///{tmp_path}/livery.db")), iter(range(1000))
    table = StencilTable(ledger, now=lambda: utc_now() + timedelta(seconds=next(moments)), most=3)
    for number in range(201):
        table.put(f"{number}", "0" * 64, b"x")
    assert [number for number in range(201) if table.get(f"{number}", 10)] == [198, 199, 200]
    assert table.get("200", 0) is None, "it is larger than what is asked for"
    ledger.close()


def test_odd_things_in_place_of_a_stencil_are_no_obstacle(rig, tmp_path):
    packs = rig.chain(NAMING)
    message(rig, packs, Shelf(tmp_path))
    (file,) = files_of(tmp_path)
    file.unlink()
    for make in (os.mkdir, os.mkfifo, lambda at: at.symlink_to("/dev/zero"), lambda at: at.symlink_to(at)):
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
from hostile.rig import NAMING, Rig, is_whole, message
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
