"""Colours: contrast as WCAG 2.2 defines it, and colours found in place of those that cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.packs.colour import (
    AA,
    AA_LARGE,
    BLACK,
    INK,
    NAMED,
    WHITE,
    contrast,
    fitting,
    nearest,
    normal,
    readable,
    worst,
)

colours = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.00),
        ("#0000ff", "#ffffff", 8.59),
        ("#ffff00", "#ffffff", 1.07),
        ("#16202e", "#16202e", 1.0),
    ],
)
def test_contrast_is_the_one_of_wcag(one, other, ratio):
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)


@given(colours, colours)
def test_contrast_is_the_same_both_ways_and_from_1_to_21(one, other):
    assert contrast(one, other) == contrast(other, one)
    assert 1 <= contrast(one, other) <= 21.000001


@given(colours, colours, st.sampled_from([AA, AA_LARGE]))
def test_a_suggested_colour_can_always_be_read(colour, background, ratio):
    assert contrast(nearest(colour, (background,), ratio), background) >= ratio


@given(colours, colours)
def test_a_derived_colour_can_always_be_read(start, background):
    assert contrast(readable([background]), background) >= AA
    assert contrast(fitting(start, (background,)), background) >= AA
    assert contrast(fitting("", (background,)), background) >= AA


@given(colours, st.lists(colours, min_size=2, max_size=4))
def test_on_several_backgrounds_a_suggestion_is_never_worse_than_what_was_there(colour, backgrounds):
    assert worst(nearest(colour, tuple(backgrounds)), backgrounds) >= worst(colour, backgrounds)


@given(colours, colours)
def test_what_can_be_read_stays(colour, background):
    better = nearest(colour, (background,))
    assert (better == colour) == (contrast(colour, background) >= AA)
    assert nearest(better, (background,)) == better == fitting(better, (background,))


@given(st.integers(0, 255).map("#{0:02x}{0:02x}{0:02x}".format), colours)
def test_a_suggestion_for_a_grey_is_a_grey(grey, background):
    better = nearest(grey, (background,))
    assert better[1:3] == better[3:5] == better[5:7]


@pytest.mark.parametrize(
    ("colour", "background"),
    [("#b3261e", "#222222"), ("#5b2a86", "#181e27"), ("#2747c9", "#0f1319"), ("#ffb0a0", "#fff")],
)
def test_a_suggestion_keeps_the_hue_and_goes_no_further_than_it_must(colour, background):
    background = normal(background)
    better = nearest(colour, (background,))

    def order(one):
        return sorted(
            ("red", "green", "blue"), key=lambda name: one[1 + 2 * ("red", "green", "blue").index(name) :][:2]
        )

    assert order(better) == order(colour)
    assert contrast(better, background) < AA + 0.25


@pytest.mark.parametrize(
    ("background", "expected"),
    [("#ffffff", INK), ("#2747c9", WHITE), ("#ffd700", INK), ("#000000", WHITE), ("#808080", BLACK)],
)
def test_text_on_a_background_is_ink_or_white_and_black_where_ink_is_too_light(background, expected):
    assert readable([background]) == expected


@pytest.mark.parametrize(
    ("start", "background", "expected"),
    [
        ("#eef7f6", "#f3ddb6", INK),  # as good as white
        ("#1c2736", "#181e27", WHITE),  # as good as ink
        ("#ffffff", "#808080", BLACK),
        ("#ffffff", "#2747c9", "#ffffff"),
    ],
)
def test_what_is_as_good_as_black_or_white_gives_way_to_the_other(start, background, expected):
    assert fitting(start, (background,)) == expected


def test_every_name_of_css_is_a_colour():
    assert len(NAMED) == 148
    assert all(normal(value) == value for value in NAMED.values())
    assert normal("LightGoldenrodYellow") == "#fafad2"


@given(st.text())
def test_a_text_is_a_colour_in_one_way_of_writing_or_none(text):
    found = normal(text)
    assert found == "" or normal(found) == found
