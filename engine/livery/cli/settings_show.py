"""How settings, changes to them and what they would do are shown to people."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from livery.cli import output

if TYPE_CHECKING:
    from livery.administration.what_if import Report
    from livery.models.explanation import Said, SettingsView
    from livery.settings.changes import Change, Proposal
    from livery.settings.changes import Said as Stands

_NOTHING = "nothing"


def view(found: "SettingsView") -> None:
    """A table: setting, value, where it is from, when it counts, who locked it."""
    of = [one for one in (found.event_type, found.channel) if one != "*"]
    typer.echo(f"{' → '.join(found.chain)}: {', '.join(of) or 'all event types'} (revision {found.revision})")
    said(found.rows)


def said(rows: Iterable["Said"]) -> None:
    """What counts; then what is left out, and why."""
    rows = list(rows)
    counting = [(one.field, one.value, one.origin, one.when, one.locked_by) for one in rows if not one.left_out]
    columns = ["setting", "value", "from", "when", "locked by"]
    used = [at for at in range(len(columns)) if at < 3 or any(row[at] for row in counting)]  # noqa: PLR2004 - the first three always
    output.table([columns[at] for at in used], [[row[at] for at in used] for row in counting])
    left_out = [(one.field, one.value, one.origin, one.left_out) for one in rows if one.left_out]
    if left_out:
        output.table(("left out of", "what", "said by", "because"), left_out)


def made(changes: Sequence["Change"], *, as_json: bool) -> None:
    """What was changed."""
    if as_json:
        output.emit([plain(one) for one in changes])
    elif not changes:
        typer.echo("Nothing to change: it stands so already.")
    else:
        for one in changes:
            typer.echo(f"{one.slot.tenant} {_what(one)}: {_stands(one.before)} → {_stands(one.after)}")
        ids = dict.fromkeys(one.id for one in changes)
        typer.echo(f"To undo: {'; '.join(f'livery settings undo {id_}' for id_ in ids)}")


def trail(changes: Sequence["Change"], *, as_json: bool) -> None:
    """Who changed what."""
    if as_json:
        output.emit([plain(one) for one in changes])
        return
    if not changes:
        typer.echo("No changes.")
        return
    rows = [
        (
            f"{one.at:%Y-%m-%d %H:%M}",
            one.who,
            one.slot.tenant,
            _what(one),
            f"{_stands(one.before)} → {_stands(one.after)}",
            "; ".join(filter(None, (one.note, f"undoes {one.undo_of}" if one.undo_of else ""))),
            one.id,
        )
        for one in changes
    ]
    output.table(("when (UTC)", "who", "tenant", "what", "from → to", "why", "change"), rows)


def plan(proposal: "Proposal") -> None:
    """What would be changed, a line for each."""
    if not proposal.changes:
        return
    for one in proposal.changes:
        sign, colour = ("-", "red") if one.after is None else ("+", "green") if one.before is None else ("~", "yellow")
        line = f"{sign} {one.slot.tenant} {_what(one)}: {_stands(one.before)} → {_stands(one.after)}"
        typer.secho(line, fg=colour)
    typer.echo(f"{len(proposal.changes)} changes.")


def report(found: "Report", since: str) -> None:
    """What a change would have done."""
    typer.echo(f"Of {found.events:,} events of the last {since}, {found.differing:,} would go out differently:")
    typer.echo(f"{found.changed:,} of {found.messages:,} messages would be different, gone or new.")
    if found.kinds:
        output.table(("what", "how often"), sorted(found.kinds.items()))
    if found.examples:
        rows = [(one.event_id, one.event_type, one.seller, "\n".join(one.differs)) for one in found.examples]
        output.table(("event", "type", "seller", "what would differ"), rows)
    if found.skipped:
        output.complain(f"{found.skipped:,} events could not be planned again.")


def plain(one: "Change") -> dict[str, Any]:
    """A change as JSON shows it."""
    slot = one.slot
    return {
        "id": one.id, "revision": one.revision, "at": one.at, "who": one.who, "tenant": slot.tenant,
        "event_type": slot.event_type, "channel": slot.channel, "field": slot.field, "item": slot.item,
        "is_lock": slot.is_lock, "from": slot.starts, "until": slot.ends,
        "before": None if one.before is None else {"operation": one.before[0], "value": one.before[1]},
        "after": None if one.after is None else {"operation": one.after[0], "value": one.after[1]},
        "note": one.note, "undo_of": one.undo_of,
    }  # fmt: skip


def _what(one: "Change") -> str:
    slot = one.slot
    item = f" {slot.item}" if slot.item else ""
    where = "" if slot.where() == "all event types" else f" ({slot.where()})"
    return f"{slot.field}{item}{where}{f' {slot.when()}' if slot.when() else ''}"


def _stands(said: "Stands") -> str:
    if said is None:
        return _NOTHING
    operation, value = said
    if value is None:
        return {"add": "added", "remove": "removed", "lock": "locked"}[operation]
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{key}={one}" for key, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nobody"
    return str(value)
