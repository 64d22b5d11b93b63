"""`livery deliveries`: what was sent, to whom, and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.output import ConfigOption, JsonOption
from livery.errors import NotFound

if TYPE_CHECKING:
    from livery.models.delivery import Delivery

deliveries = typer.Typer(no_args_is_help=True, help="The log: what was sent, to whom, and why.")


def add_to(app: typer.Typer) -> None:
    deliveries.command("list")(output.command(list_))
    deliveries.command("show")(output.command(show))
    app.add_typer(deliveries, name="deliveries")


def list_(
    config: ConfigOption = None,
    tenant: Annotated[str | None, typer.Option(help="Only this seller's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, such as dead.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only of this channel.")] = None,
    event: Annotated[str | None, typer.Option(help="Only of the event with this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    *,
    as_json: JsonOption = False,
) -> None:
    """List deliveries, newest first."""
    from livery.models.delivery import State

    if state is not None and state not in {one.value for one in State}:
        raise NotFound(f"no state is called {state!r}; there are: {', '.join(State)}")
    wanted = State(state) if state else None
    with output.opened(config) as engine:
        found = engine.deliveries(tenant=tenant, state=wanted, channel=channel, event_id=event, limit=limit)
    if as_json:
        output.emit([one.model_dump(mode="json", exclude={"trace"}) for one in found])
    elif found:
        delivery_table(found)
    else:
        typer.echo("No deliveries.")


def show(
    delivery: Annotated[str, typer.Argument(help="The delivery's id, or its beginning.")],
    config: ConfigOption = None,
    *,
    message: Annotated[
        bool, typer.Option("--message", help="Print the message as it was sent, and nothing else.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one delivery: its attempts, who was told and why, and where every piece of text came from."""
    with output.opened(config) as engine:
        found = engine.deliveries(id_prefix=delivery, limit=2)
        if len(found) != 1:
            many = "several deliveries begin" if found else "no delivery begins"
            raise NotFound(f"{many} with {delivery!r}; `livery deliveries list` shows them")
        one, attempts, wire = found[0], engine.attempts(found[0].id), engine.wire(found[0].id)
    if message:
        if wire is None:
            raise NotFound(f"{one.id} has not been written yet")
        typer.echo(wire.decode("utf-8", "replace"))
    elif as_json:
        output.emit({**one.model_dump(mode="json"), "log": [attempt.model_dump(mode="json") for attempt in attempts]})
    else:
        from livery.cli.explain import show_delivery

        show_delivery(one, attempts)


def delivery_table(found: Sequence["Delivery"]) -> None:
    """One line for each delivery."""
    rows = [
        (
            one.id,
            one.event_id,
            one.tenant,
            one.channel,
            one.destination,
            output.coloured(one.state),
            one.reason or "",
            one.attempts,
        )
        for one in found
    ]
    output.table(("delivery", "event", "seller", "channel", "destination", "state", "reason", "tries"), rows)
