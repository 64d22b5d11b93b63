"""Channel budgets: what does not fit goes by declared priority, and the message says that something is missing."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from livery.models.notification import Block, Notification

_T = TypeVar("_T")
KEPT = 100


def within(
    notification: Notification, make: Callable[[Sequence[Block]], _T], fits: Callable[[_T], bool]
) -> tuple[_T, list[str]]:
    """Render all blocks; while it does not fit, leave out the block of lowest priority (the later of equals).

    Blocks of priority 100 are never left out; what is still too large is the caller's to shorten.
    """
    blocks = list(notification.blocks)
    dropped: list[str] = []
    made = make(blocks)
    while not fits(made):
        spare = [block for block in blocks if block.priority < KEPT]
        if not spare:
            break
        least = min(reversed(spare), key=lambda block: block.priority)
        blocks.remove(least)
        dropped.append(f"block {least.id} left out: the channel has no room for it")
        made = make(blocks)
    return made, dropped
