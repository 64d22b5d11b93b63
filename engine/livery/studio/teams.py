"""Teams messages drawn as Teams shows them, from their Adaptive Card JSON: https://adaptivecards.io/explorer."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from markupsafe import Markup

from livery.studio.marking import MAX_DEPTH, Plain, joined, lines, list_of, mark, picture, table_of, text_of

_STYLES = ("default", "emphasis", "good", "attention", "warning", "accent")
_COLOURS = ("default", "dark", "light", "accent", "good", "warning", "attention")
_SIZES = ("small", "default", "medium", "large", "extralarge")
_GAPS = ("none", "small", "default", "medium", "large", "extralarge", "padding")
_SIDES = ("left", "center", "right")
_MARKDOWN = re.compile(
    r"\*\*(?P<bold>[^*\n]+)\*\*|__(?P<bolder>[^_\n]+)__|(?<!\w)[*_](?P<italic>[^*_\n]+)[*_](?!\w)"
    r"|\[(?P<label>[^\[\]\n]+)\]\((?P<url>[^()\s]+)\)"
)


def drawn(body: Plain, sender: str, *, remote: bool = False) -> Markup:
    """A whole message: its cards, under the workflow's name that posts them."""
    cards = [table_of(one.get("content")) for one in list_of(body.get("attachments"))]
    if body.get("type") == "AdaptiveCard":
        cards = [body]
    made = joined(_card(card, remote) for card in cards)
    return mark(
        '<div class="tm"><div class="tm-face" aria-hidden="true">{}</div><div class="tm-body">'
        '<div class="tm-who"><span dir="auto">{} via Workflows</span> <small>9:41</small></div>{}</div></div>',
        (sender or "W")[0].upper(), sender or "Livery", made,
    )  # fmt: skip


def _card(card: Plain, remote: bool) -> Markup:
    way = "rtl" if card.get("rtl") is True else "ltr"
    actions = _buttons(card.get("actions"))
    return mark('<div class="tm-card" dir="{}">{}{}</div>', way, _all(card.get("body"), remote), actions)


def _all(elements: Any, remote: bool, depth: int = 0) -> Markup:
    if depth > MAX_DEPTH:
        return Markup('<div class="undrawn">nested too deeply: not drawn here</div>')
    return joined(_element(one, remote, depth) for one in list_of(elements) if one.get("isVisible", True) is not False)


def _element(element: Plain, remote: bool, depth: int) -> Markup:
    kind = text_of(element.get("type"))
    draw = _ELEMENTS.get(kind)
    if draw is None:
        inside = mark('<div class="undrawn">{}: not drawn here</div>', kind or "unknown element")
    else:
        inside = draw(element, remote, depth)
    line = " tm-line" if element.get("separator") is True else ""
    gap, side = _word(element, "spacing", _GAPS), _word(element, "horizontalAlignment", _SIDES, "start")
    return mark('<div class="tm-el tm-gap-{}{} tm-{}">{}</div>', gap, line, side, inside)


def _word(element: Plain, key: str, known: tuple[str, ...], otherwise: str = "default") -> str:
    """The value of a property, if it is one of those there are: it becomes a class."""
    value = text_of(element.get(key)).lower()
    return value if value in known else otherwise


def _look(run: Plain) -> str:
    """The classes of a text."""
    names = [f"tm-size-{_word(run, 'size', _SIZES)}", f"tm-color-{_word(run, 'color', _COLOURS)}"]
    flags = {
        "tm-bold": run.get("weight") == "Bolder",
        "tm-light": run.get("weight") == "Lighter",
        "tm-subtle": run.get("isSubtle") is True,
        "tm-mono": text_of(run.get("fontType")).lower() == "monospace",
        "tm-italic": run.get("italic") is True,
        "tm-struck": run.get("strikethrough") is True,
    }
    return " ".join([*names, *(name for name, is_on in flags.items() if is_on)])


def _text_block(element: Plain, _: bool, __: int) -> Markup:
    wraps = "" if element.get("wrap") is True else " tm-nowrap"
    text = Markup("<br>").join(joined(_markdown(line)) for line in text_of(element.get("text")).split("\n"))
    return mark('<div class="{}{}">{}</div>', _look(element), wraps, text)


def _markdown(text: str) -> Iterator[Markup]:
    """The part of Markdown that Teams draws in a TextBlock."""
    at = 0
    for found in _MARKDOWN.finditer(text):
        yield mark("{}", text[at : found.start()])
        if found["url"]:
            yield mark('<span class="link" title="{}">{}</span>', found["url"], found["label"])
        elif found["italic"]:
            yield mark("<i>{}</i>", found["italic"])
        else:
            yield mark("<b>{}</b>", found["bold"] or found["bolder"])
        at = found.end()
    yield mark("{}", text[at:])


def _rich_text(element: Plain, _: bool, __: int) -> Markup:
    inlines = element.get("inlines")
    runs = [one if isinstance(one, dict) else {"text": one} for one in inlines] if isinstance(inlines, list) else []
    spans = joined(mark('<span class="{}">{}</span>', _look(run), lines(text_of(run.get("text")))) for run in runs)
    return mark("<div>{}</div>", spans)


def _container(element: Plain, remote: bool, depth: int) -> Markup:
    style = _word(element, "style", _STYLES)
    return mark('<div class="tm-box tm-style-{}">{}</div>', style, _all(element.get("items"), remote, depth + 1))


def _columns(element: Plain, remote: bool, depth: int) -> Markup:
    made = []
    for column in list_of(element.get("columns")):
        flex = _width(column.get("width"))
        inside = _all(column.get("items"), remote, depth + 1)
        made.append(
            mark(
                '<div class="tm-column tm-style-{}" style="flex:{}">{}</div>',
                _word(column, "style", _STYLES),
                flex,
                inside,
            )
        )
    return mark('<div class="tm-columns">{}</div>', joined(made))


def _width(width: Any) -> str:
    """A column's share: numbers weigh, `auto` is what it needs, pixels stay."""
    if isinstance(width, int | float) and not isinstance(width, bool):
        return f"{min(max(width, 0), 1000):g} 1 0"
    text = text_of(width)
    if text == "auto":
        return "0 1 auto"
    if text.endswith("px") and text[:-2].isdigit():
        return f"0 0 {min(int(text[:-2][:5]), 2000)}px"
    return f"{text[:4]} 1 0" if text.isdigit() else "1 1 0"


def _facts(element: Plain, _: bool, __: int) -> Markup:
    rows = joined(
        mark(
            "<dt>{}</dt><dd>{}</dd>",
            joined(_markdown(text_of(one.get("title")))), joined(_markdown(text_of(one.get("value")))),
        )
        for one in list_of(element.get("facts"))
    )  # fmt: skip
    return mark('<dl class="tm-facts">{}</dl>', rows)


def _image(element: Plain, remote: bool, _: int) -> Markup:
    return picture(text_of(element.get("url")), text_of(element.get("altText")), remote=remote)


def _images(element: Plain, remote: bool, _: int) -> Markup:
    return joined(_image(one, remote, 0) for one in list_of(element.get("images")))


def _action_set(element: Plain, _: bool, __: int) -> Markup:
    return _buttons(element.get("actions"))


def _buttons(actions: Any) -> Markup:
    made = []
    for one in list_of(actions):
        style = text_of(one.get("style"))
        extra = f" {style}" if style in ("positive", "destructive") else ""
        title, url = text_of(one.get("title")), text_of(one.get("url"))
        made.append(mark('<span class="tm-button{}" title="{}">{}</span>', extra, url, title))
    return mark('<div class="tm-actions">{}</div>', joined(made)) if made else Markup()


_ELEMENTS: dict[str, Callable[[Plain, bool, int], Markup]] = {
    "TextBlock": _text_block,
    "RichTextBlock": _rich_text,
    "Container": _container,
    "ColumnSet": _columns,
    "FactSet": _facts,
    "Image": _image,
    "ImageSet": _images,
    "ActionSet": _action_set,
}
