"""Marks on fields, views of readers, and the copies an audience comes to."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.models.audience import Audience, Endpoint, Entry, Exclusion, Recipient
from livery.models.classification import (
    CONCEALED,
    INTERNAL,
    PUBLIC,
    SIDES,
    View,
    concealed,
    hidden,
    is_secret,
    marks,
    masked,
    redacted,
    secret,
    secrets_of,
)
from livery.models.event import EventData, EventPart
from livery.steps import copies

USER, SELLER = secret("user"), secret("seller", "platform")


class Key(EventPart):
    value: Annotated[str, USER]
    note: str = ""


class Data(EventData):
    plain: Annotated[str, PUBLIC] = "p"
    margin: Annotated[float, INTERNAL] | None = None
    token: Annotated[str | None, SELLER] = None
    keys: list[Key] = []
    named: dict[str, Key] = {}
    whole: Annotated[Key | None, USER] = None
    maybe: Key | None = None


PARTIES = {"seller": {"id": "s", "name": "S"}, "customer": {"id": "c", "name": "C"}}


def data(**fields: Any) -> Data:
    return Data.model_validate({**PARTIES, **fields})


def test_marks_are_found_wherever_they_stand():
    assert dict(marks(Data)) == {
        ("margin",): INTERNAL,
        ("token",): SELLER,
        ("keys", "*", "value"): USER,
        ("named", "*", "value"): USER,
        ("whole",): USER,
        ("maybe", "value"): USER,
    }


def test_a_model_that_holds_itself_ends():
    class Tree(EventData):
        code: Annotated[str, USER] = ""
        below: "list[Tree]" = []

    Tree.model_rebuild(_types_namespace={"Tree": Tree})
    assert ("code",) in marks(Tree)


def test_no_such_side():
    with pytest.raises(ValueError, match="no side is called friends"):
        secret("friends")  # type: ignore[arg-type]


views = st.builds(View, st.frozensets(st.sampled_from(SIDES)), st.booleans())
keys = st.builds(lambda value, note: {"value": value, "note": note}, st.text(min_size=3), st.text())
filled = st.fixed_dictionaries(
    {},
    optional={
        "margin": st.floats(allow_nan=False),
        "token": st.text(min_size=3),
        "keys": st.lists(keys, max_size=3),
        "named": st.dictionaries(st.text(max_size=3), keys, max_size=3),
        "whole": keys,
        "maybe": keys,
    },
).map(lambda fields: data(**fields))


@given(filled, st.lists(views, max_size=3))
def test_what_is_left_is_what_every_reader_may_see(found, readers):
    left = masked(found, hidden(found, readers))
    assert hidden(left, readers) == frozenset()
    for path, mark in marks(Data).items():
        if all(view.sees(mark) for view in readers):
            assert path not in hidden(found, readers)
    assert (left.plain, left.seller, left.customer) == (found.plain, found.seller, found.customer)


@given(filled)
def test_without_secrets_none_is_left_and_what_was_given_stays(found):
    before = found.model_dump_json()
    left = masked(found, hidden(found, [View()]))
    assert secrets_of(left) == ()
    assert found.model_dump_json() == before
    dumped = left.model_dump(mode="json", exclude_unset=True, warnings=False)
    assert "token" not in dumped
    assert "whole" not in dumped


@given(filled)
def test_a_preview_has_stand_ins_of_the_same_shape(found):
    shown = concealed(found)
    assert [key.value for key in shown.keys] == [CONCEALED] * len(found.keys)
    assert set(secrets_of(shown)) <= {CONCEALED}
    assert [key.note for key in shown.keys] == [key.note for key in found.keys]


@given(filled, st.text(), st.text())
def test_redacted_texts_hold_no_secret(found, before, after):
    secrets = secrets_of(found)
    told = redacted({"a": [before + "".join(secrets) + after], "b": dict.fromkeys(secrets, 1), "c": 1}, secrets)
    for one in secrets:
        assert one not in told["a"][0].replace(CONCEALED, "\x00") or one in CONCEALED
        assert one not in told["b"] or one in CONCEALED


@pytest.mark.parametrize(
    ("path", "answer"),
    [((), True), (("keys",), True), (("keys", "0"), True), (("keys", "0", "value"), True), (("keys", "0", "note"), False),
     (("whole", "note"), True), (("plain",), False), (("margin",), False), (("seller", "id"), False)],
)  # fmt: skip
def test_where_a_secret_may_be(path, answer):
    assert is_secret(Data, path) is answer


def entry(selector: str, address: str, place: str = "to", origin: str = "default", **fields: Any) -> Entry:
    also = fields.pop("also", ())
    return Entry(
        place=place, selector=selector, origin=origin, also=also, recipient=Recipient(address=address, **fields)
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "view"),
    [
        (entry("event_user", "a@x.example"), View(frozenset({"user", "customer"}), secrets=True)),
        (entry("organization_contact:customer.primary", "a@x.example"), View(frozenset({"customer"}), secrets=True)),
        (entry("organization_contact:seller.primary", "a@x.example"), View(frozenset({"seller"}), secrets=True)),
        (entry("organization_contact:distributor.operations", "a@x.example"), View(frozenset({"distributor"}), secrets=True)),
        (entry("role:account_manager", "a@x.example"), View(frozenset({"seller"}), secrets=True)),
        (entry("role:customer.buyer", "a@x.example"), View(frozenset({"customer"}), secrets=True)),
        (entry("user:42", "a@x.example"), View(frozenset(), secrets=True)),
        (entry("user:42", "a@x.example", side="seller"), View(frozenset({"seller"}), secrets=True)),
        (entry("address:a@x.example", "a@x.example"), View(frozenset({"platform"}))),
        (entry("address:a@x.example", "a@x.example", origin="seller shop"), View(frozenset({"seller"}))),
        (
            entry("event_user", "a@x.example", also=("organization_contact:seller.primary",)),
            View(frozenset({"user", "customer", "seller"}), secrets=True),
        ),
    ],
)  # fmt: skip
def test_whose_person_somebody_is(who, view):
    assert copies.view_of(who) == view


@pytest.mark.parametrize(
    ("origin", "side"), [("default platform", "platform"), ("distributor d", "distributor"), ("seller s", "seller")]
)
def test_an_endpoint_sees_what_its_level_sees(origin, side):
    where = Endpoint(channel="webhook", key="k", label="", origin=origin)
    assert copies.view_of_endpoint(where) == View(frozenset({side}))
    assert copies.view_of_endpoint(where.model_copy(update={"may_see_secrets": True})).sees(secret(side))


ALL = Audience(
    entries=(
        entry("event_user", "user@c.example"),
        entry("organization_contact:customer.primary", "boss@c.example", "cc"),
        entry("organization_contact:seller.primary", "desk@s.example", "cc"),
        entry("address:box@s.example", "box@s.example", "bcc", "seller s"),
    ),
    excluded=(Exclusion(place="cc", selector="role:x", origin="default", reason="nobody"),),
)


def members(made):
    return [[(one.place, one.recipient.address.partition("@")[0]) for one in copy.audience.entries] for copy in made]


def test_one_copy_where_nothing_differs():
    (only,) = copies.split(ALL, data(), [])
    assert only.audience == ALL
    assert only.name == ""


def test_an_internal_field_parts_the_customer_from_the_seller():
    made = copies.split(ALL, data(margin=1.0), [])
    assert members(made) == [[("to", "user"), ("cc", "boss")], [("to", "desk"), ("bcc", "box")]]
    assert [copy.withheld(data(margin=1.0)) for copy in made] == [("margin",), ()]
    assert [bool(copy.audience.excluded) for copy in made] == [True, False]
    assert "desk@s.example" in made[1].audience.warnings[0]


def test_a_field_that_is_not_there_parts_nobody():
    assert len(copies.split(ALL, data(margin=None), [])) == 1


def test_a_secret_parts_those_who_may_see_it():
    made = copies.split(ALL, data(token="tok-123"), [])
    assert members(made) == [[("to", "user"), ("cc", "boss"), ("bcc", "box")], [("to", "desk")]]


def test_blocks_for_an_audience_part_it():
    made = copies.split(ALL, data(), [frozenset({"user"})])
    assert members(made) == [[("to", "user")], [("to", "boss"), ("to", "desk"), ("bcc", "box")]]


@given(filled, st.lists(st.frozensets(st.sampled_from(SIDES), min_size=1), max_size=3), st.permutations(ALL.entries))
def test_everybody_is_in_one_copy_and_sees_what_is_theirs(found, blocks, entries):
    made = copies.split(Audience(entries=tuple(entries)), found, blocks)
    told = [one.recipient.address for copy in made for one in copy.audience.entries]
    assert sorted(told) == sorted(one.recipient.address for one in entries)
    assert len({copy.name for copy in made}) == len(made)
    for copy in made:
        for one in copy.audience.entries:
            view = copies.view_of(one)
            assert hidden(found, [view]) == hidden(found, copy.views)
            for audience in blocks:
                assert view.is_addressed(audience) == all(other.is_addressed(audience) for other in copy.views)
        assert any(one.place == "to" for one in copy.audience.entries) or all(
            one.place == "bcc" for one in copy.audience.entries
        )


@given(views)
def test_a_view_is_read_as_it_was_written(view):
    assert View.of(view.words()) == view
