"""The delivery log: what was sent, to whom, and what came of it. The part of `Engine` that only looks."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from livery.models.classification import concealed
from livery.models.delivery import Attempt, Delivery, Destination
from livery.models.event import Event
from livery.ports import EventQuery, LoggedEvent, Now, Query, Waiting
from livery.safe import is_sealed_wire

if TYPE_CHECKING:
    from livery.storage.erasure import Erasures
    from livery.storage.interventions import Interventions
    from livery.storage.queue import Queue
    from livery.storage.retention import Retention
    from livery.tenants import Tenants
    from livery.workshop import Workshop


class DeliveryLog(ABC):
    """What was done, as the store has it.

    With `within`, a call is made for a tenant: it sees what is its own or of those below it, and everything else is
    answered like what does not exist. `within` itself must be a tenant, else NotFound is raised.
    """

    tenants: "Tenants"
    now: Now

    @abstractmethod
    def _opened(self) -> "Workshop": ...

    def deliveries(self, *, within: str | None = None, **filters: Any) -> list[Delivery]:
        """Deliveries, newest first; filters are the fields of `livery.ports.Query`."""
        return self._opened().ledger.deliveries(Query(**{**filters, **self._only(within)}))

    def delivery(self, id_: str, *, within: str | None = None) -> Delivery | None:
        """One delivery by its whole id."""
        one = self._opened().ledger.delivery(id_)
        return one if one is not None and (within is None or one.tenant in self._scope(within)) else None

    def events(self, *, within: str | None = None, **filters: Any) -> list[LoggedEvent]:
        """Events, newest first; filters are the fields of `livery.ports.EventQuery`."""
        from livery.storage import event_log

        return event_log.page(self._opened().ledger.engine, EventQuery(**{**filters, **self._only(within)}))

    def event(self, key: str, *, within: str | None = None) -> tuple[LoggedEvent, Event | None] | None:
        """One event by the store's key, and what it said; that is None if it was purged. Secrets are concealed."""
        from livery.storage import event_log

        workshop = self._opened()
        one = event_log.one(workshop.ledger.engine, key)
        if one is None or (within is not None and one.tenant not in self._scope(within)):
            return None
        stored = None if one.is_purged else workshop.ledger.event(key)
        if stored is None:
            return one, None
        said = workshop.flow.safe.event(stored)
        return one, said.model_copy(update={"data": concealed(said.data)})

    def attempts(self, delivery: str, *, within: str | None = None) -> list[Attempt]:
        """Every attempt of a delivery, first to last."""
        return self._opened().ledger.attempts(delivery) if self._may(delivery, within) else []

    def wire(self, delivery: str, *, within: str | None = None) -> bytes | None:
        """The bytes of a delivery as they were sent; None before the first attempt.

        None too for a message with secrets in it: that is for those it was written to.
        """
        wire = self._opened().ledger.wire(delivery) if self._may(delivery, within) else None
        return None if wire is None or is_sealed_wire(wire) else wire

    @property
    def interventions(self) -> "Interventions":
        """What people do by hand: retry, cancel and purge deliveries, switch destinations; each on record.

        `engine.interventions_of(tenant)` is the same for somebody who acts for a tenant.
        """
        return self._opened().interventions

    def interventions_of(self, within: str) -> "Interventions":
        """What somebody who acts for a tenant may do by hand: on what is its own or of those below it."""
        return self._opened().interventions.of(self._scope(within))

    @property
    def queue(self) -> "Queue":
        """What waits, what is stuck and why; pausing a channel, tenant or destination, and going on."""
        return self._opened().queue

    @property
    def retention(self) -> "Retention":
        """What leaves the store with age, as `[retention]` says; workers do it by themselves."""
        return self._opened().retention

    @property
    def erasures(self) -> "Erasures":
        """What leaves the store on request: everything about a person, a tenant's log, or an event."""
        return self._opened().erasures

    def destinations(self, *, troubled: bool = True, within: str | None = None) -> list[Destination]:
        """Destinations that are paused or disabled; or, not only `troubled`, all that ever failed."""
        return self._opened().ledger.destinations(troubled=troubled, **self._only(within))

    def waiting(self, tenant: str | None = None, *, within: str | None = None, limit: int = 100) -> list[Waiting]:
        """Events that were accepted and wait to be planned, the oldest first: why, and when it is tried again."""
        scope = None if within is None else self._scope(within)
        wanted = scope if tenant is None else {tenant} if scope is None else {tenant} & scope
        parts = self._opened()
        found = parts.ledger.waiting(wanted, limit)
        due = parts.execution.due(list(found))
        return [replace(one, due=due.get(key)) for key, one in found.items()]

    def counts(self, *, within: str | None = None) -> dict[str, int]:
        """How many deliveries are in each state, and how many events are yet to be planned (`unplanned`)."""
        return self._opened().ledger.counts(**self._only(within))

    def clock_ahead(self) -> timedelta:
        """How far this machine's clock is ahead of the store's; negative if it is behind.

        The store's is the database server's own. A file has none: only that the newest event is of the future can be
        seen of it, and zero says no more than that it is not.
        """
        return self._opened().ledger.clock_ahead(self.now())

    def _scope(self, within: str) -> frozenset[str]:
        """A tenant and all below it, removed ones too: what was sent for them stays in the log."""
        return frozenset(one.tenant.id for one in self.tenants.list(within=within, removed=True))

    def _only(self, within: str | None) -> dict[str, Any]:
        return {} if within is None else {"tenants": self._scope(within)}

    def _may(self, delivery: str, within: str | None) -> bool:
        if within is None:
            return True
        scope, one = self._scope(within), self._opened().ledger.delivery(delivery)
        return one is not None and one.tenant in scope
