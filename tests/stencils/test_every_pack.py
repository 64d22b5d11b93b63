"""Every installed pack, notification, language and sample: a stencil says what Jinja and MJML say, to the byte."""

import copy
import dataclasses
import json
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livery import Config, Engine, composing, locales
from livery.channel import Limits
from livery.composing import seen
from livery.models.event import Event
from livery.models.message import Format
from livery.models.notification import Notification
from livery.packs.assets import Policy
from livery.packs.chain import PackChain
from livery.packs.pack import Pack
from livery.packs.source import Snapshot
from livery.render.message import render
from livery.render.text import plain
from livery.stencils import orders
from livery.stencils.cards import tongue
from livery.stencils.compiling import compiled, tongues
from livery.stencils.direct import Direct, Sandbox
from livery.stencils.stencil import Stencil
from livery.steps import compose

with Engine.open(Config()) as ENGINE:
    PACKS = sorted(ENGINE.library.packs)
    TYPES = {kind.notification: kind for kind in ENGINE.types.values()}
    CHAINS = {pack: ENGINE.library.chain(pack) for pack in PACKS}
SAMPLES = {
    name: sorted({raw for pack in CHAINS["base"].packs for _, raw in pack.samples(name)}) for name in sorted(TYPES)
}
TAGS = ("en", "de", "ar-EG", "de-CH")
CHATS = {Format.BLOCK_KIT: Limits(text=3000, title=150, blocks=50), Format.ADAPTIVE_CARD: Limits(total=20_000)}
LIMITS = {**CHATS, Format.TEXT: Limits(total=8000), Format.JSON: Limits()}
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
    written, wanted = model(mine), model(theirs)
    given = Event.model_construct(**{**event, "data": TYPES[name].data.model_construct(**event["data"])})
    for format_, limits in LIMITS.items():
        message = render(written, given, wanted=format_, limits=limits, cards=stencil)
        theirs_too = render(wanted, given, wanted=format_, limits=limits)
        assert (message.title, message.text) == (theirs_too.title, theirs_too.text)
        assert json.dumps([message.body, message.context]) == json.dumps([theirs_too.body, theirs_too.context])
    return mine, stencil


def model(said):
    blocks = [{key: value for key, value in one.items() if key not in ("slot", "version")} for one in said["blocks"]]
    return Notification.model_validate({**said, "blocks": blocks, "degraded": ()})


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
        for wanted in (Format.BLOCK_KIT, Format.ADAPTIVE_CARD, Format.TEXT):
            message = render(model(mine), None, wanted=wanted, limits=Limits(), cards=stencil)
            assert message.degraded == ()


NASTY = (
    "<script>alert(1)</script>", "\u202ejavascript:alert(1)\u2066", "<!channel> <@U1> @here *b* [x](javascript:alert(1))",
    "{{ event }}{% if %}", "</td></tr></table>\n\n\x1b[2J\x00", "a" * 6000, "e\u0301 \\u{301} &amp;#x41; ]]>", "Zq0123456789v00000z",
)  # fmt: skip


@pytest.mark.parametrize(("pack", "name", "tag"), CASES)
def test_every_sample_with_hostile_texts_says_the_same_both_ways(pack, name, tag):
    for number, raw in enumerate(SAMPLES[name]):
        event = with_blanks(TYPES[name], raw)
        for at, (part, key) in enumerate(leaves_of(event)):
            if isinstance(part[key], str):
                part[key] = NASTY[(at + number) % len(NASTY)]
        agree(pack, name, tag, event)


OVERRIDES = {
    "pack.toml": 'format = 1\nid = "over"\nversion = "1.0"\nparent = "base"\n',
    "blocks/text.block_kit.json": '{"type":"section","text":{"type":"mrkdwn","text":"*{{ brand.name }}* {{ block.text|upper }}"}}',
    "blocks/facts.block_kit.json": '[{"$data":"block.facts","type":"context","elements":[{"type":"plain_text","text":"{{ item.label }}: {{ item.value }}"}]}]',
    "blocks/text.adaptive_card.json": '{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"{{ block.heading }}","$when":"block.heading"},{"type":"TextRun","text":"{{ block.text }}{{ block.nope }}"}]}',
    "blocks/error.adaptive_card.json": '{"type":"Container","items":[{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"{{ block.text|short }}","weight":"Bolder"}]}]}',
    "blocks/actions.adaptive_card.json": '{"type":"ActionSet","actions":[{"$data":"block.actions","type":"Action.OpenUrl","title":"{{ item.label }}","url":"{{ item.url }}"}]}',
}  # fmt: skip


class ByJinja:
    """The same overrides, evaluated by Jinja itself. A block that has none, or whose texts fail, is the channel's."""

    def __init__(self, order):
        self._text, _, _ = tongues(order)
        self._known = {name: order["script"][name] for name in ("brand", "locale", "direction")}

    def card_notes(self, format_):
        return []

    def has_cards(self, format_):
        return True

    def card(self, format_, block, length):
        source = OVERRIDES.get(f"blocks/{block['kind']}.{format_}.json")
        if source is None:
            return None
        spoken = tongue(format_, self._text)
        asking = Sandbox(dataclasses.replace(spoken, lenient=True))
        roots = {**self._known, "block": block, "item": None}
        (made,) = self._parts([json.loads(source)], roots, Sandbox(spoken), asking, length)
        return made if isinstance(made, list) else [made]

    def _parts(self, trees, roots, saying, asking, length):
        for tree in trees:
            over = isinstance(tree, dict) and tree.get("$data")
            for item in asking.compile_expression(over)(**roots)[:100] if over else [roots["item"]]:
                now = {**roots, "item": item}
                if isinstance(tree, list):
                    yield list(self._parts(tree, now, saying, asking, length))
                elif isinstance(tree, dict):
                    if "$when" not in tree or asking.compile_expression(tree["$when"])(**now):
                        verbatim = {"verbatim": True} if tree["type"] == "mrkdwn" else {}
                        plainly = {key: one for key, one in tree.items() if key[0] != "$"} | verbatim
                        values = self._parts(plainly.values(), now, saying, asking, length)
                        yield dict(zip(plainly, values, strict=True))
                else:
                    is_text = isinstance(tree, str) and "{" in tree
                    yield locales.shorten(saying.from_string(tree).render(now), length) if is_text else tree


@lru_cache(maxsize=8)
def carded(tag):
    files = {path: text.encode() for path, text in OVERRIDES.items()}
    chain = PackChain([Pack(Snapshot.of(files, "over")), *CHAINS["base"].packs])
    choice = locales.negotiate([("the test", tag)], chain.locales())
    tokens, pictures, _ = compose.brand((), chain, "Seller <&> <!here>", Policy.of({}))
    kind = TYPES["offer_provision_error"]
    order = orders.order(chain, kind.notification, kind.name, choice=choice, brand=tokens, pictures=pictures)
    return Stencil(json.loads(json.dumps(compiled(order)))), ByJinja(order)


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
    leaves = leaves_of(made)
    for at, value in changes:
        part, key = leaves[at % len(leaves)]
        part[key] = value
    return made


def leaves_of(event):
    return [(part, key) for part in event["data"].values() if isinstance(part, dict) for key in part]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    case=st.sampled_from(CASES),
    sample=st.integers(0, 20),
    changes=st.lists(st.tuples(st.integers(0, 40), odd), max_size=8),
)
def test_whatever_an_event_holds_both_ways_say_the_same(case, sample, changes):
    pack, name, tag = case
    event = with_blanks(TYPES[name], SAMPLES[name][sample % len(SAMPLES[name])])
    agree(pack, name, tag, changed(event, changes))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    tag=st.sampled_from(["en", "ar-EG"]),
    format_=st.sampled_from([*CHATS]),
    changes=st.lists(st.tuples(st.integers(0, 40), odd), max_size=8),
)
def test_cards_of_a_pack_are_what_jinja_makes_of_them_whatever_an_event_holds(tag, format_, changes):
    stencil, direct = carded(tag)
    kind = TYPES["offer_provision_error"]
    event = changed(with_blanks(kind, SAMPLES[kind.notification][0]), changes)
    said = model(stencil.notification(seen(event, 2026)))
    mine = render(said, None, wanted=format_, limits=CHATS[format_], cards=stencil)
    theirs = render(said, None, wanted=format_, limits=CHATS[format_], cards=direct)
    assert mine.body == theirs.body
    assert [one for one in mine.degraded if " as " not in one] == [one for one in theirs.degraded if " as " not in one]


def test_a_stencil_is_plain_data_and_the_same_every_time():
    chain = CHAINS["nordwind"]
    choice = locales.negotiate([("the test", "de")], chain.locales())
    tokens, pictures, _ = compose.brand((), chain, "Seller", Policy.of({}))
    order = orders.order(chain, "offer_provision_error", "OfferProvisionError", choice=choice, brand=tokens, pictures=pictures)  # fmt: skip
    once, again = json.dumps(compiled(order)), json.dumps(compiled(json.loads(json.dumps(order))))
    assert once == again
    assert orders.digest(order) == orders.digest(json.loads(json.dumps(order)))
    assert composing.FIELDS
