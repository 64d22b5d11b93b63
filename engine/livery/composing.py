"""How a notification is put together, on plain data: definition, strings and event in, the notification out.

Knows no models, so that it runs wherever plain data is at hand: in the compose step, which validates what
comes out, and in `livery.quick`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from livery import locales
from livery.locales import Choice
from livery.packs.language import Texts

MAX_TEXT = 4000
MAX_LINE = 300
_SCHEMES = ("https", "http", "mailto")
_NEEDED = {"text": "text", "error": "text", "list": "items", "facts": "facts", "actions": "actions", "image": "url"}
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """A string of a pack: its source, and where it is from."""

    source: str
    pack: str
    label: str
    locale: str


@dataclass(frozen=True, slots=True)
class Material:
    """What a notification is made of, beside the event."""

    definition: Plain
    """A `NotificationDefinition` as plain data."""
    origin: Mapping[str, str]
    """The pack each block comes from, by block id."""
    strings: Callable[[str, Iterable[str]], Iterable[Text]]
    """Every text for a key, best first."""
    older: Callable[[Plain], Iterable[tuple[Plain, str]]]
    """A block as each parent pack has it otherwise, with the pack's id."""
    file: str
    pack: str
    """Id and version of the nearest pack."""


def reading_locale(
    wishes: Iterable[tuple[str, str | None]], available: Sequence[str], *, reader: str | None, asked: str | None
) -> Choice:
    """The language to write in: the asked one, the reader's, then the first of `wishes` that is available."""
    own = [("asked for", asked), ("the recipient's language", reader)]
    return locales.negotiate([*own, *wishes], available)


def context(event: Plain, brand: Mapping[str, str], locale: str, year: int) -> Plain:
    """What templates and strings of packs see: `event` (its data), `envelope`, `brand`, `locale`, `year`."""
    envelope = {key: value for key, value in event.items() if key != "data"}
    return {"event": event["data"], "envelope": envelope, "brand": dict(brand), "locale": locale, "year": str(year)}


class Composer:
    """Composes one notification.

    Never fails for what a pack does: a piece that cannot be made falls back to what the parent packs have for
    it, then it is left out, and `degraded` says so.

    Args:
        check: called with each block made; what it raises makes the block fall back.

    """

    def __init__(self, material: Material, seen: Plain, choice: Choice, *, check: Callable[[Plain], object]) -> None:
        self._material, self._seen, self._choice, self._check = material, seen, choice, check
        self._direction = locales.direction(choice.tag)
        self._texts = Texts.of(choice.regional, self._direction)
        self._trace: list[Plain] = []
        self._degraded: list[str] = []

    def notification(self, event_type: str) -> Plain:
        """The fields of a `Notification`."""
        definition = self._material.definition
        blocks = []
        for block in definition["blocks"]:
            made, pack = self._block(block)
            if made is not None:
                blocks.append(made)
                self._trace.append({"piece": f"block {block['id']}", "pack": pack, "file": self._material.file})
        title = self._scalar(self._line, definition["title"], "title")
        return {
            "event_type": event_type,
            "locale": self._choice.tag,
            "direction": self._direction,
            "subject": self._scalar(self._line, definition["subject"], "subject") or title or event_type,
            "preheader": self._scalar(self._line, definition["preheader"], "preheader"),
            "title": title or event_type,
            "greeting": self._scalar(self._text, definition["greeting"], "greeting"),
            "blocks": blocks,
            "closing": self._scalar(self._text, definition["closing"], "closing"),
            "signature": [
                line for part in definition["signature"] if (line := self._scalar(self._line, part, "signature"))
            ],
            "footer": self._scalar(self._line, definition["footer"], "footer"),
            "brand": self._seen["brand"],
            "pack": self._material.pack,
            "trace": self._trace,
            "degraded": self._degraded,
        }

    def _block(self, block: Plain) -> tuple[Plain | None, str]:
        """A block and the pack it is of; one that fails gives way to what the parent packs have under its id."""
        for version, pack in self._versions(block):
            try:
                return self._made(version), pack
            except Exception as error:  # noqa: BLE001 - a pack may raise anything; the message must go out
                self._degraded.append(f"block {block['id']} of {pack}: {_said(error)}")
        return None, ""

    def _versions(self, block: Plain) -> Iterator[tuple[Plain, str]]:
        yield block, self._material.origin[block["id"]]
        yield from self._material.older(block)

    def _made(self, block: Plain) -> Plain | None:
        if not self._texts.holds(block["when"], self._seen):
            return None
        made = {"id": block["id"], "kind": block["kind"], "priority": block["priority"], **self._fields(block)}
        needed = _NEEDED.get(block["kind"])
        if needed is not None and not made[needed]:
            return None
        self._check(made)
        return made

    def _fields(self, block: Plain) -> Plain:
        id_, heading = block["id"], self._line(block["heading"], block["id"])
        match block["kind"]:
            case "text":
                return {"heading": heading, "text": self._text(block["text"], id_)}
            case "error":
                return {
                    "heading": heading,
                    "text": self._text(block["text"], id_),
                    "code": self._line(block["code"], id_),
                }
            case "list":
                return {"heading": heading, "items": [self._text(item, id_) for item in block["items"]]}
            case "facts":
                facts = self._each(
                    block["facts"], lambda one: {"value": self._line(one["value"], id_), "mono": one["mono"]}
                )
                return {"heading": heading, "facts": facts}
            case "actions":
                actions = self._each(
                    block["actions"], lambda one: {"url": self._url(one["url"]), "primary": one["primary"]}
                )
                return {"actions": [one for one in actions if one["url"]]}
            case "image":
                return {"url": self._url(block["url"]), "alt": self._line(block["alt"], id_), "width": block["width"]}
            case _:
                return {}

    def _each(self, parts: Sequence[Plain], fields: Callable[[Plain], Plain]) -> list[Plain]:
        return [
            {"label": self._line(part["label"], "label"), **fields(part)}
            for part in parts
            if self._texts.holds(part["when"], self._seen)
        ]

    def _url(self, source: str) -> str:
        """A link that may become one: http, https or mailto; empty otherwise."""
        if "{" not in source and "://" not in source and not source.startswith("mailto:"):
            return ""
        url = "".join(locales.clean(self._texts.render(source, self._seen)).split())
        return url if urlsplit(url).scheme in _SCHEMES else ""

    def _scalar(self, write: Callable[[str, str], str], source: str, piece: str) -> str:
        """A text outside of blocks; left empty if it fails."""
        try:
            return write(source, piece)
        except Exception as error:  # noqa: BLE001 - as above
            self._degraded.append(f"{piece}: {_said(error)}")
            return ""

    def _line(self, source: str, piece: str) -> str:
        return locales.shorten(" ".join(self._written(source, piece).split()), MAX_LINE)

    def _text(self, source: str, piece: str) -> str:
        return locales.shorten(self._written(source, piece).strip(), MAX_TEXT)

    def _written(self, source: str, piece: str) -> str:
        """A template filled, or the best text for a string key; a text that fails gives way to the next best."""
        if not source:
            return ""
        if "{{" in source or "{%" in source:
            return self._texts.render(source, self._seen)
        for text in self._material.strings(source, self._choice.fallbacks):
            try:
                written = self._texts.render(text.source, self._seen)
            except Exception as error:  # noqa: BLE001 - as above
                self._degraded.append(f"{source} of {text.label} ({text.locale}): {_said(error)}")
                continue
            file = f"strings/{text.locale}.toml"
            self._trace.append({"piece": source, "pack": text.pack, "file": file, "locale": text.locale})
            return written
        self._degraded.append(f"{piece}: no text for {source!r} in any language")
        return ""


def _said(error: Exception) -> str:
    return locales.one_line(f"{type(error).__name__}: {error}", 200)
