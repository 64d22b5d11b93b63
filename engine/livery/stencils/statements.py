"""Statements of templates, run as far as they can be without an event: printing, branches, loops, names."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from jinja2 import nodes
from markupsafe import Markup

from livery.packs import operations
from livery.packs.operations import Tongue
from livery.stencils.expressions import Evaluator, Loop, Unusable, dynamic_loop, key, static_loop
from livery.stencils.scopes import Macro, Scope, Super
from livery.stencils.values import (
    Branch,
    Dynamic,
    Fragment,
    Piece,
    Repeat,
    Slots,
    StagingError,
    awaited,
    is_dynamic,
    lift,
    size,
)

MAX_OUTPUT = 512 * 1024
MAX_DEPTH = 40
_HOLE = 16
"""How many characters a value, a condition or a loop counts as."""


class Statements(Evaluator):
    """Runs statements within a budget; `livery.stencils.staging` adds templates and macros to it."""

    def __init__(
        self, tongue: Tongue, decisions: dict[str, bool] | None = None, ids: Iterator[int] | None = None
    ) -> None:
        super().__init__(tongue, decisions)
        self._ids = ids if ids is not None else count(1)
        self._room = MAX_OUTPUT
        self._depth = 0
        self._captures = 0

    def _deeper(self, node: nodes.Node, scope: Scope) -> "_Depth":
        return _Depth(self, node, scope)

    # ------------------------------------------------------------------ statements

    def run_all(self, statements: Sequence[nodes.Node], scope: Scope, out: list[Piece]) -> None:
        for statement in statements:
            self.run(statement, scope, out)

    def run(self, node: nodes.Node, scope: Scope, out: list[Piece]) -> None:
        """One statement; what it prints is added to `out`."""
        method: Callable[[Any, Scope, list[Piece]], None] | None = getattr(
            self, f"_s_{type(node).__name__.lower()}", None
        )
        if method is None:
            raise StagingError(f"{type(node).__name__} cannot stand here", self.place(node, scope), rule="refused")
        try:
            method(node, scope, out)
        except operations.OperationError as error:
            raise StagingError(str(error), self.place(node, scope), rule="value") from None

    def _write(self, text: str, node: nodes.Node, scope: Scope, out: list[Piece]) -> None:
        self._take(len(text), node, scope)
        out.append(text)

    def _take(self, room: int, node: nodes.Node, scope: Scope) -> None:
        self._room -= room
        if self._room < 0:
            place = self.place(node, scope)
            raise StagingError(f"makes more than {MAX_OUTPUT // 1024} KiB", place, rule="too-large")

    def _s_output(self, node: nodes.Output, scope: Scope, out: list[Piece]) -> None:
        for one in node.nodes:
            if isinstance(one, nodes.TemplateData):
                self._write(one.data, one, scope, out)
            else:
                self._print(self.evaluate(one, scope), one, scope, out)

    def _print(self, value: Any, node: nodes.Node, scope: Scope, out: list[Piece]) -> None:
        if isinstance(value, Slots | Macro | Super | Unusable | Loop):
            raise StagingError("this cannot be printed", self.place(node, scope))
        if isinstance(value, Fragment) and self.tongue.markup:
            self._emit(value, node, scope, out)
        elif is_dynamic(value):
            self._take(_HOLE * size(value), node, scope)
            out += awaited(lift(value), self.place(node, scope), self.tongue)
        else:
            self._write(operations.printed(self.tongue, value), node, scope, out)

    def _emit(self, value: Fragment | str, node: nodes.Node, scope: Scope, out: list[Piece]) -> None:
        """What was written before, as it is."""
        for piece in value.pieces if isinstance(value, Fragment) else [value]:
            if isinstance(piece, str):
                self._write(str(piece), node, scope, out)
            else:
                self._take(_HOLE * size(Fragment([piece])), node, scope)
                out.append(piece)

    def _s_if(self, node: nodes.If, scope: Scope, out: list[Piece]) -> None:
        holds = self.decided(self.evaluate(node.test, scope), scope)
        rest: Sequence[nodes.Node] = node.else_
        if node.elif_:
            rest = [
                nodes.If(
                    node.elif_[0].test, node.elif_[0].body, node.elif_[1:], node.else_, lineno=node.elif_[0].lineno
                )
            ]
        if isinstance(holds, bool):
            self.run_all(node.body if holds else rest, scope, out)
            return
        self._take(_HOLE, node, scope)
        before = scope.snapshot()
        then: list[Piece] = []
        otherwise: list[Piece] = []
        with self._deeper(node, scope):
            self.run_all(node.body, scope, then)
            yes = scope.names
            scope.restore(before)
            self.run_all(rest, scope, otherwise)
            no = scope.names
            scope.restore(before)
        scope.merge(holds, yes, no)
        if then or otherwise:
            out.append(Branch(holds, then, otherwise, self.place(node, scope)))

    def _s_for(self, node: nodes.For, scope: Scope, out: list[Piece]) -> None:
        over = self.evaluate(node.iter, scope)
        if isinstance(over, Slots):
            self._slots(node, over, scope, out)
        elif isinstance(over, Dynamic | Fragment):
            self._repeat(node, over, scope, out)
        else:
            self._loop(node, over, scope, out)

    def _slots(self, node: nodes.For, over: Slots, scope: Scope, out: list[Piece]) -> None:
        place = self.place(node, scope)
        if node.else_ or node.test:
            raise StagingError("a loop over the blocks has neither condition nor {% else %}", place)
        for holds, pieces in over.slots:
            why = "loop is not known in the loop over the blocks: an event decides which there are"
            inside = scope.inner({"loop": Unusable(why)})
            self._bind(node.target, Fragment(pieces), inside)
            body: list[Piece] = []
            self.fuel -= 1
            self._take(_HOLE, node, scope)
            self.run_all(node.body, inside, body)
            known = self.decisions.get(key(holds)) if self.decisions else None
            if known is None:
                out.append(Branch(holds, body, [], place))
            elif known:
                out += body

    def _repeat(self, node: nodes.For, over: Any, scope: Scope, out: list[Piece]) -> None:
        through = lift(over)
        is_sure = self.decisions.get(key(through)) if self.decisions and node.test is None else None
        if is_sure is False:
            self.run_all(node.else_, scope.inner(), out)
            return
        id_ = next(self._ids)
        inside = scope.inner()
        self._bind(node.target, Dynamic(["v", id_, []]), inside)
        only = None
        if node.test is not None:
            holds = self.decided(self.evaluate(node.test, inside), inside)
            only = ["c", holds] if isinstance(holds, bool) else holds
        inside.set("loop", dynamic_loop(id_))
        body: list[Piece] = []
        empty: list[Piece] = []
        self._take(_HOLE, node, scope)
        with self._deeper(node, scope):
            self.run_all(node.body, inside, body)
            self.run_all(node.else_, scope.inner(), empty)
        out.append(Repeat(id_, through, only, body, empty, self.place(node, scope), is_sure=bool(is_sure)))

    def _loop(self, node: nodes.For, over: Any, scope: Scope, out: list[Piece]) -> None:
        place = self.place(node, scope)
        try:
            found = list(operations.items(self.tongue, over))
        except operations.OperationError as error:
            raise StagingError(str(error), place, rule="value") from None
        if node.test is not None:
            found = [one for one in found if self._keeps(node, one, scope)]
        for at, one in enumerate(found):
            inside = scope.inner()
            self._bind(node.target, one, inside)
            inside.set("loop", static_loop(at, len(found)))
            self.fuel -= 1
            self.run_all(node.body, inside, out)
        if not found:
            self.run_all(node.else_, scope.inner(), out)

    def _keeps(self, node: nodes.For, one: Any, scope: Scope) -> bool:
        inside = scope.inner()
        self._bind(node.target, one, inside)
        assert node.test is not None, "asked only where there is a condition"
        holds = self.decided(self.evaluate(node.test, inside), inside)
        if not isinstance(holds, bool):
            raise StagingError(
                "a list of the pack cannot be sifted by the event", self.place(node, scope), "use {% if %} inside"
            )
        return holds

    def _bind(self, target: nodes.Node, value: Any, scope: Scope) -> None:
        if isinstance(target, nodes.Name):
            scope.set(target.name, value)
            return
        assert isinstance(target, nodes.Tuple), "the grammar knows no other target"
        if isinstance(value, Dynamic):
            whole = ["up", value.ir, len(target.items)]
            parts: Sequence[Any] = [Dynamic(["g", whole, ["c", at]], value.size + 1) for at in range(len(target.items))]
        elif isinstance(value, list | tuple) and len(value) == len(target.items):
            parts = value
        else:
            raise StagingError(f"has no {len(target.items)} parts", self.place(target, scope), rule="value")
        for one, part in zip(target.items, parts, strict=True):
            self._bind(one, part, scope)

    def _s_assign(self, node: nodes.Assign, scope: Scope, out: list[Piece]) -> None:
        del out
        value = self.evaluate(node.node, scope)
        if isinstance(value, Dynamic) and value.ir[0] not in ("r", "v", "L", "="):
            value = Dynamic(["=", next(self._ids), value.ir], value.size)
        self._bind(node.target, value, scope)

    def _s_assignblock(self, node: nodes.AssignBlock, scope: Scope, out: list[Piece]) -> None:
        del out
        value: Any = self._captured(node.body, scope.inner())
        if node.filter is not None:
            value = self._sifted(node.filter, value, scope)
        self._bind(node.target, value, scope)

    def _s_with(self, node: nodes.With, scope: Scope, out: list[Piece]) -> None:
        inside = scope.inner()
        for target, value in zip(node.targets, node.values, strict=True):
            self._bind(target, self.evaluate(value, scope), inside)
        self.run_all(node.body, inside, out)

    def _s_filterblock(self, node: nodes.FilterBlock, scope: Scope, out: list[Piece]) -> None:
        self._emit(self._sifted(node.filter, self._captured(node.body, scope.inner()), scope), node, scope, out)

    def _sifted(self, node: nodes.Filter, value: Any, scope: Scope) -> str:
        """Output through the filter of a block: Jinja escapes it no more."""
        if is_dynamic(value):
            why = "a filter around event data cannot be compiled"
            raise StagingError(why, self.place(node, scope), "put the filter on the values: {{ value|upper }}")
        made = self.apply(node, value, scope)
        if not isinstance(made, str):
            raise StagingError(f"|{node.name} makes no text here", self.place(node, scope))
        return Markup(made) if self.tongue.markup else made  # noqa: S704 - of what is markup already

    def _captured(self, body: Sequence[nodes.Node], scope: Scope) -> Any:
        pieces: list[Piece] = []
        self._captures += 1
        self.run_all(body, scope, pieces)
        self._captures -= 1
        return self._whole(pieces)

    def _whole(self, pieces: list[Piece]) -> Any:
        """Output as a value: a text if all of it is known."""
        if all(isinstance(one, str) for one in pieces):
            text = "".join(str(one) for one in pieces)
            return Markup(text) if self.tongue.markup else text  # noqa: S704 - its values were escaped as they were written
        return Fragment(pieces)


class _Depth:
    """How deep templates, blocks, macros, and conditions over the event stand in one another."""

    def __init__(self, stager: Statements, node: nodes.Node, scope: Scope) -> None:
        self._stager, self._node, self._scope = stager, node, scope

    def __enter__(self) -> None:
        self._stager._depth += 1  # noqa: SLF001 - one thing in two classes, for `with`
        if self._stager._depth > MAX_DEPTH:  # noqa: SLF001
            why = f"templates, blocks, macros and conditions stand in one another more than {MAX_DEPTH} deep"
            place = self._stager.place(self._node, self._scope)
            raise StagingError(why, place, "a macro or an include must not lead back to itself", rule="recursion")

    def __exit__(self, *error: object) -> None:
        self._stager._depth -= 1  # noqa: SLF001
