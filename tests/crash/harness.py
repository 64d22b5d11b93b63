"""The crash harness: real receivers, a sender that is killed, and a report of what became of every event."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from livery import Config, Engine

SENDER = Path(__file__).with_name("sender.py")
SAMPLE = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
CONCURRENCY = 4
CONFIG = """
database_url = "sqlite:///livery.db"
concurrency = {concurrency}
[delivery]
destination_concurrency = {concurrency}
[outbound]
allow = ["127.0.0.1"]
[channels.smtp]
host = "127.0.0.1"
port = {smtp}
[tenants.platform]
[tenants.res-org-n]
parent = "platform"
[tenants.res-org-n.channels.webhook]
url = "http://127.0.0.1:{http}/hook"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""


@dataclass
class Report:
    """What the receivers got, against what was accepted."""

    lost: list[str] = field(default_factory=list)
    """Events that a receiver never got: `smtp evt-3`."""
    copies: int = 0
    """Messages that arrived more often than once, counted without the first."""
    changed: list[str] = field(default_factory=list)
    """Events whose copies differ, in identity or bytes."""
    states: Counter = field(default_factory=Counter)

    def problems(self, *, copies):
        """What is wrong, if at most so many copies may be."""
        found = [f"lost: {self.lost}"] if self.lost else []
        found += [f"changed: {self.changed}"] if self.changed else []
        found += [f"{self.copies} copies, at most {copies} were in flight"] if self.copies > copies else []
        open_ = {state: count for state, count in self.states.items() if state not in ("accepted", "delivered")}
        return found + ([f"states: {open_}"] if open_ else [])


class Harness:
    """One store, one folder of events, one SMTP server and one HTTP receiver."""

    def __init__(self, folder, mail, http, events):
        self.folder, self.mail, self.http = folder, mail, http
        self.ids = [f"evt-{number}" for number in range(events)]
        for id_ in self.ids:
            (folder / f"{id_}.json").write_text(json.dumps({**SAMPLE, "id": id_}))
        text = CONFIG.format(smtp=mail.port, http=http.port, concurrency=CONCURRENCY)
        (folder / "livery.toml").write_text(text)

    def start(self, **environment):
        """A sender; `KILL`, `BUILD`, `ACCEPT` as sender.py says."""
        command = [sys.executable, str(SENDER), str(self.folder)]
        return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)

    def run(self, **environment):
        """A sender, to its end; whether it was killed."""
        end = self.start(**environment).wait(timeout=300)
        assert end in (0, -signal.SIGKILL), f"the sender ended with {end}"
        return end == -signal.SIGKILL

    def recover(self):
        """What the operator's next start does: the publisher sends everything again, the worker goes on."""
        with Engine.open(Config.load(self.folder / "livery.toml")) as engine:
            engine.accept_all([(self.folder / f"{id_}.json").read_bytes() for id_ in self.ids])
            engine.drain()

    def report(self):
        """Look at the receivers, and at the log."""
        found = Report()
        got = {"smtp": {}, "webhook": {}}
        with Engine.open(Config.load(self.folder / "livery.toml")) as engine:
            deliveries = engine.deliveries(limit=1_000_000)
        found.states = Counter(str(one.state) for one in deliveries)
        event_of = {one.message_id: one.event_id for one in deliveries if one.channel == "smtp"}
        for mail in self.mail.mails:
            event = event_of.get(str(mail.parsed["Message-ID"]).strip(), "unknown")
            got["smtp"].setdefault(event, []).append(mail.content)
        for request in self.http.requests:
            event = json.loads(request.body)["id"]
            got["webhook"].setdefault(event, []).append((request.headers["webhook-id"], request.body))
        for channel, by_event in got.items():
            found.lost += [f"{channel} {id_}" for id_ in self.ids if id_ not in by_event]
            found.copies += sum(len(copies) - 1 for copies in by_event.values())
            found.changed += [f"{channel} {id_}" for id_, copies in by_event.items() if len(set(copies)) > 1]
        return found
