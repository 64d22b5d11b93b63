"""Events to look at a pack with: its own samples, and odd ones made from the first of them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from livery.errors import EventError
from livery.packs.chain import PackChain
from livery.packs.findings import Finding
from livery.studio import json_places

Path = tuple[str | int, ...]
Read = Callable[[str], Any]
"""Validates an event; raises EventError."""

_NO_TEXT = re.compile(r"(^|_)(id|at|url|email|locale|code)$")
_A_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]")
_SENTENCE = 40
"""Characters from which a value is taken for a sentence, not a name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One event to render.

    Attributes:
        name: names it in addresses and filters.
        title: what people read.
        raw: the event as JSON text.
        pack: the pack it comes from; empty if it was made here.
        file: its path in that pack.

    """

    name: str
    title: str
    raw: str
    pack: str = ""
    file: str = ""

    def seller(self, field: str = "id") -> str:
        """A field of the seller it names; empty if it names none."""
        try:
            found = json.loads(self.raw)["data"]["seller"][field]
        except (ValueError, LookupError, TypeError, RecursionError):
            return ""
        return found if isinstance(found, str) else ""

    def sold_by(self, id_: str, name: str | None) -> "Sample":
        """The same event at another seller; itself if it is no event at all."""
        try:
            event = json.loads(self.raw)
            event["data"]["seller"] |= {"id": id_, **({"name": name} if name else {})}
        except (ValueError, LookupError, TypeError, RecursionError):
            return self
        return replace(self, raw=_written(event))

    def refused(self, why: EventError | str) -> list[Finding]:
        """Why it cannot be used: a finding for each thing that is wrong with it, at its place."""
        problems = why.problems if isinstance(why, EventError) else ()
        said = [(str(one), json_places.place(self.raw, one.path)) for one in problems] or [(str(why), (0, 0))]
        return [
            Finding(
                severity="error", rule="sample", pack=self.pack, file=self.file, line=line, column=column,
                message=f"is no event to look at: {' '.join(what.split())}",
            )
            for what, (line, column) in said
        ]  # fmt: skip


def of_packs(packs: PackChain, notification: str) -> list[Sample]:
    """The samples of every pack of the chain, the nearest first.

    A file hides one of the same name in a parent.
    """
    found: dict[str, Sample] = {}
    for pack in packs.packs:
        for path, raw in pack.samples(notification):
            name = PurePath(path).stem.removeprefix(f"{notification}.")
            one = Sample(name, f"Sample {name.replace('_', ' ')}", raw.decode("utf-8-sig", "replace"), pack.id, path)
            found.setdefault(name, one)
    return list(found.values())


def odd(first: Sample, read: Read) -> list[Sample]:
    """What tends to break a design: events made from a good one, each still valid for its type."""
    event = json.loads(first.raw)
    made = (
        ("long", "Long texts", _changed(event, _lengthened, read)),
        ("bare", "Optional fields missing", _bare(event, read)),
        ("rtl", "Right-to-left names", _changed(event, _turned, read)),
        ("hostile", "Hostile markup", _changed(event, _poisoned, read)),
    )
    return [Sample(name, title, _written(changed)) for name, title, changed in made]


def _written(event: Any) -> str:
    return json.dumps(event, ensure_ascii=False, indent=2)


# --------------------------------------------------------------------------- changing texts

_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
_LONG = (
    " The provider’s interface answered with a description that nobody shortened, as they never are: "
    f"{_WORD}, see https://vendor.example/support/articles/{'0123456789abcdef' * 6}?region=eu-west&retry=false."
)
_NAMES = ("شركة النور للتجارة (Al Noor)", "بوابة 365 للأعمال", "משה כהן", "مؤسسة الأفق 2026")
_SAID = "هذا العرض غير متاح في منطقتك (Region: EU-West/2): رمز الخطأ 403، حاول مرة أخرى."
_BREAKING_NAME = 'Custo <b>Org</b> & "Söhne" </iframe><script>alert(1)</script>'
_BREAKING = (
    "</style></iframe></textarea><script>alert(document.domain)</script><img src=x onerror=alert(1)>"
    " {{ 7 * 7 }} {% raw %} *bold* <!channel> <@U012AB3CD> [here](javascript:alert(1)) **now** \u202egnp.exe\u202c"
)


def _lengthened(value: str) -> Iterator[str]:
    if len(value) >= _SENTENCE:
        yield value + _LONG * 8
    yield f"{value} {_WORD} {value}"[:250]
    yield f"{value} {_WORD}"[:100]


def _turned(value: str) -> Iterator[str]:
    yield _SAID if len(value) >= _SENTENCE else _NAMES[len(value) % len(_NAMES)]


def _poisoned(value: str) -> Iterator[str]:
    yield _BREAKING if len(value) >= _SENTENCE else _BREAKING_NAME


def _changed(event: Any, candidates: Callable[[str], Iterable[str]], read: Read) -> Any:
    """A copy in which every text a person reads is the first of its candidates that the event type allows."""
    made = json.loads(json.dumps(event))
    for path, value in _texts(made["data"], ("data",)):
        for candidate in candidates(value):
            _put(made, path, candidate)
            if _is_valid(made, read):
                break
            _put(made, path, value)
    return made


def _bare(event: Any, read: Read) -> Any:
    """A copy without everything the event type can do without."""
    made = json.loads(json.dumps(event))
    waiting: list[Path] = [("data", key) for key in made["data"]]
    while waiting:
        path = waiting.pop(0)
        part, key = _parent(made, path)
        value = part.pop(key)
        if not _is_valid(made, read):
            part[key] = value
            waiting += [(*path, inner) for inner in value] if isinstance(value, dict) else []
    return made


def _is_valid(event: Any, read: Read) -> bool:
    try:
        read(json.dumps(event))
    except EventError:
        return False
    return True


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in it that a person reads: no identifiers, addresses, dates or languages."""
    if isinstance(value, str):
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        if value and not _NO_TEXT.search(key) and not _A_DATE.match(value):
            yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, Sequence):
        for number, inner in enumerate(value):
            yield from _texts(inner, (*path, number))


def _put(event: Any, path: Path, value: str) -> None:
    part, key = _parent(event, path)
    part[key] = value


def _parent(event: Any, path: Path) -> tuple[Any, Any]:
    *parts, key = path
    for part in parts:
        event = event[part]
    return event, key
