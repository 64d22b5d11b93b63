"""E-mail: the pack's MJML layout and block partials over the notification, compiled to HTML; text beside it."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from markupsafe import Markup

from livery.errors import PackError
from livery.locales import one_line
from livery.models.message import Format, Message
from livery.models.notification import Notification
from livery.packs.chain import PackChain
from livery.render.text import plain

LAYOUT = "layouts/email.mjml.j2"
_MAX_MJML = 512 * 1024
_MAX_DEPTH = 100
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)[^<>]*?(/?)>")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


def email(notification: Notification, packs: PackChain) -> Message:
    """The HTML and text of an e-mail.

    What a pack gets wrong falls back: a block's partial to its parent's, the whole to the parent pack's
    layout and partials, and at last to a plain built-in page.
    """
    degraded = list(notification.degraded)
    html = ""
    chain = packs if packs.packs else None
    while chain is not None and not html:
        try:
            html = _html(notification, chain, degraded)
        except Exception as error:  # noqa: BLE001 - a pack may raise anything; the message must go out
            degraded.append(f"e-mail layout of {chain.top.label}: {one_line(str(error), 200)}")
            chain = chain.without_top()
    return Message(
        format=Format.EMAIL,
        locale=notification.locale,
        title=one_line(notification.subject, 250),
        text=plain(notification),
        html=html or built_in(notification),
        degraded=tuple(degraded),
    )


def _html(notification: Notification, packs: PackChain, degraded: list[str]) -> str:
    jinja = packs.markup(notification.locale)
    data = notification.model_dump(mode="json", exclude={"trace", "degraded"})
    context = {
        "notification": data,
        "brand": data["brand"],
        "locale": notification.locale,
        "direction": notification.direction,
        "start": "left" if notification.direction == "ltr" else "right",
        "end": "right" if notification.direction == "ltr" else "left",
    }
    blocks = [_block(block, context, packs, jinja, degraded) for block in data["blocks"]]
    name = packs.nearest(LAYOUT)
    if name is None:
        raise PackError("no pack of the chain has an e-mail layout", pack=packs.top.id, file=LAYOUT)
    return compile_mjml(jinja.get_template(name).render({**context, "blocks": blocks}))


def _block(
    block: Mapping[str, Any], context: Mapping[str, Any], packs: PackChain, jinja: Any, degraded: list[str]
) -> Markup:
    """A block by the nearest pack whose partial for its kind works."""
    path = f"blocks/{block['kind']}.mjml.j2"
    for pack, _ in packs.files(path):
        try:
            markup = jinja.get_template(f"{pack.id}!{path}").render({**context, "block": block})
            check_mjml(markup)
            return Markup(markup)  # noqa: S704 - rendered with autoescape from a pack's template
        except Exception as error:  # noqa: BLE001 - as above
            degraded.append(f"{path} of {pack.label}: {one_line(str(error), 200)}")
    raise PackError(f"no pack can show a block of the kind {block['kind']!r}", pack=packs.top.id, file=path)


def check_mjml(mjml: str) -> None:
    """Refuse what would take the compiler, and with it the process, down: size and depth of nesting.

    Raises:
        PackError: says which limit.

    """
    if len(mjml) > _MAX_MJML:
        raise PackError(f"the e-mail is larger than {_MAX_MJML // 1024} KiB")
    depth = deepest = 0
    for closing, name, alone in _TAG.findall(mjml):
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
    try:
        return str(mjml2html(mjml, disable_comments=True, fonts={}, social_icon_origin=""))
    except BaseException as error:
        # A panic of the compiler is no Exception; nothing else that is none may be swallowed.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise PackError(f"MJML: {one_line(str(error), 300)}") from error


def built_in(notification: Notification) -> str:
    """The page of last resort: the text, readable everywhere."""
    rows = "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in plain(notification).split("\n\n"))
    return (
        f'<!doctype html><html lang="{escape(notification.locale)}" dir="{notification.direction}"><head>'
        f'<meta charset="utf-8"><title>{escape(notification.subject)}</title></head>'
        '<body style="font:16px/1.5 sans-serif;max-width:600px;margin:24px auto;padding:0 16px">'
        f"<h1>{escape(notification.title)}</h1>{rows}</body></html>"
    )
