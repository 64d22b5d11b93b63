"""From what a message says of itself back to the pack: which piece, in which file and line."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from livery.composing import Plain
from livery.errors import PackError
from livery.packs.chain import PackChain
from livery.packs.findings import Finding, Severity
from livery.packs.pack import Pack
from livery.packs.toml import NOWHERE, Place
from livery.packtools.markup import left_open
from livery.packtools.sources import Source
from livery.stencils.cards import FORMATS

_KIND = re.compile(r"^\w+(?:Error|Limit|Refused): ")

_QUOTED = re.compile(r"(<[a-z][\w-]*)>|'([^']{6,300})'")
_OPEN = "is not closed"
_FOLDERS = ("layouts/", "blocks/", "parts/")


class Spot(NamedTuple):
    """A piece of a pack: the key of a text, a field or block of a notification; no part: the whole file."""

    pack: str = ""
    file: str = ""
    part: str = ""
    locale: str = ""


class Spots:
    """Where the pieces of one order stand.

    Args:
        packs: the chain the order was made from.
        order: as `livery.stencils.orders` makes it.

    """

    def __init__(self, packs: PackChain, order: Plain) -> None:
        self._packs = {pack.id: pack for pack in packs.packs}
        self._order = order
        self._prefixes = dict(_prefixes(order["script"]))
        labels = {one["id"]: one["label"] for one in order["packs"]}
        for name in order["files"]:
            pack, _, file = name.partition("!")
            self._prefixes[f"{file} of {labels[pack]}: "] = Spot(pack, file)
            if file.startswith("layouts/"):
                self._prefixes[f"e-mail layout of {labels[pack]}: "] = Spot(pack, file)
        self._prefixes |= dict(_cards(order))

    def of(self, note: str) -> tuple[Spot, str]:
        """The piece a note is about, and what it says of it."""
        found = max((one for one in self._prefixes if note.startswith(one)), key=len, default="")
        rest = _KIND.sub("", note.removeprefix(found))
        return self._prefixes.get(found, Spot()), rest

    def of_problem(self, problem: Plain) -> Spot:
        """The piece a problem of compiling is about."""
        if problem["pack"] and problem["file"]:
            return Spot(problem["pack"], problem["file"], problem.get("piece", ""), problem.get("locale", ""))
        if note := problem.get("note", ""):
            return self.of(note)[0]
        return Spot(part=problem.get("source", ""))

    def finding(
        self, spot: Spot, severity: Severity, rule: str, message: str, fix: str = "", *, line: int = 0
    ) -> Finding:
        """A finding about a piece; `line` is that within the piece."""
        where, place = self._place(spot, line)
        if place == NOWHERE and spot.file.startswith(_FOLDERS):
            where, place = self._quoted(where, message)
        elif not place.column and rule == "content":
            place = Place(place.line, self._column(where, place.line, message))
        return Finding(
            severity=severity, rule=rule, message=message, fix=fix, pack=where.pack, file=where.file, line=place.line,
            column=place.column,
        )  # fmt: skip

    def _place(self, spot: Spot, line: int) -> tuple[Spot, Place]:
        pack = self._packs.get(spot.pack)
        if pack is None or not spot.part or not spot.file.endswith(".toml"):
            return spot, Place(line, 0) if line else NOWHERE
        try:
            if spot.file.startswith("strings/"):
                file, place = pack.string_place(spot.locale, spot.part, max(line, 1))
                return spot._replace(file=file), place
            return spot, _in_notification(pack, spot)
        except (PackError, LookupError):
            return spot, NOWHERE

    def _column(self, spot: Spot, line: int, message: str) -> int:
        """Where on its line stands what a message quotes first; 0 if it cannot be told."""
        found = _QUOTED.search(message)
        words = (found[1] or found[2]) if found else ""
        rows = self._order["files"].get(f"{spot.pack}!{spot.file}", "").split("\n")
        return rows[line - 1].find(words) + 1 if words and 0 < line <= len(rows) else 0

    def _quoted(self, spot: Spot, message: str) -> tuple[Spot, Place]:
        """Where what a message quotes stands: in this template, or in one it is put together of."""
        found = _QUOTED.search(message)
        words = (found[1] or found[2]) if found else ""
        names = [f"{spot.pack}!{spot.file}", *self._order["files"]] if words else []
        for name in names:
            text = self._order["files"].get(name, "")
            at = left_open(text, words) if _OPEN in message else text.find(words)
            if at >= 0:
                pack, _, file = name.partition("!")
                return Spot(pack, file), Place(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        return spot, NOWHERE


def _prefixes(part: Any) -> Iterator[tuple[str, Spot]]:
    """How what can be said of each piece of a script begins."""
    if isinstance(part, list):
        for one in part:
            yield from _prefixes(one)
        return
    if not isinstance(part, dict):
        return
    for text in part.get("said", ()):
        spot = Spot(text["pack"], text["file"], text["piece"], text["locale"])
        if text["locale"]:
            yield f"{text['piece']} of {text['label']} ({text['locale']}): ", spot
        else:
            yield f"{part['of']}: ", spot
    if "said" in part and part["of"]:
        yield f"{part['piece']}: no text for {part['of']!r}", Spot(part=part["of"])
    if "kind" in part and "id" in part:
        yield f"block {part['id']} of {part['pack']}: ", Spot(part["pack"], part["file"], part["id"])
    for one in part.values():
        yield from _prefixes(one)


def _cards(order: Plain) -> Iterator[tuple[str, Spot]]:
    """How what can be said of a block on one channel begins; the nearest pack's file is the last to be yielded."""
    for block in order["script"]["blocks"]:
        for format_, ending in FORMATS.items():
            for name in reversed(order["files"]):
                pack, _, file = name.partition("!")
                if file in {f"blocks/{version['kind']}.{ending}" for version in block["versions"]}:
                    yield f"block {block['id']} as {format_}: ", Spot(pack, file)


def _in_notification(pack: Pack, spot: Spot) -> Place:
    overlay = pack.notification(spot.file.removeprefix("notifications/").removesuffix(".toml"))
    ids = [block.id for block in overlay.blocks] if overlay is not None else []
    return pack.place(spot.file, ("blocks", ids.index(spot.part)) if spot.part in ids else (spot.part,))


def condition(sources: list[Source], text: str) -> Source | None:
    """The condition that says this."""
    return next((one for one in sources if one.mode == "condition" and one.text == text), None)
