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

from mjml import mjml2html

from livery import Config, Engine
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


def plain_loop(engine: Engine, port: int) -> None:
    """Jinja → MJML → EmailMessage → smtplib, a connection a message: what a host would write by hand."""
    chain = engine.config.chain("res-org-n") or ()
    packs, _ = engine.writer.packs(chain)
    jinja = packs.markup("en")
    layout = jinja.get_template(str(packs.nearest("layouts/email.mjml.j2")))
    said = engine.explain(SAMPLE).deliveries[0].wording
    brand = {**packs.tokens(), "name": "Res. Org N."}
    texts = {"subject": said.subject if said else "", "title": "Provisioning failed", "greeting": "Dear Custo. Org N.,"}
    notification = {
        **texts, "preheader": "", "blocks": [], "closing": "", "signature": ["Res. Org N."], "footer": "",
        "locale": "en", "direction": "ltr",
    }  # fmt: skip
    context = {
        "notification": notification,
        "brand": brand,
        "locale": "en",
        "direction": "ltr",
        "start": "left",
        "end": "right",
    }
    for _ in range(EVENTS):
        html = mjml2html(layout.render(**context, blocks=[]).replace("> <", ">\n<"), fonts={})
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@platform.example", "b@custo.example", notification["subject"]
        mail.set_content("text")
        mail.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", port, "localhost") as smtp:
            smtp.send_message(mail)


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
            for number in range(ROUNDS):
                one = [{**SAMPLE, "id": f"one-{number}-{at}"} for at in range(EVENTS)]
                many = [{**SAMPLE, "id": f"many-{number}-{at}"} for at in range(EVENTS)]
                insert = timed(lambda: raw_inserts(folder))
                singly = timed(lambda batch=one: [engine.accept(event) for event in batch])
                engine.drain()
                batched = timed(lambda batch=many: engine.accept_all(batch))
                deliver = timed(engine.drain)
                loop = timed(lambda: plain_loop(engine, mail.port))
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
