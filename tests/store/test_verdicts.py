"""Whatever comes, SQLite and PostgreSQL answer alike, and keep the same bytes."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import databases
from livery import Config, Engine
from livery.errors import LiveryError
from livery.ports import Who

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
TENANTS = {"platform": {}, "res-org-n": {"parent": "platform", "name": "Res. Org N."}}
ODD = [
    "\x00", "a\x00b", "\ud800", "a\udfffb", "\\u0000", "\\ud800", "\U0010ffff", "\x7f\x1b[31m", "\u202eabc", "'; DROP TABLE x; --",
    "%s %(a)s $1 :a", "e\u0301", "\u00e9", "", " ", "x" * 201, "x" * 5000,
    float("nan"), float("inf"), 1e308, 1e999, 10**30, -(10**30), 2**31, 2**63, 2**64, True, None, [], {}, [[[[]]]],
]  # fmt: skip
PLACES = [("id",), ("source",), ("type",), ("time",), ("data", "seller", "id"), ("data", "order", "id"),
          ("data", "error", "message"), ("data", "error", "odd"), ("data", "offer", "name"), ("data", "user", "email")]  # fmt: skip


@pytest.fixture(scope="module")
def engines(postgres, tmp_path_factory):
    with databases.database(postgres) as url:
        urls = (f"sqlite:///{tmp_path_factory.mktemp('store')}/livery.db", url)
        made = [
            Engine.open(Config.load(None, database_url=one, tenants=TENANTS, channels={"smtp": {}})) for one in urls
        ]
        yield made
        for one in made:
            one.close()


def answered(engine, ask):
    """What came of it: the answer, or the error that people are told."""
    try:
        return ask(engine)
    except (LiveryError, ValueError) as error:
        return type(error).__name__, str(error)


def alike(engines, ask):
    first, second = (answered(engine, ask) for engine in engines)
    assert first == second
    return first


def kept(engine, id_):
    with engine._opened().ledger.engine.connect() as store:
        from livery.storage import schema

        event = schema.event
        rows = store.execute(event.select().where(event.c.event_id == id_)).mappings().all()
        return [(bytes(row["body"]), row["digest"], row["tenant"], row["source"]) for row in rows]


def at(place, value, **changes):
    event = {**deepcopy(GOOD), **changes}
    part = event
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    return event


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_what_is_odd_is_taken_or_refused_alike(engines, place):
    for number, value in enumerate(ODD):
        event = at(place, value) if place == ("id",) else at(place, value, id=f"{'.'.join(place)}-{number}")
        found = alike(engines, lambda engine, event=event: engine.accept(event).duplicate)
        if found in (True, False):
            assert len({str(kept(engine, event["id"])) for engine in engines}) == 1


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=9), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8,
), max_size=4), st.uuids())  # fmt: skip
def test_any_json_is_kept_byte_for_byte_alike(engines, more, id_):
    event = {**deepcopy(GOOD), "id": str(id_)}
    event["data"]["error"]["more"] = more
    if alike(engines, lambda engine: engine.accept(event).duplicate) is False:
        first, second = (kept(engine, str(id_)) for engine in engines)
        assert first == second
        assert len(first) == 1
        assert alike(engines, lambda engine: engine.accept(event).duplicate) is True


@pytest.mark.parametrize("value", [one for one in ODD if isinstance(one, str)])
def test_what_is_looked_for_and_noted_may_be_odd(engines, value):
    for ask in (
        lambda engine: [one.event_id for one in engine.deliveries(event_id=value)],
        lambda engine: [one.tenant for one in engine.deliveries(tenant=value)],
        lambda engine: [one.tenant for one in engine.deliveries(id_prefix=value)] if value else [],
        lambda engine: engine.attempts(value),
        lambda engine: engine.wire(value),
        lambda engine: [one.said for one in engine.interventions.retry([value], Who(value, value))],
        lambda engine: engine.suppressions.add("platform", "a@b.example", who=value, note=value) and None,
        lambda engine: engine.tenants.chain(value),
    ):
        alike(engines, ask)


@pytest.mark.parametrize("value", ["\x00", "\ud800", "x" * 5000, "good"])
def test_who_did_something_by_hand_and_why_are_noted_alike(engines, value):
    event = {**deepcopy(GOOD), "id": f"by-hand-{len(value)}-{ord(value[0])}"}
    ids = [engine.accept(event).deliveries[0] for engine in engines]

    def ask(engine):
        (id_,) = (one for one in ids if engine._opened().ledger.delivery(one))
        engine.interventions.cancel([id_], Who(value, value))
        (noted,) = engine.interventions.audit(id_)
        return noted.actor, noted.why

    actor, why = alike(engines, ask)
    assert "\x00" not in actor + why
