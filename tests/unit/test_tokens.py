"""Brand tokens over layers of packs and tenants: what wins, and what is said of what is wrong."""

import pytest
from pydantic import ValidationError

from livery.packs.tokens import TokenSpec, describe, resolve
from unit.brands import BASE, changed, colour

# --------------------------------------------------------------------------- which layer wins


def test_the_nearest_layer_wins_token_by_token():
    found = resolve(
        [BASE, ("over", {"primary": "#0b6670", "radius": "3", "motto": "over"})],
        [("platform", {"motto": "platform"}), ("shop", {"primary": "navy"})],
    )
    assert found.findings == ()
    assert [found.values[name] for name in ("primary", "radius", "motto")] == ["#000080", "3px", "platform"]
    assert [found.origins[name] for name in ("primary", "radius", "motto", "font")] == [
        "tenant shop",
        "over",
        "tenant platform",
        "base",
    ]


def test_an_invalid_value_is_told_and_the_next_valid_one_below_is_used():
    values, said = changed(
        ("over", {"primary": "#0b6670", "radius": "1em"}),
        ("top", {"primary": "teal}"}),
        brand=[("shop", {"primary": "bluish"})],
    )
    assert values == {"primary": "#0b6670"}
    assert said == [
        "error token top: pack.toml: primary: 'teal}' holds }, which would end a style or an attribute; take it out",
        "error token -: tenant shop: primary: 'bluish' is no colour; write #rrggbb, #rgb, or a name of CSS such as navy",
        "error token over: pack.toml: radius: '1em' is no length in pixels; write a number from 0 to 2000 with px, as in 12px",
    ]


def test_a_value_without_any_valid_one_is_empty():
    found = resolve([("base", {"primary": colour("bluish"), "radius": TokenSpec(type="length")})])
    assert found.values == {"primary": "", "radius": ""}
    assert len(found.findings) == 1


def test_a_value_that_could_be_better_is_used_and_told():
    values, said = changed(("over", {"font": "Georgia"}))
    assert values == {"font": "Georgia"}
    assert said == [
        "warning token over: pack.toml: font: does not say what to take where none of its fonts is there; end it with, say, sans-serif"
    ]


def test_a_finding_points_at_the_token_or_else_at_the_background_its_layer_changed():
    places = {("over", "radius"): (7, 10), ("over", "page"): (4, 1), ("base", "text"): (9, 9)}
    over = {"radius": "1em", "page": "#222"}
    found = resolve([BASE, ("over", over)], locate=lambda pack, name: places.get((pack, name), (0, 0)))
    said = {one.message.split()[0]: (one.file, one.line, one.column) for one in found.findings}
    assert said == {"radius:": ("pack.toml", 7, 10), "text": ("pack.toml", 4, 1), "danger": ("pack.toml", 4, 1)}


# --------------------------------------------------------------------------- tables


def test_a_table_over_a_table_changes_only_what_it_says():
    layers = [BASE, ("over", {"text": TokenSpec(type="colour", description="Words.")})]
    row = next(row for row in describe(layers) if row.name == "text")
    assert row == ("text", "colour", "#1c2736", "base", "Words.")
    assert (
        changed(("over", {"text": TokenSpec(type="colour", description="Words."), "page": "#333"}))[0]["text"]
        == "#ffffff"
    )


def test_the_type_of_a_parent_cannot_be_changed():
    values, said = changed(("over", {"radius": TokenSpec(type="text", value="round")}))
    assert values == {}
    assert said == [
        'error token over: pack.toml: radius is of type length in base and cannot become of type text; write type = "length", or give it another name',
        "error token over: pack.toml: radius: 'round' is no length in pixels; write a number from 0 to 2000 with px, as in 12px",
    ]


def test_a_table_gives_a_type_to_the_plain_value_of_a_parent():
    found = resolve([("base", {"accent": "NAVY"}), ("over", {"accent": TokenSpec(type="colour")})])
    assert found.values == {"accent": "#000080"}
    assert found.origins == {"accent": "base"}
    assert found.findings == ()


def test_what_no_pack_declares_is_a_text_and_noted():
    values, said = changed(
        ("over", {"accent": "#ABC", "shape": "round"}), brand=[("shop", {"primry": "Navy", "zzz": "{"})]
    )
    assert values == {"accent": "#ABC", "shape": "round", "primry": "Navy", "zzz": ""}
    assert said == [
        'note token over: pack.toml: accent has no type, so it is taken as a text; declare it with type = "colour"',
        'note token over: pack.toml: shape has no type, so it is taken as a text; declare it with type = "text"',
        "note token -: tenant shop: primry is no token of its packs; did you mean primary?",
        "note token -: tenant shop: zzz is no token of its packs; check its spelling",
        "error token -: tenant shop: zzz: '{' holds {, which would end a style or an attribute; take it out",
    ]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ({"a": colour(on="papr"), "page": colour()}, 'a has on = "papr", but there is no such token'),
        ({"a": colour(on=["page", "b c"]), "page": colour()}, "a has on = 'b c', but there is no such token; check its spelling"),
        ({"a": colour(same_as="pge"), "page": colour()}, 'a has same_as = "pge", but there is no such token; did you mean page?'),
        ({"a": colour(dark="b"), "b": TokenSpec(type="text")}, 'a has dark = "b", which is of type text, not colour; name another'),
        ({"a": TokenSpec(type="text", on="b"), "b": TokenSpec(type="text")}, 'a has on = "b", which is for colours; take it out'),
    ],
)  # fmt: skip
def test_a_reference_that_leads_nowhere_is_told_and_left_out(tokens, message):
    found = resolve([("base", tokens)])
    assert [one.severity for one in found.findings] == ["warning"]
    assert message in str(found.findings[0])
    assert set(found.values) == set(tokens)


def test_references_in_a_circle_are_told_and_cut():
    tokens = {"a": colour(same_as="b"), "b": colour(same_as="c"), "c": colour(same_as="a"), "d": colour("#fff", on="a")}
    found = resolve([("base", tokens), ("over", {"e": colour(dark="e")})])
    assert sorted(str(one) for one in found.findings) == [
        "pack.toml: c refers to itself by same_as, on or dark: a → c → b → a; take one of these references out",
        "pack.toml: e refers to itself by same_as, on or dark: e → e; take one of these references out",
    ]
    assert found.values == {"a": "", "b": "", "c": "", "d": "#ffffff", "e": ""}


def test_a_brand_has_a_limited_number_of_tokens():
    many = {f"t{number}": TokenSpec(type="text") for number in range(249)}
    found = resolve([("base", many), ("over", {"t0": "here", "u0": "here", "u1": "here", "u2": "here"})])
    assert len(found.values) == 250
    assert (found.values["t0"], found.values["u0"]) == ("here", "here")
    assert "u1 and 1 more are left out: a brand may have 250 tokens" in str(found.findings[0])


@pytest.mark.parametrize(
    "fields", [{"type": "color"}, {}, {"type": "colour", "valeu": ""}, {"type": "colour", "on": ["a"] * 9}]
)
def test_a_table_has_a_known_type_and_no_other_fields(fields):
    with pytest.raises(ValidationError):
        TokenSpec.model_validate(fields)


# --------------------------------------------------------------------------- empty values


def test_an_empty_value_takes_the_parents_away_where_that_says_something():
    layers = [
        BASE,
        ("over", {"logo": "assets/logo.png", "header": "#0a323b", "help": "https://a.example", "motto": "x"}),
    ]
    empty = {"logo": "", "header": "", "help": "", "motto": ""}
    assert resolve(layers, [("shop", empty)]).values == resolve([BASE]).values
    assert resolve(layers, [("shop", empty)]).findings == ()


@pytest.mark.parametrize("name", ["primary", "radius", "font"])
def test_an_empty_value_is_refused_where_nothing_says_what_it_stands_for(name):
    values, said = changed(brand=[("shop", {name: ""})])
    assert values == {}
    assert f"tenant shop: {name} is empty, and nothing says what that stands for; " in said[0]


def test_what_stands_for_another_token_stays_empty_for_templates():
    rows = {row.name: row for row in describe([BASE])}
    assert rows["mark"] == ("mark", "colour", "as primary", "base", "")
    assert resolve([BASE]).values["mark"] == ""
    assert resolve([BASE]).values["on_mark"] == ""
