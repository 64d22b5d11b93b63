"""The suppression list: who is on it is written to neither at once nor later, and everybody can see why."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands import livery
from livery import Config, Engine
from livery.errors import InputError, NotFound
from livery.models.delivery import State
from livery.testing import MailServer

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
USER, DESK = "ada.buyer@custo.example", "robin@res-org-n.example"


class Clock:
    def __init__(self):
        self.at = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self):
        return self.at


@pytest.fixture
def settings(tmp_path, mail):
    return {
        "database_url": f"sqlite:///{tmp_path}/livery.db",
        "channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}},
        "outbound": {"allow": ["127.0.0.1"]},
        "tenants": {
            "platform": {"contacts": {"operations": {"email": "ops@platform.example"}}},
            "north": {"parent": "platform"},
            "other": {"parent": "platform"},
            "res-org-n": {"parent": "north", "contacts": {"primary": {"email": DESK}}},
        },
    }


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(settings, clock):
    with Engine.open(Config.load(None, **settings), now=clock, random=Random(1)) as opened:
        yield opened


def told(mail):
    return sorted(address for one in mail.mails for address in one.recipients)


@pytest.mark.parametrize("tenant", ["platform", "north", "res-org-n"])
def test_who_is_suppressed_at_a_level_is_left_out_below_it(engine, mail, tenant):
    engine.suppressions.add(tenant, DESK.upper(), who="support", kind="opt_out", note="by phone")
    audience = engine.explain(GOOD).audience
    assert [one.recipient.address for one in audience.entries] == [USER]
    (left_out,) = [one for one in audience.excluded if one.address == DESK]
    assert left_out.reason == f"opted out on 2026-11-20 at {tenant}: by phone"
    engine.accept(GOOD)
    engine.drain()
    assert told(mail) == [USER]


def test_another_tenants_list_holds_nobody_back(engine, mail):
    engine.suppressions.add("other", DESK, who="support")
    engine.accept(GOOD)
    engine.drain()
    assert told(mail) == sorted([USER, DESK])


def test_for_one_event_type_only(engine):
    engine.suppressions.add("north", DESK, who="support", event_type="OfferProvisioned")
    assert len(engine.explain(GOOD).audience.entries) == 2
    engine.suppressions.add("north", DESK, who="support", event_type="OfferProvisionError")
    assert len(engine.explain(GOOD).audience.entries) == 1


def test_the_fallback_takes_the_place_of_a_suppressed_to(engine, mail):
    engine.suppressions.add("north", USER, who="support")
    engine.accept(GOOD)
    engine.drain()
    (one,) = engine.deliveries()
    assert told(mail) == [DESK]
    assert "the seller's primary contact" in one.warnings[0]


def test_nobody_left_is_an_alarm(engine, mail):
    for address in (USER, DESK, "ops@platform.example"):
        engine.suppressions.add("platform", address, who="support")
    assert engine.accept(GOOD).unreachable
    engine.drain()
    assert told(mail) == []


def test_what_waits_obeys_the_list_too(engine, mail):
    engine.accept(GOOD)
    engine.suppressions.add("north", DESK, who="support", note="left the company")
    engine.drain()
    assert told(mail) == [USER]
    (one,) = engine.deliveries()
    (attempt,) = engine.attempts(one.id)
    (left_out,) = [result for result in attempt.outcome.recipients if result.address == DESK]
    assert left_out.detail == "not written to: suppressed on 2026-11-20 at north: left the company"


def test_a_delivery_to_nobody_else_ends_as_suppressed_with_the_reason(engine, mail):
    engine.accept(GOOD)
    for address in (USER, DESK):
        engine.suppressions.add("north", address, who="support")
    engine.drain()
    (one,) = engine.deliveries()
    assert (told(mail), one.state) == ([], State.SUPPRESSED)
    assert USER in engine.attempts(one.id)[0].outcome.detail


def test_an_entry_ends_by_itself(engine, clock):
    engine.suppressions.add("north", DESK, who="support", until=clock.at + timedelta(days=1))
    assert len(engine.explain(GOOD).audience.entries) == 1
    clock.at += timedelta(days=1)
    assert len(engine.explain(GOOD).audience.entries) == 2


BOUNCE = "550 5.1.1 <robin@res-org-n.example>: no such user"


@pytest.mark.parametrize(
    ("answer", "learnt"),
    [(BOUNCE, True), ("550 5.1.10 null MX", True), ("553 5.1.3 bad syntax", True), ("550 5.2.1 disabled", True),
     ("550 5.7.1 spam", False), ("550 go away", False), ("552 5.2.2 full", False), ("451 4.1.1 later", False), ("550 5.1.12 x", False)],
)  # fmt: skip
def test_what_is_learnt_from_a_servers_answer(settings, clock, answer, learnt):
    with MailServer(answer=lambda address: answer if address == DESK else None) as server:
        settings["channels"]["smtp"]["port"] = server.port
        with Engine.open(Config.load(None, **settings), now=clock) as engine:
            engine.accept(GOOD)
            engine.drain()
            found = engine.suppressions.find()
            assert [one.address for one in found] == ([DESK] if learnt else [])
            if learnt:
                (one,) = found
                assert (one.tenant, one.kind, one.until) == ("res-org-n", "hard_bounce", clock.at + timedelta(days=30))
                assert answer[4:] in one.note


def test_nothing_is_learnt_where_the_operator_says_so(settings):
    settings["delivery"] = {"bounce_days": 0}
    with MailServer(answer=lambda address: BOUNCE if address == DESK else None) as server:
        settings["channels"]["smtp"]["port"] = server.port
        with Engine.open(Config.load(None, **settings)) as engine:
            engine.accept(GOOD)
            engine.drain()
            assert engine.suppressions.find() == []


def test_all_that_is_wrong_at_once(engine):
    with pytest.raises(InputError) as caught:
        engine.suppressions.add(
            "north", "a@b.example, c@d.example", who="x", kind="nonsense", until=datetime.now(UTC).replace(tzinfo=None)
        )
    assert [one.path for one in caught.value.problems] == ["address", "kind", "until"]


@pytest.mark.parametrize("call", ["add", "remove", "find"])
@pytest.mark.parametrize("tenant", ["other", "platform", "no-such"])
def test_a_foreign_tenant_is_as_one_that_does_not_exist(engine, call, tenant):
    engine.suppressions.add("other", DESK, who="support")
    engine.suppressions.add("platform", DESK, who="support")
    does = {
        "add": lambda: engine.suppressions.add(tenant, USER, who="x", within="north"),
        "remove": lambda: engine.suppressions.remove(DESK, tenant=tenant, within="north"),
        "find": lambda: engine.suppressions.find(tenant=tenant, within="north"),
    }
    with pytest.raises(NotFound) as caught:
        does[call]()
    with pytest.raises(NotFound) as same:
        engine.suppressions.find(tenant="no-such", within="north")
    assert str(caught.value) == str(same.value).replace("no-such", tenant)
    assert engine.suppressions.find(within="north") == []
    assert len(engine.suppressions.find()) == 2


def test_who_acts_for_a_tenant_takes_off_only_its_own(engine):
    for tenant in ("platform", "north", "res-org-n", "other"):
        engine.suppressions.add(tenant, DESK, who="support")
    assert {one.tenant for one in engine.suppressions.remove(DESK, within="north")} == {"north", "res-org-n"}
    assert {one.tenant for one in engine.suppressions.find()} == {"platform", "other"}
    with pytest.raises(NotFound, match="is not suppressed here"):
        engine.suppressions.remove(DESK, within="north")


@given(
    st.lists(
        st.tuples(st.sampled_from(["platform", "north", "res-org-n", "other"]), st.sampled_from([USER, DESK])),
        max_size=6,
    )
)
def test_whoever_is_listed_above_is_left_out_and_nobody_else(entries):
    from livery import addresses
    from livery.suppressions import Suppressions
    from livery.tenants import Tree

    rows = []
    tenants = {
        "platform": {},
        "north": {"parent": "platform"},
        "other": {"parent": "platform"},
        "res-org-n": {"parent": "north"},
    }

    class Kept:
        def revision(self):
            return len(rows)

        def put(self, one):
            rows.append(one)

        def of(self, tenants, addresses, event_type, now):
            return [one for one in rows if one.tenant in tenants and one.address in addresses]

    tree = Tree(Config.load(None, tenants=tenants), lambda: None)
    listed = Suppressions(tree, addresses.normal, made=Kept, found=Kept, now=Clock(), bounced_for=timedelta())
    for tenant, address in entries:
        listed.add(tenant, address, who="x")
    chain = tree.chain("res-org-n")
    expected = {address for tenant, address in entries if tenant != "other"}
    assert set(listed.kept_off(chain, "X", [USER, DESK])) == expected


def test_one_query_for_all_recipients(engine, tmp_path):
    engine.suppressions.add("north", DESK, who="support")
    asked = []
    engine._opened().ledger.engine.pool.dispose()
    from sqlalchemy import event as events

    events.listen(engine._opened().ledger.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    engine.explain(GOOD)
    assert len([one for one in asked if "livery_suppression" in one]) == 1


def test_on_the_command_line(tmp_path):
    (tmp_path / "livery.toml").write_text('[tenants.platform]\n[tenants.shop]\nparent = "platform"\n', "utf-8")
    added = livery(
        "suppression", "add", "Ada@Custo.example", "--tenant", "shop", "--kind", "opt_out", "--json", cwd=tmp_path
    )
    assert json.loads(added.stdout)[0]["address"] == "ada@custo.example"
    listed = livery("suppression", "list", cwd=tmp_path).stdout
    assert "ada@custo.example" in listed
    assert "opt_out" in listed
    assert livery("suppression", "remove", "ada@custo.example", cwd=tmp_path).returncode == 0
    gone = livery("suppression", "remove", "ada@custo.example", cwd=tmp_path)
    assert (gone.returncode, gone.stderr) == (2, "'ada@custo.example' is not suppressed here\n")
    wrong = livery("suppression", "add", "ada", "--tenant", "nobody", cwd=tmp_path)
    assert (wrong.returncode, "nobody" in wrong.stderr) == (2, True)
