"""`livery deliveries retry|cancel|purge` and `livery destinations`: what people do by hand, on record."""

import getpass
import os
import re
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livery.cli import output
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.errors import LiveryError, NotFound

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.ports import Query, Who
    from livery.storage.interventions import Handled

destinations = typer.Typer(no_args_is_help=True, help="Destinations that failed: paused, disabled, enabled again.")
_AGO = re.compile(r"(\d{1,6})\s*(min|m|h|d)")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of deliveries; else all that the filters find.")]
Tenant = Annotated[str | None, typer.Option(help="Only this seller's.")]
State = Annotated[str | None, typer.Option(help="Only in this state, such as dead.")]
Channel = Annotated[str | None, typer.Option(help="Only of this channel.")]
EventId = Annotated[str | None, typer.Option("--event", help="Only of the event with this id.")]
Since = Annotated[str | None, typer.Option(help="Created since: a time (ISO 8601, UTC), or 2h, 3d: so long ago.")]
Until = Annotated[str | None, typer.Option(help="Created before; written like --since.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")]
Why = Annotated[str, typer.Option(help="Why; it is kept with who and when.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def add_to(app: typer.Typer, deliveries: typer.Typer) -> None:
    for function in (retry, cancel, purge):
        deliveries.command()(output.command(function))
    for name, command in (("list", list_), ("enable", enable), ("disable", disable)):
        destinations.command(name)(output.command(command))
    app.add_typer(destinations, name="destinations")


def retry(
    ids: Ids = None,
    config: ConfigOption = None,
    tenant: Tenant = None,
    state: State = None,
    channel: Channel = None,
    event: EventId = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 1000,
    why: Why = "",
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Write it anew with the pack as it is now, instead of the same bytes.")
    ] = False,
    yes: Yes = False,
    as_json: JsonOption = False,
) -> None:
    """Send deliveries again. By filter, those that did not arrive: dead, unknown, suppressed. A worker sends them."""
    filters = {"tenant": tenant, "channel": channel, "event_id": event}
    with output.opened(config) as engine:
        query = query_of(filters, state, since, until, limit)
        chosen = _chosen(engine, ids, query, "send again", asks=not (yes or as_json))
        handled = engine.interventions.retry(chosen, who(why), fresh=fresh, once=not ids)
    _show(handled, as_json=as_json)


def cancel(
    ids: Ids = None,
    config: ConfigOption = None,
    tenant: Tenant = None,
    state: State = None,
    channel: Channel = None,
    event: EventId = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 1000,
    why: Why = "",
    *,
    yes: Yes = False,
    as_json: JsonOption = False,
) -> None:
    """Give up deliveries that wait: pending or retrying. They end as suppressed."""
    filters = {"tenant": tenant, "channel": channel, "event_id": event}
    with output.opened(config) as engine:
        chosen: list[str] = []
        for one in [state] if state else ["pending", "retrying"]:
            chosen += _found(engine, ids, query_of(filters, one, since, until, limit))
        chosen = _confirmed(list(dict.fromkeys(chosen))[:limit], "cancel", asks=not (ids or yes or as_json))
        handled = engine.interventions.cancel(chosen, who(why))
    _show(handled, as_json=as_json)


def purge(
    older_than: Annotated[str, typer.Option("--older-than", help="Settled before so long: 90d, 12h.")],
    config: ConfigOption = None,
    tenant: Tenant = None,
    why: Why = "",
    *,
    yes: Yes = False,
    as_json: JsonOption = False,
) -> None:
    """Remove messages, addresses and texts of old deliveries. The rows stay, with times, states and reasons."""
    age = _AGO.fullmatch(older_than.strip())
    if age is None:
        raise LiveryError(f"--older-than is a time such as 90d or 12h, not {older_than!r}")
    if not (yes or as_json):
        typer.confirm(f"Remove the texts of everything settled more than {older_than} ago, for good?", abort=True)
    with output.opened(config) as engine:
        count = engine.interventions.purge(_span(age), who(why), tenant=tenant)
    if as_json:
        output.emit({"purged": count})
    else:
        typer.echo(f"{count} purged.")


def list_(
    config: ConfigOption = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="All that ever failed, not only those paused or disabled.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List destinations that are paused or disabled."""
    with output.opened(config) as engine:
        found = engine.destinations(troubled=not everything)
    if as_json:
        output.emit([one.model_dump(mode="json") for one in found])
        return
    if not found:
        typer.echo("No destination is paused or disabled." if not everything else "No destination has failed.")
        return
    rows = []
    for one in found:
        state = "ok"
        if one.paused_until:
            state = f"paused until {one.paused_until:%Y-%m-%d %H:%M:%S} UTC"
        if one.disabled_at:
            state = f"disabled {one.disabled_at:%Y-%m-%d %H:%M} UTC: {one.disabled_why}"
        rows.append((one.key, one.tenant, one.channel, one.label, one.failures, state))
    output.table(("key", "seller", "channel", "destination", "failures", "state"), rows)


Key = Annotated[str, typer.Argument(help="The key, as `livery destinations list` shows it.")]


def enable(key: Key, config: ConfigOption = None, why: Why = "") -> None:
    """Turn a destination on again, and end its pause."""
    with output.opened(config) as engine:
        engine.interventions.enable(key, who(why))
    typer.echo("Enabled. What was held back meanwhile is sent by `livery deliveries retry --state suppressed`.")


def disable(key: Key, config: ConfigOption = None, why: Why = "") -> None:
    """Send nothing to a destination until it is enabled; what waits for it ends as suppressed."""
    with output.opened(config) as engine:
        engine.interventions.disable(key, who(why))
    typer.echo("Disabled.")


def query_of(filters: dict[str, Any], state: str | None, since: str | None, until: str | None, limit: int) -> "Query":
    """The query that options stand for."""
    from livery.models.delivery import State as States
    from livery.ports import Query

    if state is not None and state not in {one.value for one in States}:
        raise NotFound(f"no state is called {state!r}; there are: {', '.join(States)}")
    wanted = States(state) if state else None
    return Query(**filters, state=wanted, since=moment_of(since), until=moment_of(until), limit=limit)


def moment_of(text: str | None) -> datetime | None:
    """A time as people write it: ISO 8601, or so long ago.

    Raises:
        LiveryError: it is neither.

    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text.strip()):
        return datetime.now(UTC) - _span(ago)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise LiveryError(f"{text!r} is no time: write 2026-11-20T12:00 or 2026-11-20 (UTC), or 2h, 3d ago") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def who(why: str) -> "Who":
    """The person at the terminal."""
    from livery.ports import Who

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # no entry for this user id
        name = str(os.getuid())
    return Who(f"{name}@{socket.gethostname()}", why)


def _span(ago: re.Match[str]) -> timedelta:
    return timedelta(**{_UNITS[ago[2]]: int(ago[1])})


def _found(engine: "Engine", ids: list[str] | None, query: "Query") -> list[str]:
    if not ids:
        return engine.interventions.found(query)
    found = []
    for one in ids:
        matches = engine.deliveries(id_prefix=one, limit=2)
        if len(matches) != 1:
            raise NotFound(f"{'several deliveries begin' if matches else 'no delivery begins'} with {one!r}")
        found.append(matches[0].id)
    return found


def _chosen(engine: "Engine", ids: list[str] | None, query: "Query", what: str, *, asks: bool) -> list[str]:
    return _confirmed(_found(engine, ids, query), what, asks=asks and not ids)


def _confirmed(chosen: list[str], what: str, *, asks: bool) -> list[str]:
    if chosen and asks:
        typer.confirm(f"{len(chosen)} deliveries: {what}?", abort=True)
    return chosen


def _show(handled: "list[Handled]", *, as_json: bool) -> None:
    if as_json:
        output.emit(
            [{"delivery": one.delivery, "done": one.done, "said": one.said, "result": one.result} for one in handled]
        )
    else:
        rows = [(one.delivery, one.said, one.result) for one in handled]
        if rows:
            output.table(("delivery", "what became of it", "new delivery"), rows)
        typer.echo(f"{sum(one.done for one in handled)} of {len(handled)} done.")
    if any(not one.done for one in handled):
        raise typer.Exit(FAILED)
