"""Every installed pack, notification, language and sample: a stencil says what Jinja and MJML say, to the byte."""

import copy
import json
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livery import Config, Engine, composing, locales
from livery.channel import Limits
from livery.composing import seen
from livery.models.message import Format
from livery.models.notification import Notification
from livery.packs.assets import Policy
from livery.render.message import render
from livery.render.text import plain
from livery.stencils import orders
from livery.stencils.compiling import compiled
from livery.stencils.direct import Direct
from livery.stencils.stencil import Stencil
from livery.steps import compose

with Engine.open(Config()) as ENGINE:
    PACKS = sorted(ENGINE.library.packs)
    TYPES = {kind.notification: kind for kind in ENGINE.types.values()}
    CHAINS = {pack: ENGINE.library.chain(pack) for pack in PACKS}
SAMPLES = {
    name: sorted({raw for pack in CHAINS["base"].packs for _, raw in pack.samples(name)}) for name in sorted(TYPES)
}
TAGS = ("en", "de", "ar", "de-CH")
CASES = [(pack, name, tag) for pack in PACKS for name in SAMPLES for tag in TAGS]


@lru_cache(maxsize=200)
def ways(pack, name, tag):
    chain = CHAINS[pack]
    choice = locales.negotiate([("the test", tag)], chain.locales())
    tokens, pictures, _ = compose.brand((), chain, "Seller <&> Söhne", Policy.of({}))
    kind = TYPES[name]
    order = orders.order(chain, name, kind.name, choice=choice, brand=tokens, pictures=pictures)
    return Stencil(json.loads(json.dumps(compiled(order)))), Direct(order)


def agree(pack, name, tag, event):
    """Both ways say the same; what they say."""
    stencil, direct = ways(pack, name, tag)
    sees = seen(event, 2026)
    mine, theirs = stencil.notification(sees), direct.notification(sees)
    assert {**mine, "degraded": ()} == {**theirs, "degraded": ()}
    assert stencil.html(mine)[0] == direct.html(theirs)[0]
    assert plain(mine) == plain(theirs)
    return mine, stencil


def with_blanks(kind, raw):
    """A sample with every optional field, as the engine hands it on."""
    event = json.loads(raw)
    data = kind.data.model_validate_json(json.dumps(event["data"])).model_dump(mode="json")
    return {**event, "data": data}


@pytest.mark.parametrize(("pack", "name", "tag"), CASES)
def test_a_stencil_equals_the_direct_way_on_every_sample_and_channel(pack, name, tag):
    assert SAMPLES[name]
    for raw in SAMPLES[name]:
        mine, stencil = agree(pack, name, tag, with_blanks(TYPES[name], raw))
        assert mine["degraded"] == []
        blocks = [
            {key: value for key, value in one.items() if key not in ("slot", "version")} for one in mine["blocks"]
        ]
        said = Notification.model_validate({**mine, "blocks": blocks})
        for wanted in (Format.BLOCK_KIT, Format.ADAPTIVE_CARD, Format.TEXT):
            message = render(said, None, wanted=wanted, limits=Limits(), cards=stencil)
            assert message == render(said, None, wanted=wanted, limits=Limits(), cards=None)
            assert message.degraded == ()


hostile = st.text(max_size=60) | st.sampled_from(
    [
        "", " ", "\n", "\n ", "\t", "\u00a0", "<b>&\"'</b>", "{{ event }}", "{% if %}", "]]>", "<!--", "\\u{301}", "e\u0301",
        "\u202eabc", "\u2068x", "مرحبا 123", "<script>alert(1)</script>", "</td></tr>", "a" * 5000, '="é"', "Zq0123456789v00000z",
        'https://a.example/?a=1&b="2"', "javascript:alert(1)", "&amp;#x41;", "\x00\x1f\x7f", "🙂" * 40,
    ]
)  # fmt: skip
odd = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | hostile


def changed(event, changes):
    """The event with some of its leaves replaced; which, the numbers say."""
    made = copy.deepcopy(event)
    leaves = [(part, key) for part in made["data"].values() if isinstance(part, dict) for key in part]
    for at, value in changes:
        part, key = leaves[at % len(leaves)]
        part[key] = value
    return made


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    case=st.sampled_from(CASES),
    sample=st.integers(0, 20),
    changes=st.lists(st.tuples(st.integers(0, 40), odd), max_size=8),
)
def test_whatever_an_event_holds_both_ways_say_the_same(case, sample, changes):
    pack, name, tag = case
    event = with_blanks(TYPES[name], SAMPLES[name][sample % len(SAMPLES[name])])
    agree(pack, name, tag, changed(event, changes))


def test_a_stencil_is_plain_data_and_the_same_every_time():
    chain = CHAINS["nordwind"]
    choice = locales.negotiate([("the test", "de")], chain.locales())
    tokens, pictures, _ = compose.brand((), chain, "Seller", Policy.of({}))
    order = orders.order(chain, "offer_provision_error", "OfferProvisionError", choice=choice, brand=tokens, pictures=pictures)  # fmt: skip
    once, again = json.dumps(compiled(order)), json.dumps(compiled(json.loads(json.dumps(order))))
    assert once == again
    assert orders.digest(order) == orders.digest(json.loads(json.dumps(order)))
    assert composing.FIELDS
