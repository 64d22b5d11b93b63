"""Looking: which packs of the store there are, who may see them, and what became of them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from livery.administration.facade import Settings
from livery.errors import NotFound, shown
from livery.models.tenant import Chain
from livery.packs.chain import PackChain
from livery.packs.stock import Stock
from livery.packs.stored import Active, PackChange, PackVersion
from livery.policies import PackPolicy
from livery.ports import Now
from livery.tenants.tree import Tree, unknown

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.storage.packs import PackTable


class Looking:
    """The packs of the store of one engine, to look at. Safe from any thread.

    With `within`, a call is made for a tenant: it sees its own packs, those of tenants below it, and those of tenants
    above it, which it may use; it changes what is its own or below it. All else is answered like what does not exist.

    Args:
        tree: the tenants.
        stock: what renders.
        settings: which pack a tenant uses is a setting.
        made: the store, made if there is none yet.
        found: the store, or None as long as there is none.
        policy: how much may be kept.
        default: the pack of tenants that name none.
        now: the clock.

    """

    def __init__(  # noqa: PLR0913 - the composition root hands every part in
        self,
        tree: Tree,
        stock: Stock,
        settings: Settings,
        *,
        made: "Callable[[], PackTable]",
        found: "Callable[[], PackTable | None]",
        policy: PackPolicy,
        default: str,
        now: Now,
    ) -> None:
        self._tree, self._stock, self._settings, self._made, self._found = tree, stock, settings, made, found
        self._policy, self._default, self._now = policy, default, now

    @classmethod
    def of(cls, engine: "Engine", *, made: "Callable[[], PackTable]", found: "Callable[[], PackTable | None]") -> Self:
        """Those of an engine."""
        parts = engine.tenants, engine.stock, engine.settings
        policy, default = engine.config.packs, engine.config.default_pack
        return cls(*parts, made=made, found=found, policy=policy, default=default, now=engine.now)

    def list(
        self, tenant: str | None = None, *, pack: str | None = None, within: str | None = None, limit: int = 1000
    ) -> list[PackVersion]:
        """Versions, by pack, the newest upload first.

        Args:
            tenant: only those it may use: its own, and those of tenants above it.
            pack: only those of this pack.
            within: see `Packs`.
            limit: at most so many.

        Raises:
            NotFound: there is no such tenant here.

        """
        owners = self._owners(within)
        if tenant is not None:
            owners = {one.id for one in self._chain(tenant, within)}
        store = self._found()
        return store.find(owners, pack=pack, limit=limit) if store else []

    def show(self, version: str, *, within: str | None = None) -> PackVersion:
        """One version by its own id.

        Raises:
            NotFound: there is no such version here.

        """
        owners, store = self._owners(within), self._found()
        found = store.find(owners, id_=version) if store else []
        if not found:
            raise unknown_version(version)
        return found[0]

    def content(self, version: str, *, within: str | None = None) -> bytes:
        """The zip of a version, byte for byte as it was uploaded.

        Raises:
            NotFound: there is no such version here.

        """
        one, store = self.show(version, within=within), self._found()
        stored = store.content(one.id) if store else None
        if stored is None:
            raise unknown_version(version)
        return stored[0]

    def report(self, version: str, *, within: str | None = None) -> dict[str, Any]:
        """What was found when a version was uploaded, as `livery pack check --json` says it.

        Raises:
            NotFound: there is no such version here.

        """
        one, store = self.show(version, within=within), self._found()
        return store.report(one.id) if store else {}

    def active(self, tenant: str, *, within: str | None = None) -> Sequence[Active]:
        """What is active at a tenant by its own word or that of one above it, by pack.

        Raises:
            NotFound: there is no such tenant here.

        """
        chain = self._chain(tenant, within)
        self._stock.refresh()
        return [one for _, one in sorted(self._stock.active(chain).items())]

    def used(self, tenant: str, *, within: str | None = None) -> str:
        """The id of the pack a tenant's messages are made with, where no event type or channel says otherwise.

        Raises:
            NotFound: there is no such tenant here.

        """
        self._chain(tenant, within)
        rows = self._settings.resolved(tenant).rows
        return next((row.value for row in rows if row.field == "pack" and not row.left_out), "") or self._default

    def activations(self, tenant: str | None = None, *, within: str | None = None) -> Sequence[Active]:
        """What tenants say is active by their own word, by pack and tenant.

        Args:
            tenant: only this one and those above it; everybody here if absent.
            within: see `Looking`.

        Raises:
            NotFound: there is no such tenant here.

        """
        tenants = self._owners(within)
        if tenant is not None:
            tenants = {one.id for one in self._chain(tenant, within)}
        store = self._found()
        return store.activations(tenants) if store else []

    def chain(self, tenant: str, pack: str, *, within: str | None = None) -> PackChain:
        """A pack as a tenant has it, with what stands behind it.

        Raises:
            NotFound: there is no such tenant here, or it has no such pack.
            PackError: the pack or a parent cannot be used.

        """
        return self._stock.chain(pack, self._chain(tenant, within))

    def history(
        self, tenant: str | None = None, *, pack: str | None = None, within: str | None = None, limit: int = 100
    ) -> Sequence[PackChange]:
        """The trail of a tenant's packs, or of everybody's here, newest first.

        Raises:
            NotFound: there is no such tenant here.

        """
        wanted = self._below(within)
        if tenant is not None:
            self._chain(tenant, within, late=True)
            wanted = {tenant}
        store = self._found()
        return store.history(wanted, pack=pack, limit=limit) if store else []

    # ------------------------------------------------------------------ how

    def _chain(self, tenant: str, within: str | None, *, late: bool = False) -> Chain:
        if within is not None:
            self._tree.show(within)
            self._tree.show(tenant, within=within)
        chain = self._tree.chain(tenant, late=late)
        if chain is None:
            raise unknown(tenant)
        return chain

    def _below(self, within: str | None) -> set[str] | None:
        if within is None:
            return None
        return {one.tenant.id for one in self._tree.list(within=within, removed=True)}

    def _owners(self, within: str | None) -> set[str] | None:
        """Whose packs may be seen: for a tenant those of the tenants above it, too."""
        below = self._below(within)
        if below is None or within is None:
            return None
        return below | {one.id for one in self._tree.chain(within, late=True) or ()}

    def _wanted(self, chain: Chain, pack: str, version: str | None) -> PackVersion:
        """The version that is meant: of the nearest owner, and there the newest."""
        store, order = self._found(), [one.id for one in reversed(chain)]
        found = store.find(set(order), pack=pack) if store else []
        found = sorted(found, key=lambda one: (order.index(one.tenant), -one.revision))
        if not found:
            raise NotFound(f"no pack {shown(pack)} was uploaded for {shown(chain[-1].id)} or a tenant above it")
        fitting = [one for one in found if version in (None, one.version, one.id)]
        if not fitting:
            there = ", ".join(dict.fromkeys(one.version for one in found[:20]))
            raise NotFound(f"the pack {shown(pack)} has no version {shown(version)}; there are: {there}")
        return fitting[0]


def unknown_version(version: str) -> NotFound:
    """The same words whether it does not exist or is not for the one who asks."""
    return NotFound(f"no version of a pack is called {shown(version)}")
