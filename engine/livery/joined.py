"""Texts that remember the pieces they were joined from. Imports nothing, so that anybody may import it."""

from collections.abc import Sequence
from typing import Self


class Joined(str):
    """A text, and its pieces: what a channel encoded of them for an earlier message, it need not encode again."""

    __slots__ = ("pieces",)
    pieces: Sequence[str]

    def __new__(cls, pieces: Sequence[str]) -> Self:
        """Join pieces."""
        joined = super().__new__(cls, "".join(pieces))
        joined.pieces = pieces
        return joined
