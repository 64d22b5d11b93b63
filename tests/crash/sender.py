"""A process of the crash harness: accepts events one by one, delivers them, and dies where it is told to.

`python sender.py FOLDER`. In the environment:
KILL   `before:claim:3`: kill -9 itself right before (or `after`) the third call of that step.
BUILD  `marks_first`: a broken build that records a delivery as done before it sends it.
ACCEPT `all` to accept all events in one transaction, `none` to accept nothing.
"""

import os
import signal
import sys
from pathlib import Path

from livery import Engine
from livery.execution.embedded import EmbeddedExecution
from livery.models.delivery import Outcome
from livery.sending import Sender
from livery.steps import deliver
from livery.storage.ledger import Ledger

STEPS = {
    "add_events": (Ledger, "add_events"),
    "add_deliveries": (Ledger, "add_deliveries"),
    "put": (EmbeddedExecution, "put"),
    "claim": (Ledger, "claim_all"),
    "keep_wire": (Ledger, "keep_wires"),
    "send": (deliver, "attempt"),
    "settle": (Ledger, "settle_all"),
    "end": (EmbeddedExecution, "_end"),
}


MANY = ("claim", "keep_wire", "settle")
"""Steps that are taken for several deliveries at once."""


def killing(when, step, number):
    """Let the process die at the step with which the nth is done."""
    home, name = STEPS[step]
    inner, done = getattr(home, name), 0

    def due(args):
        nonlocal done
        before = done
        done += len(args[1]) if step in MANY else 1
        return before < number <= done

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    async def awaited(*args, **kwargs):
        is_due = due(args)
        if is_due and when == "before":
            die()
        result = await inner(*args, **kwargs)
        if is_due:
            die()
        return result

    def called(*args, **kwargs):
        is_due = due(args)
        if is_due and when == "before":
            die()
        result = inner(*args, **kwargs)
        if is_due:
            die()
        return result

    setattr(home, name, awaited if step == "send" else called)


class MarksFirst(Sender):
    """What no outbox may do: it looks well as long as nobody dies."""

    async def _send(self, ready, wire):
        claim = ready.claim
        early = deliver.settlement(
            claim,
            Outcome(status="delivered"),
            started_at=self.now(),
            took=0,
            ladder=(),
            random=self.random,
            worker=self.worker,
        )
        self.store.settle(claim, early)
        return await super()._send(ready, wire)


def main():
    if build := os.environ.get("BUILD"):
        import livery.flow

        livery.flow.Sender = {"marks_first": MarksFirst}[build]
    if kill := os.environ.get("KILL"):
        when, step, number = kill.split(":")
        killing(when, step, int(number))
    folder = Path(sys.argv[1])
    events = [file.read_bytes() for file in sorted(folder.glob("*.json"))]
    how = os.environ.get("ACCEPT", "singly")
    with Engine.open(folder / "livery.toml") as engine:
        if how == "all":
            engine.accept_all(events)
        elif how == "singly":
            for event in events:
                engine.accept(event)
        engine.drain()


main()
