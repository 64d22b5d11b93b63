"""Compiling: an order becomes a stencil. Runs in the worker; everything in it may be hostile.

A piece that is refused becomes its own error and the next one stands in for it, as the composer and the
renderers do with what fails later: a pack's mistake costs its piece, never the message.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from livery import locales, pictures
from livery.composing import FIELDS, LONG, Plain, line, paragraph
from livery.errors import PackError
from livery.packs.layers import PARENT
from livery.packs.operations import Tongue
from livery.render.email import LAYOUT, compile_mjml
from livery.stencils import cards, content, heads
from livery.stencils.filling import FillError
from livery.stencils.placing import Fork, Words, forked
from livery.stencils.staging import Stager
from livery.stencils.values import Dynamic, Piece, Place, Slots, StagingError, plain, shallow

MAX_STENCIL = 1024 * 1024
Report = Callable[[str], None]
_ROOTS = ("event", "envelope", "year")


class Files:
    """The templates of an order: a path means the nearest pack's file, `parent:` looks past the asking one."""

    def __init__(self, packs: Sequence[Plain], files: Mapping[str, str]) -> None:
        self.packs, self._files = list(packs), files

    def read(self, path: str, asked_by: str) -> tuple[str, str]:
        """(full name, text) of what `asked_by` means by `path`.

        Raises:
            LookupError: no pack has it.

        """
        ids = [one["id"] for one in self.packs]
        if path.startswith(PARENT):
            path = path.removeprefix(PARENT)
            ids = ids[ids.index(asked_by.partition("!")[0]) + 1 :]
        for id_ in ids:
            name = f"{id_}!{path}"
            if name in self._files:
                return name, self._files[name]
        raise LookupError(path)

    def all(self, path: str) -> Iterator[tuple[str, str, str]]:
        """(label of the pack, full name, text) of every pack that has a file, nearest first."""
        for one in self.packs:
            name = f"{one['id']}!{path}"
            if name in self._files:
                yield one["label"], name, self._files[name]

    def texts(self, first: str) -> Iterator[tuple[str, str]]:
        """(full name, text) of every template, `first` before the others."""
        yield first, self._files[first]
        yield from self._files.items()

    def from_each(self) -> Iterator["Files"]:
        """The files as each pack sees them: all, then without the nearest pack, and so on."""
        for at in range(len(self.packs)):
            yield Files(self.packs[at:], self._files)


def tongues(order: Plain) -> tuple[Tongue, Tongue, Tongue]:
    """How texts, conditions and markup of an order, or of the stencil made of it, are evaluated."""
    script, tag, formats = order["script"], order["regional"], order["formats"]
    direction = script["direction"]
    return (
        Tongue(tag, direction, given=formats),
        Tongue(tag, direction, lenient=True, given=formats),
        Tongue(tag, direction, markup=True, given=formats),
    )


def letter(script: Plain) -> Plain:
    """What templates see beside the notification: known when a pack is compiled."""
    start, end = ("left", "right") if script["direction"] == "ltr" else ("right", "left")
    known = {name: script[name] for name in ("brand", "locale", "direction")}
    return {**known, "start": start, "end": end}


def compiled(order: Plain, report: Report = lambda _: None) -> Plain:
    """The stencil of an order, as plain data.

    Args:
        order: as `livery.stencils.orders` makes it.
        report: told which template is being worked on, so that a killed worker's last word names the culprit.

    """
    return _Compiler(order, report).stencil()


@dataclass(frozen=True, slots=True)
class _Partial:
    name: str
    source: str
    data: Plain


class _Compiler:
    def __init__(self, order: Plain, report: Report) -> None:
        self._order, self._script, self._report = order, order["script"], report
        self._files = Files(order["packs"], order["files"])
        self._text, self._condition, self._markup = tongues(order)
        self._ids = count(1)
        self._room = MAX_STENCIL
        self._seen = {
            **{name: Dynamic(["r", name, []]) for name in _ROOTS},
            "brand": self._script["brand"],
            "locale": self._script["locale"],
        }

    def stencil(self) -> Plain:
        script = self._walk(self._script)
        html, notes = self._html(script)
        cards, passed_over = self._cards({version["kind"] for one in script["blocks"] for version in one["versions"]})
        return {
            **{name: self._order[name] for name in ("format", "engine", "regional", "formats", "packs")},
            "script": script,
            "html": html,
            "notes": notes,
            "cards": cards,
            "card_notes": passed_over,
        }

    def _cards(self, kinds: set[str]) -> tuple[Plain, Plain]:
        """For each format the overrides of block kinds that work, by kind; and what was passed over, by format."""
        made: Plain = {format_: {} for format_ in cards.FORMATS}
        wrong: Plain = {format_: [] for format_ in cards.FORMATS}
        known = {name: self._script[name] for name in ("brand", "locale", "direction")}
        for format_, ending in cards.FORMATS.items():
            spoken = cards.tongue(format_, self._text)
            for kind in sorted(kinds):
                for label, name, source in self._files.all(f"blocks/{kind}.{ending}"):
                    self._report(name)
                    try:
                        made[format_][kind] = shallow(cards.compiled(name, source, format_, known, spoken))
                        cards.Card(made[format_][kind], format_, spoken)
                        break
                    except (StagingError, FillError) as error:
                        made[format_].pop(kind, None)
                        wrong[format_].append(_note(f"blocks/{kind}.{ending} of {label}: {error}", error))
        return made, wrong

    # ------------------------------------------------------------------ texts and conditions

    def _walk(self, part: Any) -> Any:
        if isinstance(part, list):
            return [self._walk(one) for one in part]
        if not isinstance(part, dict):
            return part
        made = {name: self._walk(value) for name, value in part.items() if name not in ("said", "when")}
        if "said" in part:
            made["said"] = [self._said(one) for one in part["said"]]
        if "when" in part:
            made["when"] = self._when(part["when"])
        return made

    def _said(self, text: Plain) -> Plain:
        made = {name: value for name, value in text.items() if name != "source"}
        if "absent" in text:
            return made
        name = f"{text['pack']}!{text['file']}"
        self._report(name)
        if "{" not in text["source"]:
            return {**made, "nodes": [text["source"]]}
        try:
            nodes = shallow(plain(Stager(self._text).template(name, text["source"], self._seen)))
            self._room -= len(json.dumps(nodes))
            if self._room < 0:
                raise StagingError(  # noqa: TRY301 - it is told as any other
                    f"texts make more than {MAX_STENCIL // 1024} KiB", Place(name), rule="too-large"
                )
        except StagingError as error:
            return {**made, "error": str(error), "problem": error.plain()}
        return {**made, "nodes": nodes}

    def _when(self, source: str) -> Any:
        if not source:
            return True
        self._report(f"when = {source[:80]!r}")
        try:
            return shallow([Stager(self._condition).condition(source, self._seen)])[0]
        except StagingError as error:
            return {"error": str(error), "problem": {**error.plain(), "source": source}}

    # ------------------------------------------------------------------ HTML

    def _html(self, script: Plain) -> tuple[list[Any] | None, list[Plain]]:
        """The HTML by the nearest pack whose layout works, and what was passed over on the way there."""
        notes: list[Plain] = []
        for files in self._files.from_each():
            found = next(files.all(LAYOUT), None)
            if found is None:
                break
            said: list[Plain] = []
            try:
                nodes = self._page(script, files, found, said)
            except (StagingError, PackError) as error:
                notes += [*said, _note(f"e-mail layout of {files.packs[0]['label']}: {error}", error)]
                continue
            return nodes, [*notes, *said]
        return None, [*notes, _note("no pack of the chain has an e-mail layout that works")]

    def _page(self, script: Plain, files: Files, layout: tuple[str, str, str], notes: list[Plain]) -> list[Any]:
        _, name, source = layout
        partials = self._partials(script, files, notes)
        known = {**letter(script), "notification": _notification(script)}

        def once(decided: dict[str, bool]) -> list[Any]:
            slots = Slots([(holds, self._partial(files, one, decided)) for holds, one in partials])
            self._report(name)
            pieces = self._stager(files, decided).template(name, source, {**known, "blocks": slots})
            words = Words(pieces)
            content.check(words.mjml, files.texts(name))
            mjml = pictures.placed(words.mjml, self._script["pictures"], passes=words.word)
            fonts = self._script["pictures"].get("fonts", {})
            html = compile_mjml(mjml, fonts)
            pictures.check(html, self._script["pictures"], passes=words.word)
            heads.check(words, mjml, html, lambda part: compile_mjml(part, fonts))
            return words.found(html)

        nodes: list[Any] = shallow(forked(once))
        if len(json.dumps(nodes)) > MAX_STENCIL:
            raise StagingError(f"makes a page of more than {MAX_STENCIL // 1024} KiB", Place(name), rule="too-large")
        return nodes

    def _partials(self, script: Plain, files: Files, notes: list[Plain]) -> list[tuple[Any, _Partial]]:
        """For each version of a block: when it is the one, and the nearest partial that works."""
        found: list[tuple[Any, _Partial]] = []
        for slot, block in enumerate(script["blocks"]):
            for number, version in enumerate(block["versions"]):
                holds: Any = ["r", "s", [slot]]
                if len(block["versions"]) > 1:
                    holds = ["cmp", ["r", "s", [slot, "version"]], [["eq", ["c", number]]]]
                found.append((holds, self._working(files, slot, number, version, notes)))
        return found

    def _working(self, files: Files, slot: int, number: int, version: Plain, notes: list[Plain]) -> _Partial:
        path = f"blocks/{version['kind']}.mjml.j2"
        data = {**letter(self._script), "block": _block(slot, version)}
        for label, name, source in files.all(path):
            partial = _Partial(name, source, data)
            try:
                words = Words(self._partial(files, partial, {}), is_part=True)
                content.check(words.mjml, files.texts(name), is_part=True)
            except Fork:
                return partial
            except (StagingError, PackError) as error:
                notes.append({**_note(f"{path} of {label}: {error}", error), "slot": slot, "version": number})
                continue
            return partial
        raise StagingError(f"no pack can show a block of the kind {version['kind']!r}", Place(path))

    def _partial(self, files: Files, one: _Partial, decided: dict[str, bool]) -> list[Piece]:
        self._report(one.name)
        return self._stager(files, decided).template(one.name, one.source, one.data)

    def _stager(self, files: Files, decided: dict[str, bool]) -> Stager:
        return Stager(self._markup, files.read, decided, self._ids)


def _note(text: str, error: Exception | None = None) -> Plain:
    problem: Plain = {}
    if isinstance(error, StagingError):
        problem = error.plain()
    elif isinstance(error, PackError):
        message, _, fix = str(error).partition("; ")
        problem = {"rule": "mjml", "message": message, "fix": fix, "pack": "", "file": error.file, "line": error.line}
    return {"note": locales.one_line(text, 300), "slot": None, "version": None, "problem": problem}


# --------------------------------------------------------------------------- what templates know of the notification


def _notification(script: Plain) -> Plain:
    """The notification as a layout sees it: what cannot depend on an event is already there."""
    seen: Plain = {name: script[name] for name in ("event_type", "locale", "direction", "brand", "pack")}
    for name in FIELDS:
        seen[name] = _known(script["fields"][name], paragraph if name in LONG else line, ["r", "n", [name]])
    if not seen["title"]:
        seen["title"] = script["event_type"]
    if not seen["subject"]:
        seen["subject"] = seen["title"]
    lines = [_known(one, line, None) for one in script["signature"]]
    is_known = all(isinstance(one, str) for one in lines)
    seen["signature"] = [one for one in lines if one] if is_known else Dynamic(["r", "n", ["signature"]])
    seen["blocks"] = Dynamic(["r", "n", ["blocks"]])
    return seen


def _block(slot: int, version: Plain) -> Plain:
    """A block as its partial sees it."""
    seen: Plain = {name: version[name] for name in ("id", "kind", "priority")}
    for name, source in version.items():
        at = ["r", "s", [slot, name]]
        if name in ("heading", "code", "alt"):
            seen[name] = _known(source, line, at)
        elif name == "text":
            seen[name] = _known(source, paragraph, at)
        elif name == "url" or name in ("items", "facts", "actions"):
            seen[name] = Dynamic(at)
        elif name == "width":
            seen[name] = source
    return seen


def _known(source: Plain, shape: Callable[[str], str], ir: Any) -> Any:
    """A piece of text, if no event can change it; else where it will be."""
    if not source["of"]:
        return ""
    first = source["said"][0] if source["said"] else {}
    nodes = first.get("nodes")
    if nodes is not None and all(isinstance(one, str) for one in nodes):
        return shape("".join(nodes))
    return Dynamic(ir if ir is not None else ["u", ""])
