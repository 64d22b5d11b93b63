"""E-mails to look at: the message's own HTML, made safe to show and set to one colour scheme."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from livery.models.message import Inline
from livery.studio.cases import Scheme

_FILL = "\u034f\u2007\u200c\u200b\u00ad\ufeff\u200d\u2060"
"""What designers put after a preheader so that an inbox shows nothing of the body."""
_PREHEADER = 140
_OPENING, _STYLE_END = re.compile(r"<(style\b)?", re.IGNORECASE), re.compile(r"</style", re.IGNORECASE)
_PREFERS = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_BOTH = re.compile(r"\b(color-schemes?\"?\s*(?::|\bcontent\s*=\s*\"?)\s*)(?:light\s+dark|dark\s+light)", re.IGNORECASE)
_CALLING = re.compile(r"<(link\b|meta\b[^>]*\bhttp-equiv\b)", re.IGNORECASE)
"""Hints to look up or connect to a host, and a page's order to leave it."""
_ALWAYS, _NEVER = "(min-width: 0px)", "(max-width: 0px)"
_URL = re.compile(r"url\(\s*['\"]?([^'\")]+)", re.IGNORECASE)


def content_policy(*, remote_images: bool) -> str:
    """What a document of somebody else's may do: have its own styles and pictures, and nothing more."""
    images = "data: https: http:" if remote_images else "data:"
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src {images}; base-uri 'none'; form-action 'none'"


def framed(html: str, scheme: Scheme, parts: Mapping[str, str], *, remote_images: bool = False) -> str:
    """The document a sandboxed frame shows of an e-mail.

    Our own head goes before everything of the message's, so that nothing in it comes before the policy; a browser
    takes what follows for the rest of one document. Links open nothing: a sandbox without popups has no other page.

    Args:
        html: the message's HTML, which may be anything.
        scheme: the colour scheme to show.
        parts: pictures that came with the message, as data URIs by Content-ID.
        remote_images: whether pictures of other hosts are fetched.

    """
    head = (
        '<!doctype html><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{content_policy(remote_images=remote_images)}">'
        '<meta http-equiv="x-dns-prefetch-control" content="off">'
        '<meta name="viewport" content="width=device-width"><base target="_blank">'
    )
    for name, uri in parts.items():
        html = html.replace(f"cid:{escape(name)}", uri)
    return head + in_scheme(_rewritten(html, _quiet), scheme)


def in_scheme(html: str, scheme: Scheme) -> str:
    """`html` as a reader with this scheme sees it, whichever the browser has.

    A frame follows the browser, so media queries are made to hold always or never. Only markup is touched, never text.
    """

    def queried(found: re.Match[str]) -> str:
        return _ALWAYS if found[1].lower() == scheme else _NEVER

    return _rewritten(html, lambda one: _BOTH.sub(lambda both: f"{both[1]}{scheme}", _PREFERS.sub(queried, one)))


def _quiet(markup: str) -> str:
    """`markup`, unless it would have the browser call somebody, which no policy keeps it from."""
    return "" if _CALLING.match(markup) else markup


def _rewritten(html: str, rewrite: Callable[[str], str]) -> str:
    """`html` with every tag, and every style sheet with its opening tag, rewritten; what is between them stays."""
    made, at = [], 0
    while opening := _OPENING.search(html, at):
        if opening[1]:
            closing = _STYLE_END.search(html, opening.end())
            end = closing.start() if closing else len(html)
        else:
            end = html.find(">", opening.end()) + 1 or len(html)
        made += [html[at : opening.start()], rewrite(html[opening.start() : end])]
        at = end
    return "".join([*made, html[at:]])


def parts_of(inline: Iterable[Inline]) -> dict[str, str]:
    """The pictures that travel with a message, as data URIs by Content-ID."""
    return {one.cid: f"data:{one.media_type};base64,{b64encode(one.data).decode()}" for one in inline}


@dataclass(slots=True)
class Seen:
    """What an inbox and a wary reader see of an e-mail's HTML."""

    preheader: str = ""
    hosts: list[str] = field(default_factory=list)
    """Hosts of the pictures it would fetch."""


def seen(html: str) -> Seen:
    """Read an e-mail's HTML as an inbox does. Never fails, whatever the HTML is."""
    reader = _Reader()
    with suppress(AssertionError, ValueError):  # how the parser gives up on declarations it does not know
        reader.feed(html)
        reader.close()
    text = " ".join("".join(reader.text).split())
    # Fillers end what the designer meant to be read; without any, an inbox goes on with the body.
    first = re.split(f"[{_FILL}](?:\\s*[{_FILL}])+", text, maxsplit=1)[0]
    preheader = first.translate(dict.fromkeys(map(ord, _FILL))).strip()
    hosts = {urlsplit(one.strip()).netloc.lower() for one in reader.images if _is_remote(one)}
    return Seen(preheader[:_PREHEADER], sorted(host for host in hosts if host))


def _is_remote(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.lower() in ("http", "https") or url.strip().startswith("//")
    except ValueError:
        return False


class _Reader(HTMLParser):
    """The text of a body in order, and the addresses of pictures."""

    _SILENT = ("style", "script", "title", "head", "template")

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.images: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent.append(tag)
        elif tag == "body":
            self._silent.clear()  # what stands in a head ends here, closed or not
        self.text.append("" if tag in ("b", "i", "a", "span", "strong", "em") else " ")
        for name, value in attrs:
            if value and ((tag == "img" and name == "src") or name == "background"):
                self.images.append(value)
            elif value and name == "style":
                self.images += _URL.findall(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            self._silent.remove(tag)

    def handle_data(self, data: str) -> None:
        if "style" in self._silent:
            self.images += _URL.findall(data)
        elif not self._silent:
            self.text.append(data)
