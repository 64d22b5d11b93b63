"""Destinations as the ledger knows them: failures in a row, pauses with one probe each, what was disabled.

A destination has a row once an attempt to it has failed. Its lock is the row: of all workers one gets the probe.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from livery.models.delivery import Destination
from livery.ports import Again, Breaker, Claim, Settled, Settlement
from livery.storage import schema
from livery.storage.database import micros, moment, unless_there
from livery.storage.prepared import among
from livery.storage.rows import Row, destination_of

_TABLE = schema.destination
_ONE = select(_TABLE).where(_TABLE.c.key == bindparam("key_"))
_LOCKED = _ONE.with_for_update()
_SOME = among(_TABLE.c.key, "keys_", lambda mine: select(_TABLE).where(mine))
_CHANGE = update(_TABLE).where(_TABLE.c.key == bindparam("key_"))
_NOT_LESS = timedelta(milliseconds=10)


def troubled(tx: Connection, keys: Collection[str]) -> Mapping[str, Row]:
    """Those of these destinations that failed lately, are paused, being probed or disabled. All others do well."""
    if not keys:
        return {}
    rows = tx.execute(_SOME(tx), {"keys_": sorted(keys)}).mappings()
    return {row["key"]: row for row in rows if _is_troubled(row) or row["disabled_at"] is not None}


def refusal(tx: Connection, delivery: Row, *, now: datetime, lease: timedelta, breaker: Breaker) -> Again | str:
    """Whether a delivery must wait for its destination (`Again`), must not be sent (why), or may go (empty)."""
    key = {"key_": delivery["destination_key"]}
    found = tx.execute(_ONE, key).mappings().first()
    if found is None:
        return ""
    if found["disabled_at"] is not None:
        return f"the destination is disabled: {found['disabled_why']}"
    if found["paused_until"] is None:
        return ""
    found = tx.execute(_LOCKED, key).mappings().one()  # of all who find it paused, one is to be the probe
    if found["paused_until"] is None:
        return ""
    left = moment(found["paused_until"]) - now
    if timedelta() < left <= breaker.longest:  # longer than any pause is: the clock was set back
        return Again(left)
    probe, until = found["probe"], found["probe_until"]
    if probe not in (None, delivery["id"]) and until is not None and until > micros(now):
        return Again(max(min(moment(until) - now, lease), _NOT_LESS))
    _change(tx, found["key"], probe=delivery["id"], probe_until=micros(now + lease))
    return ""


def noted(
    tx: Connection, ends: Sequence[tuple[Claim, Settlement]], at: Sequence[datetime], *, breaker: Breaker
) -> list[Settled]:
    """Record what attempts say about their destinations, each with the moment it ended."""
    known = troubled(tx, {claim.delivery.destination_key for claim, _ in ends})
    concerned = set(known) | {
        claim.delivery.destination_key for claim, end in ends if end.disable or end.destination_failed
    }
    settled = [Settled(recorded=True)] * len(ends)
    # Rows are locked in one order everywhere.
    for number in sorted(range(len(ends)), key=lambda one: ends[one][0].delivery.destination_key):
        claim, end = ends[number]
        if claim.delivery.destination_key in concerned:
            settled[number] = _noted(tx, claim, end, now=at[number], breaker=breaker)
    return settled


def _noted(tx: Connection, claim: Claim, end: Settlement, *, now: datetime, breaker: Breaker) -> Settled:
    key = claim.delivery.destination_key
    known = tx.execute(_ONE, {"key_": key}).mappings().first() if key else None
    if not key or not (end.disable or end.destination_failed or _is_troubled(known)):
        return Settled(recorded=True)
    found = _locked(tx, claim, now)
    if end.disable:
        values = {"disabled_at": micros(now), "disabled_why": end.disable, "paused_until": None, "probe": None}
        _put(tx, claim, now, **values)
        return Settled(recorded=True, disabled=True)
    was_probe = found["probe"] == claim.delivery.id
    if end.destination_failed is None:
        if was_probe:
            _change(tx, key, probe=None, probe_until=None)
        return Settled(recorded=True)
    if not end.destination_failed:
        _put(tx, claim, now, failures=0, paused_until=None, probe=None, probe_until=None)
        return Settled(recorded=True, resumed=found["paused_until"] is not None)
    failures, is_paused = found["failures"] + 1, found["paused_until"] is not None
    if (is_paused and not was_probe) or not 0 < breaker.failures <= failures:
        _put(tx, claim, now, failures=found["failures"] if is_paused else failures)
        return Settled(recorded=True)
    until = now + breaker.pause(failures)
    _put(tx, claim, now, failures=failures, paused_until=micros(until), probe=None, probe_until=None)
    return Settled(recorded=True, paused_until=until)


def listed(connection: Connection, *, troubled: bool, tenants: Collection[str] | None = None) -> Sequence[Destination]:
    """Every destination that ever failed; or only those that are paused or disabled now. Of these tenants alone."""
    statement = select(_TABLE).order_by(_TABLE.c.tenant, _TABLE.c.channel, _TABLE.c.label)
    if troubled:
        statement = statement.where(or_(_TABLE.c.paused_until.is_not(None), _TABLE.c.disabled_at.is_not(None)))
    if tenants is not None:
        statement = statement.where(_TABLE.c.tenant.in_(sorted(tenants)))
    return [destination_of(row) for row in connection.execute(statement).mappings()]


def switched(tx: Connection, key: str, *, now: datetime, disabled: str) -> Row | None:
    """Disable a destination (why), or enable it and end its pause (empty). None if it is not known."""
    found = tx.execute(_LOCKED, {"key_": key}).mappings().first()
    if found is not None:
        values: dict[str, Any] = {"disabled_at": micros(now)} if disabled else {"disabled_at": None, "failures": 0}
        values |= {"disabled_why": disabled, "paused_until": None, "probe": None, "probe_until": None}
        _change(tx, key, **values, changed_at=micros(now))
    return found


def _is_troubled(found: Row | None) -> bool:
    return found is not None and any(found[name] for name in ("failures", "paused_until", "probe"))


def _locked(tx: Connection, claim: Claim, now: datetime) -> Row:
    """The row of a claim's destination, locked; made first, if there is none yet."""
    key = {"key_": claim.delivery.destination_key}
    found = tx.execute(_LOCKED, key).mappings().first()
    if found is None:
        row = {"key": claim.delivery.destination_key, **_named(claim, now)}
        tx.execute(unless_there(tx.dialect.name, _TABLE), row)
        found = tx.execute(_LOCKED, key).mappings().one()
    return found


def _put(tx: Connection, claim: Claim, now: datetime, **values: Any) -> None:
    _change(tx, claim.delivery.destination_key, **_named(claim, now), **values)


def _named(claim: Claim, now: datetime) -> dict[str, Any]:
    one = claim.delivery
    label = claim.endpoint.label if claim.endpoint else f"{one.channel} of {one.tenant}"
    return {"tenant": one.tenant, "channel": one.channel, "label": label, "changed_at": micros(now)}


def _change(tx: Connection, key: str, **values: Any) -> None:
    tx.execute(_CHANGE.values(**values), {"key_": key})
