"""Revisions: a number for each kind of thing that is kept in memory, moved on with every change of it."""

from sqlalchemy import Connection, Engine, select

from livery.storage import schema
from livery.storage.database import told, upsert


def current(engine: Engine) -> dict[str, int]:
    """Every revision by its name; one never moved is not in it."""
    table = schema.revision
    with told(), engine.connect() as connection:
        return {str(name): int(value) for name, value in connection.execute(select(table.c.name, table.c.value))}


def move(tx: Connection, name: str) -> None:
    """Move a revision on, as part of the change it tells of. Two changes of one kind wait for each other here."""
    table = schema.revision
    statement = upsert(tx, table).values(name=name, value=1)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": table.c.value + 1}))
