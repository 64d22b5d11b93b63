"""Channel budgets: what does not fit goes by declared priority, and the message says that something is missing."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from livery.models.notification import Block, Notification

_T = TypeVar("_T")
Own = Callable[[Block, int], Any]
"""A block as the pack itself shows it, with so many characters for each text; None: as the channel does."""
KEPT = 100


def within(
    notification: Notification,
    make: Callable[[Sequence[Block], int], _T],
    fits: Callable[[_T], bool],
    lengths: Sequence[int],
) -> tuple[_T, list[str]]:
    """Render all blocks; while it does not fit, leave out the block of lowest priority (the later of equals).

    Blocks of priority 100 are left out only if nothing else helps: before that, every text is shortened.

    Args:
        notification: whose blocks they are.
        make: renders blocks, with so many characters for each text.
        fits: whether it is small enough.
        lengths: how long a text may be, and to what it is shortened in turn.

    """
    blocks = list(notification.blocks)
    dropped: list[str] = []
    longest, *shorter = lengths
    made = make(blocks, longest)
    while not fits(made) and (spare := [block for block in blocks if block.priority < KEPT]):
        least = min(reversed(spare), key=lambda block: block.priority)
        blocks.remove(least)
        dropped.append(f"block {least.id} left out: the channel has no room for it")
        made = make(blocks, longest)
    shortened: list[str] = []
    for length in shorter:
        if fits(made):
            return made, [*dropped, *shortened]
        made = make(blocks, length)
        shortened = [f"texts shortened to {length} characters: the channel has no room for more"]
    if not fits(made):
        made = make([], lengths[-1])
        shortened = ["every block left out: the channel has no room for them"]
    return made, [*dropped, *shortened]
