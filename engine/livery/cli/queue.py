"""`livery queue`: what waits, what is stuck, holding work back and letting it go on."""

import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.by_hand import Why, who
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.errors import InputError

if TYPE_CHECKING:
    from livery.storage.pauses import Kind

queue = typer.Typer(no_args_is_help=True, help="The queue: what waits, what is stuck, holding work back.")
Channel = Annotated[str | None, typer.Option(metavar="NAME", help="This channel.")]
Tenant = Annotated[str | None, typer.Option(metavar="ID", help="This tenant, without those below it.")]
Destination = Annotated[
    str | None, typer.Option(metavar="KEY", help="This destination, by its key: livery queue stats --by destination.")
]
_LOOK = 0.5
_NAME_ONE = "name one of --channel, --tenant and --destination"


def add_to(app: typer.Typer) -> None:
    for function in (stats, stuck, drain, pause, resume):
        queue.command()(output.command(function))
    app.add_typer(queue, name="queue")


def stats(
    config: ConfigOption = None,
    by: Annotated[str, typer.Option(help="channel, tenant or destination.")] = "channel",
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what is to be sent, by channel, tenant or destination; and what is paused."""
    kinds: dict[str, Kind] = {"channel": "channel", "tenant": "tenant", "destination": "destination"}
    if by not in kinds:
        raise InputError(f"--by is channel, tenant or destination, not {by!r}")
    with output.opened(config) as engine:
        lines = engine.queue.stats(kinds[by])
    if as_json:
        output.emit([asdict(one) for one in lines])
        return
    if not lines:
        typer.echo("Nothing waits.")
        return
    columns = (by, "due", "waiting", "being sent", "oldest due", "paused")
    rows = [(one.name, one.due, one.waiting, one.sending, _age(one.oldest), one.paused) for one in lines]
    output.table(columns, rows)


def stuck(
    config: ConfigOption = None,
    minutes: Annotated[float, typer.Option(min=0, help="Due for longer than so many minutes.")] = 5,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    *,
    as_json: JsonOption = False,
) -> None:
    """List what should have been sent by now, each with what holds it up. Exits 1 if there is something."""
    with output.opened(config) as engine:
        found = engine.queue.stuck(timedelta(minutes=minutes), limit=limit)
    if as_json:
        output.emit([asdict(one) for one in found])
    elif found:
        columns = ("delivery", "seller", "channel", "due (UTC)", "held up by")
        rows = [(one.delivery, one.tenant, one.channel, f"{one.due_at:%Y-%m-%d %H:%M:%S}", one.why) for one in found]
        output.table(columns, rows)
    else:
        typer.echo("Nothing is stuck.")
    if found:
        raise typer.Exit(FAILED)


def drain(
    config: ConfigOption = None,
    channel: Channel = None,
    tenant: Tenant = None,
    destination: Destination = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait at most.")] = 300,
    *,
    later: Annotated[bool, typer.Option("--later", help="Wait for what is to be tried again later, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Wait until workers have sent what is due, such as before maintenance. Exits 1 if something is left."""
    kind, name = _which(channel, tenant, destination) or (None, "")
    until = time.monotonic() + timeout
    with output.opened(config) as engine:
        left = engine.queue.left(kind, name, later=later)
        while left and time.monotonic() < until:
            time.sleep(_LOOK)
            left = engine.queue.left(kind, name, later=later)
    if as_json:
        output.emit({"left": left})
    else:
        typer.echo(f"{left:,} left; do workers run? See livery queue stuck." if left else "Nothing is left.")
    if left:
        raise typer.Exit(FAILED)


def pause(
    config: ConfigOption = None,
    channel: Channel = None,
    tenant: Tenant = None,
    destination: Destination = None,
    why: Why = "",
) -> None:
    """Hold back what is for a channel, tenant or destination, in every worker, until it is resumed. Nothing is lost."""
    kind, name = _one(channel, tenant, destination)
    with output.opened(config) as engine:
        if kind == "channel" and name not in engine.channels.types:
            raise InputError(f"no channel is called {name!r}; there are: {', '.join(sorted(engine.channels.types))}")
        done = engine.queue.pause(kind, name, who(why))
    typer.echo(f"{kind} {name} is held back." if done else f"{kind} {name} was held back already.")


def resume(
    config: ConfigOption = None,
    channel: Channel = None,
    tenant: Tenant = None,
    destination: Destination = None,
    why: Why = "",
) -> None:
    """Let what was paused go on."""
    kind, name = _one(channel, tenant, destination)
    with output.opened(config) as engine:
        count = engine.queue.resume(kind, name, who(why))
    typer.echo(f"{kind} {name} goes on: {count:,} waited.")


def _one(channel: str | None, tenant: str | None, destination: str | None) -> "tuple[Kind, str]":
    if (found := _which(channel, tenant, destination)) is None:
        raise InputError(_NAME_ONE)
    return found


def _which(channel: str | None, tenant: str | None, destination: str | None) -> "tuple[Kind, str] | None":
    """What is meant; None if nothing is named."""
    given: list[tuple[Kind, str]] = []
    if channel is not None:
        given.append(("channel", channel))
    if tenant is not None:
        given.append(("tenant", tenant))
    if destination is not None:
        given.append(("destination", destination))
    if len(given) > 1:
        raise InputError(_NAME_ONE)
    return given[0] if given else None


def _age(seconds: float) -> str:
    if not seconds:
        return ""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
