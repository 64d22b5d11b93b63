"""Effect: what resolved settings mean for the steps: tenants as they count, when something is due, what is told."""

from datetime import UTC, datetime
from typing import Any

from livery.models.explanation import Said
from livery.models.tenant import Chain, Sender, Tenant
from livery.settings.quiet import QuietPeriod, release
from livery.settings.resolving import DEFAULT, Answer, Item, Resolved

_SENDER = ("address", "name", "reply_to")


def chain_of(settings: Resolved, chain: Chain) -> Chain:
    """The tenants, each with the pack, language and sender that count for what was asked."""
    found: Chain | None = settings.memo.get("chain")
    if found is None:
        found = settings.memo["chain"] = tuple(_as_it_counts(tenant, settings) for tenant in chain)
    return found


def due_by(settings: Resolved, now: datetime) -> tuple[datetime, str]:
    """When something that may wait is due, and why not at once; nothing if it is."""
    answer = settings["quiet"]
    if not answer.items:
        return now, ""
    periods = settings.memo.get("quiet")
    if periods is None:
        periods = [(item, QuietPeriod.model_validate(item.value)) for item in answer.items]
        settings.memo["quiet"] = periods
    due, names = release(now, [(item.key, period) for item, period in periods])
    if not names:
        return now, ""
    who = {item.key: item.origin for item in answer.items}
    said = " and ".join(f"{name} of {who[name]}" for name in names)
    return due, f"held until {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC by quiet period {said}"


def as_said(settings: Resolved, *, is_to_persons: bool) -> tuple[Said, ...]:
    """What the levels say, beside the defaults, for people: no secret is in it."""
    found: tuple[Said, ...] | None = settings.memo.get("said")
    if found is None:
        to_persons = ("to", "cc", "bcc", "sender.name", "sender.address", "sender.reply_to")
        without = ("destinations",) if is_to_persons else to_persons
        answers = [answer for name, answer in settings.answers.items() if name not in without]
        found = settings.memo["said"] = tuple(one for answer in answers for one in _of(answer))
    return found


def every(settings: Resolved) -> tuple[Said, ...]:
    """What counts, defaults too, and what is left out."""
    return tuple(one for answer in settings.answers.values() for one in _of(answer, with_defaults=True))


def shown(answer: Answer, item: Item) -> str:
    """What people are shown of a value."""
    if answer.field.is_secret or answer.field.kind == "list":
        return item.key
    if answer.field.kind == "scalar":
        return _scalar(item.value)
    return f"{item.key}: {_table(item.value)}"


def _of(answer: Answer, *, with_defaults: bool = False) -> list[Said]:
    name, locked = answer.field.name, str(answer.lock) if answer.lock else ""
    counting = answer.items[:1] if answer.field.kind == "scalar" else answer.items
    rows = [
        Said(field=name, value=shown(answer, item), origin=item.origin, when=item.when, locked_by=locked)
        for item in counting
        if with_defaults or locked or item.origin != DEFAULT
    ]
    if locked and not rows:
        rows = [Said(field=name, value="", origin=DEFAULT, locked_by=locked)]
    rows += [Said(field=name, value=one.key, origin=one.origin, left_out=one.reason) for one in answer.left_out]
    return rows


def _scalar(value: Any) -> str:
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _table(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{key} {' '.join(one) if isinstance(one, list | tuple) else one}" for key, one in value.items())


def _as_it_counts(tenant: Tenant, settings: Resolved) -> Tenant:
    pack, locale = _own(tenant, settings["pack"]), _own(tenant, settings["locale"])
    own = {name: _own(tenant, settings[f"sender.{name}"]) for name in _SENDER}
    changes: dict[str, Any] = {}
    if (pack, locale) != (tenant.pack, tenant.locale):
        changes = {"pack": pack, "locale": locale}
    if own != {name: getattr(tenant.sender, name) for name in _SENDER}:
        changes["sender"] = Sender(**own)
    return tenant.model_copy(update=changes) if changes else tenant


def _own(tenant: Tenant, answer: Answer) -> Any:
    """What a tenant itself says, as far as it counts."""
    return next((item.value for item in answer.items if item.tenant == tenant.id), None)
