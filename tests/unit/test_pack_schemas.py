"""JSON Schemas for editors: they allow what the models allow, and describe every field."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from livery.packs.manifest import BlockOverlay, NotificationOverlay, PackManifest
from livery.packs.schemas import DIALECT, KINDS, schema
from unit.making import BASE_FILES, DEFINITION
from unit.test_pack_manifest import WHOLE

SCHEMAS = {kind: schema(kind) for kind in KINDS}
TYPES = {"string": str, "object": dict, "array": list, "boolean": bool}


def fits(value, one, root) -> bool:
    """As much of JSON Schema as ours use; a keyword that is not known here fails the test."""
    known = {"$schema", "$defs", "$ref", "type", "properties", "required", "additionalProperties", "patternProperties",
             "items", "anyOf", "oneOf", "enum", "const", "pattern", "minLength", "maxLength", "minimum", "maximum",
             "maxItems", "default", "description", "title", "discriminator"}  # fmt: skip
    assert set(one) <= known, set(one) - known
    if "$ref" in one and not fits(value, root["$defs"][one["$ref"].rsplit("/", 1)[1]], root):
        return False
    choices = one.get("anyOf") or one.get("oneOf")
    if choices and not any(fits(value, choice, root) for choice in choices):
        return False
    return _is_of(value, one.get("type", [])) and _within(value, one) and _holds(value, one, root)


def _is_of(value, types) -> bool:
    types = [types] if isinstance(types, str) else types
    number = isinstance(value, int | float) and not isinstance(value, bool)
    is_number = number and ("number" in types or ("integer" in types and isinstance(value, int)))
    return not types or is_number or any(isinstance(value, TYPES[kind]) for kind in types if kind in TYPES)


def _within(value, one) -> bool:
    if "const" in one and (value != one["const"] or isinstance(value, bool)):
        return False
    if "enum" in one and value not in one["enum"]:
        return False
    if isinstance(value, str):
        is_long_enough = one.get("minLength", 0) <= len(value) <= one.get("maxLength", len(value))
        return is_long_enough and re.search(one.get("pattern", ""), value) is not None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return one.get("minimum", value) <= value <= one.get("maximum", value)
    return True


def _holds(value, one, root) -> bool:
    if isinstance(value, list):
        return all(fits(part, one.get("items", {}), root) for part in value)
    if not isinstance(value, dict):
        return True
    if not set(one.get("required", ())) <= set(value):
        return False
    for key, part in value.items():
        if key in one.get("properties", {}):
            inner = one["properties"][key]
        elif by_name := [inner for name, inner in one.get("patternProperties", {}).items() if re.search(name, key)]:
            (inner,) = by_name
        else:
            inner = one.get("additionalProperties", {})
        if inner is False or (isinstance(inner, dict) and not fits(part, inner, root)):
            return False
    return True


def allowed(kind, data) -> bool:
    return fits(data, SCHEMAS[kind], SCHEMAS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_plain_json_of_the_dialect_editors_know(kind):
    made = schema(kind)
    assert json.loads(json.dumps(made)) == made
    assert (made["$schema"], made["type"]) == (DIALECT, "object")
    assert '"null"' not in json.dumps(made)


@pytest.mark.parametrize("kind", ["pack", "notification"])
def test_every_field_is_described(kind):
    made = schema(kind)
    for part in (made, *made["$defs"].values()):
        assert all(field.get("description") for field in part["properties"].values())
        assert part["additionalProperties"] is False


@pytest.mark.parametrize("folder", sorted(Path(__file__).parents[2].glob("template_packs/*/pack.toml")), ids=str)
def test_the_packs_that_come_with_livery_fit(folder):
    kinds = {"pack.toml": "pack", "strings/*.toml": "strings", "notifications/*.toml": "notification"}
    for pattern, kind in kinds.items():
        for file in folder.parent.glob(pattern):
            assert allowed(kind, tomllib.loads(file.read_text("utf-8"))), file


def test_a_whole_manifest_fits():
    assert allowed("pack", tomllib.loads(WHOLE))
    assert allowed("notification", tomllib.loads(BASE_FILES[DEFINITION]))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("pack", ""),
        ("pack", "format = 2\nid = 'a'\nversion = '1'"),
        ("pack", "format = 1\nid = 'A'\nversion = '1'"),
        ("pack", "format = 1\nid = 'a'\nversion = 1"),
        ("pack", "format = 1\nid = 'a'\nversion = '1'\nx = 1"),
        ("pack", "format = 1\nid = 'a'\nversion = '1'\n[tokens]\na = {type = 'x'}"),
        ("pack", "format = 1\nid = 'a'\nversion = '1'\n[fonts]\na = 'http://a'"),
        ("notification", "subject = 1"),
        ("notification", "[[blocks]]\nkind = 'text'"),
        ("notification", "[[blocks]]\nid = 'a'\nkind = 'video'"),
        ("notification", "[[blocks]]\nid = 'a'\npriority = 101"),
        ("notification", "[[blocks]]\nid = 'a'\n[[blocks.facts]]\nlabel = 'a'"),
        ("strings", "a = 1"),
        ("strings", "[a]\nb = ['c']"),
    ],
)
def test_what_is_wrong_does_not_fit(kind, text):
    assert not allowed(kind, tomllib.loads(text))


def test_texts_may_stand_in_tables_of_any_depth():
    assert allowed("strings", tomllib.loads("a = 'b'\n[c.d.e]\nf = 'g'"))


values = st.sampled_from(
    ["", "text", "a-b", 5, 101, 1.5, True, [], ["a"], [{"label": "a", "value": "b"}], {}, {"a": "b"}]
)
fields = [*NotificationOverlay.model_fields, *BlockOverlay.model_fields, *PackManifest.model_fields, "unheard_of"]


@given(st.dictionaries(st.sampled_from(fields), values, max_size=4))
def test_the_schema_of_a_notification_allows_what_the_model_allows(data):
    for given_ in (data, {"blocks": [{"id": "a", **data}]}):
        try:
            NotificationOverlay.model_validate(given_)
        except ValidationError as error:
            # That only one of two may stand is beyond the schema.
            if {one["type"] for one in error.errors()} != {"value_error"}:
                assert not allowed("notification", given_)
        else:
            assert allowed("notification", given_)
