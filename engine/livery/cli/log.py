"""`livery deliveries`: what was sent, to whom, and why."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import by_hand, output, waiting
from livery.cli.by_hand import Channel, EventId, Since, State, Tenant, Until, query_of
from livery.cli.output import ConfigOption, JsonOption
from livery.errors import NotFound

if TYPE_CHECKING:
    from livery.models.delivery import Delivery, Destination

deliveries = typer.Typer(no_args_is_help=True, help="The log: what was sent, to whom, and why.")


def add_to(app: typer.Typer) -> None:
    deliveries.command("list")(output.command(list_))
    deliveries.command("show")(output.command(show))
    app.add_typer(deliveries, name="deliveries")
    by_hand.add_to(app, deliveries)
    waiting.add_to(deliveries)


def list_(
    config: ConfigOption = None,
    tenant: Tenant = None,
    state: State = None,
    channel: Channel = None,
    event: EventId = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    *,
    as_json: JsonOption = False,
) -> None:
    """List deliveries, newest first."""
    filters = {"tenant": tenant, "channel": channel, "event_id": event}
    with output.opened(config) as engine:
        found = engine.deliveries(**asdict(query_of(filters, state, since, until, limit)))
        troubled = engine.destinations()
    if as_json:
        output.emit([one.model_dump(mode="json", exclude={"trace"}) for one in found])
    elif found:
        delivery_table(found)
    else:
        typer.echo("No deliveries.")
    if troubled and not as_json:
        paused, disabled = (sum(bool(kind) for kind in kinds) for kinds in _kinds(troubled))
        output.complain(f"Destinations: {paused} paused, {disabled} disabled; see livery destinations list.")


def _kinds(troubled: Sequence["Destination"]) -> tuple[list[object], list[object]]:
    return [one.paused_until for one in troubled], [one.disabled_at for one in troubled]


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
        by_hand_so_far = engine.interventions.audit(one.id)
    if message:
        if wire is None:
            raise NotFound(f"{one.id} has not been written yet")
        typer.echo(wire.decode("utf-8", "replace"))
    elif as_json:
        output.emit(
            {
                **one.model_dump(mode="json"),
                "log": [attempt.model_dump(mode="json") for attempt in attempts],
                "interventions": [asdict(each) for each in by_hand_so_far],
            }
        )
    else:
        from livery.cli.explain import show_delivery

        show_delivery(one, attempts, by_hand_so_far)


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
