"""What follow-ups hang on: the far side's id of the first message about a matter, at one destination."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from livery.ports.values import Claim
from livery.storage import schema
from livery.storage.database import micros, unless_there

_TABLE = schema.thread
_FIRST = select(_TABLE.c.reference).where(
    _TABLE.c.destination == bindparam("destination_"), _TABLE.c.thread == bindparam("thread_")
)


def first(tx: Connection, destination: str, thread: str) -> str:
    """The reference of the first message of a thread; empty if there is none yet, or no thread."""
    if not thread:
        return ""
    return str(tx.execute(_FIRST, {"destination_": destination, "thread_": thread}).scalar() or "")


def keep(tx: Connection, claim: Claim, reference: str, *, now: datetime) -> None:
    """Remember a message as the first of its thread, if it is."""
    if claim.envelope.thread and reference:
        row = {"destination": claim.delivery.destination_key, "thread": claim.envelope.thread}
        tx.execute(unless_there(tx.dialect.name, _TABLE), {**row, "reference": reference, "at": micros(now)})
