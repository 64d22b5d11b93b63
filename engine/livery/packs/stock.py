"""The stock: for each tenant the packs it may use, installed and from the store, each with what stands behind it.

Owns which version of a pack an id means at a tenant. The nearest tenant that activated one decides; what nobody
activated is looked for among the installed packs.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from threading import RLock
from types import MappingProxyType

from livery.errors import LiveryError, NotFound, PackError
from livery.models.tenant import Chain
from livery.packs.chain import Library, PackChain, walked
from livery.packs.pack import Pack
from livery.packs.signatures import Trust
from livery.packs.stored import Active, PackReader
from livery.packs.zipped import from_zip

_TENANTS, _PACKS, _CHAINS = 50_000, 500, 5_000
_Own = tuple[Active, ...]


class Stock:
    """Every pack of one engine, tenant by tenant. Safe from any thread.

    What one call gives stays as it is: who renders with it renders wholly with what was active then.

    Args:
        library: the installed packs.
        store: the packs of the store; None as long as there is none.
        trust: whose packs are used.

    """

    def __init__(
        self,
        library: Library,
        store: Callable[[], PackReader | None] = lambda: None,
        *,
        trust: Trust | None = None,
    ) -> None:
        self.library, self.trust = library, trust or Trust()
        self._store = store
        self._lock = RLock()
        self._revision: int | None = None
        self._installed, self._state = library.packs, object()
        self._own: OrderedDict[str, _Own] = OrderedDict()
        self._packs: OrderedDict[str, Pack | PackError] = OrderedDict()
        self._chains: OrderedDict[tuple[str, tuple[int, ...]], PackChain] = OrderedDict()

    def chain(self, pack: str, tenants: Chain) -> PackChain:
        """A pack, its add-ons, its parents and theirs, as a tenant has them.

        Args:
            pack: its id.
            tenants: from the platform down to the tenant.

        Raises:
            NotFound: the tenant has no such pack.
            PackError: it or a parent cannot be used.
            StoreError: the store cannot be asked.

        """
        self.refresh()
        try:
            return self._chain(pack, tenants)
        except (NotFound, PackError):
            # What settings name may be newer than the last change of packs this process has heard of.
            if not self._forget(tenants):
                raise
            return self._chain(pack, tenants)

    def ids(self, tenants: Chain) -> list[str]:
        """The ids of every pack a tenant may use."""
        self.refresh()
        return sorted({*self.library.packs, *self.active(tenants)})

    def active(self, tenants: Chain) -> dict[str, Active]:
        """What was activated for a tenant or one above it, by the pack's id; the nearest counts."""
        said = [one for own in self._of(tenants) for one in own if one.is_active]
        return {one.pack: one for one in said}

    def pack(self, one: Active) -> Pack:
        """A pack of the store.

        Raises:
            PackError: it cannot be used: it is not what was uploaded, nobody trusted signed it, or this Livery is too
                old or too new for it.

        """
        found = self._opened(one)
        if isinstance(found, PackError):
            raise found.with_traceback(None)
        return found

    def chain_with(self, pack: Pack, tenants: Chain) -> PackChain:
        """A pack that is not active yet, with what would stand behind it at a tenant.

        Raises:
            PackError: a parent is missing or cannot be used, or they are each other's parents.

        """
        self.refresh()
        packs, _ = self._usable(self._of(tenants))
        return PackChain(walked({**packs, pack.id: pack}, pack.id), asked=pack.id)

    def sources(self, tenants: Chain) -> dict[str, bytes]:
        """The zips of the packs that are active at a tenant, by the packs' ids."""
        store, found = self._store(), dict[str, bytes]()
        for id_, one in self.active(tenants).items():
            if not isinstance(self._opened(one), PackError) and store and (stored := store.content(one.version)):
                found[id_] = stored[0]
        return found

    def _opened(self, one: Active) -> Pack | PackError:
        with self._lock:
            found = self._packs.get(one.version)
            if found is not None:
                self._packs.move_to_end(one.version)
        if found is None:
            found = self._read(one)
            with self._lock:
                found = self._packs.setdefault(one.version, found)
                while len(self._packs) > _PACKS:
                    self._packs.popitem(last=False)
        return found

    def state(self) -> object:
        """What is installed and active now: the same object as long as every chain stays what it is."""
        self.refresh()
        if self.library.packs is not self._installed:
            with self._lock:
                self._installed, self._state = self.library.packs, object()
        return self._state

    def refresh(self) -> None:
        """See what other processes have activated."""
        store = self._store()
        if (None if store is None else store.revision()) == self._revision:
            return
        with self._lock:
            revision = store.revision() if store else None
            if revision == self._revision:
                return
            moved = store.moved(self._revision) if store and self._revision is not None else None
            for tenant in list(self._own) if moved is None else moved:
                self._own.pop(tenant, None)
            self._revision, self._state = revision, object()

    # ------------------------------------------------------------------ how

    def _forget(self, tenants: Chain) -> bool:
        """Whether there is something to read anew."""
        with self._lock:
            for tenant in tenants:
                self._own.pop(tenant.id, None)
            self._state = object()
        return self._store() is not None

    def _chain(self, pack: str, tenants: Chain) -> PackChain:
        own = self._of(tenants)
        if not any(own):
            return self.library.chain(pack)
        packs, broken = self._usable(own)
        try:
            line = walked(packs, pack)
        except (NotFound, PackError) as error:
            if wrong := broken.get(pack):
                raise wrong.with_traceback(None) from None
            if broken and isinstance(error, PackError):
                said = "; ".join(str(one) for one in broken.values())
                raise PackError(f"{error}: {said}") from None
            raise
        return self._kept(pack, line)

    def _kept(self, asked: str, line: list[Pack]) -> PackChain:
        """The chain of these very packs: the same object as before, with all that is known of it."""
        key = (asked, tuple(map(id, line)))
        with self._lock:
            found = self._chains.get(key)
            if found is None:  # it holds its packs, so that their ids are nobody else's as long as it is kept
                found = self._chains[key] = PackChain(line, asked=asked)
            self._chains.move_to_end(key)
            while len(self._chains) > _CHAINS:
                self._chains.popitem(last=False)
        return found

    def _usable(self, own: tuple[_Own, ...]) -> tuple[Mapping[str, Pack], dict[str, PackError]]:
        """The packs by their ids; and those that cannot be used, with why."""
        packs: dict[str, Pack] = {}
        broken: dict[str, PackError] = {}
        for one in _in_order(own):
            found = self._opened(one)
            if isinstance(found, PackError):
                packs.pop(one.pack, None)
                broken[one.pack] = found
            else:
                packs[one.pack] = found
                broken.pop(one.pack, None)
            if not one.is_active and one.pack in self.library.packs:
                packs[one.pack] = self.library.packs[one.pack]
        return MappingProxyType({**self.library.packs, **packs}), broken

    def _of(self, tenants: Chain) -> tuple[_Own, ...]:
        with self._lock:
            missing = [one.id for one in tenants if one.id not in self._own]
            if missing:
                store = self._store()
                said = store.active(missing) if store else {}
                for id_ in missing:
                    self._own[id_] = tuple(said.get(id_, ()))
            found = tuple(self._own[one.id] for one in tenants)
            while len(self._own) > _TENANTS:
                self._own.popitem(last=False)
        return found

    def _read(self, one: Active) -> Pack | PackError:
        store = self._store()
        stored = store.content(one.version) if store else None
        label = f"{one.pack} {one.name}"
        if stored is None:
            return PackError("is in the store no more", pack=label)
        content, signature = stored
        if sha256(content).hexdigest() != one.sha256:
            return PackError("is not what was uploaded: its bytes in the store were changed", pack=label)
        try:
            if self.trust.is_required:
                self.trust.signer(content, signature, label)
            return Pack(from_zip(content, f"{label} of {one.tenant}"))
        except PackError as error:
            return error
        except LiveryError as error:
            return PackError(str(error), pack=label)


def _in_order(own: tuple[_Own, ...]) -> Iterator[Active]:
    """What was taken back first, then what is active; of each what the platform says first."""
    for is_active in (False, True):
        yield from (one for said in own for one in said if one.is_active is is_active)
