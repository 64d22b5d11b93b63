"""Reads the TOML of a pack into models, and notes everything that is wrong with its place and the way to mend it."""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from livery.config import problems_of
from livery.errors import PackError, shown
from livery.locales import normal
from livery.models.base import Model
from livery.packs.findings import Finding, Severity
from livery.packs.manifest import FORMAT, PATTERNS
from livery.packs.source import Snapshot
from livery.packs.toml import NOWHERE, KeyPath, Place, Places, load

MAX_FINDINGS = 100
"""At most so many of one file: nobody reads more."""
MAX_VALUES = 50_000
"""In all its TOML: judging one takes some microseconds."""
_MAX_MESSAGE = 500
_M = TypeVar("_M", bound=Model)
_QUOTED = re.compile(r"'([^']*)'")
_EXPECTED = {
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "string_too_long": "a text of at most {max_length} characters",
    "tuple_type": "a list",
    "too_long": "a list of at most {max_length}",
    "dict_type": "a table",
    "model_type": "a table",
    "int_type": "a whole number",
    "bool_type": "true or false",
}
"""What pydantic says in the words of Python, in those of TOML."""
_NEWER = "needs a newer Livery"


class Reader:
    """Reads the files of one snapshot.

    Attributes:
        pack: what findings call the pack.
        findings: all that was found so far.
        aside: files that cannot be used, as if the pack did not have them.

    """

    def __init__(self, snapshot: Snapshot, pack: str) -> None:
        self.snapshot, self.pack = snapshot, pack
        self.findings: list[Finding] = []
        self.aside: set[str] = set()
        self.places: dict[str, Places] = {}
        self._noted: dict[str, int] = {}
        self._values = 0

    def note(
        self,
        message: str,
        file: str,
        place: Place = NOWHERE,
        *,
        rule: str,
        fix: str = "",
        severity: Severity = "error",
    ) -> None:
        count = self._noted[file] = self._noted.get(file, 0) + 1
        if count == MAX_FINDINGS:
            message, fix, severity = "from here on more is wrong than is listed", "", "error"
        if count <= MAX_FINDINGS:
            self.findings.append(
                Finding(
                    severity=severity, rule=rule, message=_safe(message), fix=_safe(fix), pack=self.pack, file=file,
                    line=place.line, column=place.column,
                )
            )  # fmt: skip

    def set_aside(self, file: str, message: str) -> None:
        """Note that a file is too large to be used, or one too many."""
        self.aside.add(file)
        self.note(message, file, rule="size", fix="make it smaller")

    def text(self, file: str) -> str | None:
        """The text of a file; None, noted and set aside, if it is none."""
        try:
            return self.snapshot.text(file)
        except PackError as error:
            self._refuse(file, error)
            return None

    def toml(self, file: str) -> dict[str, Any] | None:
        """The data of a file; None, noted and set aside, if it is no TOML."""
        text = self.text(file)
        if text is None:
            return None
        self.places[file] = Places(text)
        try:
            data, self.places[file] = load(text, file=file, pack=self.pack)
        except PackError as error:
            self._refuse(file, error)
            return None
        self._values += self.places[file].count
        if self._values > MAX_VALUES:
            self.set_aside(file, f"is too much: all strings and notifications hold more than {MAX_VALUES:,} values")
            return None
        return data

    def model(self, model: type[_M], file: str) -> _M | None:
        """A file as a model; None, noted and set aside, if it does not fit."""
        data = self.toml(file)
        if data is None:
            return None
        places, version = self.places[file], data.get("format")
        if isinstance(version, int) and version > FORMAT:
            said = f"is of format {version}, which {_NEWER}; this one reads format {FORMAT}"
            self.note(said, file, places.key(("format",)), rule="format", fix="upgrade Livery")
            self.aside.add(file)
            return None
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.aside.add(file)
            for message, fix, rule, place in islice(explained(error, model, places), MAX_FINDINGS):
                self.note(message, file, place, rule=rule, fix=fix)
            return None

    def strings(self) -> tuple[dict[str, Mapping[str, str]], dict[str, str]]:
        """Texts by language, then by dotted key; and the file of each language. A text that is none is left out."""
        found: dict[str, Mapping[str, str]] = {}
        files: dict[str, str] = {}
        for file in self.snapshot.under("strings"):
            stem = file.removeprefix("strings/").removesuffix(".toml")
            tag = normal(stem)
            if not tag:
                self._odd_name(file)
            elif tag in files:
                self.aside.add(file)
                said = f"is a second file for {tag}; {files[tag]} is the one that is used"
                self.note(said, file, rule="language-twice", fix="put all of it into one file")
            elif (data := self.toml(file)) is not None:
                files[tag] = file
                found[tag] = dict(self._texts(data, file))
        return found, files

    def sample(self, file: str) -> None:
        """Note what keeps a sample from being an event."""
        text = self.text(file)
        if text is None:
            return
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            place = Place(error.lineno, error.colno)
            self.note(f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]}", file, place, rule="sample")
        except (RecursionError, ValueError):
            self.note("is not JSON that an event can be", file, rule="sample")
        else:
            if not isinstance(data, dict):
                self.note(f"is no event: expected an object, got {shown(data)}", file, Place(1, 1), rule="sample")

    def _refuse(self, file: str, error: PackError) -> None:
        self.aside.add(file)
        for one in error.findings:
            self.note(one.message, file, Place(one.line, one.column), rule=one.rule, fix=one.fix)

    def _odd_name(self, file: str) -> None:
        self.aside.add(file)
        self.note("is not named after a language (BCP 47), such as de.toml", file, rule="language")

    def _texts(self, data: Mapping[str, Any], file: str) -> Iterator[tuple[str, str]]:
        seen: dict[str, KeyPath] = {}
        for path, value in leaves(data):
            key, places = ".".join(map(str, path)), self.places[file]
            if not isinstance(value, str):
                self.note(f"{key} is no text", file, places.key(path), rule="text", fix="put it in quotes")
            elif key in seen:
                first = places.key(seen[key]).line
                said = f"{key} is set twice; it is set already in line {first}"
                self.note(said, file, places.key(path), rule="text-twice", fix="keep one")
            else:
                seen[key] = path
                yield key, value


def leaves(table: Mapping[str, Any], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """What stands in a table and in those inside it, by path."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


# --------------------------------------------------------------------------- errors of models, for people


def explained(error: ValidationError, model: type[Model], places: Places) -> Iterator[tuple[str, str, str, Place]]:
    """Each problem of a validation as (what is wrong, what to do, rule, where)."""
    for one, problem in zip(error.errors(include_url=False), problems_of(error), strict=True):
        known = places.known(one["loc"])
        if one["type"] == "extra_forbidden":
            yield *_unknown(known, model), "unknown-field", places.key(known)
        elif one["type"] == "missing":
            yield f"{_dotted((*known, one['loc'][-1]))} is missing", "", "missing", places.key(known)
        else:
            limits: dict[str, Any] = one.get("ctx", {})
            kind = (
                f"string_{one['type']}" if one["type"] == "too_long" and isinstance(one["input"], str) else one["type"]
            )
            meant = PATTERNS.get(str(limits.get("pattern", ""))) or _EXPECTED.get(kind, "").format(**limits)
            said = f"expected {meant or problem.expected}" + (f", got {problem.came}" if problem.came else "")
            name = _dotted(known)
            yield f"{name}: {said}" if name else said, _meant(one), "field", places.value(known)


def _dotted(path: KeyPath) -> str:
    """A path as people write it: `blocks[0].facts[1].value`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _unknown(path: KeyPath, model: type[Model]) -> tuple[str, str]:
    known = sorted(_fields_at(model, path[:-1]))
    near = get_close_matches(str(path[-1]), known, 1)
    where = f" of {_dotted(path[:-1])}" if path[1:] else ""
    return f"{path[-1]} is no field{where}", f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def _safe(words: str) -> str:
    # What a pack calls its keys is the author's own words: nothing in them may move a cursor or fill a screen.
    cut = words if len(words) <= _MAX_MESSAGE else f"{words[:_MAX_MESSAGE]}…"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in cut)


def _meant(one: Any) -> str:
    """For a value that is none of a few: the one that was probably meant."""
    if one["type"] != "literal_error" or not isinstance(one["input"], str):
        return ""
    near = get_close_matches(one["input"], _QUOTED.findall(one["ctx"]["expected"]), 1)
    return f"did you mean {near[0]!r}?" if near else ""


def _fields_at(model: type[Model], loc: KeyPath) -> set[str]:
    """The fields of the model inside `model` that stands at `loc`."""
    at = model
    for part in loc:
        field = at.model_fields.get(str(part))
        if field is not None:
            at = _model_in(field.annotation) or at
    return set(at.model_fields)


def _model_in(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)
