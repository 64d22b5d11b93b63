"""Languages: choosing one (BCP 47, RFC 4647), its direction, foreign text inside it, dates and numbers."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import InvalidOperation
from functools import lru_cache
from typing import Literal, NamedTuple
from unicodedata import bidirectional

Direction = Literal["ltr", "rtl"]

_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_RTL_LANGUAGES = frozenset(["ar", "arc", "ckb", "dv", "fa", "he", "khw", "ks", "ps", "sd", "ug", "ur", "yi"])
_RTL_SCRIPTS = frozenset(["adlm", "arab", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa"])
_SCRIPT_LENGTH, _REGION_LENGTH = 4, 2

# Marks that turn the reading direction, and those that hide in a name; vendor text may hold neither.
_HIDDEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u061c]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_FSI, _PDI = "\u2068", "\u2069"


class Choice(NamedTuple):
    """A language chosen: the tag, where each string is looked for in turn, and how it was come by."""

    tag: str
    fallbacks: tuple[str, ...]
    why: str
    regional: str
    """The reader's own variety of it, such as `de-AT`: how dates and numbers are written."""


def normal(tag: str) -> str:
    """`tag` in the casing of RFC 5646 §2.1.1: `de_at` becomes `de-AT`. Empty if it is no tag."""
    if not _TAG.fullmatch(tag):
        return ""
    language, *rest = tag.replace("_", "-").split("-")
    cased = [
        part.title()
        if len(part) == _SCRIPT_LENGTH and part.isalpha()
        else part.upper()
        if len(part) == _REGION_LENGTH
        else part.lower()
        for part in rest
    ]
    return "-".join([language.lower(), *cased])


def prefixes(tag: str) -> list[str]:
    """`tag` and what is left of it, the last subtag dropped each time (RFC 4647 §3.4 lookup)."""
    parts = normal(tag).split("-") if normal(tag) else []
    found = ["-".join(parts[:end]) for end in range(len(parts), 0, -1)]
    return [one for one in found if len(one.rsplit("-", 1)[-1]) > 1]


def negotiate(wanted: Iterable[tuple[str, str | None]], available: Sequence[str]) -> Choice:
    """The first wanted language that is available; `available[0]` if none is.

    Args:
        wanted: pairs of (who wants it, tag), most important first; unknown tags and None are passed over.
        available: tags there are texts for; the first is the last resort.

    """
    wishes = [(who, tag) for who, tag in wanted if tag]
    order = list(dict.fromkeys(part for _, tag in wishes for part in prefixes(tag)))
    fallbacks = tuple(tag for tag in dict.fromkeys([*order, available[0]]) if tag in available)
    for who, tag in wishes:
        for part in prefixes(tag):
            if part in available:
                exact = normal(tag)
                why = who if part == exact else f"{who} ({exact} has no texts of its own)"
                return Choice(part, fallbacks, why, exact)
    return Choice(available[0], fallbacks, "nobody's language is available", available[0])


def direction(tag: str) -> Direction:
    """Which way `tag` is written; its script subtag decides, else its language."""
    language, *rest = tag.lower().replace("_", "-").split("-")
    scripts = [part for part in rest if len(part) == _SCRIPT_LENGTH and part.isalpha()]
    if scripts:
        return "rtl" if scripts[0] in _RTL_SCRIPTS else "ltr"
    return "rtl" if language in _RTL_LANGUAGES else "ltr"


def clean(text: str) -> str:
    """`text` without control characters and marks that turn or hide text (threat: look-alike names)."""
    return _HIDDEN.sub("", _CONTROLS.sub(" ", text))


def one_line(text: str, limit: int = 0) -> str:
    """`text` cleaned, on one line; shortened to `limit` characters if given."""
    line = " ".join(clean(text).split())
    return shorten(line, limit) if limit else line


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut between words where one is near, with an ellipsis.

    An isolation that the cut leaves open is closed.
    """
    if len(text) <= limit or limit < 1:
        return text[: max(limit, 0)]
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    if space > limit * 2 // 3:
        cut = cut[:space]
    if cut.count(_FSI) > cut.count(_PDI):
        cut = cut[: limit - 2].rstrip()
        cut += _PDI if cut.count(_FSI) > cut.count(_PDI) else ""
    return f"{cut.rstrip()}…"


def isolate(text: str, around: Direction) -> str:
    """`text` kept from mixing with the direction `around` it (Unicode FSI…PDI; what `<bdi>` does).

    Text that reads the same way as its surroundings comes back as it is.
    """
    strong = {"ltr" if kind == "L" else "rtl" for kind in map(bidirectional, text) if kind in ("L", "R", "AL")}
    # Digits alone follow the direction around them, and come out turned where that is right to left.
    needs = "rtl" in strong if around == "ltr" else bool(text) and strong != {"rtl"}
    return f"{_FSI}{text}{_PDI}" if needs else text


def _babel(tag: str) -> str:
    return tag.replace("-", "_")


@lru_cache(maxsize=512)
def _known(tag: str) -> str:
    """The nearest locale CLDR has for `tag`."""
    from babel import Locale, UnknownLocaleError

    for part in [*prefixes(tag), "en"]:
        try:
            Locale.parse(_babel(part))
        except (UnknownLocaleError, ValueError):
            continue
        return _babel(part)
    return "en"


def format_datetime(moment: datetime, tag: str) -> str:
    """Date and time for a reader of `tag`, in the zone the event gave it, with the offset named."""
    from babel.dates import format_date, format_time, get_datetime_format, get_timezone_gmt

    locale = _known(tag)
    zone = "UTC" if not moment.utcoffset() else get_timezone_gmt(moment, width="long", locale=locale)
    day, hour = format_date(moment, "long", locale=locale), format_time(moment, "HH:mm", locale=locale)
    joined = str(get_datetime_format("medium", locale=locale)).replace("'", "")
    return f"{joined.replace('{1}', day).replace('{0}', hour)} {zone}"


def format_date(moment: datetime, tag: str) -> str:
    """The day for a reader of `tag`."""
    from babel.dates import format_date as babel_date

    return babel_date(moment, "long", locale=_known(tag))


def format_number(number: float, tag: str) -> str:
    """A number with the separators of `tag`."""
    from babel.numbers import format_decimal

    try:
        return format_decimal(number, locale=_known(tag))
    except InvalidOperation:  # more digits than a decimal carries
        return str(number)
