"""Files of directory records: CSV as spreadsheets and hosts write it, JSON as a list or one record a line.

Read and written as a stream: a file of any size takes no more memory than its longest record.
"""

import csv
import io
import json
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any

from livery.errors import InputError, Problem, shown
from livery.models.directory import Record

COLUMNS = ("type", "tenant", "customer", "kind", "id", "name", "email", "locale", "roles", "active")
FORMATS = ("csv", "json")
_MOST_CHARS = 256 * 1024
"""The longest record."""
_CHUNK = 64 * 1024
_SEPARATORS = ",;\t|"
_LAST_RESORT = "cp1252"
_BETWEEN = re.compile(r"[ \t\r\n,\[\]]*")


@dataclass(frozen=True, slots=True)
class Row:
    """One record as the file has it: `number` counts records from 1, a CSV's header being row 1 itself."""

    number: int
    values: dict[str, Any]
    problems: tuple[Problem, ...] = ()
    """Why it cannot be read at all."""


@dataclass(slots=True)
class Source:
    """A file to be read, more than once if need be.

    Attributes:
        path: the file.
        form: `csv` or `json`; by its name and beginning if empty.
        encoding: if empty UTF-8 or UTF-16 by their marks, else UTF-8, else what Windows writes.
        at: how many bytes were read so far.

    """

    path: Path
    form: str = ""
    encoding: str = ""
    at: int = field(default=0, init=False)

    def prepare(self) -> "Source":
        """Find out format and encoding.

        Raises:
            InputError: it cannot be read, or is in no known encoding or format.

        """
        try:
            with self.path.open("rb") as stream:
                start = stream.read(_CHUNK)
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror}") from None
        self.form = self.form or self._form(start)
        if self.form not in FORMATS:
            raise InputError(f"{self.path}:", [Problem("format", "csv or json", shown(self.form))])
        self.encoding = self.encoding or self._encoding(start)
        try:
            getincrementaldecoder(self.encoding)
        except LookupError:
            expected = "the name of one, such as utf-8 or cp1252"
            raise InputError(f"{self.path}:", [Problem("encoding", expected, shown(self.encoding))]) from None
        return self

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def rows(self) -> Iterator[Row]:
        """Its records, in order.

        Raises:
            InputError: it cannot be read any further: it is no CSV or JSON, or not in this encoding.

        """
        self.at = 0
        try:
            with self.path.open("rb") as raw:
                counted: Any = _Counting(raw, self)
                text: IO[str] = io.TextIOWrapper(counted, encoding=self.encoding, newline="")
                yield from _csv_rows(text) if self.form == "csv" else _json_rows(text)
        except UnicodeDecodeError as error:
            said = f"it is not in {self.encoding}: {error.reason} near byte {self.at:,}; name another with --encoding"
            raise InputError(f"{self.path} cannot be read: {said}") from None
        except (csv.Error, OSError) as error:
            raise InputError(f"{self.path} cannot be read: {error}") from None

    def _form(self, start: bytes) -> str:
        ending = self.path.suffix.lower().lstrip(".")
        if ending in FORMATS:
            return ending
        if ending in ("jsonl", "ndjson"):
            return "json"
        begins = start.lstrip(BOM_UTF8 + b" \t\r\n\xfe\xff\x00")[:1]
        return "json" if begins in (b"[", b"{") else "csv"

    def _encoding(self, start: bytes) -> str:
        if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            return "utf-16"
        decoder = getincrementaldecoder("utf-8")()
        try:
            with self.path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _LAST_RESORT
        return "utf-8-sig"


class _Counting(io.RawIOBase):
    """A stream that says how far it was read."""

    def __init__(self, raw: IO[bytes], source: Source) -> None:
        self._raw, self._source = raw, source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(min(len(buffer), _CHUNK))
        buffer[: len(data)] = data
        self._source.at += len(data)
        return len(data)


def write(records: Iterable[tuple[str, Record]], form: str, out: IO[str]) -> int:
    """Write (type, record) pairs as `import` reads them; how many they were.

    In CSV, an apostrophe is put before what a spreadsheet would take for a formula; reading takes it off again.
    """
    count = 0
    if form == "csv":
        table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        table.writeheader()
        for count, (kind, record) in enumerate(records, 1):  # noqa: B007 - the last one counts
            table.writerow({"type": kind, **{name: _cell(value) for name, value in record.model_dump().items()}})
        return count
    out.write("[")
    for count, (kind, record) in enumerate(records, 1):
        plain = json.dumps({"type": kind, **record.model_dump()}, ensure_ascii=False)
        out.write(f"{',' if count > 1 else ''}\n{plain}")
    out.write("\n]\n")
    return count


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(value) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def _csv_rows(text: IO[str]) -> Iterator[Row]:
    first = text.readline(_MOST_CHARS)
    if "\0" in first:
        raise csv.Error("it holds NUL characters; it is no CSV in this encoding")
    separator = ""
    if first.lower().startswith("sep=") and len(first.strip()) == len("sep=,"):
        separator, first = first.strip()[-1], text.readline(_MOST_CHARS)
    separator = separator or max(_SEPARATORS, key=first.count)
    reader = csv.reader(_lines(first, text), delimiter=separator, strict=True)
    header = [name.strip().lower() for name in next(reader, [])]
    while header and not header[-1]:
        header.pop()
    _check_header(header)
    for number, cells in enumerate(reader, 2):
        if not any(cell.strip() for cell in cells):
            continue
        extra = [cell for cell in cells[len(header) :] if cell.strip()]
        values = {name: _plain(cell) for name, cell in zip(header, cells, strict=False)}
        expected = f"{len(header)} columns, as the header has; a value with {separator!r} in it needs quotes"
        problems = (Problem("(row)", expected, str(len(cells))),) if extra else ()
        yield Row(number, values, problems)


def _plain(cell: str) -> str:
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text


def _lines(first: str, text: IO[str]) -> Iterator[str]:
    yield first
    while line := text.readline(_MOST_CHARS):
        yield line


def _check_header(header: list[str]) -> None:
    problems = []
    for name in header:
        if name in COLUMNS:
            continue
        near = get_close_matches(name, COLUMNS, 1)
        hint = f"; is it {near[0]}?" if near else "; take the column out, or rename it"
        problems.append(Problem(shown(name), f"one of {', '.join(COLUMNS)}{hint}"))
    problems += [Problem(name, "no second column of this name") for name in COLUMNS if header.count(name) > 1]
    if not header:
        problems.append(Problem("(row)", f"the names of the columns: {', '.join(COLUMNS)}"))
    if problems:
        raise InputError("row 1, the header, is wrong:", problems)


def _json_rows(text: IO[str]) -> Iterator[Row]:
    decoder, buffer, at, number = json.JSONDecoder(), text.read(_CHUNK), 0, 0
    is_list, is_closed = buffer.lstrip(" \t\r\n").startswith("["), False
    while True:
        between = _BETWEEN.match(buffer, at)
        assert between is not None, "it matches nothing at all, too"
        is_closed, at = "]" in between[0] or (is_closed and at == len(buffer)), between.end()
        if at == len(buffer):
            buffer, at = text.read(_CHUNK), 0
            if buffer:
                continue
            if is_list and not is_closed:
                raise InputError(f"the list ends after record {number} without its ]: part of the file is missing")
            return
        try:
            value, at = decoder.raw_decode(buffer, at)
        except (ValueError, RecursionError) as error:
            more = text.read(_CHUNK) if len(buffer) - at < _MOST_CHARS else ""
            if not more:
                raise InputError(f"record {number + 1} is no JSON: {error}") from None
            buffer, at = buffer[at:] + more, 0
            continue
        number += 1
        if isinstance(value, dict):
            yield Row(number, value)
        else:
            yield Row(number, {}, (Problem("(record)", "an object", shown(value)),))
