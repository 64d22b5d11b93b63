"""Audience: settings and directory decide who is told, in which place, and why."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from livery.addresses import Invalid, address
from livery.locales import one_line
from livery.models.audience import Audience, Entry, Exclusion, PlaceName, Recipient
from livery.models.directory import Found
from livery.settings.resolving import Resolved

KeptOff = Callable[[Iterable[str]], Mapping[str, str]]
"""Of these addresses those that must not be written to, each with why."""

PLACES: tuple[PlaceName, ...] = ("to", "cc", "bcc")
FALLBACKS = (
    ("organization_contact:customer.primary", "the customer's primary contact"),
    ("organization_contact:seller.primary", "the seller's primary contact"),
    ("organization_contact:distributor.operations", "the distributor's operations"),
    ("organization_contact:platform.operations", "the platform's operations"),
)
_NAME_LENGTH = 120
_NAMED = re.compile(r'\s*"?([^<>"]*?)"?\s*<([^<>]*)>\s*')
"""`Name <address>`, and nothing beside it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A selector in a place, with the level that put it there."""

    place: PlaceName
    selector: str
    origin: str


def resolve(settings: Resolved, known: Mapping[str, Found], *, kept_off: KeptOff = lambda _: {}) -> Audience:
    """Who is told of an event, with a reason for everyone in it and everyone left out.

    An address appears once, in the strongest place (To, Cc, Bcc). Is To empty, the fallback chain
    applies with a warning; whoever it finds is moved to To.

    Args:
        settings: what the levels say.
        known: the directory's answers to `selectors(settings)`.
        kept_off: tells who must not be written to.

    """
    entries: list[Entry] = []
    rules, unsaid = _said(settings)
    excluded = [*unsaid]
    for rule in rules:
        found, left_out = _people(rule, known)
        entries.extend(found)
        excluded.extend(left_out)
    entries = _reachable(entries, kept_off, excluded)
    warnings: list[str] = []
    if not any(entry.place == "to" for entry in entries):
        for selector, who in FALLBACKS:
            found, left_out = _people(Rule("to", selector, "fallback"), known)
            found = _reachable(found, kept_off, left_out)
            excluded.extend(left_out)
            if found:
                entries = [*found, *entries]
                warnings.append(f"Nobody configured could be reached; sent to {who} instead.")
                break
    kept, twins = _once(entries)
    return Audience.trusted(entries=tuple(kept), endpoints=(), excluded=(*excluded, *twins), warnings=tuple(warnings))


def _reachable(entries: Sequence[Entry], kept_off: KeptOff, excluded: list[Exclusion]) -> list[Entry]:
    """Those who may be written to; the others go to `excluded`."""
    off = kept_off([entry.recipient.address for entry in entries]) if entries else {}
    if not off:
        return list(entries)
    excluded += [
        Exclusion(
            place=one.place, selector=one.selector, origin=one.origin,
            reason=off[one.recipient.address], address=one.recipient.address,
        )
        for one in entries if one.recipient.address in off
    ]  # fmt: skip
    return [one for one in entries if one.recipient.address not in off]


def together(told: Sequence[Audience]) -> Audience:
    """The audiences of several channels as one: everybody who is told, once."""
    if len(told) == 1:
        return told[0]
    return Audience(
        entries=tuple(dict.fromkeys(one for who in told for one in who.entries)),
        excluded=tuple(dict.fromkeys(one for who in told for one in who.excluded)),
        warnings=tuple(dict.fromkeys(one for who in told for one in who.warnings)),
    )


def _said(settings: Resolved) -> tuple[Sequence[Rule], Sequence[Exclusion]]:
    """The selectors in force, and those that some level named and that are not."""
    found: tuple[Sequence[Rule], Sequence[Exclusion]] | None = settings.memo.get("selectors")
    if found is None:
        rules = [Rule(place, item.key, item.origin) for place in PLACES for item in settings[place].items]
        found = settings.memo["selectors"] = rules, _unsaid(settings)
    return found


def selectors(settings: Resolved) -> list[str]:
    """All that may have to be looked up: what is in force, and what To falls back on."""
    return [*(rule.selector for rule in _said(settings)[0]), *(selector for selector, _ in FALLBACKS)]


def _unsaid(settings: Resolved) -> list[Exclusion]:
    return [
        Exclusion(place=place, selector=one.key, origin=one.origin, reason=one.reason)
        for place in PLACES
        for one in settings[place].left_out
    ]


def _people(rule: Rule, known: Mapping[str, Found]) -> tuple[list[Entry], list[Exclusion]]:
    found = _look_up(rule.selector, known)
    excluded = [_left_out(rule, why, one_line(who, 100)) for who, why in found.left_out]
    if not found.people and not excluded:
        return [], [_left_out(rule, found.why)]
    entries = []
    for recipient in found.people:
        checked = address(recipient.address)
        if isinstance(checked, Invalid):
            excluded.append(_left_out(rule, checked.why, one_line(recipient.address, 100)))
            continue
        name = one_line(recipient.name, _NAME_LENGTH)
        person = Recipient.trusted(address=checked, name=name, locale=recipient.locale, side=recipient.side)
        entries.append(
            Entry.trusted(place=rule.place, recipient=person, selector=rule.selector, origin=rule.origin, also=())
        )
    return entries, excluded


def _left_out(rule: Rule, why: str, who: str = "") -> Exclusion:
    return Exclusion.trusted(place=rule.place, selector=rule.selector, origin=rule.origin, reason=why, address=who)


def _look_up(selector: str, known: Mapping[str, Found]) -> Found:
    """Who a selector stands for, or why it stands for nobody."""
    kind, _, rest = selector.partition(":")
    if kind == "address":
        name, spec = named(rest)
        return Found(people=(Recipient(address=spec, name=name),))
    return known[selector]


def _once(entries: Sequence[Entry]) -> tuple[list[Entry], list[Exclusion]]:
    if len(entries) == 1:
        return [*entries], []
    kept: dict[str, Entry] = {}
    twins = []
    for entry in sorted(entries, key=lambda one: PLACES.index(one.place)):
        first = kept.setdefault(entry.recipient.address.casefold(), entry)
        if first is not entry:
            kept[entry.recipient.address.casefold()] = first.model_copy(update={"also": (*first.also, entry.selector)})
            twins.append(
                Exclusion(
                    place=entry.place, selector=entry.selector, origin=entry.origin,
                    reason=f"already in {first.place.title()}", address=entry.recipient.address,
                )
            )  # fmt: skip
    return list(kept.values()), twins


def named(text: str) -> tuple[str, str]:
    """The name and the address in `Name <address>`; where there is no name, all of it as the address."""
    found = _NAMED.fullmatch(text)
    name, spec = found.groups() if found else ("", text)
    return name, spec.strip()
