"""TOML with places: the data is tomllib's, and every key and every text is found where it stands."""

import json
import tomllib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.errors import PackError
from livery.packs.toml import MAX_DEPTH, Places, load

DOCUMENT = '''\
# a comment with [brackets] and = signs
title = "a" # after it
"quoted key" = 1
a.b . c = {x = [1, {y = "deep"}], 'lit' = true}

[table]
inner = 1979-05-27 07:32:00
list = [ # a comment
  "one", """two
lines""",
]
[table.sub.'dotted.name']
k = 1.5
[[blocks]]
id = "first"
[[blocks]]
id = "second"
[[blocks.facts]]
label = "l"
[blocks.more]
x = 1
'''
PLACES = {
    ("title",): (2, 1),
    ("quoted key",): (3, 1),
    ("a",): (4, 1),
    ("a", "b"): (4, 3),
    ("a", "b", "c"): (4, 7),
    ("a", "b", "c", "x"): (4, 12),
    ("a", "b", "c", "x", 0): (4, 17),
    ("a", "b", "c", "x", 1): (4, 20),
    ("a", "b", "c", "x", 1, "y"): (4, 21),
    ("a", "b", "c", "lit"): (4, 35),
    ("table",): (6, 2),
    ("table", "inner"): (7, 1),
    ("table", "list"): (8, 1),
    ("table", "list", 0): (9, 3),
    ("table", "list", 1): (9, 10),
    ("table", "sub"): (12, 8),
    ("table", "sub", "dotted.name"): (12, 12),
    ("table", "sub", "dotted.name", "k"): (13, 1),
    ("blocks",): (14, 3),
    ("blocks", 0): (14, 3),
    ("blocks", 0, "id"): (15, 1),
    ("blocks", 1): (16, 3),
    ("blocks", 1, "id"): (17, 1),
    ("blocks", 1, "facts"): (18, 10),
    ("blocks", 1, "facts", 0): (18, 10),
    ("blocks", 1, "facts", 0, "label"): (19, 1),
    ("blocks", 1, "more"): (20, 9),
    ("blocks", 1, "more", "x"): (21, 1),
}


def test_every_key_of_a_document_has_its_place():
    data, places = load(DOCUMENT)
    assert data == tomllib.loads(DOCUMENT)
    assert {path: tuple(places.key(path)) for path in places} == PLACES


def test_an_unknown_key_has_the_place_of_what_is_above_it():
    _, places = load(DOCUMENT)
    assert places.key(("blocks", 1, "kind")) == (16, 3)
    assert places.key(("blocks", 1, "a tag nobody wrote", "id")) == (17, 1)
    assert places.key(("nothing",)) == (0, 0)


@pytest.mark.parametrize(
    ("text", "line", "column", "place"),
    [
        ('k = "abc"', 1, 1, (1, 6)),
        ('k = "abc"', 1, 3, (1, 8)),
        ('k = "abc"', 1, 9, (1, 9)),
        ('k = "a\\tbc"', 1, 3, (1, 9)),
        ('k = "a\\u00e9bc"', 1, 3, (1, 13)),
        ('k = "a\\nbc"', 2, 1, (1, 9)),
        ('k = """\none\ntwo"""', 1, 1, (2, 1)),
        ('k = """\none\ntwo"""', 2, 2, (3, 2)),
        ('k = """one\r\ntwo"""', 2, 1, (2, 1)),
        ('k = """one \\\n   still one\ntwo"""', 1, 5, (2, 4)),
        ('k = """one \\\n   still one\ntwo"""', 2, 1, (3, 1)),
        ("k = '''\none\\n\ntwo'''", 2, 1, (3, 1)),
        ("k = 'a\\b'", 1, 3, (1, 8)),
        ('k = ""', 1, 1, (1, 6)),
        ('k = """a"""""', 1, 3, (1, 10)),
        ("k = 5", 1, 1, (1, 5)),
        ("k = [5]", 1, 1, (1, 5)),
        ("[k]", 1, 1, (1, 2)),
    ],
)
def test_the_text_of_a_value_is_found_line_by_line(text, line, column, place):
    _, places = load(text)
    assert places.value(("k",), line, column) == place


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("x =", (1, 4), "invalid value"),
        ("\n= 1", (2, 1), "invalid statement"),
        ("[open", (1, 6), "expected ']'"),
        ('x = "a" y = 1', (1, 9), "something stands after the value"),
        ("a = 1\nb = 2\n  a = 3", (3, 3), "a is set twice; it is set already in line 1"),
        ("[t]\na.b = 1\na.b = 2", (3, 1), "a.b is set twice; it is set already in line 2"),
        ("[t.u]\n[v]\n[ t.u ]", (3, 3), "t.u is set twice; it is set already in line 1"),
        ("a = {b = 1, b = 2}", (1, 13), "b is set twice"),
        ("x = " + "1" * 5000, (1, 5), "too large"),
        ("y = [0, 0x" + "f" * 5000 + "]", (1, 9), "too large"),
        ("x = 9223372036854775808", (1, 5), "too large"),
        ("x = " + "[" * 5000, None, "deeper than 32"),
        ("x = " + "[" * 33 + "]" * 33, (1, 37), "deeper than 32"),
        ("[" + ".".join("a" * 33) + "]", (1, 66), "deeper than 32"),
        (".".join("a" * 20_000) + " = 1", (1, 65), "deeper than 32"),
        ("x = " + "{a = " * 100 + "1" + "}" * 100, None, "deeper than 32"),
        ('s = "' + "." * 200 + '"\nx', (2, 2), "from here on"),
        ("\x00", (1, 1), "invalid statement"),
        ("x = [" + "0," * 10_000 + "]", (0, 0), "more than 10,000 values"),
    ],
)
def test_what_is_no_toml_says_where_and_why(text, place, says):
    with pytest.raises(PackError) as caught:
        load(text, file="f.toml", pack="p")
    error = caught.value
    assert str(error).startswith("pack 'p' f.toml")
    assert "is not TOML: " in str(error)
    assert says in str(error)
    assert place in (None, (error.line, error.column))
    (finding,) = error.findings
    assert (finding.file, finding.line, finding.column) == ("f.toml", error.line, error.column)


def test_what_is_deep_but_not_too_deep_is_read():
    assert load("x = " + "[" * (MAX_DEPTH - 2) + "1" + "]" * (MAX_DEPTH - 2))
    assert load(".".join("a" * MAX_DEPTH) + " = 1")


# ------------------------------------------------------------------ any document

keys = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True) | st.text(st.characters(codec="utf-8"), max_size=5)
strings = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
scalars = strings | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False)
scalars |= st.dates() | st.times().map(lambda one: one.replace(tzinfo=None))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
blanks = st.sampled_from(["", " ", "\t "])
notes = st.sampled_from(["", " # a [note] = \"x\" '''", "#"])


def written_key(draw, key: str) -> str:
    if key and key.isascii() and key.replace("-", "").replace("_", "").isalnum() and draw(st.booleans()):
        return key
    if draw(st.booleans()) and "'" not in key and key.isprintable():
        return f"'{key}'"
    return _basic(key)


def _basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def written(draw, value) -> str:
    """A value as TOML, in one of the ways there are."""
    if isinstance(value, str):
        return _written_text(draw, value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        gap = draw(st.sampled_from(["", " ", "\n", "\n# note ]\n "]))
        comma = draw(st.sampled_from(["", ","])) if value else ""
        return f"[{gap}" + f"{gap},{gap}".join(written(draw, one) for one in value) + f"{gap}{comma}{gap}]"
    if isinstance(value, dict):
        pairs = (f"{written_key(draw, key)}{draw(blanks)}= {written(draw, one)}" for key, one in value.items())
        return "{" + draw(blanks) + ", ".join(pairs) + draw(blanks) + "}"
    return repr(value) if isinstance(value, int | float) else value.isoformat()


def _written_text(draw, text: str) -> str:
    way = draw(st.sampled_from(["basic", "many", "literal", "literal many"]))
    if way == "literal" and "'" not in text:
        return f"'{text}'"
    if way == "literal many" and "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    if way == "many":
        inner = _basic(text)[1:-1]
        return f'"""\n{inner}\\\n   """'
    return _basic(text)


@st.composite
def documents(draw) -> str:
    """Pairs, tables, arrays of tables, in any order; what tomllib refuses (a key set twice) is left to the test."""
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        key = f"{draw(blanks)}.{draw(blanks)}".join(
            written_key(draw, one) for one in draw(st.lists(keys, min_size=1, max_size=3))
        )
        match draw(st.sampled_from(["pair", "pair", "pair", "table", "tables", "note"])):
            case "pair":
                lines.append(f"{draw(blanks)}{key}{draw(blanks)}={draw(blanks)}{written(draw, draw(values))}")
            case "table":
                lines.append(f"[{draw(blanks)}{key}{draw(blanks)}]")
            case "tables":
                lines.append(f"[[{key}]]")
            case _:
                lines.append("")
        lines[-1] += draw(notes)
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


def paths(value, at=()):
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*at, key), one
        yield from paths(one, (*at, key))


def read_key(text: str) -> str:
    """The first part of a dotted key, as tomllib reads it from where `text` begins."""
    for end in range(1, len(text) + 1):
        try:
            (key,) = tomllib.loads(f"{text[:end]} = 1")
        except (ValueError, KeyError):
            continue
        if end == len(text) or text[0] in "\"'" or not (text[end].isalnum() or text[end] in "_-"):
            return key
    raise AssertionError(f"no key begins here: {text!r}")


@given(documents())
def test_every_key_that_tomllib_knows_has_a_place_and_stands_there(text):
    try:
        expected = tomllib.loads(text)
    except ValueError:
        return
    data, places = load(text)
    assert data == expected
    lines = text.replace("\r\n", "\n").split("\n")
    for path, value in paths(expected):
        assert path in places
        line, column = places.key(path)
        if isinstance(path[-1], str):
            assert read_key("\n".join([lines[line - 1][column - 1 :], *lines[line:]]).split("\n")[0]) == path[-1]
        if isinstance(value, str) and value:
            line, column = places.value(path)
            assert lines[line - 1][column - 1] in (value[0], "\\")
    assert set(places) == {path for path, _ in paths(expected)}


@given(documents(), st.data())
def test_places_of_a_text_go_forward(text, data):
    del data
    try:
        found, places = load(text)
    except PackError:
        return
    for path, value in paths(found):
        if isinstance(value, str):
            order = [places.value(path, line, 1) for line in range(1, value.count("\n") + 3)]
            assert all(one <= two for one, two in pairwise(order))


@given(st.text(st.sampled_from("ab.=[]{}\"'\\\n #,1")))
def test_whatever_comes_there_are_places_or_one_error(text):
    try:
        expected = tomllib.loads(text)
    except ValueError:
        with pytest.raises(PackError):
            load(text)
    else:
        data, places = load(text)
        assert data == expected
        assert set(places) == {path for path, _ in paths(expected)}


@given(st.text(st.sampled_from("ab.=[]{}\"'\\\n #,1")))
def test_places_never_fail(text):
    places = Places(text)
    assert places.key(("a",)) >= (0, 0)
    assert places.value(("a",)) >= (0, 0)
