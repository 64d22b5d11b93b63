"""Expressions, evaluated as far as they can be without an event."""

import json
from collections.abc import Callable
from typing import Any

from jinja2 import nodes
from markupsafe import Markup

from livery.packs import filters, operations
from livery.packs.operations import Missing, OperationError, Tongue
from livery.stencils.filling import LOOP
from livery.stencils.values import Dynamic, Fragment, Place, Slots, StagingError, is_dynamic, lift, size

MAX_FUEL = 100_000
MAX_HEFT = 50_000
_BINARY = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "FloorDiv": "//"}


class Unusable:
    """A name that means something else on two ways through an `{% if %}` over the event."""

    def __init__(self, why: str) -> None:
        self.why = why


class Loop:
    """`loop`: it has parts, and is no value itself."""

    def __init__(self, parts: dict[str, Any]) -> None:
        self.parts = parts


class Evaluator:
    """Evaluates expressions; `livery.stencils.staging` adds statements to it.

    Args:
        tongue: how values are printed and missing ones treated.
        decisions: what conditions over the event are taken to be, by their expression as JSON.

    """

    def __init__(self, tongue: Tongue, decisions: dict[str, bool] | None = None) -> None:
        self.tongue = tongue
        self.decisions = decisions or {}
        self.fuel = MAX_FUEL
        self._hefts: dict[int, tuple[Any, int]] = {}

    def evaluate(self, node: nodes.Node, scope: Any) -> Any:
        """The value of an expression: plain data, or a `Dynamic`, `Fragment` or `Slots` that waits for the event.

        Raises:
            StagingError: it cannot be evaluated; with its place.

        """
        self.fuel -= 1
        if self.fuel < 0:
            raise StagingError("takes too many steps to compile", self.place(node, scope), rule="too-large")
        method: Callable[[Any, Any], Any] = getattr(self, f"_x_{type(node).__name__.lower()}")
        try:
            made = method(node, scope)
            if isinstance(made, str | list | dict):
                self.fuel -= self._heft(made) >> 3
        except OperationError as error:
            raise StagingError(str(error), self.place(node, scope), rule="value") from None
        except StagingError as error:
            if not error.place.line:
                place = self.place(node, scope)
                raise StagingError(error.message, place, error.fix, error.rule) from None
            raise
        return made

    def _heft(self, value: Any) -> int:
        """What there is to go through in a value, with all its parts; a part that stands in two places counts twice."""
        if isinstance(value, str):
            return 1 + (len(value) >> 3)
        if not isinstance(value, list | dict):
            return size(value)
        known = self._hefts.get(id(value))
        if known is None:
            parts = value.values() if isinstance(value, dict) else value
            known = self._hefts[id(value)] = (value, 1 + sum(map(self._heft, parts)))
        if known[1] > MAX_HEFT:
            raise StagingError("a list or a table grows too large", rule="too-large")
        return known[1]

    def place(self, node: nodes.Node, scope: Any) -> Place:
        return Place(scope.template, node.lineno)

    def invoke(self, node: nodes.Call, callee: Any, scope: Any) -> Any:
        raise NotImplementedError

    def decided(self, condition: Any, scope: Any) -> bool | Any:
        """Whether a condition holds; its expression if only the event knows."""
        if not is_dynamic(condition):
            return operations.truth(self.tongue, condition)
        if isinstance(condition, Slots):
            return ["r", "n", ["blocks"]]
        if isinstance(condition, list | tuple | dict):
            return bool(condition)
        ir = lift(condition)
        del scope
        return self.decisions.get(key(ir), ir) if self.decisions else ir

    # ------------------------------------------------------------------ leaves

    def _x_const(self, node: nodes.Const, scope: Any) -> Any:
        del scope
        return node.value

    def _x_templatedata(self, node: nodes.TemplateData, scope: Any) -> Any:
        del scope
        return Markup(node.data) if self.tongue.markup else node.data  # noqa: S704 - the pack's own markup

    def _x_name(self, node: nodes.Name, scope: Any) -> Any:
        found = scope.look_up(node.name)
        if isinstance(found, Unusable):
            raise StagingError(found.why, self.place(node, scope))
        return found

    def _x_list(self, node: nodes.List, scope: Any) -> list[Any]:
        return [self.evaluate(one, scope) for one in node.items]

    def _x_tuple(self, node: nodes.Tuple, scope: Any) -> list[Any]:
        return [self.evaluate(one, scope) for one in node.items]

    def _x_dict(self, node: nodes.Dict, scope: Any) -> dict[Any, Any]:
        made = {}
        for pair in node.items:
            name = self.evaluate(pair.key, scope)
            if is_dynamic(name) or not isinstance(name, str | int | float | bool | None):
                raise StagingError("a key is a text or a number that the pack itself gives")
            made[name] = self.evaluate(pair.value, scope)
        return made

    # ------------------------------------------------------------------ parts

    def _x_getattr(self, node: nodes.Getattr, scope: Any) -> Any:
        return self._part(self.evaluate(node.node, scope), node.attr)

    def _x_getitem(self, node: nodes.Getitem, scope: Any) -> Any:
        of = self.evaluate(node.node, scope)
        if isinstance(node.arg, nodes.Slice):
            return self._slice(of, node.arg, scope)
        return self._part(of, self.evaluate(node.arg, scope))

    def _part(self, of: Any, at: Any) -> Any:
        if isinstance(of, Unusable):
            raise StagingError(of.why)
        if isinstance(of, Slots):
            raise StagingError("the blocks of a message can only be gone through with {% for %}")
        if isinstance(of, Loop):
            if not isinstance(at, str):
                raise StagingError("a part of `loop` is named by a text")
            return of.parts.get(at, Missing(at))
        if isinstance(of, Dynamic):
            if isinstance(at, str | int) and of.ir[0] in ("r", "v"):
                return Dynamic([*of.ir[:2], [*of.ir[2], at]], of.size)
            return Dynamic(["g", of.ir, lift(at)], of.size + size(at) + 1)
        if is_dynamic(at):
            return Dynamic(["g", lift(of), lift(at)], size(of) + size(at) + 1)
        return operations.look_up(of, at)

    def _slice(self, of: Any, node: nodes.Slice, scope: Any) -> Any:
        bounds = [self.evaluate(one, scope) if one else None for one in (node.start, node.stop, node.step)]
        if is_dynamic(of) or is_dynamic(bounds):
            parts = [lift(one) if one is not None else None for one in bounds]
            return Dynamic(["s", lift(of), *parts], size(of) + size(bounds))
        return operations.sliced(of, *bounds)

    # ------------------------------------------------------------------ logic

    def _x_not(self, node: nodes.Not, scope: Any) -> Any:
        value = self.evaluate(node.node, scope)
        holds = self.decided(value, scope)
        return not holds if isinstance(holds, bool) else Dynamic(["!", holds], size(value) + 1)

    def _x_and(self, node: nodes.And, scope: Any) -> Any:
        left = self.evaluate(node.left, scope)
        holds = self.decided(left, scope)
        if isinstance(holds, bool):
            return self.evaluate(node.right, scope) if holds else left
        right = self.evaluate(node.right, scope)
        return Dynamic(["&", lift(left), lift(right)], size(left) + size(right) + 1)

    def _x_or(self, node: nodes.Or, scope: Any) -> Any:
        left = self.evaluate(node.left, scope)
        holds = self.decided(left, scope)
        if isinstance(holds, bool):
            return left if holds else self.evaluate(node.right, scope)
        right = self.evaluate(node.right, scope)
        return Dynamic(["|", lift(left), lift(right)], size(left) + size(right) + 1)

    def _x_condexpr(self, node: nodes.CondExpr, scope: Any) -> Any:
        holds = self.decided(self.evaluate(node.test, scope), scope)
        if isinstance(holds, bool):
            return self._branch(node.expr1 if holds else node.expr2, scope)
        yes, no = self._branch(node.expr1, scope), self._branch(node.expr2, scope)
        return Dynamic(["?", holds, lift(yes), lift(no)], 2 + size(yes) + size(no))

    def _branch(self, node: nodes.Expr | None, scope: Any) -> Any:
        return Missing("the other side of an inline if") if node is None else self.evaluate(node, scope)

    def _x_compare(self, node: nodes.Compare, scope: Any) -> Any:
        values = [self.evaluate(node.expr, scope), *(self.evaluate(one.expr, scope) for one in node.ops)]
        names = [one.op for one in node.ops]
        if any(is_dynamic(one) for one in values):
            rest = [[name, lift(one)] for name, one in zip(names, values[1:], strict=True)]
            return Dynamic(["cmp", lift(values[0]), rest], sum(map(size, values)) + 1)
        pairs = zip(names, values[:-1], values[1:], strict=True)
        return all(operations.compared(self.tongue, name, left, right) for name, left, right in pairs)

    # ------------------------------------------------------------------ operators

    def _binary(self, node: nodes.BinExpr, scope: Any) -> Any:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        name = _BINARY[type(node).__name__]
        if is_dynamic(left) or is_dynamic(right):
            return Dynamic(["op", name, lift(left), lift(right)], size(left) + size(right) + 1)
        return operations.calculated(self.tongue, name, left, right)

    _x_add = _x_sub = _x_mul = _x_div = _x_floordiv = _binary

    def _x_neg(self, node: nodes.Neg, scope: Any) -> Any:
        value = self.evaluate(node.node, scope)
        return Dynamic(["neg", lift(value)], size(value) + 1) if is_dynamic(value) else operations.negated(value)

    def _x_concat(self, node: nodes.Concat, scope: Any) -> Any:
        parts = [self.evaluate(one, scope) for one in node.nodes]
        if any(is_dynamic(one) for one in parts):
            return Dynamic(["~", [lift(one) for one in parts]], sum(map(size, parts)) + 1)
        return operations.joined(self.tongue, parts)

    # ------------------------------------------------------------------ filters, tests, calls

    def _x_filter(self, node: nodes.Filter, scope: Any) -> Any:
        assert node.node is not None, "only a filter block has none, and that is a statement"
        return self.apply(node, self.evaluate(node.node, scope), scope)

    def apply(self, node: nodes.Filter, value: Any, scope: Any) -> Any:
        """A filter on a value."""
        args = [self.evaluate(one, scope) for one in node.args]
        kwargs: dict[str, Any] = {one.key: self.evaluate(one.value, scope) for one in node.kwargs}  # type: ignore[misc]
        if is_dynamic(value) or is_dynamic(args) or is_dynamic(kwargs):
            if isinstance(value, Slots):
                if node.name in ("length", "count"):
                    return Dynamic(["f", node.name, ["r", "n", ["blocks"]], [], {}])
                raise StagingError("the blocks of a message can only be gone through with {% for %}")
            named = {name: lift(one) for name, one in kwargs.items()}
            ir = ["f", node.name, lift(value), [lift(one) for one in args], named]
            return Dynamic(ir, size(value) + size(args) + size(kwargs))
        return filters.filtered(self.tongue, node.name, value, args, kwargs)

    def _x_test(self, node: nodes.Test, scope: Any) -> Any:
        value = self.evaluate(node.node, scope)
        args = [self.evaluate(one, scope) for one in node.args]
        if is_dynamic(value) or is_dynamic(args):
            ir = ["t", node.name, lift(value), [lift(one) for one in args]]
            return Dynamic(ir, size(value) + size(args))
        return filters.tested(self.tongue, node.name, value, args)

    def _x_call(self, node: nodes.Call, scope: Any) -> Any:
        return self.invoke(node, self.evaluate(node.node, scope), scope)


def key(ir: Any) -> str:
    """An expression as text, to tell two apart. What it is kept as does not count."""
    return json.dumps(_bare(ir), sort_keys=True, ensure_ascii=False)


def _bare(ir: Any) -> Any:
    if isinstance(ir, dict):
        return {name: _bare(one) for name, one in ir.items()}
    if not isinstance(ir, list) or ir[:1] == ["c"]:
        return ir
    return _bare(ir[2]) if ir[:1] == ["="] else [_bare(one) for one in ir]


def dynamic_loop(id_: int) -> Loop:
    """`loop` in a loop over the event."""
    return Loop({name: Dynamic(["L", id_, name]) for name in LOOP})


def static_loop(at: int, count: int) -> Loop:
    """`loop` in a loop over what the pack itself gives."""
    return Loop({name: of(at, count) for name, of in LOOP.items()})


__all__ = ["Evaluator", "Fragment", "Unusable", "dynamic_loop", "key", "static_loop"]
