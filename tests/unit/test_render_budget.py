"""Budgets: what does not fit goes by priority, then by length, and at last altogether."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.models.notification import TextBlock
from livery.render.budget import within
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
