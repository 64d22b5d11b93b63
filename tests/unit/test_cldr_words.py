"""Words chosen by a number or a value: plural categories by the rules of CLDR, `plural`, `select`."""

import math
from decimal import Decimal

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from livery import cldr
from unit.polyglot import CLDR, MAIN

SHEEP = {"one": "# sheep alone", "other": "# sheep"}

tags = st.sampled_from(MAIN) | st.sampled_from(CLDR)
counts = st.one_of(
    st.integers(-300, 3000),
    st.integers(-(10**30), 10**30),
    st.sampled_from([10**6, 2 * 10**6, 10**6 + 1]),
    st.floats(-1e6, 1e6),
    st.decimals(-1000, 1000, places=2),
    st.decimals(-1000, 1000, places=1),
)


def is_counted_by_babel(count):
    """Whether Babel counts its decimals: below a tenth it leaves out noughts, and 0.01 has one."""
    return count == int(count) or abs(count) >= Decimal("0.1")


@given(tag=tags, count=counts.filter(is_counted_by_babel))
def test_a_numbers_category_is_what_babel_says(tag, count):
    formats = cldr.formats(tag)
    assert cldr.category(count, formats) == Locale.parse(formats["locale"]).plural_form(count)


def test_small_numbers_are_of_babels_category_in_every_language():
    wrong = []
    for tag in CLDR:
        formats, rule = cldr.formats(tag), Locale.parse(tag, sep="-").plural_form
        wrong += [(tag, count) for count in [*range(121), 1.5, 0.5] if cldr.category(count, formats) != rule(count)]
    assert wrong == []


@pytest.mark.parametrize(
    ("count", "tag", "category"),
    [
        (0, "ar", "zero"),
        (2, "ar", "two"),
        (103, "ar", "few"),
        (111, "ar", "many"),
        (1000, "ar", "other"),
        (1, "en", "one"),
        (1.0, "en", "one"),
        (Decimal("1.0"), "en", "other"),
        ("1.0", "en", "other"),
        ("1", "en", "one"),
        (-1, "en", "one"),
        (1.5, "fr", "one"),
        (10**6, "fr", "many"),
        (10**30, "fr", "many"),
        (22, "pl", "few"),
        (1.5, "pl", "other"),
        (0.01, "lv", "one"),  # UTS 35: v = 2, f = 1
        (0.011, "lv", "one"),  # v = 3, f = 11
        (0.11, "lv", "zero"),  # v = 2, f = 11
        (Decimal("0.10"), "lv", "other"),  # v = 2, f = 10
        (Decimal("1e3"), "en", "other"),
        (Decimal("1e400000"), "en", "other"),
        (Decimal("1e-400000"), "en", "other"),
        (float("inf"), "en", "other"),
        (float("nan"), "en", "other"),
        (True, "en", "other"),
        (None, "en", "other"),
        ("one", "en", "other"),
    ],
)
def test_categories_by_example(count, tag, category):
    assert cldr.category(count, cldr.formats(tag)) == category


@pytest.mark.parametrize(
    ("tag", "categories"),
    [
        ("ar", "zero one two few many other"),
        ("ar-EG", "zero one two few many other"),
        ("de", "one other"),
        ("ja", "other"),
        ("fr", "one many other"),
        ("pl", "one few many other"),
        ("lv", "zero one other"),
        ("iw", "one two other"),
        ("nonsense!", "one other"),
    ],
)
def test_the_categories_of_a_language_are_in_cldrs_order(tag, categories):
    assert cldr.plural_categories(tag) == tuple(categories.split())


@pytest.mark.parametrize(
    ("count", "tag", "text"),
    [
        (1, "en", "1 sheep alone"),
        (0, "en", "0 sheep"),
        (1234, "de", "1.234 sheep"),
        ("1", "en", "1 sheep alone"),
        (1.0001, "en", "1 sheep alone"),  # shown as 1
        ("1.0", "en", "1 sheep alone"),
        (Decimal("0.00"), "en", "0 sheep"),
        (1.5, "fr", "1,5 sheep alone"),
        (10**40, "en", "1" + "0" * 40 + " sheep"),
        (float("inf"), "en", "∞ sheep"),
        (float("nan"), "en", "NaN sheep"),
        (-1, "en", "-1 sheep alone"),
    ],
)
def test_the_text_for_a_number_holds_the_number_as_readers_write_it(count, tag, text):
    assert cldr.plural(count, SHEEP, cldr.formats(tag)) == text


@pytest.mark.parametrize(
    ("count", "cases", "text"),
    [
        (2, {"two": "both", "other": "#"}, "#"),
        (3, {"other": "# of #"}, "3 of 3"),
        (3, {"other": ""}, ""),
        (1, {"one": "", "other": "#"}, ""),
        (1, {"other": "none"}, "none"),
    ],
)
def test_a_case_that_is_not_given_is_other(count, cases, text):
    assert cldr.plural(count, cases, cldr.formats("en")) == text.replace("#", str(count))


@pytest.mark.parametrize(
    ("count", "cases", "said"),
    [
        (1, {"one": "#"}, "needs other"),
        (1, {}, "needs other"),
        (1, {"ones": "#", "other": "#"}, "not 'ones'"),
        ("many", SHEEP, "needs a number to choose by, not 'many'"),
        (None, SHEEP, "needs a number"),
        (True, SHEEP, "needs a number"),
        ([1] * 1000, SHEEP, "needs a number"),
    ],
)
def test_a_plural_that_cannot_be_is_an_error_that_says_why(count, cases, said):
    with pytest.raises(ValueError, match=said) as caught:
        cldr.plural(count, cases, cldr.formats("en"))
    assert len(str(caught.value)) < 200


@given(tag=tags, count=counts | st.floats())
def test_a_plural_reads_as_its_number_is_shown(tag, count):
    formats = cldr.formats(tag)
    cases = {name: f"{name} #" for name in cldr.plural_categories(tag)}
    name, _, shown = cldr.plural(count, cases, formats).partition(" ")
    assert shown == cldr.number(count, formats)
    if not math.isinf(count) and not math.isnan(count) and abs(count) < 10**9:
        rounded = round(Decimal(str(count)), 3).normalize()
        assert name == cldr.category(f"{abs(rounded):f}", formats)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("trial", "to try"),
        ("paid", "anything"),
        ("other", "anything"),
        (None, "anything"),
        (1, "first"),
        (True, "yes"),
        (False, "no"),
        ("True", "anything"),
        ("", "anything"),
        ([], "anything"),
    ],
)
def test_the_text_for_a_value_is_chosen_by_its_name(value, text):
    cases = {"trial": "to try", "1": "first", "true": "yes", "false": "no", "other": "anything"}
    assert cldr.select(value, cases) == text


def test_a_choice_without_other_is_an_error():
    with pytest.raises(ValueError, match="select needs other"):
        cldr.select("trial", {"trial": "to try"})
