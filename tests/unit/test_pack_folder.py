"""Packs: nothing outside the folder is ever read, and what is wrong in it names the file."""

import os

import pytest

from livery.errors import NotFound, PackError
from livery.packs.chain import Library
from livery.packs.pack import Pack
from unit.making import DEFINITION, base_pack, manifest, write

OUTSIDE = [
    "../secret.toml",
    "../../etc/passwd",
    "strings/../../secret.toml",
    "./../secret.toml",
    "/etc/passwd",
    "//etc/passwd",
]


@pytest.fixture
def pack(tmp_path) -> Pack:
    (tmp_path / "secret.toml").write_text("geheim = 'x'")
    return Pack(base_pack(tmp_path / "base"))


def test_a_file_of_the_pack_is_read_and_one_it_lacks_is_none(pack):
    assert pack.read("strings/en.toml").startswith('subject = "Failed')
    assert [pack.read(path) for path in ("nothing.txt", "strings", "pack.toml/inside", "strings/nothing/here")] == [
        None
    ] * 4


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leads_outside_is_refused(pack, path):
    with pytest.raises(PackError, match="leads outside the pack"):
        pack.read(path)


def test_a_path_that_comes_back_inside_is_fine(pack):
    assert pack.read("strings/../pack.toml") == pack.read("pack.toml")


@pytest.mark.parametrize("target", ["../secret.toml", "/etc/passwd", "../other"])
def test_a_link_that_leads_outside_is_refused(pack, tmp_path, target):
    write(tmp_path / "other", {"de.toml": "x = 'geheim'"})
    (pack.folder / "link").symlink_to(target)
    with pytest.raises(PackError, match="leads outside the pack"):
        pack.read("link/de.toml" if target == "../other" else "link")


def test_strings_behind_a_link_that_leads_outside_are_refused(pack):
    (pack.folder / "strings/de.toml").symlink_to("../../secret.toml")
    with pytest.raises(PackError, match=r"strings/de\.toml: leads outside"):
        _ = pack.strings


def test_a_link_inside_the_pack_is_fine(pack):
    (pack.folder / "strings/fr.toml").symlink_to("en.toml")
    assert pack.strings["fr"] == pack.strings["en"]


@pytest.mark.parametrize("path", ["loop", "loop/file", "x" * 300, "a\x00b"], ids=range(4))
def test_a_path_no_file_can_have_is_no_file_or_a_pack_error(pack, path):
    (pack.folder / "loop").symlink_to("loop")
    try:
        assert pack.read(path) is None
    except PackError as error:
        assert error.file == path  # noqa: PT017 - either answer is right, a third is not


def test_a_file_that_is_too_large_is_refused_before_it_is_read_whole(pack):
    (pack.folder / "large.txt").write_bytes(b"x" * (256 * 1024))
    assert len(pack.read("large.txt")) == 256 * 1024
    os.truncate(pack.folder / "strings/en.toml", 2**33)
    with pytest.raises(PackError, match=r"strings/en\.toml: is larger than 256 KiB"):
        pack.read("strings/en.toml")


def test_a_file_that_is_not_utf8_says_which_byte_is_wrong(pack):
    (pack.folder / "strings/de.toml").write_bytes(b'x = "\xe4"')
    with pytest.raises(PackError, match=r"strings/de\.toml: is not UTF-8 at byte 5"):
        _ = pack.strings


NOT_TOML = ["x =", "= 1", "[open", 'x = "a" y = 1', "x = 1\nx = 2", "x = " + "[" * 5000, "x = " + "1" * 5000, "\x00"]


@pytest.mark.parametrize("text", NOT_TOML, ids=range(len(NOT_TOML)))
def test_a_file_that_is_not_toml_is_named(pack, text):
    write(pack.folder, {"strings/de.toml": text, DEFINITION: text})
    for ask in (lambda: pack.strings, lambda: Pack(pack.folder).notification("offer_provision_error")):
        with pytest.raises(PackError, match="is not TOML") as caught:
            ask()
        assert caught.value.pack == "base"
        assert caught.value.file in ("strings/de.toml", DEFINITION)


@pytest.mark.parametrize("text", NOT_TOML, ids=range(len(NOT_TOML)))
def test_a_manifest_that_is_not_toml_is_named(tmp_path, text):
    with pytest.raises(PackError, match=r"pack\.toml: is not TOML"):
        Pack(write(tmp_path / "p", {"pack.toml": text}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "id: expected a value"),
        (manifest("base").replace("1", "2", 1), "format: expected 1, got 2"),
        (manifest("UPPER"), "pack.toml:2: id"),
        (manifest("../up"), "id"),
        (manifest("x" * 65), "id"),
        (manifest("ok", "Not An Id"), "parent"),
        (manifest("ok").replace("version", "verzion"), "verzion: expected no such setting"),
        (manifest("ok") + "\nradius = [1]", "tokens.radius"),
        (manifest("ok") + "\nradius = true", "tokens.radius"),
        (manifest("ok", text="x" * 2001), "tokens.text"),
        (manifest("ok").replace("[tokens]", "locales = 'de'"), "locales"),
    ],
)
def test_a_wrong_manifest_says_what_and_where(tmp_path, text, says):
    with pytest.raises(PackError) as caught:
        Pack(write(tmp_path / "p", {"pack.toml": text}))
    assert caught.value.file == "pack.toml"
    assert says in str(caught.value)


def test_a_folder_without_a_manifest_is_no_pack(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(PackError, match="no template pack"):
            Pack(folder)


def test_a_token_may_be_written_as_a_number(tmp_path):
    text = manifest("p") + "\nwidth = 140\nratio = 1.5"
    assert Pack(write(tmp_path / "p", {"pack.toml": text})).manifest.tokens == {"width": "140", "ratio": "1.5"}


def test_the_folder_of_a_pack_may_be_written_as_text(tmp_path):
    assert Pack(str(base_pack(tmp_path))).id == "base"


# ------------------------------------------------------------------ strings


def test_strings_are_found_by_language_and_dotted_key(pack):
    write(pack.folder, {"strings/de_AT.toml": 'plain = "a"\n[x]\ny = "b"\n[x.z]\ndeep = "c"\n"dotted.key" = "d"'})
    assert pack.strings["de-AT"] == {"plain": "a", "x.y": "b", "x.z.deep": "c", "x.z.dotted.key": "d"}


def test_strings_of_a_file_not_named_after_a_language_are_refused(pack):
    write(pack.folder, {"strings/klingon!.toml": 'a = "b"'})
    with pytest.raises(PackError, match=r"strings/klingon!\.toml: is not named after a language"):
        _ = pack.strings


@pytest.mark.parametrize("value", ["5", "true", '["a"]', "2026-01-01", "1.5", "[{a = 'b'}]"])
def test_a_string_that_is_no_text_is_refused_with_its_line(pack, value):
    write(pack.folder, {"strings/de.toml": f'first = "a"\n[part]\nwrong = {value}'})
    with pytest.raises(PackError, match=r"strings/de\.toml:3: part\.wrong is no text; put it in quotes"):
        _ = pack.strings


# ------------------------------------------------------------------ a library of packs


def test_packs_that_cannot_be_read_are_set_aside_and_the_others_serve(tmp_path):
    loop = tmp_path / "loop"
    loop.mkdir()
    (loop / "pack.toml").symlink_to("pack.toml")
    (tmp_path / "file").write_text("no folder")
    broken = [
        tmp_path / "absent",
        tmp_path / "file",
        loop,
        write(tmp_path / "toml", {"pack.toml": "id ="}),
        write(tmp_path / "deep", {"pack.toml": "x = " + "[" * 5000}),
        write(tmp_path / "fields", {"pack.toml": "id = 'x'"}),
    ]
    library = Library([*broken[:3], base_pack(tmp_path / "base"), *broken[3:]])
    assert list(library.packs) == ["base"]
    assert set(library.broken) == set(broken)
    assert all(str(error) for error in library.broken.values())
    assert library.chain("base").top.id == "base"


def test_a_pack_whose_strings_cannot_be_read_has_no_chain_and_its_parent_has(tmp_path):
    child = write(tmp_path / "child", {"pack.toml": manifest("child", "base"), "strings/en.toml": "broken ="})
    library = Library([base_pack(tmp_path / "base"), child])
    with pytest.raises(PackError, match=r"'child' strings/en\.toml"):
        library.chain("child")
    assert library.chain("base").locales() == ["en"]


def test_an_unknown_pack_lists_those_there_are(tmp_path):
    library = Library([base_pack(tmp_path / "base"), write(tmp_path / "b", {"pack.toml": manifest("b")})])
    with pytest.raises(NotFound, match="'nope'; there are: b, base"):
        library.chain("nope")
    with pytest.raises(NotFound, match="there are: none"):
        Library([]).chain("nope")


@pytest.mark.parametrize(
    ("parents", "chain", "error"),
    [
        ({"a": None}, ["a"], ""),
        ({"a": "b", "b": None}, ["a", "b"], ""),
        ({"a": "b", "b": "c", "c": None}, ["a", "b", "c"], ""),
        ({"a": "gone"}, [], "its parent 'gone' is not installed"),
        ({"a": "b", "b": "gone"}, [], "its parent 'gone' is not installed"),
        ({"a": "a"}, [], "a → a"),
        ({"a": "b", "b": "a"}, [], "a → b → a"),
        ({"a": "b", "b": "c", "c": "b"}, [], "a → b → c → b"),
    ],
)
def test_a_chain_runs_over_the_parents_and_cycles_or_missing_ones_are_named(tmp_path, parents, chain, error):
    library = Library([write(tmp_path / id_, {"pack.toml": manifest(id_, parent)}) for id_, parent in parents.items()])
    if error:
        with pytest.raises(PackError) as caught:
            library.chain("a")
        assert error in str(caught.value)
        assert caught.value.file == "pack.toml"
    else:
        assert [pack.id for pack in library.chain("a").packs] == chain


def test_samples_are_listed_by_name(pack):
    write(
        pack.folder,
        {"samples/x/b.json": "{}", "samples/x/a.json": "{}", "samples/x/readme.txt": "", "samples/y/c.json": "{}"},
    )
    assert [path.name for path in pack.samples("x")] == ["a.json", "b.json"]
    assert pack.samples("nothing") == []
