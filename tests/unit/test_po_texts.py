"""What PO files and reports rest on: files of texts written and remarked on, and what a text asks for."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.packs.strings import clashes, quoted, remarks, written
from livery.packs.wording import WordingError, plural_examples, wording
from unit.polyglot import TextPack
from unit.test_po import character

any_text = st.text(character | st.just("\0"), max_size=40)


@given(text=any_text)
def test_a_text_in_a_file_is_read_as_it_was(text):
    assert tomllib.loads(f"a = {quoted(text)}") == {"a": text}


@given(text=any_text)
def test_nothing_in_a_file_hides_or_turns_text(text):
    assert not set(quoted(text)) & set("\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\u061c\x85\x1b\r")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", '"plain"'),
        ('say "hi"', r'"say \"hi\""'),
        ("C:\\new", r'"C:\\new"'),
        ("tab\there", '"tab\there"'),
        ("in\u202evoice", r'"in\u202Evoice"'),
        ("می\u200cخواهم", '"می\u200cخواهم"'),
        ("two\nlines", '"""\ntwo\nlines"""'),
        ('say\n"hi"', '"""\nsay\n"hi\\""""'),
        ('"""\n\\', '"""\n\\"\\"\\"\n\\\\"""'),
        ("\n", '"""\n\n"""'),
    ],
)
def test_a_text_is_quoted_as_people_would(text, line):
    assert quoted(text) == line


def test_keys_become_tables_each_once_and_after_the_one_it_is_in():
    strings = {"b.c.x": "1", "top": "2", "a.y": "3", "b.z": "4", "b.c.v w": "5", "a.u": "6"}
    assert written(strings) == ('top = "2"\n\n[b]\nz = "4"\n\n[b.c]\nx = "1"\n"v w" = "5"\n\n[a]\ny = "3"\nu = "6"\n')


def test_no_texts_are_an_empty_file():
    assert written({}) == ""


@given(keys=st.lists(st.text("ab.", max_size=5), unique=True, max_size=8))
def test_keys_that_do_not_clash_fit_into_one_file(keys):
    for _, key in clashes(keys):
        keys.remove(key)
    assert clashes(keys) == []
    strings = {key: key for key in keys}

    def flat(table, *path):
        pairs = [
            flat(one, *path, key) if isinstance(one, dict) else {".".join([*path, key]): one}
            for key, one in table.items()
        ]
        return {key: text for pair in pairs for key, text in pair.items()}

    assert flat(tomllib.loads(written(strings))) == strings


FILE = """\
# Top.
# More.

# Of the table.
[a]
# Of b,
#of b.
b = "x"
c = "y" # behind

# Away.

d.e = '''
# no remark
f = "no key"'''
g = 1
"""


def test_remarks_are_those_right_above_a_key_or_table_and_at_the_top():
    found = remarks(TextPack("shop", {}, {"strings/de.toml": FILE}), "de")
    assert found.head == ("Top.", "More.")
    assert found.above == {"a": ("Of the table.",), "a.b": ("Of b,", "of b.")}
    assert {key: found.lines[key] for key in ("a.b", "a.c", "a.d.e", "a.g")} == {
        "a.b": 8,
        "a.c": 9,
        "a.d.e": 13,
        "a.g": 16,
    }


@pytest.mark.parametrize("files", [{}, {"strings/de.toml": ""}, {"strings/de.toml": "no toml"}])
def test_where_there_is_no_file_there_are_no_remarks(files):
    assert remarks(TextPack("shop", {}, files), "de") == ({}, {}, ())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("plain # text", ""),
        ("{{ a.b.c | short }} {{ a.b }}", "a.b a.b.c"),
        ("{{ a['b'].c[0] }}", "a.b.c.0"),
        ("{% if a.b and not c %}{{ d ~ e }}{% elif f is none %}{% endif %}", "a.b c d e f"),
        ("{% for one in a.many %}{{ one.name }}{{ loop.index }}{% endfor %}", "a.many"),
        ("{% set x = a.b %}{{ x }}", "a.b"),
        ("{{ a.many[b.index].name }}", "a.many b.index"),
        ("{{ (a ~ b).c }}", "a b"),
        ("{{ a | default(b.c, true) }}", "a b.c"),
        ("{# {{ a }} #}", ""),
        ("{% raw %}{{ a }}{% endraw %}", ""),
    ],
)
def test_a_text_asks_for_the_values_it_uses(text, names):
    assert wording(text).names == frozenset(names.split())


def test_a_text_names_the_cases_it_has_words_for():
    text = "{{ a | plural(one='#', other='#') }}\n{{ b | select(x='y') }}{{ c | plural }}"
    assert [tuple(one) for one in wording(text).choosings] == [
        ("plural", ("one", "other"), 1),
        ("select", ("x",), 2),
        ("plural", (), 2),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("{{ a", 1), ("x\n{% if %}", 2), ("{% nonsense %}", 1), ("{{ " + "(" * 3000, 1), ("{% if a %}" * 3000, 1)],
)
def test_a_text_that_is_no_template_says_so_with_its_line(text, line):
    with pytest.raises(WordingError) as caught:
        wording(text)
    assert caught.value.line == line


@pytest.mark.parametrize("link", ["[b]", ".b", "|f", "+b", "(b)"])
def test_a_long_chain_is_gone_through(link):
    assert "a" in " ".join(wording("{{ a" + link * 20_000 + " }}").names)


def test_plural_cases_come_with_numbers_as_the_language_writes_them():
    assert dict(plural_examples("ru")) == {
        "one": "1, 21, 31 …",
        "few": "2, 3, 4 …",
        "many": "0, 5, 6 …",
        "other": "1,5, 0,5",
    }
