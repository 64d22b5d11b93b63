"""Rotation: everything that is stored sealed is sealed anew under the newest key, so that the older ones may go.

In batches, each one transaction; broken off, it is run again and finds what is left.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, Table, func, literal, select, update

from livery.safe import event_context, message_context
from livery.settings.differences import Operation
from livery.settings.sealed import Sealed
from livery.storage import schema
from livery.storage.database import writing
from livery.storage.settings import closed, slot_of, written
from livery.vault import SealBroken, Vault, key_name

_MARK = b"sealed:1:"
_BATCH, _BATCH_OF_MESSAGES = 500, 50
_EXAMPLES = 5


@dataclass
class Rotated:
    """What came of it, each counted by what it is: `settings`, `changes` (their trail), `events`, `messages`.

    Attributes:
        resealed: sealed anew; or, where nothing was to be changed, to be sealed anew.
        current: under the newest key already.
        broken: what does not open, by the name of its key and what it is. Left as it is.
        examples: for each of `broken`, the first few: whose, or which.

    """

    resealed: Counter[str] = field(default_factory=Counter)
    current: Counter[str] = field(default_factory=Counter)
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        broken = [
            {"key": key, "what": what, "count": count, "such_as": self.examples[key, what]}
            for (key, what), count in sorted(self.broken.items())
        ]
        return {"resealed": dict(self.resealed), "current": dict(self.current), "broken": broken}


def rotate(
    engine: Engine, vault: Vault, *, only_look: bool = False, progress: Callable[[Rotated], object] = lambda _: None
) -> Rotated:
    """Seal anew what is not under the newest key. Idempotent; other processes go on working.

    Args:
        engine: the store.
        vault: the keys; every process must have the newest by now.
        only_look: change nothing, and say what would be.
        progress: told after each batch.

    """
    work = _Work(vault, Rotated(), only_look=only_look)
    batches: list[Callable[[Connection, Any], Any]] = [
        partial(work.settings, schema.setting),
        partial(work.settings, schema.setting_change),
        work.events,
        work.messages,
    ]
    for batch in batches:
        at: Any = None
        while True:
            with writing(engine) as tx:
                at = batch(tx, at)
            progress(work.done)
            if at is None:
                break
    return work.done


class _Work:
    def __init__(self, vault: Vault, done: Rotated, *, only_look: bool) -> None:
        self._vault, self.done, self._only_look = vault, done, only_look

    def settings(self, table: Table, tx: Connection, at: int | None) -> int | None:
        """One batch of settings or of their trail; where the next begins."""
        what, columns = ("settings", ["value"]) if table is schema.setting else ("changes", ["before", "after"])
        start = at or 0
        is_sealed = [table.c[name].like('%"sealed:1:%') for name in columns]
        # Every row is still one of these when it is done, so that places stay the same from batch to batch.
        chosen = select(table).where(is_sealed[0] if len(is_sealed) == 1 else is_sealed[0] | is_sealed[1])
        statement = chosen.order_by(*table.primary_key.columns).offset(start).limit(_BATCH).with_for_update()
        rows = tx.execute(statement).mappings().all()
        for row in rows:
            values = {}
            for name in columns:
                text = self._setting(what, row, name)
                if text != row[name]:
                    values[name] = text
            if values and not self._only_look:
                key = [table.c[one.name] == row[one.name] for one in table.primary_key.columns]
                tx.execute(update(table).where(*key).values(**values))
        return start + len(rows) if len(rows) == _BATCH else None

    def _setting(self, what: str, row: Any, name: str) -> str | None:
        text = row[name]
        if text is None:
            return None
        value = json.loads(text)
        operation = Operation(row["operation"] if name == "value" else value[0])
        slot = slot_of(row)
        made = closed(self._vault, slot, operation, value if name == "value" else value[1])
        before = text
        for one in made.values() if isinstance(made, dict) else [made]:
            if isinstance(one, Sealed):
                one.text = self._anew(what, one.text, one.where, f"{slot.channel} {slot.field} of {slot.tenant}")
        after = written(made if name == "value" else [operation.value, made])
        return before if json.loads(before) == json.loads(after) else after

    def events(self, tx: Connection, at: str | None) -> str | None:
        """One batch of events; after which the next begins."""
        return self._bytes(tx, schema.event, "key", "body", at, _BATCH)

    def messages(self, tx: Connection, at: str | None) -> str | None:
        """One batch of messages; after which the next begins."""
        return self._bytes(tx, schema.delivery, "id", "wire", at, _BATCH_OF_MESSAGES)

    def _bytes(self, tx: Connection, table: Table, key: str, column: str, at: str | None, limit: int) -> str | None:
        id_, sealed = table.c[key], table.c[column]
        wanted = func.substr(sealed, 1, len(_MARK)) == literal(_MARK, LargeBinary)
        statement = select(id_, sealed, table.c.tenant, *([table.c.event_key] if column == "wire" else []))
        statement = statement.where(wanted, *([id_ > at] if at else [])).order_by(id_).limit(limit).with_for_update()
        rows: Sequence[Any] = tx.execute(statement).mappings().all()
        for row in rows:
            what, context = _context(row)
            text = bytes(row[column]).decode("ascii")
            after = self._anew(what, text, context, f"{row[key]} of {row['tenant']}")
            if after != text and not self._only_look:
                tx.execute(update(table).where(id_ == row[key]).values({column: after.encode()}))
        return str(rows[-1][key]) if len(rows) == limit else None

    def _anew(self, what: str, text: str, context: str, example: str) -> str:
        try:
            self._vault.open(text, context=context)
        except SealBroken:
            name = key_name(text)
            # A key that is there and does not open it: the text was changed, or put where it does not belong.
            which = (name if name not in self._vault.keys else f"{name} (changed or moved)"), what
            self.done.broken[which] += 1
            examples = self.done.examples.setdefault(which, [])
            if len(examples) < _EXAMPLES:
                examples.append(example)
            return text
        if not self._vault.is_stale(text):
            self.done.current[what] += 1
            return text
        self.done.resealed[what] += 1
        return self._vault.resealed(text, context=context)


def _context(row: Any) -> tuple[str, str]:
    if "event_key" in row:
        return "messages", message_context(row["event_key"])
    return "events", event_context(row["tenant"])
