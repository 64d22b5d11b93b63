"""The description of the API (OpenAPI 3.1): what FastAPI knows, the events there are, and the bodies of webhooks."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from livery.engine import Engine
from livery.http.api.examples import BODIES, EVENT
from livery.http.gate import every_route, rule_of
from livery.http.problems import MEDIA_TYPE
from livery.models.event import EventType

ANSWERS: Final = Path(__file__).parent / "api/answers.json"
"""What routes answer, by their names: of one seller's day, with lists and texts cut short."""
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")
_SIGNED = (
    ("webhook-id", "Identifies the delivery; the same for every attempt."),
    ("webhook-timestamp", "When it was sent, in seconds since 1970."),
    (
        "webhook-signature",
        "`v1,` and base64 of the HMAC-SHA256 of `{id}.{timestamp}.{body}`: Standard Webhooks.",
    ),
)
TAGS = {
    "events": "Events in, and what became of them.",
    "asking": "Who would be told what, and in which words. Nothing is sent and nothing stored.",
    "deliveries": "What was sent, to whom and why, and what people do about it by hand.",
    "settings": "What counts and whose word it is; changes, their trail, and what if.",
    "packs": "Template packs: checked, uploaded, let be live and taken back.",
    "tenants": "The platform, its distributors, their sellers.",
    "directory": "The people of a tenant and of its customers.",
    "suppressions": "Addresses that are not written to.",
    "domains": "Domains that tenants' mail may come from.",
    "tokens": "Who may use the service.",
    "catalogue": "What can be told, and by which ways.",
    "service": "For those who run it.",
}


def describer(app: FastAPI, engine: Engine) -> Callable[[], dict[str, Any]]:
    """Gives the description of an application; made once, when it is first asked for."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app, engine)
        return app.openapi_schema

    return describe


def _described(app: FastAPI, engine: Engine) -> dict[str, Any]:
    tags = [{"name": name, "description": said} for name, said in TAGS.items()]
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=tags
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    names = {}
    for name, kind in sorted(engine.types.items()):
        names[name] = f"Event.{_NO_NAME.sub('_', name)}"
        schemas.update(_schemas(names[name], kind))
    schemas["Event"] = {"anyOf": [{"$ref": f"#/components/schemas/{one}"} for one in names.values()]}
    document["webhooks"] = {name: {"post": _webhook(name, ref, engine.types[name])} for name, ref in names.items()}
    answers = json.loads(ANSWERS.read_text("utf-8"))
    for route, operation in _operations(app, document):
        rule = rule_of(route)
        operation["x-livery-role"] = "everybody" if rule is None else rule.role or "any"
        if route.name in BODIES:
            operation["requestBody"]["content"]["application/json"]["example"] = BODIES[route.name]
        for code, response in operation["responses"].items():
            if code.startswith("2") and route.name in answers:
                response["content"]["application/json"]["example"] = answers[route.name]
            if "#/components/schemas/ProblemDetails" in str(response):
                response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return document


def _operations(app: FastAPI, document: dict[str, Any]) -> Iterator[tuple[APIRoute, dict[str, Any]]]:
    for route in every_route(app.routes):
        if route.include_in_schema:
            for method in route.methods or ():
                yield route, document["paths"][route.path_format][method.lower()]


def _schemas(name: str, kind: EventType) -> dict[str, Any]:
    """The schema of an event and of its parts, each under a name of its own."""
    whole = kind.schema_of_event()
    parts = whole.pop("$defs", {})
    moved = {f"#/$defs/{part}": f"#/components/schemas/{name}.{part}" for part in parts}
    whole.pop("$schema", None)
    return {
        name: _moved(whole, moved),
        **{f"{name}.{part}": _moved(schema, moved) for part, schema in parts.items()},
    }


def _moved(schema: Any, moved: dict[str, str]) -> Any:
    if isinstance(schema, dict):
        return {
            key: moved.get(one, one) if key == "$ref" and isinstance(one, str) else _moved(one, moved)
            for key, one in schema.items()
        }
    return [_moved(one, moved) for one in schema] if isinstance(schema, list) else schema


def _webhook(name: str, ref: str, kind: EventType) -> dict[str, Any]:
    headers = [
        {"name": header, "in": "header", "required": True, "description": said, "schema": {"type": "string"}}
        for header, said in _SIGNED
    ]
    summary = (kind.data.__doc__ or name).strip().partition("\n")[0]
    schema = {"$ref": f"#/components/schemas/{ref}"}
    content = {"schema": schema, **({"example": EVENT} if name == EVENT["type"] else {})}
    return {
        "summary": summary,
        "description": "What a tenant's webhook gets for such an event, unless its settings ask for another body.",
        "parameters": headers,
        "requestBody": {"required": True, "content": {"application/cloudevents+json": content}},
        "responses": {"2XX": {"description": "It arrived; anything else is tried again."}},
    }
