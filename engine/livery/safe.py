"""The safe: events and messages that hold secrets are sealed before they are stored, and opened for work alone.

Owns what of the ledger is sealed and for what. The flow puts things in and takes them out; nobody else does.
"""

from collections.abc import Mapping

from livery.models.classification import secrets_of
from livery.models.event import Event, EventType
from livery.ports import StoredEvent
from livery.steps import accept
from livery.vault import Vault, is_sealed

_WIRE_ENCODING = "latin-1"
"""Every byte is a character of it: messages are bytes, and a vault keeps text."""


class Safe:
    """Seals by the marks of event types.

    Args:
        vault: the keys.
        types: event types by name.

    """

    def __init__(self, vault: Vault, types: Mapping[str, EventType]) -> None:
        self._vault, self._types = vault, types

    def body(self, event: Event, canonical: bytes) -> bytes:
        """The bytes of an event as they are stored.

        Raises:
            ConfigError: it holds a secret, and no key is configured.

        """
        if not secrets_of(event.data):
            return canonical
        return self._vault.seal(canonical.decode(), context=event_context(event.seller_id)).encode()

    def event(self, stored: StoredEvent) -> Event:
        """A stored event.

        Raises:
            SealBroken: its key is no longer configured.

        """
        body = stored.body
        if is_sealed(text := body.decode()):
            body = self._vault.open(text, context=event_context(stored.tenant)).encode()
        return accept.stored(body, self._types, stored.kind)

    def wire(self, event: Event, wire: bytes, key: str) -> bytes:
        """The bytes of a message as they are stored; `key` is the store's of its event, which copies share."""
        if not secrets_of(event.data):
            return wire
        return self._vault.seal(wire.decode(_WIRE_ENCODING), context=message_context(key)).encode()

    def sent(self, stored: bytes, key: str) -> bytes:
        """The bytes of a message as they are sent.

        Raises:
            SealBroken: its key is no longer configured.

        """
        if not is_sealed_wire(stored):
            return stored
        return self._vault.open(stored.decode(), context=message_context(key)).encode(_WIRE_ENCODING)


def is_sealed_wire(stored: bytes) -> bool:
    """Whether a stored message is for its readers' eyes alone."""
    return is_sealed(stored[:16].decode(_WIRE_ENCODING))


def event_context(tenant: str) -> str:
    """What an event is sealed for."""
    return f"event\n{tenant}"


def message_context(key: str) -> str:
    """What a message is sealed for: the store's key of its event."""
    return f"message\n{key}"
