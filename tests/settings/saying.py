"""Settings in a few words: `add cc a of T on smtp from 1 until 3` is one thing a level says."""

import re
from datetime import datetime, timedelta

from livery.models.tenant import Level
from livery.settings.differences import Difference, Layer, Operation, Slot
from livery.settings.resolving import Asked, Resolved, resolve
from unit.making import NOW

LEVELS = {"platform": Level.DEFAULT, "distri": Level.DISTRIBUTOR, "shop": Level.SELLER}
_WORDS = re.compile(
    r"(?P<operation>set|add|remove|lock) (?P<field>[\w.]+)(?: (?P<value>[^ ]+))?"
    r"(?: of (?P<event_type>\w+))?(?: on (?P<channel>\w+))?(?: from (?P<starts>-?\d+))?(?: until (?P<ends>-?\d+))?"
)
TABLES = ("destinations", "quiet")
LISTS = ("to", "cc", "bcc")


def day(number: str | int | None) -> datetime | None:
    """A day after now, or before it."""
    return None if number is None else NOW + timedelta(days=int(number))


def said(tenant: str, words: str) -> Difference:
    """One thing that a tenant says. Of tables `hook=x` is an item; of lists `a,b` are two, and `-` is none."""
    found = _WORDS.fullmatch(words)
    assert found, words
    operation, field, value = Operation(found["operation"]), found["field"], found["value"] or ""
    item, given = "", None
    if operation is not Operation.LOCK:
        parts = [] if value == "-" else value.split(",")
        if field in TABLES:
            named = {name: content for name, _, content in (part.partition("=") for part in parts)}
            item, given = ("", named) if operation is Operation.SET else next(iter(named.items()))
            given = None if operation is Operation.REMOVE else given
        elif field in LISTS:
            item, given = ("", parts) if operation is Operation.SET else (value, None)
        else:
            given = {"on": True, "off": False}.get(value, value)
    where = (found["event_type"] or "*", found["channel"] or "*")
    slot = Slot(tenant, *where, field, item, operation is Operation.LOCK, day(found["starts"]), day(found["ends"]))
    return Difference(slot, operation, given)


def layers(**levels: str) -> list[Layer]:
    """What platform, distri and shop say, things apart by `;`; `shop_file` is livery.toml's word of the shop."""
    made = []
    for tenant, level in LEVELS.items():
        for source, key in (("livery.toml", f"{tenant}_file"), ("", tenant)):
            words = [part.strip() for part in levels.get(key, "").split(";") if part.strip()]
            made.append(Layer.of(tenant, level, [said(tenant, one) for one in words], source))
    return made


def asked(channel: str = "smtp", event_type: str = "T", *, cumulative: bool = False, **defaults: object) -> Asked:
    known = {"enabled": True, "to": ["user"], "cc": ["boss"], "bcc": [], **defaults}
    return Asked(event_type, channel, known, is_cumulative=cumulative)


def resolved(levels: list[Layer], of: Asked | None = None, on: int | str = 0) -> Resolved:
    return resolve(levels, of or asked(), day(on))


def in_force(found: Resolved, field: str) -> str:
    """What counts, such as `boss@default a@shop`: of a scalar one value, of others each with whose it is."""
    answer = found[field]
    items = answer.items[:1] if answer.field.kind == "scalar" else answer.items
    return " ".join(f"{_text(item)}@{item.origin.split()[-1]}" for item in items)


def _text(item) -> str:
    value = {True: "on", False: "off"}.get(item.value, item.value) if isinstance(item.value, bool) else item.value
    return f"{item.key}={value}" if item.key and item.value != item.key else str(value)
