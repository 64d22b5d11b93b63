"""Adaptive Card 1.4 (1.5 where the text runs right to left) for a Teams Workflows webhook.

Event text goes into TextRun, which knows no Markdown: nothing in it becomes a link, and without `entities`
nothing becomes a mention. Teams refuses messages from 28 KB; others saw 413 from 21 KB on, so 24 KB is planned.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

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
from livery.render.budget import within

_WHOLE = 24_000
_TEXT = 2500
_SMALL = 500


def adaptive_card(notification: Notification, event: Event, limits: Limits) -> Message:
    """The message a Workflows webhook takes: one card as its only attachment."""
    del event
    room = limits.total or _WHOLE

    def make(blocks: Sequence[Block]) -> dict[str, Any]:
        return _envelope(_card(notification, blocks))

    made, dropped = within(notification, make, lambda whole: _size(whole) <= room)
    if _size(made) > room:
        made = _envelope(_card(notification, [], shorten(notification.title, _SMALL)))
        dropped.append("every block left out: the channel has no room for them")
    return Message(
        format=Format.ADAPTIVE_CARD,
        locale=notification.locale,
        title=one_line(notification.title, 200),
        text=one_line(notification.title, 200),
        body=made,
        degraded=(*notification.degraded, *dropped),
    )


def _size(message: dict[str, Any]) -> int:
    return len(json.dumps(message, ensure_ascii=False).encode())


def _envelope(card: dict[str, Any]) -> dict[str, Any]:
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _card(notification: Notification, blocks: Sequence[Block], title: str = "") -> dict[str, Any]:
    rtl = notification.direction == "rtl"
    body: list[dict[str, Any]] = [_text(title or notification.title, size="Large", weight="Bolder")]
    if notification.greeting:
        body.append(_text(notification.greeting))
    body += [element for block in blocks for element in _block(block)]
    if notification.closing:
        body.append(_text(notification.closing))
    body += [_text(line, spacing="None" if number else "Medium") for number, line in enumerate(notification.signature)]
    if notification.footer:
        body.append(_text(notification.footer, size="Small", subtle=True))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5" if rtl else "1.4",
        "lang": notification.locale,
        "fallbackText": one_line(notification.title, _SMALL),
        "msteams": {"width": "Full"},
        "body": body,
    }
    actions = [
        {"type": "Action.OpenUrl", "title": one_line(one.label, 80), "url": one.url}
        for block in blocks
        if isinstance(block, ActionsBlock)
        for one in block.actions[:6]
        if one.url.startswith(("https://", "http://"))
    ]
    if actions:
        card["actions"] = actions
    if rtl:
        card["rtl"] = True
    return card


def _text(text: str, *, limit: int = _TEXT, spacing: str = "Default", **style: Any) -> dict[str, Any]:
    styled = {("isSubtle" if key == "subtle" else key): value for key, value in style.items()}
    run = {"type": "TextRun", "text": shorten(text, limit), **styled}
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": [run]}


def _heading(heading: str) -> list[dict[str, Any]]:
    return [_text(heading, limit=_SMALL, spacing="Medium", weight="Bolder")] if heading else []


def _block(block: Block) -> Iterable[dict[str, Any]]:
    match block:
        case TextBlock():
            yield from _heading(block.heading)
            yield from (_text(line) for line in block.text.split("\n\n"))
        case ErrorBlock():
            code = (
                [_text(block.code, limit=_SMALL, spacing="Small", fontType="Monospace", subtle=True)]
                if block.code
                else []
            )
            inside = [*_heading(block.heading), _text(block.text, spacing="Small"), *code]
            yield {"type": "Container", "style": "attention", "items": inside, "spacing": "Medium"}
        case FactsBlock():
            yield from _heading(block.heading)
            for fact in block.facts:
                mono = {"fontType": "Monospace"} if fact.mono else {}
                label = {
                    "type": "Column",
                    "width": 1,
                    "items": [_text(fact.label, limit=_SMALL, subtle=True)],
                }
                value = {"type": "Column", "width": 2, "items": [_text(fact.value, limit=_SMALL, **mono)]}
                yield {"type": "ColumnSet", "spacing": "Small", "columns": [label, value]}
        case ListBlock():
            yield from _heading(block.heading)
            yield from (_text(f"• {item}", limit=_SMALL, spacing="Small") for item in block.items)
        case ImageBlock():
            yield {"type": "Image", "url": block.url, "altText": shorten(block.alt, _SMALL)}
        case DividerBlock():
            yield {"type": "Container", "separator": True, "items": []}
        case ActionsBlock():
            return
