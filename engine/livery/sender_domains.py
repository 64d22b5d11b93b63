"""Sender domains: which domains tenants have shown to be their own, so that their mail may come from there.

Owns who may say so of a domain, how long what DNS said counts, and who is told when it counts no more. No send ever
waits for DNS: what was found is kept, and asked again in the background.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Literal, Protocol

from livery import domains
from livery.domains import Resolver, Verdict, WrongDomain
from livery.errors import InputError, NotFound, Problem, shown
from livery.models.tenant import Chain
from livery.ports import Now
from livery.tenants import Tree
from livery.tenants.tree import unknown

Status = Literal["unchecked", "verified", "missing", "unknown"]
Alarm = Callable[[str, str], None]
_SOONEST = timedelta(hours=1)
_KEPT = 20_000
_AT_ONCE = 20
_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """A domain that a tenant says is its own.

    Attributes:
        tenant: who says so; it counts for all below too.
        domain: in ASCII and lower case. Its subdomains are other domains.
        token: what the tenant publishes; not a secret.
        added_at: when it was added.
        changed_at: when it was added, or when it began or ceased to count.
        verified_at: since when it counts; None if it does not.
        checked_at: when DNS was asked last; None for never.
        due_at: when it is asked again.
        status: what was found last. `unknown`: nobody could be asked, and what counted before still does.
        detail: the same for people.

    """

    tenant: str
    domain: str
    token: str
    added_at: datetime
    changed_at: datetime
    due_at: datetime
    verified_at: datetime | None = None
    checked_at: datetime | None = None
    status: Status = "unchecked"
    detail: str = ""

    @property
    def counts(self) -> bool:
        """Whether mail may come from it."""
        return self.verified_at is not None

    @property
    def is_lost(self) -> bool:
        """Whether it counted before, and does so no more."""
        return not self.counts and self.changed_at > self.added_at

    @property
    def record(self) -> tuple[str, str]:
        """The TXT record to publish: its name, and its text."""
        return domains.record(self.domain, self.token)

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        name, text = self.record
        times = {name: getattr(self, name) for name in ("added_at", "verified_at", "checked_at", "due_at")}
        return {
            "tenant": self.tenant,
            "domain": self.domain,
            "verified": self.counts,
            "status": self.status,
            "detail": self.detail,
            "record": {"type": "TXT", "name": name, "text": text},
            **{name: at.isoformat() if at else None for name, at in times.items()},
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a domain counts for a tenant, and what is to be done if it does not."""

    counts: bool
    to_do: str = ""


class SenderDomainStore(Protocol):
    """The domains as they are kept. `tenants` is whose a query may touch; None for everybody's."""

    def revision(self) -> int:
        """A number that any change of what counts, in any process, has moved on once it can be seen."""
        ...

    def add(self, one: SenderDomain) -> SenderDomain:
        """Add it; or give the one that is there."""
        ...

    def change(
        self, one: SenderDomain, to: Callable[[SenderDomain], SenderDomain]
    ) -> tuple[SenderDomain, SenderDomain] | None:
        """Make of what stands now something else: both. None if it was removed meanwhile, and nothing is kept."""
        ...

    def remove(self, tenant: str, domain: str) -> SenderDomain | None: ...

    def find(
        self, tenants: Collection[str] | None, *, domain: str | None = None, limit: int = _LIMIT
    ) -> Sequence[SenderDomain]:
        """By domain, then tenant."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[SenderDomain]:
        """Those to be asked for again, the longest overdue first."""
        ...


class SenderDomains:
    """The domains of one engine; `engine.domains`. Safe from any thread.

    Args:
        tree: the tenants.
        made: the store, made if there is none yet.
        found: the store, or None as long as there is none.
        resolve: asks DNS.
        alarm: told of a domain that counts no more.
        now: the clock.
        recheck: how long what DNS said counts before it is asked again.

    """

    def __init__(  # noqa: PLR0913 - the composition root hands every part in
        self,
        tree: Tree,
        *,
        made: Callable[[], SenderDomainStore],
        found: Callable[[], SenderDomainStore | None],
        resolve: Resolver,
        alarm: Alarm,
        now: Now,
        recheck: timedelta,
    ) -> None:
        self._tree, self._made, self._found = tree, made, found
        self._resolve, self._alarm, self._now, self._recheck = resolve, alarm, now, recheck
        self._lock = Lock()
        self._revision = -1
        self._kept: dict[str, Mapping[str, SenderDomain]] = {}

    def add(self, tenant: str, domain: str, *, within: str | None = None) -> SenderDomain:
        """Say that a domain is a tenant's own; it counts once `check` finds the record. Idempotent.

        Several tenants may say so of one domain: each publishes a record of its own.

        Args:
            tenant: who says so.
            domain: such as `seller.example`; one with other letters is kept in ASCII.
            within: the tenant somebody acts for; None for the operator.

        Raises:
            NotFound: there is no such tenant here.
            InputError: it is no domain.

        """
        self._check_tenant(tenant, within)
        now, name = self._now(), _name_of(domain)
        return self._made().add(SenderDomain(tenant, name, domains.new_token(), now, now, now))

    def check(self, tenant: str, domain: str, *, within: str | None = None) -> SenderDomain:
        """Ask DNS now whether a tenant's record is there, and keep the answer. Takes as long as DNS does.

        Raises:
            NotFound: there is no such tenant here, or it has no such domain.

        """
        return self._asked(self._one(tenant, domain, within))

    def remove(self, tenant: str, domain: str, *, within: str | None = None) -> SenderDomain:
        """Take a domain from a tenant; its mail comes from there no more. Added again, it has another record.

        Raises:
            NotFound: there is no such tenant here, or it has no such domain.

        """
        one = self._one(tenant, domain, within)
        if self._made().remove(one.tenant, one.domain) is None:
            raise _none(tenant, domain)
        return one

    def find(
        self, *, tenant: str | None = None, domain: str | None = None, within: str | None = None, limit: int = _LIMIT
    ) -> Sequence[SenderDomain]:
        """Domains, by name; with `tenant`, that one's own and of those below it.

        Raises:
            NotFound: there is no such tenant here.

        """
        scope = None
        if tenant is not None:
            self._tree.show(tenant, within=within)
        if top := tenant or within:
            scope = [one.tenant.id for one in self._tree.list(under=top)]
        store = self._found()
        wanted = None if domain is None else _name_of(domain)
        return store.find(scope, domain=wanted, limit=limit) if store else []

    def recheck(self, *, limit: int = _AT_ONCE) -> list[SenderDomain]:
        """Ask DNS again for those that are due. A worker does so by itself."""
        store = self._found()
        asked = []
        for one in store.due(self._now(), limit) if store else ():
            with suppress(NotFound):  # removed meanwhile
                asked.append(self._asked(one))
        return asked

    def standing(self, chain: Chain, domain: str) -> Standing:
        """Whether mail of the last tenant in a chain may come from a domain. Asks the store, never DNS."""
        try:
            name = domains.domain_of(domain)
        except WrongDomain:
            return Standing(counts=False, to_do="it is no domain that mail could come from")
        found = [one for tenant in reversed(chain) if (one := self._of(tenant.id).get(name))]
        if any(one.counts for one in found):
            return Standing(counts=True)
        if not found:
            return Standing(counts=False, to_do=f"livery domain add {chain[-1].id} {name}")
        return Standing(counts=False, to_do=found[0].detail or _publish(found[0]))

    # ------------------------------------------------------------------ how

    def _check_tenant(self, tenant: str, within: str | None) -> None:
        if self._tree.show(tenant, within=within).removed:
            raise unknown(tenant)

    def _one(self, tenant: str, domain: str, within: str | None) -> SenderDomain:
        self._tree.show(tenant, within=within)
        store, name = self._found(), _name_of(domain)
        found = store.find([tenant], domain=name) if store else ()
        if not found:
            raise _none(tenant, domain)
        return found[0]

    def _asked(self, one: SenderDomain) -> SenderDomain:
        verdict = domains.check(one.domain, one.token, self._resolve)
        changed = self._made().change(one, lambda standing: self._after(standing, verdict))
        if changed is None:
            raise _none(one.tenant, one.domain)
        before, after = changed
        if before.counts and not after.counts:
            lost = f"{one.domain} of {one.tenant} counts no more, and mail comes from the platform's address"
            self._alarm("domain_lost", f"{lost}: {verdict.detail}")
        return after

    def _after(self, one: SenderDomain, verdict: Verdict) -> SenderDomain:
        now = self._now()
        found = replace(one, status=verdict.status, detail=verdict.detail, checked_at=now, due_at=now + _SOONEST)
        if verdict.status == "unknown":
            return found
        since = (one.verified_at or now) if verdict.status == "verified" else None
        changed = one.changed_at if (since is None) is (one.verified_at is None) else now
        # The longer a record is not there, the less often it is asked for.
        wait = self._recheck if since else max(_SOONEST, min(now - changed, self._recheck))
        return replace(found, verified_at=since, changed_at=changed, due_at=now + wait)

    def _of(self, tenant: str) -> Mapping[str, SenderDomain]:
        """A tenant's domains, kept for as long as nobody changes any."""
        store = self._found()
        if store is None:
            return {}
        revision = store.revision()
        with self._lock:
            if revision != self._revision or len(self._kept) > _KEPT:
                self._kept.clear()
                self._revision = revision
            kept = self._kept.get(tenant)
        if kept is None:
            kept = {one.domain: one for one in store.find([tenant])}
            with self._lock:
                if revision == self._revision:
                    self._kept[tenant] = kept
        return kept


def _name_of(domain: str) -> str:
    try:
        return domains.domain_of(domain)
    except WrongDomain:
        expected = "one that mail comes from, such as seller.example"
        raise InputError("the domain is wrong:", [Problem("domain", expected, shown(domain))]) from None


def _none(tenant: str, domain: str) -> NotFound:
    return NotFound(f"{tenant} has no domain {shown(domain)}; livery domain list shows those it has")


def _publish(one: SenderDomain) -> str:
    name, text = one.record
    return f"publish at {name} TXT {text!r}, then livery domain check {one.tenant} {one.domain}"
