"""Accept: whatever form an event comes in, it is the same event and has the same stored bytes."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.catalogue import OfferProvisionErrorData
from livery.models.event import Event
from livery.steps import accept
from unit.making import PLAIN, TYPES, event, plain

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=10)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)
new_keys = text.filter(lambda key: key not in PLAIN["data"])
parts = st.sampled_from(["data", "data.seller", "data.user", "data.order", "data.offer", "data.error"])
extras = st.lists(st.tuples(parts, new_keys.filter(lambda key: "." not in key), json_values), max_size=4)


def typed() -> Event:
    moment = datetime.fromisoformat(PLAIN["time"])
    data = OfferProvisionErrorData.model_validate_json(json.dumps(PLAIN["data"]))
    return Event(**{**PLAIN, "time": moment, "data": data})


def extended(added) -> dict:
    """The event with fields nobody declared."""
    raw = plain()
    for path, key, value in added:
        part = raw
        for name in path.split("."):
            part = part[name]
        part.setdefault(key, value)
    return raw


def shuffled(value, random):
    if isinstance(value, dict):
        pairs = [(key, shuffled(one, random)) for key, one in value.items()]
        random.shuffle(pairs)
        return dict(pairs)
    return [shuffled(one, random) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "raw",
    [
        plain(),
        json.dumps(plain()),
        json.dumps(plain(), indent=4, sort_keys=True),
        json.dumps(plain(), ensure_ascii=False).encode(),
        typed(),
        event(),
        accept.canonical(event()),
        plain({"data.offer.name": "  Copilot\n"}),
    ],
    ids=["dict", "text", "indented", "bytes", "typed", "read before", "canonical", "untrimmed"],
)
def test_typed_event_dict_text_and_bytes_of_an_event_have_the_same_bytes(raw):
    assert accept.canonical(accept.read(raw, TYPES)) == accept.canonical(event())


def test_an_absent_field_and_null_are_the_same_event():
    absent = event(without=("subject", "data.user.email", "data.order.url"))
    null = event({"subject": None, "data.user.email": None, "data.order.url": None})
    assert accept.canonical(absent) == accept.canonical(null)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "evt-2"},
        {"data.error.message": "Other"},
        {"data.new": 1},
        {"traceparent": "00"},
        {"time": "2026-11-20T09:41:28Z"},
    ],
)
def test_events_that_differ_have_different_bytes(changes):
    assert accept.canonical(event(changes)) != accept.canonical(event())


def test_canonical_bytes_are_utf8_json_with_sorted_keys_and_no_escapes_of_letters():
    raw = accept.canonical(event({"data.offer.name": "مايكروسوفت ü"}))
    assert "مايكروسوفت ü".encode() in raw
    assert raw == json.dumps(json.loads(raw), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("form", [dict, json.dumps, lambda raw: json.dumps(raw).encode()])
@pytest.mark.parametrize("value", [None, True, 0, 2.5, "text", [1, [2, {"a": None}]], {"deep": {"er": []}}, 10**40])
def test_unknown_fields_of_the_data_are_kept(form, value):
    accepted = accept.read(form(plain({"data.new": value, "data.error.vendor_detail": value})), TYPES)
    stored = json.loads(accept.canonical(accepted))["data"]
    assert (stored["new"], stored["error"]["vendor_detail"]) == (value, value)


def test_unknown_fields_of_a_typed_event_are_kept():
    data = OfferProvisionErrorData.model_validate_json(json.dumps({**PLAIN["data"], "new": [1, {"a": "b"}]}))
    accepted = accept.read(typed().model_copy(update={"data": data}), TYPES)
    assert json.loads(accept.canonical(accepted))["data"]["new"] == [1, {"a": "b"}]


def test_the_zone_an_event_names_is_kept():
    accepted = event({"time": "2026-11-20T10:41:27+05:30"})
    assert accepted.time is not None
    assert accepted.time.utcoffset() == timedelta(hours=5, minutes=30)
    again = accept.read(accept.canonical(accepted), TYPES)
    assert again.time == accepted.time
    assert again.time.utcoffset() == accepted.time.utcoffset()


@given(added=extras)
def test_canonical_of_what_was_read_is_read_as_the_same(added):
    once = accept.read(extended(added), TYPES)
    again = accept.read(accept.canonical(once), TYPES)
    assert accept.canonical(again) == accept.canonical(once)
    assert again == once


@given(added=extras, random=st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(added, random):
    raw = extended(added)
    assert accept.canonical(accept.read(shuffled(raw, random), TYPES)) == accept.canonical(accept.read(raw, TYPES))


@given(added=extras)
def test_what_was_accepted_is_what_is_stored(added):
    raw = extended(added)
    stored = json.loads(accept.canonical(accept.read(raw, TYPES)))
    for path, key, _ in added:
        part, kept = raw, stored
        for name in path.split("."):
            part, kept = part[name], kept[name]
        assert kept[key] == part[key]


offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moment=st.datetimes(timezones=offsets))
def test_every_time_with_a_zone_survives_being_stored(moment):
    once = accept.read(plain({"time": moment.isoformat(), "data.error.occurred_at": moment.isoformat()}), TYPES)
    again = accept.read(accept.canonical(once), TYPES)
    assert once.time == again.time == moment
    assert again.data.error.occurred_at == moment
