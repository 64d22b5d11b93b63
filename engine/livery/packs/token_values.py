"""Values of brand tokens, type by type: what is accepted, the one way it is written, and what is said otherwise.

What comes out stands in style sheets, style attributes and attributes of MJML, so it holds nothing that ends or
opens anything there. A text is for text and for attributes: in a style sheet, the `&` of one would be escaped.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

from livery.packs import colour

TokenType = Literal["colour", "length", "font", "image", "url", "text"]

MAX_VALUE = 2000
"""In characters."""
_MAX_LENGTH = 2000
_MAX_PORT = 65535
_SHOWN = 60

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_ENDS = re.compile(r'[<>"{};\\]')
_RUNS = re.compile(r"\b(?:url|expression)\s*\(|\b(?:javascript|vbscript)\s*:|\bdata\s*:\s*[\w+.-]+/|/\*", re.IGNORECASE)
_ALPHA = re.compile(r"#(?:[0-9a-f]{4}|[0-9a-f]{8})|(?:rgb|hsl)a\(.*|(?:rgb|hsl)\([^/]*/.*|transparent", re.IGNORECASE)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*\)", re.IGNORECASE)
_LENGTH = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,2})?)(?:px)?", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_COMMA = "\0"
"""Stands for a comma inside quotes, for a while."""
_WORD = re.compile(r"-?[^\W\d][\w-]*")
_GENERIC = ("serif", "sans-serif", "monospace", "cursive", "fantasy")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_~-]+@[A-Za-z0-9.-]+(?:\?[A-Za-z0-9._~:/?@!$&*+,=%-]*)?")
_URL_PART = re.compile(r"[A-Za-z0-9._~:/?#@!$&*+,=%-]*")
_ASSET = re.compile(r"assets(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+\.(?:png|jpe?g|gif|webp)", re.IGNORECASE | re.ASCII)


class Reading(NamedTuple):
    """A value as it was read. With a problem and no value it is refused; with both it is used, and could be better."""

    value: str
    problem: str = ""
    fix: str = ""


def parse(kind: TokenType, text: str) -> Reading:
    """The value in its one way of writing: colours as `#rrggbb`, lengths in px, fonts without quotes.

    Empty stays empty. Never raises.
    """
    if len(text) > MAX_VALUE:
        return Reading("", f"is longer than {MAX_VALUE} characters", "shorten it")
    return _parse(kind, text)


@lru_cache(maxsize=2048)
def _parse(kind: TokenType, text: str) -> Reading:
    bare = text.strip(" ")
    if not bare:
        return Reading("")
    return _hidden(bare) or (None if kind == "font" else _ending(bare)) or _READERS[kind](bare)


def guess(text: str) -> TokenType:
    """The type a value looks like it has: for the advice to declare one."""
    if text.startswith("#") and parse("colour", text).value:
        return "colour"
    if text.lower().endswith("px") and parse("length", text).value:
        return "length"
    if parse("url", text).value:
        return "url"
    return "font" if "," in text and text.lower().endswith(_GENERIC) else "text"


def shown(text: str) -> str:
    """A value in a message: what cannot be seen is written out, and a long one is shortened."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _hidden(text: str) -> Reading | None:
    found = _HIDDEN.search(text)
    if not found:
        return None
    code = f"U+{ord(found[0]):04X}"
    return Reading("", f"{shown(text)} holds the invisible character {code}", "take it out")


def _ending(text: str) -> Reading | None:
    if found := _ENDS.search(text):
        return Reading("", f"{shown(text)} holds {found[0]}, which would end a style or an attribute", "take it out")
    if found := _RUNS.search(text):
        return Reading("", f"{shown(text)} holds {found[0]!r}, which is never put into a message", "take it out")
    return None


def _colour(text: str) -> Reading:
    if value := colour.normal(text):
        return Reading(value)
    if _ALPHA.fullmatch(text):
        return Reading(
            "",
            f"{shown(text)} lets the background through, which e-mail programs paint differently or not at all",
            "give the colour it has on its background, as #rrggbb",
        )
    if (found := _RGB.fullmatch(text)) and all(int(part) <= 255 for part in found.groups()):  # noqa: PLR2004
        digits = "".join(f"{int(part):02x}" for part in found.groups())
        return Reading("", f"{shown(text)} is a way of writing not every e-mail program knows", f"write #{digits}")
    return Reading("", f"{shown(text)} is no colour", "write #rrggbb, #rgb, or a name of CSS such as navy")


def _length(text: str) -> Reading:
    found = _LENGTH.fullmatch(text)
    if not found:
        return Reading("", f"{shown(text)} is no length in pixels", "write a number from 0 to 2000 with px, as in 12px")
    number = found[1]
    if float(number) > _MAX_LENGTH:
        return Reading("", f"{shown(text)} is more than {_MAX_LENGTH} pixels", "make it smaller")
    whole, _, part = number.partition(".")
    part = part.rstrip("0")
    return Reading(f"{int(whole)}{f'.{part}' if part else ''}px")


def _font(text: str) -> Reading:
    names: list[str] = []
    for part in _QUOTED.sub(lambda found: (found[1] or found[2] or "").replace(",", _COMMA), text).split(","):
        words = [word for word in part.split(" ") if word]
        if not words:
            return Reading("", f"{shown(text)} has a comma with no font before or after it", "take the comma out")
        wrong = next((word for word in words if not _WORD.fullmatch(word)), None)
        if wrong is not None:
            return Reading(
                "",
                f"{shown(' '.join(words).replace(_COMMA, ','))} is no font name that can stand without quotes",
                "leave it out: words of letters, digits and hyphens that begin with a letter can stand in every place",
            )
        names.append(" ".join(words))
    value = ", ".join(names)
    if len(value) > MAX_VALUE:
        return Reading("", f"is longer than {MAX_VALUE} characters", "shorten it")
    if names[-1].lower() not in _GENERIC:
        return Reading(
            value, "does not say what to take where none of its fonts is there", "end it with, say, sans-serif"
        )
    return Reading(value)


def _text(text: str) -> Reading:
    if "'" in text and "@" in text:
        return Reading("", f"{shown(text)} holds an apostrophe, which would end a style", "give another address")
    return Reading(text.replace("'", "’"))


def _url(text: str) -> Reading:
    scheme = text.partition(":")[0].lower()
    if scheme == "mailto":
        rest = text.partition(":")[2]
        if _ADDRESS.fullmatch(rest):
            return Reading(f"mailto:{rest}")
        return Reading("", f"{shown(text)} is no address to write to", "write mailto:help@seller.example")
    if scheme not in ("https", "http"):
        return Reading("", f"{shown(text)} is no web address", "begin it with https://, http:// or mailto:")
    return _web(text)


def _image(text: str) -> Reading:
    if text.startswith("assets/"):
        if _ASSET.fullmatch(text) and ".." not in text:
            return Reading(text)
        return Reading(
            "",
            f"{shown(text)} is no picture of the pack that e-mail programs show",
            "name a .png, .jpg, .gif or .webp below assets/ with letters, digits, dots, hyphens and underscores",
        )
    if text.partition(":")[0].lower() != "https":
        return Reading(
            "", f"{shown(text)} is no picture that can be shown", "give an https:// address or a path assets/…"
        )
    return _web(text)


def _web(text: str) -> Reading:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return Reading("", f"{shown(text)} is no web address", "check what follows the //")
    if "@" in parts.netloc:
        return Reading("", f"{shown(text)} holds a user name, which is for nobody else to see", "leave it out")
    host = (parts.hostname or "").lower()
    if not _HOST.fullmatch(host):
        fix = "write the host in letters of ASCII (xn--…)" if host and not host.isascii() else "check what follows //"
        return Reading("", f"{shown(text)} has no host that can be looked up", fix)
    if port is not None and not 0 < port <= _MAX_PORT:
        return Reading("", f"{shown(text)} has no port there can be", "leave it out")
    after = text.partition("//")[2][len(parts.netloc) :]
    rest = quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", after), safe="/?#:@!$&'()*+,=%-._~ []^|`")
    if not _URL_PART.fullmatch(rest):
        wrong = next(char for char in rest if not _URL_PART.fullmatch(char))
        return Reading("", f"{shown(text)} holds {wrong!r}", f"write %{ord(wrong):02X} for it")
    value = f"{parts.scheme.lower()}://{host}{f':{port}' if port is not None else ''}{rest}"
    return Reading(value) if len(value) <= MAX_VALUE else Reading("", "is too long once it is encoded", "shorten it")


_READERS: dict[TokenType, Callable[[str], Reading]] = {
    "colour": _colour,
    "length": _length,
    "font": _font,
    "image": _image,
    "url": _url,
    "text": _text,
}
