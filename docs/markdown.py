"""Tables and words: a model's fields, in Markdown."""
# ruff: noqa: INP001 - see generate.py

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in one) + " |" for one in lines
    )


def code(value: Any) -> str:
    return f"`{value}`"


def words(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """What a JSON schema allows, in plain words."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in schema:
        return " or ".join(words(one, defs) for one in schema["anyOf"] if one.get("type") != "null")
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    kind = {
        "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list",
        "object": "table",
    }.get(schema.get("type", ""), "any")  # fmt: skip
    kind = {"date-time": "time with zone (RFC 3339)", "password": "text, secret", "path": "path"}.get(
        schema.get("format", ""), kind
    )
    if kind == "list" and "items" in schema:
        kind = f"list of {words(schema['items'], defs)}"
    return kind + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is not None:
        return f", over {above}" + ("" if high is None else f", at most {high}")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", at least {low}"
    if "maxLength" in schema:
        return f", at most {schema['maxLength']} characters"
    return ""


def default(field: Mapping[str, Any], *, is_required: bool) -> str:
    """Required, the default, or nothing where absent means absent."""
    if is_required:
        return "required"
    value = field.get("default")
    if value in (None, "", [], {}) or isinstance(value, dict):
        return ""
    return code(str(value).lower() if isinstance(value, bool) else value)


def fields(model: Any, *, without: Sequence[str] = (), filled: Sequence[str] = ()) -> list[tuple[str, str, str, str]]:
    """(name, type, default, description) of each field; those in `filled` are given by the engine if absent."""
    schema = model.model_json_schema()
    required = set(schema.get("required", ())) - set(filled)
    return [
        (name, words(one, schema.get("$defs", {})), default(one, is_required=name in required), one["description"])
        for name, one in schema.get("properties", {}).items()
        if name not in without
    ]


def field_table(model: Any, what: str = "setting", *, without: Sequence[str] = (), filled: Sequence[str] = ()) -> str:
    rows = [(code(name), kind, std, said) for name, kind, std, said in fields(model, without=without, filled=filled)]
    return table((what, "type", "default", "meaning"), rows)
