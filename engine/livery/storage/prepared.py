"""Prepared statements: compiled once for each database, and run by its driver with the values of many rows at once.

For what runs with every message. SQLAlchemy takes longer to put a statement and its values together than a database
takes to run it.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Executable

Row = Mapping[str, Any]
_Run = Callable[[Sequence[Row]], Any]


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
