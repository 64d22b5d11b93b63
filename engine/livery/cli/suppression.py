"""`livery suppression`: addresses that are not written to."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.by_hand import who
from livery.cli.output import ConfigOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livery.suppressions import Suppression

Address = Annotated[str, typer.Argument(help="One e-mail address.", show_default=False)]
_SHOWN = 10_000


def add_to(app: typer.Typer) -> None:
    suppression = typer.Typer(no_args_is_help=True, help="Addresses that are not written to, and why.")
    for name, command in (("list", list_), ("add", add), ("remove", remove)):
        suppression.command(name)(output.command(command))
    app.add_typer(suppression, name="suppression")


def list_(
    config: ConfigOption = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's, and of those below it.")] = None,
    address: Annotated[str | None, typer.Option(help="Only this address.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_SHOWN, help="At most so many.")] = 100,
    *,
    as_json: JsonOption = False,
) -> None:
    """List addresses that are not written to."""
    with output.opened(config) as engine:
        found = engine.suppressions.find(tenant=tenant, address=address, limit=limit)
    _show(found, as_json=as_json)


def add(
    address: Address,
    tenant: Annotated[str, typer.Option(help="At which tenant; it holds for all below it.", show_default=False)],
    config: ConfigOption = None,
    kind: Annotated[str, typer.Option(help="opt_out, hard_bounce or manual.")] = "manual",
    event_type: Annotated[str, typer.Option("--type", metavar="TYPE", help="Only for this event type.")] = "*",
    note: Annotated[str, typer.Option(help="Why; shown wherever somebody was left out for it.")] = "",
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Ends by itself after so many days.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write to an address no more. What waits for it is not sent either."""
    until = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with output.opened(config) as engine:
        one = engine.suppressions.add(
            tenant, address, who=who("").actor, kind=kind, event_type=event_type, note=note, until=until
        )
    _show([one], as_json=as_json)


def remove(
    address: Address,
    config: ConfigOption = None,
    tenant: Annotated[str | None, typer.Option(help="Off this tenant's list alone; else off every list.")] = None,
    event_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only what holds for this event type.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write to an address again. What ended as suppressed meanwhile is sent by `livery deliveries retry`."""
    with output.opened(config) as engine:
        gone = engine.suppressions.remove(address, tenant=tenant, event_type=event_type)
    _show(gone, as_json=as_json)


def _show(found: "Sequence[Suppression]", *, as_json: bool) -> None:
    if as_json:
        output.emit([one.plain() for one in found])
        return
    if not found:
        output.note("Nobody is suppressed.")
        return
    rows = [
        (one.address, one.tenant, one.event_type, one.kind.value, f"{one.at:%Y-%m-%d}",
         f"{one.until:%Y-%m-%d}" if one.until else "–", one.note, one.who)
        for one in found
    ]  # fmt: skip
    output.table(("address", "tenant", "for", "kind", "since", "until", "note", "by"), rows)
