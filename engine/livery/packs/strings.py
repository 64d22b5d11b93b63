"""Texts by key: which there are in a chain; their files, `strings/<language>.toml`, with the remarks in them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from livery.errors import PackError
from livery.packs import toml


class Pack(Protocol):
    """What is asked of a pack here."""

    @property
    def id(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def strings(self) -> Mapping[str, Mapping[str, str]]:
        """Texts by language, then by dotted key."""


class Chain(Protocol):
    """A pack and its parents, the nearest first."""

    @property
    def packs(self) -> Iterable[Any]: ...


class Found(NamedTuple):
    """A text, the language it is in, and its pack."""

    text: str
    locale: str
    pack: Pack


class Remarks(NamedTuple):
    """Where keys stand in a file, and the comments above them.

    Attributes:
        lines: line by dotted key, 1-based.
        above: comment lines directly above a key or the header of a table, without their `#`.
        head: comment lines at the top that belong to nothing.

    """

    lines: Mapping[str, int]
    above: Mapping[str, tuple[str, ...]]
    head: tuple[str, ...]


_Table = tuple[str, ...]
_NONE = Remarks({}, {}, ())
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# What a text may not hold as it is, by TOML's rules, and what nobody sees in an editor: marks that turn the direction.
_ESCAPED = re.compile(r'["\\\x00-\x08\x0a-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\u061c]')
_SHORT = {"\b": r"\b", "\n": r"\n", "\f": r"\f", "\r": r"\r", '"': r"\"", "\\": r"\\"}


def all_keys(chain: Chain, source: str = "en") -> list[str]:
    """Every key any pack of the chain has a text for, in the order of their files, those of the base first."""
    packs = list(chain.packs)[::-1]
    tags = [source, *sorted({tag for pack in packs for tag in pack.strings} - {source})]
    return list(dict.fromkeys(key for tag in tags for pack in packs for key in pack.strings.get(tag, {})))


def source_text(chain: Chain, key: str, source: str, locale: str = "") -> Found | None:
    """What a key says in the source language, else in another; `locale` comes last. Empty texts do not count."""
    others = sorted({tag for pack in chain.packs for tag in pack.strings} - {source, locale})
    return next((one for one in texts(chain, key, [source, *others, locale]) if one.text), None)


def texts(chain: Chain, key: str, tags: Iterable[str]) -> Iterator[Found]:
    """Every text for a key, best first: by language, then by pack."""
    for tag in tags:
        for pack in chain.packs:
            text = pack.strings.get(tag, {}).get(key)
            if text is not None:
                yield Found(text, tag, pack)


def target(chain: Chain) -> Any:
    """The pack that texts are written for: the one whose chain it is, though packs that add to it may stand before."""
    return getattr(chain, "asked", None) or next(iter(chain.packs))


def path_of(pack: Any, locale: str) -> str:
    """The file of a language inside a pack, be it there or not."""
    return str(getattr(pack, "string_files", {}).get(locale, f"strings/{locale}.toml"))


def remarks(pack: Any, locale: str) -> Remarks:
    """What is beside the texts in a pack's file of a language; nothing if it cannot be read."""
    read = getattr(pack, "read", None)
    try:
        text = read(path_of(pack, locale)) if read else None
        return _remarks(text) if text else _NONE
    except PackError:
        return _NONE


@lru_cache(maxsize=64)
def _remarks(text: str) -> Remarks:
    _, places = toml.load(text)
    lines = {".".join(map(str, path)): places.key(path).line for path in places}
    source = places.text.split("\n")
    above = {key: found for key, line in lines.items() if (found := _comments(source, line - 1))}
    first = next((at for at, line in enumerate(source) if not line.startswith("#")), len(source))
    head = source[:first] if first < len(source) and not source[first].strip() else []
    return Remarks(lines, above, tuple(_uncommented(line) for line in head))


def _comments(source: list[str], end: int) -> tuple[str, ...]:
    start = end
    # A line of a text that happens to start with # would have to end the text, too, to stand right above a key.
    while start and source[start - 1].lstrip().startswith("#") and not re.search("\"\"\"|'''", source[start - 1]):
        start -= 1
    return tuple(_uncommented(line) for line in source[start:end])


def _uncommented(line: str) -> str:
    return line.lstrip().removeprefix("#").removeprefix(" ").rstrip()


def clashes(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of keys that cannot stand in one file: the first would be a text and the table the second is in."""
    found, last = [], None
    for key in sorted(key.split(".") for key in keys):
        if last is not None and key[: len(last)] == last:
            found.append((".".join(last), ".".join(key)))
        else:
            last = key
    return found


def written(strings: Mapping[str, str], beside: Remarks = _NONE) -> str:
    """`strings` by dotted key as a file: a table for each group of keys, in their order, with the remarks beside.

    Keys that clash must not be among them.
    """
    tables: dict[_Table, dict[str, str]] = {(): {}}
    for key, text in strings.items():
        *table, name = key.split(".")
        for end in range(1, len(table) + 1):  # a table comes before those in it
            tables.setdefault(tuple(table[:end]), {})
        tables[tuple(table)][name] = text
    order = {table: number for number, table in enumerate(tables)}
    nested = sorted(tables, key=lambda table: [order[table[:end]] for end in range(1, len(table) + 1)])
    head = "".join(f"{_comment(line)}\n" for line in beside.head)
    pieces = [head, *(_table(table, tables[table], beside) for table in nested if tables[table])]
    return "\n".join(piece for piece in pieces if piece)


def _table(table: _Table, texts: Mapping[str, str], beside: Remarks) -> str:
    lines = []
    if table:
        lines += [*map(_comment, beside.above.get(".".join(table), ())), f"[{'.'.join(map(_name, table))}]"]
    for name, text in texts.items():
        lines += map(_comment, beside.above.get(".".join([*table, name]), ()))
        lines.append(f"{_name(name)} = {quoted(text)}")
    return "\n".join([*lines, ""])


def _comment(line: str) -> str:
    return f"# {line}".rstrip()


def _name(part: str) -> str:
    return part if _BARE.fullmatch(part) else f'"{_escaped(part)}"'


def quoted(text: str) -> str:
    """A text as TOML has it: one of several lines in triple quotes."""
    if "\n" not in text:
        return f'"{_escaped(text)}"'
    lines = (_escaped(line).replace(r"\"", '"') for line in text.split("\n"))
    inner = re.sub(r'""+|"\Z', lambda quotes: r"\"" * len(quotes[0]), "\n".join(lines))
    return f'"""\n{inner}"""'


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda char: _SHORT.get(char[0], f"\\u{ord(char[0]):04X}"), text)
