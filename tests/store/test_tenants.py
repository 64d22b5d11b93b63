"""Tenants in the store and in livery.toml: one tree, looked up by key, changed by any process."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, text

from livery import Config, Engine
from livery.errors import ConfigError, InputError, NotFound, Refused, StoreError, UnknownSeller
from livery.models.delivery import State
from livery.models.tenant import Level
from livery.tenants.rules import MAX_DEPTH

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
FILE = {
    "platform": {"name": "The Platform", "contacts": {"operations": {"email": "ops@platform.example"}}},
    "north": {"parent": "platform", "name": "North"},
    "shop": {"parent": "north", "name": "The Shop", "locale": "de"},
}
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def opened(folder, file=FILE, **fields) -> Engine:
    settings = {"database_url": f"sqlite:///{folder}/livery.db", "tenants": file, "channels": {"smtp": {}}, **fields}
    return Engine.open(Config.load(None, **settings), now=lambda: NOW)


@pytest.fixture
def engine(tmp_path):
    with opened(tmp_path) as made:
        yield made


def of(seller: str, id_: str = "evt-1") -> dict:
    made = copy.deepcopy(GOOD)
    made["id"], made["data"]["seller"]["id"] = id_, seller
    return made


def line(engine, id_, **options):
    chain = engine.tenants.chain(id_, **options)
    return None if chain is None else [(one.level.value, one.id) for one in chain]


# ------------------------------------------------------------------ one tree


def test_a_tenant_of_the_store_hangs_on_one_of_the_file(engine):
    engine.tenants.add("new", parent="north", name="New Shop", locale="de_at")
    assert line(engine, "new") == [("default", "platform"), ("distributor", "north"), ("seller", "new")]
    assert engine.tenants.chain("new")[-1].locale == "de-AT"
    assert engine.accept(of("new")).deliveries


def test_a_seller_may_stand_directly_under_the_platform(engine):
    engine.tenants.add("own", parent="platform")
    assert line(engine, "own") == [("default", "platform"), ("seller", "own")]


def test_the_whole_tree_may_be_in_the_store(tmp_path):
    with opened(tmp_path, file={}) as engine:
        engine.tenants.add("root", name="Root")
        engine.tenants.add("distri", parent="root", level="distributor")
        engine.tenants.add("seller", parent="distri")
        assert line(engine, "seller") == [("default", "root"), ("distributor", "distri"), ("seller", "seller")]
        with pytest.raises(Refused, match="one platform, root"):
            engine.tenants.add("other")


def test_the_store_lies_over_the_file_and_can_be_taken_away_again(engine):
    engine.tenants.change("shop", name="Renamed", locale="fr")
    assert [(one.name, one.locale) for one in engine.tenants.chain("shop")[-1:]] == [("Renamed", "fr")]
    engine.tenants.change("shop", name=None)
    assert [(one.name, one.locale) for one in engine.tenants.chain("shop")[-1:]] == [("The Shop", "fr")]


def test_a_tenant_of_the_file_becomes_a_distributor_when_a_seller_is_put_below_it(engine):
    engine.tenants.add("branch", parent="shop")
    assert line(engine, "shop")[-1] == ("distributor", "shop")
    assert line(engine, "branch")[-2:] == [("distributor", "shop"), ("seller", "branch")]


def test_reading_makes_no_store_and_explains_from_one_that_is_there(tmp_path):
    with opened(tmp_path) as engine:
        engine.explain(of("shop"))
        engine.tenants.list()
        assert not list(tmp_path.iterdir())
        engine.tenants.add("new", parent="north")
        assert engine.explain(of("new")).chain[-1] == "seller new"


@pytest.mark.parametrize(
    ("made", "file", "says"),
    [
        (
            {"north": "platform", "shop": "north"},
            {"platform": {}, "north": {"parent": "platform"}, "shop": {"parent": "platform"}},
            "tenants.shop.parent: expected 'north', as the store says; to follow livery.toml: livery tenant change shop --parent platform, got 'platform'",
        ),
        ({}, {"operator": {}}, "one platform in livery.toml and the store together, got operator, platform"),
        ({"north": "platform"}, {}, None),
    ],
)
def test_a_file_that_contradicts_the_store_stops_the_start_and_says_what_to_do(tmp_path, made, file, says):
    with opened(tmp_path, file={}) as engine:
        engine.tenants.add("platform")
        for id_, parent in made.items():
            engine.tenants.add(id_, parent=parent, level="seller" if id_ == "shop" else "distributor")
    with opened(tmp_path, file=file) as engine:
        if says is None:
            engine.counts()
            return
        with pytest.raises(ConfigError) as caught:
            engine.accept(of("shop"))
        assert says in str(caught.value)


def test_what_contradicts_can_be_mended_as_the_error_says(tmp_path):
    with opened(tmp_path, file={}) as engine:
        for id_, parent, level in (
            ("platform", None, None),
            ("north", "platform", "distributor"),
            ("shop", "north", None),
        ):
            engine.tenants.add(id_, parent=parent, level=level)
    file = {"platform": {}, "north": {"parent": "platform"}, "shop": {"parent": "platform"}}
    with opened(tmp_path, file=file) as engine:
        engine.tenants.change("shop", parent="platform")
        assert engine.accept(of("shop")).event_id == "evt-1"


def test_tenants_whose_parent_left_the_file_are_told_of(tmp_path):
    with opened(tmp_path) as engine:
        for number in range(7):
            engine.tenants.add(f"s{number}", parent="north")
    with opened(tmp_path, file={"platform": {}}) as engine, pytest.raises(ConfigError) as caught:
        engine.counts()
    assert (
        "tenants.north: expected a tenant, since those of the store are below it: s0, s1, s2, s3, s4 and 2 more"
        in str(caught.value)
    )


# ------------------------------------------------------------------ every process sees it


def test_a_change_of_another_process_is_seen_with_the_next_event(tmp_path):
    with opened(tmp_path) as here, opened(tmp_path) as there:
        with pytest.raises(UnknownSeller):
            here.accept(of("new"))
        there.tenants.add("new", parent="north", name="New")
        here.accept(of("new"))
        assert here.tenants.chain("new")[-1].name == "New"
        there.tenants.change("new", name="Newer", parent="platform")
        assert line(here, "new") == [("default", "platform"), ("seller", "new")]
        assert here.tenants.chain("new")[-1].name == "Newer"


def test_a_tenant_added_in_the_hosts_transaction_is_there_if_it_commits(engine, tmp_path):
    engine.migrate()
    host = create_engine(f"sqlite:///{tmp_path}/livery.db")
    with host.connect() as connection:
        with connection.begin() as transaction:
            engine.tenants.add("lost", parent="north", connection=connection)
            transaction.rollback()
        with connection.begin():
            engine.tenants.add("kept", parent="north", connection=connection)
    host.dispose()
    assert (line(engine, "lost"), line(engine, "kept") is not None) == (None, True)
    with pytest.raises(StoreError, match="not object"):
        engine.tenants.add("no", parent="north", connection=object())


def test_a_chain_is_looked_up_by_key_and_then_kept(engine):
    engine.tenants.add("distri", parent="platform", level="distributor")
    with engine._opened().ledger.transaction() as tx:
        rows = [{"id": f"s{number:05}"} for number in range(10_000)]
        tx.execute(
            text(
                "INSERT INTO livery_tenant (id, parent, level, created_at, changed_at) VALUES (:id, 'distri', 'seller', 0, 0)"
            ),
            rows,
        )
        tx.execute(text("UPDATE livery_revision SET value = value + 1"))
    asked = []
    store = engine._opened().ledger.engine
    event.listen(store, "before_cursor_execute", lambda *seen: asked.append(seen[2]) if seen[2] != "BEGIN" else None)
    assert line(engine, "s07777")[-1] == ("seller", "s07777")
    first = len(asked)
    assert line(engine, "s07777")[-1] == ("seller", "s07777")
    assert (first, len(asked) - first) == (2, 0)  # two lines; then nothing
    with store.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[1]}", tuple("x" * asked[1].count("?"))).all()
    assert "WITH RECURSIVE" in asked[1]
    assert not any(step[3].startswith("SCAN livery_tenant") for step in steps), steps


# ------------------------------------------------------------------ what hangs on it


def test_what_cannot_hang_there_is_refused_with_the_reason(engine):
    add, change = engine.tenants.add, engine.tenants.change
    add("leaf", parent="north")
    add("distri", parent="platform", level="distributor")
    add("below", parent="distri")
    cases = [
        (lambda: add("x", parent="leaf"), Refused, "leaf is a seller"),
        (lambda: add("x", parent="nobody"), InputError, "parent: expected a tenant, got 'nobody'"),
        (lambda: add("x"), Refused, "there is one platform, platform"),
        (lambda: add("leaf", parent="north"), Refused, "'leaf' exists"),
        (lambda: add("shop", parent="north"), Refused, "'shop' exists"),
        (lambda: add("x", parent="north", level="default"), InputError, "level: expected distributor or seller"),
        (
            lambda: add("x", parent="north", level="boss"),
            InputError,
            "level: expected 'default', 'distributor' or 'seller'",
        ),
        (lambda: add("", parent="north", name=" ", locale="?"), InputError, "locale: expected a BCP 47 tag"),
        (lambda: add("a\nb", parent="north"), InputError, "id: expected no spaces at its ends and no control"),
        (lambda: change("distri", parent="north"), Refused, "below would go with it"),
        (lambda: change("distri", level="seller"), Refused, "below are below it"),
        (lambda: change("distri", parent="distri"), Refused, "would go with it|below itself"),
        (lambda: change("leaf", parent="leaf"), Refused, "below itself"),
        (lambda: change("shop", parent="platform"), Refused, "stands in livery.toml"),
        (lambda: change("nobody", name="x"), NotFound, "no tenant is called 'nobody'"),
        (lambda: engine.tenants.remove("nobody"), NotFound, "no tenant is called 'nobody'"),
        (lambda: engine.tenants.remove("shop"), Refused, "stands in livery.toml"),
        (
            lambda: engine.tenants.remove("distri"),
            Refused,
            "tenants: expected none below it; move or remove below, got 1",
        ),
    ]
    before = [one.plain() for one in engine.tenants.list()]
    for job, error, says in cases:
        with pytest.raises(error, match=says):
            job()
    assert [one.plain() for one in engine.tenants.list()] == before


def test_the_tree_has_a_greatest_depth(engine):
    above = "platform"
    for number in range(MAX_DEPTH - 1):
        engine.tenants.add(f"d{number}", parent=above, level="distributor")
        above = f"d{number}"
    with pytest.raises(Refused, match="at most 8"):
        engine.tenants.add("deeper", parent=above)


def test_a_tenant_with_open_deliveries_stays_until_they_are_done_and_keeps_its_history(tmp_path, mail):
    smtp = {"channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}}}
    with opened(tmp_path, **smtp) as engine:
        engine.tenants.add("new", parent="north")
        engine.accept(of("new"))
        with pytest.raises(Refused, match=r"deliveries: expected none that is open; .*--tenant new.*, got 1"):
            engine.tenants.remove("new")
        engine.drain()
        engine.tenants.remove("new")
        with pytest.raises(UnknownSeller):
            engine.accept(of("new", "evt-2"))
        assert [(one.event_id, one.state) for one in engine.deliveries(tenant="new")] == [("evt-1", State.ACCEPTED)]
        assert "new" not in [one.tenant.id for one in engine.tenants.list()]
        assert engine.tenants.list(removed=True)[2].removed
        assert engine.tenants.show("new").removed
        with pytest.raises(Refused, match=r"was removed on 2026-11-28.*--again"):
            engine.tenants.add("new", parent="north")
        engine.tenants.add("new", parent="platform", again=True)
        assert engine.accept(of("new", "evt-3")).event_id == "evt-3"


def test_what_was_accepted_before_a_tenant_was_removed_is_delivered_all_the_same(tmp_path, mail):
    smtp = {"channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}}}
    with opened(tmp_path, **smtp) as engine:
        engine.tenants.add("new", parent="north", name="Once There")
        engine.accept(of("new"))
        with engine._opened().ledger.transaction() as tx:  # another process removed it at the same moment
            tx.execute(text("UPDATE livery_tenant SET removed_at = 1 WHERE id = 'new'"))
            tx.execute(text("UPDATE livery_revision SET value = value + 1"))
        engine.drain()
        assert [one.state for one in engine.deliveries()] == [State.ACCEPTED]
    assert "Once There" in mail.mails[0].part("plain")


# ------------------------------------------------------------------ who sees what


def test_a_tenant_sees_itself_and_below_and_is_told_nothing_of_others(engine):
    engine.tenants.add("south", parent="platform", level="distributor")
    engine.tenants.add("rival", parent="south")
    seen = [one.tenant.id for one in engine.tenants.list(within="north")]
    assert seen == ["north", "shop"]
    for job in (
        lambda id_: engine.tenants.show(id_, within="north"),
        lambda id_: engine.tenants.list(within="north", under=id_),
        lambda id_: engine.tenants.change(id_, name="mine", within="north"),
    ):
        said = []
        for id_ in ("rival", "south", "platform", "nobody"):
            with pytest.raises(NotFound) as caught:
                job(id_)
            said.append(str(caught.value).replace(id_, "X"))
        assert set(said) == {"no tenant is called 'X'"}
    with pytest.raises(Refused, match="for the platform to change"):
        engine.tenants.change("shop", parent="platform", within="north")
    assert engine.tenants.change("shop", name="Mine", within="north").name == "Mine"


# ------------------------------------------------------------------ any sequence of changes

IDS = st.sampled_from([f"t{number}" for number in range(6)])
PARENTS = st.one_of(st.none(), st.sampled_from(["platform", "north", "shop"]), IDS)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["add", "change", "remove"]), IDS, PARENTS, st.sampled_from(["seller", "distributor"])),
    max_size=14,
)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The same store in two engines, as two processes have it."""
    folder = tmp_path_factory.mktemp("two")
    with opened(folder) as here, opened(folder) as there:
        yield here, there


@settings(max_examples=20)
@given(changes=CHANGES)
def test_whatever_is_changed_it_stays_one_tree_and_every_process_sees_the_same(two, changes):
    here, there = two
    with here._opened().ledger.transaction() as tx:
        tx.execute(text("DELETE FROM livery_tenant"))
        tx.execute(text("UPDATE livery_revision SET value = value + 1"))
    for what, id_, parent, level in changes:
        try:
            if what == "remove":
                here.tenants.remove(id_)
            elif what == "add":
                here.tenants.add(id_, parent=parent, level=level, again=True)
            else:
                here.tenants.change(id_, level=level, **({"parent": parent} if parent else {}))
        except (Refused, NotFound, InputError):
            pass
        listed = {one.tenant.id: one for one in here.tenants.list()}
        for known, one in listed.items():
            chain = there.tenants.chain(known)
            assert chain == here.tenants.chain(known)
            assert [above.id for above in chain if above.level is Level.DEFAULT] == ["platform"] == [chain[0].id]
            assert all(above.level is Level.DISTRIBUTOR for above in chain[1:-1])
            assert chain[-1] == one.tenant
            assert all(listed[child].tenant.parent == known for child in one.below)
    there.tenants.check()
