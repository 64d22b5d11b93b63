"""Runs in a process of its own: one attempt at each URL, with how long it took and what it cost in memory.

Reads {"timeout": seconds, "urls": {name: url}} from standard input, writes a line of JSON for each.
"""

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from livery.outbound import Outbound, OutboundPolicy
from livery.plugin import Dispatch, Envelope
from livery_webhook.channel import WebhookChannel, WebhookDestination

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def peak(*, afresh=False):
    """The most memory this process has had, in bytes; since the last time it was asked afresh."""
    status = Path("/proc/self/status")
    if not status.exists():  # no Linux: since the start
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if afresh:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


async def main():
    asked = json.load(sys.stdin)
    channel = WebhookChannel(
        WebhookChannel.Settings(), Outbound(OutboundPolicy(allow=("127.0.0.1",), timeout=asked["timeout"]))
    )
    envelope = Envelope(delivery_id="dlv_1", event_id="e", event_type="T", created_at=datetime.now(UTC))
    body = b"{" + b" " * 200_000 + b"}"
    for name, url in asked["urls"].items():
        before, began = peak(afresh=True), time.monotonic()
        where = WebhookDestination(url=url, secret=SECRET)
        outcome = await asyncio.wait_for(channel.send(Dispatch(envelope, where, body, 1)), 32)
        took = time.monotonic() - began
        said = {"name": name, "took": took, "grown": peak() - before, **outcome.model_dump(mode="json")}
        sys.stdout.write(f"{json.dumps(said)}\n")
    await channel.outbound.aclose()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    sys.stdout.write(f"{json.dumps({'name': '', 'left': len(left)})}\n")


asyncio.run(main())
