"""Many workers on PostgreSQL: the whole flow beside bare PgQueuer, accepting, the idle way, and a queue of a million.

Everything is on loopback and shares the machine: the server, the workers, the receivers. Rounds are interleaved; ratios
are of medians. `distributed.py [EVENTS] [QUEUED]`.
"""

import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine, make_url

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import databases  # noqa: E402
from crash.receiver import Receiver  # noqa: E402
from livery import Config, Engine  # noqa: E402

EVENTS = int(sys.argv[1]) if sys.argv[1:] else 1000
QUEUED = int(sys.argv[2]) if sys.argv[2:] else 1_000_000
ROUNDS, WORKERS, SELLERS, IDLE, WARM, BARE = 3, (1, 2, 4), 10, 40, 20, 5000
SAMPLE = json.loads((ROOT / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def settings(url: str, port: int) -> str:
    """livery.toml: each seller has an endpoint of its own."""
    sellers = "".join(
        f'[tenants.s{one}]\nparent = "platform"\n'
        f'[tenants.s{one}.channels.webhook]\nurl = "http://127.0.0.1:{port}/{one}"\nsecret = "{SECRET}"\n'
        for one in range(SELLERS)
    )
    return (
        f'database_url = "{url}"\nconcurrency = 20\n[delivery]\ndestination_concurrency = 20\n'
        f'[outbound]\nallow = ["127.0.0.1"]\n[tenants.platform]\n{sellers}'
    )


def events(name: str, count: int) -> list[str]:
    made = []
    for number in range(count):
        seller = {**SAMPLE["data"]["seller"], "id": f"s{number % SELLERS}"}
        made.append(json.dumps({**SAMPLE, "id": f"{name}-{number}", "data": {**SAMPLE["data"], "seller": seller}}))
    return made


@contextmanager
def workers(folder: Path, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "livery", "worker"]
    quiet = subprocess.DEVNULL
    made = [subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.send_signal(signal.SIGCONT)
            one.terminate()
        for one in made:
            one.wait()


def until(count: int, http: Receiver) -> None:
    while http.count < count:
        time.sleep(0.002)


def whole_flow(engine: Engine, folder: Path, http: Receiver, count: int, name: str) -> float:
    """Deliveries a second through everything, with so many workers that are warm."""
    with workers(folder, count) as made:
        for number in range(3):  # each of them gets some
            before = http.count
            engine.accept_all(events(f"{name}-warm{number}", 40 * count))
            until(before + 40 * count, http)
        for one in made:
            one.send_signal(signal.SIGSTOP)
        engine.accept_all(events(name, EVENTS))
        before, began = http.count, time.perf_counter()
        for one in made:
            one.send_signal(signal.SIGCONT)
        until(before + EVENTS, http)
        return EVENTS / (time.perf_counter() - began)


async def bare_pgqueuer(url: str) -> float:
    """Empty jobs a second by PgQueuer as it comes, one process."""
    from pgqueuer import PgQueuer
    from pgqueuer.domain.types import QueueExecutionMode

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        queue = PgQueuer.from_psycopg_connection(connection)
        if not await queue.qm.queries.schema_is_installed():
            await queue.qm.queries.install()

        @queue.entrypoint("empty")
        async def empty(_: Any) -> None: ...

        await queue.qm.queries.enqueue(["empty"] * BARE, [None] * BARE, [0] * BARE)
        began = time.perf_counter()
        await queue.qm.run(
            dequeue_timeout=timedelta(seconds=1), batch_size=20, max_concurrent_tasks=40, mode=QueueExecutionMode.drain
        )
        return BARE / (time.perf_counter() - began)


def accepting(engine: Engine, url: str, name: str) -> dict[str, float]:
    """Events a second: one by one, a hundred at once, and one by one in the host's own transactions."""
    found = {}
    ones, many, own = events(f"{name}-one", 100), events(f"{name}-many", 500), events(f"{name}-own", 100)
    began = time.perf_counter()
    for one in ones:
        engine.accept(one)
    found["one by one"] = len(ones) / (time.perf_counter() - began)
    began = time.perf_counter()
    for start in range(0, len(many), 100):
        engine.accept_all(many[start : start + 100])
    found["a hundred at once"] = len(many) / (time.perf_counter() - began)
    host = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    began = time.perf_counter()
    for one in own:
        with host.begin() as connection:
            engine.accept(one, connection=connection)
    found["in the host's transaction"] = len(own) / (time.perf_counter() - began)
    host.dispose()
    return found


def idle_way(engine: Engine, folder: Path, http: Receiver) -> list[float]:
    """Milliseconds from `accept` to the request, one at a time, of a warm worker that has nothing to do."""
    took = []
    with workers(folder, 1):
        for number, one in enumerate(events("idle", IDLE + WARM)):
            before, began = http.count, time.perf_counter()
            engine.accept(one)
            until(before + 1, http)
            if number >= WARM:
                took.append((time.perf_counter() - began) * 1000)
    return took


def resident(process: "subprocess.Popen[bytes]") -> float:
    """MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def a_million(engine: Engine, folder: Path, http: Receiver, url: str) -> tuple[Sequence[float], Sequence[float]]:
    """MiB of a worker, and deliveries a second, with a short queue and a long one."""
    memory, rates = [], []
    with workers(folder, 1) as (one,):
        for name in ("short", "long"):
            if name == "long":
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute(
                        "INSERT INTO livery_pgqueuer (priority, entrypoint, dedupe_key, payload, tenant, destination,"
                        " execute_after, ready, status) SELECT 0, 'webhook', 'later-' || n, 'x', 's' || n % 1000,"
                        " 'webhook:' || n % 5000, now() + interval '1 day', false, 'queued'"
                        f" FROM generate_series(1, {QUEUED}) n"
                    )
                    connection.execute("ANALYZE livery_pgqueuer")
            for turn in ("warm", "measured"):
                before = http.count
                engine.accept_all(events(f"{name}-{turn}", EVENTS // 2))
                began = time.perf_counter()
                until(before + EVENTS // 2, http)
            rates.append(EVENTS / 2 / (time.perf_counter() - began))
            memory.append(resident(one))
    return memory, rates


def main() -> None:
    with databases.own_server() as server, Receiver() as http, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with databases.database(server.url) as url, databases.database(server.url) as other:
            (folder / "livery.toml").write_text(settings(url, http.port))
            with Engine.open(Config.load(folder / "livery.toml")) as engine:
                engine.migrate()
                flow: dict[int, list[float]] = {count: [] for count in WORKERS}
                bare: list[float] = []
                for number in range(ROUNDS):
                    for count in WORKERS[:: 1 if number % 2 else -1]:
                        flow[count].append(whole_flow(engine, folder, http, count, f"flow{number}-{count}"))
                    bare.append(asyncio.run(bare_pgqueuer(other)))
                reference = statistics.median(bare)
                print(f"bare PgQueuer, empty jobs     {reference:8.0f} /s")
                for count, rates in flow.items():
                    rate = statistics.median(rates)
                    print(f"whole flow, {count} workers         {rate:8.0f} /s{rate / reference:8.2f} of bare")
                rounds = [accepting(engine, url, f"accept{number}") for number in range(ROUNDS)]
                first = statistics.median(one["one by one"] for one in rounds)
                for how in rounds[0]:
                    rate = statistics.median(one[how] for one in rounds)
                    print(f"accept, {how:<26}{rate:8.0f} /s{rate / first:8.2f} of one by one")
                with workers(folder, 1):  # what was accepted goes out
                    until(http.count + ROUNDS * 700, http)
                took = idle_way(engine, folder, http)
                print(f"idle, accept to request  p50 {statistics.median(took):6.1f} ms, p95 {sorted(took)[-3]:6.1f} ms")
                memory, rates = a_million(engine, folder, http, url)
                print(
                    f"{QUEUED:,} queued: {memory[1]:.0f} MiB, {memory[1] / memory[0]:.2f} of with none; "
                    f"{rates[1]:.0f} /s, {rates[1] / rates[0]:.2f} of with none"
                )


if __name__ == "__main__":
    main()
