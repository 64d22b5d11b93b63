"""What the directory needs of the store."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from livery.directory.selectors import Ask
from livery.models.directory import Record


class FoundRow(NamedTuple):
    """One person the store knows: a contact, a user asked for by id, or a user who has a role."""

    what: str
    tenant: str
    customer: str
    key: str
    """The kind of contact, the id that was asked for, or the role."""
    id: str
    name: str
    email: str
    locale: str
    active: int
    organization_active: int


class Counted(NamedTuple):
    """What records come to beside those that are stored."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def plus(self, other: "Counted") -> "Counted":
        return Counted(*(one + two for one, two in zip(self, other, strict=True)))


class DirectoryStore(Protocol):
    """Livery's own directory. Every call names the tenant it is for."""

    def revision(self) -> int:
        """Rises with every change of anybody."""
        ...

    def find(self, ask: Ask) -> list[FoundRow]:
        """Everybody who is asked for, by one query."""
        ...

    def changing(self, connection: Any = None) -> AbstractContextManager[Any]:
        """A write transaction; with the host's own `connection`, part of the host's."""
        ...

    def reading(self) -> AbstractContextManager[Any]: ...

    def compare(self, tx: Any, records: Sequence[Record]) -> tuple[Counted, list[Record]]:
        """How many are new, different and the same; and those that are to be written."""
        ...

    def put(self, tx: Any, records: Sequence[Record]) -> None:
        """Write records over those of the same key."""
        ...

    def remove(self, tx: Any, tenant: str, *, customer: str | None, kind: str | None, user: str | None) -> int:
        """Remove a user, a contact, an organisation with all that is in it, or everything of a tenant."""
        ...

    def records(
        self, tx: Any, tenant: str, *, customer: str | None = None, user: str | None = None
    ) -> Iterator[Record]:
        """Records of a tenant: organisations, then contacts, then users; each by key."""
        ...

    def customers(self, tx: Any, tenant: str, limit: int) -> list[tuple[str, str, int, int, int]]:
        """(customer, name, active, contacts, users) of the first organisations of a tenant, by id."""
        ...

    def count(self, tx: Any, tenant: str) -> int: ...
