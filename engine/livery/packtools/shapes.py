"""What templates may ask for where: the fields of events, tokens, blocks and notifications, by their JSON Schemas."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from livery.models.event import Event, EventData
from livery.models.notification import BLOCK_KINDS, Notification

EACH = "[]"
"""The part of a path that stands for each element of a list, as `livery.stencils.naming` has it."""
_MAX_DEPTH = 20
_LISTED = 12


class Miss(NamedTuple):
    """Why there is no value under a path.

    Attributes:
        message: what is wrong, with the path.
        fix: the name that was probably meant, or what there is.
        is_sure: whether there can never be one; else hosts may send more than is documented.

    """

    message: str
    fix: str
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """A value that is known before there is one.

    Attributes:
        fields: what it has, by name; none for a text or a number.
        each: what its elements are, if it is a list.
        is_open: whether it may have more fields than these.
        is_any: whether nothing is known of it.

    """

    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    each: "Shape | None" = None
    is_open: bool = False
    is_any: bool = False

    def miss(self, path: Iterable[str]) -> Miss | None:
        """Why there is nothing under a path of two parts or more; None if there may be."""
        at, done = self, ""
        for part in path:
            name = f"{done}{EACH}" if part == EACH else f"{done}.{part}".removeprefix(".")
            if at.is_any:
                return None
            if part == EACH:
                if at.each is None:
                    return None if at.is_open else Miss(f"{done} is no list", "", is_sure=True)
                at = at.each
            elif part in at.fields:
                at = at.fields[part]
            else:
                return _missing(at, part, name, done)
            done = name
        return None


ANY = Shape(is_any=True)
LEAF = Shape()


def _missing(at: Shape, part: str, name: str, above: str) -> Miss:
    if at.each is not None:
        return Miss(f"{above} is a list, so there is no {name}", "go through it with {% for %}", is_sure=True)
    if not at.fields and not at.is_open:
        return Miss(f"{above} has no parts, so there is no {name}", "", is_sure=True)
    near = get_close_matches(part, at.fields, 1, 0.6)
    prefix = f"{above}." if above else ""
    if near:
        return Miss(f"there is no {name}", f"did you mean {prefix}{near[0]}?", is_sure=True)
    if not at.fields or len(at.fields) > _LISTED:
        return Miss(f"there is no {name}", "check its spelling", is_sure=not at.is_open)
    known = ", ".join(at.fields)
    return Miss(f"there is no {name}", f"{above} has {known}" if above else f"there are {known}", not at.is_open)


# --------------------------------------------------------------------------- of JSON Schemas


def of_schema(schema: Mapping[str, Any]) -> Shape:
    """The shape of what a JSON Schema describes, as pydantic makes them."""
    return _shape(schema, schema.get("$defs", {}), 0)


def _shape(part: Any, defs: Mapping[str, Any], depth: int) -> Shape:
    if not isinstance(part, dict) or depth > _MAX_DEPTH:
        return ANY
    if "$ref" in part:
        return _shape(defs.get(part["$ref"].rpartition("/")[2]), defs, depth + 1)
    several = part.get("anyOf") or part.get("oneOf") or part.get("allOf")
    if several:
        return union(_shape(one, defs, depth + 1) for one in several if one != {"type": "null"})
    match part.get("type"):
        case "object":
            return _object(part, defs, depth)
        case "array":
            return Shape(each=_shape(part.get("items"), defs, depth + 1))
        case "string" | "number" | "integer" | "boolean" | "null":
            return LEAF
    return LEAF if "const" in part or "enum" in part else ANY


def _object(part: Mapping[str, Any], defs: Mapping[str, Any], depth: int) -> Shape:
    more = part.get("additionalProperties", True)
    if "properties" not in part:
        return ANY
    fields = {name: _shape(one, defs, depth + 1) for name, one in part["properties"].items()}
    return Shape(fields, is_open=more is not False)


def union(shapes: Iterable[Shape]) -> Shape:
    """What has all that any of these has."""
    found = list(shapes)
    if not found or any(one.is_any for one in found):
        return ANY
    names = dict.fromkeys(name for one in found for name in one.fields)
    fields = {name: union(one.fields[name] for one in found if name in one.fields) for name in names}
    each = [one.each for one in found if one.each is not None]
    return Shape(fields, union(each) if each else None, any(one.is_open for one in found))


# --------------------------------------------------------------------------- what is known where


def in_texts(data: type[EventData] | None, tokens: Iterable[str]) -> Shape:
    """What texts and conditions see. Without a type of event nothing is known of it."""
    event = ANY if data is None else of_schema(data.model_json_schema())
    return Shape({"event": event, "envelope": _envelope(), "year": LEAF, "brand": _brand(tokens), "locale": LEAF})


def in_templates(file: str, tokens: Iterable[str]) -> Shape:
    """What a template of a pack sees, by its path: a layout the notification, a partial one block, a part either."""
    letter = dict.fromkeys(("locale", "direction", "start", "end"), LEAF) | {"brand": _brand(tokens)}
    folder, _, name = file.partition("/")
    layout = {"notification": _notification(), "blocks": Shape(each=LEAF)}
    kind = name.partition(".")[0]
    block = {"block": _blocks(kind if kind in BLOCK_KINDS else None)}
    match folder:
        case "layouts":
            return Shape({**letter, **layout})
        case "blocks":
            return Shape({**letter, **block})
    return Shape({**letter, **layout, **block})


def _brand(tokens: Iterable[str]) -> Shape:
    return Shape(dict.fromkeys([*tokens, "name"], LEAF))


@cache
def _envelope() -> Shape:
    schema = Event.model_json_schema()
    return of_schema(
        {**schema, "properties": {name: one for name, one in schema["properties"].items() if name != "data"}}
    )


@cache
def _notification() -> Shape:
    shape = of_schema(Notification.model_json_schema())
    return Shape({name: one for name, one in shape.fields.items() if name not in ("trace", "degraded")})


@cache
def _blocks(kind: str | None) -> Shape:
    """A block of a kind, or of any."""
    defs = Notification.model_json_schema()["$defs"]
    kinds = {one.get("properties", {}).get("kind", {}).get("const"): one for one in defs.values()}
    known = {name: _shape(one, defs, 0) for name, one in kinds.items() if name in BLOCK_KINDS}
    return known[kind] if kind else union(known.values())
