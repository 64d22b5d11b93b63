"""Slack's Block Kit. Limits: https://docs.slack.dev/reference/block-kit/blocks, and 13,200 characters a message."""

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
    Fact,
    FactsBlock,
    ImageBlock,
    ListBlock,
    Notification,
    TextBlock,
)
from livery.render.budget import within

_SECTION, _HEADER, _FIELD, _FIELDS, _BUTTON, _BUTTONS, _URL, _BLOCKS = 3000, 150, 2000, 10, 75, 25, 3000, 50
_WHOLE = 12_000
_QUOTE = 1500


def block_kit(notification: Notification, event: Event, limits: Limits) -> Message:
    """Blocks for an incoming webhook or `chat.postMessage`, with the plain text Slack shows in notifications."""
    del event
    room = limits.total or _WHOLE

    def make(blocks: Sequence[Block]) -> list[dict[str, Any]]:
        return list(_whole(notification, blocks))

    def fits(made: list[dict[str, Any]]) -> bool:
        return len(made) <= _BLOCKS and len(json.dumps(made, ensure_ascii=False)) <= room

    made, dropped = within(notification, make, fits)
    title = one_line(notification.title, 200)
    return Message(
        format=Format.BLOCK_KIT,
        locale=notification.locale,
        title=title,
        text=title,
        body={"text": escaped(title, _SECTION), "blocks": made[:_BLOCKS]},
        degraded=(*notification.degraded, *dropped),
    )


def escaped(text: str, limit: int) -> str:
    """Text in which nothing is a mention, a link or a channel: `&`, `<` and `>` as entities, within `limit`."""
    cut = limit
    while True:
        done = shorten(text, cut).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if len(done) <= limit:
            return done
        cut -= len(done) - limit


def _whole(notification: Notification, blocks: Sequence[Block]) -> Iterable[dict[str, Any]]:
    yield {"type": "header", "text": {"type": "plain_text", "text": one_line(notification.title, _HEADER)}}
    if notification.greeting:
        yield _section(notification.greeting)
    for block in blocks:
        yield from _block(block)
    if notification.closing:
        yield _section(notification.closing)
    small = [" ".join(notification.signature), notification.footer]
    elements = [_mrkdwn(text, _FIELD) for text in small if text]
    if elements:
        yield {"type": "context", "elements": elements}


def _block(block: Block) -> Iterable[dict[str, Any]]:
    match block:
        case TextBlock():
            yield _section(block.text, block.heading)
        case ErrorBlock():
            yield _error(block)
        case FactsBlock():
            yield from _facts(block)
        case ListBlock():
            yield _section("\n".join(f"• {item}" for item in block.items), block.heading)
        case ActionsBlock():
            yield from _actions(block)
        case ImageBlock():
            yield {"type": "image", "image_url": block.url, "alt_text": block.alt[:2000] or " "}
        case DividerBlock():
            yield {"type": "divider"}


def _error(block: ErrorBlock) -> dict[str, Any]:
    quoted = "\n".join(f">{escaped(line, _QUOTE)}" for line in shorten(block.text, _QUOTE).splitlines())
    code = f"\n>`{escaped(block.code.replace('`', ''), 200)}`" if block.code else ""
    return _raw(f"{_bold(block.heading)}{quoted}{code}"[:_SECTION])


def _facts(block: FactsBlock) -> Iterable[dict[str, Any]]:
    if block.heading:
        yield _raw(_bold(block.heading).strip())
    for at in range(0, len(block.facts), _FIELDS):
        pairs = block.facts[at : at + _FIELDS]
        texts = [f"*{escaped(fact.label, 200)}*\n{_value(fact)}" for fact in pairs]
        yield {"type": "section", "fields": [{"type": "mrkdwn", "text": text, "verbatim": True} for text in texts]}


def _value(fact: Fact) -> str:
    value = escaped(fact.value, 1000)
    return f"`{value.replace('`', '')}`" if fact.mono else value


def _actions(block: ActionsBlock) -> Iterable[dict[str, Any]]:
    buttons = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": one_line(action.label, _BUTTON)},
            "url": action.url,
            **({"style": "primary"} if action.primary else {}),
        }
        for action in block.actions[:_BUTTONS]
        if len(action.url) <= _URL and action.url.startswith(("https://", "http://"))
    ]
    if buttons:
        yield {"type": "actions", "elements": buttons}


def _bold(heading: str) -> str:
    return f"*{escaped(heading, 200)}*\n" if heading else ""


def _section(text: str, heading: str = "") -> dict[str, Any]:
    return _raw(_bold(heading) + escaped(text, _SECTION - 300))


def _raw(mrkdwn: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}}


def _mrkdwn(text: str, limit: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": escaped(text, limit), "verbatim": True}
