"""The border: bytes from outside become plain JSON data that every store and every message can carry, or an error.

The same rule whatever the store could bear (threat T24): at most 256 KiB and 32 levels, UTF-8, no NUL, no lone
surrogates, no NaN or Infinity, no key twice.
"""

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from livery.errors import EventError, Problem, shown

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
_MARK = codecs.BOM_UTF8
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""What NUL and half characters come as: as such they are no JSON and no UTF-8."""


def decoded(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`.

    Raises:
        EventError: says what is wrong and where.

    """
    text = _text(sized(raw), "the event")
    try:
        data, is_suspect = _QUICK.decode(text), bool(_SUSPECT.search(text))
    except (ValueError, RecursionError):
        data, is_suspect = _parsed(text, "the event"), True
    if not isinstance(data, dict):
        raise EventError("not an event:", [Problem("(whole)", "a JSON object", shown(data))])
    if (is_suspect or _is_deep(text, data)) and (problems := [*_unfit(data, "", 1)]):
        raise EventError("the event holds what no store and no message can carry:", problems)
    return data


def parsed(raw: bytes, what: str) -> Any:
    """Any JSON in `raw`, whose size is the caller's to bound, by the same rules otherwise.

    Args:
        raw: the bytes.
        what: what errors call it, such as `the body`.

    Raises:
        EventError: says what is wrong and where.

    """
    data = _parsed(_text(raw, what), what)
    if problems := [*_unfit(data, "", 0 if isinstance(data, list) else 1)]:
        raise EventError(f"{what} holds what no store and no message can carry:", problems)
    return data


def encoded(raw: Mapping[str, Any] | str | bytes) -> bytes:
    """JSON text or plain data as bytes.

    Raises:
        EventError: it cannot be JSON.

    """
    if isinstance(raw, bytes):
        return raw
    try:
        text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise EventError(f"the event is no plain JSON data: {error}") from None
    return text.encode(errors="backslashreplace")  # half a character becomes its escape, and is refused by its path


def sized(raw: bytes) -> bytes:
    """`raw`, if it is not too large.

    Raises:
        EventError: it is over 256 KiB.

    """
    if len(raw) > MAX_BYTES:
        size = f"{len(raw):,} bytes"
        raise EventError("the event is too large:", [Problem("(whole)", f"at most {MAX_BYTES // 1024} KiB", size)])
    return raw


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.removeprefix(_MARK).decode()
    except UnicodeDecodeError as error:
        raise EventError(f"{what} is not UTF-8 text: byte {error.start} is wrong") from None


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except json.JSONDecodeError as error:
        raise EventError(f"{what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise EventError(f"{what} is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        is_long = "digits" in str(error)  # Python's own words are about a setting of Python's
        said = "a number has more digits than can be read" if is_long else str(error)
        raise EventError(f"{what} is not JSON that every store can hold: {said}") from None


def _is_deep(text: str, data: Any) -> bool:
    """Whether something in it lies too deep."""
    if text.count("{") + text.count("[") < MAX_DEPTH:
        return False
    level, depth = [data], 1
    while level and depth <= MAX_DEPTH:
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level, depth = [one for some in inner for one in some], depth + 1
    return bool(level)


def _finite(number: str) -> float:
    found = float(number)
    if not math.isfinite(found):
        raise ValueError(f"{number} is no number")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        (twin, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(twin)} stands twice in one object")
    return found


_QUICK = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_no_twins)
"""Refuses too much rather than too little; what is wrong, and where, is found out when it has."""


def _unfit(value: Any, path: str, depth: int) -> list[Problem]:
    where = path or "(whole)"
    if depth > MAX_DEPTH:
        return [Problem(where, f"nesting of at most {MAX_DEPTH} levels", "more")]
    if isinstance(value, str):
        if "\x00" in value:
            return [Problem(where, "text without NUL", shown(value))]
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            return [Problem(where, "whole characters", "a lone surrogate")]
        return []
    if isinstance(value, float) and not math.isfinite(value):
        return [Problem(where, "a finite number", "infinity")]
    if isinstance(value, dict):
        inner = [*value.items()]
        keys = [problem for key in value for problem in _unfit(key, f"{path}.{shown(key)}".lstrip("."), depth)]
        return keys + [p for key, one in inner for p in _unfit(one, f"{path}.{key}".lstrip("."), depth + 1)]
    if isinstance(value, list):
        return [p for number, one in enumerate(value) for p in _unfit(one, f"{path}.{number}", depth + 1)]
    return []
