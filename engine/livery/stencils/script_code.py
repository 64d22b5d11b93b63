"""Notifications composed by Python that was written for the stencil: `livery.composing.Composer` on its usual course.

Each value of the event is read, shaped and printed once for all texts in which it stands; what is always the same was
joined before. Where any text or condition fails, it raises, and the `Composer` says what is to be said instead.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from livery.composing import (
    FIELDS,
    LONG,
    MAX_LINE,
    MAX_TEXT,
    NEEDED,
    SIDES,
    Plain,
    Seen,
    line,
    link,
    paragraph,
    picture,
)
from livery.packs.operations import Tongue
from livery.stencils.code import Reading, Unwritable, leave
from livery.stencils.filling import MAX_OUTPUT, PURSE, Node, purses

Compose = Callable[[Seen], Plain]
"""Gives what a `Composer` does; raises anything at all where it must be asked."""
_ROOTS = {name: name for name in ("event", "envelope", "year")}
_MAX_WAYS = 4096


def written(script: Plain, text: Tongue, lenient: Tongue, packs: Sequence[str]) -> Compose | None:
    """What composes a notification; None if there is no straight way to write it.

    Args:
        script: a prepared script.
        text: how its texts are evaluated.
        lenient: how its conditions are.
        packs: whose texts it has: each has a purse of its own.

    """
    try:
        return ScriptCode(script, text, lenient, packs).function()
    except (Unwritable, RecursionError):
        return None


def _long_line(text: str) -> str:
    if len(text) > MAX_OUTPUT:
        leave()
    return line(text)


def _long_paragraph(text: str) -> str:
    if len(text) > MAX_OUTPUT:
        leave()
    return paragraph(text)


def _is_for(audience: Sequence[str], readers: Any) -> bool:
    return readers is None or all(not set(audience).isdisjoint(one) for one in readers)


class _Traces(dict[int, list[Plain]]):
    """Traces by the way they took: the sum of the numbers of their parts, each twice the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Sequence[Plain]] = []

    def __missing__(self, way: int) -> list[Plain]:
        if len(self) >= _MAX_WAYS:
            self.clear()
        made = self[way] = [row for at, rows in enumerate(self.parts) if way >> at & 1 for row in rows]
        return made


class ScriptCode(Reading):
    """The code of a script."""

    def __init__(self, script: Plain, text: Tongue, lenient: Tongue, packs: Sequence[str]) -> None:
        helpers = {
            "long_line": _long_line, "long_paragraph": _long_paragraph, "words": " ".join, "join": "".join,
            "is_for": _is_for, "link": link, "picture": picture, "pictures": script["pictures"],
            "unique": dict.fromkeys, "traces": (traces := _Traces()),
            "with_purses": lambda seen: {**seen, PURSE: purses(packs)},
        }  # fmt: skip
        super().__init__(text, "seen", _ROOTS, **helpers)
        self._traces, self._has_closure = traces, False
        self._script, self._text_tongue, self._lenient = script, text, lenient
        self._rows: list[Plain] = []
        """What is to be added to the trace next."""
        self._printable: dict[str, str] = {}
        """By the names of texts the condition under which all of one can be printed: its only blanks are spaces."""
        for root in _ROOTS:
            self.line(f"{root} = seen[{self.value(root)}]")
        self.line(f"readers = seen.get({self.value(SIDES)})")
        self.line(f"way = {self.value(0)}")
        self.line("blocks = []")
        self.line("signature = []")
        self.line(f"degraded = [*{self.value(tuple(script['notes']))}]")
        fields = {name: self._shaped(script["fields"][name], paragraph if name in LONG else line) for name in FIELDS}
        for at, block in enumerate(script["blocks"]):
            self._block(at, block)
        for part in script["signature"]:
            said = self._shaped(part, line)
            self._settle()
            with self.under(f"if {said}:"):
                self.line(f"signature.append({said})")
        self._settle()
        title = self.fresh()
        self.line(f"{title} = {fields['title']} or {self.value(script['event_type'])}")
        known = {name: self.value(script[name]) for name in ("event_type", "locale", "direction", "brand", "pack")}
        made = {
            **known, **fields, "title": title, "subject": f"{fields['subject']} or {title}", "blocks": "blocks",
            "signature": "signature", "trace": "traces[way]", "degraded": "[*unique(degraded)]",
        }  # fmt: skip
        self.line(f"return {self._table(made)}")
        if self._has_closure:
            self._lines.insert(0, "  seen = with_purses(seen)")

    def _closure(self, of: Callable[[Seen], Any]) -> str:
        """What computes what cannot be written straight; it pays for it."""
        self._has_closure = True
        return f"{self.value(of)}(seen)"

    def _table(self, parts: Mapping[str, str]) -> str:
        """The name of a table; what of it is always the same is copied, in a third of the time."""
        table, made = {name: self._values.get(one) for name, one in parts.items()}, self.fresh()
        self.line(f"{made} = {self.value(table.copy)}()")
        for name, one in parts.items():
            if one not in self._values:
                self.line(f"{made}[{self.value(name)}] = {one}")
        return made

    def _settle(self) -> None:
        if self._rows:
            self.line(f"way += {self.value(1 << len(self._traces.parts))}")
            self._traces.parts.append(self._rows)
            self._rows = []

    @contextmanager
    def _shown(self, *conditions: str) -> Iterator[None]:
        """What is there if all of these hold."""
        self._settle()
        if not any(conditions):
            yield
            self._settle()
            return
        with self.under(f"if {' and '.join(f'({one})' for one in conditions if one)}:"):
            yield
            self._settle()

    # ------------------------------------------------------------------ blocks

    def _block(self, at: int, block: Plain) -> None:
        version = block["versions"][0]
        audience = version["audience"]
        if version["when"] is False:
            return
        is_for = f"is_for({self.value(tuple(audience))}, readers)" if audience else ""
        with self._shown(is_for, self._condition(version)):
            fields = self._fields(version)
            needed = NEEDED.get(version["kind"])
            with self._shown("" if needed is None else fields[needed]):
                self._rows.append(version["row"])
                known = {name: self.value(version[name]) for name in ("id", "kind", "priority")}
                made = {**known, **fields, "slot": self.value(at), "version": self.value(0)}
                self.line(f"blocks.append({self._table(made)})")

    def _condition(self, part: Plain) -> str:
        """Whether a part is there, as Python asks; empty if it always is."""
        if part["holds"] is None:
            return ""
        if isinstance(part["when"], dict):
            raise Unwritable
        self._tongue = self._lenient
        try:
            return self.test(part["when"])
        except Unwritable:
            return self._closure(part["holds"])
        finally:
            self._tongue = self._text_tongue

    def _filtered(self, name: str, inner: Any, args: list[Any]) -> str:
        if self._tongue.lenient and name not in ("default", "d"):
            raise Unwritable
        return super()._filtered(name, inner, args)

    def _fields(self, block: Plain) -> dict[str, str]:
        match block["kind"]:
            case "text":
                return self._texts(block, heading=line, text=paragraph)
            case "error":
                return self._texts(block, heading=line, text=paragraph, code=line)
            case "list":
                heading = self._shaped(block["heading"], line)
                items = [self._shaped(item, paragraph) for item in block["items"]]
                return {"heading": heading, "items": f"[{', '.join(items)}]"}
            case "facts":
                facts = self._each(block["facts"], self._fact)
                return {"heading": self._shaped(block["heading"], line), "facts": facts}
            case "actions":
                return {"actions": self._each(block["actions"], self._action)}
            case "image":
                url = self.fresh()
                self.line(f"{url} = picture({self._written(block['url'])}, pictures)")
                return {"url": url, "alt": self._shaped(block["alt"], line), "width": self.value(block["width"])}
            case _:
                return {}

    def _texts(self, block: Plain, **shapes: Callable[[str], str]) -> dict[str, str]:
        return {name: self._shaped(block[name], shape) for name, shape in shapes.items()}

    def _each(self, parts: Sequence[Plain], write: Callable[[Plain, str], None]) -> str:
        """The name of a list of those parts that are there."""
        into = self.fresh()
        self.line(f"{into} = []")
        for part in parts:
            if part["when"] is False:
                continue
            with self._shown(self._condition(part)):
                write(part, into)
        return into

    def _fact(self, part: Plain, into: str) -> None:
        label, value = self._shaped(part["label"], line), self._shaped(part["value"], line)
        made = {"label": label, "value": value, "mono": self.value(part["mono"])}
        self.line(f"{into}.append({self._table(made)})")

    def _action(self, part: Plain, into: str) -> None:
        label, url = self._shaped(part["label"], line), self.fresh()
        self.line(f"{url} = link({self._written(part['url'])})")
        made = {"label": label, "url": url, "primary": self.value(part["primary"])}
        self._settle()
        with self.under(f"if {url}:"):
            self.line(f"{into}.append({self._table(made)})")

    # ------------------------------------------------------------------ texts

    def _shaped(self, source: Plain, shape: Callable[[str], str]) -> str:
        if source["fixed"] is not None:
            if source["said"]:
                self._told(source["said"][0])
            return self.value(source["fixed"][shape])
        text = self._written(source)
        made = self._line(text) if shape is line else self._paragraph(text)
        return self.kept((shape, text), lambda name: self.line(f"{name} = {made}"))

    def _line(self, text: str) -> str:
        made = f"words({text}.split())"
        if printable := self._printable.get(text):
            is_tidy = f"{printable} and {self.value('  ')} not in {text} and {text}.strip() is {text}"
            made = f"({text} if {is_tidy} else {made})"
        return f"{made} if len({text}) <= {MAX_LINE} else long_line({text})"

    def _paragraph(self, text: str) -> str:
        return f"{text}.strip() if len({text}) <= {MAX_TEXT} else long_paragraph({text})"

    def _written(self, source: Plain) -> str:
        """The name of the best text. Which are there in no language is known before an event is."""
        if not source["of"] or not source["said"]:
            return self.value("")
        missing = []
        for text in source["said"]:
            if "absent" in text:
                missing.append(f"{source['piece']}: no text for {text['absent']!r} in any language")
                continue
            written = self._text(text)
            if missing:
                self.line(f"degraded += {self.value(tuple(missing))}")
            self._told(text)
            return written
        raise Unwritable

    def _told(self, text: Plain) -> None:
        if text["row"] is not None:
            self._rows.append(text["row"])

    def _text(self, text: Plain) -> str:
        if "error" in text:
            raise Unwritable
        fill = text["fill"]
        if isinstance(fill, str):
            return self.value(fill)
        try:
            parts = [self._part(node) for node in text["nodes"]]
        except Unwritable:
            return self.kept(("fill", id(fill)), lambda name: self.line(f"{name} = {self._closure(fill)}"))
        if len(parts) == 1:
            return parts[0]
        name = self.kept(("text", *parts), lambda name: self.line(f"{name} = join(({', '.join(parts)},))"))
        if None not in (conditions := [self._printable.get(one) for one in parts]):
            self._printable[name] = " and ".join(filter(None, conditions))
        return name

    def _part(self, node: Node) -> str:
        if isinstance(node, str):
            name = self.value(node)
            if node.isprintable():
                self._printable[name] = ""
            return name
        if node[0] != "o":
            raise Unwritable
        return self._printed(self.read(node[1]))

    def _printed(self, value: str) -> str:
        def write(name: str) -> None:
            if self._tongue.direction == "rtl":
                self.line(f"{name} = printed(tongue, {value})")
                return
            is_plain = self._printable[name] = self.fresh()
            self.line(f"{is_plain} = {value}.__class__ is str and {value}.isascii() and {value}.isprintable()")
            self.line(f"{name} = {value} if {is_plain} else printed(tongue, {value})")

        return self.kept(("p", value), write)
