"""A host with a table of orders: the order's failure and its event are committed together, or not at all.

python examples/host_orders.py
"""

import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table, create_engine, insert

from livery import Config, Engine
from livery.testing import MailServer

metadata = MetaData()
orders = Table("orders", metadata, Column("id", String, primary_key=True), Column("state", String))


def failed(order: str, reason: str) -> dict[str, Any]:
    """The event of a failed order. Its id follows from the order, so that a second run is no second event."""
    return {
        "specversion": "1.0",
        "id": f"{order}-provision-error",
        "source": "/shop/orders",
        "type": "OfferProvisionError",
        "data": {
            "seller": {"id": "acme", "name": "Acme"},
            "customer": {"id": "c-7", "name": "Custo. Org N."},
            "user": {"id": "u-1", "name": "Ada Buyer", "email": "ada.buyer@custo.example"},
            "order": {"id": order},
            "offer": {"name": "Mail Plus"},
            "error": {"message": reason},
        },
    }


def fail(livery: Engine, connection: Connection, order: str, *, crash: bool = False) -> None:
    """The host's own work: one row and one event, in the transaction the connection has begun."""
    connection.execute(insert(orders).values(id=order, state="failed"))
    livery.accept(failed(order, "The licence pool is empty."), connection=connection)
    if crash:
        raise RuntimeError("the host fails after the event was accepted")


def main(folder: Path) -> list[str]:
    """Two orders, one of them rolled back; returns the subjects of the mails that were sent."""
    url = f"sqlite:///{folder / 'shop.db'}"
    database = create_engine(url)
    metadata.create_all(database)
    with MailServer() as mail:
        config = Config(
            database_url=url,  # the same database: that is what makes one transaction of it
            channels={"smtp": {"port": mail.port}},
            tenants={"platform": {}, "acme": {"parent": "platform", "name": "Acme"}},
        )
        with Engine.open(config) as livery:
            livery.migrate()  # makes Livery's tables now: it cannot while a transaction of the host's is writing
            try:
                with database.begin() as connection:
                    fail(livery, connection, "ORD-1", crash=True)
            except RuntimeError as error:
                print(f"ORD-1 rolled back: {error}")
            with database.begin() as connection:
                fail(livery, connection, "ORD-2")
            livery.drain()
            for delivery in livery.deliveries():
                print(f"{delivery.event_id}: {delivery.state}")
        database.dispose()
        return [received.parsed["Subject"] for received in mail.mails]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for subject in main(Path(folder)):
            print(subject)
