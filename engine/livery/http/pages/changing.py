"""Changing settings from a page: a change is made, or it is shown why not with nothing lost of either side's."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi.responses import Response

from livery.errors import SettingsConflict
from livery.http.pages import words
from livery.http.pages.once import Said
from livery.http.pages.routes import Form
from livery.http.pages.shell import Page
from livery.settings.changes import Change
from livery.settings.differences import ANY, Slot

Make = Callable[[int | None], Sequence[Change]]
"""Makes a change at the revision that was read; None for whatever stands now."""


def revised(call: Callable[..., Sequence[Change]]) -> Make:
    """A call of the desk that is given everything but the revision."""
    return lambda revision: call(expected_revision=revision)


def change(page: Page, form: Form, about: Slot, make: Make, *, back: str, said: str) -> Response:
    """Make a change that somebody saw a page for.

    What somebody else changed since then is a conflict only if it is about the same setting; it is shown beside what
    was asked for, and both can still be had.

    Args:
        page: the page.
        form: holds `revision`, and whatever was filled in.
        about: which setting.
        make: makes it.
        back: the page to go back to.
        said: what that page says once it is done.

    """
    revision = form.number("revision") if not form.has("anyway") else None
    try:
        changes = make(revision)
    except SettingsConflict as error:
        theirs = [one for one in error.changes if _meet(one.slot, about)]
        if theirs:
            return _conflict(page, form, about, theirs, back)
        changes = make(None)
    if not changes:
        return page.go(back, Said("It stood so already; nothing was changed."))
    return page.go(back, Said(said, undo=changes[0].id))


def described(one: Change) -> str:
    """What a change did, as one reads it in a list."""
    return f"{stated(one.slot, one.before)} → {stated(one.slot, one.after)}"


def stated(slot: Slot, said: Any) -> str:
    """What stood in its place before or after."""
    if said is None:
        return "nothing"
    operation, value = said
    if slot.is_lock:
        return "locked"
    if slot.item:
        return {"add": "added", "remove": "removed"}.get(str(operation), str(operation))
    return _value(value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ", ".join(words.selector(one) for one in value) or "nobody"
    if isinstance(value, dict):
        return ", ".join(value) or "none"
    return str(value)


def subject(slot: Slot) -> str:
    """What a change is about: the setting, and of what."""
    item = f" {words.selector(slot.item) if slot.field in words.PLACES else slot.item}" if slot.item else ""
    of = [words.event(slot.event_type)] if slot.event_type != ANY else []
    of += [words.channel(slot.channel)] if slot.channel != ANY else []
    return f"{words.FIELDS.get(slot.field, slot.field)}{item}" + (f" ({', '.join(of)})" if of else "")


def _meet(one: Slot, other: Slot) -> bool:
    """Whether two changes are about the same setting of one event type and channel."""
    events = one.event_type == other.event_type or ANY in (one.event_type, other.event_type)
    channels = one.channel == other.channel or ANY in (one.channel, other.channel)
    items = not one.item or not other.item or one.item == other.item or one.field in words.PLACES
    return one.field == other.field and events and channels and items


def _conflict(page: Page, form: Form, about: Slot, theirs: Sequence[Change], back: str) -> Response:
    again = [one for one in form.items() if one[0] not in ("revision", "form_token", "anyway")]
    return page.show(
        "conflict.html.j2",
        status=409,
        title="Somebody else changed this",
        section="Settings",
        theirs=[(one, subject(one.slot), described(one)) for one in theirs],
        about=subject(about),
        yours=form.text("operation") or "set",
        value=words.selector(form.text("value")),
        action=page.request.url.path,
        again=again,
        back=back,
    )
