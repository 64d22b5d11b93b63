"""Bodies of another shape than the CloudEvent: a mapping file says what stands where.

A mapping is data. It is parsed once into a tree, and only leaves of the tree are filled, with values that keep their
JSON type: no text of an event is ever read as JSON or as a template.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOTS = ("event", "notification", "brand", "delivery")
_ITEM = "item"
_DEPTH, _NODES, _MADE = 16, 2000, 50_000
_FILE = 64 * 1024
_STEP = r"[A-Za-z0-9_-]+(?:\[\])?"
_PATH = re.compile(rf"{_STEP}(?:\.{_STEP})*")
_CONTENT_TYPE = re.compile(r"(application/([a-z0-9][a-z0-9.+-]*\+)?json|text/(json|plain))(; ?charset=utf-8)?")
_DIRECTIVES = {
    "$from": frozenset({"$from", "$else", "$omit"}),
    "$each": frozenset({"$each", "$as"}),
    "$null": frozenset({"$null"}),
}
SHIPPED = "platform"
_ABSENT = object()


def a_content_type(text: str) -> str:
    """The text, if it is one we send.

    Raises:
        ValueError: says which are.

    """
    if not _CONTENT_TYPE.fullmatch(text):
        raise ValueError("a JSON type, such as application/json, application/vnd.example+json or text/plain")
    return text


@dataclass(frozen=True, slots=True)
class _From:
    path: tuple[str, ...]
    otherwise: Any = None
    omit: bool = False


@dataclass(frozen=True, slots=True)
class _Each:
    path: tuple[str, ...]
    shape: Any


@dataclass(frozen=True, slots=True)
class Body:
    """A mapping, ready to be filled."""

    summary: str
    content_type: str
    _tree: Any

    def fill(self, roots: Mapping[str, Any]) -> Any:
        """The body: plain JSON data.

        Args:
            roots: plain JSON data by the names in `ROOTS`.

        Raises:
            ValueError: it would grow beyond 50,000 values.

        """
        return _Filling(roots).value(self._tree)

    def sources(self) -> Iterator[tuple[str, str]]:
        """(where it stands in the body, what stands there) of every leaf, for documentation."""
        yield from _sources(self._tree, "")


def read(path: Path) -> Body:
    """A mapping file.

    Raises:
        ValueError: it cannot be read, or is none; names every problem with its place in the file.

    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if len(raw) > _FILE:
        raise ValueError(f"{path} has {len(raw):,} bytes; a mapping has at most {_FILE:,}")
    try:
        given = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    reading = _Reading()
    body = reading.body(given)
    if reading.problems:
        raise ValueError(f"{path}: {'; '.join(reading.problems)}")
    return body


def shipped() -> Body:
    """The platform-compatible one."""
    return read(Path(__file__).parent / "mappings" / f"{SHIPPED}.toml")


class _Reading:
    """Checks a parsed file and makes the tree of it. Collects what is wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._nodes = 0

    def body(self, given: dict[str, Any]) -> Body:
        unknown = set(given) - {"format", "summary", "content_type", "body"}
        self.problems += [f"{name}: no such key" for name in sorted(unknown)]
        if given.get("format") != 1:
            self.problems.append("format: expected 1")
        summary = given.get("summary", "")
        content_type = given.get("content_type", "application/json")
        try:
            a_content_type(str(content_type))
        except ValueError as error:
            self.problems.append(f"content_type: expected {error}")
        if not isinstance(given.get("body"), dict):
            self.problems.append("body: expected a table, what is to be posted")
        tree = self._tree(given.get("body"), "body", ROOTS, 0)
        if self._nodes > _NODES:
            self.problems.append(f"{self._nodes:,} values; a mapping has at most {_NODES:,}")
        return Body(str(summary), str(content_type), tree)

    def _tree(self, value: Any, at: str, roots: tuple[str, ...], depth: int) -> Any:
        self._nodes += 1
        if depth > _DEPTH:
            self.problems.append(f"{at}: deeper than {_DEPTH} levels")
            return None
        if isinstance(value, dict):
            return self._table(value, at, roots, depth)
        if isinstance(value, list):
            return [self._tree(one, f"{at}.{number}", roots, depth + 1) for number, one in enumerate(value)]
        if isinstance(value, str | bool | int) or (isinstance(value, float) and value - value == 0):
            return value
        self.problems.append(f"{at}: expected text, a number or a boolean; write dates as text")
        return None

    def _table(self, value: dict[str, Any], at: str, roots: tuple[str, ...], depth: int) -> Any:
        dollars = {key for key in value if key.startswith("$")}
        if not dollars:
            return {key: self._tree(one, f"{at}.{key}", roots, depth + 1) for key, one in value.items()}
        lead = next((name for name in _DIRECTIVES if name in value), None)
        if lead is None or set(value) - _DIRECTIVES[lead]:
            ways = "; ".join(" ".join(sorted(keys, key=lambda key: key != name)) for name, keys in _DIRECTIVES.items())
            self.problems.append(f"{at}: expected one of {ways}, and no keys beside them")
            return None
        return getattr(self, f"_{lead[1:]}")(value, at, roots, depth)

    def _null(self, value: dict[str, Any], at: str, *_: Any) -> None:
        if value["$null"] is not True:
            self.problems.append(f"{at}.$null: expected true")

    def _from(self, value: dict[str, Any], at: str, roots: tuple[str, ...], depth: int) -> _From:
        path = self._path(value["$from"], f"{at}.$from", roots)
        if any(step.endswith("[]") for step in path):
            self.problems.append(f"{at}.$from: [] is for $each")
        if not isinstance(value.get("$omit", False), bool):
            self.problems.append(f"{at}.$omit: expected true or false")
        otherwise = self._tree(value["$else"], f"{at}.$else", (), depth + 1) if "$else" in value else None
        return _From(path, otherwise, bool(value.get("$omit")))

    def _each(self, value: dict[str, Any], at: str, roots: tuple[str, ...], depth: int) -> _Each:
        if "$as" not in value:
            self.problems.append(f"{at}.$as: expected what to make of each item")
        path = self._path(value["$each"], f"{at}.$each", roots)
        return _Each(path, self._tree(value.get("$as", ""), f"{at}.$as", (*ROOTS, _ITEM), depth + 1))

    def _path(self, path: Any, at: str, roots: tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            self.problems.append(f"{at}: expected a path, such as event.data.order.id")
            return ()
        steps = tuple(path.split("."))
        if steps[0] not in roots:
            self.problems.append(f"{at}: {path} begins with none of {', '.join(roots) or 'nothing: a constant is due'}")
        return steps


class _Filling:
    """One filling; counts what it makes, so that lists in lists cannot grow without end."""

    def __init__(self, roots: Mapping[str, Any]) -> None:
        self._roots, self._made = roots, 0

    def value(self, tree: Any) -> Any:
        self._count()
        match tree:
            case dict():
                filled = {key: self.value(one) for key, one in tree.items()}
                return {key: one for key, one in filled.items() if one is not _ABSENT}
            case list():
                return [one for one in map(self.value, tree) if one is not _ABSENT]
            case _From():
                found = next(_at(self._roots, tree.path), None)
                if found is not None:
                    return found
                return _ABSENT if tree.omit else tree.otherwise
            case _Each():
                return [self._item(one, tree.shape) for one in _items(self._roots, tree.path)]
            case _:
                return tree

    def _item(self, item: Any, shape: Any) -> Any:
        outer, self._roots = self._roots, {**self._roots, _ITEM: item}
        try:
            found = self.value(shape)
        finally:
            self._roots = outer
        return None if found is _ABSENT else found

    def _count(self) -> None:
        self._made += 1
        if self._made > _MADE:
            raise ValueError(f"the body would have more than {_MADE:,} values")


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a path; several where a step goes over a list. Nothing where there is nothing."""
    if not path:
        yield value
        return
    step, *rest = path
    name = step.removesuffix("[]")
    inner = value.get(name) if isinstance(value, Mapping) else None
    if step.endswith("[]"):
        for one in inner if isinstance(inner, list) else ():
            yield from _at(one, tuple(rest))
    elif inner is not None:
        yield from _at(inner, tuple(rest))


def _items(roots: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Any]:
    for found in _at(roots, path):
        if isinstance(found, list):
            yield from found
        elif path[-1].endswith("[]"):
            yield found


def _sources(tree: Any, at: str) -> Iterator[tuple[str, str]]:
    match tree:
        case dict():
            for key, one in tree.items():
                yield from _sources(one, f"{at}.{key}" if at else key)
        case list():
            for one in tree:
                yield from _sources(one, f"{at}[]")
        case _From():
            absent = "left out" if tree.omit else "null" if tree.otherwise is None else repr(tree.otherwise)
            yield at, f"{'.'.join(tree.path)}; {absent} if there is none"
        case _Each():
            inner = dict(_sources(tree.shape, f"{at}[]"))
            yield from ((where, f"{said}, for each of {'.'.join(tree.path)}") for where, said in inner.items())
        case None:
            yield at, "null"
        case _:
            yield at, repr(tree)
