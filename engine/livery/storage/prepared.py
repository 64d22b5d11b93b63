"""Prepared statements: compiled once for each database, and run by its driver with the values of many rows at once.

What PostgreSQL is to write in many rows is one statement over arrays of their values.

For what runs with every message. SQLAlchemy takes longer to put a statement and its values together than a database
takes to run it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Connection, Executable, Table, Text, any_, bindparam, insert, update

Row = Mapping[str, Any]
_S = TypeVar("_S", bound=Executable)
_Run = Callable[[Sequence[Row]], Any]
_ARRAYS = {str: "text[]", int: "bigint[]", bytes: "bytea[]"}
_DIRECT = ("sqlite", "pysqlite")
"""Where the driver is called without SQLAlchemy in between, which takes as long as SQLite itself."""


def among(
    column: ColumnElement[Any], name: str, made: Callable[[ColumnElement[bool]], _S]
) -> Callable[[Connection], _S]:
    """A statement about the rows whose column has one of the values given as `name`, by the connection it is for.

    PostgreSQL is given one array, so that it is the same statement for however many, and planned once.
    """
    listed = made(column.in_(bindparam(name, expanding=True)))
    at_once = made(column == any_(bindparam(name, type_=ARRAY(Text))))
    return lambda tx: at_once if tx.dialect.name == "postgresql" else listed


class Prepared:
    """A statement that writes.

    Args:
        made: gives the statement in the words of a database, by its dialect's name; its values are plain text, numbers
            and bytes.
        columns: of an INSERT, the columns that its rows give.

    """

    def __init__(self, made: Callable[[str], Executable], columns: Sequence[str] | None = None) -> None:
        self._made, self._columns = made, columns
        self._compiled: dict[tuple[str, str], tuple[str, _Run]] = {}

    def run(self, tx: Connection, rows: Sequence[Row]) -> int:
        """Run it with each of the rows: how many rows of the table were written in all, as far as the driver says."""
        if not rows:
            return 0
        words = (tx.dialect.name, tx.dialect.driver)
        compiled = self._compiled.get(words)
        if compiled is None:
            compiled = self._compiled[words] = self._compile(tx)
        text, values = compiled
        if words == _DIRECT:
            driven: Any = tx.connection.dbapi_connection
            return int(driven.executemany(text, values(rows)).rowcount)
        return int(tx.exec_driver_sql(text, values(rows)).rowcount)

    def _compile(self, tx: Connection) -> tuple[str, _Run]:
        statement: Any = self._made(tx.dialect.name)
        compiled = statement.compile(dialect=tx.dialect, column_keys=self._columns)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        names = compiled.positiontup
        if names is None:
            return str(compiled), lambda rows: [{**fixed, **row} for row in rows]
        if len(names) == 1 or fixed:
            return str(compiled), lambda rows: [
                tuple([row[n] if n in row else fixed[n] for n in names]) for row in rows
            ]
        return str(compiled), lambda rows: list(map(itemgetter(*names), rows))


class _AtOnce(Prepared):
    """A statement of many rows, which PostgreSQL is given over arrays: its text, and the names of the values."""

    _at_once: tuple[str, Sequence[str]]

    def _compile(self, tx: Connection) -> tuple[str, _Run]:
        return _over_arrays(*self._at_once) if _takes_arrays(tx) else super()._compile(tx)


class Adding(_AtOnce):
    """An INSERT of rows of a table, with these columns."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        super().__init__(lambda _: insert(table), columns)
        named = ", ".join(columns)
        values = _unnested(table, columns)
        self._at_once = (
            f"INSERT INTO {table.name} ({named}) SELECT * FROM {values}",  # noqa: S608 - names of ours
            columns,
        )


class Setting(_AtOnce):
    """An UPDATE of rows of a table: `name_` is a row's value for the column `name`.

    Args:
        table: the table.
        keys: the columns by which a row is found, beside what is `fixed`.
        names: the columns that are set.
        fixed: what other columns hold in a row that may be written.

    """

    def __init__(self, table: Table, keys: Sequence[str], names: Sequence[str], **fixed: str) -> None:
        given: dict[str, Any] = {name: bindparam(f"{name}_") for name in (*keys, *names)}
        found = [table.c[key] == given[key] for key in keys] + [table.c[key] == value for key, value in fixed.items()]
        super().__init__(lambda _: update(table).where(*found).values({name: given[name] for name in names}))
        change = ", ".join(f"{name} = given.{name}" for name in names)
        where = [f"{table.name}.{key} = given.{key}" for key in keys]
        where += [f"{table.name}.{key} = '{value}'" for key, value in fixed.items()]
        values = _unnested(table, (*keys, *names), "_")
        self._at_once = (
            f"UPDATE {table.name} SET {change} FROM {values} WHERE {' AND '.join(where)}",  # noqa: S608 - as above
            [f"{name}_" for name in (*keys, *names)],
        )


def _takes_arrays(tx: Connection) -> bool:
    return (tx.dialect.name, tx.dialect.driver) == ("postgresql", "psycopg")


def _unnested(table: Table, columns: Iterable[str], end: str = "") -> str:
    """Rows out of one array a column, in binary: as text, each value would be looked through for what to escape."""
    kinds = ((name, table.c[name].type) for name in columns)
    arrays = [f"%({name}{end})b::{_ARRAYS[getattr(kind, 'impl_instance', kind).python_type]}" for name, kind in kinds]
    return f"unnest({', '.join(arrays)}) AS given ({', '.join(columns)})"


def _over_arrays(text: str, names: Sequence[str]) -> tuple[str, _Run]:
    return text, lambda rows: {name: [row[name] for row in rows] for name in names}
