"""HTML of ours around text of others': everything that is put in is escaped, whatever it is."""

from typing import Any

from markupsafe import Markup, escape

MAX_DEPTH = 12
"""Levels of a message that are drawn; deeper than any that people make."""

Plain = dict[str, Any]


def mark(html: str, /, *values: Any, **named: Any) -> Markup:
    """`html` with values in its `{}`, each escaped unless it is markup of ours. `html` is a literal of ours."""
    return Markup(html).format(*values, **named)  # noqa: S704 - the callers write it, and format escapes what goes in


def joined(parts: Any) -> Markup:
    """Parts one after the other; what is no markup is escaped."""
    return Markup("").join(parts)


def lines(text: str) -> Markup:
    """Text with its line breaks."""
    return Markup("<br>").join(escape(line) for line in text.split("\n"))


def text_of(value: Any) -> str:
    """A text where one should stand; empty if something else does."""
    return value if isinstance(value, str) else ""


def list_of(value: Any) -> list[Plain]:
    """The objects of a list where one should stand."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def table_of(value: Any) -> Plain:
    """An object where one should stand."""
    return value if isinstance(value, dict) else {}


def picture(url: str, alt: str, *, remote: bool) -> Markup:
    """A picture of another host: fetched if that is allowed, else a place with its description."""
    if remote and url.startswith(("https://", "http://")):
        return mark('<img class="picture" src="{}" alt="{}">', url, alt)
    return mark(
        '<span class="picture absent" role="img" aria-label="{}"><b dir="auto">{}</b><small>{}</small></span>',
        alt or "A picture", alt or "A picture", url,
    )  # fmt: skip
