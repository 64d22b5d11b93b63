"""Accept: bytes from outside become an Event, or an error that names every field that is wrong."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from livery.errors import EventError, Problem, UnknownEventType, shown
from livery.models.event import Event, EventType

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
_ATTRIBUTE_LENGTH = 20
_KNOWN = frozenset(Event.model_fields)
_WORDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "float_type": "a number",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
    "missing": "a value, none is given",
    "timezone_aware": "a time with its zone, such as 2026-11-20T09:41:27Z",
}


def read(raw: Event | Mapping[str, Any] | str | bytes, types: Mapping[str, EventType]) -> Event:
    """Validate one event at the border. Accepts JSON text or bytes, plain data, or a typed event.

    Refused, whatever the store could bear: over 256 KiB, nested deeper than 32, NUL, lone surrogates,
    NaN and Infinity, two keys of one name; the same rule for every store (threat T24).

    Raises:
        EventError: with one problem for each wrong field.
        UnknownEventType: no plugin registered its type.

    """
    data = _decoded(_bytes(raw))
    if not isinstance(data, dict):
        raise EventError("not an event:", [Problem("(whole)", "a JSON object", shown(data))])
    if problems := [*_unfit(data, "", 1)]:
        raise EventError("the event holds what no store and no message can carry:", problems)
    name = data.get("type")
    if isinstance(name, str) and name and name not in types:
        known = ", ".join(sorted(types)) or "none"
        raise UnknownEventType("unknown event type:", [Problem("type", f"one of {known}", shown(name))])
    kind = types[name] if isinstance(name, str) and name else None
    event = _validated(data, kind)
    _sized(canonical(event))  # a number may be longer written out; what is stored must be readable again
    return event


def canonical(event: Event) -> bytes:
    """The bytes that are stored and compared: JSON with sorted keys. Equal events have equal bytes."""
    return json.dumps(event.plain(), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _bytes(raw: Event | Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(raw, bytes):
        return raw
    try:
        if isinstance(raw, Event):
            raw = raw.model_dump(mode="json", exclude_unset=True, warnings=False)
        text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise EventError(f"the event is no plain JSON data: {error}") from None
    return text.encode(errors="backslashreplace")  # half a character becomes its escape, and is refused by its path


def _sized(raw: bytes) -> bytes:
    if len(raw) > MAX_BYTES:
        size = f"{len(raw):,} bytes"
        raise EventError("the event is too large:", [Problem("(whole)", f"at most {MAX_BYTES // 1024} KiB", size)])
    return raw


def _decoded(raw: bytes) -> Any:
    try:
        text = _sized(raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EventError(f"the event is not UTF-8 text: byte {error.start} is wrong") from None
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except json.JSONDecodeError as error:
        raise EventError(f"the event is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise EventError(f"the event is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise EventError(f"the event is not JSON that every store can hold: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        (twin, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(twin)} stands twice in one object")
    return found


def _unfit(value: Any, path: str, depth: int) -> list[Problem]:
    where = path or "(whole)"
    if depth > MAX_DEPTH:
        return [Problem(where, f"nesting of at most {MAX_DEPTH} levels", "more")]
    if isinstance(value, str):
        if "\x00" in value:
            return [Problem(where, "text without NUL", shown(value))]
        if any("\ud800" <= char <= "\udfff" for char in value):
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


def _validated(data: dict[str, Any], kind: EventType | None) -> Event:
    problems: list[Problem] = _extensions(data)
    envelope = {key: value for key, value in data.items() if key != "data"}
    body: Any = None
    if "data" not in data:
        problems.append(Problem("data", _WORDS["missing"]))
    elif kind is not None:
        try:
            body = TypeAdapter(kind.data).validate_json(json.dumps(data["data"]))
        except ValidationError as error:
            problems.extend(_problems(error, "data"))
    try:
        event = Event.model_validate_json(json.dumps({**envelope, "data": _ANYBODY}))
    except ValidationError as error:
        problems.extend(_problems(error, ""))
        event = None
    if problems or event is None:
        raise EventError("the event is wrong:", problems)
    return event.model_copy(update={"data": body})


_ANYBODY = {"seller": {"id": "-", "name": "-"}, "customer": {"id": "-", "name": "-"}}


def _extensions(data: Mapping[str, Any]) -> list[Problem]:
    """CloudEvents 1.0 §3.1: names of a-z and 0-9; values of simple types."""
    problems = []
    for name, value in data.items():
        if name in _KNOWN:
            continue
        if not (name.isascii() and name.isalnum() and name == name.lower() and len(name) <= _ATTRIBUTE_LENGTH):
            problems.append(Problem(name, "an attribute name of a-z and 0-9, at most 20 long (CloudEvents 1.0)"))
        elif not isinstance(value, str | int | bool):
            problems.append(
                Problem(name, "text, a whole number, true or false (a CloudEvents extension)", shown(value))
            )
    return problems


def _problems(error: ValidationError, at: str) -> list[Problem]:
    found = []
    for one in error.errors(include_url=False):
        path = ".".join([*([at] if at else []), *(str(part) for part in one["loc"])]) or "(whole)"
        expected = _WORDS.get(one["type"]) or one["msg"].removeprefix("Input should be ")
        came = "" if one["type"] == "missing" else "null" if one["input"] is None else shown(one["input"])
        found.append(Problem(path, expected, came))
    return found
