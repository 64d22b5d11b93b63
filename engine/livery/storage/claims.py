"""Claims: what workers write of deliveries, many at once: the lease and the attempt, the bytes to send, the end.

Every write is fenced: who lost a lease changes nothing. Owns the statements of the hot path of a worker.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from livery.models.delivery import OPEN, Reason, State
from livery.ports import Again, Breaker, Claim, Dead, Done, Settled, Settlement, StoredEvent, Verdict, Wire
from livery.storage import destinations, schema, threads
from livery.storage.admission import Admission
from livery.storage.database import micros, moment
from livery.storage.pauses import Pauses
from livery.storage.prepared import Adding, Setting, among
from livery.storage.rows import Row, attempt_row, claim_of, started

MAX_CRASHES = 3
_A_MOMENT = timedelta(milliseconds=50)
_OPEN = frozenset(state.value for state in OPEN)
_EVENT, _DELIVERY, _ATTEMPT = schema.event, schema.delivery, schema.attempt
# In one order everywhere: workers that want the same deliveries wait for each other, and never in a circle.
_WANTED = among(
    _DELIVERY.c.id, "ids_", lambda mine: select(_DELIVERY).where(mine).order_by(_DELIVERY.c.id).with_for_update()
)
_STORED = [_EVENT.c[name] for name in ("key", "tenant", "body", "accepted_at", "tries", "type")]
_EVENTS = among(_EVENT.c.key, "keys_", lambda mine: select(*_STORED).where(mine))
_BY_ID = update(_DELIVERY).where(_DELIVERY.c.id == bindparam("id_"))
_LEASED = ("state", "attempts", "crashes", "fence", "lease_until", "admission")
_LEASE = Setting(_DELIVERY, ["id"], _LEASED)
_END = _BY_ID.values(
    {name: bindparam(f"{name}_") for name in ("state", "reason", "settled_at", "lease_until", "fence")}
)
_TRIED = ("started_at", "duration_us", "status", "reason", "outcome", "worker")
_BEGIN_ATTEMPT = Adding(_ATTEMPT, ("delivery", "number", *_TRIED))
_END_ATTEMPT = Setting(_ATTEMPT, ["delivery", "number"], _TRIED)


def _fenced(*names: str) -> Setting:
    return Setting(_DELIVERY, ["id", "fence"], names, state=State.SENDING.value)


_EXTEND = _fenced("lease_until")
_KEEP_WIRE = _fenced("wire", "title", "locale", "degraded", "trace")
_SETTLE = _fenced("state", "reason", "due_at", "lease_until", "crashes", "settled", "settled_at")


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom what is to be claimed depends on beside its own row."""

    tx: Connection
    now: datetime
    lease: timedelta
    breaker: Breaker
    admission: Admission
    pauses: Pauses


def claim(asking: Asking, ids: Sequence[str], worker: str) -> list[Claim | Verdict]:
    """See `livery.ports.Store.claim_all`."""
    tx, now = asking.tx, asking.now
    rows = {row["id"]: dict(row) for row in tx.execute(_WANTED(tx), {"ids_": sorted(set(ids))}).mappings()}
    troubled = destinations.troubled(tx, {row["destination_key"] for row in rows.values()})
    found: dict[str, Verdict] = {}
    leased: list[Row] = []
    # Destinations' rows are locked in one order everywhere.
    for id_ in sorted(set(ids), key=lambda id_: (rows[id_]["destination_key"] if id_ in rows else "", id_)):
        verdict = _verdict(asking, rows.get(id_), troubled)
        if verdict is None:
            leased.append(_leased(rows[id_], now, asking.lease))
        else:
            found[id_] = verdict
    _LEASE.run(tx, [{"id_": row["id"], **_named(row, _LEASED)} for row in leased])
    _BEGIN_ATTEMPT.run(tx, [_begun(row, micros(now), worker) for row in leased])
    claims = _claims(tx, leased)
    return [found[id_] if id_ in found else claims[id_] for id_ in ids]


def _verdict(asking: Asking, row: Row | None, troubled: Mapping[str, Row]) -> Verdict | None:
    """Why a delivery is not claimed; None if it is."""
    tx, now = asking.tx, asking.now
    if row is None or row["state"] not in _OPEN:
        return Done()
    if row["lease_until"] is not None and row["lease_until"] >= micros(now):
        return Again(min(moment(row["lease_until"]) - now, asking.lease) + _A_MOMENT)
    if _crashes(row) >= MAX_CRASHES:
        _end(tx, row, State.DEAD, Reason.WORKER_CRASHED, now)
        return Dead(Reason.WORKER_CRASHED)
    held = asking.pauses.wait(tx, row, now)
    if held is not None:
        return _waits(tx, row, held, {})
    if row["destination_key"] in troubled:
        why = destinations.refusal(tx, row, now=now, lease=asking.lease, breaker=asking.breaker)
        if isinstance(why, Again):
            return _waits(tx, row, why.after, {})
        if why:
            _end(tx, row, State.SUPPRESSED, Reason.DISABLED, now)
            return Dead(Reason.DISABLED)
    refused = asking.admission.refusal(tx, row, now)
    return _waits(tx, row, refused.after, refused.values) if refused else None


def _waits(tx: Connection, row: Row, after: timedelta, values: Mapping[str, Any]) -> Again:
    if row["state"] == State.SENDING:
        values = {"state": State.RETRYING.value, "crashes": _crashes(row), "lease_until": None, **values}
    if values:
        tx.execute(_BY_ID.values(**values), {"id_": row["id"]})
    return Again(after)


def _crashes(row: Row) -> int:
    """A delivery still `sending` when it is claimed was never settled: its worker died with it."""
    return int(row["crashes"] + (row["state"] == State.SENDING))


def _leased(row: Row, now: datetime, lease: timedelta) -> Row:
    return {
        **row,
        "state": State.SENDING.value,
        "attempts": row["attempts"] + 1,
        "crashes": _crashes(row),
        "fence": row["fence"] + 1,
        "lease_until": micros(now + lease),
        "admission": 0,
    }


def _begun(row: Row, at: int, worker: str) -> Row:
    return {**started(), "delivery": row["id"], "number": row["attempts"], "started_at": at, "worker": worker}


def _claims(tx: Connection, rows: Sequence[Row]) -> dict[str, Claim]:
    if not rows:
        return {}
    keys = sorted({row["event_key"] for row in rows})
    events = {
        one.key: StoredEvent(one.key, one.tenant, bytes(one.body), moment(one.accepted_at), one.tries, one.type)
        for one in tx.execute(_EVENTS(tx), {"keys_": keys})
    }
    claims = [claim_of(row, events[row["event_key"]]) for row in rows]
    return {one.delivery.id: one for one in threads.follow(tx, claims)}


def _end(tx: Connection, row: Row, state: State, reason: Reason, now: datetime) -> None:
    values = {"state": state.value, "reason": reason.value, "settled_at": micros(now), "lease_until": None}
    tx.execute(_END, {"id_": row["id"], "fence_": row["fence"] + 1, **_named(values, values)})


def extend(tx: Connection, claims: Sequence[Claim], until: datetime) -> bool:
    """Hold leases longer; False if the fence of any is stale, and then none of it counts."""
    return _EXTEND.run(tx, [{**_fence(one), "lease_until_": micros(until)} for one in claims]) == len(claims)


def keep_wires(tx: Connection, wires: Sequence[Wire]) -> list[bool] | None:
    """Keep the bytes about to be sent; None if the fence of any is stale, and then none of it counts."""
    rows = [
        {
            **_fence(one.claim),
            "wire_": one.wire,
            "title_": one.message.title,
            "locale_": one.message.locale,
            "degraded_": json.dumps(one.message.degraded),
            "trace_": _traced(one),
        }
        for one in wires
    ]
    return [True] * len(wires) if _KEEP_WIRE.run(tx, rows) == len(wires) else None


def _traced(wire: Wire) -> str:
    """The trace with how it was worded: many rows, which pydantic writes in a third of the time that `json` takes."""
    if wire.wording is None:
        return json.dumps(dict(wire.trace))
    plain = json.dumps({name: one for name, one in wire.trace.items() if name != "wording"})
    return f'{plain[:-1]}{", " if len(plain) > 2 else ""}"wording": {wire.wording.model_dump_json()}}}'  # noqa: PLR2004


def settle(tx: Connection, ends: Sequence[tuple[Claim, Settlement]], *, breaker: Breaker) -> list[Settled] | None:
    """Record ends; None if the fence of any is stale, and then none of it counts."""
    ended = [end.attempt.ended_at for _, end in ends]
    rows = [{**_fence(claim), **_settled(end, at)} for (claim, end), at in zip(ends, ended, strict=True)]
    if _SETTLE.run(tx, rows) != len(ends):
        return None
    attempts = (attempt_row(claim.delivery.id, end.attempt) for claim, end in ends)
    _END_ATTEMPT.run(tx, [_named(row, row) for row in attempts])
    threads.keep(tx, [(claim, end.attempt.outcome.reference, at) for (claim, end), at in zip(ends, ended, strict=True)])
    return destinations.noted(tx, ends, ended, breaker=breaker)


def _settled(end: Settlement, at: datetime) -> Row:
    return {
        "state_": end.state.value,
        "reason_": end.reason.value if end.reason else None,
        "due_at_": micros(end.due),
        "lease_until_": None,
        "crashes_": 0,
        "settled_": json.dumps(dict(end.settled)),
        "settled_at_": None if end.state in OPEN else micros(at),
    }


def _fence(claim: Claim) -> dict[str, Any]:
    return {"id_": claim.delivery.id, "fence_": claim.fence}


def _named(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {f"{name}_": row[name] for name in names}
