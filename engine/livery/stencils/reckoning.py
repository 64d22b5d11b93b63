"""Expressions of compiled templates, as closures that compute them. Their notation: `livery.stencils.fill`."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from livery.packs.filters import filtered, tested
from livery.packs.operations import (
    Missing,
    Tongue,
    calculated,
    compared,
    joined,
    look_up,
    negated,
    sliced,
    truth,
    unpacked,
)
from livery.stencils.filling import LOOP, Expression, FillError, Filling, Node, Step


class Reckoner:
    """Makes closures of expressions, so that a filling looks at no kinds; `livery.stencils.fill` adds nodes to it."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self._known: dict[tuple[int, str], bool] = {}
        """Where in a loop a turn is that is being built: `(id, "first" or "last")`."""

    def run(self, nodes: Sequence[Node], blank: Any = None) -> tuple[Step, Any]:
        raise NotImplementedError

    def expression(self, ir: Sequence[Any]) -> Expression:
        """What computes the value of an expression."""
        kind, *parts = ir
        make = getattr(self, f"_{NAMES[kind]}", None) if kind in NAMES else None
        if make is None:
            raise FillError(f"an expression of an unknown kind: {kind!r}")
        return make(*parts)  # type: ignore[no-any-return]

    def _constant(self, value: Any) -> Expression:
        return lambda _: value

    def _markup(self, text: str) -> Expression:
        value = Markup(text)  # noqa: S704 - the compiler wrote it, from what a pack prints unescaped
        return lambda _: value

    def _missing(self, name: str) -> Expression:
        value = Missing(name)
        return lambda _: value

    def _root(self, root: str, keys: Sequence[Any]) -> Expression:
        if len(keys) == 1:
            (key,) = keys
            if type(key) is int and key >= 0:
                return lambda filling: _at(filling.roots[root], key)

            def part(filling: Filling) -> Any:
                value = filling.roots[root]
                return value[key] if type(value) is dict and key in value else look_up(value, key)

            return part
        path = _path(keys)
        return lambda filling: path(filling.roots[root])

    def _variable(self, id_: int, keys: Sequence[Any]) -> Expression:
        if len(keys) == 1:
            (key,) = keys

            def part(filling: Filling) -> Any:
                value = filling.loops[id_][0]
                return value[key] if type(value) is dict and key in value else look_up(value, key)

            return part
        path = _path(keys)
        return lambda filling: path(filling.loops[id_][0])

    def decided(self, ir: Sequence[Any]) -> bool | None:
        """What a condition is in the turn that is being built, where that is all it asks."""
        match ir:
            case ["L", id_, name]:
                return self._known.get((id_, name))
            case ["!", inner] if (known := self.decided(inner)) is not None:
                return not known
        return None

    def _position(self, id_: int, name: str) -> Expression:
        if (known := self._known.get((id_, name))) is not None:
            return lambda _: known
        of = LOOP[name]

        def run(filling: Filling) -> Any:
            _, at, count = filling.loops[id_]
            return of(at, count)

        return run

    def _item(self, value: Any, key: Any) -> Expression:
        of, at = self.expression(value), self.expression(key)
        return lambda filling: look_up(of(filling), at(filling))

    def _slice(self, value: Any, *bounds: Any) -> Expression:
        of = self.expression(value)
        edges = [self.expression(bound) if bound is not None else None for bound in bounds]

        def run(filling: Filling) -> Any:
            found = sliced(of(filling), *(edge(filling) if edge else None for edge in edges))
            filling.spend(_cost(found))
            return found

        return run

    def _parts(self, value: Any, count: int) -> Expression:
        tongue, of = self._tongue, self.expression(value)
        return lambda filling: unpacked(tongue, of(filling), count)

    def _filter(self, name: str, value: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Expression:
        tongue, of = self._tongue, self.expression(value)
        given = [self.expression(one) for one in args]
        named = {key: self.expression(one) for key, one in kwargs.items()}
        if not named and all(one[0] == "c" for one in args):
            constants = [one[1] for one in args]

            def plainly(filling: Filling) -> Any:
                value = of(filling)
                _charge(filling, name, value)
                return filtered(tongue, name, value, constants, {})

            return plainly

        def run(filling: Filling) -> Any:
            value, values = of(filling), {key: one(filling) for key, one in named.items()}
            _charge(filling, name, value)
            return filtered(tongue, name, value, [one(filling) for one in given], values)

        return run

    def _test(self, name: str, value: Any, args: Sequence[Any]) -> Expression:
        tongue, of = self._tongue, self.expression(value)
        given = [self.expression(one) for one in args]

        def run(filling: Filling) -> bool:
            value, values = of(filling), [one(filling) for one in given]
            for one in (value, *values):
                if isinstance(one, _LARGE):
                    filling.weigh(one) if values else filling.spend(_cost(one))
            return tested(tongue, name, value, values)

        return run

    def _not(self, value: Any) -> Expression:
        tongue, of = self._tongue, self.expression(value)
        return lambda filling: not truth(tongue, of(filling))

    def _and(self, left: Any, right: Any) -> Expression:
        tongue, first, second = self._tongue, self.expression(left), self.expression(right)

        def run(filling: Filling) -> Any:
            value = first(filling)
            holds = truth(tongue, value) if type(value) is Missing else value
            return second(filling) if holds else value

        return run

    def _or(self, left: Any, right: Any) -> Expression:
        tongue, first, second = self._tongue, self.expression(left), self.expression(right)

        def run(filling: Filling) -> Any:
            value = first(filling)
            holds = truth(tongue, value) if type(value) is Missing else value
            return value if holds else second(filling)

        return run

    def _choice(self, condition: Any, yes: Any, no: Any) -> Expression:
        tongue, holds, then, otherwise = self._tongue, *map(self.expression, (condition, yes, no))
        return lambda filling: then(filling) if truth(tongue, holds(filling)) else otherwise(filling)

    def _compare(self, value: Any, operations: Sequence[tuple[str, Any]]) -> Expression:
        tongue, of = self._tongue, self.expression(value)
        rest = [(name, self.expression(one)) for name, one in operations]
        if len(rest) == 1 and rest[0][0] in _ON_TEXTS:
            return self._compare_texts(value, of, *rest[0])

        def run(filling: Filling) -> bool:
            left = of(filling)
            for name, one in rest:
                right = one(filling)
                _weigh(filling, left, right)
                if not compared(tongue, name, left, right):
                    return False
                left = right
            return True

        return run

    def _compare_texts(self, value: Any, of: Expression, name: str, other: Expression) -> Expression:
        """One comparison, mostly of two short texts."""
        tongue, plainly = self._tongue, _ON_TEXTS[name]
        if value[0] == "c" and type(value[1]) is str:
            text: str = value[1]

            def run_known(filling: Filling) -> bool:
                right = other(filling)
                if type(right) is str and len(right) < _SHORT:
                    return plainly(text, right)
                _weigh(filling, text, right)
                return compared(tongue, name, text, right)

            return run_known

        def run(filling: Filling) -> bool:
            left, right = of(filling), other(filling)
            if type(left) is str and type(right) is str and len(right) < _SHORT:
                return plainly(left, right)
            _weigh(filling, left, right)
            return compared(tongue, name, left, right)

        return run

    def _operation(self, name: str, left: Any, right: Any) -> Expression:
        tongue, first, second = self._tongue, self.expression(left), self.expression(right)

        def run(filling: Filling) -> Any:
            one, other = first(filling), second(filling)
            filling.spend(_cost(one) + _cost(other))
            return calculated(tongue, name, one, other)

        return run

    def _negative(self, value: Any) -> Expression:
        of = self.expression(value)
        return lambda filling: negated(of(filling))

    def _concat(self, parts: Sequence[Any]) -> Expression:
        tongue, all_ = self._tongue, [self.expression(one) for one in parts]

        def run(filling: Filling) -> str:
            values = [one(filling) for one in all_]
            for one in values:
                if isinstance(one, _LARGE):
                    filling.weigh(one)
            return joined(tongue, values)

        return run

    def _list(self, parts: Sequence[Any]) -> Expression:
        all_ = [self.expression(one) for one in parts]
        return lambda filling: [one(filling) for one in all_]

    def _dict(self, pairs: Sequence[tuple[Any, Any]]) -> Expression:
        all_ = [(key, self.expression(one)) for key, one in pairs]
        return lambda filling: {key: one(filling) for key, one in all_}

    def _keep(self, id_: int, value: Any) -> Expression:
        of = self.expression(value)

        def run(filling: Filling) -> Any:
            kept = filling.kept.get(id_)
            if kept is not None and kept[0] == filling.turn:
                return kept[1]
            found = of(filling)
            filling.kept[id_] = (filling.turn, found)
            return found

        return run

    def _nodes(self, nodes: Sequence[Node]) -> Expression:
        (inside, _), is_markup = self.run(nodes), self._tongue.markup

        def run(filling: Filling) -> str:
            outside, filling.out = filling.out, []
            blank, filling.blank = filling.blank, None
            inside(filling)
            text = "".join(filling.out)
            filling.out, filling.blank = outside, blank
            return Markup(text) if is_markup else text  # noqa: S704 - its values were escaped as they were written

        return run


NAMES = {
    "c": "constant",
    "m": "markup",
    "u": "missing",
    "r": "root",
    "v": "variable",
    "L": "position",
    "g": "item",
    "s": "slice",
    "up": "parts",
    "f": "filter",
    "t": "test",
    "!": "not",
    "&": "and",
    "|": "or",
    "?": "choice",
    "cmp": "compare",
    "op": "operation",
    "neg": "negative",
    "~": "concat",
    "list": "list",
    "dict": "dict",
    "n": "nodes",
    "=": "keep",
}


_SHORT = 500
_ON_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}


def _weigh(filling: Filling, *sides: Any) -> None:
    for side in sides:
        if isinstance(side, _LARGE):
            filling.weigh(side)


def _cost(value: Any) -> int:
    return 1 + len(value) // 64 if isinstance(value, _LARGE) else 1


def _charge(filling: Filling, name: str, value: Any) -> None:
    """Spend what a filter costs, measured: a step is about half a microsecond."""
    if isinstance(value, str) and name in _SLOW:
        filling.spend(1 + len(value) // 8)
    elif isinstance(value, _LARGE) and name in _DEEP:
        filling.weigh(value)
    else:
        filling.spend(_cost(value) + (_WRITING if name in _WRITTEN else 0))


_LARGE = (str, list, tuple, dict)
_DEEP = frozenset(["join", "sort", "select", "replace"])
_SLOW = frozenset(["join", "sort", "list", "first", "last", "lines", "urlencode", "short", "title", "capitalize"])
_WRITTEN = frozenset(["currency", "date", "datetime", "number", "percent", "plural", "time"])
_WRITING = 8


def _at(value: Any, index: int) -> Any:
    return value[index] if type(value) is list and index < len(value) else look_up(value, index)


def _path(keys: Sequence[Any]) -> Callable[[Any], Any]:
    if len(keys) == 2:  # noqa: PLR2004 - the most usual one, without a loop
        first, second = keys
        if type(first) is int and first >= 0:

            def of_item(value: Any) -> Any:
                one = _at(value, first)
                return one[second] if type(one) is dict and second in one else look_up(one, second)

            return of_item

        def pair(value: Any) -> Any:
            one = value[first] if type(value) is dict and first in value else look_up(value, first)
            return one[second] if type(one) is dict and second in one else look_up(one, second)

        return pair

    def follow(value: Any) -> Any:
        for key in keys:
            value = value[key] if type(value) is dict and key in value else look_up(value, key)
        return value

    return follow
