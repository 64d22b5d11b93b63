"""Budgets: what does not fit goes by priority, then by length, and at last altogether."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.channel import Limits
from livery.models.message import Format
from livery.models.notification import Action, ActionsBlock, ErrorBlock, TextBlock
from livery.render.budget import within
from livery.render.message import render
from unit.making import saying

LENGTHS = (10, 5, 2)


def cut(priorities: dict[str, int], room: int):
    """What is left of blocks that each take as much room as their text may be long: (ids, length), what was said."""
    blocks = [TextBlock(id=id_, priority=priority, text="x") for id_, priority in priorities.items()]

    def make(kept, length):
        return [block.id for block in kept], length

    return within(saying(*blocks), make, lambda made: len(made[0]) * made[1] <= room, LENGTHS)


@pytest.mark.parametrize(
    ("priorities", "room", "ids", "length", "said"),
    [
        ({"a": 1, "b": 2}, 20, ["a", "b"], 10, 0),
        ({"a": 1, "b": 2}, 19, ["b"], 10, 1),
        ({"a": 2, "b": 1}, 19, ["a"], 10, 1),
        ({"a": 1, "b": 1}, 19, ["a"], 10, 1),
        ({"a": 0, "b": 0, "c": 0}, 0, [], 10, 3),
        ({"a": 100, "b": 99}, 10, ["a"], 10, 1),
        ({"a": 100, "b": 100}, 19, ["a", "b"], 5, 1),
        ({"a": 100, "b": 100}, 9, ["a", "b"], 2, 1),
        ({"a": 100, "b": 100}, 4, ["a", "b"], 2, 1),
        ({"a": 100, "b": 100, "c": 50}, 9, ["a", "b"], 2, 2),
        ({"a": 100, "b": 100}, 3, [], 2, 1),
    ],
)
def test_blocks_go_by_priority_before_texts_are_shortened_and_priority_100_goes_last(
    priorities, room, ids, length, said
):
    (kept, most), dropped = cut(priorities, room)
    assert (kept, most, len(dropped)) == (ids, length, said)


blocks = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 100), max_size=8)


@given(priorities=blocks, room=st.integers(0, 100))
def test_no_block_is_kept_while_a_more_important_one_is_left_out(priorities, room):
    (kept, _), _ = cut(priorities, room)
    assert kept == [id_ for id_ in priorities if id_ in kept]
    gone = [priorities[id_] for id_ in priorities if id_ not in kept]
    assert max(gone, default=-1) <= min((priorities[id_] for id_ in kept), default=100)


def linked(*actions, priority=50):
    return ActionsBlock(id="go", priority=priority, actions=tuple(Action(**one) for one in actions))


MAIN = {"label": "View order", "url": "https://a.example/1", "primary": True}
OTHER = {"label": "Help", "url": "https://a.example/help"}


def rows(*blocks, room):
    """What is left where each text and each link takes one."""

    def make(kept, length):
        return [
            one
            for block in kept
            for one in ([a.label for a in block.actions] if block.kind == "actions" else [block.id])
        ]

    return within(saying(*blocks), make, lambda made: len(made) <= room, LENGTHS)


def test_the_main_link_is_the_last_to_go():
    texts = [TextBlock(id=id_, priority=priority, text="x") for id_, priority in (("a", 100), ("b", 60))]
    assert rows(*texts, linked(OTHER, MAIN), room=3) == (
        ["a", "b", "View order"],
        ["block go left out but for its main link: the channel has no room for it"],
    )
    assert rows(*texts, linked(OTHER, MAIN), room=2)[0] == ["a", "View order"]
    left, said = rows(*texts, linked(OTHER, MAIN), room=1)
    assert left == ["View order"]
    assert said[-1] == "every block left out but for the main link: the channel has no room for them"
    assert rows(*texts, linked(OTHER, MAIN), room=0)[0] == []


def test_the_main_link_is_the_first_to_the_web_where_none_is_primary():
    mail = {"label": "Write", "url": "mailto:a@b.example", "primary": True}
    assert rows(linked(mail, OTHER), room=1)[0] == ["Help"]
    assert rows(linked(mail), room=0)[0] == []


long = "word " * 700


@pytest.mark.parametrize("wanted", [Format.BLOCK_KIT, Format.ADAPTIVE_CARD])
def test_a_text_that_a_channel_shortens_is_marked(wanted):
    block = ErrorBlock(id="error", priority=100, text=long)
    made = render(saying(block), None, wanted=wanted, limits=Limits())
    assert [one for one in made.degraded if one.startswith("block error shortened: ")]
    made = render(saying(ErrorBlock(id="error", text="short", code="E1")), None, wanted=wanted, limits=Limits())
    assert made.degraded == ()


@given(room=st.integers(1, 6000))
def test_plain_text_keeps_within_its_room_and_says_what_is_missing(room):
    said = saying(
        TextBlock(id="a", priority=10, text=long),
        ErrorBlock(id="error", priority=100, text="It broke."),
        linked(MAIN),
    )
    whole = render(said, None, wanted=Format.TEXT, limits=Limits())
    made = render(said, None, wanted=Format.TEXT, limits=Limits(text=room))
    assert len(made.text) <= room
    assert (made.text == whole.text) == (made.degraded == ())
    if room > 400:
        assert "It broke." in made.text
        assert "View order: https://a.example/1" in made.text
    assert whole.degraded == ()
    assert long.strip() in whole.text
