"""The execution engines there are, made alike for the conformance suite. A worker process makes its own."""

from contextlib import contextmanager

import databases
from livery.execution.embedded import EmbeddedExecution
from livery.execution.pgqueuer.adapter import PgQueuerExecution
from livery.ports import utc_now
from livery.storage.database import connect, writing

PATIENCE = 1.5
"""Seconds without a sign of life after which a worker's work is taken over: the lease of these tests."""


class _Adapter:
    """An engine on a database."""

    def __init__(self, url, *, now=utc_now):
        self.engine = connect(url)
        self.execution = self.made(now)

    @contextmanager
    def transaction(self):
        with writing(self.engine) as tx:
            yield tx

    def stored(self):
        """How many wakes are stored, counted now."""
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(f"SELECT count(*) FROM {self.table}").scalar()

    def close(self):
        self.engine.dispose()


class Embedded(_Adapter):
    """The embedded engine on a SQLite file."""

    table = "livery_wake"

    @staticmethod
    @contextmanager
    def database(folder, postgres):
        del postgres
        yield f"sqlite:///{folder}/livery.db"

    def made(self, now):
        return EmbeddedExecution(self.engine, now=now, on_takeover=list, patience=PATIENCE)


class PgQueuer(_Adapter):
    """PgQueuer on PostgreSQL."""

    table = "livery_pgqueuer"

    @staticmethod
    @contextmanager
    def database(folder, postgres):
        del folder
        with databases.database(postgres()) as url:
            yield url

    def made(self, now):
        return PgQueuerExecution(self.engine, now=now, patience=PATIENCE)


ADAPTERS = {"embedded": Embedded, "pgqueuer": PgQueuer}
