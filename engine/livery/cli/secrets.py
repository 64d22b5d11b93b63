"""`livery secrets`: keys for what is stored sealed."""

from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.output import FAILED, ConfigOption, JsonOption

if TYPE_CHECKING:
    from livery.storage.rotation import Rotated


def add_to(app: typer.Typer) -> None:
    secrets = typer.Typer(no_args_is_help=True, help="Keys that secrets are sealed with before they are stored.")
    secrets.command("new-key")(output.command(new_key))
    secrets.command("rotate")(output.command(rotate))
    app.add_typer(secrets, name="secrets")


def new_key() -> None:
    """Print a fresh key. Put it first in `secret_keys`, and keep the older ones behind it."""
    from livery import vault

    typer.echo(vault.new_key())


def rotate(
    config: ConfigOption = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is not under the newest key.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Seal everything that is stored under the newest key; ends with 1 if something does not open.

    Give the new key to every process first. Broken off, run it again.
    """
    with output.opened(config) as engine:
        newest = engine.vault.newest
        done = engine.rotate_secrets(only_look=dry_run)
    if as_json:
        output.emit({"key": newest, **done.plain()})
    else:
        _tell(done, newest, dry_run=dry_run)
    if done.broken:
        raise typer.Exit(FAILED)


def _tell(done: "Rotated", newest: str, *, dry_run: bool) -> None:
    what = sorted({*done.resealed, *done.current, *(what for _, what in done.broken)})
    columns = ("stored sealed", "to be sealed anew" if dry_run else "sealed anew", f"under {newest} before", "closed")
    closed = {one: sum(count for (_, kind), count in done.broken.items() if kind == one) for one in what}
    rows = [(one, f"{done.resealed[one]:,}", f"{done.current[one]:,}", f"{closed[one]:,}") for one in what]
    if rows:
        output.table(columns, rows)
    else:
        output.note("Nothing that is stored is sealed.")
    for (key, kind), count in sorted(done.broken.items()):
        such = ", ".join(done.examples[key, kind])
        output.complain(f"{count:,} {kind} need the key {key}, such as {such}: add it to secret_keys and run again.")
    if rows and not done.broken and not (dry_run and done.resealed.total()):
        output.note(f"Everything is under the key {newest}; older keys may go.")
