"""A flood of one tenant: how long another tenant's one event waits, what bouncing off a pause costs, and memory.

`python benchmarks/flood.py [EVENTS]`; 100,000 if not given. Everything is stored by the real ledger and woken by the
embedded engine; only the sending is left out, so that what is measured is the queue.
"""

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta

from livery.execution.embedded import EmbeddedExecution
from livery.models.audience import Audience, Endpoint
from livery.models.delivery import Attempt, Delivery, Outcome, State
from livery.models.message import Envelope
from livery.ports import Claim, Done, Load, NewEvent, Plan, Settlement, Verdict, Wake, utc_now
from livery.storage.database import connect
from livery.storage.ledger import Ledger

LOUD, QUIET = "loud", "quiet"
LOAD = Load(20, by_destination={"webhook": 4})
SENT = Outcome(status="delivered", code="200")
BUSY = Outcome(status="retry", reason="server_error", code="503")


class Bench:
    """A store with the embedded engine on it."""

    def __init__(self, folder: str) -> None:
        self.ledger = Ledger(connect(f"sqlite:///{folder}/livery.db"))
        self.execution = EmbeddedExecution(self.ledger.engine, now=utc_now, on_takeover=self.ledger.release_abandoned)
        self.at: dict[str, float] = {}
        self.worked = self.bounced = 0
        self.heard = asyncio.Event()

    def put(self, tenant: str, count: int, *, endpoints: int) -> None:
        """So many deliveries of one event, over so many endpoints."""
        now = utc_now()
        with self.ledger.transaction() as tx:
            new = NewEvent((tenant, "flood", "1"), "X", b"{}", "-", Audience())
            ((key, _),) = self.ledger.add_events(tx, [new], now=now)
            plans = []
            for number in range(count):
                id_ = f"{tenant}-{number}"
                hook = f"{tenant}-{number % endpoints}"
                where = Endpoint(channel="webhook", key=hook, label=hook, origin="seller")
                envelope = Envelope(delivery_id=id_, event_id="1", event_type="X", created_at=now)
                delivery = Delivery(
                    id=id_, tenant=tenant, event_key=key, event_id="1", event_type="X", channel="webhook",
                    destination=hook, state=State.PENDING, due_at=now, created_at=now,
                )  # fmt: skip
                plans.append(Plan(delivery, id_, envelope, where))
            self.execution.put(tx, self.ledger.add_deliveries(tx, plans))
        self.execution.nudge()

    async def deliver(self, wake: Wake) -> Verdict:
        """Everything of a delivery but the sending."""
        claim = await asyncio.to_thread(self._claim, wake)
        if not isinstance(claim, Claim):
            self.bounced += 1
            return claim
        await asyncio.to_thread(self._settle, claim, SENT, State.DELIVERED)
        self.worked += 1
        self.at[wake.work] = time.perf_counter()
        if wake.tenant == QUIET:
            self.heard.set()
        return Done()

    def _claim(self, wake: Wake) -> Claim | Verdict:
        return self.ledger.claim(wake.work, now=utc_now(), lease=timedelta(seconds=60), worker="bench")

    def _settle(self, claim: Claim, outcome: Outcome, state: State) -> None:
        now = utc_now()
        attempt = Attempt(number=claim.delivery.attempts, started_at=now, duration_ms=0, outcome=outcome)
        failed = outcome is BUSY
        self.ledger.settle(claim, Settlement(attempt, state, None, now, destination_failed=failed))

    def pause(self, endpoint: str) -> None:
        """Let an endpoint fail until it is paused."""
        for number in range(5):
            claim = self._claim(Wake(f"{LOUD}-{number}", "webhook", utc_now()))
            assert isinstance(claim, Claim), endpoint
            self._settle(claim, BUSY, State.RETRYING)

    async def quiet_waits(self, seconds: float = 2.0) -> float:
        """Milliseconds from another tenant's put to the end of its delivery, in the middle of the flood."""
        running = asyncio.create_task(self.execution.run(self.deliver, until_idle=False, load=LOAD))
        await asyncio.sleep(seconds)
        began = time.perf_counter()
        await asyncio.to_thread(self.put, QUIET, 1, endpoints=1)
        await self.heard.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return (self.at[f"{QUIET}-0"] - began) * 1000

    def close(self) -> None:
        self.ledger.close()


def memory() -> float:
    """MiB this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(count: int, prepare: Callable[[Bench], None], endpoints: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        began = time.perf_counter()
        bench.put(LOUD, count, endpoints=endpoints)
        put = time.perf_counter() - began
        prepare(bench)
        at_first, began = memory(), time.perf_counter()
        waited = asyncio.run(bench.quiet_waits())
        took = time.perf_counter() - began
        print(
            f"  {count:,} over {endpoints} endpoints, put in {put:.1f} s: {bench.worked / took:,.0f} delivered/s, "
            f"{bench.bounced / took:,.0f} bounced/s; the other tenant waited {waited:.0f} ms; "
            f"memory grew {memory() - at_first:.0f} MiB"
        )
        bench.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print("flood of one tenant:")
    measured(count, lambda _: None, 1)
    measured(count, lambda _: None, 100)
    print("flood whose one endpoint is paused, every wake bouncing (an engine without `hold`):")
    measured(count, lambda bench: bench.pause(f"{LOUD}-0"), 1)
    print("the same, with `hold`:")

    def held(bench: Bench) -> None:
        bench.pause(f"{LOUD}-0")
        with bench.ledger.transaction() as tx:
            began = time.perf_counter()
            bench.execution.hold(tx, f"{LOUD}-0", utc_now() + timedelta(seconds=30))
            print(f"  hold of {count:,} wakes: {time.perf_counter() - began:.2f} s")

    measured(count, held, 1)


if __name__ == "__main__":
    main()
