"""Webhook deliveries beside bare aiohttp: the same bytes to the same receiver, with signature and guard, or without.

The receiver is a process of its own. User CPU of this process, and deliveries a second; rounds are interleaved and turn
their order about, ratios are medians of the rounds.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from livery.outbound import Outbound, OutboundPolicy
from livery.plugin import Dispatch, Envelope
from livery_webhook.channel import WebhookChannel, WebhookDestination

ROUNDS, REQUESTS, AT_ONCE = 9, 2000, 20
SAMPLE = (Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json").read_bytes()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Sink(asyncio.Protocol):
    """Answers 204 to every request, as fast as Python can."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.got = transport, b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            head = self.got[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.got) < end + 4 + length:
                return
            self.got = self.got[end + 4 + length :]
            self.transport.write(ANSWER)  # type: ignore[attr-defined]


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def at_once(one: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Seconds of user CPU and of time that `REQUESTS` calls take, `AT_ONCE` at the same time."""
    numbers = iter(range(REQUESTS))

    async def work() -> None:
        for number in numbers:
            await one(number)

    spent, began = resource.getrusage(resource.RUSAGE_SELF).ru_utime, time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - spent, time.perf_counter() - began


async def compare(port: int) -> None:
    url = f"http://127.0.0.1:{port}/hooks/orders"
    body = json.dumps(json.loads(SAMPLE), separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json"}
    channel = WebhookChannel(WebhookChannel.Settings(), Outbound(OutboundPolicy(allow=("127.0.0.1",))))
    where = WebhookDestination(url=url, secret=SECRET)
    envelopes = [
        Envelope(delivery_id=f"dlv_{number}", event_id="e", event_type="T", created_at=datetime.now(UTC))
        for number in range(REQUESTS)
    ]
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def bare(_: int) -> None:
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()

        async def delivered(number: int) -> None:
            outcome = await channel.send(Dispatch(envelopes[number], where, body, 1))
            assert outcome.status == "delivered", outcome

        jobs = {"bare aiohttp": bare, "webhook channel": delivered}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
        for job in jobs.values():
            await at_once(job)  # warm
        for number in range(ROUNDS):
            for name in sorted(jobs, reverse=bool(number % 2)):
                found[name].append(await at_once(jobs[name]))
    await channel.outbound.aclose()
    for name, took in found.items():
        cpu, wall = (statistics.median(one[at] for one in took) / REQUESTS for at in (0, 1))
        pairs = list(zip(found["bare aiohttp"], took, strict=True))
        by_cpu, by_rate = (statistics.median(first[at] / second[at] for first, second in pairs) for at in (0, 1))
        print(f"{name:<18}{cpu * 1e6:7.0f} µs{1 / wall:9.0f} /s{by_cpu:8.2f} of bare by CPU{by_rate:8.2f} by rate")


def main() -> None:
    with subprocess.Popen([sys.executable, __file__, "sink"], stdout=subprocess.PIPE) as sink:
        try:
            assert sink.stdout is not None
            asyncio.run(compare(int(sink.stdout.readline())))
        finally:
            sink.terminate()


if __name__ == "__main__":
    asyncio.run(serve()) if sys.argv[1:] == ["sink"] else main()
