"""Livery: one event in, the right people told, in the seller's livery.

Reading order: `flow` (the whole path on one screen), then `models` from top to bottom, then the
step that interests you in `steps`, with the hook beside it in `hookspecs`. `engine` wires it together.

Importing this package imports nothing heavy; the names below are loaded on first use.
"""

from typing import TYPE_CHECKING, Any

from livery._version import __version__

if TYPE_CHECKING:
    from livery.config import Config
    from livery.engine import Engine
    from livery.errors import EventError, LiveryError
    from livery.models.event import Event
    from livery.ports import Receipt, Who

__all__ = ["Config", "Engine", "Event", "EventError", "LiveryError", "Receipt", "Who", "__version__"]

_HOME = {
    "Config": "livery.config",
    "Engine": "livery.engine",
    "Event": "livery.models.event",
    "EventError": "livery.errors",
    "LiveryError": "livery.errors",
    "Receipt": "livery.ports",
    "Who": "livery.ports",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'livery' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
