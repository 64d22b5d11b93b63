"""Audience: selectors become people in places; who is left out is left out with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery import addresses
from livery.directory.answering import Answers
from livery.models.audience import Audience, Recipient
from livery.models.tenant import Contact
from livery.steps import audience
from unit.making import chain, event, settled

TYPE = "OfferProvisionError"


def nobody(selectors, event, chain):
    """A host's directory that answers nothing."""
    return {}


def knows(known: dict[str, list[str]]):
    """A host's directory that knows these addresses by selector."""

    def answer(selectors, event, chain):
        return {one: tuple(Recipient(address=address) for address in known[one]) for one in selectors if one in known}

    return answer


def audience_of(tenants, *, directory=nobody, of=None, **settings) -> Audience:
    resolved = settled(tenants, **settings)
    known = Answers(lambda: None, directory).all(audience.selectors(resolved), of or event(), tenants)
    return audience.resolve(resolved, known)


def resolve(seller=None, *, directory=nobody, of=None, **above) -> Audience:
    return audience_of(chain(seller, **above), directory=directory, of=of)


def told(places: dict, **known) -> Audience:
    """The audience where the seller sets these places, and a directory knows `role:<name>`."""
    directory = knows({f"role:{name}": addresses for name, addresses in known.items()})
    tenants = chain({"settings": {TYPE: {"to": [], "cc": [], "bcc": [], **places}}})
    return audience_of(tenants, directory=directory, places={})


def placed(found: Audience) -> list[tuple[str, str]]:
    return [(entry.place, entry.recipient.address) for entry in found.entries]


CONTACTS = {"contacts": {"primary": {"email": "desk@shop.example", "name": "Shop desk", "locale": "de"}}}


def test_by_default_the_user_is_in_to_and_the_sellers_primary_contact_in_cc():
    found = resolve(CONTACTS)
    assert placed(found) == [("to", "ada@custo.example"), ("cc", "desk@shop.example")]
    assert (found.excluded, found.warnings, found.reaches_a_person) == ((), (), True)
    user, contact = found.entries
    assert (user.recipient.name, user.recipient.locale, user.why()) == (
        "Ada Buyer",
        "en-GB",
        "event_user · from default",
    )
    assert (contact.recipient.name, contact.recipient.locale) == ("Shop desk", "de")


@pytest.mark.parametrize(
    ("selector", "address"),
    [
        ("organization_contact:seller.primary", "primary@shop.example"),
        ("organization_contact:seller.billing", "billing@shop.example"),
        ("organization_contact:distributor.primary", "primary@distri.example"),
        ("organization_contact:platform.primary", "primary@platform.example"),
        ("address:any@where.example", "any@where.example"),
        ("address: padded@where.example ", "padded@where.example"),
        ("address:Any Body <any@where.example>", "any@where.example"),
    ],
)
def test_a_selector_stands_for_who_it_says(selector, address):
    def contacts(tenant: str, *kinds: str) -> dict:
        return {"contacts": {kind: {"email": f"{kind}@{tenant}.example"} for kind in kinds}}

    seller = {**contacts("shop", "primary", "billing"), "settings": {TYPE: {"cc": [selector]}}}
    found = resolve(seller, distributor=contacts("distri", "primary"), platform=contacts("platform", "primary"))
    assert placed(found) == [("to", "ada@custo.example"), ("cc", address)]


def test_of_two_distributors_the_nearest_is_asked_first():
    platform, distributor, seller = chain({"settings": {TYPE: {"to": ["organization_contact:distributor.primary"]}}})
    above = distributor.model_copy(update={"id": "above", "contacts": {"primary": Contact(email="above@x.example")}})
    below = distributor.model_copy(update={"id": "below", "contacts": {"primary": Contact(email="below@x.example")}})
    tenants = (platform, above, below, seller)
    assert audience_of(tenants).at("to")[0].address == "below@x.example"
    tenants = (platform, above, distributor, seller)
    assert audience_of(tenants).at("to")[0].address == "above@x.example"


@pytest.mark.parametrize("written", ["Any Body <any@where.example>", ' "Any Body"  <any@where.example> '])
def test_the_display_name_of_an_address_selector_is_kept(written):
    assert told({"to": [f"address:{written}"]}).entries[0].recipient == Recipient(
        address="any@where.example", name="Any Body"
    )


@pytest.mark.parametrize(
    ("changes", "without", "selector", "reason"),
    [
        ({}, ("data.user",), "event_user", "the event names no user"),
        ({"data.user": None}, (), "event_user", "the event names no user"),
        ({"data.user.email": None}, (), "event_user", "the user has no e-mail address"),
        ({"data.user.email": ""}, (), "event_user", "the user has no e-mail address"),
        ({}, (), "organization_contact:seller.primary", "no seller primary contact is configured"),
        ({}, (), "organization_contact:customer.primary", "no customer primary contact is configured"),
        (
            {},
            (),
            "organization_contact:moon.primary",
            "there is no organisation 'moon': expected customer, seller, distributor, platform",
        ),
        ({}, (), "role:sales", "no user of the seller has the role sales"),
        ({}, (), "user:17", "no such user is in the directory"),
    ],
)
def test_a_selector_that_stands_for_nobody_says_why(changes, without, selector, reason):
    seller = {"settings": {TYPE: {"to": [selector], "cc": []}}}
    found = resolve(seller, of=event(changes, without=without))
    assert (selector, reason) in [(one.selector, one.reason) for one in found.excluded]


INVALID = [
    "",
    " ",
    "ada",
    "@custo.example",
    "ada@",
    "ada@@custo.example",
    "ada@custo.example, eve@evil.example",
    "ada@custo.example,eve@evil.example",
    "ada@custo.example; eve@evil.example",
    "ada@custo.example eve@evil.example",
    "team: ada@custo.example, eve@evil.example;",
    "ada@custo.example\r\nBcc: eve@evil.example",
    "ada@custo.example\nBcc: eve@evil.example",
    "ada\x00@custo.example",
    "ada buyer@custo.example",
    "ada@custo .example",
    "<ada@custo.example>",
    "Ada <ada@custo.example>",
    "ada@custo.example<eve@evil.example>",
    "ada@custo.example>",
    "mailto:ada@custo.example",
    '"ada"@custo.example',
    "ada(comment)@custo.example",
    "ada@[127.0.0.1]",
    "ada@localhost",
    "ada@custo..example",
    "ada@-custo.example",
    ".ada@custo.example",
    "a" * 65 + "@custo.example",
    "ada@" + "a" * 64 + ".example",
    "ada\u202e@custo.example",
]


@pytest.mark.parametrize("address", INVALID)
def test_what_is_not_exactly_one_address_is_left_out_with_a_reason(address):
    found = told({"to": ["role:x"], "cc": ["role:good"]}, x=[address], good=["good@custo.example"])
    assert placed(found) == [("cc", "good@custo.example")]
    (left_out, *_) = [one for one in found.excluded if one.selector == "role:x"]
    assert left_out.reason
    assert left_out.place == "to"
    assert len(left_out.address.splitlines()) <= 1


@pytest.mark.parametrize(
    "selector",
    [
        "address:",
        "address:ada@custo.example, eve@evil.example",
        "address:Ada <ada@custo.example>, Eve <eve@evil.example>",
        "address:Ada <ada@custo.example> <eve@evil.example>",
        "address:<ada@custo.example",
        "address:<<ada@custo.example>>",
        "address:Ada <>",
        "address:team: ada@custo.example;",
        "address:Ada <ada@custo.example>\r\nBcc: eve@evil.example",
    ],
)
def test_an_address_selector_that_is_not_exactly_one_address_tells_nobody(selector):
    found = told({"to": [selector]})
    assert placed(found) == []
    assert [one.reason for one in found.excluded if one.selector == selector]


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ada@custo.example", "ada@custo.example"),
        (" ada@custo.example ", "ada@custo.example"),
        ("\u2028ada@custo.example\r\n", "ada@custo.example"),
        ("Ada.Buyer+x@Custo.Example", "Ada.Buyer+x@custo.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@例え.example", "ada@xn--r8jz45g.example"),
        ("ädä@custo.example", "ädä@custo.example"),
        ("o'hara@custo.example", "o'hara@custo.example"),
    ],
)
def test_an_address_is_written_with_its_domain_in_ascii(address, written):
    assert addresses.address(address) == written


@given(text=st.text() | st.text(st.sampled_from('ab@.<>,;:"() \r\n\\[]é'), max_size=20) | st.sampled_from(INVALID))
def test_any_text_is_one_sane_address_or_none_with_a_reason(text):
    checked = addresses.address(text)
    if isinstance(checked, addresses.Invalid):
        assert checked.why
    else:
        local, at, domain = checked.rpartition("@")
        assert (at, domain.isascii()) == ("@", True)
        assert not set(local + domain) & set(' ,;:<>()[]"\\\r\n\x00')


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada\r\nBcc: eve@evil.example", "Ada Bcc: eve@evil.example"),
        ("Ada\u202eyobA", "AdayobA"),
        ("x" * 500, "x" * 119 + "…"),
        ("  ", ""),
    ],
)
def test_a_display_name_is_one_clean_line(name, shown):
    found = resolve(of=event({"data.user.name": name[:400]}), seller=CONTACTS)
    assert found.entries[0].recipient.name == shown


# ------------------------------------------------------------------ once each


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ({"to": ["role:a"], "cc": ["role:a"], "bcc": ["role:a"]}, [("to", "a@x.example")]),
        (
            {"cc": ["role:a"], "bcc": ["role:a", "role:b"], "to": ["role:c"]},
            [("to", "c@x.example"), ("cc", "a@x.example"), ("bcc", "b@x.example")],
        ),
        ({"to": ["role:a", "role:upper"]}, [("to", "a@x.example")]),
        ({"to": ["role:c", "role:a", "address:a@x.example"]}, [("to", "c@x.example"), ("to", "a@x.example")]),
    ],
)
def test_an_address_is_told_once_in_its_strongest_place(places, expected):
    people = {"a": ["a@x.example"], "b": ["b@x.example"], "c": ["c@x.example"], "upper": ["A@X.EXAMPLE"]}
    found = told(places, **people)
    assert placed(found) == expected
    assert all(one.reason.startswith("already in ") for one in found.excluded)
    assert len(found.excluded) == sum(map(len, places.values())) - len(expected)


# ------------------------------------------------------------------ nobody in To

FALLBACKS = [
    ("organization_contact:customer.primary", "customer's primary contact"),
    ("organization_contact:seller.primary", "seller's primary contact"),
    ("organization_contact:distributor.operations", "distributor's operations"),
    ("organization_contact:platform.operations", "platform's operations"),
]


@pytest.mark.parametrize("missing", range(len(FALLBACKS)))
def test_is_to_empty_the_first_reachable_of_the_fallback_chain_is_told_with_a_warning(missing):
    known = {
        selector: [f"fallback{number}@x.example"] for number, (selector, _) in enumerate(FALLBACKS) if number >= missing
    }
    found = resolve({"settings": {TYPE: {"to": [], "cc": []}}}, directory=knows(known))
    assert placed(found) == [("to", f"fallback{missing}@x.example")]
    assert found.entries[0].origin == "fallback"
    (warning,) = found.warnings
    assert FALLBACKS[missing][1] in warning
    replaced, missed = found.excluded[:2], found.excluded[2:]
    assert {one.reason for one in replaced} == {"replaced by the list of seller shop (livery.toml)"}
    assert [one.selector for one in missed] == [selector for selector, _ in FALLBACKS[:missing]]


def test_a_fallback_with_an_invalid_address_gives_way_to_the_next():
    known = {FALLBACKS[0][0]: ["no address"], FALLBACKS[1][0]: ["next@x.example"]}
    found = resolve({"settings": {TYPE: {"to": [], "cc": []}}}, directory=knows(known))
    assert placed(found) == [("to", "next@x.example")]


def test_a_fallback_who_would_get_a_copy_is_moved_to_to():
    found = resolve(CONTACTS, of=event({"data.user": None}))
    assert placed(found) == [("to", "desk@shop.example")]
    assert "already in To" in [one.reason for one in found.excluded]


@pytest.mark.parametrize("places", [{}, {"cc": ["role:a"]}, {"bcc": ["role:a"]}])
def test_where_nobody_is_found_for_to_no_person_is_reached(places):
    found = told(places, a=["a@x.example"])
    assert (found.reaches_a_person, found.at("to"), found.warnings) == (False, (), ())
    assert {selector for selector, _ in FALLBACKS} <= {one.selector for one in found.excluded}


# ------------------------------------------------------------------ the host's directory


def test_the_directory_is_asked_before_the_event_and_the_configuration():
    known = {"event_user": ["ada@directory.example"], "organization_contact:seller.primary": ["desk@directory.example"]}
    found = resolve(CONTACTS, directory=knows(known))
    assert placed(found) == [("to", "ada@directory.example"), ("cc", "desk@directory.example")]


def test_the_directory_is_not_asked_for_plain_addresses():
    asked = []

    def directory(selectors, event, chain):
        asked.append(selectors)
        return {}

    resolve({"settings": {TYPE: {"to": ["address:a@x.example", "role:a"], "cc": []}}}, directory=directory)
    assert asked == [["role:a", *(selector for selector, _ in FALLBACKS)]]


def test_an_empty_answer_of_the_directory_means_nobody():
    found = resolve(CONTACTS, directory=knows({"organization_contact:seller.primary": []}))
    assert placed(found) == [("to", "ada@custo.example")]
    assert [(one.selector, one.reason) for one in found.excluded] == [
        ("organization_contact:seller.primary", "the host's directory knows nobody for it")
    ]


def test_every_person_of_an_answer_is_told():
    found = told({"to": ["role:team"]}, team=["a@x.example", "b@x.example", "bad", "c@x.example"])
    assert placed(found) == [("to", "a@x.example"), ("to", "b@x.example"), ("to", "c@x.example")]
    assert [one.address for one in found.excluded] == ["bad"]


people = st.dictionaries(
    st.sampled_from([f"role:{letter}" for letter in "abcd"] + [selector for selector, _ in FALLBACKS]),
    st.lists(
        st.sampled_from(["a@x.example", "b@x.example", "A@x.example", "bad", "x@y.example, z@y.example"]), max_size=3
    ),
)
listed = st.lists(
    st.sampled_from([*(f"role:{letter}" for letter in "abcd"), "event_user", "address:a@x.example", "address:?"]),
    unique=True,
)


@given(known=people, to=listed, cc=listed, bcc=listed)
def test_every_selector_in_force_yields_somebody_or_a_reason(known, to, cc, bcc):
    seller = {"settings": {TYPE: {"to": to, "cc": cc, "bcc": bcc}}}
    found = resolve(seller, directory=knows(known))
    spoken_of = {(one.place, one.selector) for one in (*found.entries, *found.excluded)}
    assert spoken_of >= {
        (place, selector) for place, selectors in (("to", to), ("cc", cc), ("bcc", bcc)) for selector in selectors
    }
    assert all(one.reason for one in found.excluded)
    addresses = [entry.recipient.address.casefold() for entry in found.entries]
    assert len(addresses) == len(set(addresses))
