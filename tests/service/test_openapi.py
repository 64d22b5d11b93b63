"""schemathesis judges the service by its own description: no 5xx, and no answer but what the description says.

A few requests for each route here, hundreds in the long run (LIVERY_SOAK=1).
"""

import json
import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi import checks

from livery.http.api import examples
from livery.http.describing import ANSWERS
from service.served import Service, event

EXAMPLES = 300 if os.environ.get("LIVERY_SOAK") else 3
JUDGES = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


@schemathesis.serializer("application/zip")
def bytes_of(context, value):
    """An upload as it is generated: any bytes, and seldom a zip."""
    del context
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Service(tmp_path_factory.mktemp("openapi"))
    made.engine.accept(event())
    made.engine.settings.change("shop", "add", "cc", "address:cc@shop.example")
    made.engine.suppressions.add("shop", "no@customer.example", who="test")
    made.engine.domains.add("shop", "shop.example")
    yield made
    made.close()


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_every_answer_is_one_that_the_description_has(served, mode):
    schema = schemathesis.openapi.from_asgi("/openapi.json", served.app)
    token = served.bearer("operator")
    judged = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is schemathesis.GenerationMode.NEGATIVE and operation.label in ("GET /healthz", "GET /readyz"):
            continue  # whoever asks says nothing that could be wrong

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode))
        def judge(case):
            case.call_and_validate(headers=token, checks=JUDGES)

        judge()
        judged += 1
    assert judged > 50


def test_the_example_of_an_event_is_accepted(served):
    answer = served.ask(
        "POST",
        "/v1/events",
        json={**examples.EVENT, "data": {**examples.EVENT["data"], "seller": {"id": "shop", "name": "The Shop"}}},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json().keys() == examples.RECEIPT.keys()


def test_the_description_has_the_bodies_of_webhooks_as_they_are_posted(served):
    document = served.request("GET", "/openapi.json").json()
    assert set(document["webhooks"]) == set(served.engine.types)
    schema = {"$ref": "#/components/schemas/Event.OfferProvisionError", "components": document["components"]}
    Draft202012Validator(schema).validate(event())
    with pytest.raises(Exception, match="'customer' is a required property"):
        Draft202012Validator(schema).validate(event(data={"seller": {"id": "x", "name": "x"}}))


def test_every_route_says_its_role_and_has_a_summary(served):
    document = served.request("GET", "/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["x-livery-role"], (method, path)
            assert set(operation["tags"]) <= {one["name"] for one in document["tags"]}, (method, path)
            if operation["x-livery-role"] != "everybody":
                assert operation["security"] == [{"token": []}], (method, path)
                assert {"401", "403", "429"} <= operation["responses"].keys(), (method, path)


def test_every_json_body_has_an_example_that_fits_and_every_route_of_packs_is_described(served):
    document = served.request("GET", "/openapi.json").json()
    named = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None:
                Draft202012Validator({**body["schema"], "components": document["components"]}).validate(body["example"])
                named.add(operation["operationId"])
            assert operation["description"], (method, path)
    assert set(examples.BODIES) <= named
    packs = ("VersionOut", "ActiveOut", "Installed", "PacksOut", "ReportOut", "RestOut", "StencilOut", "FindingOut")
    for name in packs:
        fields = document["components"]["schemas"][name]["properties"]
        assert [field for field, said in fields.items() if not said.get("description")] == [], name


def test_every_json_answer_has_an_example_with_each_field_there_is_and_no_other(served):
    document = served.request("GET", "/openapi.json").json()
    seen = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for code, answer in operation["responses"].items():
                said = answer.get("content", {}).get("application/json")
                if said is None or not code.startswith("2") or operation["operationId"] == "openapi":
                    continue
                schema = {**said["schema"], "components": document["components"]}
                Draft202012Validator(schema).validate(said["example"])
                assert unlike(said["schema"], said["example"], document) == [], (method, path)
                seen.add(operation["operationId"])
    assert set(json.loads(ANSWERS.read_text("utf-8"))) == seen - {"post_events"}


def unlike(schema, example, document, at=""):
    """Where an example has other fields than its schema names."""
    schema = schema if "$ref" not in schema else document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(example, list):
        return [said for one in example for said in unlike(schema.get("items", {}), one, document, f"{at}[]")]
    fields = schema.get("properties", {})
    if not isinstance(example, dict) or not fields:
        return []
    wrong = [f"{at}.{name}" for name in fields.keys() ^ example.keys()]
    return wrong + [
        said for name, one in example.items() for said in unlike(fields.get(name, {}), one, document, f"{at}.{name}")
    ]


def test_the_description_names_the_prefix_it_is_mounted_under(served):
    assert served.request("GET", "/openapi.json").json()["servers"] == [{"url": "/"}]
