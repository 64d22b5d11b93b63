"""Viewing: a tenant's packs on the bench of `livery.studio`, for whoever looks at them over the service.

Owns which benches are open. Each has an engine of its own that can send nothing, and a process in which packs are
compiled; so few are kept, and one message is made at a time.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

from livery.errors import Backlogged, NotFound
from livery.hooks import silent
from livery.packs.stored import Active
from livery.packtools.checking import Report, check
from livery.packtools.uploading import laid_out
from livery.studio.bench import Bench
from livery.studio.opening import Target

if TYPE_CHECKING:
    from livery.engine import Engine

_KEPT, _REPORTS = 3, 50
_AT_ONCE, _WAITING = 2, 10
"""So many packs are made at once, and so many people wait for that: each takes a process, and seconds of it."""
_Key = tuple[str, str, int, tuple[tuple[str, str], ...], tuple[str, ...]]


class Viewing:
    """The benches of one engine. Safe from any thread.

    Args:
        engine: whose packs, tenants and settings count.
        kept: how many benches stay open.
        at_once: how many packs are made at once.
        waiting: how many may be made or wait for it; who comes then is told to come again.

    """

    def __init__(
        self, engine: "Engine", *, kept: int = _KEPT, at_once: int = _AT_ONCE, waiting: int = _WAITING
    ) -> None:
        self._engine, self._most = engine, kept
        self._turns, self._places = BoundedSemaphore(at_once), BoundedSemaphore(waiting)
        self._lock = Lock()
        self._kept: OrderedDict[_Key, Bench] = OrderedDict()
        self._reports: OrderedDict[_Key, Report] = OrderedDict()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn to have a pack made, so that who looks at packs takes no thread from who does not.

        Raises:
            Backlogged: too many wait already.

        """
        if not self._places.acquire(blocking=False):
            raise Backlogged("many packs are being looked at or checked right now; try again in half a minute")
        try:
            with self._turns:
                yield
        finally:
            self._places.release()

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
            Backlogged: too many wait for a bench already.

        """
        key, content = self._meant(tenant, what, within)
        with self.turn(), self._lock, silent():
            found = self._kept.pop(key, None)
            if found is None:
                self._shrink(self._most - 1)
                with self._target(key, content) as target:
                    found = Bench.opened(target)
            self._kept[key] = found
            yield found

    def report(self, tenant: str, what: str, *, within: str | None = None) -> Report:
        """What `livery pack check` says of a pack at a tenant; once for as long as nothing of it changes.

        Raises:
            NotFound: there is no such tenant, pack or version here.
            Backlogged: too many wait for one already.

        """
        key, content = self._meant(tenant, what, within)
        if (known := self._reports.get(key)) is not None:
            return known
        with self.turn():
            if (made := self._reports.get(key)) is not None:
                return made  # by who was before
            with silent(), self._target(key, content) as target:
                found = check(target)
            with self._lock:
                self._reports[key] = found
                while len(self._reports) > _REPORTS:
                    self._reports.popitem(last=False)
        return found

    def close(self) -> None:
        """Close every bench."""
        with self._lock:
            self._shrink(0)

    def _shrink(self, most: int) -> None:
        while len(self._kept) > most:
            self._kept.popitem(last=False)[1].close()

    def _meant(self, tenant: str, what: str, within: str | None) -> tuple[_Key, bytes | None]:
        """All that decides how it looks; and the zip, if it is no installed pack."""
        engine = self._engine
        active = {one.pack: one for one in engine.packs.active(tenant, within=within)}
        chain = engine.tenants.chain(tenant) or ()
        content = self._content(what, active, within)
        if content is None and what not in engine.library.packs:
            raise NotFound(f"no pack is called {what!r}; there are: {', '.join(engine.stock.ids(chain))}")
        stood = tuple(sorted((one.pack, one.version) for one in active.values()))
        tenants = tuple(one.model_dump_json() for one in chain)
        return (tenant, what, id(engine.library.packs), stood, tenants), content

    def _content(self, what: str, active: dict[str, Active], within: str | None) -> bytes | None:
        """The zip of what is meant; None if that is an installed pack."""
        if what in active:
            return self._engine.packs.content(active[what].version)
        if what.startswith("pkv_"):
            return self._engine.packs.content(what, within=within)
        return None

    @contextmanager
    def _target(self, key: _Key, content: bytes | None) -> Iterator[Target]:
        tenant, what, *_ = key
        with laid_out(self._engine, tenant, content or b"") as target:
            yield target if content is not None else Target(what, None, target.config, tenant)
