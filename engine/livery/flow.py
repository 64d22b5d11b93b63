"""The whole path on one screen: accept → audience → compose → render → deliver.

`accept` runs from outside to the stored deliveries, `work` takes one of them to its outcome.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from random import Random
from typing import Any, TypeVar

from livery.channel import Dispatch
from livery.channels import Channels
from livery.hooks import Hooks
from livery.models.delivery import OPEN, Outcome, Reason, State
from livery.models.event import Event, EventType
from livery.planning import Planner, Plans
from livery.ports import (
    PLAN,
    Again,
    Claim,
    Done,
    Execution,
    Now,
    Plan,
    Query,
    Receipt,
    Settlement,
    Store,
    Verdict,
    Wake,
)
from livery.steps import accept, deliver
from livery.writing import Reading, Writer

_T = TypeVar("_T")
_PLAN_AGAIN = timedelta(seconds=30)
_LEASED_ELSEWHERE = timedelta(seconds=5)


@dataclass(kw_only=True)
class Flow:
    """The steps in order, over what the composition root put together."""

    types: Mapping[str, EventType]
    planner: Planner
    writer: Writer
    channels: Channels
    hooks: Hooks
    store: Store
    execution: Execution
    now: Now
    random: Random
    lease: timedelta

    def __post_init__(self) -> None:
        self._store_thread = ThreadPoolExecutor(1, thread_name_prefix="livery-store")

    def close(self) -> None:
        """End the store's thread."""
        self._store_thread.shutdown()

    def accept(self, raws: Sequence[Any], connection: Any = None) -> list[Receipt]:
        """Validate all, plan all, then store all in one transaction: every one or none."""
        events = [accept.read(raw, self.types) for raw in raws]
        planned = [self._plans(event) for event in events]
        with self.store.transaction(connection) as tx:
            receipts = [self._keep(tx, event, plans) for event, plans in zip(events, planned, strict=True)]
        for event, receipt in zip(events, receipts, strict=True):
            if receipt.unreachable and not receipt.duplicate:
                self._alarm(event)
        return receipts

    async def work(self, wake: Wake) -> Verdict:
        """Bring one due piece of work forward, and say when to wake it again."""
        if wake.lane == PLAN:
            return await self._in_store(lambda: self._plan_late(wake.work))
        claim = await self._in_store(lambda: self.store.claim(wake.work, now=self.now(), lease=self.lease))
        if claim is None:
            left = await self._in_store(lambda: self.store.deliveries(Query(id_prefix=wake.work)))
            return Again(_LEASED_ELSEWHERE) if left and left[0].state in OPEN else Done()
        started_at = self.now()
        wire = await self._write(claim)
        outcome, took = (wire, 0.0) if isinstance(wire, Outcome) else await self._send(claim, wire)
        kind = self.channels.types.get(claim.delivery.channel)
        end = deliver.settlement(
            claim,
            outcome,
            started_at=started_at,
            took=took,
            ladder=kind.ladder if kind else (),
            random=self.random,
        )
        if await self._in_store(lambda: self.store.settle(claim, end)):
            self._tell(claim, end)
        return Again(end.due - self.now()) if end.state in OPEN else Done()

    # ------------------------------------------------------------------ up to the stored deliveries

    def _plans(self, event: Event) -> Plans | None:
        """The deliveries of an event; None if they cannot be told now: it is accepted all the same, planned later."""
        self.planner.chain(event)
        try:
            return self.planner.plan(event, self.now())
        except Exception as error:  # noqa: BLE001 - an event is never lost for what planning meets
            self.hooks.alarm("hook_failed", f"planning failed and will be tried again: {error}", event)
            return None

    def _keep(self, tx: Any, event: Event, plans: Plans | None) -> Receipt:
        now = self.now()
        body = accept.canonical(event)
        key, duplicate = self.store.add_event(tx, key=event.key, kind=event.type, body=body, now=now)
        unreachable = plans is not None and plans.unreachable
        if duplicate:
            return Receipt(event.id, duplicate=True, unreachable=unreachable)
        if plans is None:
            self.execution.put(tx, [Wake(key, PLAN, now + _PLAN_AGAIN)])
            return Receipt(event.id, duplicate=False)
        made = self._keep_plans(tx, key, plans)
        return Receipt(event.id, duplicate=False, deliveries=made, unreachable=unreachable)

    def _keep_plans(self, tx: Any, key: str, plans: Plans) -> tuple[str, ...]:
        wakes = self.store.add_plans(tx, key, [_keyed(plan, key) for plan in plans.plans], plans.audience)
        self.execution.put(tx, wakes)
        return tuple(wake.work for wake in wakes)

    def _plan_late(self, key: str) -> Verdict:
        stored = self.store.event(key)
        if stored is None:
            return Done()
        event = accept.read(stored.body, self.types)
        plans = self._plans(event)
        if plans is None:
            return Again(_PLAN_AGAIN)
        with self.store.transaction() as tx:
            self._keep_plans(tx, key, plans)
        if plans.unreachable:
            self._alarm(event)
        return Done()

    def _alarm(self, event: Event) -> None:
        self.hooks.alarm("unreachable", f"event {event.id} of {event.seller_id} reaches no person", event)

    # ------------------------------------------------------------------ from a delivery to its outcome

    async def _write(self, claim: Claim) -> bytes | Outcome:
        """The bytes to send: the first attempt's if there are some, so that every copy is the same."""
        if claim.wire is not None:
            return claim.wire
        delivery = claim.delivery
        try:
            stored = await self._in_store(lambda: self.store.event(delivery.event_key))
            assert stored is not None, "a delivery's event is never removed before it"
            event = accept.read(stored.body, self.types)
            reading = Reading(stored.accepted_at, reader_locale=delivery.trace.get("reader_locale"))
            message, wording, wire = self.writer.message(
                event, self.planner.chain(event), delivery.channel, claim.envelope, reading
            )
        except Exception as error:  # noqa: BLE001 - what cannot be written now is tried again, and at last a dead letter
            return Outcome(status="retry", reason=Reason.RENDER_FAILED, detail=f"{type(error).__name__}: {error}")
        if news := self.writer.news(wording.packs[:1], message.degraded):
            said = f"{', '.join(wording.packs[:1]) or 'no pack'} (delivery {delivery.id}): {'; '.join(news)}"
            self.hooks.alarm("degraded", said, event)
        trace = {**delivery.trace, "wording": wording.model_dump(mode="json")}
        if await self._in_store(lambda: self.store.keep_wire(claim, wire, message, trace)):
            return wire
        return Outcome(status="retry", reason=Reason.WORKER_CRASHED, detail="taken over by another worker")

    async def _send(self, claim: Claim, wire: bytes) -> tuple[Outcome, float]:
        destination = self.channels.destination(claim.endpoint.key) if claim.endpoint else None
        if claim.endpoint and destination is None:
            return Outcome(status="failed", reason=Reason.GONE, detail="the destination is no longer configured"), 0.0
        try:
            channel = self.channels.open(claim.delivery.channel)
        except Exception as error:  # noqa: BLE001 - an operator can mend it while the delivery waits
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail=str(error)), 0.0
        dispatch = Dispatch(claim.envelope, destination, wire, claim.delivery.attempts, claim.settled)
        return await deliver.attempt(channel, dispatch, deadline=self.lease.total_seconds() * 0.8)

    def _tell(self, claim: Claim, end: Settlement) -> None:
        delivery = claim.delivery.model_copy(update={"state": end.state, "reason": end.reason})
        self.hooks.observe("livery_on_outcome", delivery=delivery, attempt=end.attempt)
        if end.state is State.DEAD:
            said = f"{end.reason}: {end.attempt.outcome.detail}".rstrip(": ")
            self.hooks.alarm("dead", f"delivery {delivery.id} to {delivery.destination} was given up ({said})")

    def _in_store(self, job: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Store calls have a thread of their own, so that a slow disk holds up no send."""
        return asyncio.get_running_loop().run_in_executor(self._store_thread, job)


def _keyed(plan: Plan, key: str) -> Plan:
    """The plan with the key of its event, and what makes a second delivery like it impossible."""
    delivery = plan.delivery.model_copy(update={"event_key": key})
    unique = sha256(f"{key}\n{delivery.channel}\n{plan.unique}".encode()).hexdigest()
    return replace(plan, delivery=delivery, unique=unique)
