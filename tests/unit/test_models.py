"""The models: frozen, closed to unknown fields, and what little they can tell."""

import importlib
import inspect
import json
import pkgutil
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from livery import models
from livery.models.audience import Audience, Endpoint, Entry, Exclusion, Recipient
from livery.models.base import Model
from livery.models.delivery import Attempt, Delivery, Destination, Outcome, RecipientResult, State
from livery.models.directory import DirectoryUser, Found, Organization, OrganizationContact
from livery.models.event import EventPart
from livery.models.explanation import Explanation, Planned, Said, SettingsView, SwitchedOff, Wording
from livery.models.identity import Principal, Role
from livery.models.message import Envelope, Format, Inline, Message
from livery.models.notification import (
    Action,
    ActionsBlock,
    DividerBlock,
    ErrorBlock,
    Fact,
    FactsBlock,
    ImageBlock,
    ListBlock,
    Notification,
    Piece,
    TextBlock,
)
from livery.models.tenant import Contact, EventSettings, Level, Place, PlatformSender, Sender, Tenant, TenantRow
from unit.making import KIND, NOW, event

ADA = Recipient(address="ada@custo.example", name="Ada")
BOB = Recipient(address="bob@custo.example")
CY = Recipient(address="cy@custo.example")


def delivery(state: State = State.PENDING) -> Delivery:
    return Delivery(
        id="dlv_1",
        tenant="shop",
        event_key="evt_1",
        event_id="evt-1",
        event_type="OfferProvisionError",
        channel="smtp",
        destination="ada@custo.example",
        state=state,
        due_at=NOW,
        created_at=NOW,
    )


def envelope(**people) -> Envelope:
    return Envelope(delivery_id="dlv_1", event_id="evt-1", event_type="X", created_at=NOW, **people)


EXAMPLES = [
    ADA,
    Entry(place="to", recipient=ADA, selector="event_user", origin="default"),
    Exclusion(place="cc", selector="role:x", origin="default", reason="nobody"),
    Endpoint(channel="slack", key="k", label="#orders", origin="seller shop"),
    Audience(),
    RecipientResult(address="ada@custo.example", status="accepted"),
    Outcome(status="delivered"),
    Attempt(number=1, started_at=NOW, duration_ms=1.0, outcome=Outcome(status="delivered")),
    delivery(),
    Destination(key="k", tenant="shop", channel="slack", label="#orders", changed_at=NOW),
    event(),
    event().data,
    event().data.seller,
    KIND,
    Wording(locale="en", locale_why="", locale_fallbacks=(), packs=(), subject=""),
    Planned(channel="smtp", destination="", origin=""),
    Said(field="pack", value="nordwind", origin="seller shop"),
    SettingsView(tenant="shop", chain=(), event_type="*", channel="*", revision=0, rows=()),
    SwitchedOff(channel="smtp", origin="seller shop"),
    Explanation(event_id="", event_type="", seller="", chain=(), audience=Audience(), deliveries=()),
    Inline(cid="a@livery", media_type="image/png", data=b"x"),
    Message(format=Format.TEXT, locale="en", title=""),
    envelope(),
    Fact(label="", value=""),
    Action(label="", url=""),
    Piece(piece="", pack="", file=""),
    TextBlock(id="a", text=""),
    FactsBlock(id="a", facts=()),
    ErrorBlock(id="a", text=""),
    ListBlock(id="a", items=()),
    ActionsBlock(id="a", actions=()),
    ImageBlock(id="a", url="", alt=""),
    DividerBlock(id="a"),
    Notification(event_type="", locale="en", direction="ltr", subject="", title="", blocks=(), brand={}, pack=""),
    Contact(email="a@b.example"),
    Sender(),
    PlatformSender(),
    Place(),
    EventSettings(),
    TenantRow(id="shop", parent=None, level=Level.SELLER, name=None, locale=None, created_at=NOW, changed_at=NOW),
    Tenant(id="shop", level=Level.SELLER, name="Shop"),
    Organization(tenant="shop"),
    OrganizationContact(tenant="shop", kind="primary", email="a@b.example"),
    DirectoryUser(tenant="shop", id="usr-7"),
    Found(),
    Principal(name="ada", tenant="shop", roles=frozenset({Role.ADMIN})),
]
BASES = {one for example in EXAMPLES for one in type(example).__mro__[1:] if issubclass(one, Model)}


def every_model() -> set[type[Model]]:
    modules = [importlib.import_module(f"livery.models.{one.name}") for one in pkgutil.iter_modules(models.__path__)]
    found = {value for module in modules for value in vars(module).values() if inspect.isclass(value)}
    return {one for one in found if issubclass(one, Model)}


def test_the_examples_are_of_every_model():
    parts = {one for one in every_model() if issubclass(one, EventPart)}  # parts of an event all behave as one does
    assert {type(example) for example in EXAMPLES} >= every_model() - parts - BASES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_a_model_cannot_be_changed(example):
    name = next(iter(type(example).model_fields))
    before = getattr(example, name)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(example, name, "changed")
    assert getattr(example, name) == before


CLOSED = [one for one in EXAMPLES if not isinstance(one, EventPart) and one.model_config.get("extra") == "forbid"]


@pytest.mark.parametrize("example", CLOSED, ids=lambda example: type(example).__name__)
def test_a_model_takes_no_field_it_does_not_know(example):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(example).model_validate({**dict(example), "unheard_of": 1})


def test_only_events_and_their_parts_are_open():
    open_ones = {type(one).__name__ for one in EXAMPLES} - {type(one).__name__ for one in CLOSED}
    assert open_ones == {"Event", "OfferProvisionErrorData", "Party"}


def test_the_key_of_an_event_is_seller_source_and_id():
    assert event().key == ("shop", "/platform/orders", "evt-1")
    assert event({"data.seller.id": "other"}).key == ("other", "/platform/orders", "evt-1")


@pytest.mark.parametrize(
    "changes", [{"time": None}, {"subject": "x"}, {"data.customer.id": "x"}, {"data.error.code": "y"}]
)
def test_the_key_of_an_event_is_of_nothing_else(changes):
    assert event(changes).key == event().key


def test_an_event_happened_when_it_says_else_when_it_was_accepted():
    assert event().when(NOW) == datetime(2026, 11, 20, 9, 41, 27, 315000, tzinfo=UTC)
    accepted = NOW.astimezone(timezone(timedelta(hours=3)))
    silent = event({"time": None}).when(accepted)
    assert (silent, silent.utcoffset()) == (NOW, timedelta())


def test_an_event_enters_templates_as_plain_json_data():
    def kinds(value) -> set[type]:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return {type(value)}.union(*(kinds(one) for one in inner))

    plain = event({"data.new": [1, {"a": None}]}).plain()
    assert kinds(plain) <= {dict, list, str, int, float, bool, type(None)}
    assert json.loads(json.dumps(plain)) == plain


def test_an_event_type_is_told_to_its_user_unless_it_says_otherwise():
    made = type(KIND)(name="X", data=KIND.data, notification="x")
    assert (made.to, made.cc, made.bcc, made.critical) == (("event_user",), (), (), True)


def test_the_addresses_of_an_envelope_are_each_there_once_in_the_order_of_places():
    assert envelope(to=(BOB,), cc=(ADA, BOB), bcc=(CY, ADA)).addresses == (BOB.address, ADA.address, CY.address)


@pytest.mark.parametrize(
    ("places", "reached"),
    [((), False), (("cc",), False), (("bcc", "cc"), False), (("to",), True), (("cc", "to"), True)],
)
def test_an_audience_reaches_a_person_if_somebody_is_in_to(places, reached):
    entries = tuple(Entry(place=place, recipient=ADA, selector="x", origin="default") for place in places)
    assert Audience(entries=entries).reaches_a_person is reached


def test_an_audience_tells_who_is_in_a_place():
    who = [("to", ADA), ("cc", BOB), ("cc", CY)]
    entries = tuple(Entry(place=place, recipient=one, selector="x", origin="default") for place, one in who)
    assert (Audience(entries=entries).at("to"), Audience(entries=entries).at("cc")) == ((ADA,), (BOB, CY))
    assert Audience(entries=entries).at("bcc") == ()


def test_an_entry_says_which_selector_of_which_level_put_it_there():
    assert (
        Entry(place="to", recipient=ADA, selector="role:x", origin="seller shop").why() == "role:x · from seller shop"
    )


@pytest.mark.parametrize("state", State)
def test_a_delivery_is_good_once_the_far_side_has_it(state):
    assert delivery(state).is_good is (state in (State.DELIVERED, State.ACCEPTED))


def test_a_delivery_keeps_its_trace_out_of_its_repr():
    assert "secret-ish" not in repr(delivery().model_copy(update={"trace": {"k": "secret-ish"}}))


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_a_list_in_settings_is_short_for_set(field):
    listed = EventSettings.model_validate({field: ["event_user"]})
    assert listed == EventSettings.model_validate({field: {"set": ["event_user"]}})


@pytest.mark.parametrize("priority", [-1, 101])
def test_a_block_has_a_priority_from_0_to_100(priority):
    with pytest.raises(ValidationError):
        DividerBlock(id="a", priority=priority)
