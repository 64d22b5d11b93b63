"""Slack messages drawn as Slack shows them, from their Block Kit JSON: https://docs.slack.dev/reference/block-kit.

What Slack would make of a text is shown as such: a mention or a link that an event text managed to become is seen.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from markupsafe import Markup

from livery.studio.marking import MAX_DEPTH, Plain, joined, lines, list_of, mark, picture, table_of, text_of

_FENCED = re.compile(r"```\n?(.*?)```", re.DOTALL)
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<angle>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<struck>[^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])"
)
_QUOTED = re.compile(r"(?:>|&gt;) ?")
_TAGS = {"bold": "b", "italic": "i", "struck": "s"}


def drawn(body: Plain, sender: str, *, remote: bool = False) -> Markup:
    """A whole message under its sender's name."""
    blocks = [_block(block, remote=remote) for block in list_of(body.get("blocks"))]
    if not blocks:
        blocks = [mark('<div class="sl-section" dir="auto">{}</div>', mrkdwn(text_of(body.get("text"))))]
    return mark(
        '<div class="sl"><div class="sl-face" aria-hidden="true">{}</div><div class="sl-body">'
        '<div class="sl-who"><b dir="auto">{}</b> <span class="sl-app">APP</span> <span>9:41 AM</span></div>'
        "{}</div></div>",
        (sender or "L")[0].upper(), sender or "Livery", joined(blocks),
    )  # fmt: skip


def mrkdwn(text: str, depth: int = 0) -> Markup:
    """Slack's markup as HTML."""
    parts = []
    at = 0
    for fence in _FENCED.finditer(text):
        parts += [_paragraphs(text[at : fence.start()], depth), mark("<pre>{}</pre>", _plain(fence[1]))]
        at = fence.end()
    return joined([*parts, _paragraphs(text[at:], depth)])


def _paragraphs(text: str, depth: int) -> Markup:
    """Lines, with neighbouring quoted ones in one quotation."""
    parts: list[Markup] = []
    quoted: list[Markup] = []
    for line in text.strip("\n").split("\n") if text else []:
        prefix = _QUOTED.match(line)
        if prefix:
            quoted.append(_inline(line[prefix.end() :], depth))
            continue
        if quoted:
            parts.append(_quotation(quoted))
            quoted = []
        parts.append(mark("{}<br>", _inline(line, depth)))
    return joined([*parts, _quotation(quoted) if quoted else Markup()])


def _quotation(quoted: list[Markup]) -> Markup:
    return mark('<div class="sl-quote" dir="auto">{}</div>', Markup("<br>").join(quoted))


def _inline(text: str, depth: int) -> Markup:
    if depth > MAX_DEPTH:
        return mark("{}", _plain(text))
    return joined(_spans(text, depth))


def _spans(text: str, depth: int) -> Iterator[Markup]:
    at = 0
    for found in _INLINE.finditer(text):
        yield mark("{}", _plain(text[at : found.start()]))
        kind, inside = str(found.lastgroup), found[str(found.lastgroup)]
        if kind == "code":
            yield mark("<code>{}</code>", _plain(inside))
        elif kind == "angle":
            yield _angle(inside)
        else:
            yield mark("<{0}>{1}</{0}>", _TAGS[kind], _inline(inside, depth + 1))
        at = found.end()
    yield mark("{}", _plain(text[at:]))


def _angle(inside: str) -> Markup:
    """What Slack makes of `<…>`: a mention of a person, a channel or everybody, a date, or a link."""
    target, _, label = inside.partition("|")
    if target[:1] in "@#!":
        special = target[1:].partition("^")[0]
        said = label or f"{'' if target[0] == '!' else target[0]}{special}"
        shown = said if target[0] != "!" or label else f"@{special}"
        return mark('<mark class="sl-mention">{}</mark>', _plain(shown))
    return mark('<span class="link" title="{}">{}</span>', _plain(target), _plain(label or target))


def _plain(text: str) -> str:
    """Text without Slack's escapes."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# --------------------------------------------------------------------------- blocks


def _block(block: Plain, *, remote: bool) -> Markup:
    draw = _BLOCKS.get(text_of(block.get("type")))
    if draw is None:
        return mark('<div class="undrawn">{} block: not drawn here</div>', text_of(block.get("type")) or "unknown")
    return draw(block, remote)


def _said(value: Any) -> Markup:
    """A text object: markup or plain."""
    found = table_of(value)
    text = text_of(found.get("text"))
    return mrkdwn(text) if found.get("type") == "mrkdwn" else lines(text)


def _header(block: Plain, _: bool) -> Markup:
    return mark('<div class="sl-header" dir="auto">{}</div>', _said(block.get("text")))


def _section(block: Plain, remote: bool) -> Markup:
    parts = []
    if block.get("text"):
        parts.append(mark('<div class="sl-text" dir="auto">{}</div>', _said(block["text"])))
    if fields := list_of(block.get("fields")):
        cells = joined(mark('<div dir="auto">{}</div>', _said(one)) for one in fields)
        parts.append(mark('<div class="sl-fields">{}</div>', cells))
    beside = table_of(block.get("accessory"))
    side = mark('<div class="sl-beside">{}</div>', _element(beside, remote)) if beside else Markup()
    return mark('<div class="sl-section"><div>{}</div>{}</div>', joined(parts), side)


def _context(block: Plain, remote: bool) -> Markup:
    parts = [
        _element(one, remote) if one.get("type") == "image" else mark('<span dir="auto">{}</span>', _said(one))
        for one in list_of(block.get("elements"))
    ]
    return mark('<div class="sl-context">{}</div>', joined(parts))


def _actions(block: Plain, remote: bool) -> Markup:
    elements = joined(_element(one, remote) for one in list_of(block.get("elements")))
    return mark('<div class="sl-actions">{}</div>', elements)


def _image(block: Plain, remote: bool) -> Markup:
    title = table_of(block.get("title"))
    above = mark('<div class="sl-caption" dir="auto">{}</div>', _said(title)) if title else Markup()
    url, alt = text_of(block.get("image_url")), text_of(block.get("alt_text"))
    return mark('<div class="sl-image">{}{}</div>', above, picture(url, alt, remote=remote))


def _divider(_: Plain, __: bool) -> Markup:
    return Markup('<hr class="sl-divider">')


def _element(element: Plain, remote: bool) -> Markup:
    match element.get("type"):
        case "button":
            style = text_of(element.get("style"))
            extra = f" {style}" if style in ("primary", "danger") else ""
            said, url = _said(element.get("text")), text_of(element.get("url"))
            return mark('<span class="sl-button{}" title="{}" dir="auto">{}</span>', extra, url, said)
        case "image":
            return picture(text_of(element.get("image_url")), text_of(element.get("alt_text")), remote=remote)
        case other:
            return mark('<span class="undrawn">{}: not drawn here</span>', text_of(other) or "unknown")


def _rich_text(block: Plain, _: bool) -> Markup:
    return mark('<div class="sl-text" dir="auto">{}</div>', joined(map(_rich, list_of(block.get("elements")))))


def _rich(part: Plain, depth: int = 0) -> Markup:
    if depth > MAX_DEPTH:
        return Markup()
    inside = list_of(part.get("elements"))
    match part.get("type"):
        case "rich_text_list":
            items = joined(mark("<li>{}</li>", _rich(one, depth + 1)) for one in inside)
            return mark("<ol>{}</ol>" if part.get("style") == "ordered" else "<ul>{}</ul>", items)
        case "rich_text_quote":
            return mark('<div class="sl-quote">{}</div>', joined(map(_run, inside)))
        case "rich_text_preformatted":
            return mark("<pre>{}</pre>", joined(map(_run, inside)))
        case _:
            return mark("<div>{}</div>", joined(map(_run, inside)))


def _run(run: Plain) -> Markup:
    text, style = text_of(run.get("text")), table_of(run.get("style"))
    if run.get("type") == "link":
        url = text_of(run.get("url"))
        return mark('<span class="link" title="{}">{}</span>', url, text or url)
    if run.get("type") in ("user", "channel", "usergroup", "broadcast"):
        who = text_of(run.get("range")) or text_of(run.get(f"{run['type']}_id"))
        return mark('<mark class="sl-mention">@{}</mark>', who)
    made = lines(text) if run.get("type") == "text" else mark(":{}:", text_of(run.get("name")))
    for name, tag in (("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "code")):
        made = mark("<{0}>{1}</{0}>", tag, made) if style.get(name) else made
    return made


_BLOCKS: dict[str, Callable[[Plain, bool], Markup]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "divider": _divider,
    "rich_text": _rich_text,
}
