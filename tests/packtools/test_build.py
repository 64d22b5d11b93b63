"""Zips of packs: the same pack, the same bytes; and the images a web server gives out."""

import os
import zipfile
from hashlib import sha256

import pytest

from livery.errors import LiveryError
from livery.packtools.assets import copied
from livery.packtools.building import build
from livery.packtools.signing import make_keys, verify
from livery.studio.bench import Bench
from packtools.making import checked, lines, target, tiny, write

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8ffff3f0005fe02fea7"
    "35810b0000000049454e44ae426082"
)


def test_the_same_files_make_the_same_bytes_wherever_and_whenever(tmp_path):
    one, two = tiny(tmp_path / "a"), tiny(tmp_path / "b")
    for file in two.rglob("*"):
        os.utime(file, (1, 1))
    first = build(target(one), tmp_path / "one.zip")
    second = build(target(two), tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert first.sha256 == second.sha256 == sha256((tmp_path / "one.zip").read_bytes()).hexdigest()
    assert (tmp_path / "one.zip.sha256").read_text() == f"{first.sha256}  one.zip\n"


def test_a_signature_is_of_these_bytes_and_of_this_key_alone(tmp_path):
    folder, mine, other = tiny(tmp_path), make_keys(tmp_path / "mine"), make_keys(tmp_path / "other")
    built = build(target(folder), tmp_path / "one.zip", key=mine.private)
    assert built.signature_file is not None
    assert len(built.signature_file.read_bytes()) == 64
    assert verify(built.file, mine.public) == built.sha256
    with pytest.raises(LiveryError, match="is not what the owner of"):
        verify(built.file, other.public)
    built.file.write_bytes(built.file.read_bytes() + b"x")
    with pytest.raises(LiveryError, match="is not what the owner of"):
        verify(built.file, mine.public)


def test_a_zip_that_is_built_again_without_a_key_has_no_signature_left(tmp_path):
    folder, keys = tiny(tmp_path), make_keys(tmp_path / "mine")
    signed = build(target(folder), tmp_path / "one.zip", key=keys.private).signature_file
    assert build(target(folder), tmp_path / "one.zip").signature_file is None
    assert not signed.exists()


def test_keys_are_told_from_what_is_none_and_never_overwritten(tmp_path):
    keys, folder = make_keys(tmp_path / "mine"), tiny(tmp_path / "pack")
    assert keys.private.stat().st_mode & 0o077 == 0
    with pytest.raises(LiveryError, match="is there already"):
        make_keys(tmp_path / "mine")
    for wrong in (keys.public, tmp_path / "none.key"):
        with pytest.raises(LiveryError):
            build(target(folder), tmp_path / "one.zip", key=wrong)
    assert not (tmp_path / "one.zip").exists()
    with pytest.raises(LiveryError, match="holds no public Ed25519 key"):
        verify(keys.public, keys.private, keys.public)


def test_a_change_of_any_file_changes_the_digest(tmp_path):
    folder = tiny(tmp_path)
    before = build(target(folder), tmp_path / "one.zip").sha256
    write(folder, {"strings/en.toml": (folder / "strings/en.toml").read_text() + "# x\n"})
    assert build(target(folder), tmp_path / "one.zip").sha256 != before


def test_what_is_built_is_the_pack_and_what_people_read_before(tmp_path):
    folder = tiny(tmp_path, {"LICENSE": "MIT", "notes.txt": "x", ".git/config": "x", "schemas/pack.json": "{}"})
    build(target(folder), tmp_path / "one.zip")
    names = zipfile.ZipFile(tmp_path / "one.zip").namelist()
    assert names == sorted(names)
    assert {"README.md", "LICENSE", "pack.toml"} <= set(names)
    assert not {"notes.txt", ".git/config", "schemas/pack.json"} & set(names)


def test_the_zip_is_checked_as_the_folder_is(tmp_path):
    folder = tiny(tmp_path, {"strings/en.toml": '[tiny]\nsubject = "{{ event.x.y }}"\ntext = "a"\nclosing = "b"\n'})
    build(target(folder), tmp_path / "one.zip")
    assert lines(checked(tmp_path / "one.zip")) == lines(checked(folder)) != []


def test_without_a_name_it_is_called_after_the_pack_and_its_version(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(build(target(tiny(tmp_path))).file) == "tiny-1.0.0.zip"


def test_images_go_where_links_to_them_lead(tmp_path):
    bench = Bench.opened(target(tiny(tmp_path, {"assets/logo.png": PIXEL})))
    bench.close()
    (file,) = copied(bench.packs, tmp_path / "out")
    assert file == tmp_path / "out" / "tiny" / f"{sha256(PIXEL).hexdigest()}.png"
    assert file.read_bytes() == PIXEL
    assert copied(bench.packs, tmp_path / "out") == [file]
