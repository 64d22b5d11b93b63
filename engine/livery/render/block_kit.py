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
from livery.render.budget import Own, within

_SECTION, _HEADER, _FIELD, _FIELDS, _BUTTON, _BUTTONS, _URL, _BLOCKS = 3000, 150, 2000, 10, 75, 25, 3000, 50
_WHOLE = 12_000
_QUOTE, _VALUE, _SMALL = 1500, 1000, 200
_LENGTHS = (2700, 1200, 500, 200, 80, 30)


def block_kit(notification: Notification, event: Event, limits: Limits, own: Own = lambda *_: None) -> Message:
    """Blocks for an incoming webhook or `chat.postMessage`, with the plain text Slack shows in notifications."""
    del event
    room = limits.total or _WHOLE

    title = one_line(notification.title, 200)
    cut: list[str] = []

    def make(blocks: Sequence[Block], length: int) -> dict[str, Any]:
        cut[:] = [
            f"block {block.id} shortened: the channel has no room for more"
            for block in blocks
            if _is_cut(block, own, length)
        ]
        return {"text": escaped(title, _SECTION), "blocks": list(_whole(notification, blocks, length, own))}

    def fits(made: dict[str, Any]) -> bool:
        return len(made["blocks"]) <= _BLOCKS and len(json.dumps(made, ensure_ascii=False)) <= room

    made, dropped = within(notification, make, fits, _LENGTHS)
    return Message(
        format=Format.BLOCK_KIT,
        locale=notification.locale,
        title=title,
        text=title,
        body={**made, "blocks": made["blocks"][:_BLOCKS]},
        degraded=(*notification.degraded, *dropped, *cut),
    )


def escaped(text: str, limit: int, *, quote: str = "") -> str:
    """Text in which nothing is a mention, a link or a channel: `&`, `<` and `>` as entities, within `limit`.

    Args:
        text: as somebody wrote it.
        limit: characters of what comes back.
        quote: what each line begins with.

    """
    cut = limit
    while True:
        done = shorten(text, cut).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if quote:
            done = "\n".join(f"{quote}{line}" for line in done.splitlines())
        if len(done) <= limit:
            return done
        cut = min(cut - 1, cut * limit // len(done))


def _whole(notification: Notification, blocks: Sequence[Block], length: int, own: Own) -> Iterable[dict[str, Any]]:
    yield {
        "type": "header",
        "text": {"type": "plain_text", "text": shorten(" ".join(notification.title.split()), _HEADER)},
    }
    yield from _section(notification.greeting, length)
    for block in blocks:
        mine = own(block, length)
        yield from (_block(block, length) if mine is None else mine)
    yield from _section(notification.closing, length)
    small = [" ".join(notification.signature), notification.footer]
    elements = [_mrkdwn(text, min(_FIELD, length)) for text in small if text.strip()]
    if elements:
        yield {"type": "context", "elements": elements}


def _block(block: Block, length: int) -> Iterable[dict[str, Any]]:
    match block:
        case TextBlock():
            yield from _section(block.text, length, block.heading)
        case ErrorBlock():
            yield from _error(block, length)
        case FactsBlock():
            yield from _facts(block, length)
        case ListBlock():
            yield from _section("\n".join(f"• {item}" for item in block.items), length, block.heading)
        case ActionsBlock():
            yield from _actions(block)
        case ImageBlock() if _is_web(block.url):
            yield {"type": "image", "image_url": block.url, "alt_text": block.alt[:2000] or " "}
        case DividerBlock():
            yield {"type": "divider"}
        case _:
            return


def _is_cut(block: Block, own: Own, length: int) -> bool:
    """Whether more of a block is left out than `length` asks for."""
    if length != _LENGTHS[0] or own(block, length) is not None:
        return False
    match block:
        case TextBlock():
            return _is_over(block.text, length)
        case ErrorBlock():
            return _is_over(block.text, _QUOTE, quote=">") or _is_over(block.code, _SMALL)
        case FactsBlock():
            return any(_is_over(fact.label, _SMALL) or _is_over(fact.value, _VALUE) for fact in block.facts)
        case ListBlock():
            return _is_over("\n".join(f"• {item}" for item in block.items), length)
        case ActionsBlock():
            return len(block.actions) > _BUTTONS
        case _:
            return False


def _is_over(text: str, limit: int, *, quote: str = "") -> bool:
    return escaped(text, limit, quote=quote) != escaped(text, 10 * len(text) + limit, quote=quote)


def _error(block: ErrorBlock, length: int) -> Iterable[dict[str, Any]]:
    code = f"\n>`{escaped(block.code.replace('`', ''), min(_SMALL, length))}`" if block.code else ""
    yield from _raw(f"{_bold(block.heading, length)}{escaped(block.text, min(_QUOTE, length), quote='>')}{code}")


def _facts(block: FactsBlock, length: int) -> Iterable[dict[str, Any]]:
    yield from _raw(_bold(block.heading, length))
    facts = [fact for fact in block.facts if fact.label.strip() or fact.value.strip()]
    for at in range(0, len(facts), _FIELDS):
        texts = [f"{_bold(fact.label, length)}{_value(fact, length)}" for fact in facts[at : at + _FIELDS]]
        yield {"type": "section", "fields": [{"type": "mrkdwn", "text": text, "verbatim": True} for text in texts]}


def _value(fact: Fact, length: int) -> str:
    value = escaped(fact.value, min(_VALUE, length))
    return f"`{value.replace('`', '')}`" if fact.mono else value


def _actions(block: ActionsBlock) -> Iterable[dict[str, Any]]:
    buttons = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": one_line(action.label, _BUTTON) or one_line(action.url, _BUTTON)},
            "url": action.url,
            **({"style": "primary"} if action.primary else {}),
        }
        for action in block.actions[:_BUTTONS]
        if _is_web(action.url)
    ]
    if buttons:
        yield {"type": "actions", "elements": buttons}


def _is_web(url: str) -> bool:
    return len(url) <= _URL and url.startswith(("https://", "http://"))


def _bold(heading: str, length: int) -> str:
    return f"*{escaped(heading, min(_SMALL, length))}*\n" if heading.strip() else ""


def _section(text: str, length: int, heading: str = "") -> Iterable[dict[str, Any]]:
    yield from _raw(_bold(heading, length) + escaped(text, length))


def _raw(mrkdwn: str) -> Iterable[dict[str, Any]]:
    """A section of Slack's markup; nothing if it is blank, for Slack refuses that."""
    if mrkdwn.strip():
        yield {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn.strip("\n"), "verbatim": True}}


def _mrkdwn(text: str, limit: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": escaped(text, limit), "verbatim": True}
