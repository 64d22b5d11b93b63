"""What people do to deliveries by hand: retry, cancel, purge, switch a destination; on record with who and why."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, literal, or_, select, update

from livery.errors import NotFound
from livery.ids import new_id
from livery.models.delivery import FAILED, OPEN, Reason, State
from livery.models.message import Envelope
from livery.ports import Execution, Intervention, Now, Query, Who
from livery.storage import destinations, listing, purging, schema
from livery.storage.database import micros, moment, told
from livery.storage.ledger import Ledger
from livery.storage.rows import Row, wake_of
from livery.vault import Vault

_TABLE = schema.delivery
_OPEN = tuple(state.value for state in OPEN)
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of one delivery: `result` is the id of the new delivery, if there is one."""

    delivery: str
    done: bool
    said: str
    result: str = ""


class Interventions:
    """By hand, on one store. Every method is safe from any thread; large ones work in batches."""

    def __init__(
        self,
        ledger: Ledger,
        execution: Execution,
        *,
        now: Now,
        vault: Vault | None = None,
        tenants: frozenset[str] | None = None,
    ) -> None:
        self._ledger, self._execution, self._now, self._tenants = ledger, execution, now, tenants
        self._vault = vault or Vault()

    def of(self, tenants: Collection[str]) -> "Interventions":
        """The same on what is these tenants' alone; all else is answered like what does not exist."""
        own = frozenset(tenants)
        return Interventions(self._ledger, self._execution, now=self._now, vault=self._vault, tenants=own)

    def found(self, query: Query) -> list[str]:
        """Ids a retry by filter concerns: of the states given, else of those that did not arrive.

        What was sent again already is left out, as its new delivery is found in its place if that failed, too: a retry
        that was broken off goes on with the rest when it is made again.
        """
        query = replace(query, is_last=True, tenants=query.tenants if self._tenants is None else self._tenants)
        states = [query.state] if query.state else sorted(FAILED)
        with told(), self._ledger.engine.connect() as connection:
            ids = [
                str(row["id"])
                for state in states
                for row in listing.page(connection, replace(query, state=state), [_TABLE.c.id])
            ]
        return ids[: query.limit]

    def retry(self, ids: Sequence[str], who: Who, *, fresh: bool = False, once: bool = False) -> list[Handled]:
        """Send again: the stored bytes, or (`fresh`) written anew with the pack as it is now.

        What is settled gets a new delivery under the same event, linked to the old one by `replay_of`; whoever has
        it for certain already is not written to again, unless everybody has. What still waits is tried now. The
        suppression list is asked again before it is sent.

        Args:
            ids: which.
            who: who does it, and why.
            fresh: write it anew.
            once: leave alone what was sent again already, by whoever was quicker.

        """
        return self._each(ids, who, "retry", lambda tx, row: self._retried(tx, row, fresh=fresh, once=once))

    def cancel(self, ids: Sequence[str], who: Who) -> list[Handled]:
        """Give up what waits; it ends as `suppressed`, and can be retried. What is being sent is left alone."""
        return self._each(ids, who, "cancel", self._cancelled)

    def purge(self, older_than: timedelta, who: Who, *, tenant: str | None = None) -> int:
        """Remove the personal text of deliveries settled before so long: how many. The rows stay, for the audit.

        What goes and what is kept: `livery.storage.purging`.
        """
        before, at, total = micros(self._now() - older_than), -1, 0
        wanted = select(_TABLE).where(schema.SETTLED, _TABLE.c.settled_at < before, _TABLE.c.purged_at.is_(None))
        if tenant is not None:
            wanted = wanted.where(_TABLE.c.tenant == tenant)
        if self._tenants is not None:
            wanted = wanted.where(_TABLE.c.tenant.in_(sorted(self._tenants)))
        wanted = wanted.order_by(_TABLE.c.settled_at).limit(_BATCH).with_for_update()
        while True:
            with self._ledger.transaction() as tx:
                # What was purged is no longer found; where one ended, the next begins.
                rows = tx.execute(wanted.where(_TABLE.c.settled_at >= at)).mappings().all()
                purging.purge(tx, rows, vault=self._vault, now=self._now())
                at, total = rows[-1]["settled_at"] if rows else at, total + len(rows)
                if len(rows) < _BATCH:
                    self._note(tx, who, "purge", tenant or "*", f"{total} older than {older_than}")
                    return total

    def enable(self, key: str, who: Who) -> None:
        """Turn a destination on again, and end its pause.

        Raises:
            NotFound: no such destination ever failed.

        """
        self._switched(key, who, "enable", disabled="")

    def disable(self, key: str, who: Who) -> None:
        """Send nothing to a destination until it is enabled.

        Raises:
            NotFound: no such destination ever failed.

        """
        self._switched(key, who, "disable", disabled=f"by {who.actor}" + (f": {who.why}" if who.why else ""))

    def audit(self, subject: str | None = None, *, limit: int = 100) -> list[Intervention]:
        """What was done by hand, newest first; to one delivery or destination, or to all."""
        table = schema.intervention
        statement = select(table).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
        if subject is not None:
            statement = statement.where(table.c.subject == subject)
        if self._tenants is not None:
            statement = statement.where(or_(*_subjects(table.c.subject, sorted(self._tenants))))
        with told(), self._ledger.engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        names = ("actor", "action", "subject", "why", "result")
        return [Intervention(at=moment(row["at"]), **{name: row[name] for name in names}) for row in rows]

    # ------------------------------------------------------------------ one at a time

    def _each(
        self, ids: Sequence[str], who: Who, action: str, do: Callable[[Connection, Row], Handled]
    ) -> list[Handled]:
        found: list[Handled] = []
        for start in range(0, len(ids), _BATCH):
            with self._nudging() as tx:
                for id_ in ids[start : start + _BATCH]:
                    row = tx.execute(select(_TABLE).where(_TABLE.c.id == id_).with_for_update()).mappings().first()
                    one = (
                        do(tx, row)
                        if row and self._has(row)
                        else Handled(id_, done=False, said="there is no such delivery")
                    )
                    if one.done:
                        self._note(tx, who, action, id_, one.result or one.said)
                    found.append(one)
        return found

    def _retried(self, tx: Connection, row: Row, *, fresh: bool, once: bool) -> Handled:
        id_, now = row["id"], self._now()
        if row["purged_at"] is not None:
            return Handled(id_, done=False, said="its text was purged")
        if row["state"] == State.SENDING:
            return Handled(id_, done=False, said="it is being sent right now")
        if row["state"] in _OPEN:
            values: dict[str, Any] = {"due_at": micros(now), **({"wire": None} if fresh else {})}
            tx.execute(update(_TABLE).where(_TABLE.c.id == id_).values(**values))
            self._execution.cancel(tx, [id_])
            self._execution.put(tx, [wake_of({**row, **values})])
            return Handled(id_, done=True, said="tried now")
        if once and tx.execute(select(listing.repeated(literal(id_)))).scalar():
            return Handled(id_, done=False, said="it was sent again already")
        made = _copy(row, now, fresh=fresh)
        tx.execute(insert(_TABLE), made)
        self._execution.put(tx, [wake_of(made)])
        return Handled(id_, done=True, said="sent again", result=made["id"])

    def _cancelled(self, tx: Connection, row: Row) -> Handled:
        id_ = row["id"]
        if row["state"] == State.SENDING:
            return Handled(id_, done=False, said="it is being sent right now")
        if row["state"] not in _OPEN:
            return Handled(id_, done=False, said=f"it is {row['state']} already")
        values = {
            "state": State.SUPPRESSED.value,
            "reason": Reason.CANCELLED.value,
            "settled_at": micros(self._now()),
            "fence": row["fence"] + 1,
        }
        tx.execute(update(_TABLE).where(_TABLE.c.id == id_).values(**values))
        self._execution.cancel(tx, [id_])
        return Handled(id_, done=True, said="cancelled")

    def _switched(self, key: str, who: Who, action: str, *, disabled: str) -> None:
        now = self._now()
        with self._nudging() as tx:
            found = destinations.switched(tx, key, now=now, disabled=disabled)
            if found is None or not self._has(found):
                raise NotFound(f"no destination {key!r} has ever failed; `livery destinations list --all` shows them")
            self._execution.hold(tx, key, now)
            self._note(tx, who, action, key, found["label"])

    def _has(self, row: Row) -> bool:
        return self._tenants is None or row["tenant"] in self._tenants

    def _note(self, tx: Connection, who: Who, action: str, subject: str, result: str) -> None:
        now = self._now()
        row = {"id": new_id("int", now), "at": micros(now), "action": action, "subject": subject, "result": result}
        tx.execute(insert(schema.intervention), {**row, "actor": who.actor, "why": who.why})

    @contextmanager
    def _nudging(self) -> Iterator[Connection]:
        with self._ledger.transaction() as tx:
            yield tx
        self._execution.nudge()


def _subjects(subject: Any, tenants: Sequence[str]) -> list[Any]:
    """What interventions on something of these tenants' are about: a delivery, a destination, a tenant."""
    keys = ((_TABLE, _TABLE.c.id), (schema.destination, schema.destination.c.key))
    return [*(subject.in_(select(key).where(table.c.tenant.in_(tenants))) for table, key in keys), subject.in_(tenants)]


def _copy(row: Row, now: datetime, *, fresh: bool) -> dict[str, Any]:
    """A new delivery that says the same, of the same event."""
    id_ = new_id("dlv", now)
    wire = None if fresh else row["wire"]
    message_id = row["message_id"] if wire else f"<{id_}@{row['message_id'].rpartition('@')[2].rstrip('>')}>"
    envelope = Envelope.model_validate_json(row["envelope"])
    settled, trace = json.loads(row["settled"]), json.loads(row["trace"])
    have = {address for address, said in settled.items() if said == "accepted"}
    if fresh:
        trace.pop("wording", None)
    copied = envelope.model_copy(update={"delivery_id": id_, "message_id": message_id})
    return {
        **row,
        "id": id_,
        "unique_key": sha256(f"{row['unique_key']}\n{id_}".encode()).hexdigest(),
        "replay_of": row["id"],
        "state": State.PENDING.value,
        "reason": None,
        "attempts": 0,
        "crashes": 0,
        "fence": 0,
        "lease_until": None,
        "due_at": micros(now),
        "created_at": micros(now),
        "settled_at": None,
        "settled": json.dumps({} if have.issuperset(envelope.addresses) else dict.fromkeys(have, "accepted")),
        "message_id": message_id if row["message_id"] else "",
        "envelope": copied.model_dump_json(),
        "trace": json.dumps(trace),
        "wire": wire,
    }
