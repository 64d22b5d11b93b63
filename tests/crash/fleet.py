"""A fleet under test: workers that are processes of their own, a PostgreSQL that may die, receivers that remember."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

from sqlalchemy import NullPool, create_engine, make_url, text

from crash.harness import SAMPLE, Report
from livery import Config, Engine
from livery.errors import LiveryError
from waiting import until

CONCURRENCY = 4
LEASE = 5
"""Seconds: the shortest there is."""
CONFIG = """
database_url = "{url}"
concurrency = {concurrency}
lease_seconds = {lease}
[delivery]
destination_concurrency = {places}
pause_after = 0
{delivery}
[outbound]
allow = ["127.0.0.1"]
{channels}
[tenants.platform]
[tenants.res-org-n]
parent = "platform"
[tenants.res-org-n.channels.webhook]
url = "http://127.0.0.1:{http}/hook"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""


class Fleet:
    """Workers on one store.

    Args:
        folder: where livery.toml and the workers' logs lie.
        url: the store.
        http: the `Receiver` of webhooks.
        mail: the mail server; None to send webhooks alone.
        concurrency: how many deliveries each sends at once.
        places: how many of them go to the receiver at once.
        delivery: more of `[delivery]`.

    """

    def __init__(self, folder, url, http, mail=None, *, concurrency=CONCURRENCY, places=CONCURRENCY, delivery=""):
        self.folder, self.http, self.mail = folder, http, mail
        self.channels = ("smtp", "webhook") if mail else ("webhook",)
        channels = f'[channels.smtp]\nhost = "127.0.0.1"\nport = {mail.port}' if mail else ""
        values = {
            "url": url,
            "http": http.port,
            "concurrency": concurrency,
            "lease": LEASE,
            "channels": channels,
            "places": places,
            "delivery": delivery,
        }
        (folder / "livery.toml").write_text(CONFIG.format(**values))
        self.config = Config.load(folder / "livery.toml")
        self.workers, self._started, self._before = [], 0, 0
        self.copies_may_be = 0
        """How many messages were in flight when something died: no more may have arrived twice."""

    def __enter__(self):
        self.engine = Engine.open(self.config)
        self.engine.migrate()
        return self

    def __exit__(self, *_):
        self.engine.close()
        for process in self.workers:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def start(self, count=1):
        """Start workers; they work as soon as they can."""
        for _ in range(count):
            self._started += 1
            with (self.folder / f"worker-{self._started}.log").open("wb") as log:
                command = [sys.executable, "-m", "livery", "worker"]
                self.workers.append(subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log))

    def ready(self):
        """Wait until every worker waits for something to do."""
        asked = text(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%pgqueuer%' AND datname = current_database()"
        )
        own = create_engine(make_url(self.config.database_url).set(drivername="postgresql+psycopg"), poolclass=NullPool)

        def listening():
            with own.connect() as connection:
                return connection.execute(asked).scalar()

        until(lambda: listening() >= len(self.workers), every=0.1, why=self.logs)

    def stop(self):
        """Let all workers end what they do."""
        for process in self.workers:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.workers:
            assert process.wait(timeout=60) in (0, -signal.SIGTERM), self.logs()  # one may have hardly begun
        self.workers = []

    def accept(self, ids, *, at_once=50):
        """Accept events, as a publisher does: what was not acknowledged is sent again."""
        self._before += self._arrived()
        for start in range(0, len(ids), at_once):
            bodies = [json.dumps({**SAMPLE, "id": id_}) for id_ in ids[start : start + at_once]]
            end = time.monotonic() + 180
            while True:
                try:
                    self.engine.accept_all(bodies)
                    break
                except LiveryError:
                    assert time.monotonic() < end, "the store does not come back"
                    time.sleep(0.1)

    def delivered(self, ids, *, seconds):
        """Wait until every receiver has all of these, and the ledger knows."""
        wanted = len(ids) * len(self.channels)
        until(lambda: self._arrived() >= wanted, seconds=seconds, why=self.logs)

        def ended():
            states = self.states(ids)
            return states["delivered"] + states["accepted"] == wanted

        until(ended, seconds=seconds, every=0.25, why=lambda: f"{self.states(ids)}\n{self.logs()}")

    def _arrived(self):
        return self.http.count + (len(self.mail.mails) if self.mail else 0) - self._before

    def states(self, ids):
        """How many deliveries of these are in which state."""
        try:
            return Counter(str(one.state) for one in self._deliveries(ids))
        except LiveryError:
            return Counter()

    def _deliveries(self, ids):
        wanted = set(ids)
        return [one for one in self.engine.deliveries(limit=1_000_000) if one.event_id in wanted]

    def report(self, ids):
        """Look at the receivers, and at the log."""
        found = Report()
        deliveries = self._deliveries(ids)
        found.states = Counter(str(one.state) for one in deliveries)
        got = {"webhook": self.http.got}
        if self.mail:
            event_of = {one.message_id: one.event_id for one in deliveries if one.channel == "smtp"}
            got["smtp"] = {}
            for mail in self.mail.mails:
                event = event_of.get(str(mail.parsed["Message-ID"]).strip())
                got["smtp"].setdefault(event, []).append(mail.content)
        for channel, by_event in got.items():
            mine = {id_: by_event.get(id_, []) for id_ in ids}
            found.lost += [f"{channel} {id_}" for id_, copies in mine.items() if not copies]
            found.copies += sum(max(len(copies) - 1, 0) for copies in mine.values())
            found.changed += [f"{channel} {id_}" for id_, copies in mine.items() if len(set(copies)) > 1]
        return found

    def logs(self):
        """The last words of every worker."""
        files = sorted(self.folder.glob("worker-*.log"))
        return "\n".join(f"{file.name}: {file.read_text()[-600:]}" for file in files)


class Chaos:
    """What happens to a fleet, in an order that a seed decides."""

    def __init__(self, fleet, server, seed, *, down=1.0):
        self.fleet, self.server, self.chance, self.down = fleet, server, random.Random(seed), down
        self.did, self._stopped, self._timers = [], [], []

    def kill_worker(self):
        """`kill -9`; another one starts in its place."""
        victim = self.fleet.workers.pop(self.chance.randrange(len(self.fleet.workers)))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self.fleet.copies_may_be += CONCURRENCY
        self.fleet.start()

    def kill_server(self):
        """`kill -9` of the postmaster; it comes back on the same data after a while."""
        self.server.kill()
        self.fleet.copies_may_be += CONCURRENCY * len(self.fleet.workers)
        time.sleep(self.down)
        self.server.start()

    def stop_worker(self):
        """`SIGSTOP` for longer than the lease: others take its work, and then it goes on as if nothing had been."""
        victim = self.chance.choice([one for one in self.fleet.workers if one not in self._stopped])
        victim.send_signal(signal.SIGSTOP)
        self._stopped.append(victim)
        self.fleet.copies_may_be += CONCURRENCY
        timer = threading.Timer(LEASE + 1.5, lambda: victim.send_signal(signal.SIGCONT))
        timer.start()
        self._timers.append(timer)

    def some(self, *deeds):
        """Do these in the order of the seed, each in the middle of deliveries."""
        deeds = list(deeds)
        self.chance.shuffle(deeds)
        for deed in deeds:
            before, wanted = self.fleet.http.count, self.chance.randrange(5, 25)
            end = time.monotonic() + 30
            while self.fleet.http.count < before + wanted and time.monotonic() < end:
                time.sleep(0.005)
            self.did.append(deed)
            getattr(self, deed)()

    def over(self):
        """Let what is stopped go on, and wait until it does."""
        for timer in self._timers:
            timer.join()
        ended = [one for one in self.fleet.workers if one.poll() is not None]
        assert not ended, f"a worker ended by itself: {self.fleet.logs()}"
