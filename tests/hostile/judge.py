"""What a mail program or a chat would make of a message: a judge that knows nothing of how messages are made.

It reads HTML leniently, as mail programs do, conditional comments for Outlook too, and names all it finds that
could run, submit, fetch, redirect or mention.
"""

import json
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

from livery.models.message import Message

_ACTIVE = frozenset(
    [
        "script",
        "iframe",
        "frame",
        "frameset",
        "object",
        "embed",
        "applet",
        "form",
        "input",
        "button",
        "select",
        "textarea",
        "base",
        "link",
        "svg",
        "math",
        "video",
        "audio",
        "source",
        "track",
        "portal",
        "template",
        "marquee",
        "isindex",
        "keygen",
        "bgsound",
        "layer",
        "dialog",
        "canvas",
    ]
)
_FETCHED = frozenset(["src", "background", "poster", "lowsrc", "dynsrc", "srcset", "data"])
_FOLLOWED = frozenset(
    ["href", "action", "formaction", "xlink:href", "cite", "longdesc", "ping", "usemap", "profile", "manifest"]
)
_SAFE_LINK = re.compile(r"(https?://|mailto:[^\s]|#|\Z)", re.IGNORECASE)
_BAD_CSS = re.compile(
    r"expression\(|javascript:|vbscript:|behaviou?r:|-moz-binding|@import|url\((?!['\"]?(?:cid:|https://ours\.example/))"
)
_CONDITIONAL = re.compile(r"<!--\[if[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL | re.IGNORECASE)
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OURS = frozenset(["ours.example", "shop.example"])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE or tag.startswith("mj"):
            self.found.append(f"<{tag}>")
        named = {name.lower(): (value or "") for name, value in attrs}
        if tag == "input" and named.get("type") in ("checkbox", "radio") and named.get("class", "").startswith("mj-"):
            self.found.remove("<input>")  # how MJML folds and turns pages without scripts
        if tag == "meta" and named.get("http-equiv", "").lower() not in ("", "content-type", "x-ua-compatible"):
            self.found.append(f"meta {named}")
        for name, value in named.items():
            self.found += _attribute(tag, name, value)
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._in_style and (bad := _BAD_CSS.search(_plain(data))):
            self.found.append(f"style: {bad[0]}")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def _plain(css: str) -> str:
    """CSS as it is understood: without comments, escapes and blanks."""
    bare = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    read = re.sub(r"\\([0-9a-fA-F]{1,6})\s?", lambda one: chr(min(int(one[1], 16), 0x10FFFF)), bare)
    return re.sub(r"[\s\\\x00]", "", read).lower()


def _attribute(tag: str, name: str, value: str) -> Iterator[str]:
    squeezed = re.sub(r"[\x00-\x20]", "", value)
    if name.startswith("on") or name == "srcdoc" or (name == "http-equiv" and tag != "meta"):
        yield f"{tag} {name}={value[:60]!r}"
    if name in _FOLLOWED and not _SAFE_LINK.match(squeezed):
        yield f"{tag} {name}={value[:60]!r}"
    if name in _FETCHED and squeezed and not squeezed.startswith("cid:"):
        host = re.match(r"https?://([^/:?#@]*)(?:[/:?#]|\Z)", squeezed, re.IGNORECASE)
        if not host or host[1].lower() not in _OURS:
            yield f"{tag} {name}={value[:60]!r}"
    if name == "style" and (bad := _BAD_CSS.search(_plain(value))):
        yield f"{tag} style: {bad[0]}"


def html_harm(html: str) -> list[str]:
    """What in a page could do something to its reader."""
    found: list[str] = []
    for text in (html, *(one[1] for one in _CONDITIONAL.finditer(html))):
        reader = _Reader()
        reader.feed(text)
        reader.close()
        found += reader.found
    return found


def harm(messages: dict[str, Message]) -> list[str]:
    """What in the messages of all channels could do something to their readers."""
    found = html_harm(messages["smtp"].html) if "smtp" in messages else []
    for name, one in messages.items():
        if any(ord(char) < 0x20 or 0x7F <= ord(char) <= 0x9F for char in one.title):
            found.append(f"{name}: a control character in the title")
        if _BIDI.search(one.title):
            found.append(f"{name}: a bidi control in the title")
    found += _slack_harm(messages["slack"].body) if "slack" in messages else []
    found += _teams_harm(messages["teams"].body) if "teams" in messages else []
    return found


def _slack_harm(body: object) -> Iterator[str]:
    json.dumps(body, allow_nan=False)
    for path, owner, text in _texts(body):
        is_markup = path[-1] == "text" and (owner.get("type") == "mrkdwn" or len(path) == 1)
        if is_markup and re.search(r"<(?!https?://|mailto:)", text):
            yield f"slack {path}: {text[:80]!r}"
        if is_markup and len(path) > 1 and owner.get("verbatim") is not True:
            yield f"slack {path}: names become mentions: {text[:80]!r}"
        if path[-1] in ("url", "image_url") and not re.match(r"https?://", text):
            yield f"slack {path}: {text[:80]!r}"


def _teams_harm(body: object) -> Iterator[str]:
    json.dumps(body, allow_nan=False)
    for path, owner, text in _texts(body):
        if path[-1] == "text" and owner.get("type") != "TextRun":
            yield f"teams {path}: is read as Markdown: {text[:80]!r}"
        if path[-1] in ("url", "backgroundImage", "iconUrl") and not re.match(r"https?://", text):
            yield f"teams {path}: {text[:80]!r}"
        if "entities" in path or text in ("mention", "Action.Http", "Action.Submit", "Input.Text"):
            yield f"teams {path}: {text[:80]!r}"


def _texts(part: object, path: tuple[str, ...] = (), owner: dict[str, object] | None = None) -> Iterator[tuple]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _texts(value, (*path, str(key)), part)
    elif isinstance(part, list):
        for one in part:
            yield from _texts(one, path, owner)
    elif isinstance(part, str):
        yield path or ("",), owner or {}, part


def shown(html: str) -> str:
    """The words of a page."""
    return unescape(re.sub(r"<[^>]*>", "", html))
