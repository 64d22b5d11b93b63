"""Whether plain data fits a JSON Schema as pydantic writes it, for where pydantic itself would cost too much.

Knows the keywords our event models give rise to, and says "no" to everything it does not know. A "no" is not
an error: who asks then validates with the model, whose word counts. A "yes" must never be wrong.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

Schema = Mapping[str, Any]
_KNOWN = frozenset(
    [
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "default",
        "description",
        "exclusiveMinimum",
        "format",
        "maxLength",
        "maximum",
        "minLength",
        "minimum",
        "properties",
        "required",
        "title",
        "type",
    ]
)
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "object": dict,
    "null": type(None),
}


class Misfit(Exception):
    """The data does not fit, or the schema uses a keyword we do not know."""


def completed(value: Any, schema: Schema, root: Schema | None = None) -> Any:
    """`value` with defaults filled in and times in pydantic's spelling.

    Raises:
        Misfit: it does not fit for certain; ask the model.

    """
    root = schema if root is None else root
    if "$ref" in schema:
        return completed(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if not _KNOWN.issuperset(schema):
        raise Misfit(f"unknown keywords {set(schema) - _KNOWN}")
    if "anyOf" in schema:
        return _any_of(value, schema["anyOf"], root)
    kind = schema.get("type")
    if "const" in schema and value != schema["const"]:
        raise Misfit("another constant")
    if not isinstance(value, _TYPES.get(str(kind), ())) or (kind == "integer" and isinstance(value, bool)):
        raise Misfit(f"no {kind}")
    if isinstance(value, str):
        return _string(value, schema)
    if isinstance(value, dict):
        return _object(value, schema, root)
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        raise Misfit("out of range")
    return value


def _any_of(value: Any, schemas: list[Schema], root: Schema) -> Any:
    for one in schemas:
        try:
            return completed(value, one, root)
        except Misfit:
            continue
    raise Misfit("none of several")


def _string(value: str, schema: Schema) -> str:
    # Models trim some texts, which their schema does not tell.
    if value != value.strip() or not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        raise Misfit("too short, too long, or to be trimmed")
    if "format" not in schema:
        return value
    if schema["format"] != "date-time":
        raise Misfit(f"unknown format {schema['format']}")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Misfit("no time") from None
    if moment.tzinfo is None or "T" not in value:
        raise Misfit("no zone")
    return moment.isoformat().replace("+00:00", "Z")


def _object(value: dict[str, Any], schema: Schema, root: Schema) -> dict[str, Any]:
    fields: Mapping[str, Schema] = schema.get("properties", {})
    if not set(schema.get("required", ())) <= set(value):
        raise Misfit("something is missing")
    if schema.get("additionalProperties") is False and not set(value) <= set(fields):
        raise Misfit("something is too much")
    found = {}
    for name, inner in fields.items():
        if name in value:
            found[name] = completed(value[name], inner, root)
        elif "default" in inner:
            found[name] = inner["default"]
        else:
            raise Misfit(f"no default for {name}")
    return {**found, **{name: inner for name, inner in value.items() if name not in fields}}
