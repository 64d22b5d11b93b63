"""Small edits of people's TOML: what they wrote stays as they wrote it, comments and order included.

Every edit is read again before it is used: its data must be what it was, with the change and nothing else.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from livery.errors import LiveryError
from livery.packs.strings import quoted

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"^\[(?!\[)\s*(?P<path>[^\]]+?)\s*\]\s*(?:#.*)?$", re.MULTILINE)
_ANY_HEADER = re.compile(r"^\s*\[", re.MULTILINE)


def with_value(text: str, path: tuple[str, ...], value: Any) -> str:
    """A TOML text in which `path` has a value, a text or a table of texts: changed where it stands, else added.

    Raises:
        LiveryError: the text is written in a way that cannot be changed safely; says what to write by hand.

    """
    wanted = _data(text)
    at = wanted
    for part in path[:-1]:
        at = at.setdefault(part, {})
    at[path[-1]] = value
    for candidate in _candidates(text, path, value):
        if _reads_as(candidate, wanted):
            return candidate
    table = ".".join(map(key, path[:-1]))
    raise LiveryError(f"it cannot be edited safely; write it by hand: [{table}] {key(path[-1])} = {written(value)}")


def with_block(text: str, block: Mapping[str, Any]) -> str:
    """A notification's TOML with a block added at the end.

    Raises:
        LiveryError: its blocks are written in a way that nothing can be added to.

    """
    wanted = _data(text)
    wanted["blocks"] = [*wanted.get("blocks", ()), deepcopy(dict(block))]
    made = "\n\n".join(part for part in (text.rstrip(), block_text(block)) if part)
    if not _reads_as(made, wanted):
        raise LiveryError("its blocks are not written as [[blocks]], so none can be added")
    return made


def block_text(block: Mapping[str, Any]) -> str:
    """A block as people write it: `[[blocks]]`, its lists of tables as `[[blocks.facts]]`."""
    plain = [f"{key(name)} = {written(one)}" for name, one in block.items() if not _is_tables(one)]
    parts = ["\n".join(["[[blocks]]", *plain])]
    for name, tables in block.items():
        for table in tables if _is_tables(tables) else ():
            lines = [f"{key(field)} = {written(one)}" for field, one in table.items()]
            parts.append("\n".join([f"[[blocks.{key(name)}]]", *lines]))
    return "\n\n".join(parts) + "\n"


def written(value: Any) -> str:
    """A value as TOML has it, in one line but for texts of several."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return quoted(value)
        case dict():
            return "{ " + ", ".join(f"{key(name)} = {written(one)}" for name, one in value.items()) + " }"
    return "[" + ", ".join(written(one) for one in value) + "]"


def key(part: str) -> str:
    """A key as TOML has it, in quotes where it needs them."""
    return part if _BARE.fullmatch(part) else '"' + quoted(part.replace("\n", " "))[1:-1] + '"'


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, dict) for one in value)


def _data(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise LiveryError(f"it is no TOML: {error}") from None


def _reads_as(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return bool(tomllib.loads(text) == _plain(wanted))
    except ValueError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


# --------------------------------------------------------------------------- ways to write it


def _candidates(text: str, path: tuple[str, ...], value: Any) -> Iterator[str]:
    """Ways to write it, the most natural first."""
    yield from _replaced(text, path, value)
    for length in range(len(path) - 1, 0, -1):
        yield from _in_table(text, path[:length], path[length:], value)
    table, name = ".".join(map(key, path[:-1])), key(path[-1])
    if table:
        yield "\n\n".join(part for part in (text.rstrip(), f"[{table}]\n{name} = {written(value)}\n") if part)
    at = match.start() if (match := _ANY_HEADER.search(text)) else len(text)
    head = text[:at].rstrip()
    line = f"{'.'.join(map(key, path))} = {written(value)}\n"
    yield "\n".join(part for part in (head, line + ("\n" if text[at:] else "")) if part) + text[at:]


def _replaced(text: str, path: tuple[str, ...], value: Any) -> Iterator[str]:
    """The line, or lines, that set it now, with the new value."""
    name = re.escape(key(path[-1]))
    pattern = re.compile(
        rf"^(?P<before>[ \t]*(?:[\w.\"-]+\.)?{name}[ \t]*=[ \t]*)(?P<value>\"\"\".*?\"\"\"|'''.*?'''|\{{[^\n]*\}}|"
        rf"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')(?P<after>[ \t]*(?:#[^\n]*)?)$",
        re.MULTILINE | re.DOTALL,
    )
    for match in pattern.finditer(text):
        yield text[: match.start("value")] + written(value) + text[match.end("value") :]


def _in_table(text: str, table: tuple[str, ...], rest: tuple[str, ...], value: Any) -> Iterator[str]:
    """At the end of a table that is there."""
    for match in _HEADER.finditer(text):
        if _parts(match["path"]) != table:
            continue
        following = _ANY_HEADER.search(text, match.end())
        end = following.start() if following else len(text)
        body = text[:end].rstrip()
        # Comments right above the next header are its own.
        body = _without_comments(body, match.end()) if following else body
        line = f"{'.'.join(map(key, rest))} = {written(value)}"
        tail = text[len(body) :].lstrip("\n")
        yield f"{body}\n{line}\n" + (f"\n{tail}" if tail else "")


def _without_comments(body: str, start: int) -> str:
    lines = body[start:].split("\n")
    while len(lines) > 1 and lines[-1].lstrip().startswith("#"):
        lines.pop()
    return (body[:start] + "\n".join(lines)).rstrip()


def _parts(path: str) -> tuple[str, ...] | None:
    """The parts of a header's path; None if it is written in a way that is not worth reading here."""
    try:
        at: Any = tomllib.loads(f"{path} = 0")
    except ValueError:
        return None
    parts = []
    while isinstance(at, dict):
        ((name, at),) = at.items()
        parts.append(name)
    return tuple(parts)
