"""TOML with places: what tomllib reads, and where in the text each key and each value stands."""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from livery.errors import PackError
from livery.packs.findings import Finding

MAX_DEPTH = 32
MAX_VALUES = 10_000
KeyPath = tuple[str | int, ...]
"""Keys from the top down; the elements of an array by their number, from 0."""

_MANY_DOTS = 100
_MAX_INTEGER = 2**63
_MAX_DIGITS = 4300
_BLANK = re.compile(r"(?:[ \t\n]++|#[^\n]*+)*+")
_SPACE = re.compile(r"[ \t]*+")
_END = re.compile(r"[ \t]*+(?:#[^\n]*+)?+(?:\n|\Z)")
_SCALAR = re.compile(r"[^\s,\]}#\"'\[{]++(?: \d\d:\d\d[^\s,\]}#]*+)?+")
_BARE = re.compile(r"[A-Za-z0-9_-]++")
_STRINGS = {
    '"""': re.compile(r'"""(?:[^"\\]++|\\.|"{1,2}+(?!"))*+"{3,5}+', re.DOTALL),
    "'''": re.compile(r"'''(?:[^']++|'{1,2}+(?!'))*+'{3,5}+"),
    '"': re.compile(r'"(?:[^"\\\n]++|\\.)*+"'),
    "'": re.compile(r"'[^'\n]*+'"),
}
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_TRIPLE = 3
_CODE = {"u": 4, "U": 8}
_PLAINLY = {
    "Illegal character '\\n'": "the line ends inside a text; close it with the quote it begins with",
    "Unterminated string": "a text is not closed; end it with the quotes it begins with",
    "Invalid value": "invalid value: a text stands in quotes, and something has to stand after the =",
    "Expected newline or end of document after a statement": "something stands after the value; a text stands in "
    'quotes, and a quote inside it is written \\"',
    "Invalid initial character for a key part": "a line can begin with a key, a [table] or a #, and not like this",
    "Expected '=' after a key in a key/value pair": "an = is missing after the key",
}
"""What tomllib says in the words of its grammar, for those who write texts."""
_AT = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


class Place(NamedTuple):
    """A place in a text, 1-based and in characters; 0 and 0 if it is not known."""

    line: int = 0
    column: int = 0


NOWHERE = Place()


def load(text: str, *, file: str = "", pack: str = "") -> tuple[dict[str, Any], "Places"]:
    """The data of a TOML text, and where everything in it stands.

    Beside what TOML asks, nothing may be nested deeper than 32 levels, whole numbers fit into 64 bits, and there
    are at most 10 000 values.

    Raises:
        PackError: it is no TOML; says where.

    """
    places = Places(text)
    try:
        if any(line.count(".") > _MANY_DOTS for line in text.split("\n")):
            places.check_depth()  # tomllib takes minutes for a key of ten thousand parts
        data = tomllib.loads(text)
        places.count = _checked(data, places)
    except _WrongError as error:
        place, message = error.place, error.message
    except RecursionError:
        place, message = places.deep(), f"it is nested deeper than {MAX_DEPTH} levels"
    except ValueError as error:
        place, message = places.why(str(error))
    else:
        return data, places
    message = f"is not TOML: {message}"
    found = Finding(
        severity="error", rule="toml", message=message, pack=pack, file=file, line=place.line, column=place.column
    )
    raise PackError(message, pack=pack, file=file, line=place.line, column=place.column, findings=[found])


class Places:
    """Where the keys and values of a TOML text stand. The text is gone through when the first place is asked for.

    Attributes:
        text: the text, with plain line breaks.
        count: how many values and tables it holds; 0 until `load` has counted them.

    """

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.count = 0

    def __contains__(self, path: KeyPath) -> bool:
        return path in self._found.keys

    def __iter__(self) -> Iterator[KeyPath]:
        return iter(self._found.keys)

    def known(self, path: KeyPath) -> KeyPath:
        """The parts of a path that the text has, each below the one before."""
        known: KeyPath = ()
        for part in path:
            if (*known, part) in self._found.keys:
                known = (*known, part)
        return known

    def key(self, path: KeyPath) -> Place:
        """Where a key stands first, or an element of an array; else what is nearest above it.

        Parts of the path that the text does not have are passed over.
        """
        known = self.known(path)
        return self.at(self._found.keys[known]) if known else NOWHERE

    def value(self, path: KeyPath, line: int = 1, column: int = 1) -> Place:
        """Where a value begins; of a string, where its text does, or that line and column of its text.

        Escapes and continued lines are reckoned with. A path without a value has the place of its key.
        """
        found = self._found.values.get(path)
        if found is None:
            return self.key(path)
        if not found.quote:
            return self.at(found.start)
        now = Place(1, 1)
        for char, offset in _characters(self.text[found.start : found.end], found.quote):
            if now == (line, column) or (char == "\n" and now.line == line):
                return self.at(found.start + offset)
            now = Place(now.line + 1, 1) if char == "\n" else Place(now.line, now.column + 1)
        return self.at(found.end)

    def at(self, offset: int) -> Place:
        """The place of a character, by its number from 0."""
        number = bisect_right(self._lines, offset)
        return Place(number, offset - self._lines[number - 1] + 1)

    def deep(self) -> Place:
        """Where it goes deeper than it may; nowhere if it does not, or cannot be told."""
        return NOWHERE if self._found.deep is None else self.at(self._found.deep)

    def check_depth(self) -> None:
        """Refuse a text that is nested too deep, or that cannot be gone through at all."""
        if self._found.deep is not None:
            raise RecursionError
        if self._found.odd is not None:
            raise _WrongError("it cannot be read from here on", self.at(self._found.odd))

    def why(self, said: str) -> tuple[Place, str]:
        """Where and what, of an error of tomllib."""
        if self._found.twice:
            (name, first, again), *_ = self._found.twice
            return self.at(again), f"{name} is set twice; it is set already in line {self.at(first).line}"
        if match := _AT.search(said):
            end = self.at(len(self.text))
            place = Place(int(match["line"]), int(match["column"])) if match["line"] else end
            said = said[: match.start()]
            return place, _PLAINLY.get(said) or said[:1].lower() + said[1:]
        values = self._found.values.values()
        long = next((one.start for one in values if not one.quote and one.end - one.start > _MAX_DIGITS), None)
        return (NOWHERE, said) if long is None else (self.at(long), "a number is too large")

    @cached_property
    def _found(self) -> "_Scan":
        scan = _Scan(self.text)
        scan.run()
        return scan

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]


class _WrongError(Exception):
    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message, self.place = message, place


def _checked(data: dict[str, Any], places: Places) -> int:
    """How many values there are. Refuses depth nothing after us can walk, numbers nothing can print, and floods."""
    left: list[tuple[KeyPath, Any]] = [((), data)]
    count = 0
    while left:
        path, value = left.pop()
        count += 1
        if count > MAX_VALUES:
            raise _WrongError(f"it holds more than {MAX_VALUES:,} values", NOWHERE)
        if len(path) > MAX_DEPTH:
            raise RecursionError
        if isinstance(value, dict):
            left.extend(((*path, key), one) for key, one in value.items())
        elif isinstance(value, list):
            left.extend(((*path, number), one) for number, one in enumerate(value))
        elif isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER:
            raise _WrongError("a number is too large", places.value(path))
    return count


class _OddError(Exception):
    """The text goes on in a way the scan does not know: it is no TOML, and tomllib says why."""


class _Value(NamedTuple):
    start: int
    end: int
    quote: str
    """The quotes around a string, whose start and end are those of its text; empty for other values."""


class _Scan:
    """One pass over a text that notes where keys and values stand, and leaves all judgement to tomllib."""

    def __init__(self, text: str) -> None:
        self.keys: dict[KeyPath, int] = {}
        self.values: dict[KeyPath, _Value] = {}
        self.twice: list[tuple[str, int, int]] = []
        self.deep: int | None = None
        self.odd: int | None = None
        self._text, self._at = text, 0
        self._tables: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}

    def run(self) -> None:
        here: KeyPath = ()
        try:
            while not self._is_done():
                if self._text[self._at] == "[":
                    here = self._header()
                else:
                    self._pair(here)
                self._expect(_END)
        except _OddError:
            if self.deep is None:
                self.odd = self._at

    def _is_done(self) -> bool:
        self._expect(_BLANK)
        return self._at >= len(self._text)

    def _expect(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _OddError
        self._at = match.end()
        return match[0]

    def _is_next(self, mark: str) -> bool:
        """Step over `mark` if it is next."""
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _take(self, mark: str) -> None:
        if not self._is_next(mark):
            raise _OddError

    def _header(self) -> KeyPath:
        is_array = self._text.startswith("[[", self._at)
        self._take("[[" if is_array else "[")
        parts = self._dotted()
        self._take("]]" if is_array else "]")
        path: KeyPath = ()
        for number, (part, offset) in enumerate(parts, 1):
            path = (*path, part)
            self.keys.setdefault(path, offset)
            if path in self._counts and not (is_array and number == len(parts)):
                path = (*path, self._counts[path] - 1)
        if is_array:
            index = self._counts.get(path, 0)
            self._counts[path] = index + 1
            path = (*path, index)
            self.keys[path] = parts[-1][1]
        elif path in self._tables:
            self.twice.append((".".join(part for part, _ in parts), self._tables[path], parts[0][1]))
        self._tables.setdefault(path, parts[0][1])
        return path

    def _pair(self, here: KeyPath) -> None:
        path, parts = here, self._dotted()
        for part, offset in parts:
            path = (*path, part)
            self.keys.setdefault(path, offset)
        self._take("=")
        self._expect(_SPACE)
        if path in self.values:
            self.twice.append((".".join(part for part, _ in parts), self.keys[path], parts[0][1]))
        self._value(path)

    def _dotted(self) -> list[tuple[str, int]]:
        """The parts of a key with where each stands, and the blanks around them."""
        parts: list[tuple[str, int]] = []
        while True:
            self._expect(_SPACE)
            offset = self._at
            self._bound(len(parts) + 1)
            parts.append((self._key(), offset))
            self._expect(_SPACE)
            if not self._is_next("."):
                return parts

    def _key(self) -> str:
        quote = self._text[self._at : self._at + 1]
        if quote and quote in "\"'":
            raw = self._expect(_STRINGS[quote])
            return "".join(char for char, _ in _characters(raw[1:-1], quote))
        return self._expect(_BARE)

    def _bound(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.deep = self._at
            raise _OddError

    def _value(self, path: KeyPath) -> None:
        self._bound(len(path))
        start = self._at
        quote = next((one for one in _STRINGS if self._text.startswith(one, start)), "")
        if quote:
            self._string(path, quote)
        elif self._is_next("["):
            self._array(path)
        elif self._is_next("{"):
            self._inline(path)
        else:
            self._expect(_SCALAR)
        self.values.setdefault(path, _Value(start, self._at, ""))

    def _string(self, path: KeyPath, quote: str) -> None:
        start = self._at
        self._expect(_STRINGS[quote])
        start, end = start + len(quote), self._at - len(quote)
        if len(quote) == _TRIPLE and self._text.startswith("\n", start):
            start += 1
        self.values.setdefault(path, _Value(start, end, quote))

    def _array(self, path: KeyPath) -> None:
        number = 0
        self._expect(_BLANK)
        while not self._is_next("]"):
            self.keys.setdefault((*path, number), self._at)
            self._value((*path, number))
            number += 1
            self._expect(_BLANK)
            if not self._is_next(","):
                self._take("]")
                return
            self._expect(_BLANK)

    def _inline(self, path: KeyPath) -> None:
        self._expect(_SPACE)
        if self._is_next("}"):
            return
        while True:
            self._pair(path)
            self._expect(_SPACE)
            if not self._is_next(","):
                self._take("}")
                return


def _characters(raw: str, quote: str) -> Iterator[tuple[str, int]]:
    """The characters of a string as TOML has it, each with where in `raw` it is written."""
    if quote[0] == "'":
        yield from ((char, offset) for offset, char in enumerate(raw))
        return
    at = 0
    while at < len(raw):
        if raw[at] != "\\":
            yield raw[at], at
            at += 1
            continue
        kind = raw[at + 1]
        if kind in _CODE:
            end = at + 2 + _CODE[kind]
            yield _character(raw[at + 2 : end]), at
            at = end
        elif kind in " \t\n":
            at += 1
            while at < len(raw) and raw[at] in " \t\n":
                at += 1
        else:
            yield _ESCAPES.get(kind, kind), at
            at += 2


def _character(code: str) -> str:
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return "�"  # which tomllib refuses
