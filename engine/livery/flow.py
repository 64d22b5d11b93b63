"""The whole path on one screen: accept → audience → compose → render → deliver.

`accept` runs from outside to the stored deliveries, `work` takes one of them to its outcome.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from random import Random
from typing import Any, TypeVar

from livery.channels import Channels
from livery.clerk import Clerk
from livery.errors import (
    Backlogged,
    DirectoryUnavailable,
    EventConflict,
    EventError,
    LiveryError,
    StoreError,
    UnknownSeller,
)
from livery.hooks import Hooks
from livery.locales import one_line
from livery.models.delivery import OPEN, Delivery, Reason, State
from livery.models.event import Event, EventType
from livery.planning import Planner, Plans
from livery.ports import (
    PLAN,
    Again,
    Claim,
    Dead,
    Done,
    Execution,
    Learn,
    NewEvent,
    Now,
    Plan,
    Receipt,
    Settled,
    Settlement,
    Store,
    SuppressAll,
    Verdict,
    Wake,
    none_suppressed,
    nothing_learnt,
)
from livery.retry import plan_again
from livery.safe import Safe
from livery.sending import Policy, Ready, Sender
from livery.steps import accept
from livery.telemetry import TRACE, Telemetry
from livery.writing import Writer

log = logging.getLogger("livery.flow")
_T = TypeVar("_T")
_Planned = list[tuple[Event, Plans | str]]
"""Events, each with its deliveries or why they cannot be told now."""
_REASON = 300
_PLANNERS = 4
"""How many events are planned late at once: a slow directory holds up no more than these."""
_LEASED_ELSEWHERE = timedelta(seconds=5)
_OVERDUE = timedelta(minutes=5)
_SWEPT = 1000
_SETTLE_TRIES = 12
_ON_OUTCOME = "livery_on_outcome"


@dataclass(kw_only=True)
class Flow:
    """The steps in order, over what the composition root put together."""

    types: Mapping[str, EventType]
    planner: Planner
    writer: Writer
    channels: Channels
    hooks: Hooks
    store: Store
    safe: Safe
    execution: Execution
    now: Now
    random: Random
    policy: Policy
    worker: str = ""
    suppress: SuppressAll = none_suppressed
    learn: Learn = nothing_learnt
    telemetry: Telemetry = field(default_factory=Telemetry)

    def __post_init__(self) -> None:
        self._clerk = Clerk(self.store.together)
        self._sender = Sender(
            **{one.name: getattr(self, one.name) for one in fields(Sender) if one.name != "clerk"},
            clerk=self._clerk,
        )
        self._plan_threads = ThreadPoolExecutor(_PLANNERS, thread_name_prefix="livery-plan")

    def close(self) -> None:
        """End its threads."""
        self._plan_threads.shutdown()
        self._clerk.close()

    def accept(
        self, raws: Sequence[Any], connection: Any = None, *, due: datetime | None = None, priority: int | None = None
    ) -> list[Receipt]:
        """Validate all, plan all, then store all in one transaction: every one or none."""
        with self.telemetry.span("accept", events=len(raws)):
            planned = self._planned_alone(raws)
            with self.store.transaction(connection) as tx:
                receipts = self._keep(tx, planned, due, priority)
        self._accepted(planned, receipts)
        return receipts

    async def accept_async(
        self, raws: Sequence[Any], connection: Any, *, due: datetime | None = None, priority: int | None = None
    ) -> list[Receipt]:
        """The same in the transaction of an asynchronous connection; what may take long is done in a thread."""
        with self.telemetry.span("accept", events=len(raws)):
            planned = await asyncio.to_thread(self._planned_alone, raws)
            receipts = await self.store.within(connection, lambda tx: self._keep(tx, planned, due, priority))
        self._accepted(planned, receipts)
        return receipts

    def accept_groups(self, groups: Sequence[tuple[Sequence[Any], str | None]]) -> list[list[Receipt] | LiveryError]:
        """Each group is stored as a whole or not at all, and all of them in one transaction."""
        with self.telemetry.span("accept", events=sum(len(raws) for raws, _ in groups)):
            read = [self._read(raws, within) for raws, within in groups]
            planned = self._planned([one for one in read if not isinstance(one, LiveryError)])
            try:
                with self.store.transaction() as tx:
                    every = iter(self._keep(tx, [pair for group in planned for pair in group], None, None))
                kept: list[list[Receipt] | LiveryError] = [list(islice(every, len(group))) for group in planned]
            except EventConflict:
                kept = self._kept_apart(planned)
        for group, answer in zip(planned, kept, strict=True):
            if not isinstance(answer, LiveryError):
                self._accepted(group, answer)
        stored = iter(kept)
        return [one if isinstance(one, LiveryError) else next(stored) for one in read]

    async def work(self, wake: Wake) -> Verdict:
        """Bring one due piece of work forward, and say when to wake it again."""
        if wake.lane == PLAN:
            return await asyncio.get_running_loop().run_in_executor(self._plan_threads, self._planned_late, wake)
        ready = await self._clerk.do_alike(self._claimed, wake.work)
        if not isinstance(ready, Ready):
            return await self._not_sent(wake.work, ready)
        claim, one = ready.claim, ready.claim.delivery
        names: dict[str, str | int] = {"delivery": one.id, "event": one.event_id, "tenant": one.tenant}
        with self.telemetry.span(
            "deliver", parent=one.trace.get(TRACE, ""), channel=one.channel, attempt=one.attempts, **names
        ) as span:
            end = await self._sender.attempt(ready)
            settled = await self._recorded(claim, end) if end else Settled(recorded=False)
            if end is None or not settled.recorded:
                return Again(_LEASED_ELSEWHERE)  # somebody else has it; should they die with it, it is taken up again
            self.telemetry.ended(one, end, span)
        await self._follow(claim, end, settled)
        if end.state in OPEN:
            return Again(end.due - self.now(), counts=True)
        return Dead(end.reason or Reason.EXHAUSTED) if end.state is State.DEAD else Done()

    def sweep(self) -> int:
        """Wake again what was due long ago and lost its wake: a net, and an alarm when it catches something."""
        lost = self.store.overdue(before=self.now() - max(_OVERDUE, 2 * self.policy.lease), limit=_SWEPT)
        if not lost:
            return 0
        with self.store.transaction() as tx:
            caught = self.execution.put(tx, lost)
        if caught:
            self.hooks.alarm("swept", f"{caught} pieces of work had lost their wake and were woken again; report it")
        return caught

    # ------------------------------------------------------------------ up to the stored deliveries

    def _planned(self, groups: Sequence[Sequence[Event]]) -> list[_Planned]:
        self._admit(sum(map(len, groups)))
        with self.store.looking():
            self.planner.expect([event for group in groups for event in group], self.now())
            return [[(event, self._plans(event)) for event in group] for group in groups]

    def _planned_alone(self, raws: Sequence[Any]) -> _Planned:
        (planned,) = self._planned([[accept.read(raw, self.types) for raw in raws]])
        return planned

    def _read(self, raws: Sequence[Any], within: str | None) -> list[Event] | LiveryError:
        """The events of one group, or what is wrong with the first one that is."""
        events: list[Event] = []
        try:
            for raw in raws:
                event = accept.read(raw, self.types)
                self.planner.chain(event, within=within)
                events.append(event)
        except EventError as error:
            error.at = len(events)
            return error
        return events

    def _kept_apart(self, groups: Sequence[_Planned]) -> list[list[Receipt] | LiveryError]:
        """Store group by group within one transaction: one of them holds an event that came with another body."""
        kept: list[list[Receipt] | LiveryError] = []
        with self.store.together():
            for group in groups:
                try:
                    with self.store.transaction() as tx:
                        kept.append(self._keep(tx, group, None, None))
                except EventConflict as error:
                    kept.append(error)
        return kept

    def _accepted(self, planned: _Planned, receipts: Sequence[Receipt]) -> None:
        for (event, _), receipt in zip(planned, receipts, strict=True):
            self.telemetry.accepted(event.type, duplicate=receipt.duplicate)
            if receipt.unreachable and not receipt.duplicate:
                self._alarm(event)

    def _plans(self, event: Event, accepted_at: datetime | None = None) -> Plans | str:
        """The deliveries of an event, or why they cannot be told now: it is accepted all the same, planned later."""
        try:
            return self.planner.plan(event, self.now(), accepted_at=accepted_at)
        except UnknownSeller:
            raise
        except DirectoryUnavailable as error:
            return one_line(str(error), _REASON)
        except Exception as error:  # noqa: BLE001 - an event is never lost for what planning meets
            self.hooks.alarm("hook_failed", f"planning failed and will be tried again: {error}", event)
            return one_line(f"planning failed: {type(error).__name__}: {error}", _REASON)

    def _admit(self, count: int) -> None:
        bound = self.policy.max_backlog
        if bound and (waiting := self.execution.waiting()) + count > bound:
            raise Backlogged(
                f"{waiting:,} pieces of work wait, and max_backlog is {bound:,}: nothing was accepted. "
                "Send the event again later; see that workers run and keep up"
            )

    def _keep(self, tx: Any, planned: _Planned, due: datetime | None, priority: int | None) -> list[Receipt]:
        """Store events with their deliveries: three statements for all of them."""
        now, traced = self.now(), self.telemetry.context()
        due = max(due, now) if due else now
        kept = self.store.add_events(tx, [self._new(event, plans) for event, plans in planned], now=now)
        receipts, wakes, deliveries = [], [], []
        for (event, plans), (key, duplicate) in zip(planned, kept, strict=True):
            unreachable = isinstance(plans, Plans) and plans.unreachable
            if duplicate:
                receipts.append(Receipt(event.id, duplicate=True, unreachable=unreachable))
            elif isinstance(plans, str):
                again = max(due, now + plan_again(0, self.random))
                self.store.keep_waiting(tx, key, plans)
                wakes.append(Wake(key, PLAN, again, self._priority(event, priority), event.seller_id))
                receipts.append(Receipt(event.id, duplicate=False, waiting=plans))
            else:
                mine = [_keyed(plan, key, due, self._priority(event, priority), traced) for plan in plans.plans]
                deliveries += mine
                ids = tuple(plan.delivery.id for plan in mine)
                receipts.append(Receipt(event.id, duplicate=False, deliveries=ids, unreachable=unreachable))
        self.execution.put(tx, [*wakes, *self.store.add_deliveries(tx, deliveries)])
        return receipts

    def _new(self, event: Event, plans: Plans | str) -> NewEvent:
        body = accept.canonical(event)
        audience = plans.audience if isinstance(plans, Plans) else None
        return NewEvent(event.key, event.type, self.safe.body(event, body), sha256(body).hexdigest(), audience)

    def _priority(self, event: Event, asked: int | None) -> int:
        return self.types[event.type].priority if asked is None else asked

    def _planned_late(self, wake: Wake) -> Verdict:
        """The same, and what a plugin raises to end its process ends neither this thread nor the worker."""
        try:
            return self._plan_late(wake)
        except Exception:
            raise
        except BaseException as error:
            raise RuntimeError(f"planning raised {type(error).__name__}") from error

    def _plan_late(self, wake: Wake) -> Verdict:
        key, stored = wake.work, self.store.event(wake.work)
        if stored is None:
            return Done()
        event = self.safe.event(stored)
        plans = self._plans(event, stored.accepted_at)
        if isinstance(plans, str):
            with self.store.transaction() as tx:
                self.store.keep_waiting(tx, key, plans)
            return Again(plan_again(stored.tries, self.random))
        now, traced = self.now(), self.telemetry.context()
        with self.store.transaction() as tx:
            keyed = [_keyed(plan, key, now, wake.priority, traced) for plan in plans.plans]
            self.execution.put(tx, self.store.add_plans(tx, key, keyed, plans.audience))
        self.execution.nudge()
        if plans.unreachable:
            self._alarm(event)
        return Done()

    def _alarm(self, event: Event) -> None:
        self.hooks.alarm("unreachable", f"event {event.id} of {event.seller_id} reaches no person", event)

    # ------------------------------------------------------------------ from a delivery to its outcome

    def _claimed(self, ids: Sequence[str]) -> list[Ready | Verdict]:
        """Claim deliveries, and gather what their attempts need; for the others what the ledger says of them."""
        found = self.store.claim_all(ids, now=self.now(), lease=self.policy.lease, worker=self.worker)
        with self.store.looking():
            ready = iter(self._sender.ready([one for one in found if isinstance(one, Claim)]))
        return [next(ready) if isinstance(one, Claim) else one for one in found]

    async def _recorded(self, claim: Claim, end: Settlement) -> Settled:
        """Record the end of an attempt; while the disk is full, again and again: it was sent, and must be known."""
        for tries in range(_SETTLE_TRIES):
            try:
                return await self._clerk.do_alike(self.store.settle_all, (claim, end))
            except StoreError as error:
                log.warning("delivery %s: its outcome cannot be recorded: %s", claim.delivery.id, error)
                await asyncio.sleep(min(2**tries / 10, 5))
        return await self._clerk.do_alike(self.store.settle_all, (claim, end))

    async def _follow(self, claim: Claim, end: Settlement, settled: Settled) -> None:
        """What an attempt means for others, and who is told of it."""
        one = claim.delivery
        where = f"{one.channel} destination {claim.endpoint.label if claim.endpoint else f'of {one.tenant}'}"
        if settled.paused_until or settled.resumed or settled.disabled:
            until = settled.paused_until or self.now()
            await self._in_store(lambda: self._hold(one.destination_key, until))
        if settled.disabled:
            said = f"{where} of {one.tenant} is disabled: {end.disable}; `livery destinations enable` turns it on again"
            self.hooks.alarm("disabled", said)
        elif settled.paused_until:
            said = f"{where} of {one.tenant} keeps failing ({end.reason}); it is tried again at {settled.paused_until}"
            self.hooks.alarm("paused", said)
        elif settled.resumed:
            log.info("%s of %s answers again", where, one.tenant)
        if any(told.status == "failed" for told in end.attempt.outcome.recipients):
            await self._in_store(lambda: self.learn(one, end.attempt))
        if end.state is State.DEAD or self.hooks.implementations(_ON_OUTCOME):
            self._tell(one.model_copy(update={"state": end.state, "reason": end.reason}), end)

    def _hold(self, destination: str, until: datetime) -> None:
        with self.store.transaction() as tx:
            self.execution.hold(tx, destination, until)
        self.execution.nudge()

    async def _not_sent(self, id_: str, verdict: Verdict) -> Verdict:
        """What the ledger said in place of a claim; of a delivery it gave up, people are told."""
        if isinstance(verdict, Dead):
            one = await self._in_store(lambda: self.store.delivery(id_))
            attempts = await self._in_store(lambda: self.store.attempts(id_))
            if one is not None and attempts and one.state is State.DEAD:
                self._tell(one, Settlement(attempts[-1], one.state, one.reason, one.due_at))
        return verdict

    def _tell(self, delivery: Delivery, end: Settlement) -> None:
        self.hooks.observe(_ON_OUTCOME, delivery=delivery, attempt=end.attempt)
        if end.state is State.DEAD:
            said = f"{end.reason}: {end.attempt.outcome.detail}".rstrip(": ")
            self.hooks.alarm("dead", f"delivery {delivery.id} to {delivery.destination} was given up ({said})")

    def _in_store(self, job: Callable[[], _T]) -> "asyncio.Future[_T]":
        return self._clerk.do(job)


def _keyed(plan: Plan, key: str, due: datetime, priority: int, traced: Mapping[str, str]) -> Plan:
    """The plan with the key of its event, when it is due, and what makes a second delivery like it impossible."""
    delivery = plan.delivery.keyed(key, max(due, plan.delivery.due_at), priority, traced)
    unique = sha256(f"{key}\n{delivery.channel}\n{plan.unique}".encode()).hexdigest()
    return replace(plan, delivery=delivery, unique=unique)
