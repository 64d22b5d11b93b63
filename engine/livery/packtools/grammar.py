"""What the grammar of packs says of a pack's templates, and whether the values they ask for can be there.

Templates are read in the worker that compiles them, never here: their author may be hostile.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from livery.composing import Plain
from livery.errors import PackError
from livery.packs.findings import Finding, Severity
from livery.packtools.shapes import EACH, Miss, Shape
from livery.packtools.sources import Source
from livery.stencils.press import Press

Seen = Callable[[Source], Mapping[str, Shape]]
"""What a source can ask for, by the event it is used for; the event is empty where it makes no difference."""
_AT_ONCE, _MUCH = 200, 128 * 1024
"""Sources and characters in one request, which has a second and a half."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A source as the worker read it.

    Attributes:
        problems: what the grammar refuses: `rule`, `message`, `fix` and the `line` within the source.
        asked: the values it asks for, each as a path and a line.
        own: the names it gives itself.

    """

    source: Source
    problems: Sequence[Plain] = ()
    asked: Sequence[tuple[tuple[str, ...], int]] = ()
    own: frozenset[str] = frozenset()

    def refused(self) -> list[Finding]:
        """What the grammar refuses, as findings."""
        return [
            self.source.finding("error", one["rule"], one["message"].rstrip("."), one["fix"], line=one["line"] or 1)
            for one in self.problems
        ]

    @property
    def is_legible(self) -> bool:
        """Whether it could be read to its end."""
        return not any(one["rule"] in ("syntax", "too-large") for one in self.problems)


def read(press: Press, sources: Iterable[Source]) -> list[Reading]:
    """Every source as the worker reads it; one that takes the worker down has that as its problem."""
    listed = list(sources)
    asking = [one for one in listed if one.mode == "condition" or "{" in one.text]
    found = {id(one.source): one for bundle in _bundles(asking) for one in _read(press, bundle)}
    return [found.get(id(one)) or Reading(one) for one in listed]


def _bundles(sources: Iterable[Source]) -> Iterator[list[Source]]:
    bundle: list[Source] = []
    size = 0
    for one in sources:
        if bundle and (len(bundle) >= _AT_ONCE or size + len(one.text) > _MUCH):
            yield bundle
            bundle, size = [], 0
        bundle.append(one)
        size += len(one.text)
    if bundle:
        yield bundle


def _read(press: Press, bundle: list[Source]) -> list[Reading]:
    found: dict[int, Reading] = {}
    while left := [number for number in range(len(bundle)) if number not in found]:
        request = [{"name": f"read!{at}", "source": bundle[at].text, "mode": bundle[at].mode} for at in left]
        try:
            answers = press.ask({"op": "read", "templates": request})["templates"]
        except PackError as error:
            culprit = int(error.file) if error.file.isdecimal() else left[0]
            found[culprit] = Reading(bundle[culprit], [_problem(error)])
            continue
        found |= {at: _reading(bundle[at], answer) for at, answer in zip(left, answers, strict=True)}
    return [found[at] for at in range(len(bundle))]


def _problem(error: PackError) -> Plain:
    said = str(error).removeprefix(f"pack 'read' {error.file}: ")
    return {"rule": "too-large", "message": f"cannot be read: {said}", "fix": "make it simpler", "line": 1}


def _reading(source: Source, answer: Plain) -> Reading:
    asked = [(tuple(path), line) for path, line in answer["asked"]]
    return Reading(source, answer["problems"], asked, frozenset(answer["own"]))


# --------------------------------------------------------------------------- values


def unknown(reading: Reading, seen: Seen, own: Iterable[str] = ()) -> list[Finding]:
    """Values a source asks for that are not there.

    Args:
        reading: the source.
        seen: what it can ask for.
        own: names that templates it is put together with give themselves.

    """
    shapes = seen(reading.source)
    given = {*own, *reading.own} if reading.source.mode != "condition" and not reading.source.key else reading.own
    found = []
    for path, line in reading.asked:
        missed = [
            (event, miss)
            for event, shape in shapes.items()
            if (miss := shape.miss(path)) and (path[0] in shape.fields or path[0] not in given)
        ]
        if missed:
            words = ".".join(path).partition(f".{EACH}")[0]
            found.append(_finding(reading.source, missed[0], line, words, is_everywhere=len(missed) == len(shapes)))
    return found


def _finding(source: Source, missed: tuple[str, Miss], line: int, words: str, *, is_everywhere: bool) -> Finding:
    event, miss = missed
    message = miss.message
    if event and not (miss.is_sure and is_everywhere):
        message = f"{message} in {event}" + ("" if miss.is_sure else " that is documented")
    severity: Severity = "error" if miss.is_sure else "warning"
    return source.finding(severity, "unknown-variable", message, miss.fix, line=line, words=words)
