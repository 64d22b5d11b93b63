"""The execution engines there are, made alike for the conformance suite. A worker process makes its own."""

from contextlib import contextmanager

from livery.execution.embedded import EmbeddedExecution
from livery.ports import utc_now
from livery.storage.database import connect, writing

PATIENCE = 1.5
"""Seconds without a sign of life after which a worker's work is taken over: the lease of these tests."""


class Embedded:
    """The embedded engine on a SQLite file."""

    def __init__(self, url, *, now=utc_now):
        self.url = url
        self.engine = connect(url)
        self.execution = EmbeddedExecution(self.engine, now=now, on_takeover=list, patience=PATIENCE)

    @contextmanager
    def transaction(self):
        with writing(self.engine) as tx:
            yield tx

    def stored(self):
        """How many wakes are stored, counted now."""
        with self.engine.connect() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM livery_wake").scalar()

    def close(self):
        self.engine.dispose()


ADAPTERS = {"embedded": Embedded}
