"""The language of packs, texts: placeholders are filled as Jinja would, cleaned and kept apart; conditions hold or not."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from unit import two_ways

FSI, PDI = "\u2068", "\u2069"
SEEN = {
    "event": {
        "name": "Copilot",
        "arabic": "مايكروسوفت",
        "number": 1234.5,
        "whole": 25,
        "yes": True,
        "no": False,
        "null": None,
        "empty": "",
        "time": "2026-11-20T09:41:26Z",
        "naive": "not a time",
        "many": ["a", "b"],
        "none": [],
        "part": {"deep": {"er": "deeper"}, "0": "zero"},
        "turned": "a\u202eb\x00c",
        "lines": "one\ntwo",
    },
    "brand": {"name": "The Shop"},
}


def text(source: str, *, locale: str = "en", seen=SEEN) -> str:
    return two_ways.text(source, seen, locale=locale)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("no placeholder", "no placeholder"),
        ("", ""),
        ("{{ event.name }}", "Copilot"),
        ("{{event.name}}/{{ brand.name }}", "Copilot/The Shop"),
        ("{{ event.part.deep.er }}", "deeper"),
        ("{{ event.many.1 }}", "b"),
        ("{{ event.whole }} {{ event.yes }}", "25 True"),
        ("{{ event.name | upper }}", "COPILOT"),
        ("{{ event.number | number }}", "1,234.5"),
        ("{{ event.time | date }}", "November 20, 2026"),
        ("{{ event.time | datetime }}", "November 20, 2026, 09:41 UTC"),
        ("{{ event.naive | date }}", "not a time"),
        ("{{ event.lines | short }}", "one two"),
        ("{{ event.name | short(4) }}", "Cop…"),
        ("{{ event.missing | default }}", ""),
        ("{{ event.missing | d }}", ""),
        ("{{ event.missing | default('-') }}", "-"),
        ("{{ event.null | default('-', true) }}", "-"),
        ("{{ event.turned }}", "ab c"),
        ("{{ event.empty }}", ""),
        ("{% if event.yes %}yes{% else %}no{% endif %}", "yes"),
        ("{% for one in event.many %}{{ one }},{% endfor %}", "a,b,"),
        ("{# a note #}seen", "seen"),
        ("one\n  {% if event.yes %}\ntwo\n  {% endif %}\nthree\n", "one\ntwo\nthree\n"),
        ("{{ event.name ~ '!' }}", "Copilot!"),
        ("a } b { c %} d", "a } b { c %} d"),
    ],
)
def test_a_text_is_filled_from_the_event(source, written):
    assert text(source) == written


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("اسم: {{ event.name }}", f"اسم: {FSI}Copilot{PDI}"),
        ("{{ event.arabic }}", "مايكروسوفت"),
        ("{{ event.whole }}", f"{FSI}25{PDI}"),
        ("{{ event.name | upper }}", f"{FSI}COPILOT{PDI}"),
        ("{% if event.yes %}{{ event.name }}{% endif %}", f"{FSI}Copilot{PDI}"),
        ("Copilot", "Copilot"),
    ],
)
def test_a_value_that_runs_the_other_way_is_kept_apart_and_the_packs_own_words_are_not(source, written):
    assert text(source, locale="ar") == written


@pytest.mark.parametrize(
    "source",
    [
        "{{ event.missing }}",
        "{{ missing }}",
        "{{ event.missing.deeper }}",
        "{{ event.name.length }}",
        "{{ event.missing | short }}",
        "{{ event.missing | upper }}",
        "{{ event.name | no_such_filter }}",
        "{{ event.name | nosuchfilter }}",
        "{{ event.many.7 }}",
        "{{ event.null }}",
        "{{ event.null | short }}",
        "{{ event.null | number }}",
        "{{ event.null | date }}",
        "{{ event.null | datetime }}",
        "{{ event.name",
        "{{ }}",
        "{% if %}",
        "{% endfor %}",
        "{# open",
    ],
)
def test_what_cannot_be_filled_is_an_error_and_never_a_hole_or_the_word_none(source):
    with pytest.raises(Exception, match=r"."):
        text(source)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", True),
        ("event.yes", True),
        ("event.no", False),
        ("event.name", True),
        ("event.empty", False),
        ("event.null", False),
        ("event.none", False),
        ("event.missing", False),
        ("event.missing.deep.er", False),
        ("missing", False),
        ("missing.deep", False),
        ("event.part.deep.er", True),
        ("event.many.0", True),
        ("event.many.7", False),
        ("true", True),
        ("false", False),
        ("none", False),
        ("not event.no", True),
        ("event.yes is true", True),
        ("event.missing is not boolean", True),
        ("event.no is false", True),
        ("event.whole is number", True),
        ("event.whole > 20 and event.name == 'Copilot'", True),
        ("'a' in event.many", True),
        ("event.missing == 5", False),
        (" event.yes ", True),
    ],
)
def test_a_condition_holds_or_not_and_what_is_missing_is_false(condition, holds):
    assert two_ways.holds(condition, SEEN) is holds


@pytest.mark.parametrize(
    "condition", ["event.", "event..x", "event.yes and", "event.yes if", "{{ event.yes }}", "event.name.upper()"]
)
def test_a_condition_that_is_none_is_an_error(condition):
    with pytest.raises(Exception, match=r"."):
        two_ways.holds(condition, SEEN)


# ------------------------------------------------------------------ the short way equals the long way

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["{{ a }}", "{% if %}", "2026-11-20T09:41:26Z", "مايكروسوفت", "<b>&", "a\u202eb"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b_c", "d1", "0", "items"]), inner, max_size=3)
    ),
    max_leaves=6,
)
contexts = st.fixed_dictionaries(
    {"event": st.dictionaries(st.sampled_from(["a", "b_c", "d1", "0"]), values)}, optional={"a": values}
)
paths = st.sampled_from(
    [
        "event.a",
        "event.b_c",
        "event.d1",
        "event.0",
        "event.a.a",
        "event.a.b_c",
        "event.a.items",
        "event.a.0",
        "event.a.1_0",
        "event",
        "a",
        "missing",
        "true",
        "none",
        "self",
        "loop",
        "not",
    ]
)
filters = st.sampled_from(
    [
        "",
        "|short",
        " | date ",
        "| datetime",
        "|number",
        "| default",
        "|d",
        "|upper",
        "|length",
        "|nosuch",
        "|trim",
        "|first",
    ]
)
spaces = st.sampled_from(["", " ", "  ", "\n"])
placeholders = st.builds(
    lambda path, filter_, one, two: f"{{{{{one}{path}{filter_}{two}}}}}", paths, filters, spaces, spaces
)
words = st.text(st.sampled_from("ab {}%#\n-عز"), max_size=4)
sources = st.lists(placeholders | words, max_size=5).map("".join)


def result(write, source, seen) -> str | None:
    """The text, or None if it cannot be written."""
    try:
        return write(source, seen)
    except AssertionError:
        raise  # the two ways differ
    except Exception:  # noqa: BLE001 - which error does not matter to who reads the message
        return None


@given(source=sources, seen=contexts, locale=st.sampled_from(["en", "de", "ar"]))
@example(source="{{{ event.a }}", seen={"event": {"a": 1}}, locale="en")
@example(source="{{ event.a }}\n", seen={"event": {"a": 1}}, locale="en")
@example(source="{{ event.a | default }}", seen={"event": {}}, locale="en")
@example(source="{{ event.a.0 }}", seen={"event": {"a": {"0": 1}}}, locale="en")
@example(source="{{ event.a.0 }}", seen={"event": {"a": ["x"]}}, locale="en")
@example(source="{{ true }}", seen={"event": {}}, locale="en")
def test_placeholders_are_filled_exactly_as_jinja_fills_them(source, seen, locale):
    result(lambda source, seen: two_ways.text(source, seen, locale=locale), source, seen)


conditions = st.sampled_from(
    [
        "event.a",
        "event.b_c",
        "event.a.b_c",
        "event.a.0",
        "event.0",
        "a",
        "a.b_c",
        "missing",
        "missing.a",
        "true",
        "false",
        "none",
    ]
)


@given(condition=conditions, seen=contexts)
def test_a_plain_condition_holds_exactly_when_jinja_says_so(condition, seen):
    assert two_ways.holds(condition, seen) is two_ways.holds(f"({condition})", seen)


@given(source=sources, seen=contexts)
def test_no_value_is_taken_for_a_template(source, seen):
    assume("{" not in source.replace("{{", "").replace("}}", ""))
    written = result(two_ways.text, "{{ event.a }}", {"event": {"a": source}})
    assert written is not None
    assert written.replace(FSI, "").replace(PDI, "") == source
