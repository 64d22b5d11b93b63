"""Times: quiet periods, in which what is not critical waits, and what is said for a time only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response

from livery.errors import InputError, NotFound, Problem, shown
from livery.http.gate import Admin, Viewer
from livery.http.pages import standing, words
from livery.http.pages.changing import change, revised, stated, subject
from livery.http.pages.routes import Fields, Form, pages
from livery.http.pages.shell import Page
from livery.settings.differences import ANY, Difference, Slot
from livery.settings.quiet import QuietPeriod

router = pages()
DAYS: Final = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}
_FIELD = "quiet"


@dataclass(frozen=True, slots=True)
class Period:
    """A quiet period that counts, or would.

    Attributes:
        name: what it is called.
        event: which event type waits; `*` for all that may.
        says: when it is, in words.
        origin: whose word it is.
        is_own: whether this tenant says it in the store.
        until: when it ends, if it is now.
        left_out: why it does not count.

    """

    name: str
    event: str
    says: str
    origin: str
    is_own: bool
    until: datetime | None = None
    left_out: str = ""

    @property
    def content(self) -> tuple[str, str, str]:
        """What makes one of a single event type the same as one of all."""
        return self.name, self.origin, self.says or self.left_out


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Something that this tenant says for a time only; `key` names it in forms."""

    key: str
    about: str
    says: str
    when: str
    state: str


@router.get("/t/{tenant}/settings/times")
def times(request: Request, who: Viewer, tenant: str) -> Response:
    page = Page.of(request, who, tenant)
    own, view = page.desk.own(page.tenant), page.desk.resolved(page.tenant)
    waiting = [name for name, kind in sorted(page.engine.types.items()) if not kind.critical]
    here = {(one.slot.event_type, one.slot.item) for one in own if one.slot.field == _FIELD}
    return page.show(
        "times.html.j2",
        title="Quiet periods and schedules",
        section="Settings",
        periods=list(_periods(page, waiting, here)),
        waiting=waiting,
        locked_by=_locked_above(page),
        locks=any(one.slot.field == _FIELD and one.slot.is_lock for one in own),
        levels_below=bool(page.engine.tenants.show(page.tenant).below),
        scheduled=[_scheduled(one, page.engine.now()) for one in own if one.is_scheduled],
        events=[ANY, *sorted(page.engine.types)],
        channels=[ANY, *standing.channels(page)],
        days=DAYS,
        revision=view.revision,
    )


@router.post("/t/{tenant}/settings/times/quiet")
def quiet(request: Request, who: Admin, tenant: str, form: Fields) -> Response:
    """Add a quiet period, leave one out or back in, lock them for the levels below."""
    page = Page.of(request, who, tenant)
    event, name, operation = form.text("event", ANY), form.text("name"), form.text("operation")
    slot, desk = Slot(page.tenant, event, ANY, _FIELD, name), page.desk
    say = partial(desk.change, page.tenant, event_type=event)
    take_back = partial(desk.reset, page.tenant, _FIELD, event_type=event)
    deeds: dict[str, tuple[Any, str]] = {
        "remove": (partial(say, "remove", _FIELD, item=name), f"{name} is left out here."),
        "reset": (partial(take_back, item=name), f"{name} is as the level above says again."),
        "lock": (partial(desk.change, page.tenant, "lock", _FIELD), "Quiet periods are locked for the levels below."),
        "unlock": (partial(take_back, is_lock=True), "Quiet periods may be changed below again."),
    }
    if operation == "add":
        deeds["add"] = (partial(say, "add", _FIELD, _period(form), item=name), f"{name} is a quiet period now.")
    if operation not in deeds:
        raise InputError("the change is wrong:", [Problem("operation", f"add or one of {', '.join(deeds)}", operation)])
    make, said = deeds[operation]
    return change(page, form, slot, revised(make), back=page.here("settings", "times"), said=said)


@router.post("/t/{tenant}/settings/times/off")
def off(request: Request, who: Admin, tenant: str, form: Fields) -> Response:
    """Switch an event type or a channel off for a time."""
    page = Page.of(request, who, tenant)
    event, channel = form.text("event", ANY), form.text("channel", ANY)
    starts, ends = span(form)
    if ends is None:
        raise InputError("the time is wrong:", [Problem("ends", "a time at which it is switched on again")])
    slot = Slot(page.tenant, event, channel, "enabled", starts=starts, ends=ends)
    say = partial(page.desk.change, page.tenant, "set", "enabled", False, event_type=event, channel=channel)
    make = partial(say, starts=starts, ends=ends)
    said = f"{subject(slot)}: off {slot.when()}."
    return change(page, form, slot, revised(make), back=page.here("settings", "times"), said=said)


@router.post("/t/{tenant}/settings/times/back")
def back(request: Request, who: Admin, tenant: str, form: Fields) -> Response:
    """Take back what is said for a time only."""
    page = Page.of(request, who, tenant)
    key = form.text("key")
    found = next((one for one in page.desk.own(page.tenant) if one.is_scheduled and _key(one.slot) == key), None)
    if found is None:
        raise NotFound("this schedule is not there any more")
    said = f"{subject(found.slot)}: taken back."
    make = revised(partial(page.desk.take_back, found.slot))
    return change(page, form, found.slot, make, back=page.here("settings", "times"), said=said)


def span(form: Form) -> tuple[datetime | None, datetime | None]:
    """From when to when something counts, by the fields `starts` and `ends`; None for always.

    Raises:
        InputError: one of them is no time, or it ends before it begins.

    """
    starts, ends = (_moment(form, name) for name in ("starts", "ends"))
    if starts and ends and starts >= ends:
        raise InputError("the time is wrong:", [Problem("ends", "a time after the beginning", form.text("ends"))])
    return starts, ends


def _moment(form: Form, name: str) -> datetime | None:
    text = form.text(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InputError("the time is wrong:", [Problem(name, "such as 2026-12-24T18:00", shown(text))]) from None


def _period(form: Form) -> dict[str, Any]:
    """A period as it was filled in; what is wrong with it, settings say."""
    starts, ends = span(form)
    if starts or ends:
        return {"window": [one.isoformat() if one else "" for one in (starts, ends)]}
    days = [name for name in DAYS if form.has(f"day-{name}")]
    found = {"from": form.text("from"), "until": form.text("until"), "time_zone": form.text("time_zone") or "UTC"}
    return {**found, **({"days": days} if 0 < len(days) < len(DAYS) else {})}


def _locked_above(page: Page) -> str:
    """Who keeps quiet periods from being changed here."""
    lock = page.engine.planner.resolved(page.chain, ANY, ANY, page.engine.now())[_FIELD].lock
    return str(lock) if lock and lock.tenant != page.tenant else ""


def _periods(page: Page, waiting: Sequence[str], here: set[tuple[str, str]]) -> Iterator[Period]:
    """Those of all event types first, then what single ones have beside."""
    engine, seen, now = page.engine, set[tuple[str, str, str]](), page.engine.now()
    engine.live.refresh()
    for event in (ANY, *waiting):
        answer = engine.planner.resolved(page.chain, event, ANY, now)[_FIELD]
        found = []
        for item in answer.items:
            one, is_own = QuietPeriod.model_validate(item.value), (event, item.key) in here
            found.append(Period(item.key, event, described(one), item.origin, is_own, one.until(now)))
        for left in answer.left_out:
            is_own = (event, left.key) in here
            found.append(Period(left.key, event, "", left.origin, is_own, left_out=left.reason))
        yield from (one for one in found if one.content not in seen)
        seen |= {one.content for one in found}


def described(one: QuietPeriod) -> str:
    """When a period is, as one reads it."""
    if one.window is not None:
        return f"{words.moment(one.window[0])} to {words.moment(one.window[1])}"
    days = ", ".join(DAYS[name] for name in DAYS if name in one.days) or "every day"
    return f"{one.start} to {one.end}, {days} ({one.time_zone})"


def _scheduled(one: Difference, now: datetime) -> Scheduled:
    slot = one.slot
    state = "now" if slot.is_active(now) else "over" if slot.ends and slot.ends <= now else "to come"
    return Scheduled(_key(slot), subject(slot), stated(slot, one.said()), slot.when(), state)


def _key(slot: Slot) -> str:
    return sha256(repr(slot).encode()).hexdigest()[:20]
