"""One filling of a compiled template: what it reads, what it writes, and what is left of its budget."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_STEPS = 200_000
MAX_OUTPUT = 1024 * 1024
PURSE = ""
"""A root no template can name: for each pack the `[steps]` its texts share. Without it, each has `MAX_STEPS`."""
MAX_BLANKS = 64 * 1024


def purses(packs: Sequence[str]) -> dict[str, list[int]]:
    """A purse for each pack, and one for what is nobody's.

    Each has its own, so that a pack that spends too much is out of words alone, and what its parents say stands.
    """
    share = MAX_STEPS // max(len(packs), 1)
    return {pack: [share] for pack in ("", *packs)}


class FillError(Exception):
    """A compiled template cannot be filled with this event; the text says why, without the event's values."""


class Filling:
    """One filling: the data, the loops being gone through, what is written, and what is left of the budget."""

    __slots__ = ("blank", "kept", "loops", "out", "purse", "room", "roots", "steps", "turn")

    def __init__(self, roots: Mapping[str, Any], payer: str = "") -> None:
        self.roots = roots
        purses = roots.get(PURSE)
        self.purse = purses.get(payer, purses[""]) if purses is not None else None
        self.loops: dict[int, tuple[Any, int, int]] = {}
        self.kept: dict[int, tuple[int, Any]] = {}
        self.turn = 0
        self.out: list[str] = []
        self.steps = MAX_STEPS if self.purse is None else self.purse[0]
        self.room = MAX_OUTPUT
        self.blank: str | None = None
        """In HTML: the blanks since the last tag; None once there is more than blanks."""

    def spend(self, steps: int = 1) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise FillError("too many steps; a loop inside a loop goes through too much")

    def weigh(self, value: Any) -> None:
        """Spend what it takes to go through all of a value, down to its last part."""
        pile = [value]
        while pile:
            one = pile.pop()
            if isinstance(one, str):
                self.spend(1 + (len(one) >> 5))
            else:
                self.spend()
                if isinstance(one, list | tuple):
                    self.spend(len(one) >> 6)
                    pile.extend(one)
                elif isinstance(one, dict):
                    pile.extend((*one, *one.values()))

    def settle(self) -> None:
        """Hand back to the purse what is left."""
        if self.purse is not None:
            self.purse[0] = self.steps

    def look_after(self, since: int) -> None:
        """Take what was written since a place in `out` off the room there is."""
        self.room -= sum(map(len, self.out[since:]))
        if self.room < 0:
            raise FillError(f"more than {MAX_OUTPUT // 1024} KiB of output")


Node = str | list[Any]
Expression = Callable[[Filling], Any]
Step = Callable[[Filling], None]

LOOP: Mapping[str, Callable[[int, int], Any]] = {
    "index": lambda at, _: at + 1,
    "index0": lambda at, _: at,
    "revindex": lambda at, count: count - at,
    "revindex0": lambda at, count: count - at - 1,
    "first": lambda at, _: at == 0,
    "last": lambda at, count: at == count - 1,
    "length": lambda _, count: count,
}
"""What `loop` has, from the position and the number of items."""


def write_text(out: list[str], blank: str | None, text: str) -> str | None:
    """Write text of HTML that follows blanks since a tag, or None; return what is so then."""
    if blank is None:
        out.append(text)
        return None
    whole = blank + text if blank else text
    if not whole or whole.isspace():
        if len(whole) > MAX_BLANKS:
            raise FillError(f"more than {MAX_BLANKS // 1024} KiB of blanks")
        return whole
    out.append(whole)
    return None
