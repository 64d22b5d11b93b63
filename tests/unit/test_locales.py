"""Languages: tags, how one is chosen, which way it is written, dates and numbers in it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery import locales

GARBAGE = [
    "",
    " ",
    "d",
    "deutsch!",
    "de-",
    "-de",
    "de--AT",
    "de AT",
    "toolonglanguage",
    "12",
    "de-123456789",
    "*",
    "ü",
    "de\n",
]


@pytest.mark.parametrize(
    ("tag", "cased"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de_at", "de-AT"),
        ("EN-gb", "en-GB"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("ZH_HANT", "zh-Hant"),
        ("es-419", "es-419"),
        ("sl-ROZAJ-1994", "sl-rozaj-1994"),
        *[(tag, "") for tag in GARBAGE],
    ],
)
def test_a_tag_is_cased_as_rfc_5646_says_and_garbage_is_none(tag, cased):
    assert locales.normal(tag) == cased


@given(tag=st.text(st.sampled_from("abcXYZ019-_ü "), max_size=16))
def test_casing_a_tag_twice_changes_nothing_more(tag):
    assert locales.normal(locales.normal(tag)) == locales.normal(tag)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", ["de"]),
        ("de-AT", ["de-AT", "de"]),
        ("zh-Hant-TW", ["zh-Hant-TW", "zh-Hant", "zh"]),
        ("de_de", ["de-DE", "de"]),
        ("en-x-private", ["en-x-private", "en"]),
        *[(tag, []) for tag in GARBAGE],
    ],
)
def test_the_prefixes_of_a_tag_lose_a_subtag_each_and_never_end_in_a_singleton(tag, expected):
    assert locales.prefixes(tag) == expected


@pytest.mark.parametrize(
    ("wanted", "available", "tag", "fallbacks"),
    [
        ([("reader", "en")], ["en", "de"], "en", ("en",)),
        ([("reader", "de-AT")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "de-AT")], ["en", "de", "de-AT"], "de-AT", ("de-AT", "de", "en")),
        ([("reader", "en-GB")], ["en", "de"], "en", ("en",)),
        ([("reader", "zh-Hant-TW")], ["en", "zh-Hant", "zh"], "zh-Hant", ("zh-Hant", "zh", "en")),
        ([("reader", "zh-Hant-TW")], ["en", "zh-Hans"], "en", ("en",)),
        ([("reader", "DE_at")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "fr"), ("tenant", "de")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "ar"), ("tenant", "de")], ["en", "de", "ar"], "ar", ("ar", "de", "en")),
        ([("reader", None), ("tenant", "de")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "fr")], ["en", "de"], "en", ("en",)),
        ([("reader", "fr"), ("tenant", None)], ["de"], "de", ("de",)),
        ([], ["de", "en"], "de", ("de",)),
        *[([("reader", tag), ("tenant", "de")], ["en", "de"], "de", ("de", "en")) for tag in GARBAGE],
    ],
)
def test_the_first_wanted_language_there_are_texts_for_is_chosen(wanted, available, tag, fallbacks):
    choice = locales.negotiate(wanted, available)
    assert (choice.tag, choice.fallbacks) == (tag, fallbacks)


@pytest.mark.parametrize(
    ("wanted", "why", "regional"),
    [
        ([("reader", "de")], "reader", "de"),
        ([("reader", "de-AT")], "reader (de-AT has no texts of its own)", "de-AT"),
        ([("reader", "fr"), ("tenant", "de-CH")], "tenant (de-CH has no texts of its own)", "de-CH"),
        ([("reader", "fr")], "nobody's language is available", "en"),
    ],
)
def test_a_choice_says_how_it_was_come_by_and_keeps_the_readers_region(wanted, why, regional):
    choice = locales.negotiate(wanted, ["en", "de"])
    assert (choice.why, choice.regional) == (why, regional)


tags = st.sampled_from(["en", "en-GB", "de", "de-AT", "ar", "ar-EG", "zh-Hant", "zh-Hant-TW", "fr", *GARBAGE])


@given(wanted=st.lists(st.tuples(st.just("who"), st.none() | tags)), available=st.lists(tags, min_size=1, unique=True))
def test_what_is_chosen_is_always_available_and_the_first_fallback(wanted, available):
    choice = locales.negotiate(wanted, available)
    assert choice.tag in available
    assert choice.fallbacks[0] == choice.tag
    assert choice.fallbacks[-1] == available[0] or available[0] in choice.fallbacks
    assert set(choice.fallbacks) <= set(available)


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", "ltr"),
        ("de-AT", "ltr"),
        ("ar", "rtl"),
        ("AR_eg", "rtl"),
        ("he", "rtl"),
        ("fa-IR", "rtl"),
        ("ur", "rtl"),
        ("ar-Latn", "ltr"),
        ("az-Arab", "rtl"),
        ("pa-Arab-PK", "rtl"),
        ("ha-Arab", "rtl"),
        ("ha", "ltr"),
        ("en-AR", "ltr"),
        ("zh-Hant-TW", "ltr"),
        ("", "ltr"),
        ("nonsense!", "ltr"),
    ],
)
def test_the_script_decides_which_way_is_written_else_the_language(tag, written):
    assert locales.direction(tag) == written


MOMENT = datetime(2026, 11, 20, 23, 30, 5, tzinfo=UTC)
INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("tag", "moment", "written"),
    [
        ("en", MOMENT, "November 20, 2026, 23:30 UTC"),
        ("en-GB", MOMENT, "20 November 2026, 23:30 UTC"),
        ("de", MOMENT, "20. November 2026, 23:30 UTC"),
        ("de-AT", MOMENT, "20. November 2026, 23:30 UTC"),
        ("ar", MOMENT, "20 نوفمبر 2026، 23:30 UTC"),
        ("en", MOMENT.astimezone(INDIA), "November 21, 2026, 05:00 GMT+05:30"),
        ("xx", MOMENT, "November 20, 2026, 23:30 UTC"),
        ("nonsense!", MOMENT, "November 20, 2026, 23:30 UTC"),
    ],
)
def test_a_time_is_written_in_the_readers_language_with_its_zone(tag, moment, written):
    assert locales.format_datetime(moment, tag) == written


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", "November 20, 2026"),
        ("de", "20. November 2026"),
        ("ar", "20 نوفمبر 2026"),
        ("de-CH", "20. November 2026"),
    ],
)
def test_a_day_is_written_in_the_readers_language(tag, written):
    assert locales.format_date(MOMENT, tag) == written


@pytest.mark.parametrize("write", [locales.format_datetime, locales.format_date])
def test_one_moment_in_two_zones_is_written_in_each_whatever_was_written_before(write):
    there = MOMENT.astimezone(INDIA)
    assert there == MOMENT
    assert "20" in write(MOMENT, "en-GB")
    assert "21" in write(there, "en-GB")
    assert "20" in write(MOMENT, "en-GB")


@pytest.mark.parametrize(
    ("number", "tag", "written"),
    [
        (25, "en", "25"),
        (1234567, "en", "1,234,567"),
        (1234567, "de", "1.234.567"),
        (1234.5, "de", "1.234,5"),
        (1234.5, "ar", "1,234.5"),
        (-7, "de", "-7"),
        (0, "en", "0"),
        (10**24, "en", "1" + ",000" * 8),
        (10**40, "en", "1" + "0" * 40),
    ],
)
def test_a_number_is_written_with_the_readers_separators(number, tag, written):
    assert locales.format_number(number, tag) == written


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([10**40, 10**400, 1e300])


@given(
    tag=st.text(st.sampled_from("abcdeZXQ019-_"), max_size=14) | tags,
    number=numbers,
    moment=st.datetimes(timezones=st.just(INDIA)),
)
def test_dates_and_numbers_can_be_written_for_any_tag(tag, number, moment):
    assert locales.format_number(number, tag)
    assert locales.format_date(moment, tag)
    assert locales.format_datetime(moment, tag)
