"""What is kept beside events is kept alike on every database there is."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from livery import Config, Engine
from livery.domains import Lookup
from livery.errors import ConfigError, NotFound, Refused
from livery.vault import new_key
from waiting import until

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
KEY = new_key()
HOOK = {"url": "https://shop.example/hook", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


@pytest.fixture
def open_engine(store_url):
    def opened(**options):
        settings = {"database_url": store_url, "secret_keys": [KEY], "channels": {"smtp": {}}}
        return Engine.open(Config.load(None, **settings), now=lambda: NOW, **options)

    return opened


@pytest.fixture
def engine(open_engine):
    with open_engine() as made:
        made.tenants.add("platform")
        made.tenants.add("north", parent="platform", level="distributor")
        made.tenants.add("res-org-n", parent="north", name="Res. Org N.")
        made.tenants.add("rival", parent="platform")
        yield made


def test_tenants_are_one_tree_that_other_processes_see(engine, open_engine):
    with open_engine() as other:
        assert [one.id for one in other.tenants.chain("res-org-n")] == ["platform", "north", "res-org-n"]
        engine.tenants.change("res-org-n", name="Renamed", locale="de-AT")
        until(lambda: other.tenants.chain("res-org-n")[-1].name == "Renamed", seconds=2)
        assert other.tenants.chain("res-org-n")[-1].locale == "de-AT"
    with pytest.raises(Refused):
        engine.tenants.remove("north")
    engine.tenants.remove("rival")
    assert engine.tenants.chain("rival") is None
    assert [one.tenant.id for one in engine.tenants.list()] == ["platform", "north", "res-org-n"]


def test_settings_reach_the_explanation_and_a_secret_lies_sealed(engine, open_engine):
    engine.settings.change("north", "add", "bcc", "address:audit@north.example")
    engine.settings.change("res-org-n", "add", "destinations", HOOK, item="ours", channel="webhook")
    with open_engine() as other:
        found = other.explain(GOOD)
        assert "audit@north.example" in [one.recipient.address for one in found.audience.entries]
        assert [one.channel for one in found.deliveries] == ["smtp", "webhook"]
        other.settings.undo(other.settings.history("north")[0].id)
    assert "audit@north.example" not in str(engine.explain(GOOD).audience.entries)
    with engine._opened().ledger.engine.connect() as store:
        from sqlalchemy import text

        kept = [
            str(row)
            for name in ("setting", "setting_change")
            for row in store.execute(text(f"SELECT * FROM livery_{name}"))
        ]
    assert kept
    assert HOOK["secret"] not in "".join(kept)


def test_the_directory_answers_by_one_query(engine):
    from directory.people import contact, organization, user

    engine.directory.put(
        [
            organization("res-org-n", "cust-4411", name="Custo"),
            contact("res-org-n", "cust-4411", "billing", "Billing@Bücher.example"),
            user("res-org-n", "", "u-1", "account_manager", name="Nele", email="nele@res-org-n.example"),
        ]
    )
    engine.settings.change("res-org-n", "set", "cc", ["organization_contact:customer.billing", "role:account_manager"])
    told = [one.recipient.address for one in engine.explain(GOOD).audience.entries if one.place == "cc"]
    assert told == ["Billing@xn--bcher-kva.example", "nele@res-org-n.example"]
    with pytest.raises(NotFound):
        engine.directory.show("res-org-n", "cust-4411", within="rival")


def test_the_suppression_list_replaces_ends_and_forgets(engine):
    listed = engine.suppressions
    listed.add("platform", "Ada.Buyer@custo.example", who="desk", note="first")
    listed.add("platform", "ada.buyer@custo.example", who="desk", note="second", until=NOW + timedelta(days=1))
    assert [(one.note, one.until) for one in listed.find()] == [("second", NOW + timedelta(days=1))]
    assert "second" in str(engine.explain(GOOD).audience.excluded)
    listed.remove("ada.buyer@custo.example")
    assert listed.find() == []


def test_a_senders_domain_is_verified(open_engine, engine):
    published = {}
    with open_engine(
        resolve=lambda name: Lookup(tuple(published.get(name, ())), "found" if name in published else "absent")
    ) as other:
        domain = other.domains.add("res-org-n", "shop.example")
        name, record = domain.record
        assert not other.domains.check("res-org-n", "shop.example").verified_at
        published[name] = [record]
        assert other.domains.check("res-org-n", "shop.example").verified_at == NOW
    assert [one.domain for one in engine.domains.find()] == ["shop.example"]


def test_a_database_nobody_can_use_is_told(tmp_path):
    for url, says in (("mysql://localhost/x", "or postgresql://"), ("sqlite://", "path of a file")):
        with pytest.raises(ConfigError, match=says), Engine.open(Config.load(None, database_url=url)) as engine:
            engine.migrate()
