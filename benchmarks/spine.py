"""The spine beside the plainest way to do the same: accepting beside inserting, delivering beside a loop.

User CPU of this process per event; rounds are interleaved, ratios are medians of the rounds.
"""

import json
import smtplib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from livery import Config, Engine
from livery.locales import negotiate
from livery.packs.assets import Policy
from livery.render.text import plain
from livery.stencils.direct import Direct
from livery.stencils.orders import order
from livery.steps import compose
from livery.testing import MailServer

ROUNDS, EVENTS = 5, 200
SAMPLE = json.loads((Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))


def timed(job: Callable[[], object]) -> float:
    """Seconds of this process's CPU that a job takes."""
    began = time.process_time()
    job()
    return time.process_time() - began


def raw_inserts(folder: str) -> None:
    with sqlite3.connect(f"{folder}/raw.db", isolation_level=None) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, body BLOB)")
        for _ in range(EVENTS):
            raw.execute("INSERT INTO event (body) VALUES (?)", (json.dumps(SAMPLE).encode(),))
    raw.close()


def plain_loop(order: dict[str, Any], port: int) -> None:
    """Jinja → MJML → EmailMessage → smtplib, a connection a message: what a host would write by hand."""
    direct = Direct(order)
    seen = {"event": SAMPLE["data"], "envelope": {}, "year": "2026"}
    for _ in range(EVENTS):
        said = direct.notification(seen)
        html, _ = direct.html(said)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@platform.example", "b@custo.example", said["subject"]
        mail.set_content(plain(said))
        mail.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", port, "localhost") as smtp:
            smtp.send_message(mail)


def order_of(engine: Engine) -> dict[str, Any]:
    """What the engine's own stencil of the sample is made of."""
    packs = engine.library.chain("base")
    choice = negotiate([("benchmark", "en")], packs.locales())
    tokens, pictures, _ = compose.brand((), packs, "Res. Org N.", Policy.of({}))
    return order(packs, "offer_provision_error", SAMPLE["type"], choice=choice, brand=tokens, pictures=pictures)


def main() -> None:
    ratios: dict[str, list[float]] = {
        "accept one by one / raw insert": [],
        "accept 200 at once / raw insert": [],
        "deliver / plain loop": [],
    }
    with tempfile.TemporaryDirectory() as folder, MailServer() as mail:
        settings = {
            "database_url": f"sqlite:///{folder}/livery.db",
            "channels": {"smtp": {"port": mail.port}},
            "tenants": {"platform": {}, "res-org-n": {"parent": "platform"}},
        }
        with Engine.open(Config.load(None, **settings)) as engine:
            engine.accept({**SAMPLE, "id": "warm"})
            engine.drain()
            by_hand = order_of(engine)
            for number in range(ROUNDS):
                one = [{**SAMPLE, "id": f"one-{number}-{at}"} for at in range(EVENTS)]
                many = [{**SAMPLE, "id": f"many-{number}-{at}"} for at in range(EVENTS)]
                insert = timed(lambda: raw_inserts(folder))
                singly = timed(lambda batch=one: [engine.accept(event) for event in batch])
                engine.drain()
                batched = timed(lambda batch=many: engine.accept_all(batch))
                deliver = timed(engine.drain)
                loop = timed(lambda: plain_loop(by_hand, mail.port))
                for name, ratio in zip(ratios, (singly / insert, batched / insert, deliver / loop), strict=True):
                    ratios[name].append(ratio)
                print(
                    f"round {number}: accept {singly / EVENTS * 1e6:.0f} µs, batched {batched / EVENTS * 1e6:.0f} µs, "
                    f"deliver {deliver / EVENTS * 1e6:.0f} µs, loop {loop / EVENTS * 1e6:.0f} µs CPU an event"
                )
    for name, found in ratios.items():
        print(f"{name:<34} {statistics.median(found):6.2f}")


if __name__ == "__main__":
    main()
