"""`livery plugin new`: starts the distribution of a channel."""

from pathlib import Path
from typing import Annotated

import typer

from livery.cli import output
from livery.cli.output import JsonOption


def add_to(plugin: typer.Typer) -> None:
    plugin.command("new")(output.command(new))


def new(
    name: Annotated[str, typer.Argument(help="The word in settings, such as `pager`.", show_default=False)],
    folder: Annotated[
        Path | None, typer.Option(help="Where it is to lie; else ./livery-channel-NAME.", show_default=False)
    ] = None,
    title: Annotated[str, typer.Option(help="What it reaches, in a few words.", show_default=False)] = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """Start a channel of your own: a distribution with its tests, in which one method is left to fill in."""
    from livery import skeleton

    made = skeleton.files(name, title or f"Messages by {name.replace('_', ' ')}")
    where = folder or Path(f"livery-channel-{name.replace('_', '-')}")
    skeleton.write(where, made)
    if as_json:
        output.emit({"folder": str(where), "files": sorted(made)})
        return
    for file in made:
        typer.echo(f"  {where / file}")
    typer.echo(f"\nNow fill in `send` in {where}/livery_channel_{name}/channel.py, then:\n")
    typer.echo(f"  cd {where} && pip install -e . --group dev && pytest")
