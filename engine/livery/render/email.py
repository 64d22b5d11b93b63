"""E-mail: the pack's MJML layout and block partials over the notification, compiled to HTML; text beside it."""

import re
from dataclasses import dataclass
from html import escape
from typing import Any

from markupsafe import Markup

from livery.errors import PackError
from livery.locales import one_line
from livery.packs.layers import Layers
from livery.render.text import plain

Plain = dict[str, Any]
LAYOUT = "layouts/email.mjml.j2"
_MAX_MJML = 512 * 1024
_MAX_DEPTH = 100
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)[^<>]*?(/?)>")
_VALUE = re.compile(r"""=("[^"<>]*"|'[^'<>]*')""")
_ODD = re.compile(r"[^ -~]|\\")
_ELEMENTS = frozenset(
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
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


@dataclass(frozen=True, slots=True)
class Email:
    """The parts of an e-mail."""

    title: str
    text: str
    html: str
    degraded: tuple[str, ...]


def email(said: Plain, packs: Layers[Any]) -> Email:
    """The subject, HTML and text of an e-mail, from a notification as plain data.

    What a pack gets wrong falls back: a block's partial to its parent's, the whole to the parent pack's
    layout and partials, and at last to a plain built-in page.
    """
    degraded = list(said["degraded"])
    html = ""
    layers = packs if packs.packs else None
    while layers is not None and not html:
        try:
            html = _html(said, layers, degraded)
        except Exception as error:  # noqa: BLE001 - a pack may raise anything; the message must go out
            degraded.append(f"e-mail layout of {layers.top.label}: {one_line(str(error), 200)}")
            layers = layers.without_top()
    return Email(one_line(said["subject"], 250), plain(said), html or built_in(said), tuple(degraded))


def _html(said: Plain, packs: Layers[Any], degraded: list[str]) -> str:
    jinja = packs.markup(said["locale"])
    start, end = ("left", "right") if said["direction"] == "ltr" else ("right", "left")
    context = {
        "notification": {key: value for key, value in said.items() if key not in ("trace", "degraded")},
        "brand": said["brand"],
        "locale": said["locale"],
        "direction": said["direction"],
        "start": start,
        "end": end,
    }
    blocks = [_block(block, context, packs, degraded) for block in said["blocks"]]
    name = packs.nearest(LAYOUT)
    if name is None:
        raise PackError("no pack of the chain has an e-mail layout", pack=packs.top.id, file=LAYOUT)
    return compile_mjml(jinja.get_template(name).render({**context, "blocks": blocks}))


def _block(block: Plain, context: Plain, packs: Layers[Any], degraded: list[str]) -> Markup:
    """A block by the nearest pack whose partial for its kind works."""
    path = f"blocks/{block['kind']}.mjml.j2"
    jinja = packs.markup(context["locale"])
    for pack, _ in packs.files(path):
        try:
            markup = jinja.get_template(f"{pack.id}!{path}").render({**context, "block": block})
            check_mjml(markup)
            return Markup(markup)  # noqa: S704 - rendered with autoescape from a pack's template
        except Exception as error:  # noqa: BLE001 - as above
            degraded.append(f"{path} of {pack.label}: {one_line(str(error), 200)}")
    raise PackError(f"no pack can show a block of the kind {block['kind']!r}", pack=packs.top.id, file=path)


def check_mjml(mjml: str) -> None:
    """Refuse what takes the compiler and the process down (size, nesting), and elements it would silently drop.

    Raises:
        PackError: says which limit, or which element.

    """
    if len(mjml) > _MAX_MJML:
        raise PackError(f"the e-mail is larger than {_MAX_MJML // 1024} KiB")
    depth = deepest = 0
    for closing, name, alone in _TAG.findall(mjml):
        if name.startswith("mj-") and name not in _ELEMENTS:
            raise PackError(f"MJML has no element <{name}>, or it is not available to packs")
        if alone or name.lower() in _VOID:
            continue
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    if deepest > _MAX_DEPTH:
        raise PackError(f"elements are nested deeper than {_MAX_DEPTH}")


def compile_mjml(mjml: str) -> str:
    """MJML to HTML; fetches nothing and names no font or icon host.

    Raises:
        PackError: the compiler refused it, or panicked.

    """
    from mjml import mjml2html

    check_mjml(mjml)
    # MRML takes a blank between two elements of the head for text, and refuses it; a line break it takes.
    head, end, body = mjml.partition("</mj-head>")
    mjml = re.sub(r">[ \t]+(?=<)", ">\n", head) + end + body
    # MRML writes values of attributes as Rust would, with \u{301} for an accent; a character reference it lets be.
    mjml = _VALUE.sub(lambda value: _ODD.sub(lambda char: f"&#{ord(char[0])};", value[0]), mjml)
    try:
        return str(mjml2html(mjml, disable_comments=True, fonts={}, social_icon_origin=""))
    except BaseException as error:
        # A panic of the compiler is no Exception; nothing else that is none may be swallowed.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise PackError(f"MJML: {one_line(str(error), 300)}") from error


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
