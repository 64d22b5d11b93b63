"""Filling: an event's values into the holes of a compiled template.

A compiled template is plain JSON: a list of nodes, each a text or a list with its kind first. Filling walks it
once. It can loop over the event's lists and nothing else, within a budget of steps and characters; it reaches
nothing but the data it is given.

Nodes:      "text" · ["o", expr] print · ["a", expr] print in an attribute · ["u", expr] as a link
            ["i", expr, nodes, nodes] if
            ["l", id, expr, condition or null, nodes, nodes] loop, and what stands for an empty one
            ["h", lead, tags, tail, open] HTML: text up to the first tag, up to the last one, after it; whether it ends
            in a tag
Expressions: ["c", json] · ["m", text] markup · ["u", name] missing · ["r", root, [keys]] · ["v", id, [keys]]
            ["L", id, attribute] · ["g", expr, expr] · ["s", expr, start, stop, step]
            ["up", expr, count] list of so many
            ["f", name, expr, [args], {kwargs}] · ["t", name, expr, [args]]
            ["!", expr] · ["&", expr, expr] · ["|", expr, expr]
            ["?", expr, expr, expr] · ["cmp", expr, [[name, expr]…]] · ["op", name, expr, expr]
            ["neg", expr] · ["~", [exprs]] · ["list", [exprs]] · ["dict", [[key, expr]…]] · ["n", nodes]
            ["=", id, expr] computed once in each turn of a loop
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from markupsafe import Markup

from livery.joined import Joined
from livery.packs.operations import Missing, OperationError, Tongue, escaped, items, printed, truth
from livery.stencils.filling import MAX_OUTPUT, Expression, FillError, Filling, Node, Step, write_text
from livery.stencils.loops import OPEN, Looping

LONG = 500
_Text = TypeVar("_Text", bound=str)
ODD = re.compile(r"[^ -~]|\\")
"""What stands in attributes as a character reference: the MJML compiler would write it its own way."""

_LINK = re.compile(r"\s*(?:https?://|mailto:|#|\Z)", re.IGNORECASE)


class Program:
    """A compiled template, ready to be filled.

    Args:
        nodes: as in the module's docstring.
        tongue: how it is evaluated.
        payer: the pack whose budget it is filled from.

    """

    def __init__(self, nodes: Sequence[Node], tongue: Tongue, payer: str = "") -> None:
        self._payer = payer
        self.constant = "".join(str(one) for one in nodes) if all(isinstance(one, str) for one in nodes) else None
        """The text, if it is always the same."""
        self._run, _ = Builder(tongue).run(nodes)

    def fill(self, roots: Mapping[str, Any]) -> str:
        """The text.

        Raises:
            FillError: a value is missing, cannot be used so, or the budget is spent.

        """
        return self.constant if self.constant is not None else within("".join(self.pieces(roots)))

    def pieces(self, roots: Mapping[str, Any]) -> list[str]:
        """The text in pieces, its length not yet looked at; what stands between holes is the same object every time.

        Raises:
            FillError: as for `fill`.

        """
        if self.constant is not None:
            return [self.constant]
        filling = Filling(roots, self._payer)
        try:
            self._run(filling)
        except OperationError as error:
            raise FillError(str(error)) from None
        except RecursionError:
            raise FillError("nested too deeply") from None
        finally:
            filling.settle()
        return filling.out

    def joined(self, roots: Mapping[str, Any]) -> Joined:
        """`fill`, with the pieces."""
        return within(Joined(self.pieces(roots)))


def within(text: _Text) -> _Text:
    """The text, if an e-mail may be as long."""
    if len(text) > MAX_OUTPUT:
        raise FillError(f"more than {MAX_OUTPUT // 1024} KiB of output")
    return text


class Condition:
    """A compiled condition, or any other expression."""

    def __init__(self, expression: Sequence[Any], tongue: Tongue, payer: str = "") -> None:
        self._tongue, self._payer = tongue, payer
        self._value = Builder(tongue).expression(expression)

    def items(self, roots: Mapping[str, Any]) -> Sequence[Any]:
        """Its value, as what is gone through.

        Raises:
            FillError: it is no list.

        """
        filling = Filling(roots, self._payer)
        try:
            return items(self._tongue, self._value(filling))
        except OperationError as error:
            raise FillError(str(error)) from None
        finally:
            filling.settle()

    def holds(self, roots: Mapping[str, Any]) -> bool:
        """Whether it is true.

        Raises:
            FillError: it cannot be said of these values.

        """
        filling = Filling(roots, self._payer)
        try:
            return truth(self._tongue, self._value(filling))
        except OperationError as error:
            raise FillError(str(error)) from None
        except RecursionError:
            raise FillError("nested too deeply") from None
        finally:
            filling.settle()


def attribute(text: str) -> str:
    """Escaped text as it stands in an attribute."""
    if not text.isascii():
        text = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    if text.isprintable() and "\\" not in text:
        return text
    return ODD.sub(lambda char: f"&#{ord(char[0])};", text)


def is_link(text: str) -> bool:
    """Whether a text may stand as a link: to the web, to write to somebody, within the page, or to nowhere."""
    return _LINK.match(text) is not None


_RAW, _PRINT, _IF, _HTML, _TEXT, _ATTRIBUTE, _STEP = range(7)
_Row = tuple[int, Any, Any, Any]


def at_length(tongue: Tongue, filling: Filling, value: Any) -> str:
    """Any value as it is printed; a long one costs more."""
    if type(value) is str and len(value) > LONG:
        filling.spend(len(value) >> 3)
    return printed(tongue, value)


def _in_attribute(tongue: Tongue, filling: Filling, value: Any) -> str:
    text = printed(tongue, value)
    if "<" in text:
        raise FillError("markup cannot stand in an attribute")
    if len(text) > LONG:
        filling.spend(len(text) >> 3)
    return attribute(text)


def _plainly(text: str, after: Any) -> Step:
    """Write a text; the blanks after it are known."""

    def step(filling: Filling) -> None:
        if text:
            filling.out.append(text)
        filling.blank = after

    return step


def _branching(tongue: Tongue, row: _Row, after: Any) -> Step:
    """An if that stands alone, such as what follows an else."""
    _, holds, then, otherwise = row

    def step(filling: Filling) -> None:
        value = holds(filling)
        if truth(tongue, value) if type(value) is Missing else value:
            then(filling)
        elif otherwise is not None:
            otherwise(filling)
        else:
            filling.blank = after

    return step


class Builder(Looping):
    """Makes closures of nodes and expressions, so that a filling looks at no kinds but those of a row."""

    def run(self, nodes: Sequence[Node], blank: Any = None) -> tuple[Step, Any]:
        """What writes these nodes, and the blanks that stand after them: see `Filling.blank`, or `OPEN`.

        Args:
            nodes: as in the module's docstring.
            blank: the blanks before them.

        """
        rows: list[_Row] = []
        before = blank
        for node in self._undecided(nodes):
            row, blank = self._row(node, blank)
            if rows and row[0] == rows[-1][0] == _RAW:
                rows[-1] = (_RAW, rows[-1][1] + row[1], None, None)
            elif row[0] != _RAW or row[1]:
                rows.append(row)
        return self._step(rows, before, blank), blank

    def _undecided(self, nodes: Sequence[Node]) -> Iterator[Node]:
        """Nodes, with what a decided if comes to in its place."""
        for node in nodes:
            known = self.decided(node[1]) if isinstance(node, list) and node[0] == "i" else None
            if known is None:
                yield node
            else:
                yield from self._undecided(node[2] if known else node[3])

    def _step(self, rows: Sequence[_Row], before: Any, after: Any) -> Step:  # noqa: C901 - see below
        tongue, is_markup = self._tongue, self._tongue.markup
        if after is not OPEN and all(row[0] == _RAW for row in rows):
            return _plainly("".join(row[1] for row in rows), after)
        if len(rows) == 1 and rows[0][0] == _IF and before is not OPEN:
            return _branching(tongue, rows[0], after)

        def step(filling: Filling) -> None:  # noqa: C901, PLR0912 - calls would cost more than they tell
            # One loop without calls: this is where a message's time goes.
            out = filling.out
            blank = filling.blank if before is OPEN else before
            for kind, first, second, third in rows:
                if kind == _RAW:
                    out.append(first)
                elif kind == _PRINT:
                    value = first(filling)
                    if (
                        type(value) is str
                        and is_markup
                        and len(value) <= LONG
                        and (third is None or value.isprintable() or value.splitlines() == [value])
                    ):
                        text = escaped(value)
                    else:
                        text = at_length(tongue, filling, value if third is None else third(filling))
                    blank = filling.blank if second is OPEN else second
                    if second is None:
                        out.append(text)
                    elif blank is None or (not blank and text and not text.isspace()):
                        out.append(text)
                        filling.blank = None
                    else:
                        filling.blank = write_text(out, blank, text)
                elif kind == _IF:
                    value = first(filling)
                    if truth(tongue, value) if type(value) is Missing else value:
                        second(filling)
                    elif third is not None:
                        third(filling)
                elif kind == _HTML:
                    blank = filling.blank
                    if second:
                        blank = write_text(out, blank, second)
                    if blank and blank[0] != "\n":
                        out.append(blank)
                    out.append(first)
                elif kind == _TEXT:
                    filling.blank = write_text(out, filling.blank, first)
                elif kind == _STEP:
                    first(filling)
                else:
                    out.append(_in_attribute(tongue, filling, first(filling)))
            if after is not OPEN:
                filling.blank = after

        return step

    def _row(self, node: Node, blank: Any) -> tuple[_Row, Any]:
        """A row for a node after these blanks, and the blanks after it."""
        if isinstance(node, str):
            if blank is OPEN:
                return (_TEXT, node, None, None), OPEN
            out: list[str] = []
            after: Any = write_text(out, blank, node)
            return (_RAW, "".join(out), None, None), after
        kind, *parts = node
        match kind:
            case "o":
                value, whole = self._printed(parts[0])
                return (_PRINT, value, blank, whole), None if blank is None else OPEN
            case "a":
                return (_ATTRIBUTE, self.expression(parts[0]), None, None), blank
            case "u":
                return (_ATTRIBUTE, self._link(self.expression(parts[0])), None, None), blank
            case "h":
                lead, tags, tail, is_open = parts
                return self._html((lead, tags, tail), blank, is_open=is_open)
            case "i":
                condition, yes, no = parts
                return self._if(condition, yes, no, blank)
            case "l":
                id_, over, only, body, empty = parts
                step, after = self.loop(id_, over, only, (body, empty), blank)
                return (_STEP, step, None, None), after
        raise FillError(f"a node of an unknown kind: {kind!r}")

    @staticmethod
    def _html(texts: tuple[str, str, str], blank: Any, *, is_open: bool) -> tuple[_Row, Any]:
        lead, tags, tail = texts
        after: str | None = None if is_open else ""
        if tail and tail.isspace():
            after = tail
        elif tail:
            tags, after = tags + tail, None
        if blank is OPEN:
            return (_HTML, tags, lead, None), after
        out: list[str] = []
        blank = write_text(out, blank, lead)
        if blank and blank[0] != "\n":
            out.append(blank)
        return (_RAW, "".join(out) + tags, None, None), after

    def _printed(self, ir: Any) -> tuple[Expression, Expression | None]:
        """What is printed. Of `|lines` the text, which a text of one line is, and what it is else."""
        match ir:
            case ["f", "lines", text, [], {}] if self._tongue.markup:
                return self.expression(text), self.expression(ir)
        return self.expression(ir), None

    def _if(self, condition: Any, yes: Sequence[Node], no: Sequence[Node], blank: Any) -> tuple[_Row, Any]:
        (then, first), (otherwise, second) = self.run(yes, blank), self.run(no, blank)
        known = first if first is second or (isinstance(first, str) and first == second) else OPEN
        # What writes nothing is not called where the blanks after it are known without it.
        return (_IF, self.expression(condition), then, otherwise if no or known is OPEN else None), known

    def _link(self, of: Expression) -> Expression:
        tongue = self._tongue

        def run(filling: Filling) -> Markup:
            text = printed(tongue, of(filling))
            return Markup(text if is_link(text) else "#")  # noqa: S704 - printed() escapes in markup

        return run
