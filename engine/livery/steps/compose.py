"""Compose: an event becomes a Notification, once, in the reader's language and the seller's brand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from livery import locales
from livery.errors import NotFound, PackError
from livery.locales import Choice
from livery.models.event import Event, EventType
from livery.models.notification import Block, Notification, Piece
from livery.models.tenant import Chain
from livery.packs.chain import PackChain
from livery.packs.language import Texts
from livery.packs.manifest import BlockDefinition

_MAX_TEXT = 4000
_MAX_LINE = 300
_SCHEMES = ("https", "http", "mailto")
_BLOCK: TypeAdapter[Block] = TypeAdapter(Block)


def choose_locale(chain: Chain, packs: PackChain, reader: str | None, last: str, *, asked: str | None = None) -> Choice:
    """The language to write in: the asked one, the reader's, the nearest tenant's, the last resort."""
    wanted = [("asked for", asked), ("the recipient's language", reader)]
    wanted += [(f"default language of {tenant.level} {tenant.id}", tenant.locale) for tenant in reversed(chain)]
    available = packs.locales()
    return locales.negotiate([*wanted, ("last resort", last)], [last, *(tag for tag in available if tag != last)])


def brand(chain: Chain, packs: PackChain, seller_name: str) -> dict[str, str]:
    """Every token: the pack chain's, then each tenant's from the platform down; `name` is the seller's."""
    tokens = packs.tokens()
    for tenant in chain:
        tokens.update(tenant.brand)
    return {**tokens, "name": tokens.get("name") or seller_name}


def compose(
    event: Event, kind: EventType, chain: Chain, packs: PackChain, *, choice: Choice, accepted_at: datetime
) -> Notification:
    """Compose the notification of an event.

    Never fails for what a pack does: a piece that cannot be made falls back to the parent pack's, then to a
    plain built-in one, and `degraded` says so.
    """
    tokens = brand(chain, packs, event.data.seller.name)
    composer = _Composer(event, packs, choice, tokens, year=event.when(accepted_at).year)
    try:
        return composer.notification(kind)
    except (NotFound, PackError) as error:
        return composer.built_in(kind, str(error))


class _Composer:
    def __init__(self, event: Event, packs: PackChain, choice: Choice, tokens: Mapping[str, str], *, year: int) -> None:
        self._packs, self._choice, self._tokens = packs, choice, dict(tokens)
        self._direction = locales.direction(choice.tag)
        self._texts = Texts(choice.regional, self._direction)
        self._trace: list[Piece] = []
        self._degraded: list[str] = []
        plain = event.plain()
        self._context: dict[str, Any] = {
            "event": plain["data"],
            "envelope": {key: value for key, value in plain.items() if key != "data"},
            "brand": self._tokens,
            "locale": choice.tag,
            "year": str(year),
        }

    def notification(self, kind: EventType) -> Notification:
        definition, origin = self._packs.definition(kind.notification)
        file = f"notifications/{kind.notification}.toml"
        blocks = []
        for block in definition.blocks:
            made, pack = self._block(block, kind.notification, origin[block.id])
            if made is not None:
                blocks.append(made)
                self._trace.append(Piece(piece=f"block {block.id}", pack=pack, file=file))
        title = self._scalar(self._line, definition.title, "title")
        return Notification(
            event_type=kind.name,
            locale=self._choice.tag,
            direction=self._direction,
            subject=self._scalar(self._line, definition.subject, "subject") or title or kind.name,
            preheader=self._scalar(self._line, definition.preheader, "preheader"),
            title=title or kind.name,
            greeting=self._scalar(self._text, definition.greeting, "greeting"),
            blocks=tuple(blocks),
            closing=self._scalar(self._text, definition.closing, "closing"),
            signature=tuple(
                line for part in definition.signature if (line := self._scalar(self._line, part, "signature"))
            ),
            footer=self._scalar(self._line, definition.footer, "footer"),
            brand=self._tokens,
            pack=self._packs.top.label,
            trace=tuple(self._trace),
            degraded=tuple(self._degraded),
        )

    def built_in(self, kind: EventType, why: str) -> Notification:
        """What goes out when no pack can say it: the bare facts, in English."""
        facts = [(key, value) for key, value in _leaves(self._context["event"])][:20]
        block = {
            "id": "facts", "kind": "facts", "priority": 100,
            "facts": [{"label": key, "value": locales.one_line(value, _MAX_LINE)} for key, value in facts],
        }  # fmt: skip
        return Notification(
            event_type=kind.name,
            locale="en",
            direction="ltr",
            subject=kind.name,
            title=kind.name,
            blocks=(_BLOCK.validate_python(block),),
            signature=(self._tokens["name"],),
            brand=self._tokens,
            pack="built-in",
            degraded=(why,),
        )

    def _block(self, block: BlockDefinition, name: str, pack: str) -> tuple[Block | None, str]:
        """A block and the pack it is of; one that fails gives way to what the parent packs have under its id."""
        for version, origin in self._versions(block, name, pack):
            try:
                return self._made(version), origin
            except Exception as error:  # noqa: BLE001 - a pack may raise anything; the message must go out
                self._degraded.append(f"block {block.id} of {origin}: {_said(error)}")
        return None, pack

    def _versions(self, block: BlockDefinition, name: str, pack: str) -> Iterator[tuple[BlockDefinition, str]]:
        """A block as the nearest pack has it, then as each parent that has it otherwise."""
        yield block, pack
        packs = self._packs.without_top()
        while packs is not None and any(packs.files(f"notifications/{name}.toml")):
            definition, origin = packs.definition(name)
            older = next((one for one in definition.blocks if one.id == block.id), block)
            if older != block:
                yield older, origin[older.id]
            block, packs = older, packs.without_top()

    def _made(self, block: BlockDefinition) -> Block | None:
        if not self._texts.holds(block.when, self._context):
            return None
        made = {"id": block.id, "kind": block.kind, "priority": block.priority, **self._fields(block)}
        return None if _is_empty(made) else _BLOCK.validate_python(made)

    def _scalar(self, write: Callable[[str, str], str], source: str, piece: str) -> str:
        """A text outside of blocks; left empty if it fails."""
        try:
            return write(source, piece)
        except Exception as error:  # noqa: BLE001 - as above
            self._degraded.append(f"{piece}: {_said(error)}")
            return ""

    def _fields(self, block: BlockDefinition) -> dict[str, Any]:
        heading = self._line(block.heading, block.id)
        match block.kind:
            case "text":
                return {"heading": heading, "text": self._text(block.text, block.id)}
            case "error":
                code = self._line(block.code, block.id) if block.code else ""
                return {"heading": heading, "text": self._text(block.text, block.id), "code": code}
            case "list":
                return {
                    "heading": heading,
                    "items": tuple(self._text(item, block.id) for item in block.items),
                }
            case "facts":
                facts = self._each(
                    block.facts, lambda one: {"value": self._line(one.value, block.id), "mono": one.mono}
                )
                return {"heading": heading, "facts": tuple(facts)}
            case "actions":
                actions = self._each(block.actions, lambda one: {"url": self._url(one.url), "primary": one.primary})
                return {"actions": tuple(one for one in actions if one["url"])}
            case "image":
                return {
                    "url": self._url(block.url),
                    "alt": self._line(block.alt, block.id),
                    "width": block.width,
                }
            case _:
                return {}

    def _each(self, parts: Sequence[Any], fields: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"label": self._line(part.label, "label"), **fields(part)}
            for part in parts
            if self._texts.holds(part.when, self._context)
        ]

    def _url(self, source: str) -> str:
        """A link that may become one: http, https or mailto; empty otherwise."""
        if "{" not in source and "://" not in source and not source.startswith("mailto:"):
            return ""
        url = "".join(locales.clean(self._texts.render(source, self._context)).split())
        return url if urlsplit(url).scheme in _SCHEMES else ""

    def _line(self, source: str, piece: str) -> str:
        return locales.shorten(" ".join(self._written(source, piece).split()), _MAX_LINE)

    def _text(self, source: str, piece: str) -> str:
        return locales.shorten(self._written(source, piece).strip(), _MAX_TEXT)

    def _written(self, source: str, piece: str) -> str:
        """A template filled, or the best text for a string key; a text that fails gives way to the next best."""
        if not source:
            return ""
        if "{{" in source or "{%" in source:
            return self._texts.render(source, self._context)
        for text, pack, tag in self._packs.strings(source, self._choice.fallbacks):
            try:
                written = self._texts.render(text, self._context)
            except Exception as error:  # noqa: BLE001 - as above
                self._degraded.append(f"{source} of {pack.label} ({tag}): {_said(error)}")
                continue
            self._trace.append(Piece(piece=source, pack=pack.id, file=f"strings/{tag}.toml", locale=tag))
            return written
        self._degraded.append(f"{piece}: no text for {source!r} in any language")
        return ""


def _said(error: Exception) -> str:
    return locales.one_line(f"{type(error).__name__}: {error}", 200)


def _is_empty(made: Mapping[str, Any]) -> bool:
    """Whether a block has nothing to show, so that no heading stands over nothing."""
    needed = {
        "text": "text",
        "error": "text",
        "list": "items",
        "facts": "facts",
        "actions": "actions",
        "image": "url",
    }
    field = needed.get(made["kind"])
    return field is not None and not made[field]


def _leaves(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in _leaves(one, f"{path}.{key}".lstrip("."))]
    return [] if value is None or isinstance(value, list) else [(path, str(value))]
