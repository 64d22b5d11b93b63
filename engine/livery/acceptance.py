"""Taking events in: the part of `Engine` that says they are stored, and only says so when they are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from livery.errors import LiveryError
from livery.models.event import Event
from livery.ports import Receipt

if TYPE_CHECKING:
    from livery.workshop import Workshop

_MOST_PRIORITY = 1_000_000
Raw = Event | Mapping[str, Any] | str | bytes
"""An event as it may be given: typed, as plain data, or as JSON text."""


class Acceptance(ABC):
    """How events come in."""

    @abstractmethod
    def _opened(self) -> "Workshop": ...

    def accept(
        self,
        event: Raw,
        *,
        connection: Any = None,
        due: datetime | None = None,
        priority: int | None = None,
    ) -> Receipt:
        """Store an event and its deliveries; what is stored when this returns is delivered or accounted for.

        Idempotent by (seller, source, id): accepting the same event again adds nothing and says so.

        Args:
            event: a typed event, plain data, or JSON as text or bytes.
            connection: the host's own, to the same database with its transaction begun: a SQLAlchemy Connection or
                Session, or a psycopg 3 connection. The event then exists if and only if that transaction commits;
                workers are told when it does. An asynchronous one: `accept_async`.
            due: nothing is sent before then; a moment with a time zone.
            priority: higher goes first among the deliveries of one seller; the event type's if not given.

        Raises:
            EventError: the event is wrong, of an unknown type or an unknown seller; nothing was stored.
            EventConflict: the same key was accepted before with another body.
            Backlogged: more work waits than `delivery.max_backlog` allows; nothing was stored.
            StoreError: the store failed; nothing was stored.

        """
        return self.accept_all([event], connection=connection, due=due, priority=priority)[0]

    async def accept_async(
        self,
        event: Raw,
        *,
        connection: Any = None,
        due: datetime | None = None,
        priority: int | None = None,
    ) -> Receipt:
        """`accept` where an event loop runs, which it does not hold up.

        Args:
            event: as for `accept`.
            connection: the host's own, to the same database with its transaction begun: a SQLAlchemy AsyncConnection
                or AsyncSession, a psycopg 3 AsyncConnection, or an asyncpg connection.
            due: as for `accept`.
            priority: as for `accept`.

        """
        (receipt,) = await self.accept_all_async([event], connection=connection, due=due, priority=priority)
        return receipt

    async def accept_all_async(
        self,
        events: Iterable[Raw],
        *,
        connection: Any = None,
        due: datetime | None = None,
        priority: int | None = None,
    ) -> list[Receipt]:
        """`accept_all` where an event loop runs, which it does not hold up; `connection` as for `accept_async`."""
        import asyncio

        wanted: dict[str, Any] = {"due": due, "priority": priority}
        if connection is None:
            return await asyncio.to_thread(self.accept_all, list(events), **wanted)
        _check(**wanted)
        parts = await asyncio.to_thread(self._opened)
        return await parts.flow.accept_async(list(events), connection, **wanted)

    def accept_all(
        self,
        events: Iterable[Raw],
        *,
        connection: Any = None,
        due: datetime | None = None,
        priority: int | None = None,
    ) -> list[Receipt]:
        """Accept several events in one transaction: all of them, or none and the error of the first wrong one."""
        _check(due, priority)
        receipts = self._opened().flow.accept(list(events), connection, due=due, priority=priority)
        if connection is None:
            self._opened().execution.nudge()
        return receipts

    def accept_groups(self, groups: Sequence[tuple[Sequence[Raw], str | None]]) -> list[list[Receipt] | LiveryError]:
        """Accept the events of several askers with one commit; what is wrong with one group is no other's concern.

        Args:
            groups: for each asker its events, all of which are stored or none, and the tenant it acts for (`within`):
                a seller that is neither that one nor below it is unknown. None for every tenant.

        Returns:
            For each group its receipts, or the error for which nothing of it was stored.

        Raises:
            Backlogged: more work waits than `delivery.max_backlog` allows; nothing of any group was stored.
            StoreError: the store failed; nothing of any group was stored.

        """
        answers = self._opened().flow.accept_groups(groups)
        self._opened().execution.nudge()
        return answers


def _check(due: datetime | None, priority: int | None) -> None:
    if due is not None and due.tzinfo is None:
        raise ValueError("due must have a time zone, such as datetime(2026, 12, 1, 9, tzinfo=UTC)")
    if priority is not None and not -_MOST_PRIORITY <= priority <= _MOST_PRIORITY:
        raise ValueError(f"priority must be from {-_MOST_PRIORITY} to {_MOST_PRIORITY}")
