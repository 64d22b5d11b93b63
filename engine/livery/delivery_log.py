"""The delivery log: what was sent, to whom, and what came of it. The part of `Engine` that only looks."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from livery.models.delivery import Attempt, Delivery, Destination
from livery.ports import Query, Waiting
from livery.safe import is_sealed_wire

if TYPE_CHECKING:
    from livery.storage.interventions import Interventions
    from livery.workshop import Workshop


class DeliveryLog(ABC):
    """What was done, as the store has it."""

    @abstractmethod
    def _opened(self) -> "Workshop": ...

    def deliveries(self, **filters: Any) -> list[Delivery]:
        """Deliveries, newest first; filters are the fields of `livery.ports.Query`."""
        return self._opened().ledger.deliveries(Query(**filters))

    def attempts(self, delivery: str) -> list[Attempt]:
        """Every attempt of a delivery, first to last."""
        return self._opened().ledger.attempts(delivery)

    def wire(self, delivery: str) -> bytes | None:
        """The bytes of a delivery as they were sent; None before the first attempt.

        None too for a message with secrets in it: that is for those it was written to.
        """
        wire = self._opened().ledger.wire(delivery)
        return None if wire is None or is_sealed_wire(wire) else wire

    @property
    def interventions(self) -> "Interventions":
        """What people do by hand: retry, cancel and purge deliveries, switch destinations; each on record."""
        return self._opened().interventions

    def destinations(self, *, troubled: bool = True) -> list[Destination]:
        """Destinations that are paused or disabled; or, not only `troubled`, all that ever failed."""
        return self._opened().ledger.destinations(troubled=troubled)

    def waiting(self, tenant: str | None = None, *, limit: int = 100) -> list[Waiting]:
        """Events that were accepted and wait to be planned, the oldest first: why, and when it is tried again."""
        return self._opened().ledger.waiting(tenant, limit)

    def counts(self) -> dict[str, int]:
        """How many deliveries are in each state, and how many events are yet to be planned (`unplanned`)."""
        return self._opened().ledger.counts()
