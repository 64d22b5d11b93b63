"""What an SMTP server says, read from its bytes within bounds (RFC 5321 §4.2)."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])([^\r\n]*))?\r?\n?")
MAX_LINE = 2048
"""Bytes of one line; RFC 5321 §4.5.3.1.5 allows 512."""
_NO_SENSE = "the server's answer makes no sense"
MAX_LINES = 100
"""Lines of one reply."""


class Garbled(Exception):
    """What came is no reply. `before` holds those that came whole before it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.before: Sequence[Reply] = ()


class Reply(NamedTuple):
    """One reply; `lines` are its texts, without the code."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it on one line."""
        return _on_one_line(self.lines)


class Reader:
    """Puts replies together from whatever pieces they come in. Holds at most one unfinished line and reply."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []
        self._code = 0

    @property
    def is_amid(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> Sequence[Reply]:
        """The replies that end in `data`.

        Raises:
            Garbled: it is no reply, or it is longer than any sensible one.

        """
        *whole, self._rest = (self._rest + data).split(b"\n")
        replies: list[Reply] = []
        try:
            self._put_together(whole, replies)
            if len(self._rest) > MAX_LINE:
                raise Garbled("a line without end")  # noqa: TRY301 - as those of the other lines
        except Garbled as garbled:
            garbled.before = replies
            raise
        return replies

    def _put_together(self, whole: Sequence[bytes], replies: list[Reply]) -> None:
        for line in whole:
            reply, is_last = _read(line)
            if is_last and not self._lines:
                replies.append(reply)
                continue
            if self._lines and reply.code != self._code:
                raise Garbled(_NO_SENSE)
            self._code = reply.code
            self._lines += reply.lines
            if is_last:
                replies.append(Reply(self._code, tuple(self._lines)))
                self._lines = []
            elif len(self._lines) > MAX_LINES:
                raise Garbled("an answer without end")


@lru_cache(maxsize=256)
def _on_one_line(lines: tuple[str, ...]) -> str:
    return " ".join(" ".join(lines).split())


@lru_cache(maxsize=256)
def _read(line: bytes) -> tuple[Reply, bool]:
    """What one line says, and whether its reply ends with it; servers say the same again and again."""
    found = _LINE.fullmatch(line) if len(line) <= MAX_LINE else None
    if found is None:
        raise Garbled(_NO_SENSE)
    return Reply(int(found[1]), (_readable((found[3] or b"").decode("utf-8", "replace")),)), found[2] != b"-"


def as_shown(text: str) -> str:
    """A text as it stands in `Reply.text` if a server quotes it."""
    return _on_one_line((_readable(text),))


def _readable(text: str) -> str:
    """Without what moves a cursor, or cannot be stored."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
