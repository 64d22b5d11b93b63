"""What follow-ups hang on: the far side's id of the first message about a matter, at one destination."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from livery.ports.values import Claim
from livery.storage import schema
from livery.storage.database import micros, unless_there
from livery.storage.prepared import Prepared

_TABLE = schema.thread
_FIRST = select(_TABLE.c.destination, _TABLE.c.thread, _TABLE.c.reference).where(
    _TABLE.c.destination.in_(bindparam("destinations_", expanding=True)),
    _TABLE.c.thread.in_(bindparam("threads_", expanding=True)),
)
_KEEP = Prepared(lambda dialect: unless_there(dialect, _TABLE), ("destination", "thread", "reference", "at"))


def follow(tx: Connection, claims: Sequence[Claim]) -> list[Claim]:
    """The claims, each with the reference of the first message of its thread, if there is one yet."""
    asked = [(one.delivery.destination_key, one.envelope.thread) for one in claims]
    if not any(thread for _, thread in asked):
        return list(claims)
    given = {
        "destinations_": sorted({destination for destination, thread in asked if thread}),
        "threads_": sorted({thread for _, thread in asked if thread}),
    }
    first = {(row.destination, row.thread): str(row.reference) for row in tx.execute(_FIRST, given)}
    return [replace(one, thread=first.get(key, "")) for one, key in zip(claims, asked, strict=True)]


def keep(tx: Connection, sent: Sequence[tuple[Claim, str, datetime]]) -> None:
    """Remember messages, each with the far side's reference to it, as the first of their threads, if they are."""
    rows = [
        {
            "destination": claim.delivery.destination_key,
            "thread": claim.envelope.thread,
            "reference": reference,
            "at": micros(at),
        }
        for claim, reference, at in sent
        if claim.envelope.thread and reference
    ]
    _KEEP.run(tx, sorted(rows, key=lambda row: (row["destination"], row["thread"])))
