"""Packs in a zip: read in memory, and whatever the zip is made to look like, refused or harmless; never on disk."""

import io
import os
import stat
import struct
import warnings
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.errors import PackError
from livery.packs import zipped
from livery.packs.gathering import MAX_ASSET, MAX_FILES, MAX_TEXT, MAX_TOTAL
from livery.packs.pack import Pack
from livery.packs.source import open_source
from livery.packs.zipped import MAX_ZIP, from_zip
from unit.making import BASE_FILES, base_pack, manifest, write

MANIFEST = {"pack.toml": manifest("p")}
KIB = 1024


def zip_of(files, *, method=zipfile.ZIP_DEFLATED) -> bytes:
    """A zip; a name may be a ZipInfo, and may come twice."""
    made = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(made, "w", method) as opened:
        for name, content in files.items() if isinstance(files, dict) else files:
            opened.writestr(name, content)
    return made.getvalue()


def entry(name: str, *, mode: int = 0, **fields) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def refused(raw: bytes) -> PackError:
    with pytest.raises(PackError) as caught:
        from_zip(raw, "a.zip")
    assert caught.value.findings
    assert caught.value.pack == "a.zip"
    return caught.value


# ------------------------------------------------------------------ what is read


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("top", ["", "fjord-1.0/", "Fjord Cloud/"])
def test_a_zip_is_the_same_pack_as_its_folder(tmp_path, method, top):
    folder = base_pack(tmp_path / "base", {"assets/logo.png": "\x89PNG", "strings/ar.toml": 'x = "مرحبا"'})
    files = {f"{top}{file.relative_to(folder)}": file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    (tmp_path / "base.zip").write_bytes(zip_of(files, method=method))
    made = open_source(tmp_path / "base.zip")
    assert (made.digest, made.where) == (open_source(folder).digest, str(tmp_path / "base.zip"))
    assert Pack(made).strings == Pack(folder).strings


def test_nothing_is_written_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.zip").write_bytes(zip_of(BASE_FILES))
    Pack(tmp_path / "base.zip")
    assert [one.name for one in tmp_path.rglob("*")] == ["base.zip"]


def test_what_is_no_part_of_a_pack_is_passed_over(tmp_path):
    beside = {"p/README.md": "x", "p/__init__.py": "x", "p/.git/config": "x", "__MACOSX/p/._pack.toml": "x"}
    beside |= {"p/inner.zip": zip_of({"x": "y" * 9999}), "p/huge.psd": os.urandom(2 * MAX_ASSET), "p/tests/": ""}
    plain = {f"p/{path}": text for path, text in BASE_FILES.items()}
    made = from_zip(zip_of({**plain, **beside}), "a.zip")
    assert set(made.files) == set(BASE_FILES)
    assert made.ignored == ("README.md", "huge.psd", "inner.zip")


def test_a_zip_in_a_zip_is_but_bytes():
    inner = zip_of({"../../evil": "x"})
    assert from_zip(zip_of({**MANIFEST, "assets/inner.zip": inner}), "a.zip").files["assets/inner.zip"] == inner


def test_a_zip_written_as_a_stream_is_read():
    class Stream(io.RawIOBase):
        def __init__(self):
            self.raw = b""

        def writable(self):
            return True

        def write(self, part):
            self.raw += bytes(part)
            return len(part)

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("pack.toml", manifest("p"))
    assert stream.raw[6] & 8, "sizes stand after the content"
    assert from_zip(stream.raw, "a.zip").text("pack.toml") == manifest("p")


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"README.md": "x"},
        {"a/pack.toml": manifest("a"), "b/pack.toml": manifest("b")},
        {"a/b/pack.toml": manifest("a")},
        {"a/strings/en.toml": "x = 'y'"},
    ],
)
def test_a_zip_without_a_manifest_at_its_top_is_no_pack(files):
    assert "has no pack.toml, so it is no template pack" in str(refused(zip_of(files)))


# ------------------------------------------------------------------ names and kinds


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../evil.toml", "leads outside the pack"),
        ("strings/../../evil.toml", "leads outside the pack"),
        ("strings/..", "leads outside the pack"),
        ("/etc/cron.d/evil", "leads outside the pack"),
        ("//server/share", "leads outside the pack"),
        ("C:/evil.toml", "leads outside the pack"),
        ("c:evil.toml", "leads outside the pack"),
        ("strings\\en.toml", "has a backslash in its name"),
        ("..\\..\\evil.toml", "has a backslash in its name"),
        ("strings/en.toml\x00.png", "has a NUL in its name"),
        ("./strings/en.toml", "no plain path"),
        ("strings//en.toml", "no plain path"),
        ("strings/\x1b[31m.toml", "cannot be printed"),
        ("parts/" + "x" * 300, "240 characters"),
        ("../evil/", "leads outside the pack"),
        ("x/" * 40, "16 folders"),
    ],
)
@pytest.mark.parametrize("top", [True, False])
def test_a_name_that_leads_outside_or_is_odd_is_refused(name, says, top):
    beside = MANIFEST if top else {f"deep/{path}": text for path, text in MANIFEST.items()}
    stand_in = "~" * len(name.encode())  # zipfile would mend the name
    raw = zip_of({**beside, stand_in: "x"}).replace(stand_in.encode(), name.encode())
    error = refused(raw)
    assert says in str(error)
    assert "\x1b" not in str(error)
    assert "\x00" not in str(error)


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("strings/en.toml", "strings/en.toml", "is there twice"),
        ("strings/en.toml", "strings/EN.toml", "has the same name as strings/en.toml"),
        ("pack.toml", "pack.toml", "is there twice"),
        ("pack.toml", "PACK.TOML", "has the same name as pack.toml"),
        ("parts/ß.j2", "parts/SS.j2", "has the same name"),
        ("parts/Å.j2", "parts/A\u030a.j2", "has the same name"),
    ],
)
def test_a_name_that_comes_twice_is_refused(first, second, says):
    files = [*([] if first == "pack.toml" else MANIFEST.items()), (first, manifest("one")), (second, manifest("two"))]
    assert says in str(refused(zip_of(files)))


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        (stat.S_IFLNK | 0o777, "is a link; put the file itself into the zip"),
        (stat.S_IFIFO | 0o644, "is no ordinary file"),
        (stat.S_IFCHR | 0o644, "is no ordinary file"),
        (stat.S_IFSOCK | 0o644, "is no ordinary file"),
    ],
)
@pytest.mark.parametrize("name", ["strings/en.toml", "elsewhere"])
def test_links_and_other_odd_entries_are_refused(mode, says, name):
    raw = zip_of([*MANIFEST.items(), (entry(name, mode=mode), "/etc/passwd")])
    assert f"{name}: {says}" in str(refused(raw))


def test_entries_that_are_encrypted_are_refused():
    raw = bytearray(zip_of({**MANIFEST, "strings/en.toml": "x = 'y'"}))
    directory = raw.rindex(b"PK\x01\x02")
    raw[directory + 8] |= 1
    assert "strings/en.toml: is encrypted" in str(refused(bytes(raw)))
    raw[directory + 8] &= ~1
    raw[raw.rindex(b"PK\x03\x04") + 6] |= 1
    assert "strings/en.toml: is damaged, or is not what the zip says" in str(refused(bytes(raw)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(method):
    assert "is packed in a way other than deflate" in str(refused(zip_of(MANIFEST, method=method)))


# ------------------------------------------------------------------ bombs


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        ("strings/en.toml", MAX_TEXT + 1, "is packed to less than 1/200 of its size"),
        ("assets/a.png", MAX_ASSET, "is packed to less than 1/200 of its size"),
        ("assets/a.png", 200 * MAX_ASSET, "is packed to less than 1/200 of its size"),
        ("parts/a.j2", 100 * KIB, "is packed to less than 1/200 of its size"),
    ],
)
def test_a_bomb_is_refused_by_its_ratio(name, size, says):
    assert says in str(refused(zip_of({**MANIFEST, name: b"\x00" * size})))


def test_a_small_file_of_blanks_is_no_bomb():
    assert from_zip(zip_of({**MANIFEST, "parts/a.j2": " " * 64 * KIB}), "a.zip")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"pack.toml": os.urandom(MAX_TEXT + 1)}, "is larger than 256 KiB"),
        ({f"assets/{number}": b"x" for number in range(MAX_FILES)}, "has more than 500 files"),
        ({f"assets/{number}": os.urandom(MAX_ASSET) for number in range(MAX_TOTAL // MAX_ASSET)}, "than 8 MiB in all"),
        ({f"notes/{number}": b"" for number in range(5001)}, "has more than 5,000 entries"),
    ],
)
def test_a_zip_that_is_too_much_is_refused(files, says):
    assert says in str(refused(zip_of({**MANIFEST, **files}, method=zipfile.ZIP_STORED)))


def test_a_file_that_is_too_large_is_left_out_and_named():
    raw = zip_of({**MANIFEST, "strings/en.toml": os.urandom(MAX_TEXT + 1), "assets/a.png": os.urandom(MAX_ASSET + 1)})
    pack = Pack(from_zip(raw, "a.zip"))
    assert {one.file: one.message for one in pack.findings} == {
        "assets/a.png": "is larger than 1024 KiB",
        "strings/en.toml": "is larger than 256 KiB",
    }
    assert list(pack.snapshot.files) == ["pack.toml"]


def test_a_zip_that_is_too_large_is_refused(tmp_path):
    (tmp_path / "a.zip").touch()
    os.truncate(tmp_path / "a.zip", 2**40)
    with pytest.raises(PackError, match="is larger than 16 MiB"):
        open_source(tmp_path / "a.zip")
    assert "is larger than 16 MiB" in str(refused(b"PK" * MAX_ZIP))


def test_a_hundred_thousand_entries_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(zipped, "ZipFile", lambda *_: pytest.fail("the directory was read"))
    raw = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 100_000 * 46, 0, 0)
    assert "has more than 5,000 entries" in str(refused(b"\x00" * 5_000_000 + raw))


# ------------------------------------------------------------------ lies


def patched(raw: bytes, mark: bytes, offset: int, pack: str, value: int) -> bytes:
    """`raw` with one number changed, counted from the last place of `mark`."""
    made = bytearray(raw)
    struct.pack_into(pack, made, raw.rindex(mark) + offset, value)
    return bytes(made)


TEXT = b"x = 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'"
LYING = zip_of({**MANIFEST, "strings/en.toml": TEXT})
STORED = zip_of({**MANIFEST, "strings/en.toml": TEXT}, method=zipfile.ZIP_STORED)
CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


@pytest.mark.parametrize(
    "raw",
    [
        patched(LYING, CENTRAL, 24, "<L", 10),  # a smaller size than there is
        patched(LYING, CENTRAL, 24, "<L", 200),
        patched(LYING, CENTRAL, 20, "<L", 5),
        patched(LYING, CENTRAL, 16, "<L", zlib.crc32(TEXT[:10])),
        patched(patched(LYING, CENTRAL, 24, "<L", 10), LOCAL, 22, "<L", 10),  # both lie alike
        patched(patched(LYING, CENTRAL, 16, "<L", 1), LOCAL, 14, "<L", 1),
        patched(LYING, CENTRAL, 42, "<L", 0),  # another entry's content
        patched(LYING, CENTRAL, 42, "<L", 2**31),
        patched(LYING, CENTRAL, 10, "<H", 0),
        patched(LYING, LOCAL, 8, "<H", 0),
        patched(LYING, LOCAL, 18, "<L", 2),
        patched(LYING, LOCAL, 28, "<H", 60_000),
        patched(STORED, CENTRAL, 24, "<L", 10),
        patched(patched(STORED, CENTRAL, 24, "<L", 10), LOCAL, 22, "<L", 10),
        LYING.replace(b"strings/en.toml", b"strings/de.toml", 1),  # the entry itself has another name
    ],
    ids=range(15),
)
def test_an_entry_that_is_not_what_the_directory_says_is_refused(raw):
    assert "strings/en.toml: is damaged, or is not what the zip says of it" in str(refused(raw))


def test_content_after_the_end_of_a_deflated_entry_is_refused():
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = stream.compress(TEXT) + stream.flush()
    raw = zip_of({**MANIFEST, "strings/en.toml": packed + b"smuggled"}, method=zipfile.ZIP_STORED)
    for mark, method, size, crc in ((CENTRAL, 10, 24, 16), (LOCAL, 8, 22, 14)):
        raw = patched(raw, mark, method, "<H", 8)
        raw = patched(raw, mark, size, "<L", len(TEXT))
        raw = patched(raw, mark, crc, "<L", zlib.crc32(TEXT))
    assert "is damaged" in str(refused(raw))


@pytest.mark.parametrize(
    "raw",
    [b"", b"PK", b"no zip", b"PK\x05\x06", LYING[:-1], LYING[:50], LYING[10:40] + LYING[-22:], b"\x00" * 100],
    ids=range(8),
)
def test_what_is_no_zip_is_refused(raw):
    assert "zip" in str(refused(raw))


@given(st.data())
def test_whatever_is_done_to_a_zip_it_is_read_as_it_was_or_refused(data):
    raw = bytearray(LYING)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        made = from_zip(bytes(raw), "a.zip")
    except PackError:
        return
    assert made.text("pack.toml") == manifest("p")
    assert made.files.get("strings/en.toml", TEXT) == TEXT


# ------------------------------------------------------------------ the file


def test_a_zip_that_is_replaced_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    file = tmp_path / "a.zip"
    file.write_bytes(zip_of({"pack.toml": manifest("old")}))
    seen, looked = [], os.fstat

    def edited(descriptor):
        found = looked(descriptor)
        if not seen:
            seen.append(file.write_bytes(zip_of({"pack.toml": manifest("new"), "strings/en.toml": "a = 'b'"})))
        return found

    monkeypatch.setattr(zipped.os, "fstat", edited)
    assert Pack(file).id == "new"


def test_a_pipe_that_took_the_place_of_a_zip_is_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.zip")
    with pytest.raises(PackError, match="is no ordinary file"):
        zipped.read_zip(tmp_path / "a.zip")
    with pytest.raises(PackError, match="cannot be read: No such file"):
        zipped.read_zip(tmp_path / "gone.zip")


def test_a_file_that_is_no_zip_says_what_a_pack_is(tmp_path):
    with pytest.raises(PackError, match=r"is no zip; a pack is a folder, or a zip of one"):
        open_source(write(tmp_path, {"pack.toml": manifest("p")}) / "pack.toml")
