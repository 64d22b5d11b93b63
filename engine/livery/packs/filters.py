"""The filters and tests of packs: one list for everybody, as `livery.packs.operations`; every result has a bound."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from livery import cldr, locales
from livery.packs.operations import (
    MAX_DIGITS,
    MAX_TEXT,
    Missing,
    OperationError,
    Tongue,
    allow_missing,
    bounded,
    bounded_number,
    compared,
    escaped,
    items,
    kind_of,
    look_up,
    loose,
    text_of,
)

_DAY = len("2026-11-20")


def filtered(tongue: Tongue, name: str, value: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """`value | name(args)`.

    Raises:
        OperationError: the filter cannot take this value or these arguments.

    """
    if type(value) is Missing and name not in ("default", "d"):
        allow_missing(tongue, value)
        value = ""
    for one in (*args, *kwargs.values()) if args or kwargs else ():
        if type(one) is Missing:
            raise OperationError(f"{one.name!r} is missing")
    try:
        made = FILTERS[name](tongue, value, *args, **kwargs)
        if isinstance(made, str) and len(made) > MAX_TEXT and not (isinstance(value, str) and len(made) <= len(value)):
            bounded(len(made))
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise OperationError(f"|{name}: {error}") from error
    return made


def tested(tongue: Tongue, name: str, value: Any, args: Sequence[Any]) -> bool:
    """`value is name(args)`."""
    try:
        return bool(TESTS[name](tongue, value, *args))
    except (TypeError, ValueError, ArithmeticError) as error:
        raise OperationError(f"is {name}: {error}") from error


# --------------------------------------------------------------------------- filters


def _default(_: Tongue, value: Any, default_value: Any = "", boolean: Any = False) -> Any:
    return default_value if type(value) is Missing or (boolean and not value) else value


def _escape(_: Tongue, value: Any) -> Markup:
    return escape(text_of(value))


def _lines(_: Tongue, value: Any) -> Markup:
    """Escaped text with its line breaks kept."""
    if isinstance(value, Markup):
        return Markup("<br />").join(value.splitlines() or [""])
    if type(value) is str and value.isprintable():
        return Markup(escaped(value))  # noqa: S704 - escaped just now
    lines = text_of(value).splitlines() or [""]
    return Markup("<br />".join(map(escaped, lines)))  # noqa: S704 - every line is escaped


def _on_text(method: Callable[[str], str]) -> Callable[..., Any]:
    return lambda _, value: method(text_of(value))


def _capitalized(text: str) -> str:
    return text.capitalize()


def _length(_: Tongue, value: Any) -> int:
    return len(value)


def _edge(index: int) -> Callable[..., Any]:
    def edge(tongue: Tongue, value: Any) -> Any:
        found = items(tongue, value)
        return found[index] if found else Missing("an item of an empty list")

    return edge


def _join(tongue: Tongue, value: Any, d: Any = "", attribute: Any = None) -> str:
    found = items(tongue, value)
    if attribute is not None:
        found = [look_up(one, attribute) for one in found]
    texts = [loose(tongue, one) if not isinstance(one, str) else one for one in found]
    between = text_of(d)
    bounded(sum(map(len, texts)) + len(between) * len(texts))
    if any(isinstance(one, Markup) for one in (*texts, between)):
        return escape(between).join(texts)
    return between.join(texts)


def _replace(_: Tongue, value: Any, old: Any, new: Any, count: Any = -1) -> str:
    if type(value) is str and type(old) is str and type(new) is str and old not in value:
        return value
    text, old, new = text_of(value), text_of(old), text_of(new)
    if any(isinstance(one, Markup) for one in (text, old, new)):
        text, old, new = escape(text), escape(old), escape(new)
    bounded(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new, -1 if count is None else int(count))


def _int(_: Tongue, value: Any, default: Any = 0) -> Any:
    try:
        return bounded_number(int(value if not isinstance(value, str) else value[:MAX_DIGITS]))
    except (TypeError, ValueError, OverflowError):
        try:
            return bounded_number(int(float(value)))
        except (TypeError, ValueError, OverflowError):
            return default


def _float(_: Tongue, value: Any, default: Any = 0.0) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _round(_: Tongue, value: Any, precision: Any = 0) -> Any:
    return round(float(value), min(max(int(precision), 0), 10))


def _sort(tongue: Tongue, value: Any, reverse: Any = False, attribute: Any = None) -> list[Any]:
    def key(one: Any) -> Any:
        part = one if attribute is None else look_up(one, attribute)
        return part.casefold() if isinstance(part, str) else part

    return sorted(items(tongue, value), key=key, reverse=bool(reverse))


def _urlencode(_: Tongue, value: Any) -> str:
    return quote(text_of(value), safe="/")


def _short(_: Tongue, value: Any, limit: Any = 200) -> str:
    return locales.one_line(text_of(value), int(limit))


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _dated(write: Callable[[datetime, Mapping[str, Any]], str]) -> Callable[..., Any]:
    def written(tongue: Tongue, value: Any) -> str:
        moment = _moment(value)
        if moment is None:
            return text_of(value)
        is_day = len(value) == _DAY  # a day alone has no time to tell
        return (cldr.date if is_day else write)(moment, tongue.formats)

    return written


def _localised(write: Callable[[Any, Mapping[str, Any]], str]) -> Callable[..., Any]:
    def written(tongue: Tongue, value: Any) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return write(value, tongue.formats) if is_number else text_of(value)

    return written


def _currency(tongue: Tongue, value: Any, code: Any) -> str:
    return cldr.currency(_number_or_text(value), text_of(code), tongue.formats)


def _number_or_text(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text_of(value)


def _plural(tongue: Tongue, value: Any, **cases: Any) -> str:
    return cldr.plural(_number_or_text(value), _texts(cases), tongue.formats)


def _select(_: Tongue, value: Any, **cases: Any) -> str:
    return cldr.select(value, _texts(cases))


def _texts(cases: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(text_of(text)) for name, text in cases.items()}


FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": _on_text(_capitalized),
    "count": _length,
    "d": _default,
    "currency": _currency,
    "date": _dated(cldr.date),
    "datetime": _dated(cldr.date_time),
    "default": _default,
    "e": _escape,
    "escape": _escape,
    "first": _edge(0),
    "float": _float,
    "int": _int,
    "join": _join,
    "last": _edge(-1),
    "length": _length,
    "lines": _lines,
    "list": lambda tongue, value: list(items(tongue, value)),
    "lower": _on_text(lambda text: text.lower()),
    "number": _localised(cldr.number),
    "percent": _localised(cldr.percent),
    "plural": _plural,
    "replace": _replace,
    "round": _round,
    "select": _select,
    "short": _short,
    "sort": _sort,
    "time": _dated(cldr.time),
    "string": _on_text(lambda text: text),
    "title": _on_text(lambda text: text.title()),
    "trim": _on_text(lambda text: text.strip()),
    "upper": _on_text(lambda text: text.upper()),
    "urlencode": _urlencode,
}


# --------------------------------------------------------------------------- tests


def _is(*kinds: type) -> Callable[..., bool]:
    return lambda _, value: isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)


def _like(name: str) -> Callable[..., bool]:
    return lambda tongue, value, other: compared(tongue, name, value, other)


def _remainder(value: Any, by: Any) -> Any:
    if not all(isinstance(one, int | float) for one in (value, by)):  # `%` of a text would format it, to any length
        raise OperationError(f"{kind_of(value)} cannot be divided by {kind_of(by)}")
    return value % by


def _rest(wanted: int) -> Callable[..., bool]:
    return lambda _, value: _remainder(value, 2) == wanted


TESTS: Mapping[str, Callable[..., Any]] = {
    "boolean": _is(bool),
    "defined": lambda _, value: type(value) is not Missing,
    "divisibleby": lambda _, value, by: _remainder(value, by) == 0,
    "eq": _like("eq"),
    "equalto": _like("eq"),
    "even": _rest(0),
    "false": lambda _, value: value is False,
    "ge": _like("gteq"),
    "gt": _like("gt"),
    "in": _like("in"),
    "integer": _is(int),
    "le": _like("lteq"),
    "lower": lambda _, value: text_of(value).islower(),
    "lt": _like("lt"),
    "mapping": _is(dict),
    "ne": _like("ne"),
    "none": lambda _, value: value is None,
    "number": _is(int, float),
    "odd": _rest(1),
    "sequence": _is(list, tuple, str, dict),
    "string": _is(str),
    "true": lambda _, value: value is True,
    "undefined": lambda _, value: type(value) is Missing,
    "upper": lambda _, value: text_of(value).isupper(),
}
