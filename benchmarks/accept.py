"""Accepting events, one by one and in batches, beside inserting the same bytes into SQLite by hand.

Wall time and user CPU per event; rounds are interleaved, ratios are medians of the rounds. Both sides commit with
`synchronous=FULL`; ours validates, resolves who is told, and stores event, delivery and wake as well.
"""

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from livery import Config, Engine

ROUNDS, EVENTS = 5, 500
SAMPLE = json.loads((Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
ids = count()


def events() -> list[bytes]:
    return [json.dumps({**SAMPLE, "id": f"evt-{next(ids)}"}).encode() for _ in range(EVENTS)]


def timed(job: Callable[[list[bytes]], object]) -> tuple[float, float]:
    """(wall, user CPU) seconds an event."""
    bodies = events()
    wall, cpu = time.perf_counter(), time.process_time()
    job(bodies)
    return (time.perf_counter() - wall) / EVENTS, (time.process_time() - cpu) / EVENTS


def raw(folder: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{folder}/raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB)")
    return connection


def jobs(engine: Engine, connection: sqlite3.Connection) -> Iterator[tuple[str, Callable[[list[bytes]], object]]]:
    insert = "INSERT INTO event (body) VALUES (?)"

    def at_once(bodies: list[bytes]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, [(one,) for one in bodies])
        connection.execute("COMMIT")

    def singly(bodies: list[bytes]) -> None:
        for one in bodies:
            connection.execute(insert, (one,))

    yield "insert one by one", singly
    yield "accept one by one", lambda bodies: [engine.accept(one) for one in bodies]
    yield "insert at once", at_once
    yield "accept at once", engine.accept_all


def main() -> None:
    found: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            "database_url": f"sqlite:///{folder}/livery.db",
            "channels": {"smtp": {"port": 25}},
            "tenants": {"platform": {}, "res-org-n": {"parent": "platform"}},
        }
        connection = raw(folder)
        with Engine.open(Config.load(None, **settings)) as engine:
            engine.accept({**SAMPLE, "id": "warm"})
            for _ in range(ROUNDS):
                for name, job in jobs(engine, connection):
                    found.setdefault(name, []).append(timed(job))
        connection.close()
    for name, times in found.items():
        wall, cpu = (statistics.median(one[at] for one in times) for at in (0, 1))
        print(f"{name:<20} {1 / wall:>9,.0f}/s {cpu * 1e6:>8.0f} µs CPU")
    for how in ("one by one", "at once"):
        pairs = zip(found[f"accept {how}"], found[f"insert {how}"], strict=True)
        ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
        print(f"accept {how} / insert {how}: {ratio:.1f} times the wall time")


if __name__ == "__main__":
    main()
