"""Content: what the markup of a pack may hold. What a mail program could run, submit or fetch unasked is refused.

The check reads MJML before it is compiled, and more strictly than any parser after it: what two parsers could read
in two ways is refused, so that nothing hides where they differ. What an event brings stands in it as opaque words,
or escaped; so all it finds is the pack's own.
"""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any, NamedTuple

from livery.pictures import IMAGES
from livery.render.email import ELEMENTS as _MJML
from livery.stencils.fill import is_link
from livery.stencils.values import Place, StagingError
from livery.stencils.vocabulary import ENDING, HTML, LINKS, NAMED, NESTED, OFFICE, REFUSED, SPOKEN, VOID

MAX_DEPTH = 100
_TOKEN = re.compile(
    r"<!--(?P<comment>.*?)-->"
    r"|<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:._-]*)"
    r"(?P<inside>(?:\s+[^\s\"'<>/=]+(?:\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))?+)*+)\s*(?P<alone>/?)>"
    r"|(?P<odd><)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'))?")
_CONDITIONAL = re.compile(r"\s*\[if [\w\s!|&()]{1,60}\](?:>(?:<!(?:--\s*)?\Z)?|\s*\Z)")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_WORD = re.compile(r"Zq[0-9a-f]{10}[vc]\d{5}z")
_IN_SECTIONS = ("mj-column", "mj-group")
_IMAGE = re.compile(r"\s*(?:https?://|cid:|assets/|\Z)", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE | re.DOTALL)
_FRAME = {"mjml": 0, "mj-head": 1, "mj-body": 1}
"""The elements around all others, and how deep each stands."""
_CSS = {
    "expression(": "it is a script",
    "javascript:": "it is a script",
    "vbscript:": "it is a script",
    "behavior:": "it is a script",
    "behaviour:": "it is a script",
    "-moz-binding": "it is a script",
    "@import": "fonts are named in [fonts] of pack.toml",
    "url(": "pictures stand in src or background-url, fonts in [fonts] of pack.toml",
    "image-set(": "pictures stand in src or background-url",
    "<": "a style holds no markup",
}


class Fault(NamedTuple):
    """What is wrong with a piece of markup, and the piece as it stands there."""

    message: str
    fix: str
    piece: str


def check(mjml: str, sources: Iterable[tuple[str, str]] = (), *, is_part: bool = False) -> None:
    """Refuse markup that could run, submit or fetch something, or that parsers could read in two ways.

    Args:
        mjml: the markup, before it is compiled.
        sources: (full name, text) of templates it may come from, likeliest first: to say where it stands.
        is_part: whether it is not a whole document but what stands in a column.

    Raises:
        StagingError: the first thing that is wrong; its rule is `content`.

    """
    for fault in faults(mjml, is_part=is_part):
        raise StagingError(fault.message, _place(fault.piece, sources), fault.fix, "content")


def faults(mjml: str, *, is_part: bool = False) -> Iterator[Fault]:
    """Everything in markup that packs may not send, and what stands where MJML does not have it."""
    if found := _UNFIT.search(mjml):
        yield Fault(f"holds the control character U+{ord(found[0]):04X}", "take it out", found[0])
    if mjml.rfind("<!--") > mjml.rfind("-->"):
        yield Fault("a comment does not end", "end it with -->", mjml[mjml.rfind("<!--") :][:40])
        return
    yield from _Reading(is_part=is_part).faults(mjml)


def hole_problem(name: str, value: str, word: str, ir: Any) -> tuple[str, str] | None:
    """Why an event's value may not stand in an attribute, and what to do; None if it may.

    Args:
        name: of the attribute.
        value: of the attribute, with a word for each value.
        word: the one this is about.
        ir: its expression.

    """
    if name == "style" and not _is_own(ir):
        return (
            "an event's value stands in a style",
            "let {% if %} choose between words of the pack, or use a brand token",
        )
    if name in IMAGES and not (ir[0] == "r" and ir[2][1:] == ["url"]):
        return (
            "an event's value stands for a picture",
            "only block.url may; for another, put {% if %} around the element",
        )
    if name in LINKS and value != word and not value.partition(word)[0].strip():
        return "a link begins with an event's value and goes on after it", "make it one value: {{ … ~ '…' }}"
    return None


def _is_own(ir: Any) -> bool:
    """Whether an expression can only print what the pack wrote, or a number."""
    match ir:
        case ["c" | "m" | "u" | "L" | "cmp" | "!" | "t" | "neg", *_] | ["op", "-" | "*" | "/" | "//", *_]:
            return True
        case ["f", "length" | "count" | "int" | "float" | "round", _, args, kwargs]:
            return all(map(_is_own, (*args, *kwargs.values())))
        case ["f", _, value, args, kwargs]:
            return all(map(_is_own, (value, *args, *kwargs.values())))
        case ["?", _, *parts] | ["&" | "|", *parts] | ["op", "+", *parts] | ["~" | "list", parts] | ["=", _, *parts]:
            return all(map(_is_own, parts))
        case ["g" | "s", value, *_]:
            return _is_own(value)
        case ["dict", pairs]:
            return all(_is_own(value) for _, value in pairs)
        case ["n", nodes]:
            return _are_own(nodes)
    return False


def _are_own(nodes: Iterable[Any]) -> bool:
    return all(
        isinstance(node, str)
        or (node[0] in ("o", "a", "u") and _is_own(node[1]))
        or (node[0] == "i" and _are_own(node[2]) and _are_own(node[3]))
        or (node[0] == "l" and _are_own(node[4]) and _are_own(node[5]))
        for node in nodes
    )


def tamed(mjml: str) -> str:
    """Rendered MJML in which a link that is none leads nowhere, as a stencil fills them."""

    def link(found: re.Match[str]) -> str:
        name, value = found[1].lower(), found[2]
        is_bad = name in LINKS and value is not None and not is_link(unescape(value[1:-1]))
        return f'{found[1]}="#"' if is_bad else found[0]

    def tag(found: re.Match[str]) -> str:
        inside = found["inside"]
        if not inside or "=" not in inside:
            return found[0]
        start, end = found.start("inside") - found.start(), found.end("inside") - found.start()
        return found[0][:start] + _ATTRIBUTE.sub(link, inside) + found[0][end:]

    return _TOKEN.sub(tag, mjml) if mjml.rfind("<!--") <= mjml.rfind("-->") else mjml


class _Reading:
    """One pass over markup, and over what stands in its conditional comments."""

    def __init__(self, *, is_part: bool = False, is_office: bool = False) -> None:
        self._is_office, self._is_part = is_office, is_part
        self._is_page = not (is_part or is_office)
        self._inside: list[str] = []
        self._depth = 0
        self._styled = self._around = ""

    def faults(self, text: str) -> Iterator[Fault]:
        at = 0
        for token in _TOKEN.finditer(text):
            if self._styled:
                yield from _style(text[at : token.start()], text[at : token.start()][:60], is_sheet=True)
            at = token.end()
            if token["odd"]:
                yield Fault(
                    "holds a < that begins no tag", "write &lt; for it, or mend the tag", text[token.start() :][:30]
                )
            elif token["comment"] is not None:
                yield from self._comment(token["comment"])
            else:
                yield from self._tag(token)
            if self._depth > MAX_DEPTH:
                yield Fault(f"elements are nested deeper than {MAX_DEPTH}", "nest them less", token[0])
                return

    def _comment(self, inside: str) -> Iterator[Fault]:
        piece = f"<!--{inside}"[:40]
        opened = _CONDITIONAL.match(inside)
        rest = inside[opened.end() :] if opened else inside
        if self._styled or inside.startswith((">", "->")) or "--!" in inside or "<!--" in rest:
            yield Fault("a comment that programs read in two ways", "write <!-- words -->", piece)
        if opened is not None:
            yield from _Reading(is_office=True).faults(rest.removesuffix("<![endif]"))
        elif inside.lstrip().startswith("["):
            yield Fault("a conditional comment that is none", "write <!--[if mso]>…<![endif]-->", piece)
        # Any other comment the compiler drops.

    def _tag(self, token: re.Match[str]) -> Iterator[Fault]:
        written, name = token["name"], token["name"].lower()
        if not self._is_known(written, name):
            fix = NAMED.get(name, "use the elements of MJML and the HTML of e-mails")
            yield Fault(f"the element <{written[:60]}> is not available to packs", fix, f"<{written}")
        if self._styled and not (token["close"] and name == self._styled):
            yield Fault("a style holds markup", "end the style first", token[0][:40])
        self._styled = ""
        yield from self._placed(token, name)
        if name.startswith("mj"):
            yield from self._nested(name, token)
        if token["close"]:
            self._depth -= 1
            return
        if not token["alone"] and name not in VOID:
            self._depth += 1
            self._styled = name if name in ("style", "mj-style") else ""
        for found in _ATTRIBUTE.finditer(token["inside"]):
            yield from _attribute(name, found)

    def _placed(self, token: re.Match[str], name: str) -> Iterator[Fault]:
        """What stands in an element that takes HTML; the compiler sends an element of MJML in there as it is."""
        if name in _FRAME and not token["close"] and not (self._is_page and self._depth == _FRAME[name]):
            yield Fault(f"<{name}> stands inside the page", "there is one, and it is around all else", token[0][:40])
        if self._around and name == self._around and token["close"]:
            self._around = ""
        elif self._around and name.startswith("mj"):
            yield Fault(
                f"<{token['name'][:60]}> stands in <{self._around}>, where only HTML may",
                f"end <{self._around}> first, or write it in HTML",
                token[0][:40],
            )
        elif name in ENDING and not token["close"] and not token["alone"]:
            self._around = name

    def _nested(self, name: str, token: re.Match[str]) -> Iterator[Fault]:
        """What stands where MJML does not have it, so that the compiler makes something else of it; keeps the stack."""
        if token["close"]:
            while self._inside and self._inside.pop() != name:
                pass
            return
        parent = self._inside[-1] if self._inside else "mj-column" if self._is_part and name in _IN_SECTIONS else ""
        if name in NESTED and parent and parent not in (*NESTED[name], "mj-attributes", "mj-class"):
            fix = "a partial gives what stands in a column, such as mj-text" if self._is_part else "mend the nesting"
            wanted = " and ".join(f"<{one}>" for one in NESTED[name])
            yield Fault(f"<{name}> stands in <{parent}>; MJML has it in {wanted} only", fix, f"<{token['name']}")
        if not token["alone"]:
            self._inside.append(name)

    def _is_known(self, written: str, name: str) -> bool:
        if name.startswith("mj"):
            return written in _MJML or written == "mjml"
        return name in HTML or (self._is_office and name in OFFICE)


def _attribute(element: str, found: re.Match[str]) -> Iterator[Fault]:
    name, quoted = found[1].lower(), found[2] or '""'
    value = unescape(quoted[1:-1])
    if element == "mj-style" and name == "inline":
        fix = "leave inline out; what must not stand in a style sheet, write as style=… where it is meant"
        yield Fault("<mj-style inline> is not available to packs: its rules are not inlined", fix, found[0])
    elif name.startswith("on") or name in REFUSED:
        yield Fault(f"the attribute {name[:60]} is not available to packs", "leave it out", found[0])
    elif '"' in quoted[1:-1]:
        yield Fault(f'the value of {name[:60]} holds a "', "write &quot; for it", found[0])
    elif name in LINKS:
        if not _WORD.match(value) and not is_link(value):
            yield Fault(f"{_shown(value)} is no link", "begin it with https://, http:// or mailto:", found[0])
    elif name in IMAGES:
        if not _WORD.fullmatch(value) and not _IMAGE.match(value):
            yield Fault(f"{_shown(value)} is no picture", "begin it with https:// or assets/", found[0])
    elif name == "style" or (element.startswith("mj") and name not in SPOKEN):
        yield from _style(value, found[0])


def _style(css: str, piece: str, *, is_sheet: bool = False) -> Iterator[Fault]:
    if is_sheet and _WORD.search(css):
        yield Fault("an event's value stands in a style sheet", "use a brand token, or {% if %} and two classes", piece)
    bare = re.sub(r"/\*.*?(?:\*/|\Z)", "", css, flags=re.DOTALL)
    read = re.sub(r"\s+", "", _ESCAPE.sub(_unescaped, bare)).lower()
    for what, why in _CSS.items():
        if what in read:
            yield Fault(f"a style holds {what}", why, piece)


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16) if found[1] else 0
    return chr(code) if 0 < code <= 0x10FFFF else found[2] or ""  # noqa: PLR2004 - the last character there is


def _shown(value: str) -> str:
    return repr(_WORD.sub("…", value)[:80])


def _place(piece: str, sources: Iterable[tuple[str, str]]) -> Place:
    for name, text in sources:
        if (at := text.find(piece)) >= 0:
            return Place(name, text.count("\n", 0, at) + 1)
    return Place()
