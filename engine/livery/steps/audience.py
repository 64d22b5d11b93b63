"""Audience: settings and directory decide who is told, in which place, and why."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from livery.locales import one_line
from livery.models.audience import Audience, Endpoint, Entry, Exclusion, PlaceName, Recipient
from livery.models.event import Event, EventType
from livery.models.tenant import Chain, Contact, EventSettings, Place, Tenant

Resolve = Callable[[str, Event, Chain], Sequence[Recipient] | None]
Configured = Callable[[str, str], Sequence[Endpoint]]

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


def resolve(event: Event, kind: EventType, chain: Chain, *, directory: Resolve) -> Audience:
    """Who is told of an event, with a reason for everyone in it and everyone left out.

    An address appears once, in the strongest place (To, Cc, Bcc). Is To empty, the fallback chain
    applies with a warning; whoever it finds is moved to To.
    """
    entries: list[Entry] = []
    excluded: list[Exclusion] = []
    for rule in rules(kind, chain):
        found, left_out = _people(rule, event, chain, directory)
        entries.extend(found)
        excluded.extend(left_out)
    warnings: list[str] = []
    if not any(entry.place == "to" for entry in entries):
        for selector, who in FALLBACKS:
            found, left_out = _people(Rule("to", selector, "fallback"), event, chain, directory)
            excluded.extend(left_out)
            if found:
                entries = [*found, *entries]
                warnings.append(f"Nobody configured could be reached; sent to {who} instead.")
                break
    kept, twins = _once(entries)
    return Audience(entries=tuple(kept), excluded=(*excluded, *twins), warnings=tuple(warnings))


def rules(kind: EventType, chain: Chain) -> list[Rule]:
    """The selectors in force: the event type's defaults, then every level's differences, `*` before the type."""
    lists: dict[PlaceName, dict[str, str]] = {place: dict.fromkeys(getattr(kind, place), "default") for place in PLACES}
    for tenant in chain:
        for settings in _settings(tenant, kind.name):
            for place in PLACES:
                lists[place] = _changed(lists[place], getattr(settings, place), f"{tenant.level} {tenant.id}")
    return [Rule(place, selector, origin) for place in PLACES for selector, origin in lists[place].items()]


def is_enabled(kind: EventType, chain: Chain) -> tuple[bool, str]:
    """Whether the event type is on for a seller, and the level that says so."""
    answer, origin = True, "default"
    for tenant in chain:
        for settings in _settings(tenant, kind.name):
            if settings.enabled is not None:
                answer, origin = settings.enabled, f"{tenant.level} {tenant.id}"
    return answer, origin


def endpoints(channel: str, chain: Chain, *, cumulative: bool, configured: Configured) -> list[Endpoint]:
    """A channel's destinations: every level's if cumulative, else those of the lowest level that has some."""
    levels = [found for tenant in chain if (found := configured(tenant.id, channel))]
    return [endpoint for found in (levels if cumulative else levels[-1:]) for endpoint in found]


def _settings(tenant: Tenant, kind: str) -> Iterator[EventSettings]:
    yield from (tenant.settings[name] for name in ("*", kind) if name in tenant.settings)


def _changed(current: dict[str, str], place: Place, origin: str) -> dict[str, str]:
    changed = dict(current) if place.set is None else dict.fromkeys(place.set, origin)
    for selector in place.add:
        changed.setdefault(selector, origin)
    return {selector: where for selector, where in changed.items() if selector not in place.remove}


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
        named = _NAMED.fullmatch(rest)
        name, spec = named.groups() if named else ("", rest)
        return [Recipient(address=spec.strip(), name=name)], ""
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


@dataclass(frozen=True, slots=True)
class Invalid:
    """Why something is no address."""

    why: str


def address(text: str) -> str | Invalid:
    """One addr-spec with its domain in ASCII, or why it is none. Lists, groups and header tricks are none."""
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text.strip(), check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError as error:
        return Invalid(f"not a valid address: {error}")
    return valid.ascii_email or f"{valid.local_part}@{valid.ascii_domain}"
