"""What the stager works with: values that wait for an event, and pieces of output that hold some."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from livery.packs.operations import Missing, Tongue

MAX_SIZE = 4000
MAX_NESTING = 150
MAX_LOOPS = 4
_LOOP_PARTS = 6


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a pack something is written: template name (`<pack>!<path>`) and line."""

    template: str = ""
    line: int = 0


class StagingError(Exception):
    """A template cannot be compiled: what, where, and how to write it instead."""

    def __init__(self, message: str, place: Place = Place(), fix: str = "", rule: str = "staging") -> None:
        self.message, self.place, self.fix, self.rule = message, place, fix, rule
        where = f" (line {place.line})" if place.line else ""
        super().__init__(f"{message}{where}" + (f"; {fix}" if fix else ""))

    def plain(self) -> dict[str, Any]:
        """What a finding is made of."""
        pack, _, file = self.place.template.partition("!")
        return {
            "rule": self.rule, "message": self.message, "fix": self.fix,
            "pack": pack if file else "", "file": file, "line": self.place.line,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A value that is known when a message is written: an expression of `livery.stencils.fill`."""

    ir: Any
    size: int = 1

    def __post_init__(self) -> None:
        if self.size > MAX_SIZE:
            raise StagingError("an expression over the event grows too large", rule="too-large")


@dataclass(slots=True)
class Hole:
    """`{{ … }}` over the event."""

    ir: Any
    place: Place


@dataclass(slots=True)
class Branch:
    """`{% if … %}` over the event."""

    condition: Any
    then: "list[Piece]"
    otherwise: "list[Piece]"
    place: Place


@dataclass(slots=True)
class Repeat:
    """`{% for … %}` over a list of the event."""

    id: int
    over: Any
    only: Any
    body: "list[Piece]"
    empty: "list[Piece]"
    place: Place
    is_sure: bool = False
    """Whether it is known to go through something."""


Piece = str | Hole | Branch | Repeat


@dataclass(slots=True)
class Fragment:
    """Rendered output that holds something of the event: what a macro, a block or `{% set %}…{% endset %}` gives."""

    pieces: list[Piece]


@dataclass(slots=True)
class Slots:
    """The finished blocks of a message, one slot each, of which an event fills some. Only `for` goes through it."""

    slots: list[tuple[Any, list[Piece]]] = field(default_factory=list)


def plain(pieces: Sequence[Piece]) -> list[Any]:
    """Pieces as the nodes of `livery.stencils.fill`; neighbouring texts become one."""
    nodes: list[Any] = []
    for piece in pieces:
        match piece:
            case str():
                if nodes and isinstance(nodes[-1], str):
                    nodes[-1] += piece
                elif piece:
                    nodes.append(str(piece))
            case Hole():
                nodes.append(["o", piece.ir])
            case Branch():
                nodes.append(["i", piece.condition, plain(piece.then), plain(piece.otherwise)])
            case Repeat():
                nodes.append(["l", piece.id, piece.over, piece.only, plain(piece.body), plain(piece.empty)])
    return nodes


def shallow(nodes: Any) -> Any:
    """Nodes, if nothing in them stands too deep for whoever goes through them, and no loop in too many others.

    Raises:
        StagingError: something does.

    """
    pile = [(nodes, 0, 0)]
    while pile:
        part, depth, loops = pile.pop()
        if isinstance(part, list):
            loops += len(part) == _LOOP_PARTS and part[0] == "l"
            pile.extend((one, depth + 1, loops) for one in part if isinstance(one, list | dict))
        else:
            pile.extend((one, depth + 1, loops) for one in part.values() if isinstance(one, list | dict))
        if depth > MAX_NESTING:
            raise StagingError("conditions or expressions stand in one another too deep", rule="too-large")
        if loops > MAX_LOOPS:
            raise StagingError(f"more than {MAX_LOOPS} loops over the event stand in one another", rule="too-large")
    return nodes


def is_dynamic(value: Any) -> bool:
    """Whether any part of a value waits for the event."""
    if isinstance(value, Dynamic | Fragment | Slots):
        return True
    if isinstance(value, list | tuple):
        return any(is_dynamic(one) for one in value)
    if isinstance(value, dict):
        return any(is_dynamic(one) for one in value.values())
    return False


def size(value: Any) -> int:
    """How large a value's expression is."""
    if isinstance(value, Dynamic):
        return value.size
    if isinstance(value, Fragment):
        return sum(_weight(piece) for piece in value.pieces)
    if isinstance(value, list | tuple):
        return 1 + sum(size(one) for one in value)
    if isinstance(value, dict):
        return 1 + sum(size(one) for one in value.values())
    return 1


def _heft(ir: Any) -> int:
    """How many parts an expression has, as far as it matters: it may stand in itself many times over."""
    count, pile = 0, [ir]
    while pile and count < MAX_SIZE:
        part = pile.pop()
        count += 1
        if isinstance(part, list):
            pile.extend(part)
        elif isinstance(part, dict):
            pile.extend(part.values())
    return count


def _weight(piece: Piece) -> int:
    match piece:
        case Branch():
            return 1 + sum(_weight(one) for one in (*piece.then, *piece.otherwise))
        case Repeat():
            return 1 + sum(_weight(one) for one in (*piece.body, *piece.empty))
        case Hole():
            return _heft(piece.ir)
        case _:
            return 1


def lift(value: Any) -> Any:
    """A value as an expression.

    Raises:
        StagingError: it is no data, such as a macro.

    """
    match value:
        case Dynamic():
            return value.ir
        case Missing():
            return ["u", value.name]
        case Markup():
            return ["m", str(value)]
        case Fragment():
            nodes = plain(value.pieces)
            if any("<mj-" in text for text in _texts(nodes)):
                raise StagingError(
                    "MJML elements around event data cannot be worked on further", fix="print them where they stand"
                )
            return ["n", nodes]
        case None | bool() | int() | float() | str():
            return ["c", value]
        case list() | tuple():
            return ["c", list(value)] if _is_json(value) else ["list", [lift(one) for one in value]]
        case dict():
            return ["c", value] if _is_json(value) else ["dict", [[key, lift(one)] for key, one in value.items()]]
    raise StagingError("this cannot be used as a value", fix="print it, or loop over it, where it stands")


def awaited(ir: Any, place: Place, tongue: Tongue) -> list[Piece]:
    """The output of an expression. What it holds of elements stands in the output itself, for the MJML compiler to see.

    Raises:
        StagingError: it works on elements, so that they cannot be told from the rest.

    """
    if not (tongue.markup and _has_elements(ir)):
        return [Hole(ir, place)]
    match ir:
        case ["=", _, inner]:
            return awaited(inner, place, tongue)
        case ["?", condition, yes, no]:
            return [Branch(condition, awaited(yes, place, tongue), awaited(no, place, tongue), place)]
        case ["m", text]:
            return [text]
        case ["n", nodes]:
            return _pieces(nodes, place)
    raise StagingError("markup with elements cannot be worked on further", place, "print it where it stands")


def _has_elements(ir: Any) -> bool:
    """Whether the text of an expression may hold elements that the pack wrote."""
    match ir:
        case ["m", text]:
            return "<" in text
        case ["n", nodes]:
            return any("<" in text for text in _texts(nodes)) or any(map(_has_elements, _holes(nodes)))
        case ["?", _, yes, no]:
            return _has_elements(yes) or _has_elements(no)
        case ["c" | "u" | "r" | "v" | "L" | "t" | "!" | "cmp" | "neg", *_] | ["f", "length" | "count", *_]:
            return False
    return isinstance(ir, list | dict) and any(map(_has_elements, ir.values() if isinstance(ir, dict) else ir))


def _pieces(nodes: Sequence[Any], place: Place) -> list[Piece]:
    """Nodes as the pieces they were made of."""
    found: list[Piece] = []
    for node in nodes:
        match node:
            case str():
                found.append(node)
            case ["o", ir]:
                found.append(Hole(ir, place))
            case ["i", condition, then, otherwise]:
                found.append(Branch(condition, _pieces(then, place), _pieces(otherwise, place), place))
            case ["l", id_, over, only, body, empty]:
                found.append(Repeat(id_, over, only, _pieces(body, place), _pieces(empty, place), place))
    return found


def _holes(nodes: Sequence[Any]) -> list[Any]:
    found = []
    for node in nodes:
        if isinstance(node, list):
            found += [node[1]] if node[0] == "o" else [one for part in node[-2:] for one in _holes(part)]
    return found


def _is_json(value: Any) -> bool:
    """Whether a value comes back from JSON as it went in; markup, what is missing and keys that are numbers do not."""
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(type(key) is str and _is_json(one) for key, one in value.items())
    return value is None or type(value) in (str, int, float, bool)


def _texts(nodes: Sequence[Any]) -> list[str]:
    found = []
    for node in nodes:
        if isinstance(node, str):
            found.append(node)
        elif node[0] == "i":
            found += _texts(node[2]) + _texts(node[3])
        elif node[0] == "l":
            found += _texts(node[4]) + _texts(node[5])
    return found
