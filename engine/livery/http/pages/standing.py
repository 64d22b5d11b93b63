"""Standing: what counts at a tenant, as the settings pages show it: each value with whose word it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from livery.http.pages import words
from livery.http.pages.shell import Page
from livery.models.explanation import Said, SettingsView
from livery.settings.differences import ANY, Difference, Operation, Slot

PLACES: Final = ("to", "cc", "bcc")
ORDER: Final = ("smtp", "slack", "teams", "webhook")
_PERSONS, _NOWHERE = "persons", "no destination yet"


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether a channel is used for an event type.

    Attributes:
        event: the event type; `*` for all.
        channel: the channel; `*` for all.
        on: whether it is.
        origin: whose word that is.
        locked_by: who keeps it from being changed here.
        own: whether this tenant says something itself.
        note: why it makes no difference, if it makes none.

    """

    event: str
    channel: str
    on: bool
    origin: str
    locked_by: str = ""
    own: bool = False
    note: str = ""

    @property
    def lacks_destination(self) -> bool:
        """Whether it makes no difference because it goes nowhere yet."""
        return self.note == _NOWHERE


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipient of a list, or one that is left out and why.

    Attributes:
        value: the selector.
        origin: whose word it is.
        when: when it counts, if it is scheduled.
        left_out: why it is not in the list.
        own: what this tenant says of it in the store: `add` or `remove`; empty if nothing.

    """

    value: str
    origin: str
    when: str = ""
    left_out: str = ""
    own: str = ""

    @property
    def text(self) -> str:
        return words.selector(self.value)


@dataclass(frozen=True, slots=True)
class List:
    """A list of recipients.

    Attributes:
        field: `to`, `cc` or `bcc`.
        entries: who is in it.
        left_out: who would be, and is not.
        locked_by: who keeps it from being changed here.
        own: how many things this tenant says of it.
        locks: whether this tenant locks it for those below.
        coming: what this tenant says of it from a later time on.

    """

    field: str
    entries: tuple[Entry, ...]
    left_out: tuple[Entry, ...]
    locked_by: str
    own: int
    locks: bool
    coming: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return words.PLACES[self.field]


def channels(page: Page) -> list[str]:
    """The channels that a tenant is shown: those that need nothing of the operator's, and those it has set up."""
    types, kinds = page.engine.channels.types, page.engine.channels
    known = [name for name in ORDER if name in types]
    others = sorted(name for name in types if name not in ORDER and kinds.has_settings(name))
    return [*known, *others]


def is_to_persons(page: Page, channel: str) -> bool:
    return channel != ANY and page.engine.channels.kind(channel).addressing == _PERSONS


def switch(page: Page, event: str, channel: str, own: Sequence[Difference]) -> Switch:
    """A switch of the matrix."""
    view = page.desk.resolved(page.tenant, event, channel)
    row = next(one for one in view.rows if one.field == "enabled" and not one.left_out)
    return Switch(
        event,
        channel,
        on=row.value == "on",
        origin=row.origin,
        locked_by=_above(view, row.locked_by),
        own=any(_is_here(one, "enabled", event, channel) for one in own),
        note=_note(page, view, channel),
    )


def lists(view: SettingsView, own: Sequence[Difference], now: datetime) -> list[List]:
    """To, Cc and Bcc."""
    return [_list(view, field, own, now) for field in PLACES]


def _list(view: SettingsView, field: str, own: Sequence[Difference], now: datetime) -> List:
    rows = [one for one in view.rows if one.field == field]
    here = [one for one in own if one.slot.field == field and one.slot.event_type == view.event_type]
    said = {one.slot.item: one.operation.value for one in here if one.slot.item and not one.slot.is_lock}
    said |= {
        value: "add"
        for one in here
        if one.operation is Operation.SET and isinstance(one.value, list)
        for value in one.value
    }
    entries = [_entry(one, said) for one in rows if one.value]
    locked = next((one.locked_by for one in rows if one.locked_by), "")
    return List(
        field,
        tuple(one for one in entries if not one.left_out),
        tuple(one for one in entries if one.left_out),
        locked_by=_above(view, locked),
        own=sum(not one.slot.is_lock for one in here),
        locks=any(one.slot.is_lock for one in here),
        coming=tuple(
            f"{words.selector(one.slot.item)} {one.slot.when()}" for one in here if _is_to_come(one.slot, now)
        ),
    )


def _is_to_come(slot: Slot, now: datetime) -> bool:
    return slot.starts is not None and slot.starts > now


def scalar(view: SettingsView, field: str) -> Said | None:
    """The row of a setting that is one value; None if nobody says anything."""
    return next((one for one in view.rows if one.field == field and not one.left_out), None)


def _entry(row: Said, said: dict[str, str]) -> Entry:
    return Entry(row.value, row.origin, row.when, row.left_out, said.get(row.value, ""))


def _above(view: SettingsView, locked_by: str) -> str:
    """Who locks it, unless it is this tenant itself, which may still change it."""
    own = f" {view.tenant}"
    who = locked_by.split(" by ", maxsplit=1)[0].split(" on ", maxsplit=1)[0]
    return "" if who.removesuffix(" (livery.toml)").endswith(own) else locked_by


def _is_here(one: Difference, field: str, event: str, channel: str) -> bool:
    slot = one.slot
    return slot.field == field and (slot.event_type, slot.channel) == (event, channel) and not slot.is_lock


def _note(page: Page, view: SettingsView, channel: str) -> str:
    if channel == ANY:
        return ""
    if is_to_persons(page, channel):
        return "" if page.engine.channels.has_settings(channel) else "not set up by the operator"
    return "" if any(one.field == "destinations" and not one.left_out for one in view.rows) else _NOWHERE
