"""What webhooks post: the CloudEvent by its published schema, or another shape by a mapping file."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

import livery_webhook
from channels.making import ENVELOPE, outbound, sent
from livery import Config, Engine
from livery.config import problems_of
from livery.errors import ConfigError
from livery.plugin import Format, Message, hookimpl
from livery.testing import HttpReceiver
from livery.writing import Reading
from livery_webhook import mapping
from livery_webhook.channel import WebhookChannel, WebhookDestination

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SHIPPED = Path(livery_webhook.__file__).parent / "mappings" / "platform.toml"
ENGINE = Engine.open(Config(channels={"smtp": {}}))
SAMPLES = [
    (kind, json.loads(raw))
    for kind in ENGINE.types.values()
    for pack in ENGINE.library.packs.values()
    for _, raw in pack.samples(kind.notification)
]
HOSTILE = [
    '"}, {"x": "',
    "{{ 7 * 7 }}",
    "${event.id}",
    "$from",
    "</script>",
    "\u202e\u2028",
    "{'$from': 'event.id'}",
    "%s %d {0}",
    "\\u0000",
]


def engine(tmp_path, mapped="", **destination):
    bodies = 'own = "own.toml"' if mapped else ""
    (tmp_path / "own.toml").write_text(mapped)
    (tmp_path / "livery.toml").write_text(f"[channels.webhook]\nbodies = {{ {bodies} }}\n")
    where = {"url": "https://hooks.example/x", "secret": SECRET, **destination}
    tenants = {"platform": {}, "res-org-n": {"parent": "platform", "channels": {"webhook": [where]}}}
    return Engine.open(Config.load(tmp_path / "livery.toml", tenants=tenants))


def filled(body, **roots):
    return mapping._Reading().body({"format": 1, "body": body}).fill(roots)


def problems(body, **top):
    reading = mapping._Reading()
    reading.body({"format": 1, "body": body, **top})
    return reading.problems


# ------------------------------------------------------------------ the CloudEvent


@pytest.mark.parametrize(("kind", "event"), SAMPLES, ids=lambda one: one.name if hasattr(one, "name") else one["id"])
def test_what_is_posted_keeps_the_published_schema(tmp_path, kind, event):
    event["data"]["seller"]["id"] = "res-org-n"
    schema = kind.schema_of_event()
    Draft202012Validator.check_schema(schema)
    judge = Draft202012Validator(schema)
    with engine(tmp_path) as opened:
        for given_event in (event, opened.read(event)):  # as it came, and as it is stored and read again
            judge.validate(json.loads(opened.preview(given_event, channel="webhook").wire))
    for broken in (
        {**event, "type": "Other"},
        {**event, "data": {}},
        {key: one for key, one in event.items() if key != "id"},
    ):
        assert not judge.is_valid(broken)


@pytest.mark.parametrize(("kind", "event"), SAMPLES, ids=lambda one: one.name if hasattr(one, "name") else one["id"])
def test_what_no_plugin_has_a_say_in_is_the_same_by_the_shorter_way(tmp_path, kind, event):
    class Listens:
        @hookimpl
        def livery_amend_notification(self, notification): ...

    event["data"]["seller"]["id"] = "res-org-n"
    with engine(tmp_path, body="platform") as opened:
        read, now = opened.read(event), ENVELOPE.created_at
        chain = opened.planner.settled(read, "webhook", now)
        short = opened.writer.message(read, chain, "webhook", ENVELOPE, Reading(now))
        opened.hooks.register(Listens(), "listens")
        long = opened.writer.message(read, chain, "webhook", ENVELOPE, Reading(now))
    assert short == long
    assert list(short[0].context["notification"]) == list(long[0].context["notification"])


def test_an_attribute_that_is_not_there_is_not_posted_as_null(tmp_path):
    _, event = SAMPLES[0]
    bare = {key: one for key, one in event.items() if key not in ("subject", "time", "dataschema")}
    bare["data"]["seller"]["id"] = "res-org-n"
    with engine(tmp_path) as opened:
        stored = opened.read(json.dumps(opened.read(bare).plain()))
        posted = json.loads(opened.preview(stored, channel="webhook").wire)
    assert {"subject", "time", "dataschema"}.isdisjoint(posted)


def test_every_field_has_a_description():
    def check(schema, defs, path):
        for name, field in schema.get("properties", {}).items():
            assert field.get("description"), f"{path}.{name}"
        for part in defs.values():
            check(part, {}, path)

    for kind in ENGINE.types.values():
        schema = kind.schema_of_event()
        check(schema["properties"]["data"], schema["$defs"], kind.name)


# ------------------------------------------------------------------ the shipped mapping


@pytest.mark.parametrize(("kind", "event"), SAMPLES, ids=lambda one: one.name if hasattr(one, "name") else one["id"])
async def test_the_platform_body_says_what_happened_in_the_platforms_keys(tmp_path, kind, event):
    event["data"]["seller"]["id"] = "res-org-n"
    with engine(tmp_path, body="platform") as opened:
        body = json.loads(opened.preview(event, channel="webhook").wire)
    assert list(body) == [
        "Subject",
        "TemplateName",
        "AuditId",
        "TemplateData",
        "TemplateLoopData",
        "TemplateNestedLoopData",
    ]
    assert (body["Subject"], body["TemplateName"]) == (None, kind.name)
    assert body["AuditId"].startswith("dlv_")
    data = body["TemplateData"]
    assert data["OrganizationName"] == event["data"]["customer"]["name"]
    assert data["OfferName"] == event["data"]["offer"]["name"]
    assert data.get("ErrorDescription") == event["data"].get("error", {}).get("message")
    assert "ErrorDescription" in data or kind.name != "OfferProvisionError"
    assert data["BaseColor"].startswith("#")
    assert body["TemplateLoopData"]["OrderItems"][0]["Quantity"] == event["data"]["offer"].get("quantity")


async def test_it_is_posted_signed_and_with_its_own_content_type():
    where = WebhookDestination(url="https://x.example/", secret=SECRET, body="platform")
    channel = WebhookChannel(WebhookChannel.Settings(), outbound())
    message = Message(
        format=Format.JSON, locale="en", title="x", body={"type": "T", "data": {"customer": {"name": "Zoë"}}}
    )
    wire = channel.encode_for(where, message, ENVELOPE)
    assert wire == channel.encode_for(where, message, ENVELOPE)
    with HttpReceiver() as server:
        here = where.model_copy(update={"url": server.url("/hook")})
        assert (await sent(channel, message=message, destination=here, wire=wire)).status == "delivered"
    [request] = server.requests
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body)["AuditId"] == ENVELOPE.delivery_id
    from standardwebhooks import Webhook

    assert Webhook(SECRET).verify(request.body, dict(request.headers))["TemplateName"] == "T"


def test_an_own_mapping_is_read_beside_livery_toml(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    _, event = SAMPLES[0]
    event["data"]["seller"]["id"] = "res-org-n"
    own = 'format = 1\n[body]\ntext = { "$from" = "notification.title" }\n'
    with engine(tmp_path, own, body="own") as opened:
        assert list(json.loads(opened.preview(event, channel="webhook").wire)) == ["text"]


def test_a_wrong_mapping_stops_the_start_with_all_that_is_wrong(tmp_path):
    own = 'format = 2\ntypo = 1\n[body]\na = { "$from" = "os.environ" }\nb = { "$each" = "event.data.x" }\n'
    with pytest.raises(ConfigError) as caught:
        engine(tmp_path, own)
    said = str(caught.value)
    for part in (
        "own.toml",
        "format: expected 1",
        "typo: no such key",
        "body.a.$from: os.environ begins with none of event",
        "body.b.$as",
    ):
        assert part in said


async def test_a_body_nobody_configured_waits_for_the_operator():
    where = WebhookDestination(url="https://x.example/", secret=SECRET, body="missing")
    outcome = await sent(WebhookChannel(WebhookChannel.Settings(), outbound()), destination=where, wire=b"{}")
    assert (outcome.status, outcome.reason, "'missing'" in outcome.detail) == ("retry", "misconfigured", True)


# ------------------------------------------------------------------ the language


def test_values_keep_their_type_and_constants_stay_as_they_are():
    body = {"n": {"$from": "event.n"}, "o": {"$from": "event.o"}, "c": [1, 1.5, True, "x"], "z": {"$null": True},
            "d": {"$from": "event.none", "$else": {"a": [0]}}, "gone": {"$from": "event.none", "$omit": True},
            "null": {"$from": "event.none"}, "list": [{"$from": "event.none", "$omit": True}, 1]}  # fmt: skip
    made = filled(body, event={"n": 1.5, "o": {"p": [True]}})
    assert made == {
        "n": 1.5,
        "o": {"p": [True]},
        "c": [1, 1.5, True, "x"],
        "z": None,
        "d": {"a": [0]},
        "null": None,
        "list": [1],
    }


def test_lists_are_walked_and_lists_in_lists_are_flattened():
    lines = [
        {"id": "L1", "prices": [{"id": "P1", "net": 1}, {"id": "P2", "net": 2}]},
        {"id": "L2", "prices": []},
        {"id": "L3"},
        7,
    ]
    body = {
        "items": {
            "$each": "event.lines",
            "$as": {"Id": {"$from": "item.id"}, "Prices": {"$each": "item.prices", "$as": {"$from": "item.id"}}},
        },
        "prices": {"$each": "event.lines[].prices", "$as": {"$from": "item"}},
        "ids": {"$each": "event.lines[].id", "$as": {"$from": "item"}},
    }
    made = filled(body, event={"lines": lines})
    assert made["items"][0] == {"Id": "L1", "Prices": ["P1", "P2"]}
    assert [one["Id"] for one in made["items"]] == ["L1", "L2", "L3", None]
    assert [one["id"] for one in made["prices"]] == ["P1", "P2"]
    assert filled({"x": {"$each": "event.lines", "$as": 1}}, event={"lines": "no list"}) == {"x": []}


@pytest.mark.parametrize(
    "leaf",
    [{"$from": "event"}, {"$from": "event.a[].b"}, {"$from": ""}, {"$from": "event..a"}, {"$from": "event.a b"}, {"$from": 7}, {"$from": "item.x"},
     {"$from": "__class__.x"}, {"$from": "event.a", "x": 1}, {"$if": "x"}, {"$from": "event.a", "$each": "event.b"}, {"$null": False},
     {"$each": "event.x"}, {"$from": "event.x", "$omit": "yes"}, {"$from": "event.x", "$else": {"$from": "event.y"}}],
    ids=str,
)  # fmt: skip
def test_what_the_language_does_not_have_is_refused_with_its_place(leaf):
    if leaf == {"$from": "event"}:
        assert problems({"a": leaf}) == []
        return
    found = problems({"a": leaf})
    assert found, leaf
    assert all(one.startswith("body.a") for one in found)


def test_what_is_too_large_is_refused():
    deep: dict = {}
    at = deep
    for _ in range(40):
        at["x"] = at = {}
    assert any("deeper than 16 levels" in one for one in problems(deep))
    assert any("at most 2,000" in one for one in problems({"a": [1] * 3000}))
    assert any("expected a table" in one for one in problems("text"))
    assert any("content_type" in one for one in problems({}, content_type="text/html\r\nX: 1"))
    assert any("no number" in one or "expected text" in one for one in problems({"a": float("nan")}))


def test_lists_in_lists_cannot_grow_without_end():
    square = {"$each": "event.l", "$as": {"$each": "event.l", "$as": {"$each": "event.l", "$as": 1}}}
    with pytest.raises(ValueError, match="more than 50,000 values"):
        filled({"x": square}, event={"l": [0] * 300})


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.sampled_from(["$from", "a", "b"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150)
@given(_json)
def test_whatever_an_event_holds_it_stays_a_value(value):
    shaped = {"leaf": {"$from": "event.v"}, "each": {"$each": "event.l", "$as": {"v": {"$from": "item"}}}, "end": "end"}
    made = json.loads(json.dumps(filled(shaped, event={"v": value, "l": [value, value]})))
    assert made == {"leaf": value, "each": [{"v": value}, {"v": value}], "end": "end"}


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "big.toml").write_text("#" * 70_000)
    (tmp_path / "bad.toml").write_text("[")
    (tmp_path / "bin.toml").write_bytes(b"\xff\xfe")
    for name in ("big", "bad", "bin", "none"):
        with pytest.raises(ValueError, match=rf"{name}\.toml"):
            mapping.read(tmp_path / f"{name}.toml")


def test_the_shipped_file_is_the_example_it_says_it_is():
    given_file = tomllib.loads(SHIPPED.read_text("utf-8"))
    assert set(given_file) == {"format", "summary", "content_type", "body"}
    leaves = dict(mapping.shipped().sources())
    assert leaves["TemplateData.OrganizationName"] == "event.data.customer.name; null if there is none"
    assert leaves["TemplateNestedLoopData.Prices[]"].endswith("for each of event.data.prices")


@pytest.mark.parametrize("body", ["", "a b", "../x", "x" * 61])
def test_the_name_of_a_body_is_a_word(body):
    with pytest.raises(ValidationError) as caught:
        WebhookDestination(url="https://x.example/", secret=SECRET, body=body)
    assert [problem.path for problem in problems_of(caught.value)] == ["body"]
