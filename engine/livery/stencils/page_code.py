"""The HTML of e-mails, filled by Python that was written for the stencil: `livery.stencils.fill` without closures."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from livery.composing import LINES, PARAGRAPHS
from livery.packs.operations import Tongue, escaped, items, truth
from livery.stencils.code import Reading, Unwritable, leave
from livery.stencils.fill import LONG, Builder, at_length, attribute, is_link
from livery.stencils.filling import Filling, Node, write_text
from livery.stencils.loops import OPEN

try:  # It looks for all that must be escaped at once; but it is not among what markupsafe promises to keep.
    from markupsafe import _escape_inner as _escaped  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - another version
    _escaped = escaped

_SHORT = 200
MAX_TURNS = 64
"""Of a loop; a longer one is left to the closures, which count what it costs."""
Fill = Callable[[Filling], list[str]]
"""Gives the pieces of a page; raises anything at all where the closures must do it."""


def written(nodes: Sequence[Node], tongue: Tongue, roots: Sequence[str] = ("n", "s")) -> Fill | None:
    """What fills a page; None if there is no straight way to write it.

    Args:
        nodes: see `livery.stencils.fill`.
        tongue: of markup.
        roots: what it may read: of a page the notification and its slots, which are a list.

    """
    try:
        return PageCode(nodes, tongue, roots).function()
    except (Unwritable, RecursionError):
        return None


def _attribute(value: Any) -> str:
    if type(value) is not str or len(value) > LONG:
        leave()
    return attribute(_escaped(value))


def _link(value: Any) -> str:
    if type(value) is not str or len(value) > LONG:
        leave()
    return attribute(_escaped(value)) if is_link(value) else "#"


def _oddly(tongue: Tongue, filling: Filling, value: Any) -> str:
    text = at_length(tongue, filling, value)
    if text.isspace():
        leave()  # blanks may or may not be written, by what comes next
    return text


class PageCode(Reading):
    """The code of a page."""

    def __init__(self, nodes: Sequence[Node], tongue: Tongue, roots: Sequence[str] = ("n", "s")) -> None:
        helpers = {
            "escaped": _escaped, "attribute": _attribute, "link": _link, "oddly": _oddly, "at_length": at_length,
            "truth": truth, "items": items, "write_text": write_text,
        }  # fmt: skip
        super().__init__(tongue, "filling", {root: f"root{at}" for at, root in enumerate(roots)}, **helpers)
        self._builder = Builder(tongue)
        self._has_closure = False
        self._parts: set[int] = set()
        """Loops around that go through the facts or actions of a block."""
        self._run: list[_Same | _Either | str] = []
        """What is to be written next; a text is the name of a value."""
        self.line("out = filling.out")
        for root, name in self._roots.items():
            self.line(f"{name} = filling.roots[{self.value(root)}]")
        self._nodes(nodes, None)
        self._flush()
        self.line("return out")

    def _flush(self) -> None:
        merged: list[_Same | _Either | str] = []
        for part in self._run:
            last = merged[-1] if merged else ""
            both = None if isinstance(part, str) or isinstance(last, str) else last.and_(part)
            merged[-1:] = [both] if both is not None else [*merged[-1:], part]
        names = [one if isinstance(one, str) else one.written(self) for one in merged]
        if len(names) == 1:
            self.line(f"out.append({names[0]})")
        elif names:
            self.line(f"out += ({', '.join(names)})")
        self._run = []

    def _nodes(self, nodes: Sequence[Node], blank: Any) -> Any:
        """Write nodes after these blanks (see `Filling.blank`; `OPEN`: those in `blank`), and give those after them."""
        for node, after in zip(nodes, [*nodes, ""][1:], strict=True):
            if isinstance(node, str):
                blank = self._text(node, blank)
                continue
            match node[0]:
                case "o":
                    blank = self._print(node[1], blank, is_quiet=after[0:1] == ["h"] and not after[1])
                case "a" | "u" as kind:
                    self._run.append(self._in_attribute(kind, node[1]))
                case "h":
                    blank = self._html(node[1:], blank)
                case "i":
                    blank = self._if(node[1:], blank)
                case _:
                    blank = self._loop(node[1:], blank)
        return blank

    def _text(self, text: str, blank: Any) -> Any:
        if blank is not OPEN:
            out: list[str] = []
            blank = write_text(out, blank, text)
            self._run += [_Same(one) for one in out if one]
            return blank
        self._flush()
        known = self.value(text)
        if text and not text.isspace():
            self.line(f"out.append(blank + {known} if blank else {known})")
            return None
        with self.under("if blank is None:"):
            self.line(f"out.append({known})")
        with self.under("else:"):
            self.line(f"blank = write_text(out, blank, {known})")
        return OPEN

    def _html(self, parts: Sequence[Any], blank: Any) -> Any:
        lead, tags, tail, is_open = parts
        if lead or blank is not OPEN:
            blank = self._text(lead, blank)
        if blank is OPEN:
            self._flush()
            with self.under(f"if blank and blank[0] != {self.value(chr(10))}:"):
                self.line("out.append(blank)")
        elif blank and blank[0] != "\n":
            self._run.append(_Same(blank))
        self._run.append(_Same(tags + ("" if tail.isspace() else tail)))
        return _after_html(tail, is_open=is_open)

    def _print(self, ir: Any, blank: Any, *, is_quiet: bool) -> Any:
        text = self._printed(ir)
        if blank is None or (blank == "" and is_quiet):
            self._run.append(text)
            return None
        self._flush()
        if blank == "":
            with self.under(f"if {text}:"):
                self.line(f"out.append({text})")
                self.line("blank = None")
            with self.under("else:"):
                self.line(f"blank = {self.value('')}")
        else:
            self.line(f"blank = write_text(out, {'blank' if blank is OPEN else self.value(blank)}, {text})")
        return OPEN

    def _composed(self, ir: Any) -> str:
        """The name of a field, where composing has made it a line or a paragraph; else empty."""
        match ir:
            case ["r", "n", [name]] | ["r", "s", [int(), name]]:
                return name if name in LINES or name in PARAGRAPHS else ""
            case ["v", id_, [name]] if id_ in self._parts:
                return name if name in LINES else ""
        return ""

    def _printed(self, ir: Any) -> str:
        has_lines = ir[0] == "f" and ir[1] == "lines" and not ir[3] and not ir[4]
        of = ir[2] if has_lines else ir
        value, composed = self._value(of), self._composed(of)
        slowly = f"filtered(tongue, {self.value('lines')}, {value}, (), none)" if has_lines else value
        short = [] if composed else [f"{value}.__class__ is str"]
        if composed not in LINES:
            short.append(f"len({value}) <= {LONG}")
        if has_lines:
            short.append(f"{value}.splitlines() == [{value}]")
        if not composed:
            short.append(f"not {value}.isspace()")
        line = f"escaped({value})"
        if short:
            line = f"{line} if {' and '.join(short)} else oddly(tongue, filling, {slowly})"
        return self.kept(("o", value, slowly), lambda name: self.line(f"{name} = {line}"))

    def _value(self, ir: Any) -> str:
        try:
            return self.read(ir)
        except Unwritable:
            closure = self._closure(ir)
            return self.kept(("closure", closure), lambda name: self.line(f"{name} = {closure}(filling)"))

    def _closure(self, ir: Any) -> str:
        """What computes what cannot be written straight; it is told of the loop it stands in."""
        self._has_closure = True
        return self.value(self._builder.expression(ir))

    def holds(self, ir: Any) -> str:
        """A condition, or a part of one."""
        try:
            return self.test(ir)
        except Unwritable:
            return f"truth(tongue, {self._closure(ir)}(filling))"

    def _in_attribute(self, kind: str, ir: Any) -> str:
        value, made = self._value(ir), "link" if kind == "u" else "attribute"
        return self.kept((made, value), lambda name: self.line(f"{name} = {made}({value})"))

    def _if(self, parts: Sequence[Any], blank: Any) -> Any:
        condition, yes, no = parts
        holds = self.holds(condition)
        after = _after([["i", *parts]], blank)
        one, other = _same(yes, blank, after), _same(no, blank, after)
        if one is not None and other is not None:
            asked = self.kept(("is", holds), lambda name: self.line(f"{name} = {holds}"))
            self._run.append(_Either(asked, one, other))
            return after
        self._flush()
        with self.under(f"if {holds}:"):
            self._branch(yes, blank, after)
        if no or (after is OPEN and blank is not OPEN):
            with self.under("else:"):
                self._branch(no, blank, after)
        return after

    def _branch(self, nodes: Sequence[Node], blank: Any, after: Any) -> None:
        mine = self._nodes(nodes, blank)
        self._flush()
        if after is OPEN and mine is not OPEN:
            self.line(f"blank = {self._known(mine)}")
        elif after is not OPEN and mine != after:
            raise Unwritable

    def _known(self, blank: str | None) -> str:
        return "None" if blank is None else self.value(blank)

    def _loop(self, parts: Sequence[Any], blank: Any) -> Any:
        id_, over, only, body, empty = parts
        if only is not None or self._turns:
            raise Unwritable
        self._flush()
        found, at, item, last = (self.fresh() for _ in range(4))
        value = self._value(over)
        self.line(f"{found} = {value} if {value}.__class__ is list else items(tongue, {value})")
        self.line(f"{last} = len({found}) - 1")
        self.line(f"filling.room -= len({found}) * {_length(body)}")
        with self.under(f"if {last} >= {MAX_TURNS} or filling.room < 0:"):
            self.line("leave()")
        after = _after([["l", *parts]], blank)
        inside = blank if _after(body, blank) == blank else OPEN
        if blank is not OPEN and (inside is OPEN or after is OPEN):
            self.line(f"blank = {self._known(blank)}")
        self._turns[id_], self._has_closure = (item, at, last), False
        match over:
            case ["r", "s", [int(), "facts" | "actions"]]:
                self._parts.add(id_)
        with self.under(f"for {at}, {item} in enumerate({found}):"):
            begin = len(self._lines)
            self._branch(body, inside, OPEN if inside is OPEN else after if after is not OPEN else inside)
            if self._has_closure:
                self.line("filling.turn += 1")
                self.line(f"filling.loops[{self.value(id_)}] = ({item}, {at}, {last} + 1)")
                self._lines[begin:begin], self._lines[-2:] = self._lines[-2:], []
        del self._turns[id_]
        if empty:
            with self.under(f"if not {found}:"):
                self._branch(empty, blank, after)
        return after


class _Same(NamedTuple):
    """A text that is always the same."""

    text: str

    def and_(self, other: "_Same | _Either") -> "_Same | _Either | None":
        """Both as one piece, if they can be."""
        if isinstance(other, _Same):
            return _Same(self.text + other.text)
        return _Either(other.holds, self.text + other.yes, self.text + other.no)

    def written(self, code: PageCode) -> str:
        return code.value(self.text)


class _Either(NamedTuple):
    """One of two texts, by what a name holds."""

    holds: str
    yes: str
    no: str

    def and_(self, other: "_Same | _Either") -> "_Either | None":
        if isinstance(other, _Same):
            return _Either(self.holds, self.yes + other.text, self.no + other.text)
        return None if self.holds != other.holds else _Either(self.holds, self.yes + other.yes, self.no + other.no)

    def written(self, code: PageCode) -> str:
        return f"({code.value(self.yes)} if {self.holds} else {code.value(self.no)})"


def _same(nodes: Sequence[Node], blank: Any, after: Any) -> str | None:
    """What nodes write after these blanks, if that is always the same, and short enough to be written twice."""
    out: list[str] = []
    if blank is OPEN or not all(isinstance(node, str) for node in nodes):
        return None
    for node in nodes:
        blank = write_text(out, blank, str(node))
    return "".join(out) if blank == after and sum(map(len, out)) <= _SHORT else None


def _after_html(tail: str, *, is_open: bool) -> str | None:
    return tail if tail and tail.isspace() else None if tail or is_open else ""


def _after(nodes: Sequence[Node], blank: Any) -> Any:
    """The blanks after nodes, where they are known before an event is there; else `OPEN`."""
    for node in nodes:
        if isinstance(node, str):
            if blank is not OPEN:
                blank = write_text([], blank, node)
            elif node and not node.isspace():
                blank = None
            continue
        match node:
            case ["o", _] if blank is not None:
                blank = OPEN
            case ["h", _, _, tail, is_open]:
                blank = _after_html(tail, is_open=is_open)
            case ["i", _, yes, no]:
                first, second = _after(yes, blank), _after(no, blank)
                blank = first if first == second else OPEN
            case ["l", _, _, _, body, empty]:
                same = _after(body, blank) == blank and _after(empty, blank) == blank
                blank = blank if same else OPEN
    return blank


def _length(nodes: Sequence[Node]) -> int:
    """The characters of a body that are always the same."""
    return sum(
        len(node) if isinstance(node, str) else sum(_texts(part) for part in node[1:] if isinstance(part, str | list))
        for node in nodes
    )


def _texts(part: Any) -> int:
    if isinstance(part, str):
        return len(part)
    return sum(map(_texts, part)) if isinstance(part, list) else 0
