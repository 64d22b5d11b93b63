"""Purging: how the personal text leaves deliveries, their attempts and their events, so that the record stays.

Owns what of a row is personal text. Gone are the message, title, addresses, the trace, excerpts of answers and, with
the last delivery, the event's body. Kept are ids, seller, channel, times, states, reasons and codes, and a keyed hash
of every address: whoever has the address and the key can still say whether it was written to.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from livery.addresses import normal
from livery.models.message import Envelope
from livery.storage import schema
from livery.storage.database import micros, moment
from livery.storage.rows import Row, attempt_of
from livery.vault import Vault

TOLD = "told"
"""What addresses are hashed for."""
_DELIVERY, _ATTEMPT, _EVENT = schema.delivery, schema.attempt, schema.event
_GONE = ("purged_at", "title", "envelope", "destination", "told")
_BARE = (
    update(_DELIVERY)
    .where(_DELIVERY.c.id == bindparam("id_"))
    .values(
        {name: bindparam(f"{name}_") for name in _GONE}
        | {"wire": None, "settled": "{}", "warnings": "[]", "degraded": "[]", "trace": "{}"}
    )
)
_BARE_ATTEMPT = (
    update(_ATTEMPT)
    .where(_ATTEMPT.c.delivery == bindparam("delivery_"), _ATTEMPT.c.number == bindparam("number_"))
    .values(outcome=bindparam("outcome_"))
)


def purge(tx: Connection, rows: Sequence[Row], *, vault: Vault, now: datetime) -> None:
    """Take the personal text out of settled deliveries, given as whole rows, and of the events that have none left."""
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA secure_delete=ON").close()  # else it stays readable in pages that are free
    tx.execute(_BARE, [_bare(row, vault, now) for row in rows])
    ids = [row["id"] for row in rows]
    attempts = tx.execute(select(_ATTEMPT).where(_ATTEMPT.c.delivery.in_(ids))).mappings().all()
    bare = [
        {
            "delivery_": one["delivery"],
            "number_": one["number"],
            "outcome_": attempt_of(one).outcome.model_copy(update={"detail": "", "recipients": ()}).model_dump_json(),
        }
        for one in attempts
    ]
    if bare:
        tx.execute(_BARE_ATTEMPT, bare)
    purge_events(tx, {row["event_key"] for row in rows})


def purge_events(tx: Connection, keys: Collection[str]) -> int:
    """Take the body out of those of these events that no delivery needs any more: how many are bare now."""
    held = select(_DELIVERY.c.event_key).where(_DELIVERY.c.event_key.in_(keys), _DELIVERY.c.purged_at.is_(None))
    gone = set(keys) - set(tx.execute(held).scalars())
    mine = update(_EVENT).where(_EVENT.c.key.in_(gone), _EVENT.c.planned_at.is_not(None))
    return tx.execute(mine.values(body=b"", audience=None)).rowcount


def _bare(row: Row, vault: Vault, now: datetime) -> dict[str, Any]:
    bare = Envelope(
        delivery_id=row["id"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        created_at=moment(row["created_at"]),
    )
    addresses = Envelope.model_validate_json(row["envelope"]).addresses
    told = [mark for one in addresses if (mark := vault.hashed(normal(one) or one, context=TOLD))]
    return {
        "id_": row["id"],
        "purged_at_": micros(now),
        "title_": "",
        "envelope_": bare.model_dump_json(),
        "destination_": "" if row["endpoint"] is None else row["destination"],  # an endpoint's label is no person's
        "told_": json.dumps(sorted(set(told))),
    }
