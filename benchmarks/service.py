"""`POST /v1/events` beside bare FastAPI routes that insert the same body as one row into SQLite, with one commit each.

Each is served by uvicorn in a process of its own, ours by `livery serve`, once with `--no-worker` and once with the
worker that delivers to a mail server meanwhile; the load comes from this process, over kept connections. All commit
with `synchronous=FULL`. Ours knows the token, validates the event, resolves who is told, and stores event, delivery
and wake; with the worker, its CPU is that of delivering every message, too. Rounds are interleaved, and the next one
begins when the worker has nothing left; ratios are medians of the rounds. Where the machine is busy with other
things, the ratio by CPU is the one that stays.

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
SIDES, OURS = ("bare", "inline", "livery", "working"), ("livery", "working")
WHAT = {
    "bare": "FastAPI, a typed route in a thread",
    "inline": "FastAPI, an async route that inserts in the event loop",
    "livery": "POST /v1/events",
    "working": "POST /v1/events, delivering meanwhile",
}
ROUNDS, CONNECTIONS = 5, (1, 16, 64)
CONFIG = """
[server]
rate = 0
[channels.smtp]
port = {port}
[tenants.platform]
[tenants.res-org-n]
parent = "platform"
"""
_BUSY = 0.05
"""Seconds of CPU in half a second, from which on a server has something to do."""
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


def livery(folder: str, port: int, *options: str, mail: int = 25) -> tuple[list[str], str]:
    """The command that serves it, and the headers it wants."""
    from livery import Engine

    file = Path(folder, "livery.toml")
    file.write_text(CONFIG.format(port=mail), "utf-8")
    with Engine.open(file) as engine:
        _, secret = engine.identity.create_token("benchmark", roles=["sender"], by="benchmark")
    command = ["-m", "livery", "serve", "--config", str(file), "--port", str(port), *options]
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

    def rest(self) -> None:
        """Wait until it does next to nothing any more."""
        before = -1.0
        while (now := self.cpu()) - before > _BUSY:
            before = now
            time.sleep(0.5)


@contextmanager
def served(side: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command, headers = [__file__, "serve", side, folder, str(port)], ""
        if side == "livery":
            command, headers = livery(folder, port, "--no-worker")
        elif side == "working":
            command, headers = livery(folder, port, mail=stack.enter_context(mail_server()))
        process = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None and not is_up(port):
                time.sleep(0.05)
            yield Server(process, port, headers)
        finally:
            process.terminate()
            process.wait()


@contextmanager
def mail_server() -> Iterator[int]:
    """One that throws everything away, and its port."""
    command = [sys.executable, str(Path(__file__).with_name("mail_sink.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None, "it is a pipe"
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


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


Found = dict[tuple[str, int], list[float]]


def main(seconds: float) -> None:
    rates: Found = {}
    waits: Found = {}
    costs: Found = {}
    with ExitStack() as stack:
        where = {side: stack.enter_context(served(side)) for side in SIDES}
        for number in range(ROUNDS + 1):
            for at in ((side, connections) for connections in CONNECTIONS for side in SIDES):
                rate, times, cost = asked(where[at[0]], *at, seconds if number else 0.3)
                if number:  # the first only warms up
                    rates.setdefault(at, []).append(rate)
                    waits.setdefault(at, []).extend(times)
                    costs.setdefault(at, []).append(cost)
    for connections in CONNECTIONS:
        print(f"{connections} at a time")
        for side in SIDES:
            at = (side, connections)
            rate, cost, times = statistics.median(rates[at]), statistics.median(costs[at]), sorted(waits[at])
            p50, p99 = (times[int(len(times) * part)] * 1000 for part in (0.5, 0.99))
            said = f"{rate:>7,.0f}/s {cost * 1e6:>6,.0f} µs CPU   p50 {p50:>6.2f} ms   p99 {p99:>6.2f} ms"
            print(f"  {WHAT[side]:<56} {said}")
        for ours, side in ((ours, side) for ours in OURS for side in SIDES[:2]):
            by_rate = ratio(rates, ours, side, connections)
            by_cost = 1 / (ratio(costs, ours, side, connections) or 1)
            print(f"  {ours} to {side}: {by_rate:.2f} by requests a second, {by_cost:.2f} by the server's CPU")


def asked(server: Server, side: str, connections: int, seconds: float) -> tuple[float, list[float], float]:
    """Answers a second, how long each took, and the server's CPU for one."""
    kind = "application/cloudevents+json" if side in OURS else "application/json"
    before = server.cpu()
    rate, times = asyncio.run(load(server.port, server.headers, kind, connections, seconds))
    if side == "working":
        server.rest()
    return rate, times, (server.cpu() - before) / len(times)


def ratio(found: Found, ours: str, side: str, connections: int) -> float:
    each = zip(found[ours, connections], found[side, connections], strict=True)
    return statistics.median(one / (other or 1) for one, other in each)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main(float(sys.argv[1]) if sys.argv[1:] else 1.5)
