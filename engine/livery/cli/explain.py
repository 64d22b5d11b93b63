"""How an explanation and a delivery's trace are shown to people."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from livery.cli import output, settings_show
from livery.models.audience import Audience
from livery.models.delivery import Attempt, Delivery
from livery.models.explanation import Explanation, Said, Wording
from livery.ports import Intervention

_PLACES = {"to": "To", "cc": "Cc", "bcc": "Bcc"}


def show(found: Explanation) -> None:
    """The whole answer, from the tenants down to the pieces of text."""
    typer.echo(f"{found.event_type} {found.event_id}")
    typer.echo(f"Tenants: {' → '.join(found.chain)}")
    if not found.enabled:
        typer.echo(f"Switched off by {found.enabled_why}: nobody is told.")
        return
    _audience(found.audience)
    told: dict[tuple[Any, ...], str] = {}
    for one in found.deliveries:
        typer.echo("")
        typer.secho(f"{one.channel} → {one.destination}", bold=True)
        typer.echo(f"  because of   {one.origin}")
        if one.sender:
            typer.echo(f"  from         {one.sender} ({one.sender_why})")
        if one.held:
            typer.echo(f"  waits        {one.held}")
        if one.withheld:
            typer.echo(f"  not shown    {', '.join(one.withheld)} (its readers may not see it)")
        if one.wording:
            same = told.setdefault((one.wording.locale_why, one.wording.pieces), one.channel)
            _wording(one.wording, as_for="" if same == one.channel else same)
    _settings(found)
    if not found.deliveries:
        typer.echo("No channel has a destination for this event.")
    if found.unreachable:
        output.complain("No person is reached: this raises an alarm when the event is sent.")


def _settings(found: Explanation) -> None:
    for off in found.switched_off:
        typer.echo(f"{off.channel}: switched off by {off.origin}.")
    if said := list(dict.fromkeys(said for one in found.deliveries for said in one.settings)):
        typer.echo("")
        settings_show.said(said)


def show_delivery(one: Delivery, attempts: Sequence[Attempt], by_hand: Sequence[Intervention] = ()) -> None:
    """A delivery with its attempts and the trace that was stored with it."""
    _pairs(
        ("delivery", one.id),
        ("event", f"{one.event_type} {one.event_id}"),
        ("seller", one.tenant),
        ("channel", f"{one.channel} → {one.destination}"),
        ("state", f"{one.state}{f' ({one.reason})' if one.reason else ''}"),
        ("title", one.title),
        ("Message-ID", one.message_id if one.channel == "smtp" else ""),
        ("next try", f"{one.due_at:%Y-%m-%d %H:%M:%S %Z}" if one.state in ("retrying", "pending") else ""),
        ("repeats", one.replay_of),
        ("purged", f"{one.purged_at:%Y-%m-%d %H:%M:%S %Z}" if one.purged_at else ""),
    )
    for warning in (*one.warnings, *one.degraded):
        output.complain(f"! {warning}")
    for each in by_hand:
        said = f"{each.at:%Y-%m-%d %H:%M:%S} {each.action} by {each.actor}: {each.result}"
        typer.echo(f"{'by hand':<12} {said}{f' ({each.why})' if each.why else ''}")
    rows = [
        (
            attempt.number,
            f"{attempt.started_at:%Y-%m-%d %H:%M:%S}",
            f"{attempt.duration_ms:.0f} ms",
            "under way" if one.state == "sending" and attempt is attempts[-1] else attempt.outcome.status,
            attempt.outcome.reason or "",
            attempt.outcome.code,
            attempt.outcome.detail,
        )
        for attempt in attempts
    ]
    output.table(("try", "began (UTC)", "took", "outcome", "reason", "code", "answer"), rows)
    if one.trace.get("withheld"):
        typer.echo(f"  not shown    {', '.join(one.trace['withheld'])} (its readers may not see it)")
    if one.trace.get("held"):
        typer.echo(f"waits        {one.trace['held']}")
    if one.trace.get("audience"):
        _audience(Audience.model_validate(one.trace["audience"]))
    if one.trace.get("settings"):
        settings_show.said(Said.model_validate(said) for said in one.trace["settings"])
    if one.trace.get("wording"):
        _wording(Wording.model_validate(one.trace["wording"]))


def _audience(who: Audience) -> None:
    rows = [
        (_PLACES[entry.place], f"{entry.recipient.name} <{entry.recipient.address}>".strip(), entry.why())
        for entry in who.entries
    ]
    rows += [
        (
            "–",
            one.address or one.selector,
            f"left out of {_PLACES[one.place]}: {one.reason} · {one.selector} · from {one.origin}",
        )
        for one in who.excluded
    ]
    if rows:
        output.table(("place", "who", "why"), rows)
    for warning in who.warnings:
        output.complain(f"! {warning}")


def _wording(wording: Wording, *, as_for: str = "") -> None:
    typer.echo(
        f"  language     {wording.locale} ({wording.locale_why}); texts from {' → '.join(wording.locale_fallbacks)}"
    )
    typer.echo(f"  packs        {' → '.join(wording.packs)}")
    typer.echo(f"  subject      {wording.subject}")
    if as_for:
        typer.echo(f"  words        as for {as_for}, above")
    for file, pieces in _by_file(wording).items() if not as_for else ():
        typer.echo(f"  {file}")
        lines = textwrap.fill(", ".join(pieces), width=min(output.width(), 120), break_long_words=False)
        typer.echo(textwrap.indent(lines, " " * 15))
    for what in wording.degraded:
        output.complain(f"  degraded: {what}")


def _by_file(wording: Wording) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for piece in wording.pieces:
        found.setdefault(f"{piece.pack}/{piece.file}", []).append(piece.piece)
    return {file: list(dict.fromkeys(pieces)) for file, pieces in found.items()}


def _pairs(*pairs: tuple[str, Any]) -> None:
    shown: Iterable[tuple[str, Any]] = ((name, value) for name, value in pairs if value)
    for name, value in shown:
        typer.echo(f"{name:<12} {value}")
