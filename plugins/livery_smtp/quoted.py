"""Quoted-printable (RFC 2045 §6.7): lines of at most 76 characters, any text. What does not change is encoded once.

A text in pieces is encoded piece by piece, each ending in a soft line break: the pieces of a stencil come again with
every message, and are looked up; so are the lines of a text in one piece. The bytes of both differ; what they say does
not.
"""

import binascii
import re
from collections.abc import Callable, Sequence

_ROOM = 4 * 1024 * 1024
"""Bytes of encoded pieces that are kept, twice at most; as many of lines."""
_COST = 200
"""Bytes that keeping a piece takes beside its own."""
_MANY = 2048
"""Pieces among which one has to come a second time to be kept."""
_LINE = 76
_SOFT = 75
"""Characters that fit on a line with a soft break after them."""
_DOT = re.compile(rb"(?m)^\.")
_WIDE = re.compile(rb"(?m)^([^\r\n]{74,75})(=20|=09)(?=\r$)")


class _Known(dict[str, bytes]):
    """Encoded texts by what they were, once they come again; the ones not asked for in the last while go."""

    def __init__(self, encode: Callable[[str], bytes]) -> None:
        super().__init__()
        self._encode = encode
        self._old: dict[str, bytes] = {}
        self._once: set[int] = set()
        """Hashes: most of what stands in one message alone is never asked for again, and would only be in the way."""
        self._size = 0

    def all(self, texts: Sequence[str]) -> list[bytes]:
        return list(map(self.__getitem__, texts))

    def __missing__(self, text: str) -> bytes:
        found = self._old.get(text)
        if found is None:
            found, mark, once = self._encode(text), hash(text), self._once
            if mark not in once:
                if len(once) >= _MANY:
                    once.clear()
                once.add(mark)
                return found
        self._size += len(found) + _COST
        if self._size > _ROOM:
            self._old, self._size = dict(self), 0
            self.clear()
        self[text] = found
        return found


def quoted(text: str, pieces: Sequence[str] = ()) -> list[bytes]:
    """The text with one line end at its end, as CRLF lines in quoted-printable; the bytes to be joined.

    No line begins with a dot, so nothing has to be doubled on the wire.
    """
    if "\r" in text:
        text, pieces = text.replace("\r\n", "\n").replace("\r", "\n"), ()
    if not pieces:  # most lines of a text stand in others, too
        return _known_lines.all(text.removesuffix("\n").split("\n"))
    encoded = _known.all(pieces)
    if not text.endswith("\n"):
        encoded.append(b"\r\n")
    return encoded


def _encoded(piece: str) -> bytes:
    """A piece that begins wherever a line does, and ends where the next may go on."""
    if _is_plain(piece):
        if len(piece) <= _SOFT:
            return f"{piece}=\r\n".encode()
        if folded := _folded(piece):
            return f"{folded}=\r\n".encode()
    if not piece:
        return b""
    if piece.endswith("\n"):
        return _undotted(_lines(piece))
    whole = _undotted(_lines(f"{piece}\n"))[:-2]
    if len(whole) - whole.rfind(b"\n") > _LINE:  # there is no room for the soft break on its last line
        at = -3 if whole[-3:-2] == b"=" else -1
        last = b"=2E" if whole[at:] == b"." else whole[at:]
        whole = whole[:at] + b"=\r\n" + last
    return whole + b"=\r\n"


def _encoded_line(line: str) -> bytes:
    """A line without its end, as one that has it."""
    if _is_plain(line) and line[-1] != " ":
        if len(line) <= _LINE:
            return f"{line}\r\n".encode()
        if folded := _folded(line):
            return f"{folded}\r\n".encode()
    return _undotted(_lines(f"{line}\n"))


def _is_plain(text: str) -> bool:
    """Whether it is ASCII of which nothing has to be encoded, but for a blank at its end."""
    return text.isascii() and text.isprintable() and "=" not in text and text[:1] not in (".", "")


def _folded(text: str) -> str:
    """Plain text with soft line breaks; empty if a line would begin with a dot."""
    folded = "=\r\n".join([text[at : at + _SOFT] for at in range(0, len(text), _SOFT)])
    return "" if "\n." in folded else folded


def _lines(text: str) -> bytes:
    encoded = binascii.b2a_qp(text.replace("\n", "\r\n").encode("utf-8", "replace"), istext=True)
    # It leaves room for a blank that ends a line, and none for what that is encoded as.
    return _WIDE.sub(rb"\1=\r\n\2", encoded)


def _undotted(encoded: bytes) -> bytes:
    """Lines of quoted-printable with a soft break after each dot that one began with."""
    while encoded.startswith(b".") or b"\n." in encoded:
        encoded = _DOT.sub(b"=2E=\r\n", encoded)
    return encoded


_known, _known_lines = _Known(_encoded), _Known(_encoded_line)
