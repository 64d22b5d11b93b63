"""Tenants: those of livery.toml and those of the store, as one tree. Owns looking them up, and what may change.

livery.toml is the base, what the store says lies over it. `Tenants` is what the engine gives out as `engine.tenants`.
"""

from livery.tenants.facade import Tenants
from livery.tenants.rules import UNSET
from livery.tenants.tree import Listed, Tree

__all__ = ["UNSET", "Listed", "Tenants", "Tree"]
