"""Naming: which values a template asks for, after its own names are traced back to what they stand for.

`{% for one in event.items %}{{ one.name }}{% endfor %}` asks for `event.items` and `event.items.[].name`. What
cannot be traced, such as the arguments of a macro, is passed over.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from jinja2 import nodes

EACH = "[]"
"""The part of a path that stands for each element of a list."""
Path = tuple[str, ...]
_Known = dict[str, Path | None]
_KEEPS = frozenset(["sort", "list"])
"""Filters of a list whose elements are those of the list."""


class Name(NamedTuple):
    """A value that a template asks for, and in which line."""

    path: Path
    line: int


class Names(NamedTuple):
    """What a template asks for, and the names it gives itself, which templates it includes or extends see, too."""

    asked: list[Name]
    own: set[str]


def names(tree: nodes.Node) -> Names:
    """Every value a template asks for. Its tree must not be deeper than `grammar.MAX_DEPTH`."""
    walk = _Walk()
    walk.node(tree, {})
    return Names(sorted(set(walk.asked), key=lambda one: (one.line, one.path)), walk.own)


class _Walk:
    def __init__(self) -> None:
        self.asked: list[Name] = []
        self.own: set[str] = set()

    def node(self, node: nodes.Node, known: _Known) -> None:
        special: Callable[[nodes.Node, _Known], None] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if special is not None:
            special(node, known)
        elif isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            self._trace(node, known)
        else:
            self._all(node.iter_child_nodes(), known)

    def _all(self, found: Iterable[nodes.Node], known: _Known) -> None:
        for one in found:
            self.node(one, known)

    def _trace(self, node: nodes.Node, known: _Known) -> Path | None:
        """The path of an expression, which is noted; None if it is none that can be traced."""
        parts: list[str | None] = []
        at = node
        while isinstance(at, nodes.Getattr | nodes.Getitem):
            parts.append(at.attr if isinstance(at, nodes.Getattr) else self._key(at.arg, known))
            at = at.node
        if not isinstance(at, nodes.Name):
            self.node(at, known)
            return None
        if at.ctx != "load":
            return None
        root = known.get(at.name, (at.name,))
        if root is None:
            return None
        rest = [*reversed(parts)]
        is_whole = None not in rest
        path = (*root, *(part for part in (rest if is_whole else rest[: rest.index(None)]) if part is not None))
        self.asked.append(Name(path, node.lineno))
        return path if is_whole else None

    def _key(self, key: nodes.Node, known: _Known) -> str | None:
        if isinstance(key, nodes.Const) and isinstance(key.value, str):
            return key.value
        if isinstance(key, nodes.Const) and isinstance(key.value, int):
            return EACH
        self.node(key, known)
        return None

    def _bind(self, target: nodes.Node, value: Path | None, known: _Known) -> None:
        for name in _names(target):
            known[name] = value if isinstance(target, nodes.Name) else None
            self.own.add(name)

    def _value(self, node: nodes.Node, known: _Known) -> Path | None:
        """What an expression stands for, after it was gone through."""
        if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            return self._trace(node, known)
        if isinstance(node, nodes.Filter) and node.name in _KEEPS and node.node is not None:
            self._all([*node.args, *node.kwargs], known)
            return self._value(node.node, known)
        self.node(node, known)
        return None

    # ------------------------------------------------------------------ what gives names

    def _for(self, node: nodes.For, known: _Known) -> None:
        over = self._value(node.iter, known)
        inside = {**known, "loop": None}
        self._bind(node.target, (*over, EACH) if over else None, inside)
        self._all([*([node.test] if node.test else []), *node.body], inside)
        self._all(node.else_, {**known})

    def _assign(self, node: nodes.Assign, known: _Known) -> None:
        self._bind(node.target, self._value(node.node, known), known)

    def _assignblock(self, node: nodes.AssignBlock, known: _Known) -> None:
        self._all(node.body, {**known})
        self._bind(node.target, None, known)

    def _with(self, node: nodes.With, known: _Known) -> None:
        inside = {**known}
        for target, value in zip(node.targets, node.values, strict=True):
            self._bind(target, self._value(value, known), inside)
        self._all(node.body, inside)

    def _macro(self, node: nodes.Macro, known: _Known) -> None:
        known[node.name] = None
        self.own.add(node.name)
        self._callable(node, {**known, "caller": None, "varargs": None, "kwargs": None})

    def _callblock(self, node: nodes.CallBlock, known: _Known) -> None:
        self.node(node.call, known)
        self._callable(node, {**known})

    def _callable(self, node: nodes.Macro | nodes.CallBlock, inside: _Known) -> None:
        self._all(node.defaults, inside)
        for argument in node.args:
            self._bind(argument, None, inside)
        self._all(node.body, inside)

    def _fromimport(self, node: nodes.FromImport, known: _Known) -> None:
        for one in node.names:
            name = one[1] if isinstance(one, tuple) else one
            known[name] = None
            self.own.add(name)

    def _block(self, node: nodes.Block, known: _Known) -> None:
        self._all(node.body, {**known, "super": None})


def _names(target: nodes.Node) -> Iterator[str]:
    if isinstance(target, nodes.Name):
        yield target.name
    elif isinstance(target, nodes.Tuple):
        for one in target.items:
            yield from _names(one)
