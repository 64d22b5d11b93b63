"""The port's side: wakes stored in anybody's transaction, and a worker that is run, stopped and told why."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from livery.errors import StoreError
from livery.execution.pgqueuer.statements import CANCEL, CHANGED, CHANNEL, COUNT, DEPTHS, DUE, HOLD, PUT, RELEASE
from livery.ports import FAIR, IN_HOST_TX, TAKEOVER, Depth, Load, Now, Wake, Work, utc_now
from livery.storage.database import told

log = logging.getLogger("livery.execution")
_GRACE = 25.0
"""Seconds a stopping worker lets sends end; supervisors commonly kill after 30."""
_ANEW = 2.0
"""Seconds after which a worker that failed begins anew."""
_RECOUNT = 1.0
_COUNTS_COST = 20
"""A count is good for so many times as long as it took."""
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**31 - 1

_PUT, _CANCEL, _HOLD, _RELEASE = text(PUT), text(CANCEL), text(HOLD), text(RELEASE)
_COUNT, _DEPTHS, _DUE = text(COUNT), text(DEPTHS), text(DUE)
_NEWS = {"channel": CHANNEL, "changed": CHANGED}


class PgQueuerExecution:
    """`livery.ports.Execution` for any number of machines.

    Due times are kept by the database's clock, one for all of them.

    Args:
        engine: the store's database.
        now: the clock; only where it is no real one, what is due goes by it.
        patience: seconds without a sign of life after which a worker is taken for dead.

    """

    traits = frozenset({IN_HOST_TX, TAKEOVER, FAIR})

    def __init__(self, engine: Engine, *, now: Now, patience: float = 60.0) -> None:
        self._engine, self._now, self._patience = engine, now, timedelta(seconds=patience)
        self._is_real = now is utc_now
        self._count, self._good_until = 0, float("-inf")

    # ------------------------------------------------------------------ storing

    def put(self, tx: Connection, wakes: Sequence[Wake]) -> int:
        if not wakes:
            return 0
        now = self._now()
        values = {
            "priorities": [min(max(one.priority, -_LARGEST), _LARGEST) for one in wakes],
            "lanes": [one.lane for one in wakes],
            "works": [one.work for one in wakes],
            "tenants": [one.tenant for one in wakes],
            "destinations": [one.destination for one in wakes],
            "afters": [(one.due - now) // _MICROSECOND for one in wakes],
        }
        added = int(tx.execute(_PUT, {**values, **self._clock(now), **_NEWS}).scalar() or 0)
        self._count += added
        return added

    def cancel(self, tx: Connection, works: Sequence[str]) -> None:
        if works:
            tx.execute(_CANCEL, {"works": list(works)})

    def hold(self, tx: Connection, destination: str, until: datetime) -> None:
        now = self._now()
        clock = self._clock(now)
        if until > now:
            tx.execute(_HOLD, {"destination": destination, "after": (until - now) // _MICROSECOND, **clock})
        else:
            tx.execute(_RELEASE, {"destination": destination, **clock, **_NEWS})

    def nudge(self) -> None:
        """PostgreSQL told the workers when it was committed."""

    def waiting(self) -> int:
        now = time.monotonic()
        if now > self._good_until:
            with told(), self._engine.connect() as connection:
                self._count = int(connection.execute(_COUNT).scalar() or 0)
            took = time.monotonic() - now
            self._good_until = now + took + max(_RECOUNT, took * _COUNTS_COST)
        return self._count

    def depths(self) -> list[Depth]:
        with told(), self._engine.connect() as connection:
            rows = connection.execute(_DEPTHS, self._clock(self._now())).all()
        return [Depth(lane, waiting, ripe, float(oldest)) for lane, waiting, ripe, oldest in rows]

    def due(self, works: Sequence[str]) -> dict[str, datetime]:
        with told(), self._engine.connect() as connection:
            return {str(work): due for work, due in connection.execute(_DUE, {"works": list(works)})}

    # ------------------------------------------------------------------ working

    async def run(self, work: Work, *, until_idle: bool, load: Load) -> None:
        while True:
            try:
                await self._shift(work, until_idle=until_idle, load=load)
            except Exception as error:
                if until_idle:
                    raise
                # Whatever it is (a server that only reads for now, a table that is being restored), it may pass.
                is_told = isinstance(error, StoreError)
                log.warning("the worker begins anew: %s", error, exc_info=None if is_told else error)
            else:
                return
            await asyncio.sleep(_ANEW)

    async def _shift(self, work: Work, *, until_idle: bool, load: Load) -> None:
        from livery.execution.pgqueuer.crew import Crew, Terms
        from livery.execution.pgqueuer.line import Line

        dsn = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        line = Line(dsn, is_patient=not until_idle)
        crew = Crew(line, work, Terms(load, until_idle, self._patience, None if self._is_real else self._now))
        running = asyncio.create_task(crew.run())
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            crew.stop()
            await asyncio.wait([running], timeout=_GRACE)
            crew.hands.break_off()
            line.shutdown.set()
            with suppress(asyncio.CancelledError):
                await running
            raise
        finally:
            running.cancel()
            await line.aclose()

    def _clock(self, now: datetime) -> dict[str, Any]:
        return {"now": None if self._is_real else now}
