"""Audience: settings and directory decide who is told, in which place, and why."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from livery.locales import one_line
from livery.models.audience import Audience, Entry, Exclusion, PlaceName, Recipient
from livery.models.event import Event
from livery.models.tenant import Chain, Contact
from livery.settings.resolving import Resolved

Resolve = Callable[[str, Event, Chain], Sequence[Recipient] | None]
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


def resolve(
    event: Event, settings: Resolved, chain: Chain, *, directory: Resolve, kept_off: KeptOff = lambda _: {}
) -> Audience:
    """Who is told of an event, with a reason for everyone in it and everyone left out.

    An address appears once, in the strongest place (To, Cc, Bcc). Is To empty, the fallback chain
    applies with a warning; whoever it finds is moved to To.
    """
    entries: list[Entry] = []
    excluded = _unsaid(settings)
    for rule in _rules(settings):
        found, left_out = _people(rule, event, chain, directory)
        entries.extend(found)
        excluded.extend(left_out)
    entries = _reachable(entries, kept_off, excluded)
    warnings: list[str] = []
    if not any(entry.place == "to" for entry in entries):
        for selector, who in FALLBACKS:
            found, left_out = _people(Rule("to", selector, "fallback"), event, chain, directory)
            found = _reachable(found, kept_off, left_out)
            excluded.extend(left_out)
            if found:
                entries = [*found, *entries]
                warnings.append(f"Nobody configured could be reached; sent to {who} instead.")
                break
    kept, twins = _once(entries)
    return Audience(entries=tuple(kept), excluded=(*excluded, *twins), warnings=tuple(warnings))


def _reachable(entries: Sequence[Entry], kept_off: KeptOff, excluded: list[Exclusion]) -> list[Entry]:
    """Those who may be written to; the others go to `excluded`."""
    off = kept_off([entry.recipient.address for entry in entries])
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


def _rules(settings: Resolved) -> list[Rule]:
    """The selectors in force."""
    return [Rule(place, item.key, item.origin) for place in PLACES for item in settings[place].items]


def _unsaid(settings: Resolved) -> list[Exclusion]:
    """The selectors that some level named and that are not in force."""
    return [
        Exclusion(place=place, selector=one.key, origin=one.origin, reason=one.reason)
        for place in PLACES
        for one in settings[place].left_out
    ]


def _people(rule: Rule, event: Event, chain: Chain, directory: Resolve) -> tuple[list[Entry], list[Exclusion]]:
    found, missing = _look_up(rule.selector, event, chain, directory)
    common = {"place": rule.place, "selector": rule.selector, "origin": rule.origin}
    if not found:
        return [], [Exclusion(**common, reason=missing)]
    entries, excluded = [], []
    for recipient in found:
        checked = address(recipient.address)
        if isinstance(checked, Invalid):
            excluded.append(Exclusion(**common, reason=checked.why, address=one_line(recipient.address, 100)))
            continue
        name = one_line(recipient.name, _NAME_LENGTH)
        person = Recipient(address=checked, name=name, locale=recipient.locale, side=recipient.side)
        entries.append(Entry(**common, recipient=person))
    return entries, excluded


def _look_up(selector: str, event: Event, chain: Chain, directory: Resolve) -> tuple[Sequence[Recipient], str]:
    """Who a selector stands for, or why it stands for nobody."""
    kind, _, rest = selector.partition(":")
    if kind == "address":
        name, spec = named(rest)
        return [Recipient(address=spec, name=name)], ""
    answer = directory(selector, event, chain)
    if answer is not None:
        return answer, "the host's directory knows nobody for it"
    if kind == "event_user":
        user = event.data.user
        if user is None:
            return [], "the event names no user"
        if not user.email:
            return [], "the user has no e-mail address"
        return [Recipient(address=user.email, name=user.name, locale=user.locale)], ""
    if kind == "organization_contact":
        contact = _contact(rest, chain)
        if contact is not None:
            return [Recipient(address=contact.email, name=contact.name, locale=contact.locale)], ""
        return [], f"no {rest.replace('.', ' ')} contact is configured"
    return [], "no directory answers this selector"


def _contact(which: str, chain: Chain) -> Contact | None:
    organisation, _, kind = which.partition(".")
    tenants = {"seller": chain[-1:], "platform": chain[:1], "distributor": tuple(reversed(chain[1:-1]))}
    return next((tenant.contacts[kind] for tenant in tenants.get(organisation, ()) if kind in tenant.contacts), None)


def _once(entries: Sequence[Entry]) -> tuple[list[Entry], list[Exclusion]]:
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


@dataclass(frozen=True, slots=True)
class Invalid:
    """Why something is no address."""

    why: str


def normal(text: str) -> str | None:
    """One address in the form in which it is compared: no server in use tells mailboxes apart by case."""
    checked = address(text)
    return None if isinstance(checked, Invalid) else checked.casefold()


def address(text: str) -> str | Invalid:
    """One addr-spec with its domain in ASCII, or why it is none. Lists, groups and header tricks are none."""
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text.strip(), check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError as error:
        return Invalid(f"not a valid address: {error}")
    return valid.ascii_email or f"{valid.local_part}@{valid.ascii_domain}"
