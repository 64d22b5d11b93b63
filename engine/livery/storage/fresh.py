"""How a store gets its tables: a new one on SQLite by one script, every other by the migrations it lacks.

The script is what the migrations come to. Replaying them takes twelve times as long, and Alembic as long again to
import: most stores of tests, and every first command in a folder, would wait for nothing else.
"""

from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect

from livery.storage.schema import HEAD, VERSION_TABLE

_MIGRATIONS = Path(__file__).parent / "migrations"
SCRIPT = _MIGRATIONS / "sqlite.sql"
"""Written by docs/generate.py; a test compares."""
_BETWEEN = ";\n\n"
_OF = f"-- all migrations up to {HEAD}"


def make(connection: Connection) -> None:
    """Bring the tables up to date, within the transaction that is open."""
    if connection.dialect.name == "sqlite" and (statements := _statements()) and not _has_any(connection):
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES ('{HEAD}')")  # noqa: S608 - both are ours
    else:
        replay(connection)


def _has_any(connection: Connection) -> bool:
    return inspect(connection).has_table(VERSION_TABLE)


def _statements() -> list[str]:
    """Those of the script; none if it does not know the newest migration, while one is being written."""
    first, *others = SCRIPT.read_text("utf-8").rstrip().split(_BETWEEN) if SCRIPT.exists() else [""]
    return others if first == _OF else []


def replay(connection: Connection) -> None:
    """Run the migrations that are missing, within the transaction that is open."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def script() -> str:
    """What the script has to say: the tables and indexes that all migrations leave behind."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        replay(connection)
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_' ORDER BY rowid"
        )
        statements = [sql for (sql,) in made]
    engine.dispose()
    return _BETWEEN.join([_OF, *statements]) + "\n"
