"""Colours: contrast as WCAG 2.2 defines it, and colours found in place of those that cannot be read."""

import re

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
from livery.packs.tokens import TokenSpec, resolve

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


GROUNDS = st.lists(colours, min_size=1, max_size=3)


@given(text=colours, grounds=GROUNDS, dark=st.none() | colours)
def test_every_colour_that_a_finding_suggests_passes_and_ends_it(text, grounds, dark):
    names = [f"ground{number}" for number in range(len(grounds))]
    tokens = {name: TokenSpec(type="colour", value=ground) for name, ground in zip(names, grounds, strict=True)}
    tokens["ink"] = TokenSpec(type="colour", value=text, on=names, dark="dark_ink")
    tokens["dark_ground"] = TokenSpec(type="colour", value=dark or grounds[0])
    tokens["dark_ink"] = TokenSpec(type="colour", value=text, on="dark_ground")
    shown = {"ink": grounds, "dark_ink": [dark or grounds[0]]}
    for finding in resolve([("pack", tokens)]).findings:
        assert finding.rule == "contrast"
        (name,) = (one for one in shown if finding.message.startswith(f"{one} {text} has"))
        assert worst(text, shown[name]) < AA
        suggested = re.search(r"use (#[0-9a-f]{6})", finding.fix)
        if suggested is None:  # black and white are each too near to one of the grounds
            assert len(set(grounds)) > 1
            assert worst(BLACK, grounds) < AA
            assert worst(WHITE, grounds) < AA
            continue
        assert worst(suggested[1], shown[name]) >= AA
        taken = {**tokens, name: TokenSpec(type="colour", value=suggested[1], on=tokens[name].on)}
        assert not [one for one in resolve([("pack", taken)]).findings if one.message.startswith(f"{name} #")]


@given(primary=colours, page=colours)
def test_a_colour_used_in_place_of_one_that_cannot_be_read_any_more_passes(primary, page):
    base = {
        "page": TokenSpec(type="colour", value="#ffffff"),
        "primary": TokenSpec(type="colour", value="#2747c9"),
        "text": TokenSpec(type="colour", value="#16202e", on="page"),
        "on_primary": TokenSpec(type="colour", value="#ffffff", on="primary"),
    }
    made = resolve([("base", base), ("over", {"page": page, "primary": primary})])
    assert contrast(made.values["text"], page) >= AA
    assert contrast(made.values["on_primary"], primary) >= AA
    for finding in made.findings:
        assert (
            contrast(
                re.search(r"(#[0-9a-f]{6}) is used", finding.message)[1],
                page if "text" in finding.message.split()[0] else primary,
            )
            >= AA
        )
