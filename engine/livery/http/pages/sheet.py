"""Deliveries as a sheet: CSV that spreadsheets open, in which no text of an event can become a formula."""

import csv
import io
from collections.abc import Iterable, Iterator

from livery.models.delivery import Delivery

COLUMNS = (
    "id", "created_at", "settled_at", "state", "reason", "channel", "destination", "event_type", "event_id", "tenant",
    "title", "attempts", "replay_of",
)  # fmt: skip
_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20|%")
"""What makes a spreadsheet take a cell for more than text (OWASP, CSV Injection)."""


def lines(found: Iterable[Delivery]) -> Iterator[str]:
    """RFC 4180 with a byte order mark, by which spreadsheets know that it is UTF-8."""
    yield "\ufeff" + _line(COLUMNS)
    for one in found:
        plain = one.model_dump(mode="json")
        yield _line("" if plain[name] is None else str(plain[name]) for name in COLUMNS)


def harmless(cell: str) -> str:
    """A cell that is text to every spreadsheet."""
    bare = cell.lstrip(" \u00a0\ufeff\u200b\u200e\u200f")
    return f"'{cell}" if bare.startswith(_STARTS) else cell.replace("\x00", "")


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([harmless(one) for one in cells])
    return buffer.getvalue()
