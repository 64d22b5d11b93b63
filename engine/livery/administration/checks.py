"""Checks: whether something may be said at all, before it is asked whether a level may say it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Secret, SecretBytes, SecretStr

from livery.addresses import Invalid, address
from livery.channels import Channels
from livery.config import Config
from livery.errors import ConfigError, LiveryError, NotFound, Problem, SettingsError, shown
from livery.models.event import EventType
from livery.settings.changes import Said
from livery.settings.differences import ANY, Operation, Slot
from livery.settings.fields import FIELDS, Field, checked, checked_name, field_of
from livery.settings.sealed import Sealed, context
from livery.steps import audience
from livery.vault import Vault

_PERSONS_ONLY = frozenset({"to", "cc", "bcc", "sender.name", "sender.address", "sender.reply_to", "locale_policy"})
_FITTING: Mapping[str, Sequence[Operation]] = {
    "scalar": (Operation.SET, Operation.LOCK),
    "list": tuple(Operation),
    "table": tuple(Operation),
}


def check_configured(config: Config, types: Mapping[str, EventType]) -> None:
    """Whether livery.toml speaks only of event types and settings there are.

    Raises:
        ConfigError: names all that are none.

    """
    known, fields, problems = f"one of {', '.join(sorted(types))}, or *", f"some of {', '.join(FIELDS)}", []
    for tenant in config.tenants.values():
        for name, settings in tenant.settings.items():
            at = f"tenants.{tenant.id}.settings.{name}"
            if name not in types and name != ANY:
                problems.append(Problem(at, known, shown(name)))
            problems += [Problem(f"{at}.locked", fields, shown(one)) for one in settings.locked if one not in FIELDS]
    if problems:
        raise ConfigError("the configuration is wrong:", problems)


@dataclass(frozen=True, slots=True)
class Checks:
    """What may be said, in one engine.

    Attributes:
        types: the event types there are.
        channels: the channels there are.
        packs: the ids of the packs a tenant may use.
        vault: what secrets are sealed with.

    """

    types: Mapping[str, EventType]
    channels: Channels
    packs: Callable[[str], Sequence[str]]
    vault: Vault

    def said(self, slot: Slot, operation: Operation, value: Any, now: datetime) -> tuple[Slot, Said]:
        """A difference in its normal form.

        Raises:
            NotFound: there is no such setting, event type, channel or pack.
            SettingsError: the setting takes no such operation or value.
            ConfigError: a secret is in it, and there is no key to seal it with.

        """
        field = field_of(slot.field)
        self.place(field, slot)
        _times(slot, now)
        if operation not in _FITTING[field.kind]:
            fitting = ", ".join(one for one in _FITTING[field.kind] if one is not Operation.LOCK)
            raise _wrong(field.name, f"{fitting}: it is one value", operation)
        if operation is Operation.LOCK:
            return slot, (operation, None)
        if field.kind == "scalar":
            return slot, (operation, self._value(field, slot, value))
        if field.kind == "list":
            return self._list(field, slot, operation, value)
        return self._table(field, slot, operation, value)

    def place(self, field: Field, slot: Slot) -> None:
        """Whether a field may be said of this event type and channel.

        Raises:
            NotFound: there is no such event type or channel.
            SettingsError: it may not.

        """
        if slot.event_type != ANY:
            kind = self.types.get(slot.event_type)
            if kind is None:
                raise NotFound(f"no event type is called {slot.event_type!r}; there are: {', '.join(self.types)}, *")
            if kind.critical and field.name == "quiet":
                raise _wrong(field.name, "an event type that may wait", f"{kind.name}, which is critical")
        if slot.channel == ANY:
            if field.needs_channel and not slot.is_lock:
                raise _wrong(field.name, "the channel they are of, such as webhook", "")
            return
        is_to_persons = self.channels.kind(slot.channel).addressing == "persons"
        if field.name in _PERSONS_ONLY and not is_to_persons:
            raise _wrong(field.name, "a channel that writes to persons, such as smtp", slot.channel)
        if field.needs_channel and is_to_persons:
            raise _wrong(field.name, "a channel with destinations, such as webhook", slot.channel)

    def shown(self, slot: Slot, said: Said) -> Said:
        """The same without its secrets."""
        field = field_of(slot.field)
        if said is None or not field.is_secret or not said[1]:
            return said
        items = said[1] if said[0] is Operation.SET else {slot.item: said[1]}
        hidden = {name: self._masked(slot.channel, raw) for name, raw in items.items()}
        return said[0], hidden if said[0] is Operation.SET else hidden[slot.item]

    def _masked(self, channel: str, raw: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(raw, Sealed):
            return dict(raw.shown)
        try:
            dumped: dict[str, Any] = self.channels.checked(channel, dict(raw), "").model_dump(mode="json")
        except LiveryError:  # of a channel that is no longer installed nobody knows what is secret
            return dict.fromkeys(raw, "**********")
        return {key: value for key, value in dumped.items() if key in raw}

    def _value(self, field: Field, slot: Slot, value: Any) -> Any:
        if field.name == "destinations":
            self.channels.checked(slot.channel, value, slot.item)
        found = checked(field, value, f"{field.name}.{slot.item}".rstrip("."))
        if field.name == "pack" and found not in (known := self.packs(slot.tenant)):
            raise NotFound(f"no pack is called {found!r}; there are: {', '.join(sorted(known))}")
        kind, _, rest = str(found).partition(":")
        if field.kind == "list" and kind == "address":
            spec = audience.named(rest)[1]
            if isinstance(wrong := address(spec), Invalid):
                raise _wrong(field.name, f"an address that can be written to ({wrong.why})", shown(rest))
        return found

    def _list(self, field: Field, slot: Slot, operation: Operation, value: Any) -> tuple[Slot, Said]:
        if operation is Operation.SET:
            if not isinstance(value, list | tuple):
                raise _wrong(field.name, "a list of selectors", shown(value))
            return slot, (operation, list(dict.fromkeys(self._value(field, slot, one) for one in value)))
        # What is removed may have been written in a way that is no longer allowed.
        selector = (
            value if operation is Operation.REMOVE and isinstance(value, str) else self._value(field, slot, value)
        )
        return _about(slot, selector), (operation, None)

    def _table(self, field: Field, slot: Slot, operation: Operation, value: Any) -> tuple[Slot, Said]:
        if operation is Operation.SET:
            if not isinstance(value, Mapping):
                raise _wrong(field.name, "items by name", "" if field.is_secret else shown(value))
            named = {
                checked_name(field, name): self._item(field, _about(slot, name), one) for name, one in value.items()
            }
            return slot, (operation, named)
        slot = _about(slot, checked_name(field, slot.item))
        return slot, (operation, None if operation is Operation.REMOVE else self._item(field, slot, value))

    def _item(self, field: Field, slot: Slot, value: Any) -> Any:
        """An item of a table; sealed if there is a secret in it."""
        raw = self._value(field, slot, value)
        if not field.is_secret or not _holds_secret(self.channels.checked(slot.channel, raw, "").model_dump()):
            return raw
        return Sealed.of(self.vault, raw, self._masked(slot.channel, raw), context(slot, slot.item))


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_secret, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_secret, value))
    return isinstance(value, Secret | SecretStr | SecretBytes) and bool(value.get_secret_value())


def _about(slot: Slot, item: str) -> Slot:
    return Slot(slot.tenant, slot.event_type, slot.channel, slot.field, item, False, slot.starts, slot.ends)


def _times(slot: Slot, now: datetime) -> None:
    for name, at in (("from", slot.starts), ("until", slot.ends)):
        if at is not None and at.tzinfo is None:
            raise _wrong(name, "a time with its zone, such as 2026-12-01T00:00:00Z", str(at))
    if slot.starts and slot.ends and slot.starts >= slot.ends:
        raise _wrong("until", "a time after `from`", str(slot.ends))
    if slot.ends and slot.ends <= now:
        raise _wrong("until", "a time that is not past", str(slot.ends))


def _wrong(path: str, expected: str, came: str) -> SettingsError:
    return SettingsError("the setting is wrong:", [Problem(path, expected, came)])
