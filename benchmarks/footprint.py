"""What a delivery takes on disk in PostgreSQL: as it was sent, without its message, without its personal text.

Usage: python benchmarks/footprint.py [EVENTS]. Prints bytes a delivery, tables with their indexes, from one run.
"""

import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import databases  # noqa: E402 - the tests' PostgreSQL
from livery import Config, Engine  # noqa: E402
from livery.testing import MailServer  # noqa: E402

EVENT = json.loads((ROOT / "examples/events/offer_provision_error.de.json").read_text("utf-8"))
TABLES = ("event", "delivery", "attempt")


def sizes(engine: Engine, deliveries: int) -> dict[str, int]:
    """Bytes a delivery, after what was removed has been given back."""
    store = engine._opened().ledger.engine  # noqa: SLF001 - our own
    found = {}
    with store.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in TABLES:
            connection.execute(text(f"VACUUM FULL livery_{table}"))
            size = connection.execute(text(f"SELECT pg_total_relation_size('livery_{table}')")).scalar()
            found[table] = round(int(size or 0) / deliveries)
    return found


def main(count: int) -> None:
    logging.disable(logging.WARNING)
    later = [timedelta()]
    with MailServer() as mail, databases.server() as where, databases.database(where) as url:
        channels = {"smtp": {"host": "127.0.0.1", "port": mail.port}}
        config = Config.load(None, database_url=url, channels=channels)
        with Engine(config, now=lambda: datetime.now(UTC) + later[0]) as engine:
            engine.tenants.add("platform")
            engine.tenants.add(EVENT["data"]["seller"]["id"], parent="platform", name="A seller")
            engine.accept_all([{**EVENT, "id": f"e{number}"} for number in range(count)])
            engine.drain()
            deliveries = sum(engine.counts().values())
            rows = [("as sent", sizes(engine, deliveries))]
            for what, days in (("without messages", 31), ("without personal text", 181)):
                later[0] = timedelta(days=days)
                engine.retention.prune(rest=0)
                rows.append((what, sizes(engine, deliveries)))
    print(f"{deliveries} deliveries of {len(json.dumps(EVENT))}-byte events; bytes a delivery, with indexes\n")
    print(f"{'':24}" + "".join(f"{table:>10}" for table in TABLES) + f"{'in all':>10}")
    for what, found in rows:
        print(f"{what:24}" + "".join(f"{found[table]:>10,}" for table in TABLES) + f"{sum(found.values()):>10,}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
