"""Selectors answered from Livery's own directory: whose people they are, and by one query."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event as happens

from directory.people import FILE, contact, of, opened, organization, reasons, saying, told, user
from livery.errors import NotFound, Refused


@pytest.fixture
def make(tmp_path):
    """Opens an engine where the shop tells these selectors, with records in its directory."""
    engines = []

    def made(records, **places):
        engine = opened(tmp_path, tenants=saying(**places))
        engine.directory.put(records)
        engines.append(engine)
        return engine

    yield made
    for engine in engines:
        engine.close()


@pytest.mark.parametrize(
    ("selector", "people"),
    [
        ("organization_contact:customer.primary", ["erika@custo.example"]),
        ("organization_contact:customer.billing", []),
        ("organization_contact:seller.primary", ["file@shop.example"]),
        ("organization_contact:seller.billing", ["billing@shop.example"]),
        ("organization_contact:distributor.operations", ["ops@north.example"]),
        ("organization_contact:platform.operations", ["ops@platform.example"]),
        ("organization_contact:platform.technical", ["tech@platform.example"]),
        ("role:sales", ["s-1@shop.example", "s-2@shop.example"]),
        ("role:seller.sales", ["s-1@shop.example", "s-2@shop.example"]),
        ("role:customer.sales", ["c-1@shop.example"]),
        ("role:distributor.sales", ["d-1@north.example"]),
        ("role:platform.sales", []),
        ("user:s-1", ["s-1@shop.example"]),
        ("user:c-1", ["c-1@shop.example"]),
        ("user:d-1", ["d-1@north.example"]),
        ("user:other", []),
        ("user:foreign", []),
    ],
)
def test_a_selector_stands_for_the_people_of_one_organisation(make, selector, people):
    engine = make(
        [
            contact("shop", "cust-1", "primary", "erika@custo.example"),
            contact("shop", "", "billing", "billing@shop.example"),
            contact("north", "", "operations", "ops@north.example"),
            contact("platform", "", "technical", "tech@platform.example"),
            user("shop", "", "s-2", "sales"),
            user("shop", "", "s-1", "sales", "boss"),
            user("shop", "", "s-3", "boss"),
            user("shop", "cust-1", "c-1", "sales"),
            user("shop", "cust-2", "other", "sales"),
            user("north", "", "d-1", "sales"),
            user("north", "cust-1", "not-ours", "sales"),
            user("rival", "", "foreign", "sales"),
        ],
        bcc=[selector],
        to=["address:to@x.example"],
    )
    assert told(engine, of()) == ["to to@x.example", *(f"bcc {one}" for one in people)]
    if not people:
        assert reasons(engine, of())[selector]


def test_the_store_counts_before_the_file_and_speaks_for_customers(make):
    engine = make(
        [contact("shop", "", "primary", "new@shop.example", name="New", locale="de")],
        cc=["organization_contact:seller.primary"],
    )
    assert told(engine, of(email=None))[-1:] == ["to new@shop.example"]
    (entry,) = engine.explain(of(email=None)).audience.entries
    assert (entry.recipient.name, entry.recipient.locale, entry.recipient.side) == ("New", "de", "seller")


def test_a_language_comes_from_the_organisation_where_a_person_has_none(make):
    engine = make(
        [organization("shop", "cust-1", locale="ar"), contact("shop", "cust-1", "primary", "e@custo.example")],
        to=["organization_contact:customer.primary"],
    )
    assert engine.explain(of()).deliveries[0].wording.locale == "ar"


def test_who_is_not_active_is_left_out_with_a_reason(make):
    engine = make(
        [
            user("shop", "", "s-1", "sales"),
            user("shop", "", "s-2", "sales", active=False),
            user("shop", "", "s-3", "sales", email=""),
            organization("shop", "cust-1", active=False),
            contact("shop", "cust-1", "primary", "erika@custo.example"),
        ],
        to=["role:sales"],
        cc=["organization_contact:customer.primary"],
    )
    assert told(engine, of()) == ["to s-1@shop.example"]
    said = reasons(engine, of())
    assert said["s-2@shop.example"] == "the user is not active"
    assert said["s-3"] == "the user has no e-mail address"
    assert said["erika@custo.example"] == "the organisation is not active"


def test_the_events_user_gets_what_the_event_leaves_out_from_the_directory(make):
    engine = make([user("shop", "cust-1", "u-1", locale="de", name="Ada B.")], to=["event_user"])
    (whole,) = engine.explain(of(locale=None)).audience.entries
    assert (whole.recipient.address, whole.recipient.locale) == ("ada@custo.example", "de")
    (bare,) = engine.explain(of(email=None, name="", locale="en")).audience.entries
    assert (bare.recipient.address, bare.recipient.name, bare.recipient.locale) == ("u-1@shop.example", "Ada B.", "en")


@pytest.mark.parametrize("email", ["a@x.example, b@x.example", "Bcc: x@y.example", "a b", "<a@x.example>"])
def test_an_address_of_the_directory_is_exactly_one_or_left_out_with_a_reason(make, email):
    engine = make([user("shop", "", "s-1", "sales", email=email)], to=["role:sales"])
    assert "role:sales" not in told(engine, of())
    assert reasons(engine, of())[email].startswith("not a valid address")


def test_a_domain_of_other_letters_is_written_in_ascii(make):
    engine = make([user("shop", "", "s-1", "sales", email="s@müller.example")], to=["role:sales"])
    assert told(engine, of()) == ["to s@xn--mller-kva.example"]


def test_a_role_of_very_many_stands_for_the_first_five_hundred_with_a_reason(make):
    engine = make([user("shop", "", f"s-{number:04}", "sales") for number in range(520)], to=["role:sales"])
    assert len(told(engine, of())) == 500
    assert "more than 500" in reasons(engine, of())["role:sales"]


def test_a_role_of_very_many_leaves_no_other_role_without_anybody(make):
    many = [user("shop", "", f"s-{number:04}", "many") for number in range(1100)]
    engine = make([*many, user("shop", "", "z-1", "sales")], to=["role:many", "role:sales"])
    assert len(told(engine, of())) == 501


def test_all_selectors_of_an_event_are_one_query(make):
    selectors = [f"role:r{number}" for number in range(10)] + [f"user:s-{number}" for number in range(10)]
    engine = make(
        [user("shop", "", f"s-{number}", f"r{number}") for number in range(10)],
        to=selectors,
        cc=["organization_contact:customer.primary"],
    )
    engine.migrate()
    asked = []
    happens.listen(engine._opened().ledger.engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    assert len(told(engine, of())) == 10
    assert len(told(engine, of())) == 10, "from memory, since nobody changed anything"
    about_people = [one for one in asked if "livery_user" in one or "livery_contact" in one]
    assert len(about_people) == 1
    with engine._opened().ledger.engine.connect() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {about_people[0]}", ("x",) * about_people[0].count("?")
        ).all()
    assert not any(
        step[3].startswith(f"SCAN livery_{table}") for step in plan for table in ("user", "contact", "organization")
    )


# ------------------------------------------------------------------ nobody sees another's

CALLS = {
    "put": lambda directory, tenant: directory.put([user(tenant, "", "x")], within="shop"),
    "list": lambda directory, tenant: directory.list(tenant, within="shop"),
    "show": lambda directory, tenant: directory.show(tenant, "cust-1", within="shop"),
    "user": lambda directory, tenant: directory.user(tenant, "c-1", within="shop"),
    "export": lambda directory, tenant: list(directory.export(tenant, within="shop")),
    "remove": lambda directory, tenant: directory.remove(tenant, everything=True, within="shop"),
}


@pytest.mark.parametrize("call", CALLS)
def test_anothers_directory_is_not_found_in_the_same_words_as_what_does_not_exist(tmp_path, call):
    with opened(tmp_path) as engine:
        engine.directory.put([user("rival", "cust-1", "c-1"), contact("rival", "cust-1", "primary", "e@x.example")])
        before = list(engine.directory.export("rival"))
        said = []
        for tenant in ("rival", "north", "platform", "nobody"):
            with pytest.raises(NotFound) as caught:
                CALLS[call](engine.directory, tenant)
            said.append(str(caught.value).replace(tenant, "X"))
        assert set(said) == {"no tenant is called 'X'"}
        assert list(engine.directory.export("rival")) == before


def test_the_same_customer_of_two_sellers_is_two_customers(tmp_path):
    with opened(tmp_path) as engine:
        engine.directory.put(
            [contact("rival", "cust-1", "primary", "secret@custo.example"), user("rival", "cust-1", "u-1")]
        )
        engine.directory.put([contact("shop", "cust-2", "primary", "two@custo.example")])
        for missing in ("cust-1", "cust-9"):
            with pytest.raises(NotFound, match=f"tenant 'shop' has no customer '{missing}' in the directory"):
                engine.directory.show("shop", missing)
        with pytest.raises(NotFound, match="tenant 'shop' has no user 'u-1' in the directory"):
            engine.directory.user("shop", "u-1")
        with pytest.raises(NotFound):
            engine.directory.remove("shop", customer="cust-1")
        assert "secret@custo.example" not in engine.explain(of(email=None)).model_dump_json()


PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(list(FILE)), st.sampled_from(["", "cust-1", "cust-2"]), st.sampled_from("abcd"),
        st.sets(st.sampled_from(["sales", "boss"])), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip
SELECTORS = st.lists(
    st.sampled_from(
        [
            "role:sales",
            "role:customer.boss",
            "role:distributor.sales",
            "role:platform.boss",
            "user:a",
            "user:b",
            "user:c",
        ]
    ),
    min_size=1,
    unique=True,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("shared")) as engine:
        yield engine


@settings(max_examples=60)
@given(people=PEOPLE, selectors=SELECTORS)
def test_one_query_finds_whom_a_plain_reading_of_the_rules_finds(shared, people, selectors):
    records = {
        (tenant, id_): user(tenant, customer, id_, *sorted(roles), active=active)
        for tenant, customer, id_, roles, active in people
    }
    for tenant in FILE:
        try:
            shared.directory.remove(tenant, everything=True)
        except NotFound:
            continue
    shared.directory.put(records.values())
    event = shared.read(of())
    found = shared.answers.all(selectors, event, shared.planner.chain(event))
    own = {"seller": "shop", "distributor": "north", "platform": "platform"}
    for selector in selectors:
        kind, _, rest = selector.partition(":")
        if kind == "user":
            places = [("shop", "cust-1"), ("shop", ""), ("north", ""), ("platform", "")]
            hits = [
                one
                for place in places
                for one in records.values()
                if one.id == rest and (one.tenant, one.customer) == place
            ]
            expected = [one.email for one in hits[:1] if one.active]
        else:
            whose, _, role = rest.rpartition(".")
            place = ("shop", "cust-1") if whose == "customer" else (own[whose or "seller"], "")
            expected = sorted(
                one.email
                for one in records.values()
                if (one.tenant, one.customer) == place and role in one.roles and one.active
            )
        assert sorted(one.address for one in found[selector].people) == expected


def test_a_tenant_with_people_or_settings_is_not_removed(tmp_path):
    with opened(tmp_path) as engine:
        engine.tenants.add("new", parent="north")
        engine.directory.put([user("new", "", "u-1"), contact("new", "cust-1", "primary", "e@x.example")])
        engine.settings.by("Ada").change("new", "add", "cc", "role:sales")
        with pytest.raises(Refused) as caught:
            engine.tenants.remove("new")
        assert "directory: expected no records; livery directory remove new --all removes them, got 2" in str(
            caught.value
        )
        assert "settings: expected none of its own; livery settings reset new takes them back, got 1" in str(
            caught.value
        )
        engine.directory.remove("new", everything=True)
        engine.settings.by("Ada").reset("new")
        engine.tenants.remove("new")
        assert engine.tenants.chain("new") is None
