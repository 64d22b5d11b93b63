"""The command line: commands over Engine, no logic of their own."""

import sys
from collections.abc import Sequence
from copy import copy

import typer
from typer.main import get_command_name

from livery.cli import (
    directory,
    domains,
    erasing,
    events,
    log,
    moving,
    pack,
    pack_build,
    pack_explain,
    pack_live,
    pack_new,
    pack_override,
    pack_po,
    queue,
    secrets,
    serve,
    settings,
    studio,
    suppression,
    system,
    tenants,
    tokens,
    webhook,
)

app = typer.Typer(
    name="livery",
    help="One event in, the right people told, in the seller's livery.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
events.add_to(app)
log.add_to(app)
erasing.add_to(app)
moving.add_to(app)
queue.add_to(app)
system.add_to(app)
serve.add_to(app)
tokens.add_to(app)
domains.add_to(app)
secrets.add_to(app)
suppression.add_to(app)
tenants.add_to(app)
settings.add_to(app)
webhook.add_to(app)
directory.add_to(app)
packs = typer.Typer(no_args_is_help=True, help="Template packs.")
for tools in (pack_new, studio, pack, pack_build, pack_live, pack_explain, pack_override, pack_po):
    tools.add_to(packs)
app.add_typer(packs, name="pack")


@app.callback(invoke_without_command=True)
def _root(*, version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        from livery._version import __version__

        typer.echo(f"livery {__version__}")
        raise typer.Exit


def run() -> None:
    """Run what the command line asks for. Nothing else is made: all commands together cost more than a short one."""
    _only(app, sys.argv[1:])()


def _only(group: typer.Typer, words: Sequence[str]) -> typer.Typer:
    """A group of only what the first word names; all of it, where that is none of its names."""
    name = words[0] if words else ""
    commands = [
        one
        for one in group.registered_commands
        if one.callback and (one.name or get_command_name(one.callback.__name__)) == name
    ]
    groups = [copy(one) for one in group.registered_groups if one.name == name]
    for one in groups:
        if one.typer_instance:
            one.typer_instance = _only(one.typer_instance, words[1:])
    if commands or groups:
        group = copy(group)
        group.registered_commands, group.registered_groups = commands, groups
    return group
