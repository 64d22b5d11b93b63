"""What holds of resolution whatever is said, and of documents whatever is in them."""

import tomllib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from livery.administration import code
from livery.settings.differences import Layer, Operation
from livery.settings.fields import FIELDS
from livery.settings.resolving import resolve
from settings.saying import LEVELS, asked, day, in_force, layers, resolved, said
from unit.making import NOW

FIELD = st.sampled_from(["enabled", "cc", "bcc", "locale", "quiet"])
WHERE = st.sampled_from(["", " of T", " of Other", " on smtp", " of T on smtp", " on slack"])
WHEN = st.sampled_from(["", "", "", " from -1", " from 1", " until 1", " from -2 until -1", " from -1 until 1"])
ITEM = st.sampled_from("abc")


@st.composite
def words(draw, *, locks=True):
    """One thing somebody may say."""
    field = draw(FIELD)
    operations = ["set", "lock"] if locks else ["set"]
    if FIELDS[field].kind != "scalar":
        operations += ["add", "remove"]
    operation = draw(st.sampled_from(operations))
    if operation == "lock":
        value = ""
    elif FIELDS[field].kind == "scalar":
        value = draw(st.sampled_from([" on", " off"] if field == "enabled" else [" de", " en"]))
    elif operation == "set":
        some = draw(st.lists(ITEM, unique=True, max_size=3))
        value = " " + (",".join(f"{one}=1" if field == "quiet" else one for one in some) or "-")
    else:
        item = draw(ITEM)
        value = f" {item}=2" if field == "quiet" else f" {item}"
    return f"{operation} {field}{value}{draw(WHERE)}{draw(WHEN)}"


def level(**options):
    """What one level says: at most one thing for each slot, as the store keeps it."""

    def apart(some):
        return list({said("x", one).slot: one for one in some}.values())

    return st.lists(words(**options), max_size=6).map(apart)


def told(levels: dict[str, list[str]], on: int = 0):
    found = resolved(layers(**{tenant: "; ".join(some) for tenant, some in levels.items()}), on=on)
    return {name: in_force(found, name) for name in FIELDS}


@given(platform=level(), distri=level(), shop=level(), random=st.randoms(use_true_random=False))
def test_the_order_in_which_things_were_said_does_not_matter(platform, distri, shop, random):
    levels = {"platform": platform, "distri": distri, "shop": shop}
    other = {tenant: random.sample(some, len(some)) for tenant, some in levels.items()}
    assert told(levels) == told(other)


@given(platform=level(), distri=level(), shop=level(locks=False))
def test_resetting_everything_a_level_says_restores_its_parents_values(platform, distri, shop):
    levels = [
        Layer.of(id_, LEVELS[id_], [said(id_, one) for one in some])
        for id_, some in (("platform", platform), ("distri", distri))
    ]
    parent = resolve(levels, asked(), NOW)
    silent = {name: in_force(parent, name) for name in FIELDS}
    assert told({"platform": platform, "distri": distri, "shop": []}) == silent
    touched = {said("shop", one).slot.field for one in shop}
    found = told({"platform": platform, "distri": distri, "shop": shop})
    assert all(found[name] == silent[name] for name in FIELDS if name not in touched)


@given(shop=level(), who=st.sampled_from(["platform", "distri"]), value=st.sampled_from(["x", "y"]))
def test_a_change_above_is_seen_below_unless_it_is_overridden(shop, who, value):
    overrides = any("set cc" in one or one.startswith(f"remove cc {value}") for one in shop)
    found = told({who: [f"add cc {value}"], "shop": shop})["cc"]
    assert overrides or f"{value}@{who}" in found.split()


@given(above=level(locks=False), below=level(locks=False), field=FIELD)
def test_below_a_lock_nothing_changes_and_everything_said_there_is_left_out(above, below, field):
    locked = {"distri": [*above, f"lock {field}"]}
    assert told({**locked, "shop": below})[field] == told(locked)[field]


@given(shop=level(), on=st.integers(-3, 3))
def test_an_answer_holds_for_as_long_as_it_says(shop, on):
    found = layers(shop="; ".join(shop))
    now, then = resolved(found), resolved(found, on=on)
    if now.is_valid(day(on)):
        assert [in_force(now, name) for name in FIELDS] == [in_force(then, name) for name in FIELDS]


@given(said_=level())
def test_a_document_says_what_was_exported_as_toml_too(said_):
    differences = [said("shop", one) for one in said_]
    document = code.document({"shop": differences}, {"shop": 3})
    for one in (document, tomllib.loads(code.toml(document))):
        read = code.read(one, as_checked)
        assert read.revisions == {"shop": 3}
        assert dict(read.said["shop"]) == {one.slot: one.said() for one in differences}
        assert code.writes(read, {"shop": differences}) == []


def as_checked(slot, operation, value):
    """As the checks of an engine normalise it."""
    kind = FIELDS[slot.field].kind
    if kind == "list" and operation in (Operation.ADD, Operation.REMOVE):
        return replace(slot, item=value), (operation, None)
    return slot, (operation, None if operation is Operation.REMOVE else value)
