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
from livery.render.budget import Own, within

_WHOLE = 24_000
_SMALL, _BUTTONS = 500, 6
_LENGTHS = (2500, 1000, 400, 150, 60, 20)


def adaptive_card(notification: Notification, event: Event, limits: Limits, own: Own = lambda *_: None) -> Message:
    """The message a Workflows webhook takes: one card as its only attachment."""
    del event
    room = limits.total or _WHOLE
    cut: list[str] = []

    def make(blocks: Sequence[Block], length: int) -> dict[str, Any]:
        cut[:] = [
            f"block {block.id} shortened: the channel has no room for more"
            for block in blocks
            if _is_cut(block, own, length)
        ]
        return _envelope(_card(notification, blocks, length, own))

    made, dropped = within(notification, make, lambda whole: _size(whole) <= room, _LENGTHS)
    return Message(
        format=Format.ADAPTIVE_CARD,
        locale=notification.locale,
        title=one_line(notification.title, 200),
        text=one_line(notification.title, 200),
        body=made,
        degraded=(*notification.degraded, *dropped, *cut),
    )


def _size(message: dict[str, Any]) -> int:
    return len(json.dumps(message, ensure_ascii=False).encode())


def _envelope(card: dict[str, Any]) -> dict[str, Any]:
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _card(notification: Notification, blocks: Sequence[Block], length: int, own: Own) -> dict[str, Any]:
    rtl = notification.direction == "rtl"
    body: list[dict[str, Any]] = [_text(notification.title, min(_SMALL, length), size="Large", weight="Bolder")]
    if notification.greeting:
        body.append(_text(notification.greeting, length))
    for block in blocks:
        mine = own(block, length)
        body += _block(block, length) if mine is None else mine
    if notification.closing:
        body.append(_text(notification.closing, length))
    body += [
        _text(line, min(_SMALL, length), spacing="None" if number else "Medium")
        for number, line in enumerate(notification.signature)
    ]
    if notification.footer:
        body.append(_text(notification.footer, min(_SMALL, length), size="Small", subtle=True))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5" if rtl else "1.4",
        "lang": notification.locale,
        "fallbackText": notification.event_type,  # may be read as Markdown, so nothing of the event
        "msteams": {"width": "Full"},
        "body": body,
    }
    actions = [
        {"type": "Action.OpenUrl", "title": one_line(one.label, 80) or one_line(one.url, 80), "url": one.url}
        for block in blocks
        if isinstance(block, ActionsBlock)
        for one in block.actions[:_BUTTONS]
        if one.url.startswith(("https://", "http://"))
    ]
    if actions:
        card["actions"] = actions
    if rtl:
        card["rtl"] = True
    return card


def _text(text: str, length: int, *, spacing: str = "Default", **style: Any) -> dict[str, Any]:
    styled = {("isSubtle" if key == "subtle" else key): value for key, value in style.items()}
    run = {"type": "TextRun", "text": shorten(text, length), **styled}
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": [run]}


def _heading(heading: str, length: int) -> list[dict[str, Any]]:
    return [_text(heading, length, spacing="Medium", weight="Bolder")] if heading else []


def _is_cut(block: Block, own: Own, length: int) -> bool:
    """Whether more of a block is left out than `length` asks for."""
    if length != _LENGTHS[0] or own(block, length) is not None:
        return False
    match block:
        case TextBlock():
            return len(block.text) > length
        case ErrorBlock():
            return len(block.text) > length or len(block.code) > _SMALL
        case FactsBlock():
            return any(len(text) > _SMALL for fact in block.facts for text in (fact.label, fact.value))
        case ListBlock():
            return any(len(item) + 2 > _SMALL for item in block.items)
        case ActionsBlock():
            return len(block.actions) > _BUTTONS
        case _:
            return False


def _block(block: Block, length: int) -> Iterable[dict[str, Any]]:
    small = min(_SMALL, length)
    match block:
        case TextBlock():
            yield from _heading(block.heading, small)
            yield from (_text(part, length) for part in shorten(block.text, length).split("\n\n") if part.strip())
        case ErrorBlock():
            code = [_text(block.code, small, spacing="Small", fontType="Monospace", subtle=True)] if block.code else []
            inside = [*_heading(block.heading, small), _text(block.text, length, spacing="Small"), *code]
            yield {"type": "Container", "style": "attention", "items": inside, "spacing": "Medium"}
        case FactsBlock():
            yield from _heading(block.heading, small)
            for fact in block.facts:
                mono = {"fontType": "Monospace"} if fact.mono else {}
                label = {"type": "Column", "width": 1, "items": [_text(fact.label, small, subtle=True)]}
                value = {"type": "Column", "width": 2, "items": [_text(fact.value, small, **mono)]}
                yield {"type": "ColumnSet", "spacing": "Small", "columns": [label, value]}
        case ListBlock():
            yield from _heading(block.heading, small)
            yield from (_text(f"• {item}", small, spacing="Small") for item in block.items)
        case ImageBlock() if block.url.startswith(("https://", "http://")):
            yield {"type": "Image", "url": block.url, "altText": shorten(block.alt, small)}
        case DividerBlock():
            yield {"type": "Container", "separator": True, "items": []}
        case _:
            return
