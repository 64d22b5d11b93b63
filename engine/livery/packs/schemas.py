"""JSON Schemas of a pack's files, so that editors complete and check them while they are written."""

from typing import Any, Literal, get_args

from livery.packs.manifest import NotificationOverlay, PackManifest

Kind = Literal["pack", "notification", "strings"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TITLES = {
    "pack": "pack.toml of a Livery template pack",
    "notification": "notifications/<name>.toml of a Livery template pack",
    "strings": "strings/<language>.toml of a Livery template pack",
}
_ABSENT: dict[str, Any] = {"type": "null"}


def schema(kind: Kind) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `pack.toml`, of a notification, or of the texts of a language."""
    if kind == "strings":
        made = _strings()
    else:
        model = PackManifest if kind == "pack" else NotificationOverlay
        made = _plain(model.model_json_schema(mode="validation"))
        if kind == "pack":
            made["$defs"]["TokenSpec"]["properties"]["value"]["type"] = ["string", "number"]
    return {"$schema": DIALECT, **made, "title": _TITLES[kind]}


def _strings() -> dict[str, Any]:
    """A table of texts, and of such tables."""
    text = {"type": "string", "description": "A text; Jinja placeholders such as {{ event.order.id }}."}
    table = {"$ref": "#/$defs/table"}
    inner = {"type": "object", "additionalProperties": {"anyOf": [text, table]}}
    return {**inner, "description": "Texts by key; tables and dots are the same.", "$defs": {"table": inner}}


def _plain(part: Any) -> Any:
    """A schema as TOML needs it: nothing there is null, and titles made of field names say nothing."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {
        key: {name: _plain(one) for name, one in value.items()} if key in ("properties", "$defs") else _plain(value)
        for key, value in part.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if "anyOf" in made:
        kept = [one for one in made["anyOf"] if one != _ABSENT]
        made = {**made, "anyOf": kept} if len(kept) > 1 else {**_without(made), **kept[0]}
    return made


def _without(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "anyOf"}
