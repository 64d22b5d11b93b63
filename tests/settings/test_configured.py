"""What livery.toml says at every level: which selectors are in force, and which destinations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.making import chain, settled

SELLER_CONTACT = "organization_contact:seller.primary"
TYPE = "OfferProvisionError"
PLATFORM, DISTRI, SHOP = (f"{one} (livery.toml)" for one in ("default platform", "distributor distri", "seller shop"))


def settings(type_: str = TYPE, **places) -> dict:
    return {"settings": {type_: places}}


def in_force(*levels: dict) -> list[tuple[str, str, str]]:
    """(place, selector, origin) under differences of platform, distributor and seller."""
    platform, distributor, seller = (*levels, {}, {}, {})[:3]
    found = settled(chain(seller, platform=platform, distributor=distributor))
    return [(place, item.key, item.origin) for place in ("to", "cc", "bcc") for item in found[place].items]


DEFAULT = [("to", "event_user", "default"), ("cc", SELLER_CONTACT, "default")]


def test_by_default_the_user_of_the_event_is_told_and_the_sellers_primary_contact_gets_a_copy():
    assert in_force() == DEFAULT


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param(
            [settings(cc={"add": ["role:sales"]})],
            [*DEFAULT, ("cc", "role:sales", PLATFORM)],
            id="platform adds",
        ),
        pytest.param(
            [{}, {}, settings(bcc={"add": ["address:log@shop.example"]})],
            [*DEFAULT, ("bcc", "address:log@shop.example", SHOP)],
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
            [("to", "role:a", PLATFORM), ("to", "role:b", SHOP), DEFAULT[1]],
            id="platform sets and seller adds",
        ),
        pytest.param(
            [settings(to={"add": ["role:a"]}), settings(to=["role:b"]), {}],
            [("to", "role:b", DISTRI), DEFAULT[1]],
            id="set replaces everything from above",
        ),
        pytest.param([{}, {}, settings(to=[], cc=[])], [], id="an empty set is nobody"),
        pytest.param(
            [settings(cc={"add": ["role:a"]}), settings(cc={"add": ["role:a"]})],
            [*DEFAULT, ("cc", "role:a", PLATFORM)],
            id="added twice keeps the first origin",
        ),
        pytest.param([{}, {}, settings(to={"remove": ["role:nobody"]})], DEFAULT, id="removing what is not there"),
        pytest.param(
            [{}, {}, settings(to={"set": ["role:a"], "add": ["role:b"], "remove": ["role:a"]})],
            [("to", "role:b", SHOP), DEFAULT[1]],
            id="set then add then remove",
        ),
        pytest.param([settings("Other", to=["role:other"])], DEFAULT, id="another event type's settings do not count"),
        pytest.param(
            [settings("*", cc={"add": ["role:all"]})], [*DEFAULT, ("cc", "role:all", PLATFORM)], id="* counts"
        ),
        pytest.param(
            [{"settings": {TYPE: {"to": ["role:one"]}, "*": {"to": ["role:all"]}}}],
            [("to", "role:one", PLATFORM), DEFAULT[1]],
            id="* before the type on one level",
        ),
        pytest.param(
            [settings(to=["role:one"]), {}, settings("*", to=["role:all"])],
            [("to", "role:all", SHOP), DEFAULT[1]],
            id="* of a lower level after the type of a higher",
        ),
    ],
)
def test_every_level_changes_what_comes_from_above(levels, expected):
    assert in_force(*levels) == expected


def test_a_selector_may_stand_in_two_places():
    both = in_force({}, {}, settings(cc={"add": ["event_user"]}))
    assert both == [*DEFAULT, ("cc", "event_user", SHOP)]


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
        ([settings(enabled=False), {}, {}], (False, PLATFORM)),
        ([settings(enabled=False), {}, settings(enabled=True)], (True, SHOP)),
        ([{}, settings(enabled=False), settings(to=["role:a"])], (False, DISTRI)),
        ([{}, {}, settings("*", enabled=False)], (False, SHOP)),
        ([{}, {}, {"settings": {"*": {"enabled": False}, TYPE: {"enabled": True}}}], (True, SHOP)),
        ([{}, {}, {"settings": {TYPE: {"enabled": True}, "*": {"enabled": False}}}], (True, SHOP)),
        ([settings("Other", enabled=False), {}, {}], (True, "default")),
    ],
)
def test_the_lowest_level_that_speaks_switches_an_event_type_on_or_off(levels, answer):
    platform, distributor, seller = levels
    found = settled(chain(seller, platform=platform, distributor=distributor))["enabled"]
    assert (found.value, found.origin) == answer


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
    def hooks(tenant: str) -> dict:
        urls = [f"{tenant}-{number + 1}" for number in range(configured.get(tenant, 0))]
        return {"channels": {"c": [{"url": url} for url in urls]}}

    def urls(**how) -> list[str]:
        tenants = chain(hooks("shop"), platform=hooks("platform"), distributor=hooks("distri"))
        return [item.value["url"] for item in settled(tenants, "c", **how)["destinations"].items]

    assert (urls(cumulative=True), urls()) == (cumulative, nearest)
