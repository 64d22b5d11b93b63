"""What is another tenant's is answered like what does not exist, by every call that is made for a tenant."""

import inspect
import json
from datetime import timedelta

import pytest

from cli.commands import GOOD
from depot.making import pack_zip
from livery import Config, Engine
from livery.delivery_log import DeliveryLog
from livery.depot import Packs
from livery.directory.facade import Directory
from livery.domains import Lookup
from livery.errors import LiveryError, NotFound
from livery.models.directory import DirectoryUser
from livery.ports import Query, Who
from livery.sender_domains import SenderDomains
from livery.storage.interventions import Interventions
from livery.suppressions import Suppressions
from livery.tenants import Tenants

NORTH, FOREIGN = "north", "souq"
WHO = Who("eve")
# Each call is made for `north` with what is souq's, and again with what nobody has. {tenant: …, delivery: …, …}.
CALLS = {
    Tenants: {
        "show": lambda e, x: e.tenants.show(x["tenant"], within=NORTH),
        "list": lambda e, x: e.tenants.list(under=x["tenant"], within=NORTH),
        "change": lambda e, x: e.tenants.change(x["tenant"], name="mine", within=NORTH),
    },
    Suppressions: {
        "add": lambda e, x: e.suppressions.add(x["tenant"], "a@b.example", who="eve", within=NORTH),
        "remove": lambda e, x: e.suppressions.remove(x["address"], within=NORTH),
        "find": lambda e, x: e.suppressions.find(tenant=x["tenant"], within=NORTH),
    },
    SenderDomains: {
        "add": lambda e, x: e.domains.add(x["tenant"], "new.example", within=NORTH),
        "check": lambda e, x: e.domains.check(x["tenant"], x["domain"], within=NORTH),
        "remove": lambda e, x: e.domains.remove(x["tenant"], x["domain"], within=NORTH),
        "find": lambda e, x: e.domains.find(tenant=x["tenant"], within=NORTH),
    },
    Directory: {
        "put": lambda e, x: e.directory.put([user(x["tenant"])], within=NORTH),
        "list": lambda e, x: e.directory.list(x["tenant"], within=NORTH),
        "show": lambda e, x: e.directory.show(x["tenant"], within=NORTH),
        "user": lambda e, x: e.directory.user(x["tenant"], "u", within=NORTH),
        "export": lambda e, x: list(e.directory.export(x["tenant"], within=NORTH)),
        "remove": lambda e, x: e.directory.remove(x["tenant"], everything=True, within=NORTH),
    },
    Packs: {
        "list": lambda e, x: e.packs.list(x["tenant"], within=NORTH),
        "show": lambda e, x: e.packs.show(x["version"], within=NORTH),
        "content": lambda e, x: e.packs.content(x["version"], within=NORTH),
        "report": lambda e, x: e.packs.report(x["version"], within=NORTH),
        "active": lambda e, x: e.packs.active(x["tenant"], within=NORTH),
        "used": lambda e, x: e.packs.used(x["tenant"], within=NORTH),
        "activations": lambda e, x: e.packs.activations(x["tenant"], within=NORTH),
        "chain": lambda e, x: e.packs.chain("res-org-n", x["pack"], within=NORTH),
        "history": lambda e, x: e.packs.history(x["tenant"], within=NORTH),
        "candidate": lambda e, x: e.packs.candidate(x["tenant"], b"", within=NORTH),
        "add": lambda e, x: e.packs.add(x["tenant"], b"", who="eve", within=NORTH),
        "activate": lambda e, x: e.packs.activate("res-org-n", x["pack"], x["version"], who="eve", within=NORTH),
        "roll_back": lambda e, x: e.packs.roll_back(x["tenant"], x["pack"], who="eve", within=NORTH),
        "remove": lambda e, x: e.packs.remove(x["version"], who="eve", within=NORTH),
    },
    DeliveryLog: {
        "deliveries": lambda e, x: e.deliveries(tenant=x["tenant"], within=NORTH),
        "delivery": lambda e, x: e.delivery(x["delivery"], within=NORTH),
        "events": lambda e, x: e.events(tenants=[x["tenant"]], within=NORTH),
        "event": lambda e, x: e.event(x["event"], within=NORTH),
        "attempts": lambda e, x: e.attempts(x["delivery"], within=NORTH),
        "wire": lambda e, x: e.wire(x["delivery"], within=NORTH),
        "waiting": lambda e, x: e.waiting(x["tenant"], within=NORTH),
        "interventions_of": lambda e, x: e.interventions_of(NORTH).audit(x["delivery"]),
        "destinations": lambda e, _: e.destinations(troubled=False, within=NORTH),
        "counts": lambda e, _: e.counts(within=NORTH),
    },
    Interventions: {
        "found": lambda e, x: e.interventions_of(NORTH).found(Query(tenant=x["tenant"])),
        "retry": lambda e, x: e.interventions_of(NORTH).retry([x["delivery"]], WHO),
        "cancel": lambda e, x: e.interventions_of(NORTH).cancel([x["delivery"]], WHO),
        "purge": lambda e, x: e.interventions_of(NORTH).purge(timedelta(), WHO, tenant=x["tenant"]),
        "enable": lambda e, x: e.interventions_of(NORTH).enable(x["destination"], WHO),
        "disable": lambda e, x: e.interventions_of(NORTH).disable(x["destination"], WHO),
        "audit": lambda e, x: e.interventions_of(NORTH).audit(x["destination"]),
    },
}
NOT_FOR_A_TENANT = {
    Tenants: {
        "add": "the operator's",
        "remove": "the operator's",
        "check": "the operator's",
        "problems": "the operator's",
        "chain": "the flow's",
        "below": "livery.toml's, for rules",
    },
    Suppressions: {"kept_off": "the flow's", "before_send": "the flow's", "learn": "the flow's"},
    SenderDomains: {"recheck": "the worker's", "standing": "the flow's: the chain is the scope"},
    Directory: {},
    Packs: {},
    DeliveryLog: {"clock_ahead": "the installation's"},
    Interventions: {"of": "makes the others for a tenant"},
}


def user(tenant):
    return DirectoryUser(tenant=tenant, id="u", name="Sami", email="sami@souq.example")


@pytest.mark.parametrize("facade", CALLS, ids=lambda one: one.__name__)
def test_every_public_call_is_tried_here_or_said_why_not(facade):
    public = {name for name, _ in inspect.getmembers(facade, inspect.isfunction) if not name.startswith("_")}
    assert public == set(CALLS[facade]) | set(NOT_FOR_A_TENANT[facade])


@pytest.fixture
def engine(tmp_path, mail, http):
    http.answers["/souq"] = [(503, "", {})] * 9
    hook = {"url": http.url("/souq"), "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    config = Config.load(
        None,
        database_url=f"sqlite:///{tmp_path}/livery.db",
        outbound={"allow": ["127.0.0.1"]},
        blocked_plugins=["livery_pack_souq_cloud"],  # its id holds the tenant's
        channels={"smtp": {"host": "127.0.0.1", "port": mail.port}},
        tenants={
            "platform": {},
            NORTH: {"parent": "platform"},
            "res-org-n": {"parent": NORTH},
            FOREIGN: {"parent": "platform", "channels": {"webhook": hook}},
        },
    )
    with Engine.open(config, resolve=lambda _: Lookup(status="absent")) as opened:
        opened.suppressions.add(FOREIGN, "secret@souq.example", who="sami")
        opened.domains.add(FOREIGN, "souq.example")
        opened.directory.put([user(FOREIGN)])
        opened.packs.add(FOREIGN, pack_zip("oasis"), who="sami")
        opened.packs.activate(FOREIGN, "oasis", who="sami", use=False)
        for seller in (FOREIGN, "res-org-n"):
            opened.accept({**GOOD, "id": seller, "data": {**GOOD["data"], "seller": {"id": seller, "name": seller}}})
        opened.drain()
        yield opened


def theirs(engine):
    """What is souq's, and the same of nobody's."""
    one, where = engine.deliveries(tenant=FOREIGN, channel="smtp")[0], engine.destinations(troubled=False)
    mine = {
        "tenant": FOREIGN, "pack": "oasis", "version": engine.packs.list(FOREIGN)[0].id, "address": "secret@souq.example", "domain": "souq.example", "delivery": one.id, "event": one.event_key,
        "destination": next(dest.key for dest in where if dest.tenant == FOREIGN),
    }  # fmt: skip
    return mine, {name: f"no-{name}.example" for name in mine}


def answer(engine, call, given):
    """What comes back, whatever was asked for."""
    try:
        found = repr(call(engine, given))
    except LiveryError as error:
        found = f"{type(error).__name__}: {error}"
    for name, value in sorted(given.items(), key=lambda one: -len(one[1])):
        found = found.replace(value, f"<{name}>")
    return found


def test_what_is_anothers_is_answered_like_what_does_not_exist(engine):
    mine, nobodys = theirs(engine)
    before = state(engine)
    told = {
        f"{facade.__name__}.{name}": (answer(engine, call, mine), answer(engine, call, nobodys))
        for facade, calls in CALLS.items()
        for name, call in calls.items()
    }
    assert {name: both for name, both in told.items() if both[0] != both[1]} == {}
    assert [name for name, (foreign, _) in told.items() if "souq" in foreign.lower() or "sami" in foreign] == []
    assert state(engine) == before


def state(engine):
    """All of souq's, as the operator sees it."""
    return json.dumps(
        [
            [one.plain() for one in engine.tenants.list(under=FOREIGN)],
            [one.plain() for one in engine.suppressions.find(tenant=FOREIGN)],
            [one.plain() for one in engine.domains.find(tenant=FOREIGN)],
            [one.plain() for one in (*engine.packs.list(FOREIGN), *engine.packs.history(FOREIGN))],
            [one.plain() for one in engine.packs.active(FOREIGN)],
            [one.model_dump(mode="json") for one in engine.directory.export(FOREIGN)],
            [one.model_dump(mode="json") for one in engine.deliveries(tenant=FOREIGN)],
            [one.model_dump(mode="json") for one in engine.destinations(troubled=False) if one.tenant == FOREIGN],
        ]
    )


def test_a_tenant_sees_its_own_and_what_is_below_it(engine):
    assert {one.tenant for one in engine.deliveries(within=NORTH)} == {"res-org-n"}
    assert {one.tenant for one in engine.deliveries(within="platform")} == {"res-org-n", FOREIGN}
    (one,) = engine.deliveries(within=NORTH)
    assert len(engine.attempts(one.id, within=NORTH)) == 1
    assert engine.wire(one.id, within=NORTH) == engine.wire(one.id)
    assert engine.counts(within=NORTH) == {"accepted": 1, "unplanned": 0}
    (done,) = engine.interventions_of(NORTH).retry([one.id], Who("nele"))
    assert done.done
    assert [entry.actor for entry in engine.interventions_of(NORTH).audit()] == ["nele"]
    assert engine.interventions_of(FOREIGN).audit() == []
    with pytest.raises(NotFound, match="no tenant is called 'nobody'"):
        engine.deliveries(within="nobody")
