"""Erasure: on request, everything personal about somebody, a tenant's log or an event leaves the store.

Owns erasures on record and how far each is. The unit is the event: whatever of it names the person, all its
deliveries and its data go, as purging has it; what stays is that they were made, when and with what outcome. It goes
in batches, each a transaction that also keeps how far it is: broken off, it goes on where it was.

What is still open is not torn off. A delivery to nobody else is given up at once. One to others, too, goes on without
the person; and what is being sent ends. Either is erased when it has ended: a worker's sweep sees to it.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event as Signal
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, Table, insert, or_, select, update

from livery.addresses import normal
from livery.errors import InputError, Problem
from livery.ids import new_id
from livery.models.delivery import OPEN, Reason, State
from livery.models.message import Envelope
from livery.ports import Execution, Now, Who
from livery.safe import event_context
from livery.storage import purging, schema
from livery.storage.database import micros, moment, told
from livery.storage.ledger import Ledger
from livery.storage.rows import Row
from livery.vault import SealBroken, Vault, is_sealed

Kind = Literal["recipient", "tenant", "event"]
_BATCH = 200
_EVENT, _DELIVERY, _TABLE = schema.event, schema.delivery, schema.erasure
_BEFORE, _AFTER = r"(?<![\w.!#$%&'*+/=?^`{|}~-])", r"(?![\w-]|\.\w)"
"""What may not stand beside an address, for then it is a part of another."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One request, and how far it is.

    Attributes:
        subject: what is erased; of an address, once that is done, its keyed hash.
        erased: how many deliveries lost their text.
        waits: events with something that is still to be sent; none once it has ended.

    """

    id: str
    at: datetime
    kind: Kind
    subject: str
    tenant: str
    erased: int
    waits: int
    ended_at: datetime | None


@dataclass
class _Cursor:
    """How far an erasure is: what is looked through now, up to where; and what is to be looked at again."""

    stage: str = "deliveries"
    at: str = ""
    waits: list[str] = field(default_factory=list)

    def text(self) -> str:
        return json.dumps([self.stage, self.at, self.waits])


class Erasures:
    """Erasures in one store; safe from any thread.

    Args:
        ledger: the store.
        execution: what wakes the work that is given up.
        vault: what sealed events are opened with, and addresses hashed.
        now: the clock.

    """

    def __init__(self, ledger: Ledger, execution: Execution, vault: Vault, *, now: Now) -> None:
        self._ledger, self._execution, self._vault, self._now = ledger, execution, vault, now

    def begin(self, kind: Kind, subject: str, who: Who, *, tenant: str = "") -> str:
        """Put a request on record: its id. The same one again, while it is not done, is the one that is there.

        Args:
            kind: `recipient` (an address), `tenant` (the whole log of that tenant alone), or `event` (its id).
            subject: which.
            who: who asks for it, and why.
            tenant: of this tenant's log alone.

        Raises:
            InputError: the address is none.

        """
        if kind == "recipient":
            address = normal(subject)
            if address is None:
                raise InputError("nothing was erased:", [Problem("recipient", "one e-mail address", subject)])
            subject = address
        now = self._now()
        same = (_TABLE.c.kind == kind) & (_TABLE.c.subject == subject) & (_TABLE.c.tenant == tenant)
        with self._ledger.transaction() as tx:
            there = tx.execute(select(_TABLE.c.id).where(same, _TABLE.c.ended_at.is_(None))).scalar()
            if there is not None:
                return str(there)
            id_ = new_id("era", now)
            row = {"id": id_, "at": micros(now), "kind": kind, "subject": subject, "tenant": tenant}
            tx.execute(insert(_TABLE), {**row, "cursor": _Cursor().text(), "erased": 0, "ended_at": None})
            what = kind if kind == "recipient" else f"{kind} {subject}"
            note = {"id": new_id("int", now), "at": micros(now), "actor": who.actor, "why": who.why}
            tx.execute(insert(schema.intervention), {**note, "action": "erase", "subject": id_, "result": what})
        return id_

    def find(self, id_: str | None = None, *, ended: bool = True) -> list[Erasure]:
        """One, or all, the newest first; or only those that have not ended."""
        wanted = select(_TABLE).order_by(_TABLE.c.at.desc(), _TABLE.c.id.desc())
        if id_ is not None:
            wanted = wanted.where(_TABLE.c.id == id_)
        if not ended:
            wanted = wanted.where(_TABLE.c.ended_at.is_(None))
        with told(), self._ledger.engine.connect() as connection:
            return [_erasure_of(row) for row in connection.execute(wanted).mappings()]

    def go_on(self, *, stop: Signal | None = None, progress: Callable[[Erasure], object] = lambda _: None) -> int:
        """Bring every erasure forward as far as it goes now: how many deliveries were erased.

        Args:
            stop: set it to stop after the batch under way.
            progress: told after each batch.

        """
        stop, total = stop or Signal(), 0
        for one in reversed(self.find(ended=False)):
            before, looked = one.erased, False
            while not stop.is_set():
                began = time.monotonic()
                with self._ledger.transaction() as tx:
                    row = tx.execute(select(_TABLE).where(_TABLE.c.id == one.id).with_for_update()).mappings().one()
                    if row["ended_at"] is None:
                        looked = self._step(tx, row)
                (now,) = self.find(one.id)
                progress(now)
                if now.ended_at is not None or not looked:
                    total += now.erased - before
                    break
                stop.wait(time.monotonic() - began)  # workers come in between
        if total:
            self._forget()
        return total

    def elsewhere(self, address: str) -> list[str]:
        """Where else the store has an address, which no erasure touches: people decide about these."""
        asked = normal(address) or address
        found: list[str] = []
        with told(), self._ledger.engine.connect() as connection:
            people = ((schema.directory_user, "user"), (schema.contact, "contact"), (schema.suppression, "suppression"))
            for table, what in people:
                column = table.c.address if what == "suppression" else table.c.email
                tenants = connection.execute(select(table.c.tenant).where(_like(column, asked))).scalars()
                found += [f"{what} of {tenant}" for tenant in tenants]
            for table, what in ((schema.setting, "setting"), (schema.setting_change, "history of settings")):
                columns = [table.c.item, *([table.c.value] if what == "setting" else [table.c.before, table.c.after])]
                named = or_(*(_like(column, asked, within=True) for column in columns))
                found += [f"{what} of {row.tenant}" for row in connection.execute(select(table.c.tenant).where(named))]
        return sorted(set(found))

    def _forget(self) -> None:
        """Empty SQLite's log of changes, which has what was there before; if others read, at some later time."""
        engine = self._ledger.engine
        if engine.dialect.name == "sqlite":
            with told(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()

    # ------------------------------------------------------------------ one batch

    def _step(self, tx: Connection, row: RowMapping) -> bool:
        """One batch of an erasure, and where it ended; whether there is more to do now."""
        cursor = _Cursor(*json.loads(row["cursor"]))
        erased, goes_on = 0, True
        if cursor.stage == "waits":
            erased, goes_on = self._again(tx, row, cursor), False
        else:
            for key in self._found(tx, row, cursor):
                done, ended = self._erase(tx, key, row)
                erased += done
                if not ended and key not in cursor.waits:
                    cursor.waits.append(key)
        values: dict[str, Any] = {"cursor": cursor.text(), "erased": row["erased"] + erased}
        if cursor.stage == "waits" and not cursor.waits:
            values |= {"ended_at": micros(self._now()), "cursor": "[]"}
            if row["kind"] == "recipient":
                values["subject"] = self._vault.hashed(row["subject"], context=purging.TOLD)
        tx.execute(update(_TABLE).where(_TABLE.c.id == row["id"]).values(**values))
        return goes_on

    def _again(self, tx: Connection, row: Row, cursor: _Cursor) -> int:
        """Look again at what was still open."""
        erased, waits = 0, []
        for key in cursor.waits:
            done, ended = self._erase(tx, key, row)
            erased += done
            waits += [] if ended else [key]
        cursor.waits = waits
        return erased

    def _found(self, tx: Connection, row: Row, cursor: _Cursor) -> list[str]:
        """The keys of the next events that are concerned; moves the cursor on."""
        if row["kind"] == "event":
            keys = select(_EVENT.c.key).where(_EVENT.c.event_id == row["subject"])
            if row["tenant"]:
                keys = keys.where(_EVENT.c.tenant == row["tenant"])
            cursor.stage = "waits"
            return list(tx.execute(keys).scalars())
        if row["kind"] == "tenant" and cursor.stage == "deliveries":
            cursor.stage = "events"
        in_deliveries = cursor.stage == "deliveries"
        rows = self._next(tx, _DELIVERY if in_deliveries else _EVENT, row, cursor.at)
        column = "id" if in_deliveries else "key"
        cursor.at = rows[-1][column] if rows else ""
        if len(rows) < _BATCH:
            cursor.stage, cursor.at = ("events" if in_deliveries else "waits"), ""
        if row["kind"] == "tenant":
            return [one["key"] for one in rows]
        naming = re.compile(f"{_BEFORE}{re.escape(row['subject'])}{_AFTER}")
        texts = self._of_delivery if in_deliveries else self._of_event
        hits = (one for one in rows if any(_names(naming, row["subject"], text) for text in texts(one)))
        return list(dict.fromkeys(one["event_key" if in_deliveries else "key"] for one in hits))

    def _next(self, tx: Connection, table: Table, row: Row, at: str) -> Sequence[RowMapping]:
        if table is _DELIVERY:
            key, since = _DELIVERY.c.id, _DELIVERY.c.created_at
            columns = [key, _DELIVERY.c.event_key, _DELIVERY.c.envelope, _DELIVERY.c.trace, _DELIVERY.c.destination]
        else:
            key, since = _EVENT.c.key, _EVENT.c.accepted_at
            columns = [key, _EVENT.c.tenant, _EVENT.c.body, _EVENT.c.audience]
        wanted = select(*columns).where(key > at, since <= row["at"]).order_by(key).limit(_BATCH)
        tenant = row["subject"] if row["kind"] == "tenant" else row["tenant"]
        return tx.execute(wanted.where(table.c.tenant == tenant) if tenant else wanted).mappings().all()

    def _of_delivery(self, row: Row) -> Iterator[str]:
        yield from (row["envelope"], row["trace"], json.dumps(row["destination"]))

    def _of_event(self, row: Row) -> Iterator[str]:
        body = bytes(row["body"]).decode()
        if is_sealed(body):
            with suppress(SealBroken):  # nobody can read it any more
                yield self._vault.open(body, context=event_context(row["tenant"]))
        else:
            yield body
        yield row["audience"] or ""

    # ------------------------------------------------------------------ one event

    def _erase(self, tx: Connection, key: str, row: Row) -> tuple[int, bool]:
        """Erase an event as far as it may be now: how many deliveries, and whether that was all."""
        event = tx.execute(select(_EVENT.c.planned_at).where(_EVENT.c.key == key).with_for_update()).first()
        if event is None:
            return 0, True
        whole = [column for column in _DELIVERY.c if column.name != "wire"]
        mine = (
            select(*whole).where(_DELIVERY.c.event_key == key, _DELIVERY.c.purged_at.is_(None)).order_by(_DELIVERY.c.id)
        )
        settled, left = [], 0
        for one in tx.execute(mine.with_for_update()).mappings().all():
            if one["state"] not in OPEN or self._given_up(tx, one, row):
                settled.append(one)
            else:
                left += 1
        if event.planned_at is None:
            if row["kind"] == "recipient":
                return 0, False  # it is not known yet who is told
            tx.execute(update(_EVENT).where(_EVENT.c.key == key).values(planned_at=row["at"], waits_for=None))
            self._execution.cancel(tx, [key])
        purging.purge(tx, settled, vault=self._vault, now=self._now())
        if not left:
            purging.purge_events(tx, {key})
        return len(settled), not left

    def _given_up(self, tx: Connection, one: RowMapping, row: Row) -> bool:
        """Give up an open delivery; if it is for others too, or is being sent, only keep the person off it."""
        now, mine = self._now(), update(_DELIVERY).where(_DELIVERY.c.id == one["id"])
        leased = one["lease_until"] is not None and moment(one["lease_until"]) >= now
        if row["kind"] == "recipient":
            addresses = Envelope.model_validate_json(one["envelope"]).addresses
            theirs = {address for address in addresses if (normal(address) or address) == row["subject"]}
            if len(theirs) < len(addresses) or not addresses:
                if theirs and not leased:
                    settled = {**json.loads(one["settled"]), **dict.fromkeys(theirs, "suppressed")}
                    tx.execute(mine.values(settled=json.dumps(settled)))
                return False
        if leased:
            return False
        values = {"state": State.SUPPRESSED.value, "reason": Reason.CANCELLED.value, "settled_at": micros(now)}
        tx.execute(mine.values(**values, lease_until=None, fence=one["fence"] + 1))
        self._execution.cancel(tx, [one["id"]])
        return True


def _names(naming: re.Pattern[str], address: str, text: str) -> bool:
    """Whether a JSON text has an address in one of its strings."""
    if address not in text.casefold():
        return False
    return any(naming.search(one.casefold()) for one in _strings(json.loads(text or '""')))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _like(column: Any, address: str, *, within: bool = False) -> Any:
    escaped = address.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return column.ilike(f"%{escaped}%" if within else escaped, escape="\\")


def _erasure_of(row: RowMapping) -> Erasure:
    cursor = json.loads(row["cursor"])
    ended = None if row["ended_at"] is None else moment(row["ended_at"])
    return Erasure(
        row["id"], moment(row["at"]), row["kind"], row["subject"], row["tenant"], row["erased"],
        len(cursor[2]) if cursor else 0, ended,
    )  # fmt: skip
