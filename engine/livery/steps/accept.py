"""Accept: bytes from outside become an Event, or an error that names every field that is wrong."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError, create_model

from livery import border
from livery.errors import EventError, Problem, UnknownEventType, shown
from livery.models.classification import is_secret
from livery.models.event import Event, EventData, EventType

_ATTRIBUTE_LENGTH = 20
_SURELY_FITS = border.MAX_BYTES // 16
"""Bytes that are never too many when numbers are written out and defaults filled in."""
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_PARTS = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
"""Of a model; pydantic's own `model_copy` copies just these."""
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
    text = border.encoded(_plain(raw) if isinstance(raw, Event) else raw)
    data = border.decoded(text)
    name = data.get("type")
    if isinstance(name, str) and name and name not in types:
        known = ", ".join(sorted(types)) or "none"
        raise UnknownEventType("unknown event type:", [Problem("type", f"one of {known}", shown(name))])
    kind = types[name] if isinstance(name, str) and name else None
    event = _right(text, data, kind) or _validated(data, kind)
    if len(text) > _SURELY_FITS:
        border.sized(canonical(event))  # a number may be longer written out; what is stored must be readable again
    return event


def stored(body: bytes, types: Mapping[str, EventType], name: str = "") -> Event:
    """An event as it was accepted, of its canonical bytes. Its attributes were looked at then.

    Args:
        body: its canonical bytes.
        types: event types by name.
        name: its type, where that is known.

    Raises:
        EventError: it does not fit its type any more; names every field.
        UnknownEventType: no plugin registers its type any more.

    """
    kind = types.get(name or json.loads(body)["type"])
    return (kind and _fitting(body, kind)) or read(body, types)


def canonical(event: Event) -> bytes:
    """The bytes that are stored and compared: JSON with sorted keys. Equal events have equal bytes."""
    return _CANONICAL.encode(event.plain()).encode()


def _plain(event: Event) -> dict[str, Any]:
    try:
        return event.model_dump(mode="json", exclude_unset=True, warnings=False)
    except ValueError as error:
        raise EventError(f"the event is no plain JSON data: {error}") from None


def _right(text: bytes, data: Mapping[str, Any], kind: EventType | None) -> Event | None:
    """The event, if nothing is wrong with it; what is, `_validated` finds out."""
    return None if kind is None or _extensions(data) else _fitting(text, kind)


def _fitting(text: bytes, kind: EventType) -> Event | None:
    try:
        typed = _typed(kind.data).model_validate_json(text)
    except ValidationError:
        return None
    event = Event.__new__(Event)
    for part in _PARTS:
        object.__setattr__(event, part, getattr(typed, part))
    return event


@lru_cache(maxsize=1024)
def _typed(data: type[EventData]) -> type[Event]:
    """The envelope with data of one type, so that an event is validated in one go."""
    return create_model("Event", __base__=Event, data=(data, ...))


def _validated(data: dict[str, Any], kind: EventType | None) -> Event:
    problems: list[Problem] = _extensions(data)
    envelope = {key: value for key, value in data.items() if key != "data"}
    body: Any = None
    if "data" not in data:
        problems.append(Problem("data", _WORDS["missing"]))
    elif kind is not None:
        try:
            body = kind.data.model_validate_json(json.dumps(data["data"]))
        except ValidationError as error:
            problems.extend(_problems(error, "data", kind.data))
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


def _problems(error: ValidationError, at: str, data: type[EventData] | None = None) -> list[Problem]:
    """A line for each; what a secret field was given is not in it."""
    found = []
    for one in error.errors(include_url=False):
        path = ".".join([*([at] if at else []), *(str(part) for part in one["loc"])]) or "(whole)"
        expected = _WORDS.get(one["type"]) or one["msg"].removeprefix("Input should be ")
        came = "" if one["type"] == "missing" else "null" if one["input"] is None else shown(one["input"])
        if data is not None and is_secret(data, tuple(map(str, one["loc"]))):
            expected, came = _WORDS.get(one["type"]) or "another value", ""
        found.append(Problem(path, expected, came))
    return found
