"""`livery prune` and `livery erase`: what leaves the store, with age and on request."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.by_hand import Why, Yes, who
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.errors import InputError

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.storage.erasure import Erasure, Kind


def add_to(app: typer.Typer) -> None:
    for function in (prune, erase):
        app.command()(output.command(function))


def prune(
    config: ConfigOption = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after so long; else when nothing is left.")] = None,
    *,
    at_once: Annotated[bool, typer.Option("--at-once", help="Without rests in which workers come in between.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what is older than the retention allows, as workers do by themselves. May be broken off at any time."""
    with output.opened(config) as engine:
        removed = engine.retention.prune(seconds=seconds, rest=0.0 if at_once else None)
    if as_json:
        output.emit(dict(removed))
    elif removed:
        output.table(("removed", "how many"), sorted(removed.items()))
    else:
        typer.echo("Nothing is too old.")


def erase(
    config: ConfigOption = None,
    recipient: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Everything that names this address.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(metavar="ID", help="The whole log of this tenant; with another option, of it alone.")
    ] = None,
    event: Annotated[str | None, typer.Option(metavar="ID", help="The event with this id.")] = None,
    why: Why = "",
    *,
    list_: Annotated[bool, typer.Option("--list", help="List erasures and how far they are; erase nothing.")] = False,
    yes: Yes = False,
    as_json: JsonOption = False,
) -> None:
    """Erase personal text for good: addresses, messages, the data of events. The record of what was sent stays.

    What is open and for nobody else is given up; what is for others too is erased when it has ended, by a worker.
    Run again, it goes on where it was broken off. Exits 1 as long as something is left.
    """
    with output.opened(config) as engine:
        if list_:
            _show(engine.erasures.find(), [], as_json=as_json)
            return
        kind, subject = _asked(recipient, event, tenant)
        if not (yes or as_json):
            typer.confirm(f"Erase {kind} {subject} from the log, for good?", abort=True)
        within = tenant if tenant and kind != "tenant" else ""
        id_ = engine.erasures.begin(kind, subject, who(why), tenant=within)
        _bring_to_an_end(engine, quiet=as_json)
        found = engine.erasures.find(id_)
        also = engine.erasures.elsewhere(subject) if kind == "recipient" else []
    _show(found, also, as_json=as_json)
    if any(one.ended_at is None for one in found):
        raise typer.Exit(FAILED)


def _asked(recipient: str | None, event: str | None, tenant: str | None) -> "tuple[Kind, str]":
    if recipient is not None and event is None:
        return "recipient", recipient
    if event is not None and recipient is None:
        return "event", event
    if tenant is not None and recipient is None:
        return "tenant", tenant
    raise InputError("nothing was erased: name one of --recipient, --event and --tenant")


def _bring_to_an_end(engine: "Engine", *, quiet: bool) -> None:
    import sys

    def tell(one: "Erasure") -> None:
        if not quiet and output.is_terminal(sys.stderr):
            typer.echo(f"\r{one.erased} deliveries erased…", nl=False, err=True)

    engine.erasures.go_on(progress=tell)
    if not quiet and output.is_terminal(sys.stderr):
        typer.echo("\r", nl=False, err=True)


def _show(found: "list[Erasure]", elsewhere: list[str], *, as_json: bool) -> None:
    if as_json:
        output.emit({"erasures": [asdict(one) for one in found], "elsewhere": elsewhere})
        return
    rows = []
    for one in found:
        state = f"{one.ended_at:%Y-%m-%d %H:%M} UTC" if one.ended_at else f"waits for {one.waits} events, or to go on"
        rows.append((one.id, one.kind, one.subject or "(an address)", one.tenant, one.erased, state))
    if rows:
        output.table(("erasure", "of a", "which", "tenant", "deliveries", "ended"), rows)
    else:
        typer.echo("Nothing was erased yet.")
    if elsewhere:
        output.complain(f"Still named in: {', '.join(elsewhere)}. Decide about these with livery directory, settings")
