"""Stencils as Python: what packs write never stands in it, it says what the closures say, and most messages take it."""

import io
import json
import keyword
import tokenize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livery.composing import Composer, seen
from livery.packs.operations import Tongue
from livery.stencils import code, page_code
from livery.stencils.fill import Program
from livery.stencils.filling import PURSE, Filling, purses
from livery.stencils.page_code import PageCode
from livery.steps import accept
from stencils.test_every_pack import ENGINE, PACKS, SAMPLES, TAGS, ways

MARKUP = Tongue("en", "ltr", markup=True)
NASTY = [
    'x"""+__import__("os").system("id")+"""', "'", '"', "\\", "\\'", "\n", "\r\nimport os\n", "{0}", "{{", "%s", "#", "k0", "leave()",
    "\0", "\u2028", "\ud800", "); raise SystemExit #", "__builtins__", "__class__", "é", "",
]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(max_size=8))
WORDS = {
    "def",
    "return",
    "if",
    "else",
    "for",
    "in",
    "try",
    "except",
    "and",
    "or",
    "not",
    "is",
    "None",
    "False",
    "True",
    "pass",
}


def names_in(source):
    """The names in Python, if it holds nothing but names, plain numbers and signs."""
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        assert token.type != tokenize.STRING, token
        assert token.type != tokenize.NUMBER or token.string.isdecimal(), token
        assert token.type != tokenize.COMMENT, token
        if token.type == tokenize.NAME:
            found.add(token.string)
    return found


def is_ours(written):
    """Whether every name in code is one of Python's, a helper's, or one that was counted."""
    helpers = {name for name in written._values if not name[1:].isdecimal()}
    ours = {*WORDS, *helpers, "make", "made", "append", "split", "strip", "isspace", "isascii", "isprintable", "get",
            "splitlines", "out", "blank", "filling", "room", "turn", "loops", "roots", "seen", "event", "envelope", "year", "readers",
            "trace", "blocks", "signature", "degraded", "__class__"}  # fmt: skip
    return all(name in ours or (name[0] in "kv" and name[1:].isdecimal()) or (name.startswith("root") and name[4:].isdecimal())
               for name in names_in(written.source))  # fmt: skip


def expressions():
    """Expressions whose every text is a pack's or an event's to choose."""
    paths = st.lists(TEXTS | st.integers(-1, 3), max_size=3)
    leaves = st.one_of(
        st.tuples(st.just("c"), TEXTS | st.booleans() | st.none() | st.integers() | st.lists(TEXTS, max_size=2)),
        st.tuples(st.just("r"), st.sampled_from(["n", "event"]) | TEXTS, paths),
        st.tuples(st.just("u"), TEXTS),
        st.tuples(st.just("m"), TEXTS),
    ).map(list)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.just("!"), inner),
            st.tuples(st.sampled_from("&|"), inner, inner),
            st.tuples(st.just("cmp"), inner, st.tuples(st.sampled_from(["eq", "ne", "in", "notin"]), inner).map(list).map(lambda one: [one])),
            st.tuples(st.just("t"), st.sampled_from(sorted(code._TESTS)), inner, st.just([])),
            st.tuples(st.just("f"), st.sampled_from(["default", "short", "upper", "lines"]), inner, st.lists(leaves, max_size=2), st.just({})),
        ).map(list),
        max_leaves=4,
    )  # fmt: skip


def nodes():
    inner = st.one_of(
        TEXTS,
        st.tuples(st.sampled_from("oau"), expressions()).map(list),
        st.tuples(st.just("h"), TEXTS, TEXTS, TEXTS, st.booleans()).map(list),
    )
    some = st.lists(inner, max_size=3)
    branches = st.tuples(st.just("i"), expressions(), some, some).map(list)
    loops = st.tuples(
        st.just("l"), st.integers(0, 9), expressions(), st.none(), st.lists(inner | branches, max_size=3), some
    )
    return st.lists(st.one_of(inner, branches, loops.map(list)), max_size=4)


DATA = st.recursive(TEXTS | st.none() | st.booleans() | st.integers(-5, 5), lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXTS, one, max_size=3), max_leaves=6)  # fmt: skip


@given(page=nodes(), data=DATA)
@settings(max_examples=200, deadline=None)
def test_nothing_a_pack_writes_stands_in_the_code_and_it_says_what_closures_say(page, data):
    try:
        written = PageCode(page, MARKUP, ["n", "event"])
    except code.Unwritable:
        return
    assert is_ours(written)
    roots = {"n": data, "event": {"n": data}}
    try:
        quickly = "".join(written.function()(Filling(roots)))
    except Exception:  # noqa: BLE001 - whatever it is, the closures are asked
        return
    assert quickly == Program(page, MARKUP).fill(roots)


def test_the_code_knows_no_built_in_function_but_those_it_is_handed():
    made = PageCode(["x"], MARKUP).function()
    assert made.__globals__["__builtins__"] == {}
    assert set(made.__globals__) == {"__builtins__", "make"}
    handed = {name for name in PageCode(["x"], MARKUP)._values if not name[1:].isdecimal()}
    assert not handed & {
        "eval",
        "exec",
        "open",
        "getattr",
        "setattr",
        "type",
        "object",
        "__import__",
        "compile",
        "vars",
    }
    assert not [name for name in handed if keyword.iskeyword(name)]


def test_brands_of_one_pack_share_one_code_object():
    one, other = (
        PageCode([f"<b>{brand}</b>", ["o", ["r", "n", ["title"]]]], MARKUP).function() for brand in ("A", "B'\n")
    )
    assert one.__code__ is other.__code__
    said = {"n": {"title": "<x>"}, "s": []}
    assert ["".join(made(Filling(said))) for made in (one, other)] == ["<b>A</b>&lt;x&gt;", "<b>B'\n</b>&lt;x&gt;"]


@pytest.mark.parametrize("tag", ["en", "ar-EG"])
@pytest.mark.parametrize("pack", PACKS)
def test_every_sample_of_every_pack_takes_the_usual_course(pack, tag, monkeypatch):
    def never(*_, **__):
        raise AssertionError("the closures were asked")

    stencils = {name: ways(pack, name, tag)[0] for name in SAMPLES}
    monkeypatch.setattr(Composer, "notification", never)
    monkeypatch.setattr(Program, "joined", never)
    for name, stencil in stencils.items():
        for sample in SAMPLES[name]:
            said = stencil.notification(seen(accept.read(json.loads(sample), ENGINE.types).plain(), 2026))
            assert stencil.html(said)[0]


def by_closures(stencil, sees):
    said = Composer(stencil._script, {**sees, PURSE: purses(stencil._packs)}).notification()
    slots = [None] * stencil._slots
    for block in said["blocks"]:
        slots[block["slot"]] = block
    return said, stencil._html.fill({"n": said, "s": slots})


ODD = [None, True, 0, -7, 1234567, 2.5, [], ["a", "b"], {"x": "y"}, "", " ", "a\nb", "<b>&\"'", "x" * 600, "y z " * 2000, "é" * 301,
       "مرحبا", "\u202e\u2066", "\0\x07", "javascript:alert(1)", "2026-11-20", "2026-11-20T09:41:26+05:30", "...", "=", "\ud800"]  # fmt: skip


def leaves(data, at=()):
    for key, value in data.items():
        yield from leaves(value, (*at, key)) if isinstance(value, dict) else [(*at, key)]


def changed(sample, changes):
    """A sample with other values at some places; `...` takes one away."""
    event = json.loads(sample)
    places = sorted(leaves(event["data"]))
    for at, value in changes:
        *above, last = places[at % len(places)]
        part = event["data"]
        for key in above:
            part = part.get(key, {}) if isinstance(part, dict) else {}
        part.pop(last, None) if value is ... else part.update({last: value})
    return event


@given(
    pack=st.sampled_from(PACKS), name=st.sampled_from(sorted(SAMPLES)), tag=st.sampled_from(TAGS), pick=st.integers(0, 50),
    changes=st.lists(st.tuples(st.integers(0, 60), st.sampled_from([*ODD, ...]) | TEXTS), max_size=4),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_whatever_an_event_says_the_code_says_what_the_closures_say(pack, name, tag, pick, changes):
    stencil = ways(pack, name, tag)[0]
    sees = seen(changed(SAMPLES[name][pick % len(SAMPLES[name])], changes), 2026, [["customer"]] if pick % 2 else None)
    said, html = by_closures(stencil, sees)
    assert stencil.notification(sees) == said
    assert stencil.html(said)[0] == html


def test_a_long_loop_is_counted_by_the_closures():
    page = [["l", 1, ["r", "n", ["items"]], None, [["o", ["v", 1, []]], "<br />"], []]]
    fill = page_code.written(page, MARKUP)
    few, many = ({"n": {"items": ["x"] * count}, "s": []} for count in (64, 65))
    assert "".join(fill(Filling(few))) == "x<br />" * 64
    with pytest.raises(code._Left):
        fill(Filling(many))


def test_what_repeats_too_much_is_left_to_the_closures_which_refuse_it():
    page = [["l", 1, ["r", "n", ["items"]], None, ["x" * 40_000], []]] * 2
    with pytest.raises(code._Left):
        page_code.written(page, MARKUP)(Filling({"n": {"items": [1] * 20}, "s": []}))


def test_what_python_will_not_take_is_left_to_the_closures():
    deep = ["r", "n", ["x"]]
    for _ in range(400):
        deep = ["&", deep, ["r", "n", ["x"]]]
    assert page_code.written([["i", deep, ["x"], []]], MARKUP) is None
    branches = ["x"]
    for _ in range(80):
        branches = [["i", ["r", "n", ["x"]], branches, []]]
    assert page_code.written(branches, MARKUP) is None
