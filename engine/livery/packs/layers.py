"""Layers of packs as templates see them: the nearest file wins, and `parent:` reaches past it."""

from collections.abc import Iterable, Iterator
from typing import Generic, Self, TypeVar

from livery.packs.source import Files

PARENT = "parent:"
_F = TypeVar("_F", bound=Files)


class Layers(Generic[_F]):
    """A pack, its parent, and so on to the base; the first that has something wins."""

    def __init__(self, packs: Iterable[_F]) -> None:
        self.packs = tuple(packs)

    @property
    def top(self) -> _F:
        return self.packs[0]

    def without_top(self) -> Self | None:
        """The layers as the parent sees them; None for the base."""
        return type(self)(self.packs[1:]) if len(self.packs) > 1 else None

    def files(self, path: str) -> Iterator[tuple[_F, str]]:
        """Every pack that has a file, nearest first, with its text."""
        for pack in self.packs:
            text = pack.read(path)
            if text is not None:
                yield pack, text

    def nearest(self, path: str) -> str | None:
        """The full name (`<pack>!<path>`) of the nearest file; None if no pack has it."""
        return next((f"{pack.id}!{path}" for pack, _ in self.files(path)), None)
