"""E-mail: MJML compiled to HTML within bounds, and the page of last resort."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from livery.errors import PackError
from livery.locales import one_line
from livery.render.text import plain

Plain = dict[str, Any]
LAYOUT = "layouts/email.mjml.j2"
_MAX_MJML = 512 * 1024
_MAX_DEPTH = 100
_TAG = re.compile(r"""<(/?)([A-Za-z][\w-]*+)((?:[^<>"']|"[^"]*+"|'[^']*+')*+)>""")
TITLE = re.compile(r"(?<=<mj-title>)[^<]*+(?=</mj-title>)")
_VALUE = re.compile(r"""=("[^"<>]*"|'[^'<>]*')""")
_BLANKS = re.compile(r"(?<!<mj-title)(?<!<mj-preview)>[ \t]+(?=<)")
_CLASSES = re.compile(r"""(?<=\smj-class=)("[^"<>]*"|'[^'<>]*')""")
_ODD = re.compile(r"[^ -~]|\\")
ELEMENTS = frozenset(
    [
        "mj-accordion",
        "mj-accordion-element",
        "mj-accordion-text",
        "mj-accordion-title",
        "mj-all",
        "mj-attributes",
        "mj-body",
        "mj-breakpoint",
        "mj-button",
        "mj-carousel",
        "mj-carousel-image",
        "mj-class",
        "mj-column",
        "mj-divider",
        "mj-group",
        "mj-head",
        "mj-hero",
        "mj-image",
        "mj-navbar",
        "mj-navbar-link",
        "mj-preview",
        "mj-raw",
        "mj-section",
        "mj-social",
        "mj-social-element",
        "mj-spacer",
        "mj-style",
        "mj-table",
        "mj-text",
        "mj-title",
        "mj-wrapper",
    ]
)
"""documentation.mjml.io, without mj-include (reads files), mj-font (fetches) and mj-html-attributes (no MRML)."""
_LEFT = re.compile(r"<(mj[\w-]+)")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


def check_mjml(mjml: str, *, with_names: bool = True) -> None:
    """Refuse what takes the compiler and the process down (size, nesting), and elements it would silently drop.

    Args:
        mjml: the document, or a part of one.
        with_names: whether elements are looked at; `livery.stencils.content` says where one stands.

    Raises:
        PackError: says which limit, or which element.

    """
    if len(mjml) > _MAX_MJML:
        raise PackError(f"the e-mail is larger than {_MAX_MJML // 1024} KiB")
    depth = deepest = 0
    if mjml.rfind("<!--") > mjml.rfind("-->"):
        raise PackError("a comment does not end; end it with -->")
    for closing, name, inside in _TAG.findall(re.sub("<!--.*?-->", "", mjml, flags=re.DOTALL)):
        if with_names and name.startswith("mj-") and name not in ELEMENTS:
            raise PackError(f"MJML has no element <{name}>, or it is not available to packs")
        if inside.endswith("/") or name.lower() in _VOID:
            continue
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    if deepest > _MAX_DEPTH:
        raise PackError(f"elements are nested deeper than {_MAX_DEPTH}")


def check_closed(mjml: str) -> None:
    """Refuse elements of MJML that are not closed, or closed where another is open: the compiler does not say which.

    Raises:
        PackError: names the first.

    """
    inside: list[str] = []
    for closing, name, rest in _TAG.findall(re.sub("<!--.*?-->", "", mjml, flags=re.DOTALL)):
        if not name.startswith("mj") or rest.endswith("/"):
            continue
        if not closing:
            inside.append(name)
        elif name not in inside:
            raise PackError(f"</{name}> closes nothing; take it out, or open <{name}> before it")
        elif inside[-1] != name:
            break
        else:
            inside.pop()
    if inside:
        raise PackError(f"<{inside[-1]}> is not closed; end it with </{inside[-1]}>")


def compile_mjml(mjml: str, fonts: Mapping[str, str] | None = None) -> str:
    """MJML to HTML; fetches nothing, and names no font or icon host but those of `fonts`.

    Args:
        mjml: the document.
        fonts: style sheets of web fonts by the font's name; one that no text uses is not named.

    Raises:
        PackError: the compiler refused it, or panicked.

    """
    from mjml import mjml2html

    check_mjml(mjml)
    # MRML takes a blank between two elements of the head for text, and refuses it; a line break it takes.
    head, end, body = mjml.partition("</mj-head>")
    if end:
        mjml = _BLANKS.sub(">\n", head) + end + body
    # MRML writes values of attributes as Rust would, with \u{301} for an accent; a character reference it lets be.
    mjml = _VALUE.sub(lambda value: _ODD.sub(_reference, value[0]), mjml)
    # Of two classes that say the same, the last counts (documentation.mjml.io, mj-attributes); in MRML the first does.
    mjml = _CLASSES.sub(_turned, mjml)
    # The title comes out as an attribute too.
    mjml = TITLE.sub(lambda title: _ODD.sub(_reference, title[0]), mjml)
    try:
        html = str(mjml2html(mjml, disable_comments=True, fonts=dict(fonts or {}), social_icon_origin=""))
    except BaseException as error:
        # A panic of the compiler is no Exception; nothing else that is none may be swallowed.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        check_closed(mjml)
        raise PackError(f"MJML: {one_line(str(error), 300)}") from error
    if left := _LEFT.search(html):  # it sends what it does not expect as it is
        raise PackError(f"MJML has no <{left[1]}> where this one stands")
    return html


def _turned(classes: re.Match[str]) -> str:
    quote, names = classes[0][0], classes[0][1:-1].split()
    return f"{quote}{' '.join(reversed(names))}{quote}"


def _reference(char: re.Match[str]) -> str:
    return f"&#{ord(char[0])};"


def built_in(said: Plain) -> str:
    """The page of last resort: the text, readable everywhere."""
    rows = "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in plain(said).split("\n\n"))
    language, way = escape(said["locale"]), said["direction"]
    return (
        f'<!doctype html><html lang="{language}" dir="{way}"><head>'
        f'<meta charset="utf-8"><title>{escape(said["subject"])}</title></head>'
        '<body style="font:16px/1.5 sans-serif;max-width:600px;margin:24px auto;padding:0 16px">'
        f"<h1>{escape(said['title'])}</h1>{rows}</body></html>"
    )
