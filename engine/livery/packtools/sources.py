"""Every template, text and condition a pack has, each with the way back to its place in the pack's files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from livery.errors import PackError
from livery.packs.findings import Finding, Severity
from livery.packs.manifest import NotificationOverlay
from livery.packs.pack import Pack
from livery.packs.toml import KeyPath, Place

Mode = Literal["markup", "text", "condition"]
MARKUP = ".mjml.j2"
_FOLDERS = ("layouts", "blocks", "parts")
_TEXTS = ("subject", "preheader", "title", "greeting", "closing", "footer")
_BLOCK_TEXTS = ("heading", "text", "code", "url", "alt")


@dataclass(frozen=True, slots=True)
class Source:
    """One template, text or condition of a pack.

    Attributes:
        pack: whose it is.
        file: the path inside the pack.
        text: what it says.
        mode: how it is read.
        path: where it stands in the data of a TOML file; empty if it is the whole file.
        key: the key of a text in `strings/`; empty for everything else.
        locale: the language of such a text.

    """

    pack: Pack
    file: str
    text: str
    mode: Mode
    path: KeyPath = ()
    key: str = ""
    locale: str = ""

    @property
    def notification(self) -> str:
        """The notification it belongs to; empty if it may belong to any."""
        return self.file.removeprefix("notifications/").removesuffix(".toml") if self.path else ""

    def place(self, line: int, words: str = "") -> Place:
        """Where a line of it stands in the file; of `words` in that line, if they are there."""
        lines = self.text.split("\n")
        column = lines[line - 1].find(words) + 1 if words and 0 < line <= len(lines) else 0
        if not self.path and not self.key:
            return Place(line, column)
        try:
            if self.key:
                return self.pack.string_place(self.locale, self.key, max(line, 1), max(column, 1))[1]
            return self.pack.value_place(self.file, self.path, max(line, 1), max(column, 1))
        except (PackError, KeyError):
            return Place()

    def finding(
        self, severity: Severity, rule: str, message: str, fix: str = "", *, line: int = 1, words: str = ""
    ) -> Finding:
        """A finding about a line of it."""
        place = self.place(line, words)
        return Finding(
            severity=severity, rule=rule, message=message, fix=fix, pack=self.pack.id, file=self.file,
            line=place.line, column=place.column,
        )  # fmt: skip


def sources(pack: Pack) -> list[Source]:
    """Everything of a pack that is evaluated."""
    return [*_templates(pack), *_strings(pack), *_notifications(pack)]


def is_template(text: str) -> bool:
    """Whether a text of a notification is a template itself; if not, it is the key of one."""
    return "{{" in text or "{%" in text


def _templates(pack: Pack) -> Iterator[Source]:
    for folder in _FOLDERS:
        for file in pack.snapshot.under(folder):
            if file.endswith(".j2") and (text := pack.read(file)) is not None:
                yield Source(pack, file, text, "markup" if file.endswith(MARKUP) else "text")


def _strings(pack: Pack) -> Iterator[Source]:
    for locale, texts in pack.strings.items():
        file = pack.string_files[locale]
        for key, text in texts.items():
            yield Source(pack, file, text, "text", key=key, locale=locale)


def _notifications(pack: Pack) -> Iterator[Source]:
    for name in pack.notifications():
        overlay = pack.notification(name)
        assert overlay is not None, "named as one that can be used"
        file = f"notifications/{name}.toml"
        for path, field, text in texts_of(overlay):
            if field == "when" or is_template(text):
                yield Source(pack, file, text, "condition" if field == "when" else "text", path)


def texts_of(overlay: NotificationOverlay) -> Iterator[tuple[KeyPath, str, str]]:
    """Every text and condition a pack gives a notification: where it stands, the name of its field, what it says."""
    yield from _given(overlay, _TEXTS, ())
    yield from ((("signature", at), "signature", text) for at, text in enumerate(overlay.signature or ()))
    for number, block in enumerate(overlay.blocks):
        path: KeyPath = ("blocks", number)
        yield from _given(block, ("when", *_BLOCK_TEXTS), path)
        yield from (((*path, "items", at), "items", text) for at, text in enumerate(block.items or ()))
        for at, fact in enumerate(block.facts or ()):
            yield from _given(fact, ("when", "label", "value"), (*path, "facts", at))
        for at, action in enumerate(block.actions or ()):
            yield from _given(action, ("when", "label", "url"), (*path, "actions", at))


def _given(part: Any, fields: tuple[str, ...], path: KeyPath) -> Iterator[tuple[KeyPath, str, str]]:
    yield from (((*path, name), name, text) for name in fields if (text := getattr(part, name)))
