"""The reference of the HTTP API, from its own description."""
# ruff: noqa: INP001 - see generate.py

from collections.abc import Iterator, Mapping
from typing import Any

from markdown import code, table, words

from livery import Engine
from livery.http import create_app

_INTRO = """# HTTP API

What `livery serve` and `livery.http.create_app` answer. The service describes itself at `/openapi.json` (OpenAPI 3.1,
with every field of every answer and the bodies of webhooks); this page is written from it.

Requests carry `Authorization: Bearer livery_…`. A token acts for one tenant and all below it, or for every tenant; what
is not theirs is answered like what does not exist. What a role may do: see [operators](../operator.md#who-may-use-it).

Errors are problem details (RFC 9457): `type` names the kind for programs, `detail` says what went wrong this time and
what to do, and each of `errors` says where: `pointer` leads into the body, `parameter` names one of the address or the
headers, `about` says what else it is about. `instance` names the request, as `X-Request-Id` and the log do. Long lists
come in pages: `next` of one is the `cursor` of the next.

In a path, an id with a slash is written with `~2F` for it, one with a tilde with `~7E`."""
_FORMS = {
    "application/cloudevents+json": "A CloudEvent; see [events](events.md).",
    "application/cloudevents-batch+json": "A list of CloudEvents.",
    "application/json": "A CloudEvent; or its data, with the attributes as `ce-` headers.",
}
_PREFIX = "#/components/schemas/"


def api(engine: Engine) -> str:
    document = create_app(engine).openapi()
    schemas = document["components"]["schemas"]
    parts = [_INTRO]
    for tag in document["tags"]:
        parts.append(f"## {tag['name'].capitalize()}\n\n{tag['description']}")
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if operation["tags"] == [tag["name"]]:
                    parts.extend(_operation(f"{method.upper()} {path}", operation, schemas))
    return "\n\n".join(parts) + "\n"


def _operation(name: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{name}`"
    role = operation["x-livery-role"]
    who = {"everybody": "Everybody.", "any": "Whoever is known."}.get(role, f"Role `{role}`.")
    yield f"{operation['summary']}. {_prose(operation.get('description', ''))} {who}"
    if given := [*_parameters(operation, schemas), *_body(operation, schemas)]:
        yield table(("given", "what it takes", "meaning"), given)
    yield _answers(operation)


def _prose(text: str) -> str:
    return " ".join(text.split())


def _parameters(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for one in operation.get("parameters", ()):
        need = "" if one.get("required") else "optional "
        said = one.get("description") or one["schema"].get("description", "")
        yield code(one["name"]), f"{one['in']}, {need}{words(one['schema'], schemas)}", said


def _body(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    content = operation.get("requestBody", {}).get("content", {})
    for kind, one in content.items():
        ref = one.get("schema", {}).get("$ref", "")
        model = schemas.get(ref.removeprefix(_PREFIX), {})
        if ref.endswith("/Event") or not model.get("properties"):
            yield code(kind), "body", _FORMS.get(kind, "")
            continue
        needed = model.get("required", ())
        for name, field in model["properties"].items():
            need = "" if name in needed else "optional "
            yield code(name), f"body, {need}{words(field, schemas)}", field.get("description", "")


def _answers(operation: Mapping[str, Any]) -> str:
    good = [status for status in operation["responses"] if status.startswith("2")]
    bad = sorted(status for status in operation["responses"] if not status.startswith("2"))
    content = operation["responses"][good[0]].get("content", {}) if good else {}
    schema = content.get("application/json", {}).get("schema", {})
    what = _named(schema)
    said = f"Answers {', '.join(map(code, good))}" + (f" with {what}" if what else "")
    return f"{said}; errors {', '.join(map(code, bad))}." if bad else f"{said}."


def _named(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return code(schema["$ref"].removeprefix(_PREFIX))
    if "anyOf" in schema:
        return " or ".join(filter(None, map(_named, schema["anyOf"])))
    if schema.get("type") == "array":
        inner = _named(schema.get("items", {}))
        return f"a list of {inner}" if inner else "a list"
    return ""
