"""Renderers over one model: e-mail, Block Kit, Adaptive Card, plain text, JSON.

`render` is the step; each module renders one format. A new channel picks a format and needs no pack work.
"""

from collections.abc import Callable

from livery.channel import Limits
from livery.models.event import Event
from livery.models.message import Format, Message
from livery.models.notification import Notification
from livery.packs.chain import PackChain


def render(notification: Notification, event: Event, packs: PackChain, *, format: Format, limits: Limits) -> Message:  # noqa: A002
    """The message of a notification in one format, within a channel's limits.

    Never fails for what a pack does or how long a text is: it falls back, drops by priority and shortens,
    and `degraded` says so.
    """
    if format is Format.EMAIL:
        from livery.render.email import email

        return email(notification, packs)
    return _renderer(format)(notification, event, limits)


def _renderer(format: Format) -> Callable[[Notification, Event, Limits], Message]:  # noqa: A002
    match format:
        case Format.BLOCK_KIT:
            from livery.render.block_kit import block_kit as renderer
        case Format.ADAPTIVE_CARD:
            from livery.render.adaptive_card import adaptive_card as renderer
        case Format.JSON:
            from livery.render.json import event_json as renderer
        case _:
            from livery.render.text import text as renderer
    return renderer
