"""Quoted-printable (RFC 2045 §6.7): lines of at most 76 characters, any text. What does not change is encoded once.

A text in pieces is encoded piece by piece, each ending in a soft line break: the pieces of a stencil come again with
every message, and are looked up. The bytes differ from those of the same text in one piece; what they say does not.
"""

import binascii
from collections.abc import Sequence

_ROOM = 4 * 1024 * 1024
"""Bytes of encoded pieces that are kept, twice at most."""
_COST = 200
"""Bytes that keeping a piece takes beside its own."""


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


def quoted(text: str, pieces: Sequence[str] = ()) -> bytes:
    """The text with one line end at its end, as CRLF lines in quoted-printable."""
    if "\r" in text:
        text, pieces = text.replace("\r\n", "\n").replace("\r", "\n"), ()
    if not pieces:
        return _lines(text if text.endswith("\n") else f"{text}\n")
    encoded = b"".join(_known.all(pieces))
    return encoded if text.endswith("\n") else encoded + b"\r\n"


def _encoded(piece: str) -> bytes:
    """A piece that begins wherever a line does, and ends where the next may go on."""
    if not piece:
        return b""
    if piece.startswith("."):
        # At the beginning of a line it would have to be doubled on the wire.
        return b"=2E=\r\n" + _encoded(piece[1:])
    whole = _lines(f"{piece}\n")
    return whole[:-2] if piece.endswith("\n") else whole[:-2] + b"=\r\n"


def _lines(text: str) -> bytes:
    return binascii.b2a_qp(text.replace("\n", "\r\n").encode("utf-8", "replace"), istext=True)
