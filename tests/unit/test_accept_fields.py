"""Accept: every field that is wrong is named, with what was expected there and what came."""

import json
from types import UnionType
from typing import Any, get_args

import pytest

from livery.catalogue import OfferProvisionErrorData
from livery.errors import EventError, UnknownEventType
from livery.models.event import Event, EventPart
from livery.steps import accept
from unit.making import TYPES, plain

TEXT, OBJECT, WHOLE, TIME = "text", "an object", "a whole number", "datetime"

# (path, value of a wrong type, what the error says was expected)
WRONG_TYPES = [
    ("data", [], OBJECT),
    ("data", "text", OBJECT),
    ("data.seller", "shop", OBJECT),
    ("data.seller.id", 5, TEXT),
    ("data.seller.name", ["The Shop"], TEXT),
    ("data.customer", [1], OBJECT),
    ("data.customer.id", True, TEXT),
    ("data.customer.name", 4.5, TEXT),
    ("data.user", "ada", OBJECT),
    ("data.user.id", {}, TEXT),
    ("data.user.name", 1, TEXT),
    ("data.user.email", ["a@b.example"], TEXT),
    ("data.user.locale", 1031, TEXT),
    ("data.order", 17, OBJECT),
    ("data.order.id", 17, TEXT),
    ("data.order.placed_at", 1700000000, TIME),
    ("data.order.url", {"href": "x"}, TEXT),
    ("data.offer", False, OBJECT),
    ("data.offer.id", 17, TEXT),
    ("data.offer.name", {"en": "Copilot"}, TEXT),
    ("data.offer.vendor", 3, TEXT),
    ("data.offer.quantity", "25", WHOLE),
    ("data.offer.quantity", 2.5, WHOLE),
    ("data.offer.quantity", True, WHOLE),
    ("data.error", "it broke", OBJECT),
    ("data.error.code", 500, TEXT),
    ("data.error.message", {"text": "it broke"}, TEXT),
    ("data.error.occurred_at", False, TIME),
    ("data.error.correlation_id", 9, TEXT),
    ("data.error.retryable", "no", "true or false"),
    ("data.error.retryable", 0, "true or false"),
    ("specversion", 1.0, "'1.0'"),
    ("id", 7, TEXT),
    ("source", None, TEXT),
    ("subject", 7, TEXT),
    ("time", 1700000000, TIME),
    ("datacontenttype", 7, "'application/json'"),
    ("dataschema", 7, TEXT),
]
WRONG_VALUES = [
    ("data.order.placed_at", "2026-11-20T09:41:27", "a time with its zone"),
    ("data.error.occurred_at", "20 November", "datetime"),
    ("data.offer.quantity", -1, "greater than or equal to 0"),
    ("data.offer.name", "", "at least 1 character"),
    ("data.offer.name", " \t ", "at least 1 character"),
    ("data.customer.name", "x" * 401, "at most 400 characters"),
    ("data.error.message", "", "at least 1 character"),
    ("data.order.url", "https://x.example/" + "x" * 2000, "at most 2000 characters"),
    ("data.user.email", "x" * 1001, "at most 1000 characters"),
    ("time", "2026-11-20T09:41:27", "a time with its zone"),
    ("time", "yesterday", "datetime"),
    ("specversion", "0.3", "'1.0'"),
    ("specversion", "1.0.1", "'1.0'"),
    ("datacontenttype", "text/xml", "'application/json'"),
    ("id", "", "at least 1 character"),
    ("id", "x" * 201, "at most 200 characters"),
    ("subject", "", "at least 1 character"),
]
REQUIRED = [
    "specversion",
    "id",
    "source",
    "type",
    "data",
    "data.seller",
    "data.seller.id",
    "data.seller.name",
    "data.customer",
    "data.customer.id",
    "data.customer.name",
    "data.user.id",
    "data.order",
    "data.order.id",
    "data.offer",
    "data.offer.name",
    "data.error",
    "data.error.message",
]
OPTIONAL = [
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "data.user",
    "data.user.name",
    "data.user.email",
    "data.user.locale",
    "data.order.placed_at",
    "data.order.url",
    "data.offer.id",
    "data.offer.vendor",
    "data.offer.quantity",
    "data.error.code",
    "data.error.occurred_at",
    "data.error.correlation_id",
    "data.error.retryable",
]
NULLABLE = [path for path in OPTIONAL if path not in ("datacontenttype", "data.user.name")]


def refused(raw: Any) -> EventError:
    with pytest.raises(EventError) as caught:
        accept.read(raw, TYPES)
    return caught.value


def line_of(error: EventError, path: str) -> str:
    """The one line of the error's text that speaks of `path`."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip().startswith(f"{path}:")]
    assert len(lines) == 1, str(error)
    return lines[0]


def fields_of(model: type[EventPart], at: str) -> set[str]:
    paths = set()
    for name, field in model.model_fields.items():
        kinds = get_args(field.annotation) if isinstance(field.annotation, UnionType) else (field.annotation,)
        paths.add(f"{at}.{name}")
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, EventPart):
                paths |= fields_of(kind, f"{at}.{name}")
    return paths


def test_the_tables_speak_of_every_field_of_event_and_data():
    every = fields_of(OfferProvisionErrorData, "data") | set(Event.model_fields)
    assert {path for path, _, _ in WRONG_TYPES} | {"type"} == every
    assert {*REQUIRED, *OPTIONAL} == every


@pytest.mark.parametrize(("path", "value", "expected"), [*WRONG_TYPES, *WRONG_VALUES])
def test_a_wrong_value_is_refused_with_path_expectation_and_what_came(path, value, expected):
    line = line_of(refused(plain({path: value})), path)
    came = "null" if value is None else repr(value)[:80]
    assert expected in line
    assert came in line


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_field_is_named(path):
    line = line_of(refused(plain(without=(path,))), path)
    assert line == f"{path}: expected a value, none is given"


@pytest.mark.parametrize("path", [path for path in REQUIRED if path not in ("specversion", "type")])
def test_null_for_a_required_field_is_refused_as_null(path):
    assert line_of(refused(plain({path: None})), path).endswith("got null")


@pytest.mark.parametrize("path", OPTIONAL)
def test_an_optional_field_may_be_absent(path):
    assert accept.read(plain(without=(path,)), TYPES).id == "evt-1"


@pytest.mark.parametrize("path", NULLABLE)
def test_an_optional_field_may_be_null(path):
    assert accept.read(plain({path: None}), TYPES).id == "evt-1"


@pytest.mark.parametrize("name", ["offerProvisionError", "OfferProvisionErrors", "com.example.other", " ", "🙂"])
def test_an_unknown_event_type_lists_the_known_ones(name):
    with pytest.raises(UnknownEventType) as caught:
        accept.read(plain({"type": name}), TYPES)
    assert line_of(caught.value, "type") == f"type: expected one of OfferProvisionError, got {name!r}"


def test_an_unknown_event_type_says_so_where_no_plugin_registered_any():
    with pytest.raises(UnknownEventType, match="one of none"):
        accept.read(plain(), {})


@pytest.mark.parametrize("value", [5, None, True, [], {}, ""])
def test_a_type_that_is_no_name_is_refused_once(value):
    line = line_of(refused(plain({"type": value})), "type")
    assert ("null" if value is None else repr(value)) in line


def test_all_problems_of_envelope_and_data_are_listed_at_once():
    broken = plain(
        {
            "specversion": "0.3",
            "time": "yesterday",
            "Bad-Name": "x",
            "data.seller": {},
            "data.offer.quantity": -1,
            "data.error.retryable": "no",
        },
        without=("id", "data.customer", "data.error.message"),
    )
    found = {problem.path for problem in refused(broken).problems}
    assert found == {
        "specversion",
        "time",
        "id",
        "Bad-Name",
        "data.seller.id",
        "data.seller.name",
        "data.customer",
        "data.offer.quantity",
        "data.error.message",
        "data.error.retryable",
    }


def test_an_empty_object_lists_every_required_attribute():
    assert {problem.path for problem in refused({}).problems} == {"specversion", "id", "source", "type", "data"}


@pytest.mark.parametrize("name", ["data-ref", "traceParent", "x_y", "ünïcode", "a b", "", "a" * 21, "a.b", "٣"])
def test_an_extension_attribute_of_another_name_than_cloudevents_allows_is_refused(name):
    error = refused(plain({"placeholder": 1}) | {name: "x"} if name else {**plain(), "": "x"})
    assert name in {problem.path for problem in error.problems}
    assert "a-z and 0-9" in str(error)


@pytest.mark.parametrize("value", [1.5, None, [], {}, ["x"]])
def test_an_extension_attribute_of_another_type_than_cloudevents_allows_is_refused(value):
    line = line_of(refused(plain({"tracing": value})), "tracing")
    assert "extension" in line


@pytest.mark.parametrize("value", ["00-4bf9", 7, -1, True, False, ""])
@pytest.mark.parametrize("name", ["traceparent", "a", "1", "a" * 20])
def test_an_extension_attribute_as_cloudevents_allows_is_kept(name, value):
    stored = json.loads(accept.canonical(accept.read(plain({name: value}), TYPES)))
    assert stored[name] == value
