"""PO files as such: reading one strictly, and writing one, with Babel. What entries mean is `livery.packs.po`'s."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, NamedTuple

from livery.locales import one_line

if TYPE_CHECKING:
    from babel.messages.catalog import Message

MAX_BYTES = 1024 * 1024
MAX_PROBLEMS = 100
# Babel reads more than this and silently loses the end of a line whose quotes are not closed.
_LINE = re.compile(
    r"\s*+(?:#~\s*+)?+(?:[#|].*+|(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?+) ++)?+"
    r'"(?:[^"\\]++|\\[\\trn"])*+"\s*+)?+'
)
# What may come before what; Babel passes in silence over what it does not expect.
_BEFORE = {
    "msgctxt": ("", "msgstr", "msgstr["),
    "msgid": ("", "msgctxt", "msgstr", "msgstr["),
    "msgid_plural": ("msgid",),
    "msgstr": ("msgid",),
    "msgstr[": ("msgid_plural", "msgstr["),
}
_PREVIOUS = re.compile(r'^#\| msgid "(\d+)"$', re.MULTILINE)
_MOST_PLURALS = 10
_SAID = 200


@dataclass(slots=True, kw_only=True)
class Entry:
    """One entry.

    Attributes:
        context: `msgctxt`; empty if there is none.
        source: `msgid`.
        text: `msgstr`; empty if it is not translated.
        line: that of `msgid`, 1-based.
        is_fuzzy: whether somebody has to look at the translation.
        is_plural: whether it has plural forms of gettext's kind; `source` and `text` are the first of them.
        previous: what `msgid` was when it was translated, if that was another.
        comments: what translators wrote.
        notes: what they are told.
        place: file and line the source is from.

    """

    context: str
    source: str
    text: str = ""
    line: int = 0
    is_fuzzy: bool = False
    is_plural: bool = False
    previous: str = ""
    comments: Sequence[str] = ()
    notes: Sequence[str] = ()
    place: tuple[str, int] | None = None


class PoFile(NamedTuple):
    """What a PO file holds; `problems` are (line, what is wrong), and if there are any it holds nothing else."""

    entries: Sequence[Entry] = ()
    obsolete: Sequence[Entry] = ()
    header: Mapping[str, str] = {}
    problems: Sequence[tuple[int, str]] = ()


@dataclass(slots=True)
class _Previous:
    """Former sources (`#|`) by the line of the `msgid` they stand above; Babel takes them for comments."""

    found: dict[int, str] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)

    def see(self, number: int, line: str) -> None:
        if line.startswith("#|"):
            self._lines.append(line[2:].strip())
        elif line.startswith("msgid ") and self._lines:
            self.found[number] = _joined(self._lines)
            self._lines = []
        elif not line:
            self._lines = []


def read(text: str) -> PoFile:
    """A PO file. All lines that are wrong are told, up to a hundred; a file larger than 1 MiB is not read."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        return PoFile(problems=[(0, f"is larger than {MAX_BYTES // 1024} KiB")])
    text = text.removeprefix("\ufeff")
    previous = _Previous()
    problems: list[tuple[int, str]] = []
    last = ""
    for number, line in enumerate(text.split("\n"), 1):
        previous.see(number, line.strip())
        match = _LINE.fullmatch(line)
        if match is None:
            problems.append((number, "is no line of a PO file: it is to be a comment, or a text in closed quotes"))
        elif word := match[1]:
            if last not in _BEFORE[word.rstrip("0123456789]")]:
                problems.append((number, f"{word} is out of place; msgctxt, msgid and msgstr follow each other"))
            last = word.rstrip("0123456789]")
        if len(problems) == MAX_PROBLEMS:
            break
    return PoFile(problems=problems) if problems else _parsed(text, previous.found)


def _parsed(text: str, previous: Mapping[int, str]) -> PoFile:
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import PoFileError, PoFileParser

    messages: list[Message] = []

    class Collector(Catalog):
        """Keeps every entry as it comes: no merging of doubles, no belief in what the header says."""

        num_plurals = _MOST_PLURALS

        def __setitem__(self, _: object, message: "Message") -> None:
            messages.append(message)

    collector = Collector()
    try:
        PoFileParser(collector, abort_invalid=True).parse(StringIO(text))
    except PoFileError as error:
        return PoFile(problems=[(error.lineno + 1, one_line(str(error).rpartition(" on ")[0], _SAID))])
    except Exception as error:  # noqa: BLE001 - Babel trips over what it does not expect
        return PoFile(problems=[(0, f"is no PO file: {type(error).__name__}")])
    header = next((message for message in messages if not message.id and not message.context), None)
    return PoFile(
        [_entry(message, previous) for message in messages if message.id or message.context],
        [_entry(message, {}) for message in collector.obsolete.values()],
        _header(str(header.string)) if header else {},
    )


def _entry(message: "Message", previous: Mapping[int, str]) -> Entry:
    line = message.lineno or 0
    return Entry(
        context=message.context or "",
        source=_first(message.id),
        text=_first(message.string),
        line=line,
        is_fuzzy="fuzzy" in message.flags,
        is_plural=not isinstance(message.id, str),
        previous=previous.get(line, ""),
        comments=[comment for comment in message.user_comments if not comment.startswith("|")],
    )


def _first(text: str | Sequence[str] | None) -> str:
    return text if isinstance(text, str) else next(iter(text or ()), "")


def _joined(lines: Iterable[str]) -> str:
    """The `msgid` among the lines after `#|`."""
    from babel.messages.pofile import unescape

    parts: list[str] = []
    taking = False
    for line in lines:
        taking = line.startswith("msgid ") or (taking and line.startswith('"'))
        if taking:
            parts.append(unescape(line.removeprefix("msgid ").strip()))
    return "".join(parts)


def _header(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.split("\n"))
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def write(entries: Iterable[Entry], obsolete: Iterable[Entry], header: Mapping[str, str], note: str) -> str:
    """A PO file; `note` stands at its top, as comment.

    Lines are not wrapped: how Babel wraps them takes quadratic time.
    """
    from babel.messages.catalog import Catalog, Message
    from babel.messages.pofile import normalize, write_po

    catalog = Catalog()
    previous: list[str] = []
    for entry in entries:
        message = catalog.add(
            entry.source,
            entry.text,
            [entry.place] if entry.place else (),
            auto_comments=entry.notes,
            user_comments=entry.comments,
            context=entry.context,
        )
        # Not what Babel guesses from % and { in a text, which translators' tools would hold translations to.
        message.flags = {"fuzzy"} if entry.is_fuzzy else set()
        if entry.previous:
            message.previous_id = [str(len(previous))]
            previous.append(entry.previous)
    for entry in obsolete:
        catalog.obsolete[entry.context, entry.source] = Message(
            entry.source, entry.text, user_comments=entry.comments, context=entry.context or None
        )
    out = BytesIO()
    write_po(out, catalog, width=0, omit_header=True, include_previous=True)

    def former(number: re.Match[str]) -> str:
        # Babel wraps these as comments, in the middle of quotes.
        return f"#| msgid {normalize(previous[int(number[1])], prefix='#| ', width=0)}"

    head = "".join(f"{name}: {value}\n" for name, value in header.items())
    comment = "".join(f"# {line}".rstrip() + "\n" for line in note.split("\n"))
    body = _PREVIOUS.sub(former, out.getvalue().decode())
    return f'{comment}msgid ""\nmsgstr {normalize(head, width=0)}\n\n{body}'
