"""The stager: a pack's templates run once, as far as they can be without an event.

It walks the syntax tree itself; Jinja only parses. What the pack alone decides (inheritance, includes, macros,
brand, language, loops over its own lists) is done here and now, with a budget; what the event decides is left
in the output as holes, branches and loops. A template either comes out equal to what Jinja would have made of
it for every event, or is refused: nothing is guessed.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import nodes

from livery.packs.operations import Missing, Tongue
from livery.stencils import grammar
from livery.stencils.scopes import Context, Macro, Scope, Super
from livery.stencils.statements import Statements
from livery.stencils.values import (
    Piece,
    Place,
    StagingError,
)

Reader = Callable[[str, str], tuple[str, str]]
"""(path as a template writes it, name of that template) → (full name, source); LookupError if there is none."""


class Stager(Statements):
    """Runs templates. Make one for each piece; it is spent with its budget.

    Args:
        tongue: how values are printed.
        read: where `extends` and `include` look.
        decisions: see `Evaluator`.
        ids: numbers for loops and kept values; shared by all pieces that are put together.

    """

    def __init__(
        self,
        tongue: Tongue,
        read: Reader | None = None,
        decisions: dict[str, bool] | None = None,
        ids: Iterator[int] | None = None,
    ) -> None:
        super().__init__(tongue, decisions, ids)
        self._read = read

    def template(self, name: str, source: str, data: Mapping[str, Any]) -> list[Piece]:
        """What a template comes to.

        Raises:
            StagingError: it is refused, or wrong; with its place.

        """
        try:
            return self._template(name, source, Context(data))
        except RecursionError:
            raise StagingError("is nested too deeply", Place(name), rule="too-large") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise StagingError(f"cannot be compiled: {type(error).__name__}: {error}", Place(name)) from error

    def condition(self, source: str, data: Mapping[str, Any]) -> Any:
        """What a condition comes to: True, False, or an expression over the event.

        Raises:
            StagingError: as for `template`.

        """
        return self.decided(self.expression(source, data), Scope(Context(data), ""))

    def expression(self, source: str, data: Mapping[str, Any]) -> Any:
        """What an expression comes to: plain data, or a `Dynamic`.

        Raises:
            StagingError: as for `template`.

        """
        try:
            tree = grammar.condition(source)
            for problem in grammar.problems(tree):
                raise problem
            return self.evaluate(tree, Scope(Context(data), ""))
        except RecursionError:
            raise StagingError("is nested too deeply", rule="too-large") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise StagingError(f"cannot be compiled: {type(error).__name__}: {error}") from error

    # ------------------------------------------------------------------ templates

    def _tree(self, name: str, source: str) -> nodes.Template:
        try:
            tree = grammar.parsed(source, markup=self.tongue.markup)
            for problem in grammar.problems(tree):
                raise problem
        except StagingError as error:
            raise StagingError(error.message, Place(name, error.place.line), error.fix, error.rule) from None
        return tree

    def _template(self, name: str, source: str, context: Context) -> list[Piece]:
        tree = self._tree(name, source)
        scope = Scope(context, name, is_top=True)
        own: set[str] = set()
        for block in tree.find_all(nodes.Block):
            if block.name in own:
                raise StagingError(f"has two blocks {block.name!r}", self.place(block, scope), "rename one")
            own.add(block.name)
            context.blocks.setdefault(block.name, []).append((name, block))
        out: list[Piece] = []
        parent: nodes.Extends | None = None
        for statement in tree.body:
            if isinstance(statement, nodes.Extends):
                if parent is not None:
                    raise StagingError("extends two templates", self.place(statement, scope))
                parent = statement
            elif parent is None:
                self.run(statement, scope, out)
            else:
                self._prepare(statement, scope)
        if parent is not None:
            with self._deeper(parent, scope):
                out += self._template(*self._found(parent, scope), context)
        return out

    def _prepare(self, node: nodes.Node, scope: Scope) -> None:
        """A statement outside of blocks in a template that extends another: it may set names, and prints nothing."""
        if isinstance(node, nodes.Output | nodes.Block):
            return
        if not isinstance(node, nodes.Assign | nodes.AssignBlock | nodes.Macro | nodes.FromImport):
            why = "stands outside of the blocks of a template that extends another"
            raise StagingError(
                why, self.place(node, scope), "put it into a block; only set, macro and import may stand there"
            )
        self.run(node, scope, [])

    def _found(self, node: nodes.Include | nodes.Extends | nodes.FromImport, scope: Scope) -> tuple[str, str]:
        path: str = getattr(node.template, "value", "")  # the grammar lets only constants through
        if self._read is None:
            raise StagingError("a text cannot bring in a template", self.place(node, scope), rule="refused")
        try:
            return self._read(path, scope.template)
        except LookupError:
            raise StagingError(f"there is no template {path!r}", self.place(node, scope), rule="missing") from None

    # ------------------------------------------------------------------ other templates

    def _s_include(self, node: nodes.Include, scope: Scope, out: list[Piece]) -> None:
        with self._deeper(node, scope):
            try:
                found = self._found(node, scope)
            except StagingError:
                if node.ignore_missing:
                    return
                raise
            if self._captures and not node.with_context:
                why = "include without context cannot stand in a macro, {% call %}, {% set %} or {% filter %}"
                raise StagingError(why, self.place(node, scope), "leave `without context` out")
            data = scope.visible() if node.with_context else {}
            out += self._template(*found, Context(data))

    def _s_fromimport(self, node: nodes.FromImport, scope: Scope, out: list[Piece]) -> None:
        del out
        with self._deeper(node, scope):
            name, source = self._found(node, scope)
            module = Context({})
            self._template(name, source, module)
        for one in node.names:
            original, alias = (one, one) if isinstance(one, str) else one
            if original not in module.exported or original in module.imported:
                why = f"{name.partition('!')[2]!r} has no {original!r}"
                raise StagingError(why, self.place(node, scope), rule="missing")
            scope.set(alias, module.exported[original])
            if scope.is_top:
                scope.context.imported.add(alias)

    def _s_block(self, node: nodes.Block, scope: Scope, out: list[Piece]) -> None:
        out += self._block(Super(node.name, 0, scope if node.scoped else None), scope, node)

    def _block(self, which: Super, scope: Scope, asked_by: nodes.Node) -> list[Piece]:
        versions = scope.context.blocks.get(which.name, [])
        if which.depth >= len(versions):
            why = f"no parent has a block {which.name!r}"
            raise StagingError(why, self.place(asked_by, scope), "leave {{ super() }} out", rule="missing")
        template, block = versions[which.depth]
        if block.required:
            why = f"the block {which.name!r} has to be given by the template that extends this"
            raise StagingError(why, self.place(block, scope), rule="missing")
        inside = Scope(scope.context, template, which.around)
        inside.names["super"] = Super(which.name, which.depth + 1, which.around)
        pieces: list[Piece] = []
        with self._deeper(asked_by, scope):
            self.run_all(block.body, inside, pieces)
        return pieces

    # ------------------------------------------------------------------ macros

    def _s_macro(self, node: nodes.Macro, scope: Scope, out: list[Piece]) -> None:
        del out
        scope.set(node.name, Macro(node, scope))

    def _s_callblock(self, node: nodes.CallBlock, scope: Scope, out: list[Piece]) -> None:
        callee = self.evaluate(node.call.node, scope)
        if isinstance(callee, Macro) and not callee.calls_back:
            why = f"the macro {getattr(callee.node, 'name', 'caller')!r} does not call caller()"
            raise StagingError(why, self.place(node, scope), "call it with {{ … }}")
        self._emit(self._called(node.call, callee, scope, caller=Macro(node, scope)), node, scope, out)

    def invoke(self, node: nodes.Call, callee: Any, scope: Scope) -> Any:
        """What a call gives: macros, `caller()` and `super()` can be called."""
        if isinstance(callee, Super):
            return self._whole(self._block(callee, scope, node))
        return self._called(node, callee, scope)

    def _called(self, node: nodes.Call, callee: Any, scope: Scope, caller: Any = None) -> Any:
        if not isinstance(callee, Macro):
            what = f"{callee.name!r}" if isinstance(callee, Missing) else "this"
            raise StagingError(
                f"{what} cannot be called", self.place(node, scope), "only macros of the pack can", rule="refused"
            )
        args = [self.evaluate(one, scope) for one in node.args]
        kwargs = {one.key: self.evaluate(one.value, scope) for one in node.kwargs}
        inside = callee.scope.inner()
        inside.names["caller"] = caller if caller is not None else Missing("caller")
        names = [one.name for one in callee.node.args]
        if len(args) > len(names) or set(kwargs) - set(names[len(args) :]):
            raise StagingError(f"takes these arguments: {', '.join(names) or 'none'}", self.place(node, scope))
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        inside.names |= {name: given.get(name, Missing(name)) for name in names}
        first_default = len(names) - len(callee.node.defaults)
        for at, name in enumerate(names):
            if name not in given and at >= first_default:
                inside.names[name] = self.evaluate(callee.node.defaults[at - first_default], inside)
        with self._deeper(node, scope):
            return self._captured(callee.node.body, inside)
