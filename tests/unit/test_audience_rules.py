"""Audience: which selectors are in force, after the differences of every level; and which endpoints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.models.audience import Endpoint
from livery.steps import audience
from unit.making import KIND, chain

SELLER_CONTACT = "organization_contact:seller.primary"
TYPE = "OfferProvisionError"


def settings(type_: str = TYPE, **places) -> dict:
    return {"settings": {type_: places}}


def in_force(*levels: dict) -> list[tuple[str, str, str]]:
    """(place, selector, origin) under differences of platform, distributor and seller."""
    platform, distributor, seller = (*levels, {}, {}, {})[:3]
    found = audience.rules(KIND, chain(seller, platform=platform, distributor=distributor))
    return [(rule.place, rule.selector, rule.origin) for rule in found]


DEFAULT = [("to", "event_user", "default"), ("cc", SELLER_CONTACT, "default")]


def test_by_default_the_user_of_the_event_is_told_and_the_sellers_primary_contact_gets_a_copy():
    assert in_force() == DEFAULT


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param(
            [settings(cc={"add": ["role:sales"]})],
            [*DEFAULT, ("cc", "role:sales", "default platform")],
            id="platform adds",
        ),
        pytest.param(
            [{}, {}, settings(bcc={"add": ["address:log@shop.example"]})],
            [*DEFAULT, ("bcc", "address:log@shop.example", "seller shop")],
            id="seller adds",
        ),
        pytest.param(
            [{}, settings(cc={"remove": [SELLER_CONTACT]})], DEFAULT[:1], id="distributor removes the default"
        ),
        pytest.param(
            [settings(cc={"add": ["role:a"]}), {}, settings(cc={"remove": ["role:a"]})],
            DEFAULT,
            id="seller removes what the platform added",
        ),
        pytest.param(
            [settings(to=["role:a"]), {}, settings(to={"add": ["role:b"]})],
            [("to", "role:a", "default platform"), ("to", "role:b", "seller shop"), DEFAULT[1]],
            id="platform sets and seller adds",
        ),
        pytest.param(
            [settings(to={"add": ["role:a"]}), settings(to=["role:b"]), {}],
            [("to", "role:b", "distributor distri"), DEFAULT[1]],
            id="set replaces everything from above",
        ),
        pytest.param([{}, {}, settings(to=[], cc=[])], [], id="an empty set is nobody"),
        pytest.param(
            [settings(cc={"add": ["role:a"]}), settings(cc={"add": ["role:a"]})],
            [*DEFAULT, ("cc", "role:a", "default platform")],
            id="added twice keeps the first origin",
        ),
        pytest.param([{}, {}, settings(to={"remove": ["role:nobody"]})], DEFAULT, id="removing what is not there"),
        pytest.param(
            [{}, {}, settings(to={"set": ["role:a"], "add": ["role:b"], "remove": ["role:a"]})],
            [("to", "role:b", "seller shop"), DEFAULT[1]],
            id="set then add then remove",
        ),
        pytest.param([settings("Other", to=["role:other"])], DEFAULT, id="another event type's settings do not count"),
        pytest.param(
            [settings("*", cc={"add": ["role:all"]})], [*DEFAULT, ("cc", "role:all", "default platform")], id="* counts"
        ),
        pytest.param(
            [{"settings": {TYPE: {"to": ["role:one"]}, "*": {"to": ["role:all"]}}}],
            [("to", "role:one", "default platform"), DEFAULT[1]],
            id="* before the type on one level",
        ),
        pytest.param(
            [settings(to=["role:one"]), {}, settings("*", to=["role:all"])],
            [("to", "role:all", "seller shop"), DEFAULT[1]],
            id="* of a lower level after the type of a higher",
        ),
    ],
)
def test_every_level_changes_what_comes_from_above(levels, expected):
    assert in_force(*levels) == expected


def test_a_selector_may_stand_in_two_places():
    both = in_force({}, {}, settings(cc={"add": ["event_user"]}))
    assert both == [*DEFAULT, ("cc", "event_user", "seller shop")]


selectors = st.sampled_from([f"role:{letter}" for letter in "abcdefgh"])
additions = st.lists(st.tuples(st.sampled_from(["to", "cc", "bcc"]), selectors), unique=True, max_size=8)


@given(added=additions, random=st.randoms(use_true_random=False))
def test_independent_additions_give_one_set_whatever_their_order_and_level(added, random):
    def spread(order) -> set[tuple[str, str]]:
        levels = [{}, {}, {}]
        for place, selector in order:
            level = levels[random.randrange(3)].setdefault("settings", {}).setdefault(TYPE, {})
            level.setdefault(place, {"add": []})["add"].append(selector)
        return {(place, selector) for place, selector, _ in in_force(*levels)}

    other = list(added)
    random.shuffle(other)
    assert spread(added) == spread(other) == {(place, selector) for place, selector, _ in DEFAULT} | set(added)


@given(added=additions)
def test_removing_what_was_added_above_restores_what_was(added):
    above: dict = {}
    for place, selector in added:
        above.setdefault(place, {"add": []})["add"].append(selector)
    below = {place: {"remove": change["add"]} for place, change in above.items()}
    assert in_force(settings(**above), {}, settings(**below)) == DEFAULT


@pytest.mark.parametrize(
    ("levels", "answer"),
    [
        ([{}, {}, {}], (True, "default")),
        ([settings(enabled=False), {}, {}], (False, "default platform")),
        ([settings(enabled=False), {}, settings(enabled=True)], (True, "seller shop")),
        ([{}, settings(enabled=False), settings(to=["role:a"])], (False, "distributor distri")),
        ([{}, {}, settings("*", enabled=False)], (False, "seller shop")),
        ([{}, {}, {"settings": {"*": {"enabled": False}, TYPE: {"enabled": True}}}], (True, "seller shop")),
        ([{}, {}, {"settings": {TYPE: {"enabled": True}, "*": {"enabled": False}}}], (True, "seller shop")),
        ([settings("Other", enabled=False), {}, {}], (True, "default")),
    ],
)
def test_the_lowest_level_that_speaks_switches_an_event_type_on_or_off(levels, answer):
    platform, distributor, seller = levels
    assert audience.is_enabled(KIND, chain(seller, platform=platform, distributor=distributor)) == answer


def hook(tenant: str, number: int = 1) -> Endpoint:
    return Endpoint(channel="c", key=f"{tenant}-{number}", label="", origin=tenant)


@pytest.mark.parametrize(
    ("configured", "cumulative", "nearest"),
    [
        ({}, [], []),
        ({"platform": 1}, ["platform-1"], ["platform-1"]),
        ({"platform": 1, "shop": 1}, ["platform-1", "shop-1"], ["shop-1"]),
        ({"platform": 1, "distri": 2}, ["platform-1", "distri-1", "distri-2"], ["distri-1", "distri-2"]),
        ({"platform": 1, "distri": 1, "shop": 1}, ["platform-1", "distri-1", "shop-1"], ["shop-1"]),
        ({"another-shop": 1}, [], []),
    ],
)
def test_webhooks_of_every_level_count_but_only_the_nearest_levels_chats(configured, cumulative, nearest):
    def lookup(tenant: str, channel: str) -> list[Endpoint]:
        return [hook(tenant, number + 1) for number in range(configured.get(tenant, 0))] if channel == "c" else []

    def keys(*, cumulative: bool) -> list[str]:
        found = audience.endpoints("c", chain(), cumulative=cumulative, configured=lookup)
        return [endpoint.key for endpoint in found]

    assert (keys(cumulative=True), keys(cumulative=False)) == (cumulative, nearest)
