"""The ledger, as the flow sees it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from livery.models.audience import Audience
from livery.models.delivery import Attempt, Delivery, Destination
from livery.models.tenant import TenantRow
from livery.ports.execution import Verdict, Wake
from livery.ports.values import Claim, NewEvent, Plan, Query, Settled, Settlement, StoredEvent, Waiting, Wire

_T = TypeVar("_T")


class Store(Protocol):
    """The ledger. Every method is one transaction unless given one; all are safe from any thread."""

    def transaction(self, connection: Any = None) -> AbstractContextManager[Any]:
        """A write transaction; with the host's own `connection`, part of the host's: what fails takes only itself back.

        Raises:
            StoreError: `connection` cannot be used so: of another kind, to another database, nothing begun.

        """
        ...

    async def within(self, connection: Any, do: Callable[[Any], _T]) -> _T:
        """Do something in the transaction of the host's own asynchronous `connection`; as `transaction` otherwise."""
        ...

    def looking(self) -> AbstractContextManager[None]:
        """Within it, this thread sees what is kept in memory of the store as it was at the first look."""
        ...

    def together(self, *, apart: bool = True) -> AbstractContextManager[None]:
        """All that this thread writes within is one transaction.

        Args:
            apart: what fails alone takes only itself back. Otherwise it takes all of it back, and a StoreError is
                raised at the end: that costs less where nothing fails.

        """
        ...

    def add_events(self, tx: Any, events: Sequence[NewEvent], *, now: datetime) -> list[tuple[str, bool]]:
        """Store events: for each, in order, its store key and whether it was there before.

        Raises:
            EventConflict: one came before with another body.

        """
        ...

    def add_deliveries(self, tx: Any, plans: Sequence[Plan]) -> list[Wake]:
        """Create the deliveries of events that `add_events` has just stored as new."""
        ...

    def add_plans(self, tx: Any, event: str, plans: Sequence[Plan], audience: Audience) -> list[Wake]:
        """Create the deliveries of an event stored before, and mark it planned; what exists already is left alone."""
        ...

    def event(self, key: str) -> StoredEvent | None: ...

    def keep_waiting(self, tx: Any, event: str, why: str) -> None:
        """Record why an event could not be planned, and that it was tried once more."""
        ...

    def waiting(self, tenants: Collection[str] | None, limit: int) -> dict[str, Waiting]:
        """Events that wait to be planned, by their store keys, the oldest first; of one seller, or of all."""
        ...

    def claim_all(
        self, deliveries: Sequence[str], *, now: datetime, lease: timedelta, worker: str
    ) -> list[Claim | Verdict]:
        """Lease open deliveries and write down their attempts before the work.

        Returns:
            For each the claim; or the verdict for the engine: `Done` (nothing is left to do), `Again` (leased
            elsewhere, or its destination is paused: no attempt counts), `Dead` (it has killed its worker three times).

        """
        ...

    def extend(self, claim: Claim, until: datetime) -> bool:
        """Hold the lease longer; False if the fence is stale, and then the work is somebody else's."""
        ...

    def keep_wires(self, wires: Sequence[Wire]) -> list[bool]:
        """Store the bytes about to be sent; False where the fence is stale, and then they must not be sent."""
        ...

    def settle_all(self, ends: Sequence[tuple[Claim, Settlement]]) -> list[Settled]:
        """Record the ends of attempts, where each delivery stands now, and what they say about their destinations."""
        ...

    def release_abandoned(self) -> list[str]:
        """End every lease: called by who has proof that no other worker is alive.

        Returns the deliveries whose worker died with them for at least the second time: one of them may be
        why, so they are to be worked on alone, where the others cannot be taken down with it.
        """
        ...

    def overdue(self, *, before: datetime, limit: int) -> list[Wake]:
        """Open deliveries, and events to be planned, that were due before then and are leased to nobody."""
        ...

    def deliveries(self, query: Query) -> list[Delivery]: ...
    def delivery(self, id_: str) -> Delivery | None: ...
    def attempts(self, delivery: str) -> list[Attempt]: ...
    def wire(self, delivery: str) -> bytes | None: ...
    def counts(self, tenants: Collection[str] | None = None) -> dict[str, int]: ...
    def destinations(self, *, troubled: bool) -> list[Destination]: ...
    def close(self) -> None: ...


class TenantStore(Protocol):
    """Tenants in the store. Reading is a transaction of its own; changing happens in the one it is given."""

    def revision(self) -> int:
        """A number that any change of a tenant, in any process, has moved on once it can be seen."""
        ...

    def line(self, id_: str) -> list[TenantRow]:
        """A tenant and those above it as far as the store knows them, from the tenant up; removed ones too."""
        ...

    def find(self, ids: Iterable[str] | None = None) -> dict[str, TenantRow]:
        """These tenants, or all; removed ones too."""
        ...

    def roots(self) -> list[str]:
        """Tenants without a parent that are not removed."""
        ...

    def adrift(self) -> list[tuple[str, str]]:
        """(parent, tenant) of each tenant whose parent the store does not know."""
        ...

    def changing(self, connection: Any = None) -> AbstractContextManager[Any]:
        """A write transaction; with the host's own `connection`, part of the host's."""
        ...

    def move_revision(self, tx: Any) -> None:
        """Say that tenants change; changes wait for each other here."""
        ...

    def get(self, tx: Any, id_: str) -> TenantRow | None: ...
    def root(self, tx: Any) -> str | None: ...
    def put(self, tx: Any, row: TenantRow) -> None: ...

    def below(self, id_: str, tx: Any = None) -> list[str]:
        """Ids of the tenants directly below one; as a change that is under way sees them."""
        ...

    def hanging(self, tx: Any, id_: str) -> Mapping[str, int]:
        """How much is still open for a tenant, by what it is; counted up to 1000."""
        ...
