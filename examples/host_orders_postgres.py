"""A host on PostgreSQL: order and event are one transaction, in each way a host may write; a worker elsewhere delivers.

LIVERY_DATABASE_URL=postgresql://… python examples/host_orders_postgres.py
"""

import asyncio
import os
from typing import Any

import asyncpg
import psycopg
import sqlalchemy
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

from livery import Config, Engine
from livery.testing import MailServer

ORDERS = "CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, state text NOT NULL)"


def failed(order: str) -> dict[str, Any]:
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
            "error": {"message": "The licence pool is empty."},
        },
    }


def with_sqlalchemy(livery: Engine, database: sqlalchemy.Engine, order: str, *, crash: bool = False) -> None:
    """One row and one event in a session; both are gone if the host fails before it commits."""
    with Session(database) as session, session.begin():
        session.execute(text("INSERT INTO orders VALUES (:id, 'failed')"), {"id": order})
        livery.accept(failed(order), connection=session)
        if crash:
            raise RuntimeError("the host fails after the event was accepted")


def with_psycopg(livery: Engine, url: str, order: str) -> None:
    """The same on a plain psycopg connection."""
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO orders VALUES (%s, 'failed')", [order])
        livery.accept(failed(order), connection=connection)


async def with_asyncpg(livery: Engine, url: str, order: str) -> None:
    """The same where an event loop runs."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("INSERT INTO orders VALUES ($1, 'failed')", order)
            await livery.accept_async(failed(order), connection=connection)
    finally:
        await connection.close()


def main(url: str) -> list[str]:
    """Four orders, one of them rolled back; returns the subjects of the mails that were sent."""
    with MailServer() as mail, psycopg.connect(url) as connection:
        connection.execute(ORDERS)
        connection.commit()
        config = Config(
            database_url=url,  # the same database: that is what makes one transaction of it
            channels={"smtp": {"port": mail.port}},
            tenants={"platform": {}, "acme": {"parent": "platform", "name": "Acme"}},
        )
        database = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        with Engine.open(config) as livery:
            livery.migrate()
            try:
                with_sqlalchemy(livery, database, "ORD-1", crash=True)
            except RuntimeError as error:
                print(f"ORD-1 rolled back: {error}")
            with_sqlalchemy(livery, database, "ORD-2")
            with_psycopg(livery, url, "ORD-3")
            asyncio.run(with_asyncpg(livery, url, "ORD-4"))
            livery.drain()  # a worker on any machine does the same: `livery worker`
            for delivery in livery.deliveries():
                print(f"{delivery.event_id}: {delivery.state}")
        database.dispose()
        return sorted(str(received.parsed["Subject"]) for received in mail.mails)


if __name__ == "__main__":
    for subject in main(os.environ["LIVERY_DATABASE_URL"]):
        print(subject)
