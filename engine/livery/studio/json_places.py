"""Where in a JSON text a value stands, for errors that name it by its path."""

from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]
from re import compile as pattern

_BLANK = pattern(r"[ \t\n\r]*+")
_DECODER = JSONDecoder()


def place(text: str, path: str) -> tuple[int, int]:
    """The line and column, 1-based, of what a dotted path leads to; of what is nearest above it, if that is missing.

    0 and 0 if the text is no JSON.
    """
    try:
        at = _found(text, path)
    except (ValueError, IndexError, RecursionError):
        return 0, 0
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _found(text: str, path: str) -> int:
    at = _skip(text, 0)
    for part in path.split("."):
        inner = _inside(text, at, part)
        if inner is None:
            break
        at = inner
    return at


def _inside(text: str, at: int, wanted: str) -> int | None:
    """Where the member or element of that name begins; None if the value at `at` has none."""
    is_object = text[at] == "{"
    if not is_object and text[at] != "[":
        return None
    at, number = _skip(text, at + 1), 0
    while text[at] not in "}]":
        name = str(number)
        if is_object:
            name, at = scanstring(text, at + 1)
            at = _skip(text, _skip(text, at) + 1)
        if name == wanted:
            return at
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        at = _skip(text, at + 1) if text[at] == "," else at
        number += 1
    return None


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at
