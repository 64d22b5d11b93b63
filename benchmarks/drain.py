"""The outbox: from accepted events to settled deliveries, beside rows that are inserted, claimed and settled by hand.

Three things in one run, each with the CPU of this process for a delivery, all threads: the ledger's rows by hand, so
many at a time and each time with a commit, for an empty job; the whole flow with a channel that does nothing; the
whole flow with webhooks to a receiver in a process of its own. Both sides commit with `synchronous=FULL`. Rounds are
interleaved, ratios are medians of the rounds.
"""

import itertools
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from livery import Config, Engine
from livery.plugin import Channel, ChannelType, Dispatch, Envelope, Format, Message, Outcome, hookimpl

ROUNDS, EVENTS, AT_ONCE = 5, 1000, 20
SAMPLE = json.loads((Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SELLER = SAMPLE["data"]["seller"]["id"]
WEBHOOKS = Path(__file__).with_name("webhooks.py")
ids = itertools.count()


class Nowhere(Channel):
    """A channel whose far side has everything at once."""

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        del envelope
        return json.dumps(message.body).encode()

    async def send(self, dispatch: Dispatch) -> Outcome:
        del dispatch
        return Outcome(status="delivered", code="200")


class Plugin:
    @hookimpl
    def livery_register_channels(self) -> list[ChannelType]:
        return [ChannelType(name="nowhere", summary="", format=Format.JSON, load=lambda: Nowhere)]


class ByHand:
    """Four tables' worth of a ledger in two: what is due, and the bytes."""

    def __init__(self, folder: str) -> None:
        self._db = sqlite3.connect(f"{folder}/raw.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE delivery (id INTEGER PRIMARY KEY, body BLOB, state TEXT, until REAL)")
        self._db.execute("CREATE INDEX due ON delivery (state)")

    def accept(self, bodies: list[bytes]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO delivery (body, state) VALUES (?, 'pending')", [(one,) for one in bodies])
        self._db.execute("COMMIT")

    def drain(self) -> None:
        found = "SELECT id, body FROM delivery WHERE state = 'pending' LIMIT ?"
        while rows := self._db.execute(found, (AT_ONCE,)).fetchall():
            self._write(
                "UPDATE delivery SET state = 'sending', until = ? WHERE id = ?", [(60.0, one) for one, _ in rows]
            )
            for _, body in rows:
                json.loads(body)
            self._write(
                "UPDATE delivery SET state = 'delivered', until = ? WHERE id = ?", [(0.0, one) for one, _ in rows]
            )

    def _write(self, statement: str, rows: list[tuple[float, int]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()


@contextmanager
def receiver() -> Iterator[int]:
    """The port of something that answers 204, in a process of its own."""
    with subprocess.Popen([sys.executable, str(WEBHOOKS), "sink"], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def bodies() -> list[bytes]:
    return [json.dumps({**SAMPLE, "id": f"evt-{next(ids)}"}).encode() for _ in range(EVENTS)]


def opened(folder: str, channel: str, destination: dict[str, object]) -> Engine:
    tenants = {"platform": {}, SELLER: {"parent": "platform", "channels": {channel: [destination]}}}
    config = Config.load(
        None,
        database_url=f"sqlite:///{folder}/{channel}.db",
        outbound={"allow": ["127.0.0.1"]},
        concurrency=AT_ONCE,
        delivery={"destination_concurrency": AT_ONCE},
        tenants=tenants,
    )
    return Engine.open(config, plugins={"nowhere": Plugin()})


def timed(job: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and seconds of CPU, a delivery."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    job()
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    return took / EVENTS, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / EVENTS


def main() -> None:
    found: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, receiver() as port:
        by_hand = ByHand(folder)
        hook = {"url": f"http://127.0.0.1:{port}/hook", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
        with opened(folder, "nowhere", {}) as nowhere, opened(folder, "webhook", hook) as webhook:
            sides = {"rows by hand": by_hand, "the flow, sent nowhere": nowhere, "the flow, webhooks": webhook}
            for round_ in range(ROUNDS + 1):
                for name, side in sides.items():
                    made = bodies()
                    side.accept(made) if isinstance(side, ByHand) else side.accept_all(made)
                    took = timed(side.drain)
                    if round_:
                        found.setdefault(name, []).append(took)
            for engine in (nowhere, webhook):
                settled = {one.state for one in engine.deliveries(limit=50)}
                assert settled == {"delivered"}, settled
        by_hand.close()
    for name, times in found.items():
        wall, cpu = (statistics.median(one[at] for one in times) for at in (0, 1))
        pairs = zip(times, found["rows by hand"], strict=True)
        ratio = statistics.median(ours[1] / theirs[1] for ours, theirs in pairs)
        print(f"{name:<24}{1 / wall:>8,.0f} deliveries/s{cpu * 1e6:>8.0f} µs CPU each{ratio:>7.1f} times by hand")


if __name__ == "__main__":
    main()
