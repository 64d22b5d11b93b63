"""What can be seen in a pack's templates and texts as they are written: images without words, links to nowhere, typos.

A template is looked at, not run: where Jinja stands in an attribute, nothing is said of that attribute's value.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from html import unescape
from itertools import islice

from livery.packs.chain import PackChain
from livery.packs.findings import Finding
from livery.packs.manifest import BlockOverlay, NotificationOverlay
from livery.packs.pack import Pack
from livery.packs.source import Snapshot
from livery.packtools.mjml import ATTRIBUTES
from livery.packtools.sources import MARKUP, Source

# No pattern may look at a text twice: its author may be hostile.
_OPENING = re.compile(r"\{[{%#]")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_COMMENT = re.compile("<!--")
_TAG = re.compile(r"<(?P<name>[A-Za-z][A-Za-z0-9-]*+)(?P<rest>(?:\"[^\"]*+\"|'[^']*+'|[^'\"<>])*+)>")
_MJML_TAG = re.compile(r"<(?P<close>/?)(?P<name>mj[\w-]*+)(?P<rest>(?:\"[^\"]*+\"|'[^']*+'|[^'\"<>])*+)>")
_BLOCK = re.compile(r"\{%[-+]?\s*+(?:block\s++(?P<name>\w++)|endblock\b)")
_ATTRIBUTE = re.compile(r"(?<![\w:.-])(?P<name>[A-Za-z_:][\w:.-]*+)\s*+=\s*+(?P<value>\"[^\"]*+\"|'[^']*+')")
_IMAGES = frozenset(["img", "mj-image", "mj-carousel-image"])
_LINKS = frozenset(["href", "url"])
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_INSIDE = "\x00"
"""Stands for a character that Jinja will put there."""
_MOST, _NAME = 20, 60
"""Unknown attributes of one file that are told of, and characters of their names."""
_PLAIN_LINK = re.compile(r"http://[^\s\"'<>]+")


def findings(pack: Pack, sources: Iterable[Source]) -> list[Finding]:
    """Everything there is to be said of what a pack's files show and link to."""
    found = [one for source in sources for one in _of_source(source)]
    for name in pack.notifications():
        overlay = pack.notification(name)
        assert overlay is not None, "named as one that can be used"
        found += _of_notification(pack, f"notifications/{name}.toml", overlay)
    return [*found, *unused_assets(pack.snapshot, pack.id)]


def _of_source(source: Source) -> Iterator[Finding]:
    if source.file.endswith(MARKUP):
        yield from _of_template(source)
    elif source.key:
        for match in _PLAIN_LINK.finditer(source.text):
            line = source.text.count("\n", 0, match.start()) + 1
            yield _insecure(source, line, match[0])


# --------------------------------------------------------------------------- templates


def _of_template(source: Source) -> Iterator[Finding]:
    text = _without(_COMMENT, lambda _: "-->", _masked(source.text))
    for tag in _TAG.finditer(text):
        line = text.count("\n", 0, tag.start()) + 1
        given = {one["name"].lower(): one["value"][1:-1] for one in _ATTRIBUTE.finditer(tag["rest"])}
        if tag["name"].lower() in _IMAGES and "alt" not in given and _INSIDE not in _outside(tag["rest"]):
            yield source.finding(
                "warning", "alt", f"<{tag['name']}> has no alt: who does not see the picture is told nothing",
                'say in words what it shows, or alt="" if it is an ornament', line=line, words=f"<{tag['name']}",
            )  # fmt: skip
        for name in sorted(_LINKS & given.keys()):
            yield from _of_link(source, line, unescape(given[name]).strip())
    yield from _of_names(source, text)


def _unknown(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Attributes that an MJML element does not have, each with the element's name."""
    for tag in _MJML_TAG.finditer(text):
        known = ATTRIBUTES.get(tag["name"])
        for one in _ATTRIBUTE.finditer(text, *tag.span("rest")) if known else ():
            if known and one["name"] not in known:
                yield tag["name"], one


def _of_names(source: Source, text: str) -> Iterator[Finding]:
    """Nothing of them is seen in what comes out."""
    for element, one in islice(_unknown(text), _MOST):
        known = sorted(ATTRIBUTES[element])
        near = get_close_matches(one["name"][:_NAME], known, 1)
        yield source.finding(
            "warning", "attribute", f"<{element}> has no {one['name'][:_NAME]}, so it is left out",
            f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}",
            line=text.count("\n", 0, one.start()) + 1, words=one["name"],
        )  # fmt: skip


def _masked(text: str) -> str:
    """A text in which Jinja is something that is neither a quote nor a bracket, in the same lines."""
    return _without(_OPENING, _CLOSING.__getitem__, text)


def _without(opening: re.Pattern[str], closing: Callable[[str], str], text: str) -> str:
    """A text with blanks from each opening to its closing; where Jinja prints something, with `_INSIDE`."""
    parts, at = [], 0
    while (match := opening.search(text, at)) is not None:
        end = text.find(ending := closing(match[0]), match.end())
        if end < 0:
            break
        end += len(ending)
        stands = _INSIDE if match[0] == "{{" else " "
        parts += [text[at : match.start()], re.sub(r"[^\n]", stands, text[match.start() : end])]
        at = end
    return "".join([*parts, text[at:]])


def _outside(rest: str) -> str:
    """A tag without the values of its attributes: what Jinja may add attributes to."""
    return _ATTRIBUTE.sub("", rest)


def _of_link(source: Source, line: int, url: str) -> Iterator[Finding]:
    scheme = _SCHEME.match(url)
    if scheme is None or _INSIDE in scheme[0]:
        if url and not url.startswith(("#", "//", _INSIDE)):
            said = f"{_shown(url)} leads nowhere from an e-mail"
            yield source.finding("error", "link", said, "write the whole address, https://…", line=line, words=url[:20])
    elif scheme[1].lower() == "http":
        yield _insecure(source, line, url)
    elif scheme[1].lower() not in ("https", "mailto", "tel", "sms"):
        said = f"a link may not begin with {_shown(scheme[0])}"
        yield source.finding("error", "link", said, "use https: or mailto:", line=line, words=scheme[0])


def _insecure(source: Source, line: int, url: str) -> Finding:
    said = f"{_shown(url)} is not encrypted, and spam filters count that"
    words = url.partition(_INSIDE)[0][:20]
    return source.finding("warning", "link", said, "use https, if the server has it", line=line, words=words)


def _shown(url: str) -> str:
    return repr(url.partition(_INSIDE)[0][:60])


def unshown_blocks(packs: PackChain, sources: Iterable[Source]) -> Iterator[Finding]:
    """Jinja blocks that take the place of none: a template that extends another shows no others."""
    files = [(pack, path) for pack in packs.packs for path in pack.snapshot.files if path.endswith(MARKUP)]
    names = {(pack.id, path): [one["name"] for one in _blocks(pack.read(path) or "")] for pack, path in files}
    for source in sources:
        if not source.file.endswith(MARKUP) or "extends" not in source.text:
            continue
        known = {name for at, some in names.items() if at != (source.pack.id, source.file) for name in some}
        depth = 0
        for one in _blocks(source.text, ends=True):
            depth += 1 if one["name"] else -1
            if one["name"] and depth == 1 and one["name"] not in known:
                near = get_close_matches(one["name"], sorted(known), 1)
                yield source.finding(
                    "warning", "not-read", f"no template above has the block {one['name']!r}, so it is not shown",
                    f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}",
                    line=source.text.count("\n", 0, one.start()) + 1, words=one["name"],
                )  # fmt: skip


def _blocks(text: str, *, ends: bool = False) -> Iterator[re.Match[str]]:
    return (one for one in _BLOCK.finditer(text) if ends or one["name"])


def left_open(text: str, start: str) -> int:
    """Where a template opens the MJML element, given as `<name`, that it does not close; -1 if it closes them all."""
    inside: list[re.Match[str]] = []
    for tag in _MJML_TAG.finditer(_without(_COMMENT, lambda _: "-->", _masked(text))):
        if not tag["close"]:
            inside += [] if tag["rest"].endswith("/") else [tag]
        elif inside and inside[-1]["name"] != tag["name"]:
            break
        elif inside:
            inside.pop()
    return inside[-1].start() if inside and inside[-1]["name"] == start[1:] else -1


# --------------------------------------------------------------------------- notifications


def _of_notification(pack: Pack, file: str, overlay: NotificationOverlay) -> Iterator[Finding]:
    for number, block in enumerate(overlay.blocks):
        if block.kind == "image" and not block.alt:
            place = pack.place(file, ("blocks", number))
            yield Finding(
                severity="warning", rule="alt", message=f"the image {block.id!r} has no alt",
                fix="say in words what it shows", pack=pack.id, file=file, line=place.line, column=place.column,
            )  # fmt: skip
        for path, url in _links(block):
            source = Source(pack, file, _masked(url), "text", ("blocks", number, *path))
            yield from _of_link(source, 1, source.text.strip())


def _links(block: BlockOverlay) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for number, action in enumerate(block.actions or ()):
        yield ("actions", number, "url"), action.url
    if block.url and not block.url.startswith("assets/"):
        yield ("url",), block.url


# --------------------------------------------------------------------------- images


def unused_assets(snapshot: Snapshot, pack: str) -> list[Finding]:
    """Images that no file of the pack names."""
    named = b"\n".join(content for path, content in snapshot.files.items() if not path.startswith("assets/"))
    return [
        Finding(severity="note", rule="asset-unused", message="no file of the pack names it", pack=pack, file=path)
        for path in snapshot.under("assets")
        if path.encode() not in named
    ]
