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
from livery.stencils.filling import MAX_OUTPUT, Node

Compose = Callable[[Seen], Plain]
"""Gives what a `Composer` does; raises anything at all where it must be asked."""
_ROOTS = {name: name for name in ("event", "envelope", "year")}
_LINE = f"words({{0}}.split()) if len({{0}}) <= {MAX_LINE} else long_line({{0}})"
_PARAGRAPH = f"{{0}}.strip() if len({{0}}) <= {MAX_TEXT} else long_paragraph({{0}})"


def written(script: Plain, text: Tongue, lenient: Tongue) -> Compose | None:
    """What composes a notification; None if there is no straight way to write it.

    Args:
        script: a prepared script.
        text: how its texts are evaluated.
        lenient: how its conditions are.

    """
    try:
        return ScriptCode(script, text, lenient).function()
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


class ScriptCode(Reading):
    """The code of a script."""

    def __init__(self, script: Plain, text: Tongue, lenient: Tongue) -> None:
        helpers = {
            "long_line": _long_line, "long_paragraph": _long_paragraph, "words": " ".join, "join": "".join,
            "is_for": _is_for, "link": link, "picture": picture, "pictures": script["pictures"],
            "unique": dict.fromkeys,
        }  # fmt: skip
        super().__init__(text, "seen", _ROOTS, **helpers)
        self._script, self._text_tongue, self._lenient = script, text, lenient
        self._rows: list[Plain] = []
        """What is to be added to the trace next."""
        for root in _ROOTS:
            self.line(f"{root} = seen[{self.value(root)}]")
        self.line(f"readers = seen.get({self.value(SIDES)})")
        self.line("trace = []")
        self.line("blocks = []")
        self.line("signature = []")
        self.line(f"degraded = [*{self.value(tuple(script['notes']))}]")
        fields = {name: self._shaped(script["fields"][name], _PARAGRAPH if name in LONG else _LINE) for name in FIELDS}
        for at, block in enumerate(script["blocks"]):
            self._block(at, block)
        for part in script["signature"]:
            said = self._shaped(part, _LINE)
            self._settle()
            with self.under(f"if {said}:"):
                self.line(f"signature.append({said})")
        self._settle()
        title = self.fresh()
        self.line(f"{title} = {fields['title']} or {self.value(script['event_type'])}")
        known = {name: self.value(script[name]) for name in ("event_type", "locale", "direction", "brand", "pack")}
        made = {
            **known, **fields, "title": title, "subject": f"{fields['subject']} or {title}", "blocks": "blocks",
            "signature": "signature", "trace": "trace", "degraded": "[*unique(degraded)]",
        }  # fmt: skip
        self.line(f"return {self._table(made)}")

    def _table(self, parts: Mapping[str, str]) -> str:
        return "{" + ", ".join(f"{self.value(name)}: {one}" for name, one in parts.items()) + "}"

    def _settle(self) -> None:
        if self._rows:
            self.line(f"trace += {self.value(tuple(self._rows))}")
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
            return f"{self.value(part['holds'])}(seen)"
        finally:
            self._tongue = self._text_tongue

    def _filtered(self, name: str, inner: Any, args: list[Any]) -> str:
        if self._tongue.lenient and name not in ("default", "d"):
            raise Unwritable
        return super()._filtered(name, inner, args)

    def _fields(self, block: Plain) -> dict[str, str]:
        match block["kind"]:
            case "text":
                return self._texts(block, heading=_LINE, text=_PARAGRAPH)
            case "error":
                return self._texts(block, heading=_LINE, text=_PARAGRAPH, code=_LINE)
            case "list":
                heading = self._shaped(block["heading"], _LINE)
                items = [self._shaped(item, _PARAGRAPH) for item in block["items"]]
                return {"heading": heading, "items": f"[{', '.join(items)}]"}
            case "facts":
                facts = self._each(block["facts"], self._fact)
                return {"heading": self._shaped(block["heading"], _LINE), "facts": facts}
            case "actions":
                return {"actions": self._each(block["actions"], self._action)}
            case "image":
                url = self.fresh()
                self.line(f"{url} = picture({self._written(block['url'])}, pictures)")
                return {"url": url, "alt": self._shaped(block["alt"], _LINE), "width": self.value(block["width"])}
            case _:
                return {}

    def _texts(self, block: Plain, **shapes: str) -> dict[str, str]:
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
        label, value = self._shaped(part["label"], _LINE), self._shaped(part["value"], _LINE)
        made = {"label": label, "value": value, "mono": self.value(part["mono"])}
        self.line(f"{into}.append({self._table(made)})")

    def _action(self, part: Plain, into: str) -> None:
        label, url = self._shaped(part["label"], _LINE), self.fresh()
        self.line(f"{url} = link({self._written(part['url'])})")
        made = {"label": label, "url": url, "primary": self.value(part["primary"])}
        self._settle()
        with self.under(f"if {url}:"):
            self.line(f"{into}.append({self._table(made)})")

    # ------------------------------------------------------------------ texts

    def _shaped(self, source: Plain, shape: str) -> str:
        if source["fixed"] is not None:
            if source["said"]:
                self._told(source["said"][0])
            return self.value(source["fixed"][line if shape is _LINE else paragraph])
        text = self._written(source)
        return self.kept((shape, text), lambda name: self.line(f"{name} = {shape.format(text)}"))

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
            return self.kept(("fill", id(fill)), lambda name: self.line(f"{name} = {self.value(fill)}(seen)"))
        if len(parts) == 1:
            return parts[0]
        return self.kept(("text", *parts), lambda name: self.line(f"{name} = join(({', '.join(parts)},))"))

    def _part(self, node: Node) -> str:
        if isinstance(node, str):
            return self.value(node)
        if node[0] != "o":
            raise Unwritable
        value = self.read(node[1])
        if self._tongue.direction == "rtl":
            written = f"printed(tongue, {value})"
        else:
            is_plain = f"{value}.__class__ is str and {value}.isascii() and {value}.isprintable()"
            written = f"{value} if {is_plain} else printed(tongue, {value})"
        return self.kept(("p", value), lambda name: self.line(f"{name} = {written}"))
