"""Compose: an event becomes a Notification, once, in the reader's language and the seller's brand."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from livery import locales
from livery.composing import Plain, bare, reading_locale, seen
from livery.locales import Choice
from livery.models.event import Event, EventType
from livery.models.notification import Block, Notification, Piece
from livery.models.tenant import Chain
from livery.packs.assets import Policy, hosts_of
from livery.packs.chain import PackChain
from livery.packs.tokens import describe, resolve
from livery.pictures import album, brand_with
from livery.stencils.stencil import Stencil

_MAX_WAYS = 4096
_ways: dict[tuple[int, ...] | int, tuple[Sequence[Plain], tuple[Piece, ...]]] = {}
_BLOCK: TypeAdapter[Block] = TypeAdapter(Block, config={"defer_build": True})


def choose_locale(chain: Chain, packs: PackChain, reader: str | None, last: str, *, asked: str | None = None) -> Choice:
    """The language to write in: the asked one, the reader's, the nearest tenant's, the last resort."""
    return _choice(tuple(wishes(chain, last)), tuple(available(packs, last)), reader, asked)


@lru_cache(maxsize=4096)
def _choice(
    wishes: tuple[tuple[str, str | None], ...], available: tuple[str, ...], reader: str | None, asked: str | None
) -> Choice:
    return reading_locale(wishes, available, reader=reader, asked=asked)


def wishes(chain: Chain, last: str) -> list[tuple[str, str | None]]:
    """What the tenants would have, the nearest first, and the last resort: after what is asked for and the reader's."""
    wanted = [(f"default language of {tenant.level} {tenant.id}", tenant.locale) for tenant in reversed(chain)]
    return [*wanted, ("last resort", last)]


def available(packs: PackChain, last: str) -> list[str]:
    """The languages there are texts for, the last resort first: `last` if there are, else English, else any."""
    tags = packs.locales()
    first = next((tag for tag in (*locales.lookups(last), "en", *tags) if tag in tags), last)
    return [first, *(tag for tag in tags if tag != first)]


def brand(chain: Chain, packs: PackChain, name: str, policy: Policy) -> tuple[dict[str, str], Plain, tuple[str, ...]]:
    """Every token, the images of the packs, and what of both could not be used.

    Args:
        chain: the tenants; each may lay values of tokens over the packs', from the platform down.
        packs: the packs of the seller.
        name: the seller's, for `brand.name`.
        policy: which images may be shown.

    """
    given = [(tenant.id, tenant.brand) for tenant in chain if tenant.brand]
    found = resolve(packs.token_layers(), given, locate=packs.token_place)
    hosts = hosts_of(value for _, tokens in given for value in tokens.values())
    pictures, wrong = album(packs, policy, hosts)
    images = [row.name for row in describe(packs.token_layers(), given) if row.type == "image"]
    tokens, emptied = brand_with(found.values, images, pictures)
    notes = [str(one) for one in found.findings if one.severity == "error"]
    tokens["name"] = locales.one_line(tokens.get("name") or name)
    return tokens, pictures, (*notes, *wrong, *emptied)


def compose(
    event: Event, stencil: Stencil, *, accepted_at: datetime, sides: Sequence[Sequence[str]] | None = None
) -> tuple[Notification, Plain]:
    """Compose the notification of an event: as a model, and as the plain data the stencil fills e-mails from.

    Never fails for what a pack does: see `livery.composing.Composer`.

    Args:
        event: without what its readers may not see.
        stencil: the notification in one brand and language.
        accepted_at: stands in for the event's own time.
        sides: see `livery.composing.seen`.

    """
    sees = _seen(event, accepted_at, sides)
    try:
        said = stencil.notification(sees)
        return _model(said), said
    except ValidationError:  # some block is none: which of them, is found out one by one
        said = stencil.notification(sees, _BLOCK.validate_python)
        return _model(said), said


def _model(said: Plain) -> Notification:
    blocks = [{key: value for key, value in one.items() if key not in ("slot", "version")} for one in said["blocks"]]
    return Notification.model_validate({**said, "blocks": blocks})


def said(
    event: Event, stencil: Stencil, *, accepted_at: datetime, sides: Sequence[Sequence[str]] | None = None
) -> Plain:
    """`compose`, as plain data only. The blocks are not validated: only what was validated before goes into them."""
    return stencil.notification(_seen(event, accepted_at, sides))


def _seen(event: Event, accepted_at: datetime, sides: Sequence[Sequence[str]] | None) -> Plain:
    return seen(event.plain(), event.when(accepted_at).year, sides)


def pieces(trace: Sequence[Plain]) -> tuple[Piece, ...]:
    """Where the pieces of a notification come from. Few ways there are through a stencil, and many messages go each."""
    known = _ways.get(id(trace))  # the code written for a stencil gives the same list for the same way
    if known is not None and known[0] is trace:
        return known[1]
    way = tuple(map(id, trace))
    known = _ways.get(way)
    if known is None:
        if len(_ways) >= _MAX_WAYS:
            _ways.clear()
        # What is known keeps its rows, so that no other row can have the same identity.
        known = _ways[way] = _ways[id(trace)] = (trace, tuple(Piece(**one) for one in trace))
    return known[1]


def built_in(kind: EventType, event: Event, tokens: Mapping[str, str], why: Iterable[str]) -> Notification:
    """What goes out when no pack can say it: the bare facts, in English."""
    facts = [{"label": name, "value": value} for name, value in bare(event.plain()["data"])]
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
