"""Suppressions: addresses that are not written to, at a tenant and all below it, and why.

Owns what may stand on the list and what is learnt from answers. Planning leaves out who is on it, and the flow asks
again right before every send: what waited, was retried or replayed obeys it too.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from livery.errors import InputError, NotFound, Problem, shown
from livery.kept import Kept
from livery.locales import one_line
from livery.models.delivery import Attempt, Delivery, Reason
from livery.models.tenant import Chain
from livery.ports import Claim, Now
from livery.tenants import Tree

ANY = "*"
_NOTE, _WHO = 300, 200
_KEPT_SECONDS = 2.0
# RFC 3463 §3.2 and §3.3, RFC 7505 §4: no such mailbox, no such domain, bad syntax, moved away, takes no mail, disabled.
_BOUNCED = re.compile(r"(?<![\d.])5\.(1\.[1236]|1\.10|2\.1)(?![\d.])")


class Kind(StrEnum):
    """Why an address is on the list."""

    HARD_BOUNCE = "hard_bounce"
    OPT_OUT = "opt_out"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One address that is not written to.

    Attributes:
        tenant: where; it holds for all below too.
        address: one addr-spec, folded to lower case, its domain in ASCII.
        event_type: for which; `*` for all.
        kind: why.
        note: what the server said, or what somebody wrote.
        who: who put it there; the id of a delivery that bounced.
        at: since when.
        until: when it ends by itself; None for never.

    """

    tenant: str
    address: str
    event_type: str
    kind: Kind
    note: str
    who: str
    at: datetime
    until: datetime | None = None

    def why(self) -> str:
        """A clause for people."""
        what = {Kind.HARD_BOUNCE: "bounced", Kind.OPT_OUT: "opted out", Kind.MANUAL: "suppressed"}[self.kind]
        note = f": {self.note}" if self.note else ""
        return f"{what} on {self.at.astimezone(UTC):%Y-%m-%d} at {self.tenant}{note}"

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "tenant": self.tenant,
            "address": self.address,
            "event_type": self.event_type,
            "kind": self.kind.value,
            "note": self.note,
            "who": self.who,
            "at": self.at.isoformat(),
            "until": self.until.isoformat() if self.until else None,
        }


class SuppressionStore(Protocol):
    """The list, as it is kept. `tenants` is whose entries a query may touch; None for everybody's."""

    def revision(self) -> int:
        """Rises with every change of the list."""
        ...

    def put(self, one: Suppression) -> None:
        """Add it, or replace the one for the same tenant, address and event type."""
        ...

    def remove(self, tenants: Collection[str] | None, address: str, event_type: str | None) -> list[Suppression]: ...

    def find(
        self, tenants: Collection[str] | None, *, address: str | None, limit: int, after: str
    ) -> Sequence[Suppression]:
        """By address, then tenant; those after an address, for paging."""
        ...

    def of(
        self, tenants: Collection[str], addresses: Collection[str], event_type: str, now: datetime
    ) -> Sequence[Suppression]:
        """Those in force for these addresses, those that stay longest first; in one query."""
        ...


_Key = tuple[str, str, tuple[str, ...]]
Normal = Callable[[str], str | None]
"""One address in the form it is kept and compared in; None if it is none."""


class Suppressions:
    """The list of one engine; `engine.suppressions`. Safe from any thread.

    Args:
        tree: the tenants.
        normal: the form of addresses.
        made: the store, made if there is none yet.
        found: the store, or None as long as there is none.
        now: the clock.
        bounced_for: how long an address that bounced is left alone; nothing is learnt if zero.

    """

    def __init__(
        self,
        tree: Tree,
        normal: Normal,
        *,
        made: Callable[[], SuppressionStore],
        found: Callable[[], SuppressionStore | None],
        now: Now,
        bounced_for: timedelta,
    ) -> None:
        self._tree, self._normal, self._made, self._found = tree, normal, made, found
        self._now, self._bounced_for = now, bounced_for
        # A process of an older version changes the list and moves no revision.
        self._kept = Kept[_Key, Suppression | None](seconds=_KEPT_SECONDS)

    def add(  # noqa: PLR0913 - an entry has as many fields
        self,
        tenant: str,
        address: str,
        *,
        who: str,
        kind: Kind | str = Kind.MANUAL,
        event_type: str = ANY,
        note: str = "",
        until: datetime | None = None,
        within: str | None = None,
    ) -> Suppression:
        """Write to an address no more; an entry that is there is replaced. Idempotent.

        Args:
            tenant: at whom; it holds for all below.
            address: one address.
            who: who says so; kept.
            kind: why.
            event_type: for which; `*` for all.
            note: shown beside it.
            until: when it ends by itself, with its zone.
            within: the tenant somebody acts for; None for the operator.

        Raises:
            NotFound: there is no such tenant here.
            InputError: names every field that is wrong.

        """
        self._tree.show(tenant, within=within)
        wrong = []
        normal = self._normal(address)
        if normal is None:
            wrong.append(Problem("address", "one e-mail address, such as ada@customer.example", shown(address)))
        try:
            kind = Kind(kind)
        except ValueError:
            wrong.append(Problem("kind", f"one of {', '.join(Kind)}", shown(kind)))
        if until is not None and until.tzinfo is None:
            wrong.append(Problem("until", "a time with its zone", shown(until.isoformat())))
        if wrong:
            raise InputError("the suppression is wrong:", wrong)
        assert normal is not None, "or it were wrong"
        note, who = one_line(note, _NOTE), one_line(who, _WHO)
        one = Suppression(tenant, normal, event_type, Kind(kind), note, who, self._now(), until)
        self._made().put(one)
        return one

    def remove(
        self, address: str, *, tenant: str | None = None, event_type: str | None = None, within: str | None = None
    ) -> list[Suppression]:
        """Write to an address again: what was taken off the list.

        Args:
            address: which.
            tenant: off whose list alone; None for all of those here.
            event_type: only what holds for this one; None for all.
            within: as for `add`.

        Raises:
            NotFound: it is not on the list here.

        """
        store, normal = self._found(), self._normal(address) or address
        gone = store.remove(self._scope(tenant, within), normal, event_type) if store else []
        if not gone:
            raise NotFound(f"{shown(address)} is not suppressed here")
        return gone

    def find(
        self,
        *,
        tenant: str | None = None,
        address: str | None = None,
        within: str | None = None,
        limit: int = 100,
        after: str = "",
    ) -> Sequence[Suppression]:
        """The list, by address; with `tenant`, that one's own and of those below it.

        Raises:
            NotFound: there is no such tenant here.

        """
        store = self._found()
        scope = self._scope(tenant, within, below=True)
        wanted = None if address is None else self._normal(address) or address
        return store.find(scope, address=wanted, limit=limit, after=after) if store else []

    def kept_off(self, chain: Chain, event_type: str, addresses: Iterable[str]) -> Mapping[str, str]:
        """Of these addresses those that must not be written to, as they were given, each with why. One query.

        None at all if nobody changed the list since they were last asked for.
        """
        store, asked = self._found(), {one: self._normal(one) or one for one in addresses}
        if store is None or not asked:
            return {}
        now, tenants = self._now(), tuple(tenant.id for tenant in chain)
        keys = {(normal, event_type, tenants): normal for normal in asked.values()}

        def read(missing: list[_Key]) -> dict[_Key, Suppression | None]:
            found: dict[_Key, Suppression | None] = dict.fromkeys(missing)
            for one in store.of(tenants, [keys[key] for key in missing], event_type, now):
                key = (one.address, event_type, tenants)
                found[key] = found[key] or one
            return found

        known = self._kept.all(store.revision(), keys, read)
        found = {given: known[normal, event_type, tenants] for given, normal in asked.items()}
        return {given: one.why() for given, one in found.items() if one and (one.until is None or one.until > now)}

    def before_send(self, claims: Sequence[Claim]) -> Sequence[Mapping[str, str]]:
        """`livery.ports.SuppressAll`: asked right before every send; one query for all of one seller and event type."""
        asked: dict[tuple[str, str], dict[str, None]] = {}
        for one in claims:
            alike = asked.setdefault((one.delivery.tenant, one.delivery.event_type), {})
            alike.update(dict.fromkeys(one.envelope.addresses))
        found = {
            (tenant, kind): self.kept_off(self._tree.chain(tenant, late=True) or (), kind, addresses)
            for (tenant, kind), addresses in asked.items()
            if addresses
        }
        kept_off = (found.get((one.delivery.tenant, one.delivery.event_type)) for one in claims)
        return [
            {address: off[address] for address in one.envelope.addresses if address in off} if off else {}
            for one, off in zip(claims, kept_off, strict=True)
        ]

    def learn(self, delivery: Delivery, attempt: Attempt) -> list[Suppression]:
        """Put addresses on the list whose server says, for good, that nobody is there."""
        if not self._bounced_for:
            return []
        learnt = []
        for one in attempt.outcome.recipients:
            said = f"{one.code} {one.detail}".strip()
            normal = self._normal(one.address)
            if one.status != "failed" or one.code == Reason.SUPPRESSED or normal is None or not _BOUNCED.search(said):
                continue
            now = self._now()
            found = Suppression(
                delivery.tenant, normal, ANY, Kind.HARD_BOUNCE, one_line(said, _NOTE), delivery.id, now,
                now + self._bounced_for,
            )  # fmt: skip
            self._made().put(found)
            learnt.append(found)
        return learnt

    def _scope(self, tenant: str | None, within: str | None, *, below: bool = False) -> Collection[str] | None:
        if tenant is not None:
            self._tree.show(tenant, within=within)
            return [one.tenant.id for one in self._tree.list(under=tenant)] if below else [tenant]
        return None if within is None else [one.tenant.id for one in self._tree.list(under=within)]
