"""Delivering beside the plainest way to do the same: an e-mail from the event to a mail server.

User CPU of this process per message; the mail servers are processes of their own. Rounds are interleaved and turn their
order about, ratios are medians of the rounds.
"""

import asyncio
import gc
import json
import resource
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import webhooks
from render import ByHand

from livery import Config, Engine
from livery.channel import Dispatch
from livery.locales import negotiate
from livery.models.event import Event
from livery.models.message import Envelope
from livery.models.tenant import Chain
from livery.packs.assets import Policy
from livery.render.text import plain
from livery.stencils.direct import Direct
from livery.stencils.orders import order
from livery.steps import compose
from livery.writing import Reading

ROUNDS, EVENTS, STORED, LOOPED, FAR_EVENTS = 9, 1000, 200, 50, 600
"""Events of each way in a round: the quicker it is, the more, as user CPU is counted in steps of milliseconds."""
AT_ONCE = Config().concurrency
IN_A_ROW = 16
"""Messages that a worker writes before it sends them, on average, where it has 50 at work and all are one seller's."""
ROUND_TRIP = 0.020
SINK = Path(__file__).with_name("mail_sink.py")
SAMPLE = json.loads((Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SELLER = SAMPLE["data"]["seller"]["id"]


@contextmanager
def mail_sink(*arguments: object) -> Iterator[int]:
    """The port of a mail server in a process of its own."""
    command = [sys.executable, str(SINK), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def user(job: Callable[[], object]) -> float:
    """Seconds of this process's user CPU, all threads, that a job takes."""
    began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    job()
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - began


def events(name: str, count: int = EVENTS) -> list[dict[str, Any]]:
    """Events that differ as orders do."""
    data = SAMPLE["data"]
    return [
        {**SAMPLE, "id": f"{name}-{at}", "data": {**data, "order": {**data["order"], "id": f"ORD-{name}-{at}"}}}
        for at in range(count)
    ]


def configuration(folder: str, port: int) -> Config:
    return Config.load(
        None,
        database_url=f"sqlite:///{folder}/livery.db",
        channels={"smtp": {"port": port}},
        tenants={"platform": {}, SELLER: {"parent": "platform"}},
    )


class Loop:
    """Jinja → MJML → EmailMessage → smtplib, a connection a message: what a host would write by hand."""

    def __init__(self, engine: Engine) -> None:
        packs = engine.library.chain("base")
        choice = negotiate([("benchmark", "en")], packs.locales())
        tokens, pictures, _ = compose.brand((), packs, SAMPLE["data"]["seller"]["name"], Policy.of({}))
        made = order(packs, "offer_provision_error", SAMPLE["type"], choice=choice, brand=tokens, pictures=pictures)
        self._texts, self._page = Direct(made), ByHand(made)

    def mail(self, event: dict[str, Any]) -> EmailMessage:
        said = self._texts.notification({"event": event["data"], "envelope": {}, "year": "2026"})
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@platform.example", "b@custo.example", said["subject"]
        mail.set_content(plain(said))
        mail.add_alternative(self._page.html(said), subtype="html")
        return mail

    def run(self, batch: Sequence[dict[str, Any]], port: int) -> None:
        for event in batch:
            mail = self.mail(event)
            with smtplib.SMTP("127.0.0.1", port, "localhost") as client:
                client.send_message(mail)


Ready = list[tuple[Event, Chain, Envelope]]


def ready(engine: Engine, batch: Sequence[dict[str, Any]]) -> Ready:
    """The events validated and planned: for whom they are, and what is stored before anything is written."""
    made = [(event, engine.planner.chain(event)) for event in map(engine.read, batch)]
    return [(event, chain, engine.planner.plan(event, engine.now()).plans[0].envelope) for event, chain in made]


def check(engine: Engine, loop: Loop) -> None:
    """See that both ways say the same."""
    reading = Reading(engine.now(), reader_locale="en")
    for given, (event, chain, envelope) in zip(events("same", 5), ready(engine, events("same", 5)), strict=True):
        mine = BytesParser(policy=policy.default).parsebytes(
            engine.writer.message(event, chain, "smtp", envelope, reading)[2]
        )
        theirs = BytesParser(policy=policy.default).parsebytes(loop.mail(given).as_bytes())
        assert mine["Subject"] == theirs["Subject"]
        for kind in ("plain", "html"):
            one, other = (mail.get_body((kind,)).get_content() for mail in (mine, theirs))
            assert one.splitlines() == other.splitlines(), kind


def written_and_sent(engine: Engine, batch: Ready) -> None:
    """Each message rendered, encoded and sent, as a worker does: so many at a time, and some are written in a row.

    Between the two the worker stores them; here nothing is stored.
    """
    channel, reading = engine.channels.open("smtp"), Reading(engine.now(), reader_locale="en")
    waiting, written = iter(batch), deque[tuple[Envelope, bytes]]()

    async def work() -> None:
        while True:
            if not written:
                for event, chain, envelope in islice(waiting, IN_A_ROW):
                    _, _, wire = engine.writer.message(event, chain, "smtp", envelope, reading)
                    written.append((envelope, wire))
            if not written:
                return
            envelope, wire = written.popleft()
            outcome = await channel.send(Dispatch(envelope, None, wire, 1))
            assert outcome.status == "accepted", outcome

    async def run() -> None:
        try:
            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        finally:
            await engine.channels.aclose()

    asyncio.run(run())


def sent(engine: Engine, wires: Sequence[tuple[Envelope, bytes]]) -> None:
    """Messages that are bytes already."""
    channel = engine.channels.open("smtp")

    async def work(waiting: Iterator[tuple[Envelope, bytes]]) -> None:
        for envelope, wire in waiting:
            outcome = await channel.send(Dispatch(envelope, None, wire, 1))
            assert outcome.status == "accepted", outcome

    async def run() -> None:
        waiting = iter(wires)
        try:
            await asyncio.gather(*(work(waiting) for _ in range(AT_ONCE)))
        finally:
            await engine.channels.aclose()

    asyncio.run(run())


def through_the_outbox(engine: Engine, batch: Sequence[dict[str, Any]]) -> None:
    """Accepted, stored, claimed, rendered, sent, settled."""
    engine.accept_all(batch)
    engine.drain()


def near() -> None:
    """User CPU beside the plain loop."""
    spent: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        mail_sink() as port,
        Engine.open(configuration(f"{folder}/none", port)) as engine,  # it never has a store
        Engine.open(configuration(folder, port)) as storing,
    ):
        loop = Loop(engine)
        check(engine, loop)
        for name in ("warm", "warmer"):
            written_and_sent(engine, ready(engine, events(name)))
            through_the_outbox(storing, events(name, STORED))
        loop.run(events("warm", 10), port)
        gc.collect()
        gc.freeze()
        for number in range(ROUNDS):
            batch, stored = ready(engine, events(f"r{number}")), events(f"s{number}", STORED)
            jobs: dict[str, Callable[[], object]] = {
                "plain loop": lambda: loop.run(events("p", LOOPED), port),
                "render + MIME + SMTP": lambda batch=batch: written_and_sent(engine, batch),
                "the same with the outbox": lambda stored=stored: through_the_outbox(storing, stored),
            }
            counts = dict(zip(jobs, (LOOPED, EVENTS, STORED), strict=True))
            for name in sorted(jobs, reverse=bool(number % 2)):
                spent.setdefault(name, []).append(user(jobs[name]) / counts[name])
    for name, took in spent.items():
        ratios = [plainly / one for plainly, one in zip(spent["plain loop"], took, strict=True)]
        print(f"{name:<28}{statistics.median(took) * 1e6:8.0f} µs{statistics.median(ratios):8.1f} times")


def far() -> None:
    """Messages a second to a mail server that is a round trip of 20 ms away."""
    rates: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        mail_sink(ROUND_TRIP) as port,
        Engine.open(configuration(folder, port)) as engine,
    ):
        reading = Reading(engine.now(), reader_locale="en")
        batch = ready(engine, events("far", FAR_EVENTS))
        wires = [
            (envelope, engine.writer.message(event, chain, "smtp", envelope, reading)[2])
            for event, chain, envelope in batch
        ]
        for number in range(3):
            stored = events(f"far-{number}", FAR_EVENTS)
            jobs: dict[str, Callable[[], object]] = {
                "SMTP": lambda: sent(engine, wires),
                "rendered, with the outbox": lambda stored=stored: through_the_outbox(engine, stored),
            }
            for name, job in jobs.items():
                began = time.perf_counter()
                job()
                rates.setdefault(name, []).append(FAR_EVENTS / (time.perf_counter() - began))
    for name, found in rates.items():
        print(f"{name:<28}{statistics.median(found):8.0f} messages/s at {ROUND_TRIP * 1000:.0f} ms")


if __name__ == "__main__":
    near()
    far()
    webhooks.main()
