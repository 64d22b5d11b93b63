"""Settings: which events go out by which channels, and whom each is addressed to."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from livery.errors import InputError, NotFound, Problem
from livery.http.gate import Admin, Viewer
from livery.http.pages import people, standing, times, words
from livery.http.pages.changing import Make, change, revised
from livery.http.pages.routes import Fields, Form, pages
from livery.http.pages.shell import SECTIONS, Page, Section, unsegment
from livery.settings.changes import Change
from livery.settings.differences import ANY, Operation, Slot

router = pages()
SECTIONS.append(Section("Settings", "settings", 20))
Asked = Annotated[str, Query(max_length=200)]
_DAYS = 30


@router.get("/t/{tenant}/settings")
def matrix(request: Request, who: Viewer, tenant: str) -> Response:
    """Every event type by every channel."""
    page = Page.of(request, who, tenant)
    own, channels = page.desk.own(page.tenant), standing.channels(page)
    events = [ANY, *sorted(page.engine.types)]
    rows = [(event, [standing.switch(page, event, channel, own) for channel in (ANY, *channels)]) for event in events]
    return page.show(
        "matrix.html.j2",
        title="Settings",
        section="Settings",
        rows=rows,
        channels=[ANY, *channels],
        revision=page.desk.revision(page.tenant),
        counts={event: sum(one.slot.event_type == event for one in own) for event in events},
    )


@router.post("/t/{tenant}/settings/switch")
def switch(request: Request, who: Admin, tenant: str, form: Fields) -> Response:
    """Switch a channel on or off for an event type, or take back what was said here."""
    page = Page.of(request, who, tenant)
    slot, to = Slot(page.tenant, form.text("event", ANY), form.text("channel", ANY), "enabled"), form.text("value")
    if to not in ("on", "off", "reset"):
        raise InputError("the switch is wrong:", [Problem("value", "on, off or reset", to)])
    what = f"{words.event(slot.event_type)}, {words.channel(slot.channel)}"
    desk, event, channel = page.desk, slot.event_type, slot.channel
    make: partial[list[Change]]
    if to == "reset":
        make = partial(desk.reset, page.tenant, "enabled", event_type=event, channel=channel)
    else:
        make = partial(desk.change, page.tenant, "set", "enabled", to == "on", event_type=event, channel=channel)
    said = f"{what}: as the level above says again." if to == "reset" else f"{what}: switched {to}."
    return change(page, form, slot, revised(make), back=_back(page, form), said=said)


@router.get("/t/{tenant}/settings/event/{event}/{channel}")
def event(request: Request, who: Viewer, tenant: str, event: str, channel: str, q: Asked = "") -> Response:
    """One event type on one channel: who gets it, and where it goes."""
    from livery.http.pages import destinations

    page, event, channel = Page.of(request, who, tenant), unsegment(event), unsegment(channel)
    own, view = page.desk.own(page.tenant), page.desk.resolved(page.tenant, event, channel)
    at = ("settings", "event", event)
    tabs = [(words.channel(one), page.here(*at, one), one == channel) for one in standing.channels(page)]
    to_persons = standing.is_to_persons(page, channel)
    return page.show(
        "event.html.j2",
        title=f"{words.event(event)}: {words.channel(channel)}",
        section="Settings",
        event=event,
        channel=channel,
        tabs=tabs,
        view=view,
        switch=standing.switch(page, event, channel, own),
        lists=standing.lists(view, own, page.engine.now()) if to_persons else [],
        q=q,
        found=people.search(page, q) if to_persons and q else [],
        suggestions=people.SELECTORS if to_persons else [],
        places=destinations.listed(page, event, channel) if not to_persons else None,
        levels_below=bool(page.engine.tenants.show(page.tenant).below),
        own=sum(one.slot.event_type == event for one in own),
        description=_about(page, event),
    )


@router.post("/t/{tenant}/settings/event/{event}/{channel}/{field}")
def recipients(  # noqa: PLR0913 - a page has as many parts
    request: Request, who: Admin, tenant: str, event: str, channel: str, field: str, form: Fields
) -> Response:
    """Put somebody in a list, leave somebody out, take back what was said here, lock it for the levels below."""
    page, event, channel = Page.of(request, who, tenant), unsegment(event), unsegment(channel)
    if field not in standing.PLACES:
        raise NotFound(f"there is no list called {field}")
    back = page.here("settings", "event", event, channel)
    operation, value = form.text("operation"), people.selector(form.text("value"))
    starts, ends = times.span(form)
    slot = Slot(page.tenant, event, channel, field, value, starts=starts, ends=ends)
    if operation == "add" and form.has("try"):
        return _try(page, slot, back)
    make, said = _deed(page, slot, operation)
    return change(page, form, slot, make, back=back, said=said)


@router.post("/t/{tenant}/settings/event/{event}/{channel}")
def reset(request: Request, who: Admin, tenant: str, event: str, channel: str, form: Fields) -> Response:
    """Take back everything that was said here of an event type."""
    page, event, channel = Page.of(request, who, tenant), unsegment(event), unsegment(channel)
    slot = Slot(page.tenant, event, ANY, "to")

    def make(revision: int | None) -> list[Change]:
        return page.desk.reset(page.tenant, event_type=event, expected_revision=revision)

    back, said = (
        page.here("settings", "event", event, channel),
        f"{words.event(event)} is as the level above says again.",
    )
    return change(page, form, slot, make, back=back, said=said)


def _deed(page: Page, slot: Slot, operation: str) -> tuple[Make, str]:
    """What an operation of a list does, and what is said once it is done."""
    desk, field, event, channel = page.desk, slot.field, slot.event_type, slot.channel
    who, title = words.selector(slot.item), words.PLACES[field]
    own = {one.operation for one in desk.own(page.tenant) if _is_about(one.slot, slot)}
    say = partial(desk.change, page.tenant, event_type=event, channel=channel)
    put = partial(say, "add", field, slot.item, starts=slot.starts, ends=slot.ends)
    take_back = partial(desk.reset, page.tenant, field, event_type=event)
    one, all_of_it, lock = partial(take_back, item=slot.item), take_back, partial(take_back, is_lock=True)
    deeds: dict[str, tuple[Callable[..., list[Change]], str]] = {
        "add": (put, f"{who} is in {title} {slot.when() or 'now'}."),
        "remove": (partial(say, "remove", field, slot.item), f"{who} is left out of {title}."),
        "reset": (all_of_it, f"{title} is as the level above says again."),
        "lock": (partial(say, "lock", field), f"{title} is locked for the levels below."),
        "unlock": (lock, f"{title} may be changed below again."),
    }
    if operation == "add" and not slot.when() and Operation.REMOVE in own:
        return revised(one), f"{who} is in {title} again."
    if operation == "remove" and Operation.ADD in own:
        return revised(one), f"{who} is not in {title} any more."
    if operation not in deeds:
        raise InputError("the change is wrong:", [Problem("operation", f"one of {', '.join(deeds)}", operation)])
    make, said = deeds[operation]
    return revised(make), said


def _try(page: Page, slot: Slot, back: str) -> Response:
    """What a change would have done to the events of the last 30 days. Changes nothing."""
    since = page.engine.now() - timedelta(days=_DAYS)
    proposal = page.desk.propose(
        page.tenant, "add", slot.field, slot.item, event_type=slot.event_type, channel=slot.channel
    )
    return page.show(
        "what_if.html.j2",
        title="What would change",
        section="Settings",
        report=page.desk.what_if(proposal, since=since),
        days=_DAYS,
        what=f"{words.selector(slot.item)} in {words.PLACES[slot.field]}",
        action=page.here("settings", "event", slot.event_type, slot.channel, slot.field),
        value=slot.item,
        back=back,
    )


def _is_about(one: Slot, slot: Slot) -> bool:
    return (one.field, one.item, one.event_type, one.is_lock) == (slot.field, slot.item, slot.event_type, False)


def _back(page: Page, form: Form) -> str:
    """The page a switch was on: the matrix, or that of its event type."""
    event, channel = form.text("page_event"), form.text("page_channel")
    return page.here("settings", "event", event, channel) if event and channel else page.here("settings")


def _about(page: Page, event: str) -> str:
    """What an event type is for, as whoever defined it says."""
    kind = page.engine.types.get(event)
    return (
        (kind.data.__doc__ or "").strip().partition("\n")[0]
        if kind
        else "What is said here counts for every event type."
    )
