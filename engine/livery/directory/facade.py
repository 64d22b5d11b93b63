"""`engine.directory`: Livery's own directory, tenant by tenant."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from livery.directory.ports import Counted, DirectoryStore
from livery.errors import InputError, NotFound, Problem, shown
from livery.models.directory import DirectoryUser, Organization, OrganizationContact, Record
from livery.tenants import Tree

BATCH = 1000
"""Records written in one transaction: whoever accepts events waits for no more than these."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An organisation as lists show it; `customer` is empty for the tenant's own."""

    customer: str
    name: str
    active: bool
    contacts: int
    users: int


class Directory:
    """Organisations, contacts and users, each a tenant's own. Safe from any thread.

    Every call is for one tenant. With `within`, it is made for a tenant: what is not it or below it is not found, in
    the same words as what does not exist.
    """

    def __init__(
        self, tenants: Tree, store: Callable[[], DirectoryStore | None], *, made: Callable[[], DirectoryStore]
    ) -> None:
        self._tenants, self._store, self._made = tenants, store, made

    def put(
        self, records: Iterable[Record], *, within: str | None = None, dry: bool = False, connection: Any = None
    ) -> Counted:
        """Write records; one of the same key (tenant and customer, kind of contact, id of user) is replaced.

        Idempotent: what is there already is not written. In batches, each a transaction of its own.

        Args:
            records: organisations, contacts and users, of any tenants.
            within: who asks.
            dry: only count what would be written.
            connection: a SQLAlchemy Connection on the same database with the host's transaction begun; all of it
                is then written if and only if that transaction commits.

        Raises:
            NotFound: there is no such tenant, or it is not for `within` to see.

        """
        store, total, seen = self._made(), Counted(), set[str]()
        every = iter(records)
        while batch := list(islice(every, BATCH)):
            for tenant in {one.tenant for one in batch} - seen:
                self._tenants.show(tenant, within=within)
                seen.add(tenant)
            mine = list({one.key: one for one in batch}.values())
            with store.reading() if dry else store.changing(connection) as tx:
                counted, different = store.compare(tx, mine)
                if not dry:
                    store.put(tx, different)
            total = total.plus(counted)
        return total

    def list(self, tenant: str, *, within: str | None = None, limit: int = 1000) -> "list[Listed]":
        """Organisations of a tenant by customer id, its own first."""
        self._tenants.show(tenant, within=within)
        store = self._store()
        if store is None:
            return []
        with store.reading() as tx:
            return [Listed(one[0], one[1], bool(one[2]), *one[3:]) for one in store.customers(tx, tenant, limit)]

    def show(self, tenant: str, customer: str = "", *, within: str | None = None) -> "tuple[Record, ...]":
        """An organisation, its contacts and its users; the tenant's own if no customer is named.

        Raises:
            NotFound: nothing is known of it.

        """
        found = tuple(self.export(tenant, customer=customer, within=within))
        if not found:
            raise _nothing(tenant, f"customer {shown(customer)}" if customer else "own organisation")
        return found

    def user(self, tenant: str, id_: str, *, within: str | None = None) -> DirectoryUser:
        """One user.

        Raises:
            NotFound: there is none.

        """
        self._tenants.show(tenant, within=within)
        store = self._store()
        if store is not None:
            with store.reading() as tx:
                for one in store.records(tx, tenant, user=id_):
                    assert isinstance(one, DirectoryUser), "only users have ids"
                    return one
        raise _nothing(tenant, f"user {shown(id_)}")

    def export(self, tenant: str, *, customer: str | None = None, within: str | None = None) -> Iterator[Record]:
        """All records of a tenant: organisations, then contacts, then users. Nothing is held in memory."""
        self._tenants.show(tenant, within=within)
        store = self._store()
        if store is not None:
            with store.reading() as tx:
                yield from store.records(tx, tenant, customer=customer)

    def remove(  # noqa: PLR0913 - what to remove is said by name
        self,
        tenant: str,
        *,
        customer: str | None = None,
        contact: str | None = None,
        user: str | None = None,
        everything: bool = False,
        within: str | None = None,
        connection: Any = None,
    ) -> int:
        """Remove records, and say how many it were.

        Args:
            tenant: whose.
            customer: alone: a customer with its contacts and users ("" is the tenant's own organisation).
            contact: one kind of contact of the customer, else of the tenant's own organisation.
            user: one user, by id.
            everything: all the tenant has.
            within: who asks.
            connection: as in `put`.

        Raises:
            NotFound: nothing of the kind is there.
            InputError: it is not said what to remove.

        """
        self._tenants.show(tenant, within=within)
        if customer is None and contact is None and user is None and not everything:
            raise InputError("nothing is to be removed:", [Problem("customer", "a customer, contact or user, or all")])
        store = self._made()
        with store.changing(connection) as tx:
            count = store.remove(tx, tenant, customer=customer, kind=contact, user=user)
        if not count:
            named = {"user": user, "contact": contact, "customer": customer}
            what = ", ".join(f"{name} {shown(value)}" for name, value in named.items() if value)
            raise _nothing(tenant, what or "record")
        return count


def _nothing(tenant: str, what: str) -> NotFound:
    return NotFound(f"tenant {shown(tenant)} has no {what} in the directory")


def type_of(record: Record) -> str:
    """What stands in the column `type`."""
    kinds = {Organization: "organization", OrganizationContact: "contact", DirectoryUser: "user"}
    return kinds[type(record)]
