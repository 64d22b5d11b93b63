"""Colours that follow from others, in light and in dark, and the contrast of those that were given."""

import pytest

from livery.packs.colour import contrast
from livery.packs.tokens import resolve
from unit.brands import BASE, changed, colour

# --------------------------------------------------------------------------- colours that follow


@pytest.mark.parametrize(("primary", "label"), [("#2747c9", "#ffffff"), ("#ffd700", "#16202e"), ("#808080", "#000000")])
def test_an_empty_text_colour_is_one_that_can_be_read(primary, label):
    found = resolve([BASE], [("shop", {"primary": primary})])
    assert found.values["on_primary"] == label
    assert found.origins["on_primary"] == "derived from primary"
    assert found.findings == ()


def test_the_wordmark_stands_on_the_page_where_there_is_no_band():
    found = resolve([BASE, ("over", {"page": "#10292f", "text": "#fff", "danger": "#fff"})])
    assert found.values["header"] == ""
    assert found.values["on_header"] == "#ffffff"
    assert found.origins["on_header"] == "derived from page"


def test_a_mark_of_its_own_gets_an_initial_that_can_be_read():
    assert changed(("over", {"mark": "#0a323b"})) == ({"mark": "#0a323b", "on_mark": "#ffffff"}, [])
    assert changed(("over", {"mark": "#f2b84b"})) == ({"mark": "#f2b84b", "on_mark": "#16202e"}, [])


def test_an_empty_dark_colour_is_the_light_one_if_it_can_be_read_there():
    tokens = {
        "page": colour("#ffffff"),
        "night": colour("#333333"),
        "text": colour("#d02020", dark="night_text", on="page"),
    }
    night = {"night_text": colour(on="night")}
    light = resolve([("base", {**tokens, **night, "night": colour("#f8f8f8")})])
    assert light.values["night_text"] == "#d02020"
    assert light.origins["night_text"] == "derived from text"
    dark = resolve([("base", {**tokens, **night})]).values["night_text"]
    assert contrast(dark, "#333333") >= 4.5
    assert dark[1:3] > dark[3:5]
    assert dark[1:3] > dark[5:7]  # still red


def test_an_empty_dark_fill_is_as_in_light():
    tokens = {"border": colour("#e1e6ed", dark="night_border"), "night_border": colour()}
    found = resolve([("base", tokens)])
    assert found.values["night_border"] == "#e1e6ed"
    assert found.origins["night_border"] == "derived from border"


def test_a_dark_label_is_left_to_the_light_one_while_its_fill_is():
    assert resolve([BASE]).values["dark_on_primary"] == ""
    dark = {"dark_primary": "#f0a26a"}
    assert changed(("over", dark)) == ({**dark, "dark_on_primary": "#16202e"}, [])
    dark = {"dark_primary": "#1b2f80"}
    assert changed(("over", dark)) == ({**dark, "dark_on_primary": "#ffffff"}, [])


NIGHT = ("over", {"primary": "#0b6670", "dark_primary": "#7fd0d3", "dark_on_primary": "#06262c"})


def test_a_light_colour_set_nearer_is_not_shown_beside_a_dark_one_from_further_away():
    found = resolve([BASE, NIGHT], [("shop", {"primary": "#5b2a86"})])
    assert [found.values[name] for name in ("primary", "dark_primary", "dark_on_primary")] == ["#5b2a86", "", ""]
    assert [found.origins[name] for name in ("dark_primary", "dark_on_primary")] == ["as primary", "as on_primary"]
    assert found.findings == ()


def test_a_dark_colour_of_the_same_layer_stays():
    found = resolve([BASE, NIGHT], [("shop", {"primary": "#5b2a86", "dark_primary": "#d9b8ff"})])
    assert [found.values[name] for name in ("dark_primary", "dark_on_primary")] == ["#d9b8ff", "#06262c"]


def test_a_light_band_without_a_dark_one_keeps_its_wordmark():
    values, said = changed(("over", {"header": "#f3ddb6", "on_header": "#472a12"}))
    assert values == {"header": "#f3ddb6", "on_header": "#472a12", "dark_on_header": ""}
    assert said == []


def test_a_text_colour_that_lost_its_background_to_a_nearer_layer_is_mended_and_told():
    pack = ("over", {"primary": "#0b6670", "on_primary": "#ffffff"})
    found = resolve([BASE, pack], [("shop", {"primary": "#ffd700"})])
    assert found.values["on_primary"] == "#16202e"
    assert [str(one) for one in found.findings] == [
        "tenant shop: on_primary #ffffff has 1.40:1 on primary #ffd700, and text needs 4.5:1; #16202e is used; set on_primary, too, or leave it so"
    ]
    assert (found.findings[0].severity, found.findings[0].rule) == ("warning", "contrast")


def test_a_mended_colour_keeps_its_hue():
    values, _ = changed(brand=[("shop", {"page": "#222222"})])
    assert contrast(values["danger"], "#222222") >= 4.5
    assert values["danger"][1:3] > values["danger"][3:5]
    assert values["text"] == "#ffffff"


# --------------------------------------------------------------------------- contrast


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ({"primary": "#ffd700", "on_primary": "#fff"}, "on_primary #ffffff has 1.40:1 on primary #ffd700, and text needs 4.5:1; use #"),
        ({"text": "#777777"}, "text #777777 has 4.06:1 on page #f2f4f7, and text needs 4.5:1; use #6e6e6e"),
        ({"dark_text": "#555"}, "dark_text #555555 has 2.49:1 on dark_page #0f1319, and text needs 4.5:1; use #7d7d7d"),
        ({"on_header": "#999"}, "on_header #999999 has 2.58:1 on page #f2f4f7"),
        ({"dark_on_header": "#333"}, "dark_on_header #333333 has 1.47:1 on dark_page #0f1319"),
    ],
)  # fmt: skip
def test_too_little_contrast_is_told_with_a_colour_that_has_enough(tokens, message):
    found = resolve([BASE, ("over", tokens)])
    (said,) = found.findings
    assert (said.severity, said.rule, said.pack, said.file) == ("warning", "contrast", "over", "pack.toml")
    assert message in str(said)
    name, better = said.message.split()[0], said.fix.removeprefix("use ")
    assert found.values[name] == (
        tokens[name] if len(tokens[name]) > 4 else "#" + "".join(2 * one for one in tokens[name][1:])
    )
    assert resolve([BASE, ("over", {**tokens, name: better})]).findings == ()


def test_large_text_needs_less():
    tokens = {"page": colour("#ffffff"), "title": colour("#949494", on="page", large=True)}
    assert resolve([("base", tokens)]).findings == ()
    tokens["title"] = colour("#aaaaaa", on="page", large=True)
    (said,) = resolve([("base", tokens)]).findings
    assert "title #aaaaaa has 2.32:1 on page #ffffff, and large text needs 3:1" in said.message


def test_a_ratio_is_never_rounded_up_to_what_would_do():
    assert 4.495 < contrast("#76767f", "#ffffff") < 4.5
    (said,) = resolve([("base", {"page": colour("#ffffff"), "text": colour("#76767f", on="page")})]).findings
    assert "text #76767f has 4.49:1 on page #ffffff, and text needs 4.5:1" in said.message


def test_a_colour_read_on_several_backgrounds_is_checked_on_each():
    tokens = {"a": colour("#ffffff"), "b": colour("#dddddd"), "text": colour("#707070", on=["a", "b"])}
    (said,) = resolve([("base", tokens)]).findings
    assert "on b #dddddd" in said.message
    better = said.fix.removeprefix("use ")
    assert min(contrast(better, "#ffffff"), contrast(better, "#dddddd")) >= 4.5


def test_backgrounds_no_colour_can_be_read_on_are_told():
    tokens = {"a": colour("#ffffff"), "b": colour("#222222"), "text": colour("#000000", on=["a", "b"])}
    (said,) = resolve([("base", tokens)]).findings
    assert said.fix == "no colour can be read on all of a, b; change one of these"
