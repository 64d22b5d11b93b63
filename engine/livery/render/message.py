"""Render: a notification becomes the message of one channel's format, within the channel's limits."""

from collections.abc import Callable

from livery.channel import Limits
from livery.locales import one_line, shorten
from livery.models.event import Event
from livery.models.message import Format, Message
from livery.models.notification import Notification
from livery.packs.chain import PackChain


def render(notification: Notification, event: Event, packs: PackChain, *, wanted: Format, limits: Limits) -> Message:
    """The message of a notification in one format, within a channel's limits.

    Never fails for what a pack does or how long a text is: it falls back, drops by priority and shortens,
    and `degraded` says so.
    """
    if wanted is Format.EMAIL:
        return _email(notification, packs)
    return _renderer(wanted)(notification, event, limits)


def _email(notification: Notification, packs: PackChain) -> Message:
    from livery.render.email import email

    made = email(notification.model_dump(mode="json"), packs)
    return Message(
        format=Format.EMAIL,
        locale=notification.locale,
        title=made.title,
        text=made.text,
        html=made.html,
        degraded=made.degraded,
    )


def _text(notification: Notification, event: Event, limits: Limits) -> Message:
    from livery.render.text import plain

    del event
    whole = f"{notification.title}\n\n{plain(notification.model_dump(mode='json'))}"
    room = limits.total or limits.text
    return Message(
        format=Format.TEXT,
        locale=notification.locale,
        title=one_line(notification.title, limits.title or 200),
        text=shorten(whole, room) if room else whole,
        degraded=notification.degraded,
    )


def _renderer(wanted: Format) -> Callable[[Notification, Event, Limits], Message]:
    match wanted:
        case Format.BLOCK_KIT:
            from livery.render.block_kit import block_kit as renderer
        case Format.ADAPTIVE_CARD:
            from livery.render.adaptive_card import adaptive_card as renderer
        case Format.JSON:
            from livery.render.json import event_json as renderer
        case _:
            renderer = _text
    return renderer
