"""Quoted-printable (RFC 2045 §6.7): lines of at most 76 characters, any text. What does not change is encoded once.

A text in pieces is encoded piece by piece, each ending in a soft line break: the pieces of a stencil come again with
every message, and are looked up. The bytes differ from those of the same text in one piece; what they say does not.
"""

import binascii
import re
from collections.abc import Sequence

_ROOM = 4 * 1024 * 1024
"""Bytes of encoded pieces that are kept, twice at most."""
_COST = 200
"""Bytes that keeping a piece takes beside its own."""
_LINE = 76
_SHORT = 72
"""Characters that fit on a line with a soft break after them."""
_DOT = re.compile(rb"(?m)^\.")


class _Known:
    """Encoded pieces by what they were; the ones not asked for in the last while go."""

    def __init__(self) -> None:
        self._new: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}
        self._size = 0

    def all(self, pieces: Sequence[str]) -> list[bytes]:
        new = self._new
        return [new.get(one) or self._found(one) for one in pieces]

    def _found(self, piece: str) -> bytes:
        found = self._old.get(piece)
        if found is None:
            found = _encoded(piece)
        self._size += len(found) + _COST
        if self._size > _ROOM:
            self._old, self._new, self._size = self._new, {}, 0
        self._new[piece] = found
        return found


_known = _Known()


def quoted(text: str, pieces: Sequence[str] = ()) -> list[bytes]:
    """The text with one line end at its end, as CRLF lines in quoted-printable; the bytes to be joined.

    No line begins with a dot, so nothing has to be doubled on the wire.
    """
    if "\r" in text:
        text, pieces = text.replace("\r\n", "\n").replace("\r", "\n"), ()
    if not pieces:  # most lines of a text stand in others, too
        pieces = [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
        return _known.all(pieces)
    encoded = _known.all(pieces)
    if not text.endswith("\n"):
        encoded.append(b"\r\n")
    return encoded


def _encoded(piece: str) -> bytes:
    """A piece that begins wherever a line does, and ends where the next may go on."""
    if len(piece) <= _SHORT and piece.isascii() and piece.isprintable() and "=" not in piece and piece[:1] != ".":
        return piece.encode() + b"=\r\n" if piece else b""
    if piece.endswith("\n"):
        return _undotted(_lines(piece))
    whole = _undotted(_lines(f"{piece}\n"))[:-2]
    if len(whole) - whole.rfind(b"\n") > _LINE:  # there is no room for the soft break on its last line
        at = -3 if whole[-3:-2] == b"=" else -1
        last = b"=2E" if whole[at:] == b"." else whole[at:]
        whole = whole[:at] + b"=\r\n" + last
    return whole + b"=\r\n"


def _lines(text: str) -> bytes:
    return binascii.b2a_qp(text.replace("\n", "\r\n").encode("utf-8", "replace"), istext=True)


def _undotted(encoded: bytes) -> bytes:
    """Lines of quoted-printable with a soft break after each dot that one began with."""
    while encoded.startswith(b".") or b"\n." in encoded:
        encoded = _DOT.sub(b"=2E=\r\n", encoded)
    return encoded
