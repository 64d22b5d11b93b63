"""Connections to PostgreSQL: how they are opened, and that a dead one is noticed. Only `database` imports it."""

from importlib.util import find_spec
from time import monotonic
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from livery.errors import ConfigError, Problem

_CONNECT_SECONDS = 10
_USED = "livery_used"
_FRESH = 2.0
"""Seconds after its last use in which a connection to PostgreSQL that says nothing is taken to live."""
_COUNTED_ON = """
SELECT set_config('datestyle', 'ISO', false),
    CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END
"""
"""Times as the driver reads them; and what was accepted is on the disk."""


def opened(url: URL) -> Engine:
    """An engine that connects by psycopg 3, whatever driver the URL names or leaves out.

    Raises:
        ConfigError: psycopg is not installed.

    """
    if not find_spec("psycopg"):
        raise ConfigError("the store:", [Problem("database_url", "pip install 'livery[postgres]' for PostgreSQL")])
    options: dict[str, Any] = {"client_encoding": "utf8"}
    if "connect_timeout" not in url.query:
        options["connect_timeout"] = _CONNECT_SECONDS
    url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, connect_args=options, isolation_level="READ COMMITTED")
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "checkin", _on_use)
    event.listen(engine, "checkout", _on_checkout)
    return engine


def _on_connect(raw: Any, _: Any) -> None:
    """What a role or a database may have set otherwise, and what is counted on here."""
    cursor = raw.cursor()
    cursor.execute(_COUNTED_ON)
    cursor.close()
    raw.commit()


def _on_use(_: Any, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = monotonic()


def _on_checkout(raw: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """Notice before its use that a connection died.

    To ask takes as long as a small statement. A server that ends a connection tells, and the system of one that was
    killed does: what was used a moment ago and has told nothing since is not asked.
    """
    from select import POLLIN, poll

    if _USED not in record.info:  # just opened
        return
    look = poll()
    try:
        look.register(raw.pgconn.socket, POLLIN)
        if monotonic() - record.info[_USED] >= _FRESH or look.poll(0):
            raw.execute("SELECT 1")
            raw.rollback()
    except Exception as error:
        raise DisconnectionError from error
