"""What if: events that came are planned again under a proposed change, and what would differ is counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from livery.errors import LiveryError
from livery.models.event import Event
from livery.planning import Planner, Plans
from livery.ports import Plan
from livery.settings.changes import Write
from livery.settings.differences import Difference
from livery.settings.live import Live, Reader

EXAMPLES = 10
_WORDED_BY = ("pack", "locale", "locale_policy")


@dataclass(frozen=True, slots=True)
class Example:
    """One event that would go out differently."""

    event_id: str
    event_type: str
    seller: str
    differs: tuple[str, ...]


@dataclass
class Report:
    """What a change would have done to what came.

    Attributes:
        events: how many were planned again.
        differing: how many of them would go out differently.
        messages: deliveries they make as things are.
        changed: deliveries that would be different, be gone or be new.
        kinds: how often each kind of difference occurs: `recipient added`, `channel removed`, `sender` and so on.
        examples: the first few.
        skipped: events that could not be planned again, such as of a type that is no longer there.

    """

    events: int = 0
    differing: int = 0
    messages: int = 0
    changed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    skipped: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "events": self.events, "differing": self.differing, "messages": self.messages, "changed": self.changed,
            "kinds": dict(self.kinds), "skipped": self.skipped,
            "examples": [
                {"event_id": one.event_id, "event_type": one.event_type, "seller": one.seller, "differs": one.differs}
                for one in self.examples
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proposed:
    """The store as it would be: `livery.settings.live.Reader` with what is proposed laid over it."""

    inner: Reader
    writes: Sequence[Write]

    def revision(self) -> int:
        return self.inner.revision()

    def moved(self, since: int) -> set[str]:
        return self.inner.moved(since)

    def differences(self, chain: Sequence[str]) -> Mapping[str, Sequence[Difference]]:
        found = {tenant: {one.slot: one for one in said} for tenant, said in self.inner.differences(chain).items()}
        for one in self.writes:
            if one.slot.tenant not in chain:
                continue
            slots = found.setdefault(one.slot.tenant, {})
            if one.after is None:
                slots.pop(one.slot, None)
            else:
                slots[one.slot] = Difference(one.slot, *one.after)
        return {tenant: list(slots.values()) for tenant, slots in found.items()}


def what_if(
    planner: Planner, reader: Reader, writes: Sequence[Write], events: Iterable[tuple[Callable[[], Event], datetime]]
) -> Report:
    """Plan events as things are and as they would be; both times with the host's answers of today.

    A schedule that is proposed counts from its beginning, so that a change for next week shows what it will do.
    """
    at_once = [
        one if one.after is None else replace(one, slot=replace(one.slot, starts=None, ends=None)) for one in writes
    ]
    other = planner.under(Live(lambda: Proposed(reader, at_once)))
    report = Report()
    for read, accepted_at in events:
        try:
            event = read()
            before, after = (one.plan(event, accepted_at, accepted_at=accepted_at) for one in (planner, other))
        except LiveryError:
            report.skipped += 1
            continue
        _count(report, event, before, after)
    return report


def _count(report: Report, event: Event, before: Plans, after: Plans) -> None:
    report.events += 1
    report.messages += len(before.plans)
    differs, changed = _differences(before, after)
    report.changed += changed
    if not differs:
        return
    report.differing += 1
    report.kinds.update(kind for kind, _ in differs)
    if len(report.examples) < EXAMPLES:
        said = tuple(f"{kind}: {what}" if what else kind for kind, what in differs)
        report.examples.append(Example(event.id, event.type, event.seller_id, said))


def _differences(before: Plans, after: Plans) -> tuple[list[tuple[str, str]], int]:
    old, new = _by_key(before), _by_key(after)
    found: list[tuple[str, str]] = []
    changed = len(old.keys() ^ new.keys())
    for word, some, others in (("removed", old, new), ("added", new, old)):
        channels = {plan.delivery.channel for plan in some.values()} - {one.delivery.channel for one in others.values()}
        found += [(f"channel {word}", channel) for channel in sorted(channels)]
        for key in some.keys() - others.keys():
            plan = some[key]
            found += [(f"recipient {word}", who) for who in sorted(_people(plan))]
            if plan.endpoint:
                found.append((f"destination {word}", f"{plan.endpoint.channel} {plan.endpoint.label}"))
    for key in old.keys() & new.keys():
        mine = _between(old[key], new[key])
        changed += bool(mine)
        found += mine
    return found, changed


def _between(old: Plan, new: Plan) -> list[tuple[str, str]]:
    gone, come = _people(old) - _people(new), _people(new) - _people(old)
    found = [("recipient removed", who) for who in sorted(gone)] + [("recipient added", who) for who in sorted(come)]
    for kind, one in (("sender", _sender), ("words", _words), ("time", lambda plan: plan.delivery.trace["held"])):
        if one(old) != one(new):
            found.append((kind, f"{one(old) or 'default'} → {one(new) or 'default'}"))
    return found


def _by_key(plans: Plans) -> dict[tuple[str, str], Plan]:
    return {(plan.delivery.channel, plan.unique): plan for plan in plans.plans}


def _people(plan: Plan) -> set[str]:
    places = ("to", "cc", "bcc")
    return {f"{one.address} in {place.title()}" for place in places for one in getattr(plan.envelope, place)}


def _sender(plan: Plan) -> str:
    envelope = plan.envelope
    answers = f", answers to {envelope.reply_to}" if envelope.reply_to else ""
    return f"{envelope.sender_name} <{envelope.sender_address}>{answers}" if envelope.sender_address else ""


def _words(plan: Plan) -> str:
    said = plan.delivery.trace["settings"]
    return ", ".join(
        f"{one['field']} {one['value']}" for one in said if one["field"] in _WORDED_BY and not one["left_out"]
    )
