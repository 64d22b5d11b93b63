"""`pack.toml` and the other files of a pack: what may stand in them, and what is said of what may not."""

import json

import pytest

from livery.errors import PackError
from livery.packs.manifest import allows
from livery.packs.pack import Pack
from livery.packs.source import Snapshot
from livery.packs.tokens import TokenSpec
from unit.making import BASE_FILES, DEFINITION, manifest, write

HEAD = 'format = 1\nid = "fjord"\nversion = "1.0"\n'
DIGEST = "0f" * 32


def pack(files: dict[str, str]) -> Pack:
    return Pack(Snapshot.of({path: text.encode() for path, text in files.items()}, "here"))


def refused(text: str, **files: str) -> PackError:
    with pytest.raises(PackError) as caught:
        pack({"pack.toml": text, **files})
    return caught.value


# ------------------------------------------------------------------ pack.toml

WHOLE = """
format = 1
id = "fjord-cloud.2"
version = "1.2.0"
title = "Fjord Cloud"
description = "The livery of Fjord Cloud AS."
authors = ["Ada <ada@fjord.example>"]
license = "Apache-2.0"
engine = ">=0.1,<1"
parent = "base"
locales = ["en", "nb"]

[tokens]
primary = { type = "colour", value = "#134e6f" }
radius = "4px"
logo_width = 140
ratio = 1.5

[hosts]
images = ["img.fjord.example", "*.cdn.example"]
fonts = ["fonts.fjord.example"]

[fonts]
"Fjord Sans" = "https://fonts.fjord.example/sans.css?v=2"

[overrides."layouts/email.mjml.j2"]
digest = "DIGEST"
of = "base 1.0.0"

[overrides."strings/en.toml#common.closing"]
digest = "DIGEST"
of = "base 1.0.0"
""".replace("DIGEST", DIGEST)


def test_a_manifest_may_say_all_of_this():
    made = pack({"pack.toml": WHOLE})
    said = made.manifest
    assert (made.id, made.label, made.findings) == ("fjord-cloud.2", "fjord-cloud.2 1.2.0", ())
    assert said.tokens == {
        "primary": TokenSpec(type="colour", value="#134e6f"), "radius": "4px", "logo_width": "140", "ratio": "1.5",
    }  # fmt: skip
    assert (said.hosts.images, said.fonts) == (
        ("img.fjord.example", "*.cdn.example"),
        {"Fjord Sans": "https://fonts.fjord.example/sans.css?v=2"},
    )
    assert said.overrides["strings/en.toml#common.closing"].of == "base 1.0.0"
    assert tuple(made.place("pack.toml", ("tokens", "radius"))) == (15, 1)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (HEAD + 'titel = "x"', "4:1", "titel is no field; did you mean title?"),
        (HEAD + "colours = {}", "4:1", "colours is no field; there are adds_to, authors"),
        (HEAD + '[hosts]\nimage = ["a.example"]', "5:1", "image is no field of hosts; did you mean images?"),
        (HEAD + '[tokens]\na = {type = "color"}', "5:14", "tokens.a.type: expected 'colour', "),
        (HEAD + '[tokens]\na = {type = "color"}', "5:14", "did you mean 'colour'?"),
        (HEAD + '[tokens]\na = {value = "x"}', "5:1", "tokens.a.type is missing"),
        (HEAD + '[tokens]\na = {type = "text", colour = "x"}', "5:21", "colour is no field of tokens.a"),
        (HEAD + '[tokens]\na = {type = "text", value = "<b>"}', "5:5", 'tokens.a: expected a text without any of <>"'),
        (HEAD + '[tokens]\na = "}"', "5:6", 'tokens.a: expected a text without any of <>"'),
        (HEAD + "[tokens]\na = [1]", "5:5", "tokens.a: expected a text, got [1]"),
        (HEAD + "[tokens]\na = true", "5:5", "tokens.a: expected a text, got True"),
        (HEAD + f'[tokens]\na = "{"x" * 2001}"', "5:6", "tokens.a: expected a text of at most 2000 characters"),
        (HEAD + "locales = 'de'", "4:12", "locales: expected a list, got 'de'"),
        (HEAD + 'parent = "Not An Id"', "4:11", "parent: expected up to 64 lower-case letters"),
        (HEAD + 'parent = "a"\nadds_to = "b"', "5:12", "either `parent` or `adds_to`, not both"),
        (HEAD + 'engine = "1.0"', "4:11", "engine: expected a range of versions, such as >=0.1,<2"),
        (HEAD + 'engine = ">=99"', "4:11", "is made for Livery >=99; this is "),
        (HEAD + '[hosts]\nimages = ["https://a.example"]', "5:12", "hosts.images[0]: expected the name of a host"),
        (HEAD + '[hosts]\nfonts = ["localhost"]', "5:11", "hosts.fonts[0]: expected the name of a host"),
        (
            HEAD + '[fonts]\nA = "http://a.example/a.css"',
            "5:6",
            "fonts.A: expected an address that begins with `https://`",
        ),
        (HEAD + "[fonts]\nA = 'https://a.example/\"'", "5:6", "fonts.A: expected an address"),
        (HEAD + '[overrides."a.j2"]\nof = "base 1"', "4:12", "overrides.a.j2.digest is missing"),
        (HEAD + '[overrides."a.j2"]\nof = "b"\ndigest = "x"', "6:11", "expected a sha256 in hex"),
        (HEAD + f'[overrides."a b"]\nof = "b"\ndigest = "{DIGEST}"', "4:12", "expected a path inside the pack"),
        (HEAD.replace("fjord", "UPPER"), "2:7", "id: expected up to 64 lower-case letters"),
        (HEAD.replace("fjord", "../up"), "2:7", "id: expected up to 64"),
        (HEAD.replace("fjord", "x" * 65), "2:7", "id: expected up to 64"),
        (HEAD.replace('"1.0"', "1.0"), "3:11", "version: expected a text, got 1.0"),
        (HEAD.replace("= 1\n", "= 2\n"), "1:1", "is of format 2, which needs a newer Livery; this one reads format 1"),
        (HEAD.replace("= 1\n", '= "1"\n'), "1:11", "format: expected 1, got '1'"),
        (HEAD + "x = 0x" + "f" * 9999, "4:5", "is not TOML: a number is too large"),
        ("id = ", "1:6", "is not TOML: invalid value"),
        ("id = 'a'\nid = 'b'", "2:1", "is not TOML: id is set twice; it is set already in line 1"),
    ],
)
def test_a_manifest_that_is_wrong_says_what_where_and_what_to_do(text, place, says):
    error = refused(text)
    (said,) = [str(one) for one in error.findings if says in str(one)]
    assert said.startswith(f"pack.toml:{place}: ")
    assert says in str(error)
    assert error.file == "pack.toml"


def test_an_empty_manifest_lacks_three_things():
    error = refused("")
    assert [one.message for one in error.findings] == ["format is missing", "id is missing", "version is missing"]
    assert str(error).count("is missing") == 3
    assert error.pack == "here"


def test_all_that_is_wrong_in_the_whole_pack_is_listed_at_once():
    files = {"strings/de.toml": "x =", DEFINITION: "subject = 5", "samples/x/a.json": "{"}
    error = refused(HEAD + 'titel = "x"\nlocales = 5', **files)
    places = [one.place for one in error.findings]
    assert places == [
        "pack.toml:4:1", "pack.toml:5:11", f"{DEFINITION}:1:11", "samples/x/a.json:1:2", "strings/de.toml:1:4",
    ]  # fmt: skip
    assert all(place in str(error) for place in places)
    assert {one.pack for one in error.findings} == {"fjord"}


def test_of_a_pack_for_a_newer_livery_nothing_else_is_said():
    error = refused(HEAD.replace("= 1\n", "= 9\n") + "new = 5", **{DEFINITION: "new = 5"})
    assert [one.rule for one in error.findings] == ["format"]


def test_the_text_of_an_error_ends_somewhere():
    error = refused(HEAD + "\n".join(f"x{number} = 1" for number in range(3000)))
    assert len(error.findings) == 100
    assert str(error.findings[-1]) == "pack.toml:103:1: from here on more is wrong than is listed"
    assert len(str(error).splitlines()) == 22
    assert str(error).endswith("… and 80 more")


def test_no_key_can_move_a_cursor_or_fill_a_screen():
    error = refused(HEAD + r'"\u001b[2J\nid" = 5')
    assert r"\x1b[2J\nid is no field" in str(error)
    assert len(str(refused(HEAD + f'"{"x" * 200_000}" = 5'))) < 1500


def test_a_flood_of_values_over_many_files_is_cut_off():
    texts = "\n".join(f'a{number} = "x"' for number in range(9000))
    made = pack({**BASE_FILES, **{f"strings/{tag}.toml": texts for tag in ("ar", "bg", "cs", "da", "de", "el", "fr")}})
    assert list(made.strings) == ["ar", "bg", "cs", "da", "de"]
    assert {one.file for one in made.findings} == {"strings/el.toml", "strings/en.toml", "strings/fr.toml", DEFINITION}
    assert "hold more than 50,000 values" in str(made.findings[0])


# ------------------------------------------------------------------ versions of Livery


@pytest.mark.parametrize(
    ("range_", "inside", "outside"),
    [
        ("", ["0.1.0", "9"], []),
        (">=0.1,<2", ["0.1", "0.1.0", "1.9.9", "1.99"], ["0.0.9", "2", "2.0.0", "2.0.1"]),
        (">=0.10", ["0.10.0", "0.11"], ["0.9", "0.2.0"]),
        (" >= 0.1 , < 2 ", ["1"], ["2"]),
        (">1.0", ["1.0.1", "1.1"], ["1.0", "1", "1.0.0"]),
        ("<=1.0", ["1", "1.0.0", "0.9"], ["1.0.1"]),
        ("==1.2", ["1.2", "1.2.0"], ["1.2.1", "1"]),
        ("==1.2.*", ["1.2", "1.2.7"], ["1.3", "1", "12"]),
        ("!=1.2", ["1.2.1"], ["1.2.0"]),
        ("!=1.2.*", ["1.3"], ["1.2", "1.2.9"]),
        ("~=1.2", ["1.2", "1.9"], ["1.1", "2.0"]),
        ("~=1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0"]),
        ("==0.2", ["0.2.0.dev3", "0.2rc1"], []),
    ],
)
def test_a_range_of_versions_is_read_as_pip_reads_it(range_, inside, outside):
    assert [version for version in inside if not allows(range_, version)] == []
    assert [version for version in outside if allows(range_, version)] == []


@pytest.mark.parametrize("range_", ["1.0", ">=a", "=>1", "===1.0", ">=1.*", "latest", ">=1 <2", ">=1;<2", "*"])
def test_what_is_no_range_is_refused(range_):
    assert "a range of versions" in str(refused(HEAD + f'engine = "{range_}"'))


# ------------------------------------------------------------------ strings


def test_strings_are_found_by_language_and_dotted_key():
    made = pack(
        {**BASE_FILES, "strings/de_AT.toml": 'plain = "a"\n[x]\ny = "b"\n[x.z]\ndeep = "c"\n"dotted.key" = "d"'}
    )
    assert made.strings["de-AT"] == {"plain": "a", "x.y": "b", "x.z.deep": "c", "x.z.dotted.key": "d"}
    assert made.string_files == {"en": "strings/en.toml", "de-AT": "strings/de_AT.toml"}
    assert made.string_place("de-AT", "x.z.dotted.key") == ("strings/de_AT.toml", (6, 17))


def test_a_line_of_a_text_is_found_in_its_file():
    made = pack({**BASE_FILES, "strings/de.toml": '[x]\ny = """\none\n{% if %}"""'})
    assert made.string_place("de", "x.y", 2) == ("strings/de.toml", (4, 1))


@pytest.mark.parametrize(
    ("file", "text", "place", "says"),
    [
        ("strings/klingon!.toml", 'a = "b"', "", "is not named after a language (BCP 47), such as de.toml"),
        ("strings/de.toml", "x =", ":1:4", "is not TOML"),
        ("strings/de.toml", "a = 'b'\na = 'c'", ":2:1", "is not TOML: a is set twice"),
        ("strings/de.toml", "x = " + "[" * 5000, ":1:37", "is not TOML: it is nested deeper than 32 levels"),
        ("strings/de.toml", "x = " + "1" * 5000, ":1:5", "is not TOML: a number is too large"),
        ("strings/de.toml", "\x00", ":1:1", "is not TOML"),
    ],
)
def test_a_file_of_strings_that_is_wrong_is_set_aside_alone(file, text, place, says):
    made = pack({**BASE_FILES, file: text})
    (finding,) = made.findings
    assert str(finding).startswith(f"{file}{place}: ")
    assert says in str(finding)
    assert (list(made.strings), made.read(file), made.has_errors) == (["en"], None, True)


@pytest.mark.parametrize("value", ["5", "true", '["a"]', "2026-01-01", "1.5", "[{a = 'b'}]"])
def test_a_string_that_is_no_text_is_left_out_alone(value):
    made = pack({**BASE_FILES, "strings/de.toml": f'first = "a"\n[part]\nwrong = {value}\nlast = "c"'})
    assert made.strings["de"] == {"first": "a", "part.last": "c"}
    assert [str(one) for one in made.findings] == ["strings/de.toml:3:1: part.wrong is no text; put it in quotes"]


def test_a_text_that_is_set_in_two_ways_is_named():
    made = pack({**BASE_FILES, "strings/de.toml": '[a]\nb = "one"\n["a.b"]\n["a"."c"]\n'})
    assert made.findings == ()
    made = pack({**BASE_FILES, "strings/de.toml": '"a.b" = "one"\n[a]\nb = "two"'})
    assert made.strings["de"] == {"a.b": "one"}
    said = "strings/de.toml:3:1: a.b is set twice; it is set already in line 1; keep one"
    assert [str(one) for one in made.findings] == [said]


@pytest.mark.parametrize(("first", "second"), [("de-at", "de_AT"), ("zh-hant", "zh_Hant"), ("en", "EN")])
def test_two_files_for_one_language_are_an_error_and_the_first_is_used(first, second):
    names = sorted([f"strings/{first}.toml", f"strings/{second}.toml"])
    made = pack({"pack.toml": manifest("p"), **{name: f'which = "{name}"' for name in names}})
    assert [texts["which"] for texts in made.strings.values()] == [names[0]]
    (finding,) = made.findings
    assert (finding.file, finding.rule) == (names[1], "language-twice")
    assert names[0] in str(finding)


# ------------------------------------------------------------------ samples, assets, and what lies beside


def test_samples_are_had_by_name_with_their_content():
    files = {
        "samples/x/b.json": "{}",
        "samples/x/a.json": '{"a": 1}',
        "samples/x/readme.txt": "",
        "samples/y/c.json": "{}",
    }
    made = pack({**BASE_FILES, **files, "samples/x/deep/d.json": "{}"})
    assert made.samples("x") == [("samples/x/a.json", b'{"a": 1}'), ("samples/x/b.json", b"{}")]
    assert made.samples("nothing") == []
    assert made.findings == ()


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("{", ":1:2", "is not JSON: expecting property name"),
        ('{\n"a": }', ":2:6", "is not JSON: expecting value"),
        ("[]", ":1:1", "is no event: expected an object, got []"),
        ("[" * 100_000, "", "is not JSON that an event can be"),
        ('{"a": ' + "1" * 5000 + "}", "", "is not JSON that an event can be"),
    ],
)
def test_a_sample_that_is_no_event_is_named(text, place, says):
    (finding,) = pack({**BASE_FILES, "samples/x/a.json": text}).findings
    assert str(finding).startswith(f"samples/x/a.json{place}: {says}")


def test_an_asset_is_had_as_it_is(tmp_path):
    write(tmp_path, BASE_FILES)
    write(tmp_path, {"assets/sub/x": ""})
    (tmp_path / "assets/logo.png").write_bytes(b"\x89PNG\xff")
    made = Pack(tmp_path)
    assert (made.asset("assets/logo.png"), made.asset("assets/sub/x")) == (b"\x89PNG\xff", b"")
    assert (made.asset("assets/nothing"), made.asset("pack.toml")) == (None, None)
    assert made.findings == ()


@pytest.mark.parametrize(("name", "meant"), [("string", "strings"), ("block", "blocks"), ("Layouts", "layouts")])
def test_a_folder_that_is_almost_one_of_a_pack_is_warned_of(tmp_path, name, meant):
    write(tmp_path, {**BASE_FILES, f"{name}/en.toml": "", "README.md": "", "docs/x.md": "", "tests/test_x.py": ""})
    made = Pack(tmp_path)
    assert [str(one) for one in made.findings] == [
        f"{name}: is no part of a pack, so it is not read; did you mean {meant}?"
    ]
    assert made.has_errors is False


def test_findings_cross_processes_as_plain_data():
    (finding,) = pack({**BASE_FILES, "strings/de.toml": "x ="}).findings
    assert json.loads(json.dumps(finding.plain())) == {
        "severity": "error", "rule": "toml", "message": "is not TOML: invalid value: a text stands in quotes, and something has to stand after the =", "fix": "", "pack": "base",
        "file": "strings/de.toml", "line": 1, "column": 4,
    }  # fmt: skip
