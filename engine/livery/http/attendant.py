"""The attendant: keeps a worker at work beside the service, and says how it is."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livery.beside import beside
from livery.engine import Engine

log = logging.getLogger("livery.http")
_SOONEST, _LATEST = 1.0, 30.0


class Attendant:
    """Runs the engine's worker; one that fails is started again, after a pause that grows up to half a minute.

    Attributes:
        is_wanted: whether there is to be a worker here.
        failure: why it is not at work now; empty if it is.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_wanted, self.failure = False, ""

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Work in the background for as long as the block runs; what is being sent ends before it does."""
        self.is_wanted = True
        try:
            async with beside(self._keep_working()):
                yield
        finally:
            self.is_wanted = False

    async def _keep_working(self) -> None:
        pause = _SOONEST
        while True:
            started = asyncio.get_running_loop().time()
            try:
                self.failure = ""
                await self._engine.work()
            except Exception as error:
                self.failure = f"{type(error).__name__}: {error}"
                log.exception("the worker failed, and is started again in %g s", pause)
            if asyncio.get_running_loop().time() - started > _LATEST:
                pause = _SOONEST
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LATEST)
