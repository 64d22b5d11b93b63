"""Channel budgets: what does not fit goes by declared priority, and the message says that something is missing."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from livery.models.notification import ActionsBlock, Block, Notification

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

    Blocks of priority 100 are left out only if nothing else helps: before that, every text is shortened. The main
    link stays to the end, so that readers can go where all of it is.

    Args:
        notification: whose blocks they are.
        make: renders blocks, with so many characters for each text.
        fits: whether it is small enough.
        lengths: how long a text may be, and to what it is shortened in turn.

    """
    blocks = list(notification.blocks)
    link = way_out(blocks)
    dropped: list[str] = []
    longest, *shorter = lengths
    made = make(blocks, longest)
    while not fits(made) and (spare := [block for block in blocks if block.priority < KEPT and block != link]):
        least = min(reversed(spare), key=lambda block: block.priority)
        if link is not None and least.id == link.id:
            blocks[blocks.index(least)] = link
            dropped.append(f"block {least.id} left out but for its main link: the channel has no room for it")
        else:
            blocks.remove(least)
            dropped.append(f"block {least.id} left out: the channel has no room for it")
        made = make(blocks, longest)
    shortened: list[str] = []
    for length in shorter:
        if fits(made):
            return made, [*dropped, *shortened]
        made = make(blocks, length)
        shortened = [f"texts shortened to {length} characters: the channel has no room for more"]
    if not fits(made) and link is not None:
        made = make([link], lengths[-1])
        shortened = ["every block left out but for the main link: the channel has no room for them"]
    if not fits(made):
        made = make([], lengths[-1])
        shortened = ["every block left out: the channel has no room for them"]
    return made, [*dropped, *shortened]


def way_out(blocks: Sequence[Block]) -> ActionsBlock | None:
    """The main link to the web as a block of its own, with the id of the block it is from; None if there is none."""
    found = [
        (not action.primary, at, block, action)
        for block in blocks
        if isinstance(block, ActionsBlock)
        for at, action in enumerate(block.actions)
        if action.url.startswith(("https://", "http://"))
    ]
    if not found:
        return None
    _, _, block, action = min(found, key=lambda one: one[0])
    return block.model_copy(update={"actions": (action,)})
