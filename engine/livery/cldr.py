"""Dates, numbers, money and plurals in the reader's language, by the rules of CLDR.

`formats` takes what a language needs out of Babel, once, as plain data (JSON). The rest of the module writes with
that data alone: a process that is handed it never imports Babel. What is written equals what Babel writes, byte
for byte, but where Babel errs; each such place says so. In a numbering system other than the Latin one, digits and
signs are that system's: Babel writes Latin ones.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from livery import numerals
from livery.locales import lookups

if TYPE_CHECKING:
    from babel import Locale
    from babel.numbers import NumberPattern

Formats = Mapping[str, Any]
"""What `formats` gives: `locale`, `digits` (none if they are Latin), `date`, `number`, `percent`, `currency`, `plural`.

Whoever keeps it may leave out what is not used: dates and times need `date`, numbers `number`, per cent and money
their own part and `number`, plurals `plural` and `number`.
"""

CATEGORIES = ("zero", "one", "two", "few", "many", "other")
"""CLDR's plural categories, in its order."""

# As Babel computes, whatever the host has done to its own context.
_EXACT = Context(
    prec=28, rounding=ROUND_HALF_EVEN, Emin=-999999, Emax=999999, traps=[InvalidOperation, DivisionByZero, Overflow]
)
_QUANTA = [Decimal((0, (1,), -places)) for places in range(12)]
_TOO_LARGE = 10**25  # from here on a number and its three decimals have more digits than that context carries
_DECIMAL = re.compile(r"[+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?")
_CODE = re.compile(r"[A-Z]{3}")
_THOUSANDS = [3, 3]
_MANY_DIGITS = 40
_NBSP = "\u00a0"
_WHOLE = {"v": 0, "w": 0, "f": 0, "t": 0, "c": 0, "e": 0}  # plural operands of any integer


# --------------------------------------------------------------------------- dates


def date(day: dt.date, formats: Formats) -> str:
    """The day, in full: `20. November 2026`."""
    return _native(formats["date"]["months"][day.month - 1] % {"day": day.day, "year": day.year}, formats)


def time(moment: dt.datetime, formats: Formats) -> str:
    """The time of day and its zone: `23:30 UTC`. A moment without a zone is written without one."""
    return _native(f"{moment.time().isoformat('minutes')}{_zone(moment, formats)}", formats)


def date_time(moment: dt.datetime, formats: Formats) -> str:
    """Day and time in the zone the moment is given in, which is named: `20. November 2026, 23:30 UTC`."""
    joined = formats["date"]["joined"] % {"day": date(moment, formats), "time": moment.time().isoformat("minutes")}
    return _native(f"{joined}{_zone(moment, formats)}", formats)


def _zone(moment: dt.datetime, formats: Formats) -> str:
    offset = moment.utcoffset()
    if offset is None:
        return ""
    if not offset:
        return " UTC"
    # Babel is an hour off where a zone is behind UTC by less than full hours: -03:30 comes out as -04:30.
    hours, minutes = divmod(abs(offset) // dt.timedelta(minutes=1), 60)
    written = f"{'-' if offset.days < 0 else '+'}{hours:02d}:{minutes:02d}"
    return f" {formats['date']['zone'] % written}"


# --------------------------------------------------------------------------- numbers


def number(value: Any, formats: Formats) -> str:
    """A number with the reader's separators, to three decimals.

    What is no number comes back as text; so does a number of more than 25 digits, without separators.
    """
    if type(value) is int and -_TOO_LARGE < value < _TOO_LARGE:
        pattern = formats["number"]
        before, after = pattern["around"][value < 0]
        return f"{before}{_native(_grouped(str(abs(value)), pattern['sizes'], pattern['group']), formats)}{after}"
    return _written(value, "number", formats)


def percent(value: Any, formats: Formats) -> str:
    """A share of one in whole per cent: 0.25 is `25 %`. What is no number comes back as text."""
    return _written(value, "percent", formats)


def currency(amount: Any, code: str, formats: Formats) -> str:
    """An amount of money, with as many decimals as the currency has: `1.234,50 €`.

    Args:
        amount: a number, or a decimal in a string such as `"1234.50"`.
        code: ISO 4217, in any case. One that is not known stands where the symbol would; what cannot be a code
            is set behind the number.
        formats: the reader's.

    """
    known = str(code).strip().upper()
    if not _CODE.fullmatch(known) or decimal(amount) is None:
        return f"{number(amount, formats)}{_NBSP}{code}"
    money = formats["currency"]
    places = money["places"].get(known, 2)
    return _written(amount, "currency", formats, (places, places)).replace("¤", money["symbols"].get(known, known))


def decimal(value: Any) -> Decimal | None:
    """`value` as an exact number: of an int, a float, a Decimal or a plain decimal in a string; else None."""
    if isinstance(value, str):
        return Decimal(value) if _DECIMAL.fullmatch(value) else None
    if isinstance(value, float):
        return Decimal(repr(value))
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _written(value: Any, kind: str, formats: Formats, places: Sequence[int] = ()) -> str:
    exact = decimal(value)
    if exact is None:
        return str(value)
    if kind == "percent" and exact.is_finite():
        sign, cyphers, exponent = exact.as_tuple()
        value = exact = Decimal((sign, cyphers, int(exponent) + 2))
    pattern, symbols = formats[kind], formats["number"]
    least, most = places or pattern["places"]
    try:
        size = _EXACT.abs(exact)
        digits = symbols["infinity"] if size.is_infinite() else f"{size.quantize(_QUANTA[most], context=_EXACT):f}"
    except DecimalException:
        digits = _plain(value).lstrip("-")
    else:
        whole, _, part = digits.partition(".")
        part = part[:least] + part[least:].rstrip("0")
        digits = _grouped(whole, pattern["sizes"], symbols["group"]) + (symbols["decimal"] + part if part else "")
    before, after = pattern["around"][exact.is_signed()]
    return f"{before}{_native(digits, formats)}{after}"


def _native(text: str, formats: Formats) -> str:
    digits = formats.get("digits", "")
    return numerals.written(text, digits) if digits else text


def _grouped(digits: str, sizes: Sequence[int], symbol: str) -> str:
    last, other = sizes
    if len(digits) <= last or not digits.isdigit():
        return digits
    if sizes == _THOUSANDS:
        return f"{int(digits):,}".replace(",", symbol)
    rest = digits[:-last]
    first = len(rest) % other or other
    return symbol.join(
        [rest[:first], *(rest[at : at + other] for at in range(first, len(rest), other)), digits[-last:]]
    )


def _plain(value: Any) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes out no integer of more than 4300 digits
        return f"{Decimal(value):.6E}"


# --------------------------------------------------------------------------- choosing words


def plural(count: Any, cases: Mapping[str, str], formats: Formats) -> str:
    """The text for `count` among `cases` (category to text); each `#` in it becomes the number.

    The category is that of the number as it is shown: 1.0001 is shown as 1 and reads as one.

    Raises:
        ValueError: `other` is missing, a case has a name no language knows, or `count` is no number.

    """
    if unknown := [name for name in cases if name not in CATEGORIES]:
        raise ValueError(f"plural knows {', '.join(CATEGORIES)}; not {unknown[0]!r}")
    if "other" not in cases:
        raise ValueError("plural needs other=…, the text for every number the other cases leave over")
    shown = count if type(count) is int else _shown(count, formats)
    if shown is None:
        raise ValueError(f"plural needs a number to choose by, not {_plain(count)[:40]!r}")
    text = cases.get(category(shown, formats), cases["other"])
    return text.replace("#", number(count, formats)) if "#" in text else text


def select(value: Any, cases: Mapping[str, str]) -> str:
    """The text for `value` among `cases`; `other` where there is none, or no value. Booleans are `true` and `false`.

    Raises:
        ValueError: `other` is missing.

    """
    if "other" not in cases:
        raise ValueError("select needs other=…, the text for every value the other cases leave over")
    key = "other" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return cases.get(key, cases["other"])


def category(count: Any, formats: Formats) -> str:
    """The plural category of a number. Decimals count as they are written: `"1.0"` is not 1, the float 1.0 is.

    What is no number, or no finite one, is `other`.
    """
    if type(count) is int:
        operands = {**_WHOLE, "n": abs(count), "i": abs(count)}
    else:
        exact = decimal(count)
        if exact is None or not exact.is_finite():
            return "other"
        operands = _operands(exact, whole=isinstance(count, float) and count.is_integer())
    for name, alternatives in formats["plural"]:
        for together in alternatives:
            if all(_holds(relation, operands) for relation in together):
                return str(name)
    return "other"


def plural_categories(tag: str) -> tuple[str, ...]:
    """The plural categories a language has, in CLDR's order; `other` is always the last."""
    known = {name for name, _ in formats(tag)["plural"]}
    return tuple(name for name in CATEGORIES if name in known or name == "other")


def _shown(count: Any, formats: Formats) -> Decimal | None:
    """The number that `number` writes for `count`; None if that is none."""
    exact = decimal(count)
    if exact is None:
        return None
    try:
        return exact.quantize(_QUANTA[formats["number"]["places"][1]], context=_EXACT).normalize(_EXACT)
    except DecimalException:
        return exact


def _operands(exact: Decimal, *, whole: bool) -> dict[str, int]:
    """CLDR's operands of a number (UTS 35 part 3, "Operands"); `n` is -1 where it is no integer.

    Babel counts too few decimals below a tenth: 0.01 has two.
    """
    _, digits, exponent = exact.as_tuple()
    places = max(-int(exponent), 0)
    # A huge number only has to be huge and to end in the digits it ends in: rules ask for no more.
    text = "".join(map(str, digits)) + "0" * min(max(int(exponent), 0), _MANY_DIGITS)
    text = text.zfill(min(places, _MANY_DIGITS) + 1)
    before, visible = (text[:-places] or "0", text[-places:]) if places else (text, "")
    needed = visible.rstrip("0")
    integer = int(before[-_MANY_DIGITS:]) + (10**_MANY_DIGITS if len(before) > _MANY_DIGITS else 0)
    return {
        "n": -1 if needed else integer,
        "i": integer,
        "v": 0 if whole else len(visible),
        "w": len(needed),
        "f": int(visible[-_MANY_DIGITS:] or 0),
        "t": int(needed[-_MANY_DIGITS:] or 0),
        "c": 0,
        "e": 0,
    }


def _holds(relation: Sequence[Any], operands: Mapping[str, int]) -> bool:
    operand, modulus, negated, ranges = relation
    value = operands[operand]
    if modulus and value >= 0:
        value %= modulus
    return any(low <= value <= high for low, high in ranges) is not negated


# --------------------------------------------------------------------------- from Babel


@lru_cache(maxsize=128)
def formats(tag: str) -> Formats:
    """How `tag` writes dates, numbers, money and plurals; the nearest language CLDR knows, at last English.

    Plain data for JSON; kept and shared, so do not change it. Needs Babel, which nothing else here does.
    """
    locale = _known(tag)
    system, signs = _numbering(locale, numerals.asked(tag))
    return {
        "locale": str(locale),
        "digits": numerals.digits(system),
        "date": _dates(locale),
        "number": _numbers(locale, signs),
        "percent": _around(locale.percent_formats[None], signs),
        "currency": _money(locale, signs),
        "plural": [[name, _alternatives(rule)] for name, rule in locale.plural_form.abstract],
    }


def _known(tag: str) -> "Locale":
    from babel import Locale, UnknownLocaleError

    for part in lookups(tag):
        try:
            return Locale.parse(part, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def _dates(locale: "Locale") -> dict[str, Any]:
    """A `%` template of the long date for each month, of date and time together, and of the zone."""
    from babel.dates import DateTimeFormat, get_date_format, get_datetime_format, tokenize_pattern

    tokens = tokenize_pattern(get_date_format("long", locale=locale).pattern)

    def written(token: tuple[str, Any], month: DateTimeFormat) -> str:
        kind, what = token
        if kind == "chars":
            return str(what).replace("%", "%%")
        char, width = what
        if char in "yd":
            return f"%({'year' if char == 'y' else 'day'})0{width}d"
        return str(month[char * width]).replace("%", "%%")

    months = [DateTimeFormat(dt.date(2000, month, 1), locale) for month in range(1, 13)]
    joined = str(get_datetime_format("medium", locale=locale)).replace("'", "").replace("%", "%%")
    return {
        "months": ["".join(written(token, month) for token in tokens) for month in months],
        "joined": joined.replace("{1}", "%(day)s").replace("{0}", "%(time)s"),
        "zone": locale.zone_formats["gmt"],
    }


def _numbering(locale: "Locale", asked: str) -> tuple[str, Mapping[str, str]]:
    """The numbering system to write in, and its symbols; those CLDR has no own of are the language's Latin ones."""
    usual: str = locale.default_numbering_system
    system = (locale.other_numbering_systems.get("native", usual) if asked == numerals.NATIVE else asked) or usual
    symbols = dict(locale.number_symbols[numerals.LATIN])
    if not numerals.digits(system):
        # Of Latin digits the signs are as Babel has them: those of the patterns.
        return numerals.LATIN, symbols | {"minusSign": "-", "percentSign": "%"}
    return system, symbols | dict(locale.number_symbols.get(system, {}))


def _numbers(locale: "Locale", signs: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_around(locale.decimal_formats[None], signs),
        "decimal": signs.get("decimal", "."),
        "group": signs.get("group", ","),
        "infinity": signs.get("infinity", "∞"),
    }


def _money(locale: "Locale", signs: Mapping[str, str]) -> dict[str, Any]:
    from babel.core import get_global

    codes = get_global("all_currencies")
    symbols = {code: symbol for code, symbol in locale.currency_symbols.items() if code in codes and code != symbol}
    places = {code: places for code, (places, *_) in get_global("currency_fractions").items() if code in codes}
    return {
        **_around(locale.currency_formats["standard"], signs),
        "symbols": symbols,
        "places": {code: count for code, count in places.items() if count != 2},  # noqa: PLR2004 - the usual
    }


def _around(pattern: "NumberPattern", signs: Mapping[str, str]) -> dict[str, Any]:
    """What a pattern puts around positive and negative numbers, the sizes of groups, fewest and most decimals."""
    spoken = {"-": signs.get("minusSign", "-"), "%": signs.get("percentSign", "%")}

    def said(text: str) -> str:
        return re.sub(r"'([^']*)'|[-%]", lambda found: spoken.get(found[0]) or found[1] or "'", text)

    return {
        "around": [[said(before), said(after)] for before, after in zip(pattern.prefix, pattern.suffix, strict=True)],
        "sizes": list(pattern.grouping),
        "places": list(pattern.frac_prec),
    }


def _alternatives(rule: Any) -> list[list[Any]]:
    """A plural rule as alternatives of relations that hold together: [operand, modulus or 0, negated, ranges]."""
    kind, parts = rule
    match kind:
        case "or":
            return [one for part in parts for one in _alternatives(part)]
        case "and":
            left, right = (_alternatives(part) for part in parts)
            return [[*one, *other] for one in left for other in right]
        case "not":
            [[[operand, modulus, _, ranges]]] = _alternatives(parts[0])
            return [[[operand, modulus, True, ranges]]]
    _, (operand, of), (_, ranges) = parts
    modulus = 0
    if operand == "mod":
        (operand, _), (_, (modulus,)) = of
    return [[[operand, modulus, False, [[low, high] for (_, (low,)), (_, (high,)) in ranges]]]]
