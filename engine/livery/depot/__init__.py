"""Packs kept in the store, and which of them is active where."""

from livery.depot.facade import Packs

__all__ = ["Packs"]
