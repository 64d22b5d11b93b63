"""The parts of an engine that need the store, put together. Only `engine` imports it, on first use."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Event as Signal
from typing import TYPE_CHECKING

from livery.beside import beside
from livery.errors import ConfigError, LiveryError, Problem
from livery.execution.clock import Drift
from livery.execution.embedded import EmbeddedExecution
from livery.flow import Flow
from livery.ports import PLAN, Duty, Execution, Load, Now, utc_now
from livery.safe import Safe
from livery.sending import Policy
from livery.storage.database import connect
from livery.storage.directory import DirectoryTable
from livery.storage.erasure import Erasures
from livery.storage.identity import IdentityTable
from livery.storage.interventions import Interventions
from livery.storage.ledger import Ledger
from livery.storage.moving import refuse_moved
from livery.storage.packs import PackTable
from livery.storage.queue import Queue
from livery.storage.retention import Retention
from livery.storage.sender_domains import SenderDomainTable
from livery.storage.sessions import SessionTable
from livery.storage.settings import SettingsStore
from livery.storage.stencils import StencilTable
from livery.storage.suppressions import SuppressionTable
from livery.storage.tenants import TenantTable
from livery.telemetry import Telemetry

if TYPE_CHECKING:
    from livery.engine import Engine

log = logging.getLogger("livery.workshop")
_SWEEP = 60.0
"""Seconds between looks for work that lost its wake."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What works on the store."""

    ledger: Ledger
    tenants: TenantTable
    directory: DirectoryTable
    settings: SettingsStore
    suppressions: SuppressionTable
    domains: SenderDomainTable
    packs: PackTable
    stencils: StencilTable | None
    identity: IdentityTable
    sessions: SessionTable
    recheck: Callable[[], object]
    execution: Execution
    flow: Flow
    load: Callable[[int | None], Load]
    interventions: Interventions
    retention: Retention
    erasures: Erasures
    queue: Queue

    @classmethod
    def of(cls, engine: "Engine") -> "Workshop":
        """Open the store of an engine and what works on it.

        Raises:
            StoreError: it cannot be opened.

        """
        config, policy = engine.config, engine.config.delivery
        worker = f"{socket.gethostname()}:{os.getpid()}"
        kinds = engine.channels.types.values()
        endpoints = [one.name for one in kinds if one.addressing == "endpoint"]
        ledger = Ledger(connect(config.database_url), breaker=policy.breaker(), rates=policy.rates())
        try:
            refuse_moved(ledger.engine)
        except BaseException:
            ledger.close()
            raise
        execution = execution_on(ledger, now=engine.now, patience=config.lease_seconds, worker=worker)
        flow = Flow(
            types=engine.types,
            planner=engine.planner,
            writer=engine.writer,
            channels=engine.channels,
            hooks=engine.hooks,
            store=ledger,
            safe=Safe(engine.vault, engine.types),
            execution=execution,
            now=engine.now,
            random=engine.random,
            policy=Policy(
                lease=timedelta(seconds=config.lease_seconds),
                rules=policy.rules(),
                ladders=policy.ladders,
                max_backlog=policy.max_backlog,
            ),
            worker=worker,
            suppress=engine.suppressed,
            learn=engine.suppressions.learn,
            telemetry=Telemetry(
                depths=execution.depths,
                destinations=lambda: ledger.destinations(troubled=True),
                alarms=engine.hooks.alarms,
            ),
        )
        persons = [one.name for one in kinds if one.addressing == "persons"]

        def load(concurrency: int | None) -> Load:
            return policy.load(concurrency or config.concurrency, persons=persons, endpoints=endpoints)

        interventions = Interventions(ledger, execution, now=engine.now, vault=engine.vault)
        retention = Retention(ledger, config.retention, engine.vault, now=engine.now)
        erasures = Erasures(ledger, execution, engine.vault, now=engine.now)
        by_hand = interventions, retention, erasures, Queue(ledger, execution, now=engine.now)
        settings, suppressions = SettingsStore(ledger, engine.vault), SuppressionTable(ledger)
        parts = (
            TenantTable(ledger), DirectoryTable(ledger), settings, suppressions, SenderDomainTable(ledger),
            PackTable(ledger), _shared(ledger, engine.now), IdentityTable(ledger),
            SessionTable(ledger),
        )  # fmt: skip
        return cls(ledger, *parts, engine.domains.recheck, execution, flow, load, *by_hand)

    async def work(self, duty: Duty, *, until_idle: bool) -> None:
        """Work for ever, or until nothing is due."""
        load = self.load(duty.concurrency)
        if duty.channels is not None or duty.tenants is not None:
            if self.ledger.engine.dialect.name == "sqlite":
                what = "a PostgreSQL database: on SQLite one worker does all there is, and the others stand by"
                raise ConfigError("a worker for a part of the work needs:", [Problem("database_url", what)])
            lanes = None if duty.channels is None else duty.channels | {PLAN}
            load = replace(load, lanes=lanes, tenants=duty.tenants)
        working = self.execution.run(self.flow.work, until_idle=until_idle, load=load)
        if until_idle:
            await working
            return
        stop = Signal()
        async with beside(self._sweep(stop)):
            try:
                await working
            finally:
                stop.set()

    async def _sweep(self, stop: Signal) -> None:
        """Tidy up for ever; `stop` has what it began end early."""
        while True:
            await asyncio.sleep(_SWEEP)
            try:
                await asyncio.to_thread(self.flow.sweep)
                await asyncio.to_thread(self.recheck)
                await asyncio.to_thread(self.ledger.admission.forget, self.flow.now())
                await asyncio.to_thread(self.erasures.go_on, stop=stop)
                await asyncio.to_thread(self.retention.prune, seconds=_SWEEP / 2, stop=stop)
            except LiveryError as error:
                log.warning("the sweep failed and is made again: %s", error)

    def close(self) -> None:
        self.flow.close()
        self.ledger.close()


def _shared(ledger: Ledger, now: Now) -> StencilTable | None:
    """Where machines share what they compile; a store in a file is one machine's, whose disk does."""
    return None if ledger.engine.dialect.name == "sqlite" else StencilTable(ledger, now=now)


def execution_on(ledger: Ledger, *, now: Now = utc_now, patience: float = 60.0, worker: str = "") -> Execution:
    """What wakes the work of a store: by what kind of database it is."""
    if ledger.engine.dialect.name == "postgresql":
        from livery.execution.pgqueuer.adapter import PgQueuerExecution

        return PgQueuerExecution(ledger.engine, now=now, patience=patience)
    return EmbeddedExecution(
        ledger.engine,
        now=now,
        on_takeover=ledger.release_abandoned,
        patience=patience,
        worker=worker,
        drift=Drift() if now is utc_now else None,
    )
