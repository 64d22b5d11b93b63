"""`POST /v1/events` beside bare FastAPI routes that insert the same body as one row into SQLite, with one commit each.

Each is served by uvicorn in a process of its own, ours by `livery serve --no-worker`; the load comes from this process,
over kept connections. Both commit with `synchronous=FULL`. Ours knows the token, validates the event, resolves who is
told, and stores event, delivery and wake. Rounds are interleaved; ratios are medians of the rounds. Where the
machine is busy with other things, the ratio by CPU is the one that stays.

    python benchmarks/service.py [SECONDS A ROUND]
"""

import asyncio
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

SAMPLE = json.loads((Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SIDES = ("bare", "inline", "livery")
WHAT = {
    "bare": "FastAPI, a typed route in a thread",
    "inline": "FastAPI, an async route that inserts in the event loop",
    "livery": "POST /v1/events",
}
ROUNDS, CONNECTIONS = 5, (1, 16, 64)
CONFIG = """
[server]
rate = 0
[channels.smtp]
port = 25
[tenants.platform]
[tenants.res-org-n]
parent = "platform"
"""
ids = count()


# ------------------------------------------------------------------ what is served


def bare(folder: str, *, inline: bool) -> Any:
    from fastapi import FastAPI, Request

    app = FastAPI()
    connection = sqlite3.connect(f"{folder}/bare.db", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB)")
    lock = Lock()

    def insert(body: bytes) -> dict[str, int | None]:
        with lock:
            return {"id": connection.execute("INSERT INTO event (body) VALUES (?)", (body,)).lastrowid}

    if inline:

        @app.post("/v1/events", status_code=202)
        async def post_inline(request: Request) -> dict[str, int | None]:
            return insert(await request.body())

    else:

        @app.post("/v1/events", status_code=202)
        def post(event: dict[str, Any]) -> dict[str, int | None]:
            return insert(json.dumps(event).encode())

    return app


def serve(side: str, folder: str, port: int) -> None:
    import uvicorn

    uvicorn.run(bare(folder, inline=side == "inline"), port=port, log_level="error", access_log=False)


def livery(folder: str, port: int) -> tuple[list[str], str]:
    """The command that serves it, and the headers it wants."""
    from livery import Engine

    file = Path(folder, "livery.toml")
    file.write_text(CONFIG, "utf-8")
    with Engine.open(file) as engine:
        _, secret = engine.identity.create_token("benchmark", roles=["sender"], by="benchmark")
    command = ["-m", "livery", "serve", "--config", str(file), "--port", str(port), "--no-worker"]
    return command, f"Authorization: Bearer {secret}\r\n"


@dataclass
class Server:
    """A server that runs, and what it wants to be told."""

    process: subprocess.Popen[bytes]
    port: int
    headers: str

    def cpu(self) -> float:
        """Seconds of CPU it has used so far; nothing where the system does not say."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(side: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command, headers = [__file__, "serve", side, folder, str(port)], ""
        if side == "livery":
            command, headers = livery(folder, port)
        process = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None and not is_up(port):
                time.sleep(0.05)
            yield Server(process, port, headers)
        finally:
            process.terminate()
            process.wait()


def is_up(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


# ------------------------------------------------------------------ the load


def request(headers: str, kind: str) -> bytes:
    body = json.dumps({**SAMPLE, "id": f"evt-{os.getpid()}-{next(ids)}"}).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


async def client(port: int, headers: str, kind: str, until: float, took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        raw = request(headers, kind)
        started = time.perf_counter()
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202"):
            raise SystemExit(head.decode() + (await reader.read(2000)).decode())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - started)
    writer.close()


async def load(port: int, headers: str, kind: str, connections: int, seconds: float) -> tuple[float, list[float]]:
    """Answers a second, and how long each took."""
    took: list[float] = []
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client(port, headers, kind, started + seconds, took))
    return len(took) / (time.perf_counter() - started), took


def main(seconds: float) -> None:
    rates: dict[tuple[str, int], list[float]] = {}
    waits: dict[tuple[str, int], list[float]] = {}
    costs: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        where = {side: stack.enter_context(served(side)) for side in SIDES}
        for number in range(ROUNDS + 1):
            for connections in CONNECTIONS:
                for side, server in where.items():
                    kind = "application/cloudevents+json" if side == "livery" else "application/json"
                    before = server.cpu()
                    took = load(server.port, server.headers, kind, connections, seconds if number else 0.3)
                    rate, times = asyncio.run(took)
                    if number:  # the first only warms up
                        rates.setdefault((side, connections), []).append(rate)
                        waits.setdefault((side, connections), []).extend(times)
                        costs.setdefault((side, connections), []).append((server.cpu() - before) / len(times))
    for connections in CONNECTIONS:
        print(f"{connections} at a time")
        for side in SIDES:
            at = (side, connections)
            rate, cost, times = statistics.median(rates[at]), statistics.median(costs[at]), sorted(waits[at])
            p50, p99 = (times[int(len(times) * part)] * 1000 for part in (0.5, 0.99))
            said = f"{rate:>7,.0f}/s {cost * 1e6:>6,.0f} µs CPU   p50 {p50:>6.2f} ms   p99 {p99:>6.2f} ms"
            print(f"  {WHAT[side]:<56} {said}")
        for side in SIDES[:2]:
            by_rate, by_cost = ratio(rates, side, connections), 1 / (ratio(costs, side, connections) or 1)
            print(f"  ratio to {side}: {by_rate:.2f} by requests a second, {by_cost:.2f} by the server's CPU")


def ratio(found: dict[tuple[str, int], list[float]], side: str, connections: int) -> float:
    each = zip(found["livery", connections], found[side, connections], strict=True)
    return statistics.median(one / (other or 1) for one, other in each)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main(float(sys.argv[1]) if sys.argv[1:] else 2.0)
