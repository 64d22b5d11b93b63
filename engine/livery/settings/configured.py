"""Configured: what livery.toml says of a tenant, as differences. The base that the store's are laid over."""

from collections.abc import Iterator
from typing import Any

from livery.models.tenant import EventSettings, Place, Tenant
from livery.settings.differences import ANY, Difference, Layer, Operation, Slot

SOURCE = "livery.toml"


def layer(tenant: Tenant) -> Layer:
    """The differences a tenant has by configuration."""
    return Layer.of(tenant.id, tenant.level, list(_differences(tenant)), SOURCE)


def named(destinations: tuple[dict[str, Any], ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Destinations by name: the place in the list, counted from 1."""
    yield from ((str(number), raw) for number, raw in enumerate(destinations, 1))


def _differences(tenant: Tenant) -> Iterator[Difference]:
    own = {
        "pack": tenant.pack,
        "locale": tenant.locale,
        "sender.name": tenant.sender.name,
        "sender.address": tenant.sender.address,
        "sender.reply_to": tenant.sender.reply_to,
    }
    for field, value in own.items():
        if value is not None:
            yield Difference(Slot(tenant.id, ANY, ANY, field), Operation.SET, value)
    for channel, destinations in tenant.channels.items():
        for name, raw in named(destinations):
            yield Difference(Slot(tenant.id, ANY, channel, "destinations", name), Operation.ADD, raw)
    for event_type, settings in tenant.settings.items():
        yield from _of_event(tenant.id, event_type, settings)


def _of_event(tenant: str, event_type: str, settings: EventSettings) -> Iterator[Difference]:
    if settings.enabled is not None:
        yield Difference(Slot(tenant, event_type, ANY, "enabled"), Operation.SET, settings.enabled)
    for field in settings.locked:
        yield Difference(Slot(tenant, event_type, ANY, field, is_lock=True), Operation.LOCK)
    for place in ("to", "cc", "bcc"):
        said: Place = getattr(settings, place)
        if said.set is not None:
            yield Difference(Slot(tenant, event_type, ANY, place), Operation.SET, list(said.set))
        # In the file one selector may be both added and removed; removing it is what counts.
        for selector in (one for one in said.add if one not in said.remove):
            yield Difference(Slot(tenant, event_type, ANY, place, selector), Operation.ADD)
        for selector in said.remove:
            yield Difference(Slot(tenant, event_type, ANY, place, selector), Operation.REMOVE)
