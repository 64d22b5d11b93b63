"""Many workers on PostgreSQL: the whole flow beside bare PgQueuer, accepting, the idle way, and a queue of a million.

Everything is on loopback and shares the machine: the server, which syncs to disk, the workers, the receivers. Rounds
are interleaved; ratios are of medians. `distributed.py [EVENTS] [QUEUED] [--only flow,accept,idle,queue]`.

PgQueuer is bare, and as fast as it goes by its settings: one process with asyncpg, under which it does several times as
much as under psycopg, which is shown beside it; no bound on what runs at once, since reaching one has it wait for the
next look; the better of two sizes of batch; timed from its first job to its last. A worker sends up to a hundred at
once, too.
"""

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
from sqlalchemy import create_engine, make_url

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import databases  # noqa: E402
from crash.receiver import Receiver  # noqa: E402
from livery import Config, Engine  # noqa: E402

ROUNDS, WORKERS, SELLERS, IDLE, WARM = 3, (1, 2, 4), 10, 40, 20
BARE, BATCHES, DRIVERS, AT_ONCE = 5000, (20, 100), ("asyncpg", "psycopg"), 100
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
        f'database_url = "{url}"\nconcurrency = {AT_ONCE}\n[delivery]\ndestination_concurrency = {AT_ONCE}\n'
        "max_backlog = 0\n"
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


def until(count: int, http: Receiver, made: Sequence["subprocess.Popen[bytes]"]) -> None:
    while http.count < count:
        time.sleep(0.002)
        assert all(one.poll() is None for one in made), "a worker ended by itself"


def whole_flow(bench: "Bench", count: int, name: str) -> float:
    """Deliveries a second through everything, with so many workers that are warm."""
    engine, http, number = bench.engine, bench.http, bench.events
    with workers(bench.folder, count) as made:
        for turn in range(3):  # each of them gets some
            before = http.count
            engine.accept_all(events(f"{name}-warm{turn}", 40 * count))
            until(before + 40 * count, http, made)
        for one in made:
            one.send_signal(signal.SIGSTOP)
        for start in range(0, number, 500):
            engine.accept_all(events(f"{name}-{start}", min(500, number - start)))
        before, began = http.count, time.perf_counter()
        for one in made:
            one.send_signal(signal.SIGCONT)
        until(before + number, http, made)
        return number / (time.perf_counter() - began)


async def bare_pgqueuer(url: str, driver: str, batch: int) -> float:
    """Empty jobs a second by PgQueuer as it comes, one process, on a queue that is full."""
    from pgqueuer import PgQueuer
    from pgqueuer.domain.types import QueueExecutionMode

    connection: Any
    if driver == "asyncpg":
        connection = await asyncpg.connect(url)
        queue = PgQueuer.from_asyncpg_connection(connection)
    else:
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        queue = PgQueuer.from_psycopg_connection(connection)
    try:
        if not await queue.qm.queries.schema_is_installed():
            await queue.qm.queries.install()
        ran: list[float] = []

        @queue.entrypoint("empty")
        async def empty(_: Any) -> None:
            ran.append(time.perf_counter())

        await queue.qm.queries.enqueue(["empty"] * BARE, [None] * BARE, [0] * BARE)
        await connection.execute("VACUUM ANALYZE pgqueuer")
        await queue.qm.run(dequeue_timeout=timedelta(seconds=1), batch_size=batch, mode=QueueExecutionMode.drain)
        assert len(ran) == BARE
        return BARE / (ran[-1] - ran[0])
    finally:
        await connection.close()


def accepting(bench: "Bench", name: str) -> dict[str, float]:
    """Events a second: one by one, a hundred at once, and one by one in the host's own transactions."""
    engine, found = bench.engine, {}
    ones, many, own = events(f"{name}-one", 100), events(f"{name}-many", 500), events(f"{name}-own", 100)
    began = time.perf_counter()
    for one in ones:
        engine.accept(one)
    found["one by one"] = len(ones) / (time.perf_counter() - began)
    began = time.perf_counter()
    for start in range(0, len(many), 100):
        engine.accept_all(many[start : start + 100])
    found["a hundred at once"] = len(many) / (time.perf_counter() - began)
    host = create_engine(make_url(bench.url).set(drivername="postgresql+psycopg"))
    began = time.perf_counter()
    for one in own:
        with host.begin() as connection:
            engine.accept(one, connection=connection)
    found["in the host's transaction"] = len(own) / (time.perf_counter() - began)
    host.dispose()
    return found


def idle_way(bench: "Bench") -> list[float]:
    """Milliseconds from `accept` to the request, one at a time, of a warm worker that has nothing to do."""
    took = []
    with workers(bench.folder, 1) as made:
        for number, one in enumerate(events("idle", IDLE + WARM)):
            before, began = bench.http.count, time.perf_counter()
            bench.engine.accept(one)
            until(before + 1, bench.http, made)
            if number >= WARM:
                took.append((time.perf_counter() - began) * 1000)
    return took


def resident(process: "subprocess.Popen[bytes]") -> float:
    """MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def long_queue(bench: "Bench") -> tuple[Sequence[float], Sequence[float]]:
    """MiB of a worker, and deliveries a second, with a short queue and a long one."""
    memory, rates, number = [], [], bench.events
    with workers(bench.folder, 1) as (one,):
        for name in ("short", "long"):
            if name == "long":
                with psycopg.connect(bench.url, autocommit=True) as connection:
                    connection.execute(
                        "INSERT INTO livery_pgqueuer (priority, entrypoint, dedupe_key, payload, tenant, destination,"
                        " execute_after, ready, status) SELECT 0, 'webhook', 'later-' || n, 'x', 's' || n % 1000,"
                        " 'webhook:' || n % 5000, now() + interval '1 day', false, 'queued'"
                        f" FROM generate_series(1, {bench.queued}) n"
                    )
                    connection.execute("ANALYZE livery_pgqueuer")
            for turn in ("warm", "measured"):
                before, began = bench.http.count, time.perf_counter()
                bench.engine.accept_all(events(f"{name}-{turn}", number))
                until(before + number, bench.http, [one])
            rates.append(number / (time.perf_counter() - began))
            memory.append(resident(one))
    return memory, rates


@dataclass(frozen=True)
class Bench:
    """What all sections share."""

    engine: Engine
    folder: Path
    http: Receiver
    url: str
    bare: str
    """A database that PgQueuer has for itself."""
    events: int
    queued: int

    def flow(self) -> None:
        flow: dict[int, list[float]] = {count: [] for count in WORKERS}
        bare: dict[tuple[str, int], list[float]] = {(one, batch): [] for one in DRIVERS for batch in BATCHES}
        for number in range(ROUNDS):
            for count in WORKERS[:: 1 if number % 2 else -1]:
                flow[count].append(whole_flow(self, count, f"flow{number}-{count}"))
            for driver, batch in [*bare][:: 1 if number % 2 else -1]:
                bare[driver, batch].append(asyncio.run(bare_pgqueuer(self.bare, driver, batch)))
        best = {one: max(statistics.median(bare[one, batch]) for batch in BATCHES) for one in DRIVERS}
        for (driver, batch), rates in bare.items():
            print(f"bare PgQueuer by {driver}, batches of {batch:<6}{statistics.median(rates):8.0f} /s")
        for count, rates in flow.items():
            rate = statistics.median(rates)
            ratios = ", ".join(f"{rate / most:.2f} of bare by {driver}" for driver, most in best.items())
            print(f"whole flow, {count} workers{rate:27.0f} /s   {ratios}")

    def accept(self) -> None:
        rounds = [accepting(self, f"accept{number}") for number in range(ROUNDS)]
        first = statistics.median(one["one by one"] for one in rounds)
        for how in rounds[0]:
            rate = statistics.median(one[how] for one in rounds)
            print(f"accept, {how:<26}{rate:8.0f} /s{rate / first:8.2f} of one by one")
        with workers(self.folder, 1) as made:  # what was accepted goes out
            until(self.http.count + ROUNDS * 700, self.http, made)

    def idle(self) -> None:
        took = idle_way(self)
        print(f"idle, accept to request  p50 {statistics.median(took):6.1f} ms, p95 {sorted(took)[-3]:6.1f} ms")

    def queue(self) -> None:
        memory, rates = long_queue(self)
        print(
            f"{self.queued:,} queued: {memory[1]:.0f} MiB, {memory[1] / memory[0]:.2f} of with none; "
            f"{rates[1]:.0f} /s, {rates[1] / rates[0]:.2f} of with none"
        )


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "flow": Bench.flow, "accept": Bench.accept, "idle": Bench.idle, "queue": Bench.queue
}  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("events", nargs="?", type=int, default=1000)
    asked.add_argument("queued", nargs="?", type=int, default=1_000_000)
    asked.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between")
    given = asked.parse_args()
    only = [SECTIONS[name] for name in given.only.split(",")]
    with databases.own_server(fsync=True) as server, Receiver() as http, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with databases.database(server.url) as url, databases.database(server.url) as other:
            (folder / "livery.toml").write_text(settings(url, http.port))
            with Engine.open(Config.load(folder / "livery.toml")) as engine:
                engine.migrate()
                bench = Bench(engine, folder, http, url, other, given.events, given.queued)
                for section in only:
                    section(bench)
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
