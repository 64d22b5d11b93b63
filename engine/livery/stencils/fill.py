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
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from livery.packs.operations import Missing, OperationError, Tongue, escaped, items, printed, truth
from livery.stencils.filling import MAX_OUTPUT, Expression, FillError, Filling, Node, Step, write_text
from livery.stencils.reckoning import Reckoner

_LONG = 500
ODD = re.compile(r"[^ -~]|\\")
"""What stands in attributes as a character reference: the MJML compiler would write it its own way."""

_LINK = re.compile(r"\s*(?:https?://|mailto:|#|\Z)", re.IGNORECASE)


class Program:
    """A compiled template, ready to be filled.

    Args:
        nodes: as in the module's docstring.
        tongue: how it is evaluated.

    """

    def __init__(self, nodes: Sequence[Node], tongue: Tongue) -> None:
        self._constant = "".join(str(one) for one in nodes) if all(isinstance(one, str) for one in nodes) else None
        self._run, _ = _Builder(tongue).run(nodes)

    def fill(self, roots: Mapping[str, Any]) -> str:
        """The text.

        Raises:
            FillError: a value is missing, cannot be used so, or the budget is spent.

        """
        if self._constant is not None:
            return self._constant
        filling = Filling(roots)
        try:
            self._run(filling)
        except OperationError as error:
            raise FillError(str(error)) from None
        except RecursionError:
            raise FillError("nested too deeply") from None
        finally:
            filling.settle()
        text = "".join(filling.out)
        if len(text) > MAX_OUTPUT:
            raise FillError(f"more than {MAX_OUTPUT // 1024} KiB of output")
        return text


class Condition:
    """A compiled condition, or any other expression."""

    def __init__(self, expression: Sequence[Any], tongue: Tongue) -> None:
        self._tongue = tongue
        self._value = _Builder(tongue).expression(expression)

    def items(self, roots: Mapping[str, Any]) -> Sequence[Any]:
        """Its value, as what is gone through.

        Raises:
            FillError: it is no list.

        """
        filling = Filling(roots)
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
        filling = Filling(roots)
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
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return ODD.sub(lambda char: f"&#{ord(char[0])};", text)


def is_link(text: str) -> bool:
    """Whether a text may stand as a link: to the web, to write to somebody, within the page, or to nowhere."""
    return _LINK.match(text) is not None


_RAW, _INSIDE, _PRINT, _IF, _HTML, _TEXT, _ATTRIBUTE, _STEP = range(8)
_LOOK_EVERY = 8
_OPEN = object()
"""What is known of the blanks since the last tag before an event is there: nothing."""
_Row = tuple[int, Any, Any, Any]


def _at_length(tongue: Tongue, filling: Filling, value: Any) -> str:
    """Any value as it is printed; a long one costs more."""
    if type(value) is str and len(value) > _LONG:
        filling.spend(len(value) >> 3)
    return printed(tongue, value)


def _plainly(text: str, after: Any) -> Step:
    """Write a text; the blanks after it are known."""

    def step(filling: Filling) -> None:
        if text:
            filling.out.append(text)
        filling.blank = after

    return step


def _branching(tongue: Tongue, holds: Expression, then: Step, otherwise: Step) -> Step:
    """An if that stands alone, such as what follows an else."""

    def step(filling: Filling) -> None:
        value = holds(filling)
        if truth(tongue, value) if type(value) is Missing else value:
            then(filling)
        else:
            otherwise(filling)

    return step


class _Builder(Reckoner):
    """Makes closures of nodes and expressions, so that a filling looks at no kinds but those of a row."""

    def run(self, nodes: Sequence[Node], blank: Any = None) -> tuple[Step, Any]:
        """What writes these nodes, and the blanks that stand after them: see `Filling.blank`, or `_OPEN`.

        Args:
            nodes: as in the module's docstring.
            blank: the blanks before them.

        """
        rows: list[_Row] = []
        before = blank
        for node in nodes:
            row, blank = self._row(node, blank)
            if rows and row[0] == rows[-1][0] == _RAW:
                rows[-1] = (_RAW, rows[-1][1] + row[1], None, None)
            elif row[0] != _RAW or row[1]:
                rows.append(row)
        return self._step(rows, before, blank), blank

    def _step(self, rows: Sequence[_Row], before: Any, after: Any) -> Step:  # noqa: C901 - see below
        tongue, is_markup = self._tongue, self._tongue.markup
        if after is not _OPEN and all(row[0] == _RAW for row in rows):
            return _plainly("".join(row[1] for row in rows), after)
        if len(rows) == 1 and rows[0][0] == _IF and before is not _OPEN:
            return _branching(tongue, *rows[0][1:])

        def step(filling: Filling) -> None:  # noqa: C901, PLR0912 - calls would cost more than they tell
            # One loop without calls: this is where a message's time goes.
            out = filling.out
            blank = filling.blank if before is _OPEN else before
            for kind, first, second, third in rows:
                if kind == _RAW:
                    out.append(first)
                elif kind == _INSIDE:
                    value = first(filling)
                    if type(value) is str and is_markup and len(value) <= _LONG:
                        out.append(escaped(value))
                    else:
                        out.append(_at_length(tongue, filling, value))
                elif kind == _PRINT:
                    value = first(filling)
                    is_short = type(value) is str and is_markup and len(value) <= _LONG
                    text = escaped(value) if is_short else _at_length(tongue, filling, value)
                    blank = filling.blank if second is _OPEN else second
                    if blank is None or (not blank and text and not text.isspace()):
                        out.append(text)
                        filling.blank = None
                    else:
                        filling.blank = write_text(out, blank, text)
                elif kind == _IF:
                    value = first(filling)
                    if truth(tongue, value) if type(value) is Missing else value:
                        second(filling)
                    else:
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
                    text = printed(tongue, first(filling))
                    if "<" in text:
                        raise FillError("markup cannot stand in an attribute")
                    if len(text) > _LONG:
                        filling.spend(len(text) >> 3)
                    out.append(attribute(text))
            if after is not _OPEN:
                filling.blank = after

        return step

    def _row(self, node: Node, blank: Any) -> tuple[_Row, Any]:  # noqa: C901 - one case a kind
        """A row for a node after these blanks, and the blanks after it."""
        if isinstance(node, str):
            if blank is _OPEN:
                return (_TEXT, node, None, None), _OPEN
            out: list[str] = []
            after: Any = write_text(out, blank, node)
            return (_RAW, "".join(out), None, None), after
        kind, *parts = node
        match kind:
            case "o" if blank is None:
                return (_INSIDE, self.expression(parts[0]), None, None), None
            case "o":
                return (_PRINT, self.expression(parts[0]), blank, None), _OPEN
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
                return self._loop(id_, over, only, body, empty, blank)
        raise FillError(f"a node of an unknown kind: {kind!r}")

    @staticmethod
    def _html(texts: tuple[str, str, str], blank: Any, *, is_open: bool) -> tuple[_Row, Any]:
        lead, tags, tail = texts
        after: str | None = None if is_open else ""
        if tail and tail.isspace():
            after = tail
        elif tail:
            tags, after = tags + tail, None
        if blank is _OPEN:
            return (_HTML, tags, lead, None), after
        out: list[str] = []
        blank = write_text(out, blank, lead)
        if blank and blank[0] != "\n":
            out.append(blank)
        return (_RAW, "".join(out) + tags, None, None), after

    def _if(self, condition: Any, yes: Sequence[Node], no: Sequence[Node], blank: Any) -> tuple[_Row, Any]:
        (then, first), (otherwise, second) = self.run(yes, blank), self.run(no, blank)
        known = first if first is second or (isinstance(first, str) and first == second) else _OPEN
        return (_IF, self.expression(condition), then, otherwise), known

    def _loop(
        self, id_: int, over: Any, only: Any, body: Sequence[Node], empty: Sequence[Node], blank: Any
    ) -> tuple[_Row, Any]:
        # Not tried first where a loop stands inside: each level would make all within it twice over.
        inside, after = (None, _OPEN) if _has_loop(body) else self.run(body, blank)
        if inside is None or after is not blank:
            inside, after = self.run(body, _OPEN)
        otherwise, other = self.run(empty, blank)
        step = self._turns(id_, over, only, (inside, otherwise, blank, _weight(body)))
        return (_STEP, step, None, None), blank if after is blank and other is blank else _OPEN

    def _turns(self, id_: int, over: Any, only: Any, made: tuple[Step, Step, Any, int]) -> Step:
        tongue, through = self._tongue, self.expression(over)
        keep = self.expression(only) if only is not None else None
        inside, otherwise, blank, weight = made

        def step(filling: Filling) -> None:
            if blank is not _OPEN:
                filling.blank = blank
            found = items(tongue, through(filling))
            if keep is not None:
                found = [one for one in found if _kept(filling, one)]
            since, count = len(filling.out), len(found)
            for at, one in enumerate(found):
                filling.spend(weight)
                filling.turn += 1
                filling.loops[id_] = (one, at, count)
                inside(filling)
                if at % _LOOK_EVERY == 0:
                    filling.look_after(since)
                    since = len(filling.out)
            filling.look_after(since)
            if not found:
                otherwise(filling)

        def _kept(filling: Filling, one: Any) -> bool:
            filling.spend()
            filling.turn += 1
            filling.loops[id_] = (one, 0, 0)
            assert keep is not None, "asked only where there is a condition"
            return truth(tongue, keep(filling))

        return step

    def _link(self, of: Expression) -> Expression:
        tongue = self._tongue

        def run(filling: Filling) -> Markup:
            text = printed(tongue, of(filling))
            return Markup(text if is_link(text) else "#")  # noqa: S704 - printed() escapes in markup

        return run


def _weight(nodes: Sequence[Node]) -> int:
    """How many steps one time through these nodes is counted as."""
    return 1 + sum(_weight(part) for node in nodes if isinstance(node, list) for part in node if isinstance(part, list))


def _has_loop(part: Any) -> bool:
    if isinstance(part, dict):
        return any(map(_has_loop, part.values()))
    return isinstance(part, list) and (part[:1] == ["l"] or any(map(_has_loop, part)))
