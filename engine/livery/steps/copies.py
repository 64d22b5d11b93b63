"""Copies: one audience becomes as many messages as its members see different things."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from livery.models.audience import Audience, Endpoint, Entry
from livery.models.classification import SIDES, View, hidden
from livery.models.event import EventData

Audiences = Iterable[frozenset[str]]
"""Whom blocks of a notification are for, each block's once."""
_LEVELS: Mapping[str, str] = {"default": "platform", "distributor": "distributor", "seller": "seller"}
_OWN_COPY = "gets a message of its own, since it may see other things than the rest of the audience"


@dataclass(frozen=True, slots=True)
class Copy:
    """Those of an audience who are told the same, and what each kind of them may see."""

    audience: Audience
    views: tuple[View, ...]
    name: str = ""
    """Tells copies of one audience apart; empty where there is only one."""

    def withheld(self, data: EventData) -> tuple[str, ...]:
        """The fields of an event that are left out, by their paths in `data`."""
        return tuple(sorted(".".join(path) for path in hidden(data, self.views)))


def split(audience: Audience, data: EventData, blocks: Audiences) -> list[Copy]:
    """The copies of an audience, the one with To first.

    Where a copy has nobody in To, those in Cc move there; those in Bcc stay where nobody sees them. Who is left out
    and why is told with the first copy.
    """
    kinds = sorted(set(blocks), key=sorted)
    copies: dict[tuple[object, ...], dict[View, list[Entry]]] = {}
    for entry in audience.entries:
        view = view_of(entry)
        sees = (hidden(data, [view]), *(view.is_addressed(one) for one in kinds))
        copies.setdefault(sees, {}).setdefault(view, []).append(entry)
    if len(copies) < 2:  # noqa: PLR2004 - nobody sees anything else
        return [Copy(audience, tuple(views)) for views in copies.values()]
    order = {id(entry): at for at, entry in enumerate(audience.entries)}
    made: list[Copy] = []
    for views in copies.values():
        entries = sorted((entry for some in views.values() for entry in some), key=lambda one: order[id(one)])
        is_first = not made
        mine = audience.model_copy(
            update={"entries": _placed(entries), "excluded": audience.excluded if is_first else ()}
        )
        name = "" if is_first else "+".join(sorted({side for view in views for side in view.sides}) or ["other"])
        made.append(Copy(mine, tuple(views), name))
    return _named(made)


def view_of(entry: Entry) -> View:
    """What somebody may see: by whose person they are, and by every selector that led to them.

    A plain address is on the side of the level that wrote it down, and is never sent a secret.
    """
    found = [_side_of(selector, entry) for selector in (entry.selector, *entry.also)]
    sides = {side for some, _ in found for side in some}
    return View(frozenset(sides), secrets=any(may for _, may in found))


def view_of_endpoint(endpoint: Endpoint) -> View:
    """What a chat hook or webhook may see: as its level's people, secrets only where its setting says so."""
    return View(frozenset({_LEVELS.get(_level(endpoint.origin), "")} & set(SIDES)), endpoint.may_see_secrets)


def _side_of(selector: str, entry: Entry) -> tuple[frozenset[str], bool]:
    kind, _, rest = selector.partition(":")
    whose = rest.partition(".")[0]
    if kind == "event_user":
        return frozenset({"user", "customer"}), True
    if kind == "address":
        return frozenset({_LEVELS.get(_level(entry.origin), "")} & set(SIDES)), False
    if entry.recipient.side is not None:
        return frozenset({entry.recipient.side}), True
    if kind == "role" and whose == rest:
        return frozenset({"seller"}), True
    return frozenset({whose} & set(SIDES)), True


def _level(origin: str) -> str:
    return origin.partition(" ")[0]


def _placed(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    if any(one.place == "to" for one in entries):
        return tuple(entries)
    return tuple(one.model_copy(update={"place": "to"}) if one.place == "cc" else one for one in entries)


def _named(copies: Sequence[Copy]) -> list[Copy]:
    """Two copies never have one name: what differs then is which secrets they may see."""
    found: dict[str, int] = {}
    named = []
    for copy in copies:
        number = found[copy.name] = found.get(copy.name, 0) + 1
        warnings = (*copy.audience.warnings, *([f"{_who(copy)} {_OWN_COPY}."] if copy is not copies[0] else []))
        name = f"{copy.name} {number}" if number > 1 else copy.name
        named.append(Copy(copy.audience.model_copy(update={"warnings": warnings}), copy.views, name))
    return named


def _who(copy: Copy) -> str:
    return ", ".join(entry.recipient.address for entry in copy.audience.entries)
