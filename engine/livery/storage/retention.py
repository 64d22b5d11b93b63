"""Retention: what was done leaves the store with age, a little at a time.

Owns how far the store is thinned out. Everything goes in batches, each a transaction of its own that changes a few
hundred rows, with a rest after it several times as long: workers wait for a batch at most. What is settled is found
by the moment it was settled; up to where that was looked at is kept, so that nothing is looked at twice.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event as Signal
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, update

from livery.addresses import normal
from livery.ids import first_id
from livery.policies import RetentionPolicy
from livery.ports import Now
from livery.storage import purging, schema
from livery.storage.database import micros, moment, slices, upsert
from livery.storage.ledger import Ledger
from livery.vault import Vault

log = logging.getLogger("livery.retention")
_BATCH = 200
_REST = 4.0
"""How many times as long as a batch took the rest after it is: at most a fifth of the time is spent."""
_PRUNING = 0x6C697670
"""The lock of whoever thins out a PostgreSQL store."""
_EVENT, _DELIVERY, _ATTEMPT = schema.event, schema.delivery, schema.attempt
_RETENTION = schema.retention


@dataclass(frozen=True, slots=True)
class _Step:
    """One kind of what leaves. `batch` takes what is older than a moment, some of it; whether there may be more."""

    name: str
    days: int
    batch: Callable[[Connection, int, Counter[str]], bool]


class Retention:
    """Thins out one store as `[retention]` says; safe from any thread, in any number of processes.

    Args:
        ledger: the store.
        policy: how long what stays.
        vault: what addresses are hashed with.
        now: the clock.
        batch: how many rows go at a time.

    """

    def __init__(self, ledger: Ledger, policy: RetentionPolicy, vault: Vault, *, now: Now, batch: int = _BATCH) -> None:
        self._ledger, self._policy, self._vault, self._now, self._batch = ledger, policy, vault, now, batch

    def prune(
        self, *, seconds: float | None = None, rest: float | None = None, stop: Signal | None = None
    ) -> Counter[str]:
        """Remove what is too old: how many of what. Idempotent, and may be broken off at any time.

        Args:
            seconds: stop after so long, even if there is more; None for all there is.
            rest: how many times as long as a batch took to rest after it; four if None.
            stop: set it to stop after the batch under way.

        """
        done, stop = Counter[str](), stop or Signal()
        until = None if seconds is None else time.monotonic() + seconds
        for step in self._steps():
            if not step.days:
                continue
            cutoff = micros(self._now() - timedelta(days=step.days))
            while not stop.is_set() and (until is None or time.monotonic() < until):
                began = time.monotonic()
                with self._ledger.transaction() as tx:
                    if not _alone(tx):
                        return +done
                    goes_on = step.batch(tx, cutoff, done)
                if not goes_on:
                    break
                stop.wait((time.monotonic() - began) * (_REST if rest is None else rest))
        if any(done.values()):
            log.info("removed for age: %s", ", ".join(f"{count} {what}" for what, count in done.items() if count))
        return +done

    def was_told(self, delivery: str, address: str) -> bool:
        """Whether a delivery whose text is purged was for this address; needs the key it was hashed with.

        False, too, for one that is not purged: its addresses can be read.
        """
        told = select(_DELIVERY.c.told).where(_DELIVERY.c.id == delivery)
        with self._ledger.transaction() as tx:
            kept = tx.execute(told).scalar() or "[]"
        asked = normal(address) or address
        return any(f'"{mark}"' in kept for mark in self._vault.hashes(asked, context=purging.TOLD))

    def _steps(self) -> list[_Step]:
        policy = self._policy
        return [
            _Step("messages", policy.message_days, self._messages),
            _Step("texts", policy.text_days, self._texts),
            _Step("event texts", policy.text_days, self._event_texts),
            _Step("suppressions", policy.text_days, self._suppressions),
            _Step("deliveries", policy.delivery_days, self._deliveries),
            _Step("events", policy.event_days, self._events),
            _Step("threads", policy.thread_days, lambda *of: self._aged(schema.thread, "threads", *of)),
            _Step("audit", policy.audit_days, lambda *of: self._aged(schema.intervention, "audit", *of)),
            _Step("erasures", policy.audit_days, self._erasures),
        ]

    # ------------------------------------------------------------------ what is settled, by when

    def _window(self, tx: Connection, name: str, cutoff: int) -> tuple[int, int] | None:
        """The next batch of what is settled, from one moment up to another; None if there is none yet."""
        upto = tx.execute(select(_RETENTION.c.upto).where(_RETENTION.c.name == name)).scalar()
        settled = _DELIVERY.c.settled_at
        wanted = select(settled).where(schema.SETTLED, settled < cutoff).order_by(settled)
        if upto is not None:
            wanted = wanted.where(settled >= upto)
        start = tx.execute(wanted.limit(1)).scalar()
        if start is None:
            return None
        end = tx.execute(wanted.where(settled >= start).offset(self._batch).limit(1)).scalar()
        return start, cutoff if end is None else max(end, start + 1)

    def _messages(self, tx: Connection, cutoff: int, done: Counter[str]) -> bool:
        window = self._window(tx, "messages", cutoff)
        if window is None:
            return False
        mine = _DELIVERY.c.settled_at.between(window[0], window[1] - 1)
        bare = update(_DELIVERY).where(mine, _DELIVERY.c.wire.is_not(None)).values(wire=None)
        done["messages"] += tx.execute(bare).rowcount
        self._reached(tx, "messages", window[1])
        return window[1] < cutoff

    def _texts(self, tx: Connection, cutoff: int, done: Counter[str]) -> bool:
        window = self._window(tx, "texts", cutoff)
        if window is None:
            return False
        mine = _DELIVERY.c.settled_at.between(window[0], window[1] - 1)
        whole = [column for column in _DELIVERY.c if column.name != "wire"]
        wanted = select(*whole).where(mine, _DELIVERY.c.purged_at.is_(None)).with_for_update()
        rows = tx.execute(wanted).mappings().all()
        purging.purge(tx, rows, vault=self._vault, now=self._now())
        done["texts"] += len(rows)
        self._reached(tx, "texts", window[1])
        return window[1] < cutoff

    def _deliveries(self, tx: Connection, cutoff: int, done: Counter[str]) -> bool:
        wanted = select(_DELIVERY.c.id, _DELIVERY.c.event_key).where(schema.SETTLED, _DELIVERY.c.settled_at < cutoff)
        rows = tx.execute(wanted.order_by(_DELIVERY.c.settled_at).limit(self._batch)).all()
        if not rows:
            return False
        ids = [row.id for row in rows]
        done["attempts"] += tx.execute(delete(_ATTEMPT).where(_ATTEMPT.c.delivery.in_(ids))).rowcount
        done["deliveries"] += tx.execute(delete(_DELIVERY).where(_DELIVERY.c.id.in_(ids))).rowcount
        if self._policy.event_days:
            known_until = micros(self._now() - timedelta(days=self._policy.event_days))
            bare = _without_deliveries(tx, {row.event_key for row in rows})
            old = _EVENT.c.key.in_(bare), _EVENT.c.planned_at.is_not(None), _EVENT.c.accepted_at < known_until
            done["events"] += tx.execute(delete(_EVENT).where(*old)).rowcount
        return len(rows) == self._batch

    # ------------------------------------------------------------------ events, by their keys

    def _event_window(self, tx: Connection, name: str, cutoff: int) -> tuple[set[str], int] | None:
        """The next events by age that have no deliveries, and up to what moment that is; None if there are none yet."""
        upto = tx.execute(select(_RETENTION.c.upto).where(_RETENTION.c.name == name)).scalar() or 0
        start, last = first_id("evt", moment(upto)), first_id("evt", moment(cutoff))
        wanted = select(_EVENT.c.key, _EVENT.c.accepted_at).where(_EVENT.c.key >= start, _EVENT.c.key < last)
        rows = list(tx.execute(wanted.order_by(_EVENT.c.key).limit(self._batch)))
        if not rows:
            return None
        reached = cutoff
        if len(rows) == self._batch:  # keys tell milliseconds: the last one may have more events than were read
            reached = min((rows[-1].accepted_at // 1000 + 1) * 1000, cutoff)
            start, last = rows[-1].key, first_id("evt", moment(reached))
            rows += list(tx.execute(wanted.where(_EVENT.c.key > start, _EVENT.c.key < last)))
        return _without_deliveries(tx, {row.key for row in rows}), reached

    def _event_texts(self, tx: Connection, cutoff: int, done: Counter[str]) -> bool:
        window = self._event_window(tx, "event texts", cutoff)
        if window is None:
            return False
        keys, reached = window
        for some in slices(keys):
            mine = _EVENT.c.key.in_(some or ()), _EVENT.c.planned_at.is_not(None), _EVENT.c.body != b""
            done["event texts"] += tx.execute(update(_EVENT).where(*mine).values(body=b"", audience=None)).rowcount
        self._reached(tx, "event texts", reached)
        return reached < cutoff

    def _events(self, tx: Connection, cutoff: int, done: Counter[str]) -> bool:
        window = self._event_window(tx, "events", cutoff)
        if window is None:
            return False
        keys, reached = window
        for some in slices(keys):
            mine = _EVENT.c.key.in_(some or ()), _EVENT.c.planned_at.is_not(None)
            done["events"] += tx.execute(delete(_EVENT).where(*mine)).rowcount
        self._reached(tx, "events", reached)
        return reached < cutoff

    # ------------------------------------------------------------------ what is small

    def _aged(self, table: Table, name: str, tx: Connection, cutoff: int, done: Counter[str]) -> bool:
        keys = list(table.primary_key.columns)
        rows = tx.execute(select(*keys).where(table.c.at < cutoff).order_by(table.c.at).limit(self._batch)).all()
        for row in rows:
            tx.execute(delete(table).where(*(key == value for key, value in zip(keys, row, strict=True))))
        done[name] += len(rows)
        return len(rows) == self._batch

    def _suppressions(self, tx: Connection, cutoff: int, done: Counter[str]) -> bool:
        """Those that ended so long ago."""
        table = schema.suppression
        done["suppressions"] += tx.execute(delete(table).where(table.c.until < cutoff)).rowcount
        return False

    def _erasures(self, tx: Connection, cutoff: int, done: Counter[str]) -> bool:
        table = schema.erasure
        done["erasures"] += tx.execute(delete(table).where(table.c.ended_at < cutoff)).rowcount
        return False

    def _reached(self, tx: Connection, name: str, upto: int) -> None:
        statement: Any = upsert(tx, _RETENTION).values(name=name, upto=upto)
        tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"upto": upto}))


def _without_deliveries(tx: Connection, keys: set[str]) -> set[str]:
    """Those of these events that no delivery is of."""
    held: set[str] = set()
    for some in slices(keys):
        held.update(tx.execute(select(_DELIVERY.c.event_key).where(_DELIVERY.c.event_key.in_(some or ()))).scalars())
    return keys - held


def _alone(tx: Connection) -> bool:
    """Whether no other process is at it: one is enough."""
    if tx.dialect.name != "postgresql":
        return True
    return bool(tx.execute(select(func.pg_try_advisory_xact_lock(_PRUNING))).scalar())
