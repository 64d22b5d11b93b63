"""Viewing: a tenant's packs on the bench of `livery.studio`, for whoever looks at them over the service.

Owns which benches are open. Each has an engine of its own that can send nothing, and a process in which packs are
compiled; so few are kept, and one message is made at a time.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from livery.errors import NotFound
from livery.hooks import silent
from livery.models.tenant import Chain
from livery.packs.stored import Active
from livery.packtools.uploading import laid_out
from livery.studio.bench import Bench
from livery.studio.opening import Target

if TYPE_CHECKING:
    from livery.engine import Engine

_KEPT = 3
_Key = tuple[str, str, int, tuple[tuple[str, str], ...], Chain]


class Viewing:
    """The benches of one engine. Safe from any thread.

    Args:
        engine: whose packs, tenants and settings count.
        kept: how many benches stay open.

    """

    def __init__(self, engine: "Engine", *, kept: int = _KEPT) -> None:
        self._engine, self._most = engine, kept
        self._lock = Lock()
        self._kept: OrderedDict[_Key, Bench] = OrderedDict()

    @contextmanager
    def bench(self, tenant: str, what: str, *, within: str | None = None) -> Iterator[Bench]:
        """A pack as it looks at a tenant. Nobody else has a bench as long as the block runs.

        Args:
            tenant: whose brand lies over it, and whose packs are behind it.
            what: the id of a pack the tenant may use, or of a version that was uploaded.
            within: see `livery.depot`.

        Raises:
            NotFound: there is no such tenant, pack or version here.
            PackError: it cannot be opened.

        """
        engine = self._engine
        active = {one.pack: one for one in engine.packs.active(tenant, within=within)}
        chain = engine.tenants.chain(tenant) or ()
        content = self._content(what, active, within)
        if content is None and what not in engine.library.packs:
            raise NotFound(f"no pack is called {what!r}; there are: {', '.join(engine.stock.ids(chain))}")
        stood = tuple(sorted((one.pack, one.version) for one in active.values()))
        with self._lock, silent():
            key = (tenant, what, id(engine.library.packs), stood, chain)
            found = self._kept.pop(key, None)
            if found is None:
                self._shrink(self._most - 1)
                found = self._opened(tenant, what, content, chain)
            self._kept[key] = found
            yield found

    def close(self) -> None:
        """Close every bench."""
        with self._lock:
            self._shrink(0)

    def _shrink(self, most: int) -> None:
        while len(self._kept) > most:
            self._kept.popitem(last=False)[1].close()

    def _content(self, what: str, active: dict[str, Active], within: str | None) -> bytes | None:
        """The zip of what is meant; None if that is an installed pack."""
        if what in active:
            return self._engine.packs.content(active[what].version)
        if what.startswith("pkv_"):
            return self._engine.packs.content(what, within=within)
        return None

    def _opened(self, tenant: str, what: str, content: bytes | None, chain: Chain) -> Bench:
        assert chain, "a tenant that is there has a chain"
        with laid_out(self._engine, tenant, content or b"") as target:
            return Bench.opened(target if content is not None else Target(what, None, target.config, tenant))
