"""What a text asks of whoever writes or translates it: the values it shows, and its plurals and choices."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes

from livery import cldr

_CHOOSING = ("plural", "select")
_LONGEST = 64 * 1024
_EXAMPLES = 3
_PLAIN = Environment(autoescape=True)  # parses only; nothing is ever rendered with it


class Choosing(NamedTuple):
    """A `plural(…)` or `select(…)` in a text, with the names of its cases."""

    filter: str
    cases: tuple[str, ...]
    line: int


class Wording(NamedTuple):
    """The values a text uses, as paths such as `event.order.id`, and its plurals and choices."""

    names: frozenset[str]
    choosings: tuple[Choosing, ...]


class WordingError(Exception):
    """A text is no template: says why; `line` is that within the text."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


@lru_cache(maxsize=512)
def wording(text: str) -> Wording:
    """What `text` uses. Names that it sets itself do not count.

    Raises:
        WordingError: it is no template.

    """
    if "{" not in text:
        return Wording(frozenset(), ())
    if len(text) > _LONGEST:
        raise WordingError(f"it is longer than {_LONGEST // 1024} KiB")
    try:
        tree = _PLAIN.parse(text)
    except TemplateSyntaxError as error:
        raise WordingError(str(error.message), error.lineno) from None
    except RecursionError:
        raise WordingError("it is nested too deeply") from None
    paths: set[str] = set()
    own = {"loop"}
    choosings = []
    pile: list[nodes.Node] = [tree]
    while pile:
        node = pile.pop()
        if isinstance(node, nodes.Name) and node.ctx != "load":
            own.add(node.name)
        elif isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            path, others = _path(node)
            paths.update([path] if path else ())
            pile.extend(others)
        else:
            choosings += [_choosing(node)] if isinstance(node, nodes.Filter) and node.name in _CHOOSING else []
            pile.extend(reversed(list(node.iter_child_nodes())))
    names = frozenset(path for path in paths if path.partition(".")[0] not in own)
    return Wording(names, tuple(choosings))


def _path(node: nodes.Node) -> tuple[str, list[nodes.Node]]:
    """The path that a node stands for, as far as it is known; empty if it is none. And what else it is made of."""
    parts: list[str] = []
    others: list[nodes.Node] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
        elif isinstance(node.arg, nodes.Const):
            parts.append(str(node.arg.value))
        else:
            others.append(node.arg)
            parts.clear()
        node = node.node
    if isinstance(node, nodes.Name):
        return ".".join([node.name, *reversed(parts)]), others
    return "", [*others, node]


def _choosing(node: nodes.Filter) -> Choosing:
    return Choosing(node.name, tuple(str(pair.key) for pair in node.kwargs), node.lineno)


def missing_cases(one: Choosing, locale: str) -> list[str]:
    """The plural cases that a language has and a `plural(…)` has not; `other` apart, which it cannot do without."""
    if one.filter != "plural":
        return []
    return [name for name in cldr.plural_categories(locale)[:-1] if name not in one.cases]


@lru_cache(maxsize=256)
def plural_examples(tag: str) -> Mapping[str, str]:
    """For each plural category of a language some numbers that are of it: `{"one": "1", "other": "0, 2, 3 …"}`."""
    formats = cldr.formats(tag)
    found: dict[str, list[str]] = {name: [] for name in cldr.plural_categories(tag)}
    for number in (*range(201), 10**6, 1.5, 0.5):
        found[cldr.category(number, formats)].append(cldr.number(number, formats))
    return {name: ", ".join(some[:_EXAMPLES]) + (" …" if len(some) > _EXAMPLES else "") for name, some in found.items()}


@lru_cache(maxsize=256)
def plural_forms(tag: str) -> str:
    """The plural rules of a language for whole numbers, as the header `Plural-Forms` of a PO file has them.

    Of our own, as Babel's leaves in operands that gettext does not know.
    """
    formats = cldr.formats(tag)
    seen = {cldr.category(number, formats) for number in (*range(1001), 10**6, 10**6 + 1)}
    names = [name for name in cldr.CATEGORIES if name in seen]
    rules = dict(formats["plural"])
    expression = "".join(f"{_gettext(rules[name])} ? {at} : " for at, name in enumerate(names[:-1]))
    return f"nplurals={len(names)}; plural=({expression}{len(names) - 1});"


def _gettext(alternatives: list[list[Any]]) -> str:
    """A plural rule in C, where all operands but the number itself are 0."""
    parts = []
    for together in alternatives:
        wholes = [relation for relation in together if relation[0] in "ni"]
        fixed = [relation for relation in together if relation[0] not in "ni"]
        if all(any(low <= 0 <= high for low, high in ranges) is not negated for _, _, negated, ranges in fixed):
            parts.append(" && ".join(map(_relation, wholes)) or "1")
    return " || ".join(f"({part})" if len(parts) > 1 else part for part in parts)


def _relation(relation: list[Any]) -> str:
    _, modulus, negated, ranges = relation
    number = f"n%{modulus}" if modulus else "n"
    tests = [f"{number}=={low}" if low == high else f"{number}>={low} && {number}<={high}" for low, high in ranges]
    whole = " || ".join(f"({test})" if len(tests) > 1 else test for test in tests)
    return f"!({whole})" if negated else f"({whole})" if len(tests) > 1 else whole
