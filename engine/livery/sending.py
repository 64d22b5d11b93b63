"""Sending: from a claimed delivery to what came of one attempt. Owns render → deliver; only the flow uses it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from livery.channel import Dispatch
from livery.channels import Channels
from livery.clerk import Clerk
from livery.hooks import Hooks
from livery.locales import one_line
from livery.models.classification import marks, redacted, secrets_of
from livery.models.delivery import Outcome, Reason
from livery.models.event import Event, EventType
from livery.models.tenant import Chain
from livery.planning import Planner
from livery.ports import Claim, Now, Settlement, Store, SuppressAll, Wire
from livery.retry import Rules
from livery.safe import Safe
from livery.steps import deliver
from livery.telemetry import Telemetry
from livery.writing import Writer, reading_of

_SAID = 300
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


@dataclass(frozen=True, slots=True)
class Ready:
    """A claim, with what an attempt of it needs of the store and of the settings.

    Attributes:
        claim: the claim.
        kept_off: addresses that must not be written to, each with why.
        event: what it is about; None if its message is written and holds no secret.
        chain: the tenants as they count for it.
        destination: where it goes, if it is to no person; None if that is no longer configured.
        accounts: what the tenants have for a channel to persons, the nearest first.
        problem: why it cannot be sent now.

    """

    claim: Claim
    kept_off: Mapping[str, str] = field(default_factory=dict)
    event: Event | None = None
    chain: Chain = ()
    destination: Any = None
    accounts: Sequence[Any] = ()
    problem: Outcome | None = None


@dataclass(kw_only=True)
class Sender:
    """Makes attempts, with what the flow was put together from.

    Attributes:
        clerk: does what is done in the store.

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
    suppress: SuppressAll
    telemetry: Telemetry
    clerk: Clerk

    def ready(self, claims: Sequence[Claim]) -> list[Ready]:
        """What attempts of these claims need, gathered in the store's thread. Raises nothing: they are claimed."""
        try:
            kept_off: Sequence[Mapping[str, str] | Outcome] = self.suppress(claims)
        except Exception:  # noqa: BLE001 - whichever it is of, the others are sent
            kept_off = [self._kept_off(claim) for claim in claims]
        return [
            Ready(claim, problem=off) if isinstance(off, Outcome) else self._ready(claim, off)
            for claim, off in zip(claims, kept_off, strict=True)
        ]

    def _kept_off(self, claim: Claim) -> Mapping[str, str] | Outcome:
        try:
            return self.suppress([claim])[0]
        except Exception as error:  # noqa: BLE001 - nothing is sent to who might be suppressed
            said = f"who is suppressed could not be found out: {type(error).__name__}: {error}"
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail=one_line(said, _SAID))

    def _ready(self, claim: Claim, kept_off: Mapping[str, str]) -> Ready:
        one, event, chain = claim.delivery, None, Chain()
        kind, where = self.types.get(one.event_type), claim.endpoint
        try:
            if claim.wire is None or (kind and marks(kind.data)):
                event = self.safe.event(claim.event)
            if claim.wire is None and event is not None:
                chain = self.planner.settled(event, one.channel, claim.event.accepted_at, late=True)
        except Exception as error:  # noqa: BLE001 - what cannot be written now is tried again, and at last a dead letter
            return Ready(claim, kept_off, problem=_unwritten(error))
        try:
            destination = self.planner.destination(one, where) if where else None
            accounts = [] if where else self.planner.accounts(one)
        except Exception as error:  # noqa: BLE001 - an operator can mend it while the delivery waits
            problem = Outcome(status="retry", reason=Reason.MISCONFIGURED, detail=str(error))
            return Ready(claim, kept_off, event, problem=problem)
        return Ready(claim, kept_off, event, chain, destination, accounts)

    async def attempt(self, ready: Ready) -> Settlement | None:
        """One attempt, from what is written to what came of it; None if the lease was lost over it."""
        claim, kept_off = ready.claim, ready.kept_off
        started_at, kind = self.now(), self.channels.types.get(claim.delivery.channel)
        if kept_off:
            everybody = claim.envelope.addresses or (claim.delivery.destination,)
            if all(one in kept_off for one in everybody):
                return deliver.withheld(claim, kept_off, at=started_at, worker=self.worker)
            kept_off = {one: why for one, why in kept_off.items() if one in everybody}
            claim = replace(claim, settled={**claim.settled, **dict.fromkeys(kept_off, "suppressed")})
            ready = replace(ready, claim=claim)

        async def extend() -> bool:
            until = self.now() + self.policy.lease
            return await self.clerk.do(lambda: self.store.extend(claim, until))

        try:
            came = await deliver.held(self._sent(ready), extend, every=self.policy.lease.total_seconds() / 4)
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

    async def _sent(self, ready: Ready) -> tuple[Outcome, float]:
        claim, took = ready.claim, 0.0
        with self.telemetry.span("render", stored=int(claim.wire is not None)):
            wire = ready.problem or await self._write(ready)
        with self.telemetry.span("send", channel=claim.delivery.channel):
            outcome, took = (wire, 0.0) if isinstance(wire, Outcome) else await self._send(ready, wire)
        secrets = secrets_of(ready.event.data) if ready.event is not None else ()
        if secrets:  # a far side may send back what it got
            outcome = Outcome.model_validate(redacted(outcome.model_dump(mode="json"), secrets))
        return outcome, took

    async def _write(self, ready: Ready) -> bytes | Outcome:
        """The bytes to send: the first attempt's if there are some, so that every copy is the same."""
        claim, event = ready.claim, ready.event
        delivery = claim.delivery
        try:
            if claim.wire is not None:
                return self.safe.sent(claim.wire, delivery.event_key)
            assert event is not None, "it was read, since there is no message yet"
            reading = reading_of(delivery.trace, claim.event.accepted_at)
            message, wording, wire = self.writer.message(
                event, ready.chain, delivery.channel, claim.envelope, reading, destination=ready.destination
            )
        except Exception as error:  # noqa: BLE001 - what cannot be written now is tried again, and at last a dead letter
            return _unwritten(error)
        if message.degraded:
            self.telemetry.degraded(delivery.channel)
        if news := self.writer.news(wording.packs[:1], message.degraded):
            said = f"{', '.join(wording.packs[:1]) or 'no pack'} (delivery {delivery.id}): {'; '.join(news)}"
            self.hooks.alarm("degraded", said, event)
        kept = Wire(claim, self.safe.wire(event, wire, delivery.event_key), message, delivery.trace, wording)
        if await self.clerk.do_alike(self.store.keep_wires, kept):
            return wire
        return Outcome(status="retry", reason=Reason.WORKER_CRASHED, detail="taken over by another worker")

    async def _send(self, ready: Ready, wire: bytes) -> tuple[Outcome, float]:
        claim = ready.claim
        if claim.endpoint is not None and ready.destination is None:
            said = "the destination is no longer configured"
            return Outcome(status="failed", reason=Reason.GONE, detail=said), 0.0
        try:
            channel = self.channels.open(claim.delivery.channel)
        except Exception as error:  # noqa: BLE001 - an operator can mend it while the delivery waits
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail=str(error)), 0.0
        attempts, settled, thread = claim.delivery.attempts, claim.settled, claim.thread
        dispatch = Dispatch(claim.envelope, ready.destination, wire, attempts, settled, ready.accounts, thread)
        kind = self.channels.types.get(claim.delivery.channel)
        return await deliver.attempt(channel, dispatch, deadline=kind.deadline if kind else DEADLINE)


def _unwritten(error: Exception) -> Outcome:
    return Outcome(status="retry", reason=Reason.RENDER_FAILED, detail=f"{type(error).__name__}: {error}")
