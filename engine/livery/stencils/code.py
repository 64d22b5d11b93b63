"""Python being written for a stencil: straight lines in place of closures, for the course that messages usually take.

What is written holds names of its own and nothing of a pack or an event: their texts, keys and numbers are handed over
as values. So there is nothing to break out of, and all brands of one pack share one code object.

It knows the usual course alone. Where that is left, for a value is missing, odd or long, it raises, whatever it likes:
then the closures of `livery.stencils.fill` do all of it again, and their word counts.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType
from typing import Any, NoReturn

from livery.packs.filters import FILTERS, filtered
from livery.packs.operations import MAX_TEXT, Missing, Tongue, look_up, printed
from livery.stencils.fill import LONG

MAX_PARTS = 50_000
"""Values and lines of one function; what would have more is left to the closures."""
_INDENT = 60
_PLAIN_FILTERS = frozenset(
    [
        "capitalize",
        "date",
        "datetime",
        "lower",
        "number",
        "percent",
        "short",
        "string",
        "time",
        "title",
        "trim",
        "upper",
    ]
)
"""Filters whose result is at most a few times as long as what they are given."""


class Unwritable(Exception):
    """There is no straight way to write this."""


class _Left(Exception):
    """A message left the usual course."""


def leave() -> NoReturn:
    raise _Left


def _look(value: Any, keys: Sequence[Any]) -> Any:
    for key in keys:
        value = look_up(value, key)
    return value


_HELPERS: dict[str, Any] = {
    "Missing": Missing, "leave": leave, "look": _look, "printed": printed, "filtered": filtered,
    "Lost": (KeyError, TypeError, IndexError), "len": len, "str": str, "int": int, "float": float, "bool": bool,
    "list": list, "isinstance": isinstance, "enumerate": enumerate, "none": {},
}  # fmt: skip
_TESTS = {
    "false": "{0} is False",
    "true": "{0} is True",
    "none": "{0} is None",
    "boolean": "{0}.__class__ is bool",
    "string": "isinstance({0}, str)",
    "number": "({0}.__class__ is int or {0}.__class__ is float)",
    "defined": "{0}.__class__ is not Missing",
    "undefined": "{0}.__class__ is Missing",
}
_COMPARE = {"eq": "==", "ne": "!=", "in": "in", "notin": "not in"}


@lru_cache(maxsize=256)
def _compiled(source: str) -> CodeType:
    return compile(source, "<stencil>", "exec", dont_inherit=True, optimize=2)


class Code:
    """A function that is being written.

    Args:
        arguments: the names of its arguments.
        helpers: what it may call, by name, beside what every such function may.

    """

    def __init__(self, arguments: str, **helpers: Any) -> None:
        self._arguments = arguments
        self._values: dict[str, Any] = {**_HELPERS, **helpers}
        self._names: dict[tuple[type, Any], str] = {}
        self._lines: list[str] = []
        self._depth = 2
        self._count = 0
        self._at_hand: dict[Any, str] = {}

    @property
    def source(self) -> str:
        return "\n".join(
            [f"def make({', '.join(self._values)}):", f" def made({self._arguments}):", *self._lines, " return made"]
        )

    def function(self) -> Callable[..., Any]:
        """The function.

        Raises:
            Unwritable: Python does not take it.

        """
        scope: dict[str, Any] = {"__builtins__": {}}
        try:
            exec(_compiled(self.source), scope)  # noqa: S102 - see the module's docstring
        except (SyntaxError, RecursionError, MemoryError):
            raise Unwritable from None
        made: Callable[..., Any] = scope["make"](**self._values)
        return made

    def line(self, text: str) -> None:
        if len(self._lines) > MAX_PARTS or self._depth > _INDENT:
            raise Unwritable
        self._lines.append(" " * self._depth + text)

    @contextmanager
    def under(self, head: str) -> Iterator[None]:
        """What stands in an if or a loop; what is computed there is not at hand after it."""
        self.line(head)
        outside, self._at_hand = self._at_hand, dict(self._at_hand)
        self._depth += 1
        began = len(self._lines)
        yield
        if len(self._lines) == began:
            self.line("pass")
        self._depth -= 1
        self._at_hand = outside

    def fresh(self) -> str:
        """A name nothing has yet."""
        self._count += 1
        return f"v{self._count}"

    def value(self, value: Any) -> str:
        """The name of a value that is handed over."""
        key = (type(value), value if isinstance(value, str | int) else id(value))
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"k{len(self._names)}"
            self._values[name] = value
        return name

    def kept(self, key: Any, write: Callable[[str], None]) -> str:
        """The name of what is computed where it is first needed."""
        name = self._at_hand.get(key)
        if name is None:
            name = self.fresh()
            write(name)
            self._at_hand[key] = name
        return name


class Reading(Code):
    """Code that reads an event, or what was said of it.

    Args:
        tongue: how it is evaluated.
        arguments: as for `Code`.
        roots: which argument holds which root.
        helpers: as for `Code`.

    """

    def __init__(self, tongue: Tongue, arguments: str, roots: dict[str, str], **helpers: Any) -> None:
        super().__init__(arguments, tongue=tongue, **helpers)
        self._tongue, self._roots = tongue, roots
        self._turns: dict[int, tuple[str, str, str]] = {}
        """Of each loop around: what holds the item, its number, and the last one's."""

    def read(self, ir: Any) -> str:
        """The name of a value, which may be missing.

        Raises:
            Unwritable: it is none that is simply there.

        """
        match ir:
            case ["c", value]:
                return self.value(value)
            case ["r", root, keys]:
                return self._path(("r", root), self._root(root), keys)
            case ["v", id_, keys] if id_ in self._turns:
                return self._path(("v", id_), self._turns[id_][0], keys)
            case ["=", _, inner]:
                return self.read(inner)
            case ["f", name, inner, args, {}] if all(one[0] == "c" for one in args):
                return self._filtered(name, inner, [one[1] for one in args])
        raise Unwritable

    def _root(self, root: str) -> str:
        if root not in self._roots:
            raise Unwritable
        return self._roots[root]

    def _path(self, of: tuple[str, Any], base: str, keys: Sequence[Any]) -> str:
        # A number looks into a list, and a list is what `s` is known to be.
        first, rest = (keys[:1], keys[1:]) if of == ("r", "s") else ([], keys)
        if not all(type(one) is int and one >= 0 for one in first) or not all(type(one) is str for one in rest):
            raise Unwritable
        if not keys:
            return base
        where = f"{base}{''.join(f'[{self.value(one)}]' for one in keys)}"

        def write(name: str) -> None:
            with self.under("try:"):
                self.line(f"{name} = {where}")
            with self.under("except Lost:"):
                self.line(f"{name} = look({base}, {self.value(tuple(keys))})")

        return self.kept((of, tuple(keys)), write)

    def _filtered(self, name: str, inner: Any, args: list[Any]) -> str:
        of = self.read(inner)
        if name in ("default", "d"):
            return self._default(of, args)
        if name not in _PLAIN_FILTERS or name not in FILTERS:
            raise Unwritable
        given = "".join(f", {self.value(one)}" for one in args)
        slowly = f"filtered(tongue, {self.value(name)}, {of}, {self.value(tuple(args))}, none)"
        quickly = f"{self.value(FILTERS[name])}(tongue, {of}{given})"

        def write(made: str) -> None:
            short = f"{of}.__class__ is str and len({of}) <= {LONG} or {of}.__class__ is int"
            self.line(f"{made} = {quickly} if {short} else {slowly}")

        return self.kept(("f", name, of, given), write)

    def _default(self, of: str, args: list[Any]) -> str:
        instead, is_wide = (*args, "", False)[:2] if len(args) != 1 else (args[0], False)
        if len(args) > len(("default", "boolean")) or (isinstance(instead, str) and len(instead) > MAX_TEXT):
            raise Unwritable
        known = self.value(instead)
        there = f"{of}.__class__ is not Missing" + (f" and {of}" if is_wide else "")
        return self.kept(
            ("d", of, known, bool(is_wide)), lambda made: self.line(f"{made} = {of} if {there} else {known}")
        )

    def holds(self, ir: Any) -> str:
        """A part of a condition; here as `test`."""
        return self.test(ir)

    def test(self, ir: Any) -> str:
        """A condition as Python has it.

        Raises:
            Unwritable: there is no straight way to ask it.

        """
        match ir:
            case ["!", inner]:
                return f"not ({self.holds(inner)})"
            case ["&" | "|" as name, left, right]:
                return f"(({self.holds(left)}) {'and' if name == '&' else 'or'} ({self.holds(right)}))"
            case ["L", id_, "first"] if id_ in self._turns:
                return f"{self._turns[id_][1]} == 0"
            case ["L", id_, "last"] if id_ in self._turns:
                return f"{self._turns[id_][1]} == {self._turns[id_][2]}"
            case ["t", name, inner, []] if name in _TESTS:
                return _TESTS[name].format(self.read(inner))
            case ["cmp", left, [[name, right]]] if name in _COMPARE:
                return self._compared(left, name, right)
        value = self.read(ir)
        if self._tongue.lenient:
            return f"{value} and {value}.__class__ is not Missing"
        return f"{value} and ({value}.__class__ is not Missing or leave())"

    def _compared(self, left: Any, name: str, right: Any) -> str:
        one, other = self.read(left), self.read(right)
        if name in ("in", "notin") and right[0] != "c":
            if left[0] != "c" or type(left[1]) is not str:
                raise Unwritable
            return f"({one} {_COMPARE[name]} {other} if {other}.__class__ is str else leave())"
        if (right[0] != "c" and left[0] != "c") or (name in ("in", "notin") and type(right[1]) is not list):
            raise Unwritable
        asked = f"{one} {_COMPARE[name]} {other}"
        if self._tongue.lenient:
            return asked
        unknown = other if left[0] == "c" else one
        return f"({asked} if {unknown}.__class__ is not Missing else leave())"
