"""What pack templates can do with values: print, look into, compare, calculate. Pure functions over plain JSON data.

One list for everybody: the stager evaluates with them what is known when a pack is compiled, a stencil what an
event brings, and the Jinja environment that renders directly is given the same functions. So a name means one
thing, and every result has a bound: no operation can make more than `MAX_TEXT` characters or a number of more
than `MAX_DIGITS` digits. Filters and tests: `livery.packs.filters`.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from markupsafe import Markup

from livery import cldr, locales
from livery.locales import Direction

MAX_TEXT = 64 * 1024
MAX_CHARACTERS = 10_000
MAX_DIGITS = 40
_MAX_INT = 10**MAX_DIGITS
_HELD = (dict, list, tuple)


class OperationError(Exception):
    """A template asked for what cannot be done with this value; the text says what, for the pack's author."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Stands for a value that is not there."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Tongue:
    """How a piece of a pack is evaluated.

    Attributes:
        tag: the language dates and numbers are written for.
        direction: which way the text around values runs.
        markup: whether what is printed is escaped (MJML, HTML) or cleaned and isolated (plain text).
        lenient: whether a missing value is empty (conditions) or an error (everything else).
        card: in pieces of a notification that was composed before: values are printed as they are (`plain`), or
            so that nothing in them is a mention or a link in Slack (`slack`).

    """

    tag: str = "en"
    direction: Direction = "ltr"
    markup: bool = False
    lenient: bool = False
    card: Literal["", "plain", "slack"] = ""
    given: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def formats(self) -> Mapping[str, Any]:
        """How dates and numbers are written."""
        return self.given if self.given is not None else cldr.formats(self.tag)


def look_up(value: Any, key: Any) -> Any:
    """A key of a mapping or an index of a list; nothing else has parts."""
    if type(value) is list and type(key) is int and 0 <= key < len(value):
        return value[key]
    if type(value) in _HELD:
        try:
            return value[key]
        except (LookupError, TypeError):
            pass
    return Missing(str(key))


def sliced(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """`value[start:stop:step]` of a list or a text."""
    if not isinstance(value, str | list):
        raise OperationError(f"{kind_of(value)} has no slices")
    try:
        return value[start:stop:step]
    except (TypeError, ValueError) as error:
        raise OperationError(f"a slice: {error}") from error


def unpacked(tongue: Tongue, value: Any, count: int) -> Sequence[Any]:
    """What several names at once stand for: as many parts as there are names."""
    parts = items(tongue, value)
    if len(parts) != count:
        raise OperationError(f"{kind_of(value)} of {len(parts)} cannot be given {count} names")
    return parts


def truth(tongue: Tongue, value: Any) -> bool:
    """Whether a condition holds; a missing value is false, or an error where that is strict."""
    if type(value) is Missing:
        allow_missing(tongue, value)
        return False
    return bool(value)


def items(tongue: Tongue, value: Any) -> Sequence[Any]:
    """What a `for` goes through."""
    if type(value) is Missing:
        allow_missing(tongue, value)
        return ()
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        raise OperationError(f"a text of more than {MAX_CHARACTERS:,} characters cannot be gone through")
    if isinstance(value, dict | str):
        return list(value)
    raise OperationError(f"{kind_of(value)} cannot be gone through; a list can")


def escaped(text: str) -> str:
    """As markupsafe has it, three times as quick on short texts that need none of it."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&#34;")
    return text.replace("'", "&#39;") if "'" in text else text


def printed(tongue: Tongue, value: Any) -> str:
    """A value as `{{ }}` prints it: escaped in markup; cleaned, and isolated if it runs the other way, in text."""
    if tongue.card and type(value) is not Missing:
        text = text_of(value)
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if tongue.card == "slack" else text
    if isinstance(value, str):
        if tongue.markup:
            return value if isinstance(value, Markup) else escaped(value)
        return locales.isolate(locales.clean(value), tongue.direction)
    if type(value) is Missing:
        raise OperationError(f"{value.name!r} is missing; guard it with an {{% if %}} or |default")
    text = text_of(value)
    return escaped(text) if tongue.markup else locales.isolate(text, tongue.direction)


def joined(tongue: Tongue, parts: Sequence[Any]) -> str:
    """`~`: parts as one text; one that is markup makes the whole markup."""
    texts = [part if isinstance(part, str) else loose(tongue, part) for part in parts]
    bounded(sum(map(len, texts)))
    return Markup("").join(texts) if any(isinstance(one, Markup) for one in texts) else "".join(texts)


def compared(tongue: Tongue, name: str, left: Any, right: Any) -> bool:
    """`==`, `<`, `in` and their like."""
    gone = type(left) is Missing or type(right) is Missing
    if gone and right == [] and name in ("in", "notin"):
        return name == "notin"
    if gone:
        for side in (left, right):
            allow_missing(tongue, side)
        match name:
            case "eq":
                return type(left) is type(right)
            case "ne":
                return type(left) is not type(right)
            case "in" | "notin" if not isinstance(right, str):
                return name == "notin"
    try:
        return bool(_COMPARE[name](left, right))
    except TypeError as error:
        raise OperationError(
            f"{kind_of(left)} cannot be compared with {kind_of(right)}; test the kind first"
        ) from error


def calculated(tongue: Tongue, name: str, left: Any, right: Any) -> Any:
    """`+ - * / //` on numbers; `+` on texts and lists as well."""
    for side in (left, right):
        if type(side) is Missing:
            raise OperationError(f"{side.name!r} is missing")
    if name == "+" and isinstance(left, str) and isinstance(right, str):
        return joined(tongue, (left, right))
    if name == "+" and isinstance(left, list) and isinstance(right, list):
        bounded(len(left) + len(right))
        return left + right
    if name not in _CALCULATE or not all(isinstance(side, int | float) for side in (left, right)):
        raise OperationError(f"{kind_of(left)} {name} {kind_of(right)} is not available to packs")
    try:
        return bounded_number(_CALCULATE[name](left, right))
    except (ArithmeticError, ValueError) as error:
        raise OperationError(f"{name}: {error}") from error


def negated(value: Any) -> Any:
    """`-x`."""
    if not isinstance(value, int | float):
        raise OperationError(f"-{kind_of(value)} is not available to packs")
    return -value


def allow_missing(tongue: Tongue, value: Any) -> None:
    if type(value) is Missing and not tongue.lenient:
        raise OperationError(f"{value.name!r} is missing; guard it with an {{% if … is defined %}} or |default")


def loose(tongue: Tongue, value: Any) -> str:
    if type(value) is Missing:
        allow_missing(tongue, value)
        return ""
    return "None" if value is None else text_of(value)


def text_of(value: Any) -> str:
    """The text of a value; a Markup stays one."""
    if isinstance(value, str):
        return value
    if value is None:
        raise OperationError("a value is null; guard it with `when` or |default('', true)")
    if isinstance(value, _HELD):
        raise OperationError(f"{kind_of(value)} has no text; go through it with {{% for %}}, or use |join")
    if not isinstance(value, int | float):
        raise OperationError(f"{kind_of(value)} has no text")
    return str(value)


def kind_of(value: Any) -> str:
    names = {"str": "a text", "int": "a number", "float": "a number", "bool": "a yes or no", "NoneType": "null"}
    names |= {"list": "a list", "tuple": "a list", "dict": "a table", "Missing": "a missing value", "Markup": "markup"}
    return names.get(type(value).__name__, "this")


def bounded(length: int) -> None:
    if length > MAX_TEXT:
        raise OperationError(f"the result would be longer than {MAX_TEXT // 1024} KiB")


def bounded_number(value: Any) -> Any:
    if abs(value) > _MAX_INT:
        raise OperationError(f"the result would have more than {MAX_DIGITS} digits")
    return value


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}
_CALCULATE: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
}
