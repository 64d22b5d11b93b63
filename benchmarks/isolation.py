"""A hundred endpoints, one of them hanging: how long the others wait, beside the same with none; and the idle way.

Milliseconds from `accept` to the request at a receiver on loopback, through the whole engine. The ratio is of the 99th
percentiles of the 99 other endpoints, measured in turns.
"""

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from livery import Config, Engine

ENDPOINTS, EVENTS, PACE, ROUNDS, IDLE = 100, 10, 1.0, 2, 40
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SAMPLE = json.loads((Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))


class Receiver:
    """Takes the time of every request; `/0` never answers while `hangs`."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], float] = {}
        self.hangs = False

    async def take(self, request: web.Request) -> web.Response:
        at = time.perf_counter()
        event = json.loads(await request.read())["id"]
        self.seen.setdefault((request.path, event), at)
        if self.hangs and request.path == "/0":
            await asyncio.sleep(3600)
        return web.Response(text="ok")


def settings(folder: str, port: int, endpoints: int) -> dict[str, Any]:
    hooks = [{"url": f"http://127.0.0.1:{port}/{number}", "secret": SECRET} for number in range(endpoints)]
    return {
        "database_url": f"sqlite:///{folder}/livery.db",
        "outbound": {"allow": ["127.0.0.1"]},
        "tenants": {"platform": {}, "res-org-n": {"parent": "platform", "channels": {"webhook": hooks}}},
    }


async def latencies(receiver: Receiver, port: int, *, events: int, endpoints: int, pace: float) -> list[float]:
    """Milliseconds of every request but those to `/0`, which may hang."""
    receiver.seen.clear()
    with tempfile.TemporaryDirectory() as folder:
        config = Config.load(None, **settings(folder, port, endpoints))
        with Engine.open(config) as engine:
            async with engine.worker():
                accepted = {}
                for number in range(-1, events):  # the first compiles what is compiled once
                    id_ = f"evt-{number}"
                    accepted[id_] = time.perf_counter()
                    await asyncio.to_thread(engine.accept, {**SAMPLE, "id": id_})
                    await asyncio.sleep(pace if number >= 0 else 5)
                await asyncio.sleep(3)
    others = [(key, at) for key, at in receiver.seen.items() if (key[0] != "/0" or endpoints == 1)]
    return [(at - accepted[event]) * 1000 for (_, event), at in others if event != "evt--1"]


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


async def main() -> None:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{tail:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    ratios = []
    for _ in range(ROUNDS):
        p99 = {}
        for receiver.hangs in (False, True):
            found = await latencies(receiver, port, events=EVENTS, endpoints=ENDPOINTS, pace=PACE)
            p99[receiver.hangs] = percentile(found, 0.99)
            print(
                f"{'one hangs' if receiver.hangs else 'none hangs':<10} {len(found)} requests, "
                f"p50 {statistics.median(found):.0f} ms, p99 {p99[receiver.hangs]:.0f} ms"
            )
        ratios.append(p99[True] / p99[False])
    print(f"p99 of the others with one hanging / with none: {statistics.median(ratios):.2f}")
    receiver.hangs = False
    idle = await latencies(receiver, port, events=IDLE, endpoints=1, pace=0.25)
    print(f"idle, accept to request: p50 {statistics.median(idle):.0f} ms, p99 {percentile(idle, 0.99):.0f} ms")
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
