"""Destinations: where chat and webhook channels deliver to. Added, tried out, given a new secret, removed."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_bytes
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin

from fastapi import Request
from fastapi.responses import Response
from pydantic import SecretStr

from livery.errors import NotFound, Refused
from livery.http.gate import Admin
from livery.http.pages import words
from livery.http.pages.changing import change
from livery.http.pages.routes import Fields, Form, pages
from livery.http.pages.shell import Page, unsegment
from livery.settings.changes import Change
from livery.settings.differences import ANY, Slot
from livery.settings.resolving import Item
from livery.settings.sealed import Sealed
from livery.trying import Try, example

router = pages()
SECRET: Final = "secret"  # noqa: S105 - the name of a field
_OURS = frozenset({SECRET, "previous_secret", "previous_secret_until"})
"""Made here, so that nobody has to think of one."""
_KEY = 32
_BOTH_SIGN = timedelta(hours=24)
_THEN: Final = {
    "delivered": "A delivery would be done.",
    "accepted": "A delivery would be done.",
    "retry": "A delivery would be tried again.",
    "unknown": "It was sent, but no answer came; a delivery would be tried again with the same id.",
    "failed": "A delivery would be given up.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A destination as a page shows it.

    Attributes:
        name: names it at its level.
        label: what people are shown of it; no secrets.
        origin: whose word it is.
        own: whether it is this tenant's, and in the store, so that it can be changed here.
        for_all: whether it is for every event type.
        signs: whether it has a secret that can be made anew.

    """

    name: str
    label: str
    origin: str
    own: bool
    for_all: bool
    signs: bool


@dataclass(frozen=True, slots=True)
class Input:
    """A field of the form for a new destination."""

    name: str
    label: str
    hint: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class Places:
    """What counts of a channel for an event type, and what a new destination is asked for."""

    items: Sequence[Place]
    inputs: Sequence[Input]
    is_cumulative: bool
    missing: str


def listed(page: Page, event: str, channel: str) -> Places:
    """The destinations that count at a tenant."""
    engine = page.engine
    items = [_place(page, event, channel, one) for one in _items(page, event, channel)]
    model = engine.channels.kind(channel).load().Destination
    inputs = [found for name, field in model.model_fields.items() if (found := _input(name, field)) is not None]
    missing = "" if engine.config.secret_keys else "secret_keys"
    return Places(items, inputs, engine.channels.kind(channel).cumulative, engine.channels.missing(channel) or missing)


@router.post("/t/{tenant}/settings/event/{event}/{channel}/destinations/add")
def add(request: Request, who: Admin, tenant: str, event: str, channel: str, form: Fields) -> Response:
    """Add one. A webhook's signing secret is made here, and shown this once."""
    page, event, channel = Page.of(request, who, tenant), unsegment(event), unsegment(channel)
    scope = ANY if form.has("for_all") else event
    model = page.engine.channels.kind(channel).load().Destination
    item: dict[str, Any] = {}
    for one in (_input(name, field) for name, field in model.model_fields.items()):
        if one is not None and (form.has(one.name) if one.kind == "checkbox" else form.text(one.name)):
            item[one.name] = True if one.kind == "checkbox" else form.text(one.name)
    secret = _new_secret() if SECRET in model.model_fields else ""
    if secret:
        item[SECRET] = secret
    return _keep(page, form, Slot(page.tenant, scope, channel, "destinations", form.text("name")), item, secret)


@router.post("/t/{tenant}/settings/event/{event}/{channel}/destinations/rotate")
def rotate(request: Request, who: Admin, tenant: str, event: str, channel: str, form: Fields) -> Response:
    """Give it a new secret; for a day the old one signs too, so that the receiver can change over."""
    page, event, channel = Page.of(request, who, tenant), unsegment(event), unsegment(channel)
    slot, item = _mine(page, event, channel, form.text("name"))
    raw, secret = _opened(item), _new_secret()
    if SECRET not in raw:
        raise NotFound(f"{slot.item} signs nothing, so it has no secret")
    until = (page.engine.now() + _BOTH_SIGN).isoformat()
    changed = {**raw, SECRET: secret, "previous_secret": raw[SECRET], "previous_secret_until": until}
    return _keep(page, form, slot, changed, secret)


@router.post("/t/{tenant}/settings/event/{event}/{channel}/destinations/remove")
def remove(request: Request, who: Admin, tenant: str, event: str, channel: str, form: Fields) -> Response:
    page, event, channel = Page.of(request, who, tenant), unsegment(event), unsegment(channel)
    slot, _ = _mine(page, event, channel, form.text("name"))

    def make(revision: int | None) -> list[Change]:
        return page.desk.change(
            page.tenant, "remove", "destinations", item=slot.item, event_type=slot.event_type, channel=channel,
            expected_revision=revision,
        )  # fmt: skip

    return change(
        page, form, slot, make, back=page.here("settings", "event", event, channel), said=f"{slot.item} is removed."
    )


@router.post("/t/{tenant}/settings/event/{event}/{channel}/destinations/test")
def test(request: Request, who: Admin, tenant: str, event: str, channel: str, form: Fields) -> Response:
    """Send it an example, once, as a delivery would be; and show what it answered."""
    page, event, channel = Page.of(request, who, tenant), unsegment(event), unsegment(channel)
    name, engine = form.text("name"), page.engine
    item = next((one for one in _items(page, event, channel) if one.key == name and one.tenant == page.tenant), None)
    if item is None:
        raise NotFound(f"{page.name} has no destination called {name} of its own here")
    model = engine.channels.kind(channel).load().Destination
    raw = example(engine, None if event == ANY else event, seller=page.tenant)
    tried = Try(engine, channel, model.model_validate(_opened(item)), json.dumps(raw).encode())
    outcome, took = asyncio.run(tried.send())
    return page.show(
        "tried.html.j2",
        title=f"Test of {name}",
        section="Settings",
        name=name,
        channel=channel,
        event=event,
        outcome=outcome,
        took=took,
        then=_THEN[outcome.status],
        good=outcome.status in ("delivered", "accepted"),
        sent=tried.wire.decode("utf-8", "replace"),
        back=page.here("settings", "event", event, channel),
    )


def _keep(page: Page, form: Form, slot: Slot, item: dict[str, Any], secret: str) -> Response:
    """Store a destination. Its secret, if it has a new one, is on the answer and nowhere else."""
    back = page.here("settings", "event", slot.event_type, slot.channel)

    def make(revision: int | None) -> list[Change]:
        return page.desk.change(
            page.tenant, "add", "destinations", item, item=slot.item, event_type=slot.event_type, channel=slot.channel,
            expected_revision=revision,
        )  # fmt: skip

    answer = change(page, form, slot, make, back=back, said=f"{slot.item} is added.")
    is_kept = answer.status_code == 303  # noqa: PLR2004 - sent on, so it is done
    if not (secret and is_kept):
        return answer
    return page.show(
        "secret.html.j2", title="The new secret", section="Settings", name=slot.item, secret=secret, back=back
    )


def _items(page: Page, event: str, channel: str) -> Sequence[Item]:
    engine = page.engine
    engine.live.refresh()
    return engine.planner.resolved(page.chain, event, channel, engine.now())["destinations"].items


def _place(page: Page, event: str, channel: str, item: Item) -> Place:
    kind = page.engine.channels.kind(channel).load()
    label = kind.label(kind.Destination.model_validate(_opened(item)))
    slot = _slot(page, event, channel, item.key) if item.tenant == page.tenant else None
    is_own = slot is not None and "livery.toml" not in item.origin
    return Place(
        item.key,
        label,
        item.origin,
        is_own,
        bool(slot and slot.event_type == ANY),
        SECRET in kind.Destination.model_fields,
    )


def _mine(page: Page, event: str, channel: str, name: str) -> tuple[Slot, Item]:
    """A destination that this tenant has in the store.

    Raises:
        NotFound: it has none of that name here.
        Refused: it stands in livery.toml.

    """
    item = next((one for one in _items(page, event, channel) if one.key == name and one.tenant == page.tenant), None)
    if item is None:
        raise NotFound(f"{page.name} has no destination called {name} of its own here")
    slot = _slot(page, event, channel, name)
    if slot is None:
        raise Refused(f"{name} stands in livery.toml; whoever runs this service changes it there")
    return slot, item


def _slot(page: Page, event: str, channel: str, name: str) -> Slot | None:
    """Where this tenant says it: of the event type, else of all."""
    said = [
        one.slot
        for one in page.desk.own(page.tenant)
        if one.slot.field == "destinations" and one.slot.channel == channel
    ]
    mine = [slot for slot in said if slot.item == name and slot.event_type in (event, ANY)]
    return max(mine, key=lambda slot: slot.event_type != ANY, default=None)


def _opened(item: Item) -> dict[str, Any]:
    return item.value.opened() if isinstance(item.value, Sealed) else dict(item.value)


def _input(name: str, field: Any) -> Input | None:
    """What a form asks for; None for what is made here, and for what has more than one value."""
    given = get_args(field.annotation) or (field.annotation,)
    kinds = [get_args(one)[0] if get_origin(one) is Annotated else one for one in given if one is not NoneType]
    kind = next(
        (shown for of, shown in ((bool, "checkbox"), (str, "text"), (SecretStr, "password")) if kinds == [of]), ""
    )
    if not kind or name in _OURS:
        return None
    label, hint = words.asked(name, field.description or "")
    return Input(name, label, hint, kind, field.is_required())


def _new_secret() -> str:
    return f"whsec_{b64encode(token_bytes(_KEY)).decode()}"
