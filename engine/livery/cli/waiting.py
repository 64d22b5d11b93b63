"""`livery deliveries waiting`: events that are accepted and cannot be planned yet."""

from dataclasses import asdict
from typing import Annotated

import typer

from livery.cli import output
from livery.cli.output import ConfigOption, JsonOption


def add_to(deliveries: typer.Typer) -> None:
    deliveries.command("waiting")(output.command(waiting))


def waiting(
    config: ConfigOption = None,
    tenant: Annotated[str | None, typer.Option(metavar="ID", help="Only this seller's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    *,
    as_json: JsonOption = False,
) -> None:
    """List accepted events that have no deliveries yet, oldest first: why they wait, and when it is tried again."""
    with output.opened(config) as engine:
        found = engine.waiting(tenant, limit=limit)
    if as_json:
        output.emit([asdict(one) for one in found])
        return
    if not found:
        typer.echo("No event waits.")
        return
    rows = [
        (
            one.event_id,
            one.tenant,
            f"{one.accepted_at:%Y-%m-%d %H:%M:%S}",
            one.tries,
            f"{one.due:%Y-%m-%d %H:%M:%S}" if one.due else "",
            one.why or "a worker is to plan it",
        )
        for one in found
    ]
    output.table(("event", "seller", "accepted (UTC)", "tries", "again (UTC)", "waits because"), rows)
