"""The grammar of packs: which parts of Jinja's language there are. Anything else is refused, with its line.

What is left out could call, recurse, format or reach into objects, or switch escaping off. What is left in
ends after a number of steps that the template's size and the event's lists bound.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.environment import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser

from livery.packs.filters import FILTERS, TESTS
from livery.stencils.values import Place, StagingError

MAX_NODES = 20_000
MAX_TOKENS = 40_000
MAX_DEPTH = 60
MAX_SOURCE = 256 * 1024
_MAX_NUMBER = 10**40
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_ALLOWED = frozenset(
    [
        "Template",
        "Output",
        "Extends",
        "For",
        "If",
        "Macro",
        "CallBlock",
        "FilterBlock",
        "With",
        "Block",
        "Include",
        "FromImport",
        "Assign",
        "AssignBlock",
        "Name",
        "Const",
        "TemplateData",
        "Tuple",
        "List",
        "Dict",
        "Pair",
        "Keyword",
        "CondExpr",
        "Filter",
        "Test",
        "Call",
        "Getitem",
        "Getattr",
        "Slice",
        "Concat",
        "Compare",
        "Operand",
        "Mul",
        "Div",
        "FloorDiv",
        "Add",
        "Sub",
        "And",
        "Or",
        "Not",
        "Neg",
    ]
)
_SAID = {
    "Mod": ("% is not available to packs", "for text use ~, for every second row `loop.index is even`"),
    "Pos": ("+x is not available to packs", "leave the + out"),
    "Pow": ("** is not available to packs", "write the number"),
    "Import": ("{% import %} is not available to packs", "write {% from 'parts/x.mjml.j2' import name %}"),
    "NSRef": ("namespace() is not available to packs", "use {% set %} or loop.first and loop.last"),
    "ScopedEvalContextModifier": ("autoescape is not for packs to switch", "leave it out: values are always escaped"),
    "EvalContextModifier": ("autoescape is not for packs to switch", "leave it out: values are always escaped"),
    "MarkSafe": ("nothing can be marked safe", "leave it out: values are always escaped"),
}


_OWN = frozenset({"loop", "caller", "super", "self", "varargs", "kwargs"})


class _Counted(Extension):
    """Ends the reading of a template that has too many words to be read in time."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for number, token in enumerate(stream):
            if number > MAX_TOKENS:
                raise TemplateSyntaxError(f"it has more than {MAX_TOKENS:,} words", token.lineno)
            yield token


def _environment() -> Environment:
    return Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False, autoescape=True, extensions=[_Counted]
    )


_MARKUP = _environment()
_TEXT = _MARKUP.overlay(keep_trailing_newline=True)


@lru_cache(maxsize=4096)
def parsed(source: str, *, markup: bool) -> nodes.Template:
    """A template's tree, not yet checked. Nothing of it is run, and no constant of it computed.

    Raises:
        StagingError: it is too long, no Jinja, or nested too deeply; the place has the line only.

    """
    _short(source)
    try:
        return (_MARKUP if markup else _TEXT)._parse(source, None, None)  # noqa: SLF001 - parse() adds file names only
    except TemplateSyntaxError as error:
        raise StagingError(f"is no Jinja: {error.message}", Place(line=error.lineno), rule="syntax") from None
    except ValueError as error:  # a number of thousands of digits
        raise StagingError(f"is no Jinja: {error}", rule="syntax") from None
    except RecursionError:
        raise StagingError("is nested too deeply", rule="too-large") from None


@lru_cache(maxsize=4096)
def condition(source: str) -> nodes.Expr:
    """The tree of an expression, as `when` has it.

    Raises:
        StagingError: as for `parsed`.

    """
    _short(source)
    try:
        parser = Parser(_TEXT, source, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise StagingError("is more than one expression", rule="syntax")
    except TemplateSyntaxError as error:
        raise StagingError(f"is no condition: {error.message}", Place(line=error.lineno), rule="syntax") from None
    except ValueError as error:  # as above
        raise StagingError(f"is no condition: {error}", rule="syntax") from None
    except RecursionError:
        raise StagingError("is nested too deeply", rule="too-large") from None
    tree.set_environment(_TEXT)
    return tree


def _short(source: str) -> None:
    if len(source) > MAX_SOURCE:
        raise StagingError(f"is longer than {MAX_SOURCE // 1024} KiB", rule="too-large")


def problems(tree: nodes.Node) -> list[StagingError]:
    """Everything in a tree that packs may not use; each with its line."""
    found: list[StagingError] = []
    count = 0
    pile = [(tree, 0)]
    while pile:
        node, depth = pile.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            limit = f"deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else f"of more than {MAX_NODES} parts"
            return [*found, StagingError(f"is {limit}", Place(line=node.lineno), rule="too-large")]
        found.extend(_problems(node))
        pile.extend((child, depth + 1) for child in node.iter_child_nodes())
    return sorted(found, key=lambda one: one.place.line)


def _problems(node: nodes.Node) -> Iterator[StagingError]:  # noqa: C901 - one case a kind
    name, place = type(node).__name__, Place(line=node.lineno)
    if name not in _ALLOWED:
        message, fix = _SAID.get(name, (f"{name} is not part of the language of packs", ""))
        yield StagingError(message, place, fix, rule="refused")
    elif isinstance(node, nodes.Filter | nodes.Test):
        known = FILTERS if isinstance(node, nodes.Filter) else TESTS
        what = "filter" if isinstance(node, nodes.Filter) else "test"
        if node.name not in known:
            yield StagingError(f"there is no {what} {node.name!r}", place, _near(node.name, known), rule="refused")
        yield from _arguments(node, place)
    elif isinstance(node, nodes.Call):
        yield from _arguments(node, place)
    elif isinstance(node, nodes.Macro | nodes.CallBlock):
        yield from _parameters(node, place)
    elif isinstance(node, nodes.For) and node.recursive:
        yield StagingError("a recursive loop is not available to packs", place, rule="refused")
    elif isinstance(node, nodes.Include | nodes.FromImport | nodes.Extends):
        yield from _reach(node, place)
    elif isinstance(node, nodes.Name):
        yield from _name(node, place)
    elif isinstance(node, nodes.Const):
        yield from _constant(node.value, place)


def _constant(value: Any, place: Place) -> Iterator[StagingError]:
    if isinstance(value, str) and (found := _UNFIT.search(value)):
        yield StagingError(
            f"a text holds U+{ord(found[0]):04X}", place, "no message can carry it; take it out", "refused"
        )
    elif isinstance(value, int | float) and not -_MAX_NUMBER < value < _MAX_NUMBER:
        yield StagingError("a number is too large", place, rule="too-large")


def _name(node: nodes.Name, place: Place) -> Iterator[StagingError]:
    if node.name == "self":
        yield StagingError("self is not available to packs", place, "use {{ super() }}, or a macro", rule="refused")
    elif node.name in ("varargs", "kwargs"):
        yield StagingError(f"{node.name} is not available to packs", place, "name the arguments", rule="refused")
    elif node.ctx != "load" and node.name in _OWN:
        yield _taken(node.name, place)


def _taken(name: str, place: Place) -> StagingError:
    return StagingError(f"{name!r} is a name of Jinja's own", place, "take another", rule="refused")


def _arguments(node: nodes.Filter | nodes.Test | nodes.Call, place: Place) -> Iterator[StagingError]:
    if node.dyn_args or node.dyn_kwargs:
        yield StagingError("* and ** arguments are not available to packs", place, rule="refused")
    if isinstance(node, nodes.Test) and node.kwargs:
        yield StagingError("a test takes no named arguments", place, f"write {node.name}(…)", rule="refused")
    yield from _twice([str(one.key) for one in node.kwargs], place)


def _parameters(node: nodes.Macro | nodes.CallBlock, place: Place) -> Iterator[StagingError]:
    if isinstance(node, nodes.Macro) and node.name in _OWN:
        yield _taken(node.name, place)
    yield from _twice([one.name for one in node.args], place)


def _twice(names: list[str], place: Place) -> Iterator[StagingError]:
    for name in sorted(name for name, count in Counter(names).items() if count > 1):
        yield StagingError(f"the argument {name!r} stands there twice", place, "take one of them out", rule="refused")


def _reach(node: nodes.Include | nodes.FromImport | nodes.Extends, place: Place) -> Iterator[StagingError]:
    if not (isinstance(node.template, nodes.Const) and isinstance(node.template.value, str)):
        yield StagingError("a template is named by a text in quotes", place, "write the name out", rule="refused")
    if isinstance(node, nodes.FromImport) and node.with_context:
        yield StagingError("import with context is not available", place, "hand values over as arguments", "refused")
    for one in node.names if isinstance(node, nodes.FromImport) else ():
        if (name := one if isinstance(one, str) else one[1]) in _OWN:
            yield _taken(name, place)


def paths(tree: nodes.Node) -> list[tuple[tuple[str, ...], int]]:
    """Every path a template names, such as (`event`, `order`, `id`), with its line; parts of loop variables too."""
    found: list[tuple[tuple[str, ...], int]] = []
    pile: list[nodes.Node] = [tree]
    while pile:
        node = pile.pop()
        path = _path(node)
        if path is not None:
            found.append((path, node.lineno))
        else:
            pile.extend(node.iter_child_nodes())
    return sorted(found, key=lambda one: one[1])


def _path(node: nodes.Node) -> tuple[str, ...] | None:
    parts: list[str] = []
    while True:
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
            node = node.node
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            parts.append(node.arg.value)
            node = node.node
        elif isinstance(node, nodes.Name) and node.ctx == "load":
            return (node.name, *reversed(parts))
        else:
            return None


def _near(name: str, known: object) -> str:
    close = difflib.get_close_matches(name, list(known), 1)  # type: ignore[call-overload]
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(known))}"  # type: ignore[call-overload]
