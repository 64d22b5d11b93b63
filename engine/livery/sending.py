"""Sending: from a claimed delivery to what came of one attempt. Owns render → deliver; only the flow uses it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from livery.channel import Dispatch
from livery.channels import Channels
from livery.hooks import Hooks
from livery.models.classification import marks, redacted, secrets_of
from livery.models.delivery import Outcome, Reason
from livery.models.event import Event, EventType
from livery.models.tenant import Chain
from livery.planning import Planner
from livery.ports import Claim, Now, Settlement, Store, Suppress
from livery.retry import Rules
from livery.safe import Safe
from livery.steps import deliver
from livery.telemetry import Telemetry
from livery.writing import Writer, reading_of

DEADLINE = 30.0
"""Seconds a send may take where its channel is not known any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The operator's settings of the flow."""

    lease: timedelta = timedelta(seconds=60)
    """How long a worker that is not heard of holds a delivery; it is extended four times as often."""
    rules: Rules = Rules()  # noqa: RUF009 - frozen
    ladders: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """By channel, in place of the channel's own."""
    max_backlog: int = 0
    """Pieces of work stored above which nothing is accepted; 0 for no bound."""


@dataclass(kw_only=True)
class Sender:
    """Makes attempts, with what the flow was put together from.

    Attributes:
        in_store: does a job in the store's thread.

    """

    types: Mapping[str, EventType]
    planner: Planner
    writer: Writer
    channels: Channels
    hooks: Hooks
    store: Store
    safe: Safe
    now: Now
    random: Random
    policy: Policy
    worker: str
    suppress: Suppress
    telemetry: Telemetry
    in_store: Callable[[Callable[[], Any]], "asyncio.Future[Any]"]

    async def attempt(self, claim: Claim) -> Settlement | None:
        """One attempt, from what is written to what came of it; None if the lease was lost over it."""
        started_at, kind = self.now(), self.channels.types.get(claim.delivery.channel)
        kept_off = await self.in_store(lambda: self.suppress(claim.delivery, claim.envelope))
        everybody = claim.envelope.addresses or (claim.delivery.destination,)
        if all(one in kept_off for one in everybody):
            return deliver.withheld(claim, kept_off, at=started_at, worker=self.worker)
        kept_off = {one: why for one, why in kept_off.items() if one in everybody}
        claim = replace(claim, settled={**claim.settled, **dict.fromkeys(kept_off, "suppressed")})

        async def extend() -> bool:
            until = self.now() + self.policy.lease
            return bool(await self.in_store(lambda: self.store.extend(claim, until)))

        try:
            came = await deliver.held(self._sent(claim), extend, every=self.policy.lease.total_seconds() / 4)
        except asyncio.CancelledError:  # the worker stops and waited long enough; the end is recorded all the same
            took = (self.now() - started_at).total_seconds() * 1000
            came = Outcome(status="unknown", reason=Reason.TIMEOUT, detail="broken off: the worker stopped"), took
        if came is None:
            return None
        outcome, took = came
        own = kind.ladder if kind else ()
        end = deliver.settlement(
            claim,
            outcome,
            started_at=started_at,
            took=took,
            ladder=self.policy.ladders.get(claim.delivery.channel, own),
            random=self.random,
            rules=self.policy.rules,
            worker=self.worker,
        )
        return deliver.told_of(end, kept_off)

    async def _sent(self, claim: Claim) -> tuple[Outcome, float]:
        with self.telemetry.span("render", stored=int(claim.wire is not None)):
            wire = await self._write(claim)
        with self.telemetry.span("send", channel=claim.delivery.channel):
            outcome, took = (wire, 0.0) if isinstance(wire, Outcome) else await self._send(claim, wire)
        if secrets := await self._secrets(claim):  # a far side may send back what it got
            outcome = Outcome.model_validate(redacted(outcome.model_dump(mode="json"), secrets))
        return outcome, took

    async def _secrets(self, claim: Claim) -> tuple[str, ...]:
        """What may stand in no log."""
        kind = self.types.get(claim.delivery.event_type)
        if kind is None or not marks(kind.data):
            return ()
        stored = await self.in_store(lambda: self.store.event(claim.delivery.event_key))
        return secrets_of(self.safe.event(stored).data) if stored else ()

    async def _write(self, claim: Claim) -> bytes | Outcome:
        """The bytes to send: the first attempt's if there are some, so that every copy is the same."""
        if claim.wire is not None:
            return self.safe.sent(claim.wire, claim.delivery.event_key)
        delivery = claim.delivery
        try:
            stored = await self.in_store(lambda: self.store.event(delivery.event_key))
            assert stored is not None, "a delivery's event is never removed before it"
            event = self.safe.event(stored)
            reading = reading_of(delivery.trace, stored.accepted_at)
            chain, where = await self.in_store(lambda: self._settled(claim, event, stored.accepted_at))
            message, wording, wire = self.writer.message(
                event, chain, delivery.channel, claim.envelope, reading, destination=where
            )
        except Exception as error:  # noqa: BLE001 - what cannot be written now is tried again, and at last a dead letter
            return Outcome(status="retry", reason=Reason.RENDER_FAILED, detail=f"{type(error).__name__}: {error}")
        if message.degraded:
            self.telemetry.degraded(delivery.channel)
        if news := self.writer.news(wording.packs[:1], message.degraded):
            said = f"{', '.join(wording.packs[:1]) or 'no pack'} (delivery {delivery.id}): {'; '.join(news)}"
            self.hooks.alarm("degraded", said, event)
        trace = {**delivery.trace, "wording": wording.model_dump(mode="json")}
        kept = self.safe.wire(event, wire, delivery.event_key)
        if await self.in_store(lambda: self.store.keep_wire(claim, kept, message, trace)):
            return wire
        return Outcome(status="retry", reason=Reason.WORKER_CRASHED, detail="taken over by another worker")

    def _settled(self, claim: Claim, event: Event, accepted_at: datetime) -> tuple[Chain, Any]:
        """The tenants as they count for a delivery, and where it goes, if it is to no person."""
        chain = self.planner.settled(event, claim.delivery.channel, accepted_at, late=True)
        return chain, self.planner.destination(claim.delivery, claim.endpoint) if claim.endpoint else None

    async def _send(self, claim: Claim, wire: bytes) -> tuple[Outcome, float]:
        destination, where, accounts = None, claim.endpoint, list[Any]()
        try:
            if where is None:
                accounts = await self.in_store(lambda: self.planner.accounts(claim.delivery))
            else:
                destination = await self.in_store(lambda: self.planner.destination(claim.delivery, where))
                if destination is None:
                    said = "the destination is no longer configured"
                    return Outcome(status="failed", reason=Reason.GONE, detail=said), 0.0
            channel = self.channels.open(claim.delivery.channel)
        except Exception as error:  # noqa: BLE001 - an operator can mend it while the delivery waits
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail=str(error)), 0.0
        attempts, settled, thread = claim.delivery.attempts, claim.settled, claim.thread
        dispatch = Dispatch(claim.envelope, destination, wire, attempts, settled, accounts, thread)
        kind = self.channels.types.get(claim.delivery.channel)
        return await deliver.attempt(channel, dispatch, deadline=kind.deadline if kind else DEADLINE)
