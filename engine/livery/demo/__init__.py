"""`livery demo`: three events for three sellers through four channels to real servers on this machine.

Everything is as in production but the addresses: a real store, a real SMTP server, real HTTP receivers. What
was received is checked against what was meant, and left in a folder to be looked at.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from livery.config import Config
from livery.demo.check import Expected, problems_of
from livery.demo.page import write_page
from livery.demo.sellers import configuration
from livery.engine import Engine
from livery.models.delivery import Delivery
from livery.testing.servers import HttpReceiver, MailServer
from livery.writing import Reading

NOTIFICATION = "offer_provision_error"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the demo's table."""

    event: str
    seller: str
    channel: str
    destination: str
    state: str
    ms: float


@dataclass(frozen=True, slots=True)
class Report:
    """What the demo did, and what of it was wrong."""

    index: Path
    rows: list[Row] = field(default_factory=list)
    checks: int = 0
    problems: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "index": str(self.index)}


def run(out: Path) -> Report:
    """Run the demo and leave what was received in `out`; files of an earlier run are replaced."""
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="livery-demo-") as store,
        MailServer() as mail,
        HttpReceiver() as http,
    ):
        settings = configuration(f"sqlite:///{store}/livery.db", smtp_port=mail.port, http_url=http.url(""))
        with Engine.open(Config.load(None, **settings)) as engine:
            samples = engine.library.packs["base"].samples(NOTIFICATION)
            events = [content for _, content in reversed(samples)]
            engine.accept_all(events)
            engine.drain()
            deliveries = sorted(engine.deliveries(limit=1000), key=lambda one: (one.tenant, one.channel))
            rows = [_row(engine, one) for one in deliveries]
            expected = [_expected(engine, event) for event in events]
            checks, problems = problems_of(expected, deliveries, mail.mails, http)
        received = _keep(out, expected, mail, http)
    write_page(out / "index.html", received)
    return Report(out / "index.html", rows, checks, problems)


def _row(engine: Engine, one: Delivery) -> Row:
    took = sum(attempt.duration_ms for attempt in engine.attempts(one.id))
    return Row(one.event_id, one.tenant, one.channel, one.destination, one.state.value, took)


def _expected(engine: Engine, raw: bytes) -> Expected:
    """What the receivers should have of one event, from the model before it is rendered."""
    event = engine.read(raw)
    chain = engine.config.chain(event.seller_id) or ()
    user = event.data.user
    reading = Reading(event.when(engine.now()), reader_locale=user.locale if user else None)
    said = engine.writer.written(event, chain, reading).notification
    secret = chain[-1].channels["webhook"][0]["secret"]
    return Expected(event, said, webhook_secret=secret, cc=chain[-1].contacts["primary"].email)


def _keep(out: Path, expected: list[Expected], mail: MailServer, http: HttpReceiver) -> list[dict[str, Any]]:
    """Write what was received to files; returns it by seller, for the page."""
    shutil.rmtree(out / "received", ignore_errors=True)
    kept = []
    for one in expected:
        seller = one.event.seller_id
        folder = out / "received" / seller
        folder.mkdir(parents=True)
        for name, content in _files(one, mail, http):
            (folder / name).write_bytes(content)
        kept.append({"seller": seller, "name": one.said.brand["name"], "locale": one.said.locale, "folder": folder})
    return kept


def _files(one: Expected, mail: MailServer, http: HttpReceiver) -> Iterator[tuple[str, bytes]]:
    for received in mail.mails:
        if one.is_recipient(received.recipients):
            yield "email.eml", received.content
            yield "email.html", received.part("html").encode()
            yield "email.txt", received.part("plain").encode()
    for channel in ("slack", "teams", "webhook"):
        for request in http.at(f"/{channel}/{one.event.seller_id}"):
            yield (
                f"{channel}.json",
                json.dumps(json.loads(request.body), ensure_ascii=False, indent=2).encode(),
            )
            if channel == "webhook":
                shown = {key: value for key, value in request.headers.items() if key.lower().startswith("webhook-")}
                yield "webhook.headers.json", json.dumps(shown, indent=2).encode()
