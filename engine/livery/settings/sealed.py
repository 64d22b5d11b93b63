"""Sealed: an item of settings that holds secrets, as it is kept: closed, with what anybody may see of it beside.

Whoever handles settings handles it as it is; it opens where a destination is made of it, or where it is compared.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from livery.settings.differences import Slot
from livery.vault import SealBroken, Vault, is_sealed

_CLOSED, _SHOWN = "sealed", "shown"


def context(slot: Slot, name: str) -> str:
    """What an item is sealed for: where a tenant says it. Copied to anywhere else, it does not open."""
    times = [at.astimezone(UTC).isoformat() if at else "" for at in (slot.starts, slot.ends)]
    return json.dumps(["setting", slot.tenant, slot.event_type, slot.channel, slot.field, name, *times])


class Sealed(Mapping[str, Any]):
    """One item. As a mapping it is what was sealed, and opens.

    Attributes:
        text: the item as JSON, sealed.
        shown: the same without its secrets.
        where: what it is sealed for.

    """

    def __init__(self, vault: Vault, text: str, shown: Mapping[str, Any], where: str) -> None:
        self._vault, self.text, self.shown, self.where = vault, text, dict(shown), where

    @classmethod
    def of(cls, vault: Vault, item: Mapping[str, Any], shown: Mapping[str, Any], where: str) -> "Sealed":
        """Close an item.

        Raises:
            ConfigError: no key is configured.

        """
        return cls(vault, vault.seal(json.dumps(dict(item), ensure_ascii=False), context=where), shown, where)

    @classmethod
    def read(cls, vault: Vault, stored: Any, where: str) -> Any:
        """What was stored of an item; as it is if nothing of it is sealed."""
        if isinstance(stored, dict) and stored.keys() == {_CLOSED, _SHOWN} and is_sealed(stored[_CLOSED]):
            return cls(vault, stored[_CLOSED], stored[_SHOWN], where)
        return stored

    def stored(self) -> dict[str, Any]:
        """As it is stored."""
        return {_CLOSED: self.text, _SHOWN: self.shown}

    def opened(self) -> dict[str, Any]:
        """What was sealed.

        Raises:
            SealBroken: its key is no longer configured, or it was put here by somebody else.

        """
        item: dict[str, Any] = json.loads(self._vault.open(self.text, context=self.where))
        return item

    def __getitem__(self, name: str) -> Any:
        return self.opened()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.opened())

    def __len__(self) -> int:
        return len(self.opened())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sealed) and other.text == self.text:
            return True
        try:
            # One secret sealed twice looks different each time.
            return self.opened() == (other.opened() if isinstance(other, Sealed) else other)
        except SealBroken:
            return False

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"Sealed({self.shown})"
