"""Compose: an event becomes a Notification, once, in the reader's language and the seller's brand."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import TypeAdapter

from livery import locales
from livery.composing import MAX_LINE, Composer, Material, Plain, Text, context, reading_locale
from livery.errors import NotFound, PackError
from livery.locales import Choice
from livery.models.event import Event, EventType
from livery.models.notification import Block, Notification
from livery.models.tenant import Chain, seller_name
from livery.packs.chain import PackChain

_BLOCK: TypeAdapter[Block] = TypeAdapter(Block, config={"defer_build": True})
_MAX_FACTS = 20
_MATERIAL: WeakKeyDictionary[PackChain, dict[str, Material]] = WeakKeyDictionary()


def choose_locale(chain: Chain, packs: PackChain, reader: str | None, last: str, *, asked: str | None = None) -> Choice:
    """The language to write in: the asked one, the reader's, the nearest tenant's, the last resort."""
    return reading_locale(wishes(chain, last), available(packs, last), reader=reader, asked=asked)


def wishes(chain: Chain, last: str) -> list[tuple[str, str | None]]:
    """What the tenants would have, the nearest first, and the last resort: after what is asked for and the reader's."""
    wanted = [(f"default language of {tenant.level} {tenant.id}", tenant.locale) for tenant in reversed(chain)]
    return [*wanted, ("last resort", last)]


def available(packs: PackChain, last: str) -> list[str]:
    """The languages there are texts for, the last resort first: `last` if there are, else English, else any."""
    tags = packs.locales()
    first = next((tag for tag in (*locales.prefixes(last), "en", *tags) if tag in tags), last)
    return [first, *(tag for tag in tags if tag != first)]


def brand(chain: Chain, packs: PackChain, name: str) -> dict[str, str]:
    """Every token: the pack chain's, then each tenant's from the platform down; `name` is the seller's."""
    tokens = packs.tokens()
    for tenant in chain:
        tokens.update(tenant.brand)
    return {**tokens, "name": locales.one_line(tokens.get("name") or name)}


def compose(
    event: Event, kind: EventType, chain: Chain, packs: PackChain, *, choice: Choice, accepted_at: datetime
) -> Notification:
    """Compose the notification of an event.

    Never fails for what a pack does: see `livery.composing.Composer`. A definition that is not usable gives way
    to the parent pack's; where no pack has a usable one, the bare facts go out, in English.
    """
    tokens = brand(chain, packs, seller_name(chain, event))
    seen = context(event.plain(), tokens, choice.tag, event.when(accepted_at).year)
    wrong: list[str] = []
    usable = packs if packs.packs else None
    while usable is not None:
        try:
            composer = Composer(material(usable, kind.notification), seen, choice, check=_BLOCK.validate_python)
            said = composer.notification(kind.name)
            return Notification.model_validate({**said, "degraded": [*wrong, *said["degraded"]]})
        except (NotFound, PackError) as error:
            wrong.append(str(error))
            usable = usable.without_top()
    return _built_in(kind, seen["event"], tokens, wrong or ["no pack is usable"])


def material(packs: PackChain, name: str) -> Material:
    """What the packs have for a notification. Kept with the chain: packs do not change while it is in use.

    Raises:
        NotFound: no pack defines it.
        PackError: the overlays do not fit together.

    """
    kept = _MATERIAL.setdefault(packs, {})
    if name not in kept:
        kept[name] = _material(packs, name)
    return kept[name]


def _material(packs: PackChain, name: str) -> Material:
    definition, origin = packs.definition(name)
    path = f"notifications/{name}.toml"

    def strings(key: str, fallbacks: Iterable[str]) -> Iterator[Text]:
        for source, pack, tag in packs.strings(key, fallbacks):
            yield Text(source, pack.id, pack.label, tag)

    def older(block: Plain) -> Iterator[tuple[Plain, str]]:
        parents = packs.without_top()
        while parents is not None and any(parents.files(path)):
            theirs, origins = parents.definition(name)
            found = next((one.model_dump() for one in theirs.blocks if one.id == block["id"]), block)
            if found != block:
                yield found, origins[found["id"]]
            block, parents = found, parents.without_top()

    return Material(definition.model_dump(), origin, strings, older, path, packs.top.label)


def _built_in(kind: EventType, event: Plain, tokens: Mapping[str, str], why: list[str]) -> Notification:
    """What goes out when no pack can say it."""
    facts = [
        {"label": locales.one_line(key, 100), "value": locales.one_line(value, MAX_LINE)}
        for key, value in _leaves(event)
    ][:_MAX_FACTS]
    block = {"id": "facts", "kind": "facts", "priority": 100, "facts": facts}
    return Notification(
        event_type=kind.name,
        locale="en",
        direction="ltr",
        subject=kind.name,
        title=kind.name,
        blocks=(_BLOCK.validate_python(block),),
        signature=(tokens["name"],),
        brand=dict(tokens),
        pack="built-in",
        degraded=tuple(why),
    )


def _leaves(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in _leaves(one, f"{path}.{key}".lstrip("."))]
    return [] if value is None or isinstance(value, list) else [(path, str(value))]
