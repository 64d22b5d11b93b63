"""Settings as code: what tenants say in the store as one document, which is edited and read back.

    [tenants.nordwind]
    revision = 12

    [[tenants.nordwind.settings]]
    event_type = "OfferProvisionError"
    enabled = true
    bcc = { add = ["address:log@nordwind.example"] }
    locked = ["to"]

One table of `settings` for each event type, channel, `from` and `until`; without them it is said of all, always.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livery.errors import LiveryError, Problem, SettingsError, shown
from livery.settings.changes import Said, Write
from livery.settings.differences import ANY, Difference, Operation, Slot, in_order
from livery.settings.fields import FIELDS

MASK = "**********"
"""What stands in an export for a secret, and in an import for the one that is stored."""
_WHERE = ("event_type", "channel", "from", "until")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
Check = Callable[[Slot, Operation, Any], tuple[Slot, Said]]


def document(said: Mapping[str, Sequence[Difference]], revisions: Mapping[str, int]) -> dict[str, Any]:
    """What tenants say, as plain data."""
    return {
        "tenants": {
            tenant: {"revision": revisions[tenant], "settings": list(_tables(differences))}
            for tenant, differences in said.items()
        }
    }


def _tables(differences: Sequence[Difference]) -> Iterator[dict[str, Any]]:
    tables: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in in_order(differences):
        slot = one.slot
        where = dict(zip(_WHERE, (slot.event_type, slot.channel, slot.starts, slot.ends), strict=True))
        given = {name: value for name, value in where.items() if value not in (ANY, None)}
        table = tables.setdefault(tuple(where.values()), given)
        kind = FIELDS[slot.field].kind
        if one.operation is Operation.LOCK:
            table.setdefault("locked", []).append(slot.field)
        elif kind == "scalar":
            table[slot.field] = one.value
        else:
            changes = table.setdefault(slot.field, {})
            if one.operation is Operation.SET:
                changes["set"] = one.value
            elif kind == "table" and one.operation is Operation.ADD:
                changes.setdefault("add", {})[slot.item] = one.value
            else:
                changes.setdefault(one.operation.value, []).append(slot.item)
    yield from tables.values()


def toml(document: Mapping[str, Any]) -> str:
    """A document as people edit it."""
    lines = []
    for tenant, said in document["tenants"].items():
        lines += [f"[tenants.{_key(tenant)}]", f"revision = {said['revision']}"]
        for table in said["settings"]:
            lines += ["", f"[[tenants.{_key(tenant)}.settings]]"]
            lines += [f"{_key(name)} = {_value(value)}" for name, value in table.items()]
        lines.append("")
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True, slots=True)
class Read:
    """A document that was read: what each tenant is to say, and the revisions it was exported at."""

    said: Mapping[str, Sequence[tuple[Slot, Said]]]
    revisions: Mapping[str, int]


def read(document: Any, check: Check) -> Read:
    """What a document says, each thing checked.

    Raises:
        SettingsError: names everything that is wrong in it.

    """
    reading = _Reading(check)
    tenants = document.get("tenants") if isinstance(document, Mapping) else None
    if not isinstance(tenants, Mapping) or set(document) != {"tenants"}:
        raise SettingsError("the document is wrong:", [Problem("(whole)", "[tenants.<id>] tables, and nothing else")])
    said, revisions = {}, {}
    for tenant, one in tenants.items():
        at = f"tenants.{tenant}"
        if not isinstance(one, Mapping) or not set(one) <= {"revision", "settings"}:
            reading.wrong(at, "`settings`, and `revision` as it was exported")
            continue
        if isinstance(revision := one.get("revision"), int):
            revisions[tenant] = revision
        said[tenant] = reading.tenant(tenant, one.get("settings", []), at)
    if reading.problems:
        raise SettingsError("the document is wrong:", reading.problems)
    return Read(said, revisions)


class _Reading:
    """Reads tables, and collects what is wrong with them."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self.problems: list[Problem] = []

    def wrong(self, at: str, expected: str, came: str = "") -> None:
        self.problems.append(Problem(at, expected, came))

    def tenant(self, tenant: str, tables: Any, at: str) -> list[tuple[Slot, Said]]:
        if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
            self.wrong(f"{at}.settings", "a list of tables")
            return []
        found: dict[Slot, Said] = {}
        for number, table in enumerate(tables):
            where = f"{at}.settings.{number}"
            for slot, after in self._table(tenant, table, where):
                if slot in found:
                    self.wrong(f"{where}.{slot.field}", "to be said once", slot.item)
                found[slot] = after
        return list(found.items())

    def _table(self, tenant: str, table: Mapping[str, Any], at: str) -> Iterator[tuple[Slot, Said]]:
        event_type, channel = str(table.get("event_type", ANY)), str(table.get("channel", ANY))
        starts, ends = (self._time(table.get(name), f"{at}.{name}") for name in ("from", "until"))
        base = Slot(tenant, event_type, channel, "", "", is_lock=False, starts=starts, ends=ends)
        for name, value in _flat({key: one for key, one in table.items() if key not in _WHERE}):
            for slot, operation, given in self._said(base, name, value, f"{at}.{name}"):
                try:
                    yield self._check(slot, operation, given)
                except SettingsError as error:
                    self.problems += [Problem(f"{at}.{one.path}", one.expected, one.came) for one in error.problems]
                except LiveryError as error:
                    self.wrong(f"{at}.{name}", str(error))

    def _said(self, base: Slot, name: str, value: Any, at: str) -> Iterator[tuple[Slot, Operation, Any]]:
        def slot(field: str, item: str = "", *, is_lock: bool = False) -> Slot:
            return Slot(base.tenant, base.event_type, base.channel, field, item, is_lock, base.starts, base.ends)

        if name == "locked":
            yield from ((slot(str(one), is_lock=True), Operation.LOCK, None) for one in value)
        elif name not in FIELDS:
            self.wrong(at, f"one of {', '.join(FIELDS)}, locked")
        elif FIELDS[name].kind == "scalar" or not isinstance(value, Mapping):
            yield slot(name), Operation.SET, value
        elif not set(value) <= {"set", "add", "remove"}:
            self.wrong(at, "`set`, `add` and `remove`", shown(sorted(value)))
        else:
            if "set" in value:
                yield slot(name), Operation.SET, value["set"]
            added = value.get("add", {})
            named = added.items() if isinstance(added, Mapping) else ((one, one) for one in added)
            is_table = FIELDS[name].kind == "table"
            yield from ((slot(name, key if is_table else ""), Operation.ADD, one) for key, one in named)
            yield from ((slot(name, key if is_table else ""), Operation.REMOVE, key) for key in value.get("remove", ()))

    def _time(self, value: Any, at: str) -> datetime | None:
        if value is None:
            return None
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            self.wrong(at, "a time with its zone, such as 2026-12-01T00:00:00Z", shown(value))
            return None
        if found.tzinfo is None:
            self.wrong(at, "a time with its zone, such as 2026-12-01T00:00:00Z", str(value))
            return None
        return found


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """`sender.name = …` is read as a table in a table."""
    for name, value in table.items():
        if name == "sender" and isinstance(value, Mapping):
            yield from ((f"sender.{inner}", one) for inner, one in value.items())
        else:
            yield name, value


def writes(read: Read, standing: Mapping[str, Sequence[Difference]]) -> list[Write]:
    """What is to be written so that each tenant of a document says just what it says there."""
    made = []
    for tenant, said in read.said.items():
        now = {one.slot: one.said() for one in standing.get(tenant, ())}
        wanted = dict(said)
        made += [Write(slot, None) for slot in now if slot not in wanted]
        made += [Write(slot, after) for slot, after in wanted.items() if now.get(slot) != after]
    return made


def with_secrets(slot: Slot, value: Any, standing: Sequence[Difference], operation: Operation) -> Any:
    """What is said of secrets, with those that are stored where they are masked.

    Raises:
        SettingsError: none is stored there.

    """
    kept = next((one.value for one in standing if one.slot == slot and one.operation is operation), None)
    found = _unmasked(value, kept)
    if MASK in json.dumps(found, default=str):
        said = "the secret itself: none is stored here"
        raise SettingsError("the document is wrong:", [Problem(f"{slot.field}.{slot.item}".rstrip("."), said, MASK)])
    return found


def _unmasked(value: Any, known: Any) -> Any:
    if value == MASK and known is not None:
        return known
    if isinstance(value, Mapping) and isinstance(known, Mapping):
        return {name: _unmasked(one, known.get(name)) for name, one in value.items()}
    return value
