"""Changes: the audit trail of settings. Who said what, when, instead of what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from livery.errors import NotFound, shown
from livery.settings.differences import Operation, Slot

Said = tuple[Operation, Any] | None
"""What stands in a slot: an operation with its value; None if nothing does."""


@dataclass(frozen=True, slots=True)
class Write:
    """What is to stand in a slot from now on; None takes out what stands there."""

    slot: Slot
    after: Said = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One slot that was changed. Changes made at once have one id and one revision, and count up by `number`."""

    id: str
    number: int
    revision: int
    at: datetime
    who: str
    slot: Slot
    before: Said = field(repr=False)
    after: Said = field(repr=False)
    note: str = ""
    undo_of: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who changes settings, when, and why."""

    who: str
    at: datetime
    note: str = ""
    undo_of: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changes that are planned and not made yet.

    Attributes:
        changes: what would be changed, secrets masked; `id`, `revision` and `who` are not known yet.
        writes: the same as it would be written.
        expected: the revision of each tenant they were planned at.

    """

    changes: Sequence[Change]
    writes: Sequence[Write] = field(repr=False)
    expected: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose settings somebody may see and change: a tenant's, and those of all below it.

    Attributes:
        acting: the tenant somebody acts for; empty for the operator.
        tenants: it and all below it; None for every tenant there is.

    """

    acting: str = ""
    tenants: frozenset[str] | None = None

    def has(self, tenant: str) -> bool:
        return self.tenants is None or tenant in self.tenants

    def check(self, tenants: Sequence[str]) -> None:
        """Pass only tenants in the scope.

        Raises:
            NotFound: one is outside; said as of one that does not exist.

        """
        for tenant in tenants:
            if not self.has(tenant):
                raise unknown(tenant)


EVERYTHING = Scope()
"""The operator's scope."""


def unknown(tenant: str) -> NotFound:
    """What is said of a tenant that does not exist, and of one that somebody may not see."""
    return NotFound(f"no tenant is called {shown(tenant)}")
