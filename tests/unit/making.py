"""What the unit tests are made of: an event, tenants, packs in a folder."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from livery import composing, locales
from livery.catalogue import livery_register_event_types
from livery.channel import Limits
from livery.errors import NotFound
from livery.locales import Choice
from livery.models.event import Event
from livery.models.message import Format, Message
from livery.models.notification import Block, Notification
from livery.models.tenant import Chain, Level, Tenant, seller_name
from livery.packs.assets import Policy
from livery.packs.chain import Library, PackChain
from livery.plugin import hookimpl
from livery.render.message import render
from livery.settings import configured
from livery.settings.resolving import Asked, Resolved, resolve
from livery.stencils import orders
from livery.stencils.compiling import compiled
from livery.stencils.direct import Direct
from livery.stencils.stencil import Stencil
from livery.steps import accept, compose

TYPES = {kind.name: kind for kind in livery_register_event_types()}
KIND = TYPES["OfferProvisionError"]
PICTURES: dict[str, Any] = {"policy": {"hosts": ["shop.example"]}, "hosts": [], "refs": {}}
NOW = datetime(2026, 11, 20, 9, 42, tzinfo=UTC)

PLAIN: dict[str, Any] = {
    "specversion": "1.0",
    "id": "evt-1",
    "source": "/platform/orders",
    "type": "OfferProvisionError",
    "subject": "orders/ORD-1",
    "time": "2026-11-20T09:41:27.315Z",
    "datacontenttype": "application/json",
    "dataschema": "https://platform.example/schemas/1",
    "data": {
        "seller": {"id": "shop", "name": "The Shop"},
        "customer": {"id": "cust-1", "name": "Custo GmbH"},
        "user": {"id": "usr-7", "name": "Ada Buyer", "email": "ada@custo.example", "locale": "en-GB"},
        "order": {"id": "ORD-1", "placed_at": "2026-11-20T09:40:55Z", "url": "https://shop.example/orders/1"},
        "offer": {"id": "OFF-1", "name": "Copilot", "vendor": "Microsoft", "quantity": 25},
        "error": {
            "code": "NOT_IN_REGION",
            "message": "Not available in your region.",
            "occurred_at": "2026-11-20T09:41:26Z",
            "correlation_id": "8d0f8a2c",
            "retryable": False,
        },
    },
}


def plain(changes: dict[str, Any] | None = None, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The event as plain data, with values set or taken out by dotted path."""
    made = copy.deepcopy(PLAIN)
    for path, value in (changes or {}).items():
        part, key = _parent(made, path)
        part[key] = value
    for path in without:
        part, key = _parent(made, path)
        del part[key]
    return made


def event(changes: dict[str, Any] | None = None, *, without: tuple[str, ...] = ()) -> Event:
    return accept.read(plain(changes, without=without), TYPES)


def _parent(data: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parts, key = path.split(".")
    for part in parts:
        data = data[part]
    return data, key


def chain(seller: dict[str, Any] | None = None, **above: dict[str, Any]) -> Chain:
    """Platform, distributor, seller; keyword arguments `platform` and `distributor` say what they have."""
    levels = (
        ("platform", Level.DEFAULT, None, above.get("platform", {})),
        ("distri", Level.DISTRIBUTOR, "platform", above.get("distributor", {})),
        ("shop", Level.SELLER, "distri", seller or {}),
    )
    return tuple(
        Tenant.model_validate({"id": id_, "level": level, "parent": parent, "name": id_.title(), **fields})
        for id_, level, parent, fields in levels
    )


PLACES = {"to": KIND.to, "cc": KIND.cc, "bcc": KIND.bcc}


def settled(tenants: Chain, channel: str = "*", *, cumulative: bool = False, places: Any = PLACES) -> Resolved:
    """What the tenants' settings come to for the event, with no store; `places` are the defaults."""
    asked = Asked(KIND.name, channel, {"enabled": True, **places}, is_cumulative=cumulative)
    return resolve([configured.layer(tenant) for tenant in tenants], asked, NOW)


def write(folder: Path, files: dict[str, str]) -> Path:
    """Files by their paths inside `folder`."""
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def manifest(id_: str, parent: str | None = None, **tokens: str) -> str:
    lines = ["format = 1", f'id = "{id_}"', 'version = "1.0"', *([f'parent = "{parent}"'] if parent else [])]
    return "\n".join([*lines, "[tokens]", *(f"{key} = {json.dumps(value)}" for key, value in tokens.items())])


LAYOUT = """<mjml dir="{{ direction }}"><mj-head><mj-title>{{ notification.subject }}</mj-title></mj-head><mj-body>
<mj-section><mj-column>
{% block title %}<mj-text><h1>{{ notification.title }}</h1></mj-text>{% endblock %}
<mj-text>{{ notification.greeting|lines }}</mj-text>
{% for block in blocks %}{{ block }}{% endfor %}
<mj-text>{{ notification.closing }}</mj-text>
<mj-text>{% for line in notification.signature %}{{ line }}<br />{% endfor %}</mj-text>
<mj-text>{{ notification.footer }}</mj-text>
</mj-column></mj-section></mj-body></mjml>
"""
PARTIALS = {
    "text": "<mj-text>{{ block.heading }} {{ block.text|lines }}</mj-text>",
    "error": '<mj-text><b dir="auto">{{ block.text|lines }}</b> {{ block.code }}</mj-text>',
    "facts": "<mj-table>{% for fact in block.facts %}<tr><td>{{ fact.label }}</td><td>{{ fact.value }}</td></tr>{% endfor %}</mj-table>",
    "list": '<mj-text>{% for item in block["items"] %}<i>{{ item }}</i>{% endfor %}</mj-text>',
    "actions": '{% for one in block.actions %}<mj-button href="{{ one.url }}">{{ one.label }}</mj-button>{% endfor %}',
    "image": '<mj-image src="{{ block.url }}" alt="{{ block.alt }}"></mj-image>',
    "divider": "<mj-divider></mj-divider>",
}
NOTIFICATION = """event = "OfferProvisionError"
subject = "subject"
title = "title"
greeting = "greeting"
closing = "closing"
signature = ["regards", "{{ brand.name }}"]
footer = "footer"
[[blocks]]
id = "summary"
kind = "text"
priority = 100
text = "summary"
[[blocks]]
id = "error"
kind = "error"
priority = 100
text = "{{ event.error.message }}"
code = "{{ event.error.code | default('', true) }}"
[[blocks]]
id = "actions"
kind = "actions"
priority = 90
[[blocks.actions]]
label = "view"
url = "{{ event.order.url }}"
when = "event.order.url"
[[blocks]]
id = "facts"
kind = "facts"
priority = 40
[[blocks.facts]]
label = "order"
value = "{{ event.order.id }}"
"""
STRINGS = """subject = "Failed: {{ event.offer.name }}"
title = "{{ event.offer.name }} failed"
greeting = "Dear {{ event.customer.name }},"
closing = "We are sorry."
regards = "Yours"
footer = "© {{ year }} {{ brand.name }}"
summary = "{{ event.offer.name }} could not be provisioned."
view = "View order"
order = "Order"
"""
DEFINITION = "notifications/offer_provision_error.toml"
BASE_FILES = {
    "pack.toml": manifest("base"),
    DEFINITION: NOTIFICATION,
    "strings/en.toml": STRINGS,
    "layouts/email.mjml.j2": LAYOUT,
    **{f"blocks/{kind}.mjml.j2": text for kind, text in PARTIALS.items()},
}


def base_pack(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A whole small pack called `base`; `files` are laid over its own."""
    return write(folder, {**BASE_FILES, **(files or {})})


def packs(folder: Path, *overlays: dict[str, str], base: dict[str, str] | None = None) -> PackChain:
    """The small base under overlays of these files, `over1` right on top of it, then `over2`, and so on."""
    folders, top = [base_pack(folder / "base", base)], "base"
    for number, files in enumerate(overlays, 1):
        id_, parent, top = f"over{number}", top, f"over{number}"
        folders.append(write(folder / id_, {"pack.toml": manifest(id_, parent), **files}))
    return Library(folders).chain(top)


def order_of(found: PackChain, choice: Choice, tokens: Mapping[str, str], pictures: Any = None) -> dict[str, Any]:
    """The order for the small notification."""
    made = orders.order(found, KIND.notification, KIND.name, choice=choice, brand=tokens, pictures=pictures or PICTURES)
    made["script"]["notes"] += found.set_aside(KIND.notification)
    return made


def told(found: PackChain, of: Event, tenants: Chain, choice: Choice) -> Notification:
    """The notification of an event, composed by a stencil; the direct way says the same of it, and of the e-mail."""
    tokens, pictures, _ = compose.brand(tenants, found, seller_name(tenants, of), Policy.of(PICTURES["policy"]))
    try:
        order = order_of(found, choice, tokens, pictures)
    except NotFound as error:
        return compose.built_in(KIND, of, tokens, [str(error)])
    stencil, direct = _ways(json.dumps(order))
    said, plainly = compose.compose(of, stencil, accepted_at=NOW)
    same = direct.notification(composing.seen(of.plain(), of.when(NOW).year))
    assert {**plainly, "degraded": ()} == {**same, "degraded": ()}
    assert stencil.html(plainly)[0] == direct.html(same)[0]
    return said


@lru_cache(maxsize=64)
def _ways(order: str) -> tuple[Stencil, Direct]:
    return Stencil(compiled(json.loads(order))), Direct(json.loads(order))


def rendered(
    said: Notification, wanted: Format, found: PackChain | None = None, limits: Limits | None = None
) -> Message:
    """The message of a notification in a format; an e-mail as where a plugin has changed what is said."""
    page = None
    if found is not None and found.packs:
        choice = locales.Choice(said.locale, (said.locale, "en"), "", said.locale)
        order = order_of(found, choice, said.brand)
        order["script"]["direction"] = said.direction
        _, direct = _ways(json.dumps(order))
        plainly = said.model_dump(mode="json")

        def page():
            html, notes = direct.html(plainly)
            return html, [*order["script"]["notes"], *notes], []

    return render(said, event(), wanted=wanted, limits=limits or Limits(), page=page)


def saying(*blocks: Block, **fields: Any) -> Notification:
    """A notification of these blocks; it is called `Title`, and all the rest of it is empty unless given."""
    common = {"event_type": "X", "locale": "en", "direction": "ltr", "subject": "Subject", "title": "Title"}
    return Notification(**{**common, "brand": {"name": "The Shop"}, "pack": "p", "blocks": blocks, **fields})


def plugin(name: str, **hooks: Any) -> ModuleType:
    """A plugin module with these hooks; a bare function is marked, a marked one keeps its priority."""
    made = ModuleType(name)
    for hook, function in hooks.items():
        setattr(made, hook, function if hasattr(function, "livery_impl") else hookimpl(function))
    return made
