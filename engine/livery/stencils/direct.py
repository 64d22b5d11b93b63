"""The direct way: Jinja and MJML run on an order for every message. What a stencil must equal, byte for byte.

It is the reference in tests and in `livery pack check`, and how a message is rendered that a plugin has changed.
Like compiling, it belongs into the worker. Jinja is put in a sandbox that knows plain JSON data and nothing else:
a dot looks a key up in a mapping, filters, tests and operators are those of `livery.packs.operations`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, TemplateError, TemplateNotFound, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import BlockReference, LoopContext, Macro
from jinja2.runtime import Undefined as AnyUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from livery import locales, pictures
from livery.composing import Composer, Plain, Seen, prepared
from livery.errors import PackError
from livery.packs import filters, operations
from livery.packs.filters import FILTERS, TESTS
from livery.packs.operations import Missing, OperationError, Tongue
from livery.render.email import LAYOUT, check_closed, check_mjml, compile_mjml
from livery.stencils import content, grammar
from livery.stencils.compiling import Files, letter, tongues
from livery.stencils.filling import LOOP
from livery.stencils.values import StagingError

_HELD = (dict, list, tuple)


class Direct:
    """An order, rendered directly.

    Args:
        order: as `livery.stencils.orders` makes it.

    """

    def __init__(self, order: Plain) -> None:
        self._order, self._script = order, order["script"]
        text, lenient, self._markup = tongues(order)
        self._strict, self._lenient = Sandbox(text), Sandbox(lenient)
        views = Files(order["packs"], order["files"]).from_each()
        self._views = [(files, Sandbox(self._markup, _Loader(files))) for files in views]
        self._prepared = prepared(self._script, self._text, self._holds)

    def notification(self, seen: Seen) -> Plain:
        """As `Stencil.notification`."""
        known = {"brand": self._script["brand"], "locale": self._script["locale"]}
        return Composer(self._prepared, {**seen, **known}).notification()

    def html(self, said: Plain) -> tuple[str, list[str]]:
        """As `Stencil.html`; `said` may also be a notification that a plugin has changed."""
        notes: list[str] = []
        for files, sandbox in self._views:
            layout = next(files.all(LAYOUT), None)
            if layout is None:
                break
            passed_over: list[str] = []
            try:
                return self._page(said, files, sandbox, layout[1], passed_over), [*notes, *passed_over]
            except Exception as error:  # noqa: BLE001 - a pack may raise anything; the message must go out
                notes.append(f"e-mail layout of {files.packs[0]['label']}: {locales.one_line(str(error), 200)}")
        return "", [*notes, "no pack of the chain has an e-mail layout that works"]

    def _page(self, said: Plain, files: Files, sandbox: "Sandbox", layout: str, notes: list[str]) -> str:
        known = letter(self._script)
        shown = {key: value for key, value in said.items() if key not in ("trace", "degraded")}
        whole = {**known, "notification": shown}
        blocks = [self._block(block, known, files, sandbox, notes) for block in said["blocks"]]
        mjml = content.tamed(sandbox.get_template(layout).render({**whole, "blocks": blocks}))
        content.check(mjml)
        known_pictures = self._script["pictures"]
        html = compile_mjml(pictures.placed(mjml, known_pictures), known_pictures.get("fonts", {}))
        pictures.check(html, known_pictures)
        return html

    def _block(self, block: Plain, known: Plain, files: Files, sandbox: "Sandbox", notes: list[str]) -> Markup:
        path = f"blocks/{block['kind']}.mjml.j2"
        for label, name, _ in files.all(path):
            try:
                made = content.tamed(sandbox.get_template(name).render({**known, "block": block}))
                check_mjml(made)
                check_closed(made)
                content.check(made, is_part=True)
                return Markup(made)  # noqa: S704 - rendered with autoescape from a pack's template
            except Exception as error:  # noqa: BLE001 - as above
                notes.append(f"{path} of {label}: {locales.one_line(str(error), 200)}")
        raise PackError(f"no pack can show a block of the kind {block['kind']!r}", file=path)

    def _text(self, text: Plain) -> Callable[[Seen], str]:
        if "absent" in text:
            return _raising(LookupError("there is no such text"))
        if "{" not in text["source"]:
            return lambda _: str(text["source"])
        try:
            _checked(grammar.parsed(text["source"], markup=False))
            template = self._strict.from_string(text["source"])
        except Exception as error:  # noqa: BLE001 - as above
            return _raising(error)
        return template.render

    def _holds(self, source: str, pack: str) -> Callable[[Seen], bool]:
        del pack
        try:
            _checked(grammar.condition(source))
            expression = self._lenient.compile_expression(source)
        except Exception as error:  # noqa: BLE001 - as above
            return _raising(error)
        return lambda seen: bool(expression(**seen))


def _checked(tree: nodes.Node) -> None:
    for problem in grammar.problems(tree):
        raise problem


def _raising(error: Exception) -> Callable[[Seen], Any]:
    def fail(_: Seen) -> Any:
        raise error

    return fail


class _Loader(BaseLoader):
    def __init__(self, files: Files) -> None:
        self.files = files

    def get_source(self, environment: Any, template: str) -> tuple[str, str | None, Any]:
        del environment
        try:
            name, text = self.files.read(template.partition("!")[2], template)
        except LookupError:
            raise TemplateNotFound(template) from None
        for _, full, source in self.files.all(template.partition("!")[2]):
            if full == template:
                name, text = full, source
        if name != template:
            raise TemplateNotFound(template)
        return text, None, lambda: True


class _Generator(CodeGenerator):
    """Jinja's own, but for `~`: that writes out whatever it is given, and has no hook."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.joined((")
        for one in node.nodes:
            self.visit(one, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """Plain data only: attribute access is key access, and only what the engine made can be called."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"-"})
    code_generator_class = _Generator

    def __init__(self, tongue: Tongue, loader: BaseLoader | None = None) -> None:
        undefined = _Lenient if tongue.lenient else StrictUndefined
        super().__init__(
            autoescape=tongue.markup,
            undefined=undefined,
            loader=loader,
            auto_reload=False,
            optimized=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=not tongue.markup,
            finalize=self._finalized,
        )
        self._tongue = tongue
        self.globals.clear()
        self.filters = {name: self._filter(name) for name in FILTERS}
        self.tests = {name: self._test(name) for name in TESTS}

    def joined(self, parts: Sequence[Any]) -> str:
        """What `~` gives."""
        return operations.joined(self._tongue, [_inwards(one) for one in parts])

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _checked(tree)
        return tree

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        _Lists().visit(source)
        return super()._generate(source, *args, **kwargs)

    def _filter(self, name: str) -> Callable[..., Any]:
        def run(value: Any, *args: Any, **kwargs: Any) -> Any:
            named = {key: _inwards(one) for key, one in kwargs.items()}
            return self._outwards(
                filters.filtered(self._tongue, name, _inwards(value), [_inwards(one) for one in args], named)
            )

        return run

    def _test(self, name: str) -> Callable[..., bool]:
        return lambda value, *args: filters.tested(self._tongue, name, _inwards(value), [_inwards(one) for one in args])

    def _finalized(self, value: Any) -> Any:
        text = operations.printed(self._tongue, _inwards(value))
        return Markup(text) if self._tongue.markup else text  # noqa: S704 - printed() escapes in markup

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._part(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._part(obj, argument)

    def _part(self, obj: Any, key: Any) -> Any:
        key = _inwards(key)
        if isinstance(obj, LoopContext) and key in LOOP:
            return getattr(obj, key)
        return self._outwards(operations.look_up(obj, key)) if type(obj) in _HELD else self.undefined(name=str(key))

    def _outwards(self, value: Any) -> Any:
        return self.undefined(name=value.name) if type(value) is Missing else value

    def join_path(self, template: str, parent: str) -> str:
        assert isinstance(self.loader, _Loader), "texts bring in no templates"
        try:
            return self.loader.files.read(template, parent)[0]
        except LookupError:
            raise TemplateNotFound(f"{template} (asked for by {parent})") from None

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, Macro | BlockReference)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        del context
        if operator in ("%", "**"):
            raise TemplateError(f"the operator {operator} is not available to packs")
        return operations.calculated(self._tongue, operator, _inwards(left), _inwards(right))

    def call_unop(self, context: Any, operator: str, arg: Any) -> Any:
        del context, operator
        return operations.negated(_inwards(arg))


class _Lists(NodeTransformer):
    """Makes (a, b) a list, as JSON has no other."""

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802 - Jinja's word
        self.generic_visit(node)
        return nodes.List(node.items, lineno=node.lineno) if node.ctx == "load" else node


class _Lenient(Undefined):
    """Missing, where that is false and nothing else."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnyUndefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(type(self))


def _inwards(value: Any) -> Any:
    return Missing(value._undefined_name or "") if isinstance(value, AnyUndefined) else value  # noqa: SLF001 - Jinja has no other


__all__ = ["Direct", "Mapping", "OperationError", "StagingError"]
