"""A tenant outside of somebody's scope is answered like one that does not exist, by every call there is."""

import inspect
import json
from pathlib import Path

import pytest

from livery.administration.facade import Settings
from livery.errors import NotFound
from livery.settings.changes import Scope, Signed, Write
from livery.settings.differences import ANY, Operation, Slot
from livery.storage.settings import Editing, SettingsStore

FOREIGN, NOBODY = "souq", "no-such-tenant"
EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))


def document(tenant):
    return {"tenants": {tenant: {"settings": [{"locale": "de"}]}}}


CALLS = {
    "scoped": lambda desk, tenant: desk.scoped(tenant, who="eve"),
    "resolved": lambda desk, tenant: desk.resolved(tenant),
    "revision": lambda desk, tenant: desk.revision(tenant),
    "own": lambda desk, tenant: desk.own(tenant),
    "history": lambda desk, tenant: desk.history(tenant),
    "change": lambda desk, tenant: desk.change(tenant, "set", "locale", "de"),
    "reset": lambda desk, tenant: desk.reset(tenant),
    "take_back": lambda desk, tenant: desk.take_back(Slot(tenant, ANY, ANY, "locale")),
    "export": lambda desk, tenant: desk.export(tenant),
    "plan_import": lambda desk, tenant: desk.plan_import(document(tenant)),
    "propose": lambda desk, tenant: desk.propose(tenant, "set", "locale", "de"),
}
WITHOUT_A_TENANT = {"by", "undo", "apply", "what_if"}
"""Calls that name none; what they are given is, below."""


def public(kind):
    return {name for name, one in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_every_public_call_of_the_desk_is_tried_here():
    assert public(Settings) == set(CALLS) | WITHOUT_A_TENANT


@pytest.fixture
def north(desk):
    """A distributor's desk, and something a stranger has said."""
    desk.change(FOREIGN, "set", "locale", "ar", note="geheim")
    return desk.scoped("north", who="nele")


@pytest.mark.parametrize("call", sorted(CALLS))
def test_a_foreign_tenant_is_answered_like_none(north, desk, call):
    answers = []
    for tenant in (FOREIGN, NOBODY, "platform", "south"):
        with pytest.raises(NotFound) as caught:
            CALLS[call](north, tenant)
        answers.append((type(caught.value), str(caught.value).replace(tenant, "…")))
    assert len(set(answers)) == 1, answers
    CALLS[call](north, "nordwind")
    assert len(desk.history(FOREIGN)) == 1


def test_a_foreign_change_is_undone_by_nobody_and_not_told_from_none(north, desk):
    (change,) = desk.history(FOREIGN)
    said = set()
    for id_ in (change.id, "chg_none"):
        with pytest.raises(NotFound) as caught:
            north.undo(id_)
        said.add(str(caught.value).replace(id_, "…"))
    assert len(said) == 1


def test_a_plan_for_a_foreign_tenant_is_applied_by_nobody_else(north, desk):
    proposal = desk.propose(FOREIGN, "set", "locale", "en")
    with pytest.raises(NotFound):
        north.apply(proposal)
    assert len(desk.history(FOREIGN)) == 1


def test_lists_hold_only_what_is_in_scope(north, desk, engine):
    desk.change("north", "set", "locale", "de")
    for number, seller in enumerate((FOREIGN, "nordwind")):
        engine.accept({**EVENT, "id": f"e{number}", "data": {**EVENT["data"], "seller": {"id": seller, "name": "x"}}})
    assert {one.slot.tenant for one in north.history()} == {"north"}
    assert set(north.export()["tenants"]) == {"north"}
    since = engine.now().replace(year=2020)
    assert north.what_if(north.propose("north", "set", "locale", "en"), since=since).events == 1
    assert "geheim" not in repr([north.history(), north.export()])


# ------------------------------------------------------------------ the queries themselves

UNSCOPED = {
    "revision": "a number that tells of no tenant",
    "moved": "which of the tenants in memory are to be read again; never given out",
    "differences": "what reaches the seller of an event from above: the chain is the scope",
}


def test_every_query_takes_a_scope_or_says_why_not():
    for name in public(SettingsStore) - set(UNSCOPED):
        assert "scope" in inspect.signature(getattr(SettingsStore, name)).parameters, name
    assert public(Editing) == {"differences", "revision", "history", "write"}


def test_every_query_refuses_what_is_outside_of_its_scope(engine, north):
    store = engine._opened().settings
    scope = Scope("north", frozenset({"north", "res-org-n", "nordwind"}))
    (change,) = engine.settings.history(FOREIGN)
    write = Write(Slot(FOREIGN, "*", "*", "locale"), (Operation.SET, "de"))
    refused = [
        lambda: store.stated(scope, ["north", FOREIGN]),
        lambda: store.history(scope, tenant=FOREIGN),
        lambda: _in(store, scope, lambda edit: edit.revision(FOREIGN)),
        lambda: _in(store, scope, lambda edit: edit.history(FOREIGN, 0)),
        lambda: _in(store, scope, lambda edit: edit.write([write], Signed("eve", engine.now()))),
    ]
    for call in refused:
        with pytest.raises(NotFound, match=f"no tenant is called '{FOREIGN}'"):
            call()
    assert store.change(scope, change.id) == []
    assert store.history(scope) == []
    assert store.events(scope, engine.now().replace(year=2020), limit=10) == []
    del north


def _in(store, scope, job):
    with store.editing(scope) as edit:
        job(edit)
