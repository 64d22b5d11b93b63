"""Live: resolved settings, kept for as long as nobody changes anything. Safe from any thread."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Protocol

from livery.models.tenant import Chain, Tenant
from livery.settings import configured
from livery.settings.differences import Difference, Layer
from livery.settings.resolving import Asked, Resolved, resolve

_MAX_TENANTS = 50_000
_MAX_RESOLVED = 50_000
_Own = tuple[Layer, ...]
_Key = tuple[str, str, str, bool]


class Reader(Protocol):
    """The store, as far as resolution needs it."""

    def revision(self) -> int:
        """Rises with every change of any tenant's settings."""
        ...

    def moved(self, since: int) -> set[str]:
        """Tenants whose settings have changed since a revision."""
        ...

    def differences(self, chain: Sequence[str]) -> Mapping[str, Sequence[Difference]]:
        """What the store has of these tenants, in one query."""
        ...


class Live:
    """What a chain of tenants comes to.

    Args:
        store: the store; None as long as there is none.
        max_tenants: of how many tenants the differences are kept in memory.
        max_resolved: how many answers are kept.

    """

    def __init__(
        self,
        store: Callable[[], Reader | None],
        *,
        max_tenants: int = _MAX_TENANTS,
        max_resolved: int = _MAX_RESOLVED,
    ) -> None:
        self._store, self._max_tenants, self._max_resolved = store, max_tenants, max_resolved
        self._lock = Lock()
        self._revision: int | None = None
        self._forgotten = 0
        self._own: OrderedDict[str, tuple[Tenant, _Own]] = OrderedDict()
        self._resolved: OrderedDict[_Key, tuple[tuple[_Own, ...], Resolved]] = OrderedDict()

    @property
    def stamp(self) -> object:
        """The same for as long as nothing has changed, but for what the tenants are by livery.toml."""
        return self._revision, self._forgotten

    def refresh(self) -> None:
        """See what other processes have changed; once for each event."""
        store = self._store()
        revision = store.revision() if store else None
        if revision == self._revision:
            return
        with self._lock:
            known = self._revision
        moved = store.moved(known) if store and known is not None else None
        with self._lock:
            if moved is None:
                self._own.clear()
            else:
                for tenant in moved:
                    self._own.pop(tenant, None)
            self._revision = revision

    def forget(self) -> None:
        """Keep nothing in memory: what is asked next is read again."""
        with self._lock:
            self._own.clear()
            self._resolved.clear()
            self._forgotten += 1

    def layers(self, chain: Chain) -> tuple[Layer, ...]:
        """What the tenants of a chain say, from the platform down: by configuration, then in the store."""
        return tuple(layer for own in self._of(chain) for layer in own)

    def resolved(self, chain: Chain, asked: Asked, at: datetime) -> Resolved:
        """What the chain comes to for an event type and channel at a moment."""
        own = self._of(chain)
        key = (chain[-1].id, asked.event_type, asked.channel, asked.is_cumulative)
        with self._lock:
            found = self._resolved.get(key)
            # Layers are made anew when they change, so that the same ones say the same.
            if found is not None and _same(found[0], own) and found[1].is_valid(at):
                self._resolved.move_to_end(key)
                return found[1]
        made = resolve([layer for layers in own for layer in layers], asked, at)
        with self._lock:
            self._resolved[key] = (own, made)
            self._resolved.move_to_end(key)
            while len(self._resolved) > self._max_resolved:
                self._resolved.popitem(last=False)
        return made

    def _of(self, chain: Chain) -> tuple[_Own, ...]:
        with self._lock:
            revision, found = self._revision, {}
            for tenant in chain:
                entry = self._own.get(tenant.id)
                if entry is not None and entry[0] is tenant:
                    self._own.move_to_end(tenant.id)
                    found[tenant.id] = entry[1]
        missing = [tenant for tenant in chain if tenant.id not in found]
        if missing:
            store = self._store()
            stored = store.differences([tenant.id for tenant in missing]) if store else {}
            for tenant in missing:
                found[tenant.id] = _made(tenant, stored.get(tenant.id, ()))
            self._keep(revision, [(tenant, found[tenant.id]) for tenant in missing])
        return tuple(found[tenant.id] for tenant in chain)

    def _keep(self, revision: int | None, made: Sequence[tuple[Tenant, _Own]]) -> None:
        with self._lock:
            if revision != self._revision:  # what was read may be older than what another thread has seen
                return
            for tenant, own in made:
                self._own[tenant.id] = (tenant, own)
            while len(self._own) > self._max_tenants:
                self._own.popitem(last=False)


def _made(tenant: Tenant, stored: Sequence[Difference]) -> _Own:
    own = [configured.layer(tenant)]
    if stored:
        own.append(Layer.of(tenant.id, tenant.level, stored))
    return tuple(own)


def _same(one: tuple[_Own, ...], other: tuple[_Own, ...]) -> bool:
    return len(one) == len(other) and all(mine is theirs for mine, theirs in zip(one, other, strict=True))
