"""Edits of people's TOML: the change and nothing else, comments and order kept."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.errors import LiveryError
from livery.packtools.edits import block_text, key, with_block, with_value, written

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text("abc-_.#/ é\"'", min_size=1, max_size=8)


def test_a_value_goes_to_the_end_of_its_table_and_comments_stay():
    before = '# head\n[a] # one\nx = "1" # two\n\n# about b\n[b]\ny = "2"\n'
    assert with_value(before, ("a", "z"), "3") == (
        '# head\n[a] # one\nx = "1" # two\nz = "3"\n\n# about b\n[b]\ny = "2"\n'
    )


def test_a_value_that_is_there_is_changed_where_it_stands():
    before = '[a]\n"x/y" = { d = "1", of = "b" } # keep\nz = "2"\n'
    assert with_value(before, ("a", "x/y"), {"d": "9", "of": "c"}) == (
        '[a]\n"x/y" = { d = "9", of = "c" } # keep\nz = "2"\n'
    )


def test_a_table_that_is_not_there_is_added():
    assert with_value("a = 1\n", ("b", "c"), "x") == 'a = 1\n\n[b]\nc = "x"\n'
    assert with_value("", ("b", "c"), "x") == '[b]\nc = "x"\n'


def test_dots_where_the_author_has_dots():
    assert with_value('a.b = "1"\n', ("a", "c"), "x") == 'a.b = "1"\na.c = "x"\n'
    assert with_value('[a]\nb.c = "1"\n', ("a", "b", "d"), "x") == '[a]\nb.c = "1"\nb.d = "x"\n'


def test_what_looks_like_a_header_inside_a_text_is_none():
    before = 'x = """\n[a]\n"""\n\n[a]\ny = "1"\n'
    assert tomllib.loads(with_value(before, ("a", "z"), "2")) == {"x": "[a]\n", "a": {"y": "1", "z": "2"}}


def test_what_cannot_be_changed_safely_is_refused_with_what_to_write():
    with pytest.raises(LiveryError, match=r'write it by hand: \[a\] c = "x"'):
        with_value("a = { b = 1 }\n", ("a", "c"), "x")
    with pytest.raises(LiveryError, match="no TOML"):
        with_value("a = \n", ("a", "c"), "x")


@given(st.dictionaries(NAMES, WORDS, max_size=5), st.dictionaries(NAMES, WORDS, max_size=3), NAMES, NAMES, WORDS)
def test_any_text_can_be_put_under_any_key(top, table, name, field, value):
    name = f"t{name}"
    text = "".join(f"{key(one)} = {written(said)}\n" for one, said in top.items() if one != name)
    if table:
        text += f"[{key(name)}]\n" + "".join(f"{key(one)} = {written(said)}\n" for one, said in table.items())
    before = tomllib.loads(text)
    after = with_value(text, (name, field), value)
    before.setdefault(name, {})[field] = value
    assert tomllib.loads(after) == before


BLOCKS = st.fixed_dictionaries(
    {"id": WORDS},
    optional={
        "priority": st.integers(0, 100),
        "text": WORDS,
        "items": st.lists(WORDS, max_size=3),
        "facts": st.lists(st.fixed_dictionaries({"label": WORDS, "mono": st.booleans()}), min_size=1, max_size=3),
    },
)


@given(st.lists(BLOCKS, max_size=3), BLOCKS)
def test_any_block_can_be_added_after_any_others(there, block):
    text = "# mine\n" + "\n".join(map(block_text, there))
    assert tomllib.loads(with_block(text, block)) == {"blocks": [*there, block]}
    assert with_block(text, block).startswith("# mine\n")


def test_blocks_in_brackets_are_left_alone():
    with pytest.raises(LiveryError, match="none can be added"):
        with_block('blocks = [{ id = "a" }]\n', {"id": "b"})
