"""Templates nobody would write: hypothesis puts them together from the whole language of packs.

What is set is also asked for, as a stencil does not compute what nothing asks for, and Jinja does.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from livery.locales import clean

Draw = Any

WORDS = [
    "x",
    " ",
    "\n",
    "  \n ",
    "a b",
    "é",
    "&amp;",
    "&nbsp;",
    "'",
    '"',
    "}}",
    "{ { ",
    "%}",
    "\\",
    "شكرا",
    "\u2068x\u2069",
    "",
]
TAGS = [
    "<b>{}</b>",
    "<i>{}</i> ",
    "\n<p>{}</p>\n",
    "<br />{}",
    '<span title="{}">x</span>',
    "<td> {} </td>",
    "<a href='{}'>x</a>",
]
LITERALS = [
    "'x'",
    "'<b>'",
    "''",
    "' '",
    "'a & b'",
    '"\'"',
    "1",
    "0",
    "2.5",
    "-3",
    "true",
    "false",
    "none",
    "'é'",
    "'{{ x }}'",
    "'\\n'",
]
KNOWN = ["brand.name", "brand.primary", "brand.empty", "locale", "number", "names.0", "table.k"]
SEEN = [
    "event.a", "event.b", "event.n", "event.t", "event.d.k", "event.l.0", "event['a']", "event.s", "event.zz", "event.d",
    "event.a.b", "event.l", "event.l[event.n]", "event['zz']", "event.d[event.a]", "event.l[-1]",
]  # fmt: skip
LISTS = ["event.l", "event.l", "event.pl", "names", "nobody", "event.a", "event.d", "event.zz", "table", "pairs", "[1, 'b<', 2.5]",
         "[event.a, event.b]", "event.l|default([])", "event.l[1:]", "names[:2]", "event.l|list", "('a', 'b')", "event.l|sort"]  # fmt: skip
PAIRS = ["pairs", "event.pl", "event.l", "[[event.a, 1], ['x', event.n]]", "[('p', 'q')]"]
FILTERS = [
    "upper", "lower", "title", "capitalize", "trim", "default('d')", "d('d', true)", "default(event.b)", "string", "length", "count",
    "first", "last", "join('-')", "join", "replace('x', '<y>')", "replace(event.a, 'z')", "int", "int(5)", "float", "round", "round(1)",
    "sort", "sort(reverse=true)", "list", "e", "escape", "lines", "short", "short(3)", "urlencode", "number", "date", "datetime",
    "default([])", "replace('a', '')",
]  # fmt: skip
TESTS = [
    "defined", "undefined", "none", "string", "number", "integer", "boolean", "true", "false", "mapping", "sequence", "even", "odd",
    "divisibleby(2)", "eq(1)", "equalto('x')", "ne(event.a)", "gt(1)", "ge(event.n)", "lt('b')", "le(2)", "in(['x', 1])", "lower", "upper",
    "in(event.l)",
]  # fmt: skip
COMPARISONS = ["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
LOOP = ["loop.index", "loop.index0", "loop.revindex", "loop.revindex0", "loop.first", "loop.last", "loop.length"]


@dataclass(frozen=True)
class Inside:
    """Where in a template something stands."""

    depth: int = 0
    names: tuple[str, ...] = ()
    macros: tuple[tuple[str, int, bool], ...] = ()
    in_loop: bool = False
    has_caller: bool = False
    markup: bool = False
    parts: bool = False
    count: list[int] = field(default_factory=lambda: [0])

    def new(self, kind: str) -> str:
        self.count[0] += 1
        return f"{kind}{self.count[0]}"

    def deeper(self, **changes: Any) -> "Inside":
        return replace(self, depth=self.depth + 1, **changes)


def expression(draw: Draw, at: Inside, deep: int = 0) -> str:  # noqa: C901, PLR0912 - one case a kind
    kinds = ["seen", "seen", "known", "literal"]
    kinds += ["name"] * 3 if at.names else []
    kinds += ["loop"] if at.in_loop else []
    if deep < 3:
        kinds += ["filter", "filter", "concat", "choice", "logic", "sum", "condition", "list", "table", "slice"]
        kinds += ["call"] if at.macros else []
    one = lambda: expression(draw, at, deep + 1)  # noqa: E731 - short
    match draw(st.sampled_from(kinds)):
        case "seen":
            return draw(st.sampled_from(SEEN))
        case "known":
            return draw(st.sampled_from(KNOWN))
        case "literal":
            return draw(st.sampled_from(LITERALS))
        case "name":
            return draw(st.sampled_from(at.names)) + draw(st.sampled_from(["", "", "", ".k", ".0", "[1]"]))
        case "loop":
            return draw(st.sampled_from(LOOP))
        case "filter":
            of = one() if draw(st.booleans()) else draw(st.sampled_from([*SEEN, *at.names]))
            return f"({of})|{draw(st.sampled_from(FILTERS))}"
        case "concat":
            return f"({one()} ~ {one()})"
        case "choice":
            other = f" else {one()}" if draw(st.integers(0, 5)) else ""
            return f"({one()} if {condition(draw, at, deep + 1)}{other})"
        case "logic":
            return f"({one()} {draw(st.sampled_from(['and', 'or']))} {one()})"
        case "sum":
            other = draw(st.sampled_from(["event.n", "event.a", "number", "2", "0", "1.5"]))
            return f"({draw(st.sampled_from(SEEN[:8]))} {draw(st.sampled_from(['+', '-', '*', '/', '//']))} {other})"
        case "condition":
            return f"({condition(draw, at, deep + 1)})"
        case "list":
            return draw(
                st.sampled_from(["[event.a, 'x']|join(', ')", "[event.a, event.b]|first", "[brand.name, event.n]|last"])
            )
        case "table":
            key = draw(st.sampled_from(["'k'", "2", "event.n", "event.a"]))
            return f"{{'k': {draw(st.sampled_from(SEEN))}, 2: 'two'}}[{key}]"
        case "slice":
            return f"({draw(st.sampled_from(SEEN))})[{draw(st.sampled_from(['1:', ':2', '::2', ':-1', 'event.n:', ':event.n']))}]"
        case _:
            return call(draw, at, deep)


def call(draw: Draw, at: Inside, deep: int) -> str:
    name, count, calls_back = draw(st.sampled_from(at.macros))
    if calls_back:
        return "'no call'"
    given = [expression(draw, at, deep + 1) for _ in range(draw(st.integers(0, count)))]
    if given and draw(st.booleans()):
        given[-1] = f"p{len(given) - 1}={given[-1]}"
    return f"{name}({', '.join(given)})"


def condition(draw: Draw, at: Inside, deep: int = 0) -> str:
    kinds = ["value", "test", "test", "compare"]
    kinds += ["not", "both"] if deep < 3 else []
    one = lambda: expression(draw, at, deep + 1)  # noqa: E731 - short
    match draw(st.sampled_from(kinds)):
        case "value":
            return one()
        case "test":
            of = one() if not draw(st.integers(0, 2)) else draw(st.sampled_from([*SEEN, *at.names]))
            return f"{of} is {draw(st.sampled_from(['', 'not ']))}{draw(st.sampled_from(TESTS))}"
        case "compare":
            chained = f" {draw(st.sampled_from(COMPARISONS[:6]))} {one()}" if not draw(st.integers(0, 4)) else ""
            left = draw(st.sampled_from([*SEEN, *at.names]))
            return f"{left} {draw(st.sampled_from(COMPARISONS))} {one()}{chained}"
        case "not":
            return f"not {condition(draw, at, deep + 1)}"
        case _:
            joint = draw(st.sampled_from(["and", "or"]))
            return f"({condition(draw, at, deep + 1)} {joint} {condition(draw, at, deep + 1)})"


def asked(*names: str) -> str:
    """Something that needs the values of names, whatever they are."""
    return "".join(f"{{% if {name} is defined %}}.{{% endif %}}" for name in names)


def body(draw: Draw, at: Inside, most: int = 3) -> str:
    """Some statements, each seeing what those before it set."""
    out = []
    for _ in range(draw(st.integers(1, most))):
        text, at = statement(draw, at)
        out.append(text)
    return "".join(out)


def statement(draw: Draw, at: Inside) -> tuple[str, Inside]:
    kinds = ["word", "print", "print", "print"]
    if at.depth < 3:
        kinds += [
            "if",
            "if",
            "for",
            "for",
            "set",
            "set",
            "setif",
            "setblock",
            "macro",
            "with",
            "filter",
            "comment",
            "raw",
            "pair",
        ]
        kinds += ["tag", "tag"] if at.markup else []
        kinds += ["call"] if any(one[2] for one in at.macros) else []
        kinds += ["include"] if at.parts else []
        kinds += ["caller"] if at.has_caller else []
    kind = draw(st.sampled_from(kinds))
    return _STATEMENTS[kind](draw, at)


def _dash(draw: Draw, tag: str) -> str:
    """A tag of Jinja, sometimes with the blanks around it taken away."""
    if draw(st.integers(0, 7)):
        return tag
    return draw(st.sampled_from([tag.replace("{%", "{%-"), tag.replace("%}", "-%}"), f"\n  {tag}\n"]))


def _word(draw: Draw, at: Inside) -> tuple[str, Inside]:
    words = [word for word in WORDS if not (at.markup and word in ("<", "&"))]
    return draw(st.sampled_from(words)), at


def _print(draw: Draw, at: Inside) -> tuple[str, Inside]:
    return f"{{{{ {expression(draw, at)} }}}}", at


def _if(draw: Draw, at: Inside) -> tuple[str, Inside]:
    inside = at.deeper()
    text = _dash(draw, f"{{% if {condition(draw, at)} %}}") + "|" + body(draw, inside)
    if not draw(st.integers(0, 3)):
        text += f"{{% elif {condition(draw, at)} %}}|" + body(draw, inside)
    if draw(st.booleans()):
        text += _dash(draw, "{% else %}") + body(draw, inside)
    return text + _dash(draw, "{% endif %}"), at


def _for(draw: Draw, at: Inside) -> tuple[str, Inside]:
    if draw(st.integers(0, 3)):
        target, over = (at.new("i"),), draw(st.sampled_from([*LISTS, *at.names]))
    else:
        target, over = (at.new("i"), at.new("i")), draw(st.sampled_from(PAIRS))
    inside = at.deeper(names=(*at.names, *target), in_loop=True)
    sifts = "event" in over and not draw(st.integers(0, 2))
    known = " and ".join(f"{name} is defined" for name in target)
    sifted = f" if {known} and {condition(draw, replace(inside, in_loop=at.in_loop))}" if sifts else ""
    text = _dash(draw, f"{{% for {', '.join(target)} in {over}{sifted} %}}") + asked(*target) + body(draw, inside)
    if not draw(st.integers(0, 2)):
        text += "{% else %}" + body(draw, at.deeper())
    return text + _dash(draw, "{% endfor %}"), at


def _set(draw: Draw, at: Inside) -> tuple[str, Inside]:
    name = draw(st.sampled_from(at.names)) if at.names and draw(st.booleans()) else at.new("v")
    text = _dash(draw, f"{{% set {name} = {expression(draw, at)} %}}") + asked(name)
    return text, replace(at, names=tuple(dict.fromkeys((*at.names, name))))


def _setif(draw: Draw, at: Inside) -> tuple[str, Inside]:
    name = draw(st.sampled_from(at.names)) if at.names and draw(st.booleans()) else at.new("v")
    text = f"{{% if {condition(draw, at)} %}}|{{% set {name} = {expression(draw, at)} %}}"
    if draw(st.booleans()):
        text += f"{{% else %}}{{% set {name} = {expression(draw, at)} %}}"
    return text + "{% endif %}" + asked(name), replace(at, names=tuple(dict.fromkeys((*at.names, name))))


def _pair(draw: Draw, at: Inside) -> tuple[str, Inside]:
    one, two = at.new("v"), at.new("v")
    value = draw(st.sampled_from(["event.pl.0", "event.l", "'ab'", "[event.a, 1]", "event.a, event.b", "pairs[0]"]))
    return f"{{% set {one}, {two} = {value} %}}" + asked(one, two), replace(at, names=(*at.names, one, two))


def _setblock(draw: Draw, at: Inside) -> tuple[str, Inside]:
    name = at.new("v")
    sifted = draw(st.sampled_from(["", "", "", "|upper", "|short"]))
    text = f"{{% set {name}{sifted} %}}{body(draw, at.deeper(has_caller=False))}{{% endset %}}" + asked(name)
    return text, replace(at, names=(*at.names, name))


def _macro(draw: Draw, at: Inside) -> tuple[str, Inside]:
    name, count, calls_back = at.new("m"), draw(st.integers(0, 3)), draw(st.booleans())
    names = tuple(f"p{number}" for number in range(count))
    plain = draw(st.integers(0, count))
    defaults = [
        one if number < plain else f"{one}={draw(st.sampled_from(LITERALS + SEEN[:4] + list(names)))}"
        for number, one in enumerate(names)
    ]
    inside = at.deeper(names=(*at.names, *names), has_caller=calls_back)
    text = body(draw, inside) + ("{{ caller() }}" if calls_back else "")
    made = f"{{% macro {name}({', '.join(defaults)}) %}}{asked(*names)}{text}{{% endmacro %}}"
    return made, replace(at, macros=(*at.macros, (name, count, calls_back)))


def _call(draw: Draw, at: Inside) -> tuple[str, Inside]:
    name, count, _ = draw(st.sampled_from([one for one in at.macros if one[2]]))
    given = [expression(draw, at, 2) for _ in range(draw(st.integers(0, count)))]
    return f"{{% call {name}({', '.join(given)}) %}}{body(draw, at.deeper(has_caller=False))}{{% endcall %}}", at


def _caller(draw: Draw, at: Inside) -> tuple[str, Inside]:
    return draw(st.sampled_from(["{{ caller() }}", "{{ caller()|upper }}", "{% set c = caller() %}{{ c }}"])), at


def _with(draw: Draw, at: Inside) -> tuple[str, Inside]:
    name = at.new("v")
    inside = at.deeper(names=(*at.names, name))
    return f"{{% with {name} = {expression(draw, at)} %}}{asked(name)}{body(draw, inside)}{{% endwith %}}", at


def _filter(draw: Draw, at: Inside) -> tuple[str, Inside]:
    name = draw(st.sampled_from(["upper", "short", "trim", "replace('a', 'b')"]))
    inside = draw(st.sampled_from(["abc &lt; {{ brand.name }}", " x ", "{{ number }}"]))
    return f"{{% filter {name} %}}{inside}{{% endfilter %}}", at


def _comment(draw: Draw, at: Inside) -> tuple[str, Inside]:
    return draw(st.sampled_from(["{# {{ x }} #}", "{#- x -#}", "\n  {# x #}\n"])), at


def _raw(draw: Draw, at: Inside) -> tuple[str, Inside]:
    return "{% raw %}{{ x }}{% endraw %}", at


def _tag(draw: Draw, at: Inside) -> tuple[str, Inside]:
    tag = draw(st.sampled_from(TAGS))
    inside = f"{{{{ {expression(draw, at, 2)} }}}}" if '"' in tag or "'" in tag else body(draw, at.deeper(), 2)
    return tag.format(inside), at


def _include(draw: Draw, at: Inside) -> tuple[str, Inside]:
    name = draw(st.sampled_from(["one", "two", "none"]))
    how = draw(st.sampled_from(["", "", "without context", "ignore missing"]))
    return f'{{% include "parts/{name}.mjml.j2" {how} %}}', at


_STATEMENTS = {
    "word": _word, "print": _print, "if": _if, "for": _for, "set": _set, "setif": _setif, "pair": _pair, "setblock": _setblock,
    "macro": _macro, "call": _call, "caller": _caller, "with": _with, "filter": _filter, "comment": _comment, "raw": _raw,
    "tag": _tag, "include": _include,
}  # fmt: skip


@st.composite
def bodies(draw: Draw, *, markup: bool = False, parts: bool = False) -> str:
    """The inside of a template."""
    return body(draw, Inside(markup=markup, parts=parts), 5)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.sampled_from([0.0, -0.0, 1.5, 1e22, 1e-7, 10**30]),
    st.sampled_from(["", " ", "x", "a<b>&\"'", "\n", " \n ", "a\nb", "\r\n", "{{ x }}", "{% if %}", "{#", "\\", "é", "e\u0301", "🙂", "مايكرو",
                     "\u202eb", "\x00\x07", "2026-11-20T09:41:26Z", "5", "1.5", "&amp;", "x" * 300, "<br />", "%s %d"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)  # fmt: skip
tables = st.dictionaries(st.sampled_from(["k", "a", "0", "x", "items"]), scalars, max_size=3)
lists = st.lists(scalars | st.lists(scalars, max_size=3) | tables, max_size=4)
events = st.fixed_dictionaries(
    {},
    optional={
        "a": scalars,
        "b": scalars,
        "n": st.integers(-2, 5) | scalars,
        "t": st.booleans() | scalars,
        "l": lists | scalars,
        "d": tables | scalars,
        "s": scalars,
        "pl": st.lists(st.lists(scalars, min_size=2, max_size=2), max_size=3) | lists,
    },
)
"""What an event may hold, by the names that templates ask for."""


def cleaned(value: Any) -> Any:
    """A value as a notification holds it: every text cleaned."""
    if isinstance(value, dict):
        return {key: cleaned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [cleaned(one) for one in value]
    return clean(value) if isinstance(value, str) else value
