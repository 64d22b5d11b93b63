"""Dates, numbers and money from plain data: what Babel writes, for every language it knows, without Babel."""

import json
import subprocess
import sys
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
from babel import Locale, dates, numbers
from hypothesis import assume, given
from hypothesis import strategies as st

from livery import cldr, numerals
from unit.polyglot import CLDR, MAIN

MOMENT = datetime(2026, 11, 20, 23, 30, 5, tzinfo=UTC)
INDIA = timezone(timedelta(hours=5, minutes=30))
NEWFOUNDLAND = timezone(-timedelta(hours=3, minutes=30))

tags = st.sampled_from(MAIN) | st.sampled_from(CLDR)
# Babel errs where a zone is behind UTC by less than full hours.
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))) | st.just(INDIA)
moments = st.datetimes(timezones=zones)
decimals = st.decimals(-(10**15), 10**15, places=4) | st.decimals(-1, 1, allow_nan=False)
amounts = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(-1e20, 1e20),
    st.sampled_from([float("inf"), float("-inf"), -0.0, 0.0005, 2.5, 1e-9]),
    decimals,
    decimals.map(lambda one: f"{one:f}").filter(lambda text: cldr.decimal(text) is not None),
)
codes = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF", "CHF", "INR", "SYP", "XXX", "XYZ"])


def babel(tag):
    return Locale.parse(cldr.formats(tag)["locale"])


def native(text, locale):
    """What Babel writes with the symbols of the language's own numbering system, with its digits and signs as well."""
    system = locale.default_numbering_system
    if system == "latn":
        return text
    signs = locale.number_symbols.get(system, {})
    given = {"-": signs.get("minusSign"), "%": signs.get("percentSign"), "∞": signs.get("infinity")}
    return in_digits("".join(given.get(char) or char for char in text), system)


def in_digits(text, system):
    zero = unicodedata.lookup(ZEROS[system])
    return "".join(chr(ord(zero) + int(char)) if char in "0123456789" else char for char in text)


ZEROS = {
    "adlm": "ADLAM DIGIT ZERO",
    "arab": "ARABIC-INDIC DIGIT ZERO",
    "arabext": "EXTENDED ARABIC-INDIC DIGIT ZERO",
    "beng": "BENGALI DIGIT ZERO",
    "cakm": "CHAKMA DIGIT ZERO",
    "deva": "DEVANAGARI DIGIT ZERO",
    "hmnp": "NYIAKENG PUACHUE HMONG DIGIT ZERO",
    "mtei": "MEETEI MAYEK DIGIT ZERO",
    "mymr": "MYANMAR DIGIT ZERO",
    "nkoo": "NKO DIGIT ZERO",
    "olck": "OL CHIKI DIGIT ZERO",
    "tibt": "TIBETAN DIGIT ZERO",
}


def dated(text, locale):
    system = locale.default_numbering_system
    return text if system == "latn" else in_digits(text, system)


def own(locale):
    """For Babel: the language's own numbering system if CLDR has separators of it; else those of the Latin one hold."""
    system = locale.default_numbering_system
    return {"numbering_system": system if "group" in locale.number_symbols.get(system, {}) else "latn"}


# --------------------------------------------------------------------------- as Babel writes it


@given(tag=tags, moment=moments)
def test_a_day_is_written_as_babel_writes_it(tag, moment):
    assert cldr.date(moment, cldr.formats(tag)) == dated(
        dates.format_date(moment, "long", locale=babel(tag)), babel(tag)
    )
    assert cldr.date(moment.date(), cldr.formats(tag)) == cldr.date(moment, cldr.formats(tag))


@given(tag=tags, moment=moments)
def test_day_and_time_are_written_as_babel_writes_them(tag, moment):
    locale = babel(tag)
    day, hour = dates.format_date(moment, "long", locale=locale), dates.format_time(moment, "HH:mm", locale=locale)
    zone = dates.get_timezone_gmt(moment, locale=locale) if moment.utcoffset() else "UTC"
    pattern = str(dates.get_datetime_format("medium", locale=locale)).replace("'", "")
    assert cldr.time(moment, cldr.formats(tag)) == dated(f"{hour} {zone}", locale)
    assert cldr.date_time(moment, cldr.formats(tag)) == dated(f"{pattern.format(hour, day)} {zone}", locale)


@given(tag=tags, value=amounts)
def test_a_number_is_written_as_babel_writes_it(tag, value):
    wanted = native(numbers.format_decimal(value, locale=babel(tag), **own(babel(tag))), babel(tag))
    assert cldr.number(value, cldr.formats(tag)) == wanted


@given(tag=tags, value=amounts)
def test_per_cent_is_written_as_babel_writes_it(tag, value):
    wanted = native(numbers.format_percent(value, locale=babel(tag), **own(babel(tag))), babel(tag))
    assert cldr.percent(value, cldr.formats(tag)) == wanted


@given(tag=tags, value=amounts, code=codes)
def test_money_is_written_as_babel_writes_it(tag, value, code):
    wanted = native(numbers.format_currency(value, code, locale=babel(tag), **own(babel(tag))), babel(tag))
    assert cldr.currency(value, code, cldr.formats(tag)) == wanted


def test_every_language_of_cldr_is_written_as_babel_writes_it():
    wrong = []
    for tag in CLDR:
        formats, locale = cldr.formats(tag), Locale.parse(tag, sep="-")
        wrong += [] if formats["locale"] == str(locale) else [(tag, formats["locale"])]
        for month in range(1, 13):
            day = date(2026, month, 7)
            wanted = dated(dates.format_date(day, "long", locale=locale), locale)
            wrong += [] if cldr.date(day, formats) == wanted else [(tag, day)]
        for value in (0, 7, -1234567, 1234567.875, -0.5):
            pairs = [
                (cldr.number(value, formats), numbers.format_decimal(value, locale=locale, **own(locale))),
                (cldr.percent(value, formats), numbers.format_percent(value, locale=locale, **own(locale))),
                (
                    cldr.currency(value, "EUR", formats),
                    numbers.format_currency(value, "EUR", locale=locale, **own(locale)),
                ),
            ]
            wrong += [(tag, ours, theirs) for ours, theirs in pairs if ours != native(theirs, locale)]
    assert wrong == []


@given(value=st.decimals(0, 10**6, places=5))
def test_the_hosts_own_decimal_context_changes_nothing(value):
    formats = cldr.formats("de")
    written = [cldr.number(value, formats), cldr.currency(value, "EUR", formats), cldr.percent(value, formats)]
    with localcontext() as context:
        context.prec, context.rounding = 3, "ROUND_UP"
        again = [cldr.number(value, formats), cldr.currency(value, "EUR", formats), cldr.percent(value, formats)]
    assert again == written


# --------------------------------------------------------------------------- by example


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("fa", ["\u200e−۱٬۲۳۴٫۵", "۲۵٪", "\u200e$\u00a0۱٬۲۳۴٫۵۰", "۲۳:۳۰ UTC"]),
        ("fa-IR-u-nu-latn", ["-1,234.5", "25%", "\u200e$\u00a01,234.50", "23:30 UTC"]),
        ("ar-EG", ["\u061c-١٬٢٣٤٫٥", "٢٥٪\u061c", "\u200f١٬٢٣٤٫٥٠\u00a0US$", "٢٣:٣٠ UTC"]),
        ("ar-SA", ["\u061c-١٬٢٣٤٫٥", "٢٥٪\u061c", "\u200f١٬٢٣٤٫٥٠\u00a0US$", "٢٣:٣٠ UTC"]),
        ("ar-AE", ["-1,234.5", "25%", "\u200f1,234.50\u00a0US$", "23:30 UTC"]),
        ("ar-AE-u-nu-native", ["\u061c-١٬٢٣٤٫٥", "٢٥٪\u061c", "\u200f١٬٢٣٤٫٥٠\u00a0US$", "٢٣:٣٠ UTC"]),
        ("bn", ["-১,২৩৪.৫", "২৫%", "১,২৩৪.৫০US$", "২৩:৩০ UTC"]),
        ("mr", ["-१,२३४.५", "२५%", "$१,२३४.५०", "२३:३० UTC"]),
        ("ne", ["-१,२३४.५", "२५%", "US$\u00a0१,२३४.५०", "२३:३० UTC"]),
        ("my", ["-၁,၂၃၄.၅", "၂၅%", "၁,၂၃၄.၅၀\u00a0US$", "၂၃:၃၀ UTC"]),
        ("hi", ["-1,234.5", "25%", "$1,234.50", "23:30 UTC"]),
        ("hi-u-nu-deva", ["-१,२३४.५", "२५%", "$१,२३४.५०", "२३:३० UTC"]),
        ("de-u-ca-buddhist-nu-thai", ["-๑.๒๓๔,๕", "๒๕\u00a0%", "๑.๒๓๔,๕๐\u00a0$", "๒๓:๓๐ UTC"]),
        ("de-u-nu-roman", ["-1.234,5", "25\u00a0%", "1.234,50\u00a0$", "23:30 UTC"]),
        ("de-x-u-nu-thai", ["-1.234,5", "25\u00a0%", "1.234,50\u00a0$", "23:30 UTC"]),
    ],
)
def test_numbers_are_written_in_the_numerals_of_the_language_or_those_asked_for(tag, written):
    formats = cldr.formats(tag)
    made = [cldr.number(-1234.5, formats), cldr.percent(0.25, formats), cldr.currency(1234.5, "USD", formats)]
    assert [*made, cldr.time(MOMENT, formats)] == written
    assert cldr.plural(3, {"other": "#"}, formats) == cldr.number(3, formats)
    assert cldr.category(3, formats) == cldr.category(3, cldr.formats(f"{formats['locale']}-u-nu-latn"))


def test_the_digits_of_every_numbering_system_are_what_unicode_says():
    systems = {system for tag in CLDR for system in Locale.parse(tag, sep="-").number_symbols}
    known = {system: digits for system in systems if (digits := numerals.digits(system))}
    assert len(known) > 50
    for system, digits in known.items():
        assert [int(unicodedata.numeric(digit)) for digit in digits] == [*range(10)], system
    for tag in CLDR:
        locale = Locale.parse(tag, sep="-")
        for system in {locale.default_numbering_system, locale.other_numbering_systems.get("native", "latn")}:
            assert system == "latn" or numerals.digits(system), (tag, system)


@pytest.mark.parametrize(
    ("tag", "moment", "written"),
    [
        ("en", MOMENT, "November 20, 2026, 23:30 UTC"),
        ("en-GB", MOMENT, "20 November 2026, 23:30 UTC"),
        ("de", MOMENT, "20. November 2026, 23:30 UTC"),
        ("de-AT", MOMENT, "20. November 2026, 23:30 UTC"),
        ("ar", MOMENT, "20 نوفمبر 2026، 23:30 UTC"),
        ("en", MOMENT.astimezone(INDIA), "November 21, 2026, 05:00 GMT+05:30"),
        ("fr", MOMENT.astimezone(INDIA), "21 novembre 2026, 05:00 UTC+05:30"),
        ("en", MOMENT.astimezone(NEWFOUNDLAND), "November 20, 2026, 20:00 GMT-03:30"),
        ("en", MOMENT.astimezone(timezone(-timedelta(minutes=30))), "November 20, 2026, 23:00 GMT-00:30"),
        ("en", MOMENT.replace(tzinfo=None), "November 20, 2026, 23:30"),
        ("iw", MOMENT, "20 בנובמבר 2026, 23:30 UTC"),
        ("de-AT-u-co-phonebk", MOMENT, "20. November 2026, 23:30 UTC"),
        ("xx", MOMENT, "November 20, 2026, 23:30 UTC"),
        ("nonsense!", MOMENT, "November 20, 2026, 23:30 UTC"),
    ],
)
def test_a_time_is_written_in_the_readers_language_with_its_zone_if_it_has_one(tag, moment, written):
    assert cldr.date_time(moment, cldr.formats(tag)) == written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (MOMENT, "23:30 UTC"),
        (MOMENT.astimezone(INDIA), "05:00 GMT+05:30"),
        (MOMENT.replace(tzinfo=None), "23:30"),
        (MOMENT.replace(hour=0, minute=5), "00:05 UTC"),
    ],
)
def test_the_time_alone_has_its_zone_too(moment, written):
    assert cldr.time(moment, cldr.formats("de")) == written


@pytest.mark.parametrize("write", [cldr.date_time, cldr.date])
def test_one_moment_in_two_zones_is_written_in_each_whatever_was_written_before(write):
    there, formats = MOMENT.astimezone(INDIA), cldr.formats("en-GB")
    assert there == MOMENT
    assert "20" in write(MOMENT, formats)
    assert "21" in write(there, formats)
    assert "20" in write(MOMENT, formats)


@pytest.mark.parametrize(
    ("value", "tag", "written"),
    [
        (25, "en", "25"),
        (1234567, "en", "1,234,567"),
        (1234567, "de", "1.234.567"),
        (1234567, "hi", "12,34,567"),
        (123456789012, "hi", "1,23,45,67,89,012"),
        (1234567, "de-AT", "1.234.567"),
        (1234567, "de-CH", "1’234’567"),
        (1234.5, "de", "1.234,5"),
        (1234.5, "ar", "1,234.5"),
        (-7, "de", "-7"),
        (0, "en", "0"),
        (0.1 + 0.2, "en", "0.3"),
        ("1234.50", "de", "1.234,5"),
        (Decimal("1234.50"), "de", "1.234,5"),
        (10**24, "en", "1" + ",000" * 8),
        (10**25, "en", "1" + "0" * 25),
        (-(10**40), "en", "-1" + "0" * 40),
        pytest.param(10**5000, "en", "1.000000E+5000", id="huge"),
        (float("inf"), "de", "∞"),
        (float("-inf"), "de", "-∞"),
        (float("nan"), "de", "NaN"),
        (1e300, "en", "1e+300"),
        (Decimal("1e999999"), "en", "1E+999999"),
        (Decimal("sNaN"), "en", "sNaN"),
        (True, "en", "True"),
        (None, "en", "None"),
        ("25 pieces", "en", "25 pieces"),
        ("1_000", "en", "1_000"),
        ("٣", "en", "٣"),
        ("1e5", "en", "1e5"),
        ([1], "en", "[1]"),
    ],
)
def test_a_number_is_written_with_the_readers_separators_and_what_is_none_is_left(value, tag, written):
    assert cldr.number(value, cldr.formats(tag)) == written


@pytest.mark.parametrize(
    ("amount", "code", "tag", "written"),
    [
        (1234.5, "EUR", "de", "1.234,50\u00a0€"),
        ("1234.50", "EUR", "en", "€1,234.50"),
        (-3, "USD", "en", "-$3.00"),
        (1234.5, "usd", "en", "$1,234.50"),
        (1234.5, " JPY ", "en", "¥1,234"),
        (1.2345, "KWD", "en", "KWD1.234"),
        (5, "EUR", "de-CH", "EUR\u00a05.00"),
        (5, "XYZ", "de", "5,00\u00a0XYZ"),
        (5, "credits", "de", "5\u00a0credits"),
        (5, "", "de", "5\u00a0"),
        (5, "€", "de", "5\u00a0€"),
        ("a lot", "EUR", "de", "a lot\u00a0EUR"),
        (-(10**30), "EUR", "de", "-1" + "0" * 30 + "\u00a0€"),
        (float("nan"), "EUR", "de", "NaN\u00a0€"),
        (float("inf"), "EUR", "de", "∞\u00a0€"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount, code, tag, written):
    assert cldr.currency(amount, code, cldr.formats(tag)) == written


@pytest.mark.parametrize(
    ("value", "tag", "written"),
    [
        (0.25, "en", "25%"),
        (0.25, "de", "25\u00a0%"),
        (0.255, "en", "26%"),
        ("0.5", "tr", "%50"),
        (12, "en", "1,200%"),
        (1e300, "en", "1E+302%"),
    ],
)
def test_a_share_of_one_is_written_as_per_cent(value, tag, written):
    assert cldr.percent(value, cldr.formats(tag)) == written


# --------------------------------------------------------------------------- for anything


odd = st.one_of(
    amounts,
    st.floats(),
    st.decimals(allow_nan=True),
    st.integers(),
    st.sampled_from([10**400, 10**6000, Decimal("1e1000000"), Decimal("-1e-1000000"), None, True, "", "x", {}, []]),
    st.text(max_size=5),
)


@given(tag=st.text(st.sampled_from("abcdeZXQ019-_"), max_size=14) | tags, value=odd, code=st.text(max_size=4) | codes)
def test_nothing_is_too_odd_to_be_written(tag, value, code):
    formats = cldr.formats(tag)
    assert isinstance(cldr.number(value, formats), str)
    assert isinstance(cldr.percent(value, formats), str)
    assert isinstance(cldr.currency(value, code, formats), str)


@given(tag=tags)
def test_formats_are_plain_json(tag):
    formats = cldr.formats(tag)
    assert json.loads(json.dumps(formats)) == formats


@given(tag=tags, value=amounts, moment=moments)
def test_formats_that_went_through_json_write_the_same(tag, value, moment):
    formats = cldr.formats(tag)
    kept = json.loads(json.dumps(formats))
    assert cldr.number(value, kept) == cldr.number(value, formats)
    assert cldr.currency(value, "EUR", kept) == cldr.currency(value, "EUR", formats)
    assert cldr.date_time(moment, kept) == cldr.date_time(moment, formats)


@given(tag=tags, value=st.integers(0, 999), code=codes)
def test_parts_that_are_not_used_may_be_left_out(tag, value, code):
    formats = cldr.formats(tag)
    money = {part: formats[part] for part in ("digits", "number", "currency")}
    assume(not cldr.currency(value, code, formats).isdigit())
    assert cldr.currency(value, code, money) == cldr.currency(value, code, formats)
    digits = formats["digits"]
    assert cldr.date(MOMENT, {"digits": digits, "date": formats["date"]}) == cldr.date(MOMENT, formats)
    assert cldr.number(value, {"digits": digits, "number": formats["number"]}) == cldr.number(value, formats)


def test_writing_with_formats_at_hand_loads_no_babel():
    program = """
import json, sys
from datetime import datetime
from livery import cldr, locales
formats = json.load(sys.stdin)
print(cldr.date_time(datetime(2026, 11, 20, 23, 30), formats), cldr.currency("1234.5", "EUR", formats))
print(cldr.plural(3, {"one": "# Lizenz", "other": "# Lizenzen"}, formats), cldr.number(1234.5, formats))
print(locales.negotiate([("reader", "de-AT")], ["en", "de"]).tag, locales.direction("ar"))
print([name for name in sys.modules if name.partition(".")[0] in ("babel", "jinja2", "pydantic")])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(cldr.formats("de")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "20. November 2026, 23:30 1.234,50\u00a0€",
        "3 Lizenzen 1.234,5",
        "de rtl",
        "[]",
    ]
