"""Plain text: a channel of its own, and the fallback part of every richer format."""

from collections.abc import Iterable

from livery.channel import Limits
from livery.locales import one_line, shorten
from livery.models.event import Event
from livery.models.message import Format, Message
from livery.models.notification import (
    ActionsBlock,
    Block,
    DividerBlock,
    ErrorBlock,
    FactsBlock,
    ImageBlock,
    ListBlock,
    Notification,
    TextBlock,
)

RULE = "-" * 40


def text(notification: Notification, event: Event, limits: Limits) -> Message:
    """A plain text message; title first."""
    del event
    whole = f"{notification.title}\n\n{plain(notification)}"
    return Message(
        format=Format.TEXT,
        locale=notification.locale,
        title=one_line(notification.title, limits.title or 200),
        text=shorten(whole, limits.total or limits.text) if limits.total or limits.text else whole,
        degraded=notification.degraded,
    )


def plain(notification: Notification) -> str:
    """Every row of a notification as text, without its title."""
    parts = [
        notification.greeting,
        *(block_text(block) for block in notification.blocks),
        notification.closing,
    ]
    parts += [
        "\n".join(notification.signature),
        f"{RULE}\n{notification.footer}" if notification.footer else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def block_text(block: Block) -> str:
    """One block as text."""
    match block:
        case TextBlock():
            return _under(block.heading, [block.text])
        case ErrorBlock():
            lines = [*block.text.splitlines(), *([f"[{block.code}]"] if block.code else [])]
            return _under(block.heading, [f"    {line}" for line in lines])
        case FactsBlock():
            return _under(block.heading, [f"{fact.label}: {fact.value}" for fact in block.facts])
        case ListBlock():
            return _under(block.heading, [f"- {item}" for item in block.items])
        case ActionsBlock():
            return "\n".join(f"{action.label}: {action.url}" for action in block.actions)
        case ImageBlock():
            return block.alt
        case DividerBlock():
            return RULE


def _under(heading: str, lines: Iterable[str]) -> str:
    return "\n".join([*([heading] if heading else []), *lines])
