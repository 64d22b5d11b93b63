"""Overrides of one kind of block on one channel: `blocks/<kind>.block_kit.json`, `.adaptive_card.json`, `.txt.j2`.

JSON is parsed first; only its texts are templates, so that nothing an event says can change its structure. As in
Adaptive Card Templating, `$when` leaves an object out and `$data` repeats it for each `item` of a list. A card may
hold the elements listed here, which show text as text: none that reads an event's words as Markdown.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from livery.composing import Plain
from livery.locales import shorten
from livery.packs.operations import Tongue
from livery.stencils.fill import Condition, Program
from livery.stencils.filling import FillError
from livery.stencils.staging import Stager
from livery.stencils.values import Dynamic, Place, StagingError, lift, plain

FORMATS = {"block_kit": "block_kit.json", "adaptive_card": "adaptive_card.json", "text": "txt.j2"}
MAX_ITEMS = 100
MAX_DEPTH = 12
_TYPES = {
    "block_kit": frozenset(
        ["section", "context", "header", "divider", "image", "actions", "button", "mrkdwn", "plain_text"]
    ),
    "adaptive_card": frozenset(
        ["RichTextBlock", "TextRun", "Container", "ColumnSet", "Column", "Image", "ActionSet", "Action.OpenUrl"]
    ),
}
_MENTION = re.compile(r"<(?!https?://|mailto:)")
_WRITTEN = re.compile(r"<(?!https?://|mailto:|\{[{%#])")
_URLS = frozenset(["url", "image_url", "backgroundImage", "iconUrl", "thumbnail_url"])
_STAGED = {
    "block": Dynamic(["r", "block", []]),
    "item": Dynamic(["r", "item", []]),
}


def tongue(format_: str, text: Tongue) -> Tongue:
    """How the texts of an override are evaluated, where other texts are evaluated so."""
    return replace(text, card="slack" if format_ == "block_kit" else "plain")


def compiled(name: str, source: str, format_: str, known: Plain, spoken: Tongue) -> Any:
    """An override as plain data.

    Args:
        name: the template's full name.
        source: its text.
        format_: one of `FORMATS`.
        known: what is known without an event: brand, locale, direction.
        spoken: see `tongue`.

    Raises:
        StagingError: it is no JSON, has an element cards may not have, or a template in it is refused.

    """
    seen = {**known, **_STAGED}
    if format_ == "text":
        return plain(Stager(spoken).template(name, source, seen))
    try:
        tree = json.loads(source)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise StagingError(f"is no JSON: {error}", Place(name, line), rule="syntax") from None
    return _Card(name, source, format_, seen, spoken).part(tree, "", 0)


class _Card:
    def __init__(self, name: str, source: str, format_: str, seen: Plain, spoken: Tongue) -> None:
        self._name, self._source, self._format = name, source, format_
        self._seen, self._spoken = seen, spoken
        self._asking = replace(spoken, lenient=True)

    def part(self, tree: Any, key: str, depth: int) -> Any:
        """A piece of the JSON as a node: `lit`, `text`, `list`, `dict`, `when` or `each`."""
        if depth > MAX_DEPTH:
            raise StagingError(f"is nested deeper than {MAX_DEPTH}", Place(self._name), rule="too-large")
        if isinstance(tree, list):
            return ["list", [self.part(one, key, depth + 1) for one in tree]]
        if isinstance(tree, dict):
            return self._object(tree, depth)
        if key == "type" and tree not in _TYPES[self._format]:
            known = ", ".join(sorted(_TYPES[self._format]))
            raise StagingError(f"{tree!r} is not available in cards of packs", self._place(tree), f"there are: {known}")
        if isinstance(tree, str) and self._format == "block_kit" and _WRITTEN.search(tree):
            why, fix = (
                "a < in a card begins a link to the web, and no mention",
                "write <https://…|words>, or &lt; for it",
            )
            raise StagingError(why, self._place(tree), fix, "content")
        if _is_unfit(tree):
            raise StagingError("holds what no message can carry", self._place(key), "take it out", "content")
        if isinstance(tree, str) and "{" in tree and key != "type":
            return ["text", key, plain(self._staged(tree))]
        return ["lit", key, tree]

    def _object(self, tree: Plain, depth: int) -> Any:
        if tree.get("type") == "mrkdwn":
            tree = {**tree, "verbatim": True}
        made: Any = ["dict", [[key, self.part(one, key, depth + 1)] for key, one in tree.items() if key[:1] != "$"]]
        for key, source in tree.items():
            if key[:1] == "$" and (key not in ("$when", "$data") or not isinstance(source, str)):
                raise StagingError(f"{key} is not known here", self._place(key), "$when and $data are, with a text")
        if "$when" in tree:
            made = ["when", self._expression(tree["$when"]), made]
        if "$data" in tree:
            made = ["each", self._expression(tree["$data"]), made]
        return made

    def _expression(self, source: str) -> Any:
        try:
            return lift(Stager(self._asking).expression(source, self._seen))
        except StagingError as error:
            raise StagingError(error.message, self._place(source), error.fix, error.rule) from None

    def _staged(self, source: str) -> list[Any]:
        try:
            return Stager(self._spoken).template(self._name, source, self._seen)
        except StagingError as error:
            raise StagingError(error.message, self._place(source), error.fix, error.rule) from None

    def _place(self, text: Any) -> Place:
        at = self._source.find(json.dumps(text, ensure_ascii=False)[1:-1] if isinstance(text, str) else str(text))
        return Place(self._name, self._source.count("\n", 0, at) + 1 if at >= 0 else 0)


class Card:
    """A compiled override, ready to be filled."""

    def __init__(self, data: Any, format_: str, spoken: Tongue) -> None:
        self._format, self._spoken = format_, spoken
        self._make = Program(data, spoken).fill if format_ == "text" else self._part(data)

    def fill(self, block: Plain, length: int = 3000) -> Any:
        """The block: a text, or a list of elements, in which no text is longer than `length`.

        Raises:
            FillError: a value is missing, or a link is none.

        """
        made = self._make({"block": block, "item": None, "length": length})
        if self._format == "text":
            return made
        return made if isinstance(made, list) else [made]

    def _part(self, node: Any) -> Callable[[Mapping[str, Any]], Any]:
        kind, *parts = node
        match kind:
            case "lit":
                return self._literal(*parts)
            case "text":
                return self._text(*parts)
            case "list":
                return self._list(parts[0])
            case "dict":
                made = [(key, self._part(one)) for key, one in parts[0]]
                return lambda roots: {key: value for key, one in made if (value := one(roots)) is not _OUT}
            case "when":
                holds, inside = Condition(parts[0], self._asking()), self._part(parts[1])
                return lambda roots: inside(roots) if holds.holds(roots) else _OUT
        over, inside = Condition(parts[0], self._asking()), self._part(parts[1])
        return lambda roots: _Many(inside({**roots, "item": one}) for one in over.items(roots)[:MAX_ITEMS])

    def _asking(self) -> Tongue:
        return replace(self._spoken, lenient=True)

    def _list(self, nodes: Sequence[Any]) -> Callable[[Mapping[str, Any]], Any]:
        made = [self._part(one) for one in nodes]

        def fill(roots: Mapping[str, Any]) -> list[Any]:
            return list(_spread(one(roots) for one in made))

        return fill

    @staticmethod
    def _literal(key: str, value: Any) -> Callable[[Mapping[str, Any]], Any]:
        _checked(key, value)
        return lambda _: value

    def _text(self, key: str, nodes: Any) -> Callable[[Mapping[str, Any]], Any]:
        program = Program(nodes, self._spoken)

        def fill(roots: Mapping[str, Any]) -> str:
            text = shorten(program.fill(roots), roots["length"])
            if self._format == "block_kit" and _MENTION.search(text):
                raise FillError("a < in a card begins a link to the web, and no mention")
            _checked(key, text)
            return text

        return fill


def _is_unfit(value: Any) -> bool:
    if isinstance(value, float):
        return not isfinite(value)
    return isinstance(value, str) and any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)


class _Many(list[Any]):
    """What `$data` repeats: it stands in the list around it."""


_OUT = object()


def _spread(parts: Iterator[Any]) -> Iterator[Any]:
    for part in parts:
        if isinstance(part, _Many):
            yield from _spread(iter(part))
        elif part is not _OUT:
            yield part


def _checked(key: str, value: Any) -> None:
    if key in _URLS and not (isinstance(value, str) and value.startswith(("https://", "http://"))):
        raise FillError(f"{key} is no link to the web")
