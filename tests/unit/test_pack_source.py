"""Sources: a folder is read as it is at one moment, and nothing outside it, nothing odd and nothing huge is."""

import os
from pathlib import Path

import pytest

from livery.errors import PackError
from livery.packs import source
from livery.packs.gathering import MAX_ASSET, MAX_FILES, MAX_TEXT, MAX_TOML, MAX_TOTAL
from livery.packs.pack import Pack
from livery.packs.source import Snapshot, SnapshotFiles, open_source, stamp
from unit.making import BASE_FILES, base_pack, manifest, write

SECRET = "geheim"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret.toml").write_text(f"{SECRET} = 'x'")
    return base_pack(tmp_path / "base")


def refused(folder) -> PackError:
    with pytest.raises(PackError) as caught:
        open_source(folder)
    assert SECRET not in str(caught.value).replace("secret", "")
    return caught.value


# ------------------------------------------------------------------ what is read


def test_every_file_of_a_pack_is_read_and_its_text_is_had(folder):
    made = open_source(folder)
    assert {path: made.text(path) for path in made.files} == BASE_FILES
    assert (made.text("nothing.toml"), made.text("strings"), made.where) == (None, None, str(folder))


def test_what_is_no_part_of_a_pack_is_passed_over(folder):
    beside = ["README.md", "__init__.py", "setup.cfg", ".git/config", "tests/test_it.py", "strings/notes.txt"]
    beside += ["strings/more/de.toml", "blocks/__init__.py", "blocks/__pycache__/x.pyc", "blocks/.text.mjml.j2.swp"]
    beside += ["parts/old.j2~", "assets/.DS_Store", "samples/.hidden/a.json"]
    kept = ["assets/deep/er/logo.png", "samples/x/a.json", "parents/base/layouts/email.mjml.j2", "parts/a.b.j2"]
    kept += ["blocks/text.block_kit.json", "notifications/x.toml", "strings/ar.toml", "layouts/email.mjml.j2"]
    before = open_source(folder)
    write(folder, dict.fromkeys(beside, "x"))
    assert open_source(folder).digest == before.digest
    assert open_source(folder).ignored == ("README.md", "setup.cfg", "tests")
    write(folder, dict.fromkeys(kept, ""))
    assert set(open_source(folder).files) == {*before.files, *kept}


def test_the_digest_is_of_paths_and_contents_and_not_of_the_place(folder, tmp_path):
    same = open_source(base_pack(tmp_path / "elsewhere"))
    assert open_source(folder).digest == same.digest
    digests = {same.digest}
    changes = [
        {"strings/de.toml": ""},
        {"strings/de.toml": "x"},
        {"strings/d.toml": "ex"},
        {"parts/x": "strings/de.toml"},
    ]
    for files in changes:
        digests.add(Snapshot.of({path: text.encode() for path, text in {**BASE_FILES, **files}.items()}, "here").digest)
    assert len(digests) == 1 + len(changes)


def test_a_snapshot_cannot_be_changed_and_does_not_change(folder):
    made = open_source(folder)
    with pytest.raises(TypeError):
        made.files["pack.toml"] = b""
    (folder / "strings/en.toml").write_text("changed = 'x'")
    assert made.text("strings/en.toml") == BASE_FILES["strings/en.toml"]


def test_templates_see_the_files_and_no_odd_ones(folder):
    (folder / "parts").mkdir()
    (folder / "parts/odd.j2").write_bytes(b"\xff")
    seen = SnapshotFiles(open_source(folder), "base", "base 1.0")
    assert seen.read("pack.toml") == BASE_FILES["pack.toml"]
    assert (seen.read("parts/odd.j2"), seen.read("nothing"), seen.read("../secret.toml")) == (None, None, None)


@pytest.mark.parametrize("path", ["../secret.toml", "strings/../../secret.toml", "/etc/passwd", "a\x00b", "x" * 9000])
def test_a_pack_has_nothing_under_a_path_that_leads_outside(folder, path):
    pack = Pack(folder)
    assert (pack.read(path), pack.asset(path), pack.samples(path)) == (None, None, [])


# ------------------------------------------------------------------ no source at all


@pytest.mark.parametrize(
    "make", [lambda at: at / "absent", lambda at: write(at, {"file": "x"}) / "file", lambda at: at]
)
def test_what_is_no_pack_is_refused(tmp_path, make):
    with pytest.raises(PackError, match=r"so it is no template pack|is no zip"):
        open_source(make(tmp_path))


@pytest.mark.parametrize("path", ["a\x00b", "x" * 5000])
def test_a_path_no_file_can_have_is_refused(path):
    with pytest.raises(PackError, match="cannot be read"):
        open_source(path)


def test_a_pipe_in_place_of_a_pack_or_of_a_file_is_refused_and_never_waited_for(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "neither a folder nor a .zip" in str(refused(tmp_path / "pipe"))
    os.mkfifo(folder / "strings/de.toml")
    assert "strings/de.toml: is no ordinary file" in str(refused(folder))
    (folder / "strings/de.toml").unlink()
    (folder / "strings/de.toml").symlink_to("../../pipe")
    assert "leads outside" in str(refused(folder))


# ------------------------------------------------------------------ links


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("strings/de.toml", "../../secret.toml"),
        ("strings/de.toml", "/etc/passwd"),
        ("blocks/link", "../../other"),
        ("parts", "../other"),
        ("assets", "/etc"),
        ("pack.toml", "../secret.toml"),
    ],
)
def test_a_link_that_leads_outside_is_refused(folder, tmp_path, name, target):
    write(tmp_path / "other", {"de.toml": SECRET})
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    assert f"{name}: leads outside the pack" in str(refused(folder))


@pytest.mark.parametrize(
    ("name", "target", "says"),
    [
        ("strings/de.toml", "de.toml", "leads nowhere"),
        ("strings/de.toml", "gone.toml", "leads nowhere"),
        ("parts", "parts", "leads nowhere"),
        ("strings/de.toml", "../README.md", "no file of the pack"),
        ("strings/de.toml", "../.env", "no file of the pack"),
        ("blocks/loop", ".", "no file of the pack"),
        ("parts", "blocks", "no file of the pack"),
    ],
)
def test_a_link_that_leads_to_no_file_of_the_pack_is_refused(folder, name, target, says):
    write(folder, {"README.md": "x", ".env": SECRET})
    (folder / name).symlink_to(target)
    assert says in str(refused(folder))


def test_a_link_to_a_file_of_the_pack_and_a_linked_pack_are_fine(folder, tmp_path):
    (folder / "strings/fr.toml").symlink_to("en.toml")
    (tmp_path / "link").symlink_to("base")
    made = open_source(tmp_path / "link")
    assert made.text("strings/fr.toml") == made.text("strings/en.toml")


# ------------------------------------------------------------------ names and kinds


def test_names_that_differ_only_in_case_are_refused_and_both_are_named(folder):
    write(folder, {"strings/EN.toml": "", "blocks/Äa.j2": "", "blocks/A\u0308a.j2": ""})
    if len(list((folder / "strings").iterdir())) == 1:
        pytest.skip("this file system knows no case")
    said = str(refused(folder))
    assert "strings/en.toml: has the same name as strings/EN.toml" in said
    assert "blocks/Äa.j2: has the same name as blocks/A\u0308a.j2" in said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("strings/a\nb.toml", r"strings/a\nb.toml: has characters in its name that cannot be printed"),
        ("parts/\x1b[2J.j2", "cannot be printed"),
        ("parts/a\\b", "has a backslash in its name"),
        ("parts/" + "x/" * 16 + "y", "16 folders"),
        ("parts/" + "/".join(["x" * 100] * 3), "240 characters"),
    ],
)
def test_a_name_that_means_trouble_elsewhere_is_refused(folder, name, says):
    write(folder, {name: ""})
    said = str(refused(folder))
    assert says in said
    assert "\x1b" not in said


def test_a_name_that_is_no_text_is_refused(folder):
    (folder / os.fsdecode(b"strings/\xff.toml")).touch()
    assert "cannot be printed" in str(refused(folder))


def test_a_folder_where_a_file_belongs_is_refused(folder):
    (folder / "strings/de.toml").mkdir()
    assert "strings/de.toml: is a folder; a file belongs here" in str(refused(folder))


def test_a_file_that_cannot_be_opened_is_named(folder, monkeypatch):
    opened = os.open

    def denied(path, *args, **options):
        if str(path).endswith("en.toml"):
            raise PermissionError(13, "Permission denied", path)
        return opened(path, *args, **options)

    monkeypatch.setattr(source.os, "open", denied)
    assert "strings/en.toml: cannot be read: Permission denied" in str(refused(folder))


# ------------------------------------------------------------------ how much


def test_files_may_be_as_large_as_said_and_no_larger(folder):
    (folder / "assets").mkdir()
    (folder / "assets/a.png").write_bytes(b"x" * MAX_ASSET)
    (folder / "strings/de.toml").write_bytes(b"#" * MAX_TEXT)
    assert Pack(folder).findings == ()
    os.truncate(folder / "assets/a.png", MAX_ASSET + 1)
    os.truncate(folder / "strings/de.toml", 2**40)
    pack = Pack(folder)
    assert [str(one) for one in pack.findings] == [
        "assets/a.png: is larger than 1024 KiB; make it smaller",
        "strings/de.toml: is larger than 256 KiB; make it smaller",
    ]
    assert (pack.asset("assets/a.png"), pack.read("strings/de.toml"), list(pack.strings)) == (None, None, ["en"])
    os.truncate(folder / "pack.toml", MAX_TEXT + 1)
    assert "pack.toml: is larger than 256 KiB" in str(refused(folder))


@pytest.mark.parametrize(
    ("name", "size", "count", "says"),
    [
        ("assets/{}.png", MAX_ASSET, MAX_TOTAL // MAX_ASSET, "larger than 8 MiB in all"),
        ("notifications/{}.toml", MAX_TEXT, MAX_TOML // MAX_TEXT, "more than 1 MiB of strings and notifications"),
        ("parts/{}.j2", 0, MAX_FILES, "more than 500 files"),
        ("parts/__pycache__/{}.pyc", 0, 5001, "more than 5,000 files and folders"),
    ],
)
def test_a_pack_that_is_too_much_as_a_whole_is_refused(folder, name, size, count, says):
    if name.startswith("parts/__"):  # what is passed over is counted where it lies among files of the pack
        name = "parts/{}.pyc"
    for number in range(count):
        file = folder / name.format(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.truncate(file, size)
    assert says in str(refused(folder))


# ------------------------------------------------------------------ encodings


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (b'x = "\xe4"', 1, "is not UTF-8 at byte 5"),
        (b'a = "b"\n\nx = "\xe4"', 3, "is not UTF-8 at byte 14"),
        (b"\xef\xbb\xbfa = 'b'", 1, "byte order mark"),
        ("a = 'b'".encode("utf-16"), 1, "is UTF-16"),
        (b"\xed\xa0\x80", 1, "is not UTF-8 at byte 0"),
    ],
)
@pytest.mark.parametrize("name", ["strings/de.toml", "notifications/x.toml", "blocks/text.mjml.j2", "samples/x/a.json"])
def test_a_file_that_is_no_text_is_set_aside_with_its_line_and_the_rest_is_used(folder, raw, line, says, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(raw)
    pack = Pack(folder)
    (finding,) = pack.findings
    assert (finding.file, finding.line, finding.rule) == (name, line, "encoding")
    assert says in str(finding)
    assert pack.read(name) is None
    assert pack.strings["en"]["closing"] == "We are sorry."
    assert pack.notifications() == ["offer_provision_error"]


def test_a_manifest_that_is_no_text_is_refused(folder):
    (folder / "pack.toml").write_bytes(b"id = '\xff'")
    with pytest.raises(PackError, match=r"pack\.toml:1: is not UTF-8 at byte 6"):
        Pack(folder)


# ------------------------------------------------------------------ one moment


def changing(monkeypatch, folder, edits):
    """Each time `strings/en.toml` is about to be opened, the next edit is made first."""
    opened, left = os.open, list(edits)

    def edited(path, *args, **options):
        if str(path).endswith("en.toml") and left:
            write(folder, left.pop(0))
        return opened(path, *args, **options)

    monkeypatch.setattr(source.os, "open", edited)
    return left


@pytest.mark.parametrize(
    "edit",
    [
        {"blocks/text.mjml.j2": "changed", "strings/en.toml": "changed = 'x'"},
        {"blocks/text.mjml.j2": "one that was read before"},
        {"parts/new.j2": "new", "strings/en.toml": "x = '{% include new %}'"},
    ],
)
def test_an_edit_in_the_middle_of_reading_is_seen_whole(folder, monkeypatch, edit):
    left = changing(monkeypatch, folder, [edit])
    made = open_source(folder)
    assert left == []
    assert {path: made.text(path) for path in edit} == edit


def test_a_file_that_goes_away_while_it_is_read_makes_it_be_read_again(folder, monkeypatch):
    opened = os.open
    gone = []

    def edited(path, *args, **options):
        if str(path).endswith("en.toml") and not gone:
            gone.append((folder / "strings/en.toml").unlink())
        return opened(path, *args, **options)

    monkeypatch.setattr(source.os, "open", edited)
    assert "strings/en.toml" not in open_source(folder).files


def test_a_folder_that_never_rests_is_refused(folder, monkeypatch):
    left = changing(monkeypatch, folder, [{"blocks/text.mjml.j2": "x" * number} for number in range(1, 50)])
    assert "changes while it is read" in str(refused(folder))
    assert left


def test_a_file_swapped_for_a_link_while_it_is_read_is_not_followed(folder, tmp_path, monkeypatch):
    opened = os.open

    def swapped(path, *args, **options):
        if str(path).endswith("en.toml") and not Path(path).is_symlink():
            Path(path).unlink()
            Path(path).symlink_to(tmp_path / "secret.toml")
        return opened(path, *args, **options)

    monkeypatch.setattr(source.os, "open", swapped)
    refused(folder)


def test_a_stamp_changes_with_every_edit_and_only_then(folder, tmp_path):
    seen = [stamp(folder)]
    assert stamp(folder) == open_source(folder).stamp == seen[0]
    (folder / "README.md").write_text("more")
    (folder / "strings/en.toml").write_text("x = 'y'")
    seen.append(stamp(folder))
    write(folder, {"parts/new.j2": ""})
    seen.append(stamp(folder))
    (folder / "parts/new.j2").unlink()
    seen.append(stamp(folder))
    seen += [stamp(tmp_path / "absent"), stamp(tmp_path / "secret.toml")]
    assert len({str(one) for one in seen}) == len(seen) - 1  # with the file gone again, all is as before it came
    assert stamp(folder) == seen[1]


def test_a_manifest_may_be_all_there_is(tmp_path):
    assert list(open_source(write(tmp_path, {"pack.toml": manifest("tiny")})).files) == ["pack.toml"]
