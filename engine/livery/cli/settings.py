"""`livery settings`: what every level says, who said it, and what it comes to."""

import getpass
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livery.cli import output, settings_show
from livery.cli.output import ConfigOption, JsonOption
from livery.errors import InputError, Problem, shown

if TYPE_CHECKING:
    from livery.administration.facade import Settings
    from livery.settings.changes import Change, Proposal

settings = typer.Typer(no_args_is_help=True, help="Settings: what every level says, and what it comes to.")
TenantArgument = Annotated[str, typer.Argument(metavar="TENANT", help="Whose level.", show_default=False)]
FieldArgument = Annotated[str, typer.Argument(metavar="SETTING", help="Such as cc or locale.", show_default=False)]
ValueArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="VALUE...",
        help="A value; selectors; for a destination or period its name and KEY=VALUE pairs.",
        show_default=False,
    ),
]
TypeOption = Annotated[str, typer.Option("--type", help="Only of this event type.", metavar="TYPE")]
ChannelOption = Annotated[str, typer.Option("--channel", help="Only of this channel.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="TIME", help="From when on it counts (RFC 3339).")]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Until when it counts.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why, for the trail.")]
WhoOption = Annotated[str | None, typer.Option("--who", help="Who does it, for the trail; you if absent.")]
RevisionOption = Annotated[
    int | None, typer.Option("--revision", help="Refuse if the tenant's settings were changed after this revision.")
]
SinceOption = Annotated[str, typer.Option("--since", metavar="SPAN", help="How far back: 12h, 30d, 4w.")]
_SPAN = re.compile(r"(\d{1,5})([hdw])")
_WORDS = {"on": True, "true": True, "off": False, "false": False}


def add_to(app: typer.Typer) -> None:
    commands = {
        "show": show, "set": set_, "add": add, "remove": remove, "lock": lock, "unlock": unlock, "reset": reset,
        "history": history, "undo": undo, "export": export, "import": import_, "diff": diff,
    }  # fmt: skip
    for name, command in commands.items():
        settings.command(name)(output.command(command))
    app.add_typer(settings, name="settings")


def show(
    tenant: TenantArgument,
    event_type: TypeOption = "*",
    channel: ChannelOption = "*",
    config: ConfigOption = None,
    *,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="As of then instead of now.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what counts at a tenant, where each value comes from, who locked it, and what is left out and why."""
    with output.opened(config) as engine:
        view = engine.settings.resolved(tenant, event_type, channel, at=_time(at, "--at"))
    if as_json:
        output.emit(view.model_dump(mode="json"))
    else:
        settings_show.view(view)


def _changing(operation: str, doc: str) -> Any:
    def command(
        tenant: TenantArgument,
        field: FieldArgument,
        value: ValueArgument = None,
        event_type: TypeOption = "*",
        channel: ChannelOption = "*",
        starts: FromOption = None,
        ends: UntilOption = None,
        note: NoteOption = "",
        who: WhoOption = None,
        revision: RevisionOption = None,
        config: ConfigOption = None,
        *,
        as_json: JsonOption = False,
    ) -> None:
        made: list[Change] = []
        with output.opened(config) as engine:
            desk = engine.settings.by(who or getpass.getuser())
            for item, one in _values(field, operation, value or []):
                made += desk.change(
                    tenant, operation, field, one, item=item, event_type=event_type, channel=channel,
                    starts=_time(starts, "--from"), ends=_time(ends, "--until"), note=note,
                    expected_revision=revision if not made else None,
                )  # fmt: skip
        settings_show.made(made, as_json=as_json)

    command.__doc__ = doc
    return command


set_ = _changing("set", "Say what a setting is at a level, instead of what comes from above.")
add = _changing("add", "Add selectors to a list, or a destination or period under a name, to what comes from above.")
remove = _changing("remove", "Leave out what comes from above; of destinations, a tenant's own.")


def lock(
    tenant: TenantArgument,
    field: FieldArgument,
    event_type: TypeOption = "*",
    channel: ChannelOption = "*",
    starts: FromOption = None,
    ends: UntilOption = None,
    note: NoteOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Keep the levels below from changing a setting; what they say already has no effect then."""
    with output.opened(config) as engine:
        made = engine.settings.by(who or getpass.getuser()).change(
            tenant, "lock", field, event_type=event_type, channel=channel,
            starts=_time(starts, "--from"), ends=_time(ends, "--until"), note=note,
        )  # fmt: skip
    settings_show.made(made, as_json=as_json)


def unlock(
    tenant: TenantArgument,
    field: FieldArgument,
    event_type: TypeOption = "*",
    channel: ChannelOption = "*",
    note: NoteOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Take back a lock."""
    with output.opened(config) as engine:
        desk = engine.settings.by(who or getpass.getuser())
        made = desk.reset(tenant, field, event_type=event_type, channel=channel, is_lock=True, note=note)
    settings_show.made(made, as_json=as_json)


def reset(
    tenant: TenantArgument,
    field: Annotated[str | None, typer.Argument(metavar="SETTING", help="Every one if absent.")] = None,
    item: Annotated[str | None, typer.Argument(help="Only what is said about this selector or name.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Only what is said of this event type.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Only what is said of this channel.")] = None,
    note: NoteOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Take back what a level says, so that what comes from above counts again."""
    with output.opened(config) as engine:
        desk = engine.settings.by(who or getpass.getuser())
        made = desk.reset(tenant, field, item=item, event_type=event_type, channel=channel, note=note)
    settings_show.made(made, as_json=as_json)


def history(
    tenant: Annotated[str | None, typer.Argument(metavar="TENANT", help="Everybody's if absent.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show who changed what, when, from what to what, and why; newest first."""
    with output.opened(config) as engine:
        found = engine.settings.history(tenant, limit=limit)
    settings_show.trail(found, as_json=as_json)


def undo(
    change: Annotated[str, typer.Argument(help="The change's id, as history shows it.", show_default=False)],
    note: NoteOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also what was changed again since.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let stand again what stood before a change; itself a change, which can be undone."""
    with output.opened(config) as engine:
        made = engine.settings.by(who or getpass.getuser()).undo(change, force=force, note=note)
    settings_show.made(made, as_json=as_json)


def export(
    tenant: Annotated[
        str | None, typer.Argument(metavar="TENANT", help="It and those below it; everybody if absent.")
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Print what tenants say in the store, as TOML that `import` reads; secrets are masked."""
    from livery.administration import code

    with output.opened(config) as engine:
        found = engine.settings.export(tenant)
    if as_json:
        output.emit(found)
    else:
        typer.echo(code.toml(found), nl=False)


def import_(
    file: Annotated[Path, typer.Argument(help="TOML or JSON as `export` prints it; - for standard input.")],
    note: NoteOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Apply without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let each tenant in a file say just what it says there: prints the plan, asks, then applies it."""
    document = _document(file)
    with output.opened(config) as engine:
        desk = engine.settings.by(who or getpass.getuser())
        proposal = desk.plan_import(document)
        if not as_json:
            settings_show.plan(proposal)
        if not proposal.changes:
            made: list[Change] = []
        elif yes or typer.confirm("Apply?", err=True):
            made = desk.apply(proposal, note=note)
        else:
            raise typer.Exit(output.FAILED)
    settings_show.made(made, as_json=as_json)


def diff(
    operation: Annotated[
        str | None, typer.Argument(metavar="[set|add|remove|lock]", help="What would be done.", show_default=False)
    ] = None,
    tenant: Annotated[str | None, typer.Argument(metavar="TENANT", show_default=False)] = None,
    field: Annotated[str | None, typer.Argument(metavar="SETTING", show_default=False)] = None,
    value: ValueArgument = None,
    file: Annotated[Path | None, typer.Option("--file", help="Instead: a file as `import` reads it.")] = None,
    since: SinceOption = "30d",
    event_type: TypeOption = "*",
    channel: ChannelOption = "*",
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """What if: count what a change would have done to the events that came, without making it."""
    back = _span(since)
    with output.opened(config) as engine:
        desk = engine.settings
        if file is not None:
            proposal = desk.plan_import(_document(file))
        elif operation and tenant and field:
            proposal = _proposed(desk, operation, tenant, field, value or [], event_type, channel)
        else:
            raise InputError("what would be changed?", [Problem("diff", "a change as for `settings add`, or --file")])
        report = desk.what_if(proposal, since=engine.now() - back)
    if as_json:
        output.emit(report.plain())
    else:
        settings_show.report(report, since)


def _proposed(
    desk: "Settings", operation: str, tenant: str, field: str, value: list[str], event_type: str, channel: str
) -> "Proposal":
    ((item, one), *more) = _values(field, operation, value) or [("", None)]
    if more:
        raise InputError("too much at once:", [Problem("VALUE", "one selector; for several, use --file")])
    return desk.propose(tenant, operation, field, one, item=item, event_type=event_type, channel=channel)


def _values(field: str, operation: str, words: list[str]) -> list[tuple[str, Any]]:
    """The words of a command as (item, value), one for each change."""
    from livery.settings.fields import field_of

    kind = field_of(field).kind
    if operation == "lock":
        return [("", None)]
    if kind == "list":
        return [("", words)] if operation == "set" else [("", word) for word in words]
    if kind == "scalar":
        if len(words) != 1:
            raise InputError("the command is wrong:", [Problem("VALUE", "one value", str(len(words)))])
        return [("", _WORDS.get(words[0].lower(), words[0]) if field == "enabled" else words[0])]
    if operation == "set":
        return [("", _parsed(" ".join(words)) if words else {})]
    if not words:
        raise InputError("the command is wrong:", [Problem("VALUE", "the name of the item, then KEY=VALUE pairs")])
    name, *rest = words
    if rest and rest[0].startswith("{"):
        return [(name, _parsed(" ".join(rest)))]
    pairs = [word.partition("=") for word in rest]
    if wrong := [key for key, equals, _ in pairs if not equals]:
        # What is no pair may be a secret, so it is not repeated.
        raise InputError("the command is wrong:", [Problem("VALUE", f"KEY=VALUE pairs; {len(wrong)} are none")])
    return [(name, {key: _maybe_json(text) for key, _, text in pairs})]


def _maybe_json(text: str) -> Any:
    return _parsed(text) if text.startswith(("[", "{")) else text


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError("the command is wrong:", [Problem("VALUE", f"JSON ({error})")]) from None


def _document(file: Path) -> Mapping[str, Any]:
    import sys
    import tomllib

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from None
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise InputError(f"{file} is neither TOML nor JSON: {error}") from None
    return found if isinstance(found, dict) else {}


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        expected = "a time with its zone, such as 2026-12-01T08:00:00+01:00"
        raise InputError("the command is wrong:", [Problem(option, expected, shown(text))])
    return found


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise InputError("the command is wrong:", [Problem("--since", "a span, such as 12h, 30d or 4w", shown(text))])
    unit = {"h": "hours", "d": "days", "w": "weeks"}[found[2]]
    return timedelta(**{unit: int(found[1])})
