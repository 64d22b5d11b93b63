"""The language of packs: Jinja in a sandbox that knows plain JSON data and nothing else.

No attribute of any Python object can be reached: a dot looks a key up in a mapping. Filters, tests and
functions are allow-lists. Templates see data as dicts, lists, text, numbers, booleans and None.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import BlockReference, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from livery import locales
from livery.locales import Direction

_FILTERS = frozenset(
    [
        "capitalize",
        "default",
        "d",
        "e",
        "escape",
        "first",
        "float",
        "forceescape",
        "int",
        "join",
        "last",
        "length",
        "list",
        "lower",
        "replace",
        "round",
        "select",
        "selectattr",
        "sort",
        "string",
        "title",
        "trim",
        "upper",
        "urlencode",
    ]
)
_TESTS = frozenset(
    [
        "boolean",
        "defined",
        "divisibleby",
        "eq",
        "equalto",
        "even",
        "false",
        "ge",
        "gt",
        "in",
        "integer",
        "le",
        "lower",
        "lt",
        "mapping",
        "ne",
        "none",
        "number",
        "odd",
        "sameas",
        "sequence",
        "string",
        "true",
        "undefined",
        "upper",
    ]
)
_LOOP = frozenset(
    [
        "index",
        "index0",
        "revindex",
        "revindex0",
        "first",
        "last",
        "length",
        "depth",
        "depth0",
        "previtem",
        "nextitem",
    ]
)
_HELD = (dict, list, tuple)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Plain data only: attribute access is key access, and only what the engine made can be called."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if switch := tree.find(nodes.EvalContextModifier):
            raise TemplateSyntaxError("autoescape is not for packs to switch", switch.lineno, name, filename)
        return tree

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._look_up(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._look_up(obj, argument)

    def _look_up(self, obj: Any, key: Any) -> Any:
        if type(obj) in _HELD:
            try:
                return obj[key]
            except (LookupError, TypeError):
                return self.undefined(name=key)
        if isinstance(obj, LoopContext) and key in _LOOP:
            return getattr(obj, key)
        return self.undefined(name=key)

    def join_path(self, template: str, parent: str) -> str:
        resolve = getattr(self.loader, "resolve", None)
        return str(resolve(template, parent)) if resolve else template

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, Macro | BlockReference)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        del context
        if operator == "*" and all(isinstance(side, int | float) for side in (left, right)):
            return left * right
        raise TemplateError(f"the operator {operator} is not available to packs")


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(value: Any) -> str:
    if value is None:
        raise TemplateError("a value is null; guard it with `when` or |default")
    return str(value)


def _lines(value: Any) -> Markup:
    """Escaped text with its line breaks kept."""
    return Markup("<br />").join(escape(line) for line in str(value).splitlines() or [""])


def environment(
    locale: str, direction: Direction, *, markup: bool, loader: Any = None, lenient: bool = False
) -> ImmutableSandboxedEnvironment:
    """An environment for one language.

    Args:
        locale: the tag dates and numbers are written for.
        direction: which way the text around values runs; values that run the other way are isolated.
        markup: whether output is MJML (values are escaped) or plain text.
        loader: where `extends` and `include` look; None where a template stands alone.
        lenient: whether missing values are empty (conditions) or an error (everything else).

    """
    sandbox = _Sandbox(
        autoescape=markup,
        undefined=ChainableUndefined if lenient else StrictUndefined,
        loader=loader,
        auto_reload=False,
        cache_size=200,
        optimized=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=not markup,
        finalize=None if markup else _value(direction),
    )
    sandbox.globals.clear()
    for name in set(sandbox.filters) - _FILTERS:
        del sandbox.filters[name]
    for name in set(sandbox.tests) - _TESTS:
        del sandbox.tests[name]
    sandbox.filters.update(filters(locale))
    if markup:
        sandbox.filters["lines"] = _lines
    return sandbox


@lru_cache(maxsize=64)
def filters(locale: str) -> Mapping[str, Callable[..., Any]]:
    """The filters that know the reader's language."""

    def dated(write: Callable[[datetime, str], str]) -> Callable[[Any], str]:
        def written(value: Any) -> str:
            moment = _moment(value)
            return write(moment, locale) if moment else _text(value)

        return written

    def number(value: Any) -> str:
        return locales.format_number(value, locale) if isinstance(value, int | float) else _text(value)

    def short(value: Any, limit: int = 200) -> str:
        return locales.one_line(_text(value), limit)

    return {
        "date": dated(locales.format_date),
        "datetime": dated(locales.format_datetime),
        "number": number,
        "short": short,
    }


def _value(direction: Direction) -> Callable[[Any], Any]:
    """What becomes of an event's value in a text: cleaned, and isolated if it runs the other way."""

    def finalize(value: Any) -> Any:
        if isinstance(value, Undefined):
            return value
        return locales.isolate(locales.clean(_text(value)), direction)

    return finalize


_PATH = r"[a-z_]+(?:\.[a-z_][a-z_0-9]*)*"
_PLACEHOLDER = re.compile(rf"(?<!\{{)\{{\{{\s*({_PATH})\s*(?:\|\s*(date|datetime|number|short)\s*)?\}}\}}")


class Texts:
    """Renders texts with placeholders for one language; most are filled without starting Jinja.

    Sources come from packs, so there are few: what Jinja compiled of them is kept. Share it by `Texts.of`.
    """

    @staticmethod
    @lru_cache(maxsize=64)
    def of(locale: str, direction: Direction) -> "Texts":
        """The one for a language."""
        return Texts(locale, direction)

    def __init__(self, locale: str, direction: Direction) -> None:
        self._compiled = lru_cache(maxsize=2000)(self._compile)
        self._locale, self._direction = locale, direction
        self._finalize = _value(direction)
        self._filters = filters(locale)
        self._strict: ImmutableSandboxedEnvironment | None = None
        self._lenient: ImmutableSandboxedEnvironment | None = None

    def render(self, source: str, context: Mapping[str, Any]) -> str:
        """Fill the placeholders of `source`.

        Raises:
            Exception: whatever is wrong with the template or missing in the context.

        """
        if "{" not in source:
            return source
        plain = _PLACEHOLDER.sub("", source)
        if "{{" not in plain and "{%" not in plain and "{#" not in plain:
            return _PLACEHOLDER.sub(lambda match: self._fill(match, context), source)
        return self.render_with_jinja(source, context)

    def render_with_jinja(self, source: str, context: Mapping[str, Any]) -> str:
        """The long way, for control flow; what `render` does for plain placeholders must equal it."""
        return str(self._compiled(source, lenient=False)(context))

    def holds(self, condition: str, context: Mapping[str, Any]) -> bool:
        """Whether an expression over the event is true; missing values are false."""
        if not condition:
            return True
        if re.fullmatch(_PATH, condition) and condition.partition(".")[0] in context:
            return bool(_path(condition, context, None))
        return bool(self._compiled(condition, lenient=True)(context))

    def _compile(self, source: str, *, lenient: bool) -> Callable[[Mapping[str, Any]], Any]:
        """A text (strict) or a condition (lenient), ready to be rendered with a context."""
        if not lenient:
            self._strict = self._strict or environment(self._locale, self._direction, markup=False)
            return self._strict.from_string(source).render
        self._lenient = self._lenient or environment(self._locale, self._direction, markup=False, lenient=True)
        return self._lenient.compile_expression(source)

    def _fill(self, placeholder: re.Match[str], context: Mapping[str, Any]) -> str:
        path, name = placeholder.groups()
        value = _path(path, context, _MISSING)
        if value is _MISSING:
            return self.render_with_jinja(placeholder[0], context)  # which knows `true`, and what to say of the rest
        return str(self._finalize(self._filters[name](value) if name else value))


_MISSING = object()


def _path(path: str, context: Mapping[str, Any], otherwise: Any) -> Any:
    value: Any = context
    for part in path.split("."):
        if type(value) is not dict or part not in value:
            return otherwise
        value = value[part]
    return value
