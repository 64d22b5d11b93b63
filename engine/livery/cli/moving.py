"""`livery migrate-store`: from a file to PostgreSQL."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.output import JsonOption

if TYPE_CHECKING:
    from livery.storage.moving import Step


def add_to(app: typer.Typer) -> None:
    app.command("migrate-store")(output.command(migrate_store))


def migrate_store(
    source: Annotated[str, typer.Argument(help="The store there is: sqlite:/// and the path of its file.")],
    target: Annotated[str, typer.Argument(help="An empty database: postgresql://…")],
    *,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give up a move that was broken off: the source is free again.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Move a store to another database: everything, compared when it is there. Stop workers and hosts first.

    Broken off, run it again: it goes on where it was. From its beginning on the source takes no more changes.
    """
    from livery import moving

    if abandon:
        moving.abandon(source, target)
        typer.echo("Given up. The source is as it was; the target is empty.")
        return
    with _progress(quiet=as_json) as progress:
        moved = moving.move_store(source, target, progress)
    if as_json:
        output.emit({"tables": moved.tables, "wakes": moved.wakes})
        return
    output.table(("table", "rows"), [(name, f"{count:,}") for name, count in moved.tables.items() if count])
    typer.echo(f"Moved and compared; {moved.wakes:,} pieces of open work wait for a worker. Set database_url to it.")


@contextmanager
def _progress(*, quiet: bool) -> "Iterator[Callable[[Step], object]]":
    """A bar for each table on a terminal; nothing elsewhere."""
    if quiet or not output.is_terminal(sys.stderr):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:38}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bars: dict[tuple[str, str], int] = {}
    with Progress(*columns, console=Console(stderr=True)) as shown:

        def tell(step: "Step") -> None:
            which = step.doing, step.table
            if which not in bars:
                bars[which] = shown.add_task(f"{step.doing} {step.table}", total=step.of)
            shown.update(bars[which], completed=step.done, total=step.of)  # type: ignore[arg-type]

        yield tell
