"""Where a pack can put a template: each place gives the files of a pack that has the hostile piece there."""

import json
from collections.abc import Callable

from hostile.rig import Files

_EXTENDS = '{% extends "parent:layouts/email.mjml.j2" %}'


def text(source: str) -> Files:
    """One of the strings."""
    return {"strings/en.toml": f"summary = {json.dumps(source, ensure_ascii=False)}"}


def partial(source: str) -> Files:
    """What shows a block in e-mails."""
    return {"blocks/text.mjml.j2": f"<mj-text>{source}</mj-text>"}


def bare(source: str) -> Files:
    """The whole partial."""
    return {"blocks/text.mjml.j2": source}


def layout(source: str) -> Files:
    """A block of the parent's layout."""
    return {"layouts/email.mjml.j2": f"{_EXTENDS}{{% block title %}}<mj-text>{source}</mj-text>{{% endblock %}}"}


def page(source: str) -> Files:
    """The whole layout."""
    return {"layouts/email.mjml.j2": source}


def body(source: str) -> Files:
    """A whole layout around this column."""
    column = f"<mj-section><mj-column>{source}</mj-column></mj-section>"
    return page(f"<mjml><mj-body>{column}</mj-body></mjml>")


def head(source: str) -> Files:
    """A whole layout with this head."""
    column = "<mj-section><mj-column>{% for block in blocks %}{{ block }}{% endfor %}</mj-column></mj-section>"
    return page(f"<mjml><mj-head>{source}</mj-head><mj-body>{column}</mj-body></mjml>")


def when(expression: str) -> Files:
    """The condition of a block."""
    block = f'[[blocks]]\nid = "summary"\nwhen = {json.dumps(expression, ensure_ascii=False)}\n'
    return {"notifications/offer_provision_error.toml": block}


def card(source: str) -> Files:
    """What shows a block in Slack."""
    shown = {"type": "section", "text": {"type": "mrkdwn", "text": source}}
    return {"blocks/text.block_kit.json": json.dumps(shown, ensure_ascii=False)}


def teams(source: str) -> Files:
    """What shows a block in Teams."""
    shown = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": source}]}
    return {"blocks/text.adaptive_card.json": json.dumps(shown, ensure_ascii=False)}


def letter(source: str) -> Files:
    """What shows a block in plain text."""
    return {"blocks/text.txt.j2": source}


def printed(place: Callable[[str], Files]) -> Callable[[str], Files]:
    """A place for an expression: there it is printed."""
    return lambda expression: place(f"{{{{ {expression} }}}}")


EXPRESSIONS: dict[str, Callable[[str], Files]] = {
    "text": printed(text),
    "partial": printed(partial),
    "layout": printed(layout),
    "card": printed(card),
    "when": when,
}
"""Places for an expression, without its braces."""
STATEMENTS: dict[str, Callable[[str], Files]] = {"text": text, "partial": partial, "layout": layout, "letter": letter}
"""Places for a piece of a template."""
