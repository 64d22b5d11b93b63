"""`livery pack override` and `livery pack diff`: pieces of a parent that a pack has made its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.findings import printable, where
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.cli.pack import PackArgument, named

if TYPE_CHECKING:
    from livery.packtools.overriding import ThreeWay

FolderArgument = Annotated[str, typer.Argument(metavar="PACK", help="The folder of a pack.", show_default=False)]
PieceArgument = Annotated[
    str,
    typer.Argument(
        help="layouts/email.mjml.j2, strings/en.toml#common.closing, notifications/<name>.toml#<block>, …",
        show_default=False,
    ),
]
_SAYS = {
    "same": "{of} is as it was",
    "moved": "was copied from {of}, and {now} has another now",
    "gone": "was copied from {of}, and no parent has it any more",
    "dropped": "was copied from {of}, and the pack has it no more",
}
_COLOURS = {"same": "green", "moved": "yellow", "gone": "red", "dropped": "cyan"}


def add_to(app: typer.Typer) -> None:
    app.command()(output.command(override))
    app.command()(output.command(diff))


def override(
    pack: FolderArgument,
    piece: PieceArgument,
    config: ConfigOption = None,
    *,
    record: Annotated[
        bool, typer.Option("--record", help="The pack has the piece already: only record what it stands on.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy a piece of a parent into a pack, and record what it was, so that you see when the parent's moves."""
    from livery.packtools.overriding import override as copy

    done = copy(named(pack, config), piece, record=record)
    if as_json:
        output.emit(done.plain())
        return
    typer.echo(f"{piece} {'stands on' if record else 'is copied from'} {done.of}:")
    for file in done.files:
        typer.echo(f"  {where(file)}")
    if done.wraps:
        output.note("It reaches for `parent:…`, which from here is the copied file itself: see that nothing is twice.")


def diff(
    pack: PackArgument,
    piece: Annotated[str, typer.Argument(help="One override; all if none is named.", show_default=False)] = "",
    config: ConfigOption = None,
    accept: Annotated[
        str, typer.Option(metavar="PIECE", help="Record that this override stands on what the parent has now.")
    ] = "",
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a parent's piece has moved.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what parents changed under a pack's overrides, beside what the pack changed itself."""
    from livery.packtools import overriding

    target = named(pack, config)
    if accept:
        done = overriding.accept(target, accept)
        if as_json:
            output.emit(done.plain())
        else:
            typer.echo(f"{accept} stands on {done.of} now.")
        return
    found = overriding.compared(target, piece)
    if as_json:
        output.emit([one.plain() for one in found])
    elif not found:
        output.note("The pack records no overrides; `livery pack override` copies a piece and records it.")
    else:
        for one in found:
            _show(one, pack, is_whole=bool(piece))
    if strict and any(one.rest.state in ("moved", "gone") for one in found):
        raise typer.Exit(FAILED)


def _show(one: "ThreeWay", pack: str, *, is_whole: bool) -> None:
    rest = one.rest
    said = _SAYS[rest.state].format(of=rest.record.of, now=rest.now)
    mark = "✓" if rest.state == "same" else "!"
    head = typer.style(mark, fg=_COLOURS[rest.state], bold=True)
    typer.echo(f"{head} {typer.style(printable(rest.piece), bold=True)}: {printable(said)}")
    if rest.state == "same" and not is_whole:
        return
    if rest.state == "moved":
        kept = (
            "What the parent changed since" if one.then is not None else "From yours to the parent's: no copy was kept"
        )
        _lines(kept, one.theirs)
    _lines("What the pack changed", one.ours)
    if rest.state == "moved":
        both = "Both changed the same lines." if one.has_conflict else "They changed different lines."
        typer.secho(f"  {both}" if one.then is not None else "", fg="red" if one.has_conflict else None)
        typer.echo(f"  When yours is as it should be: livery pack diff {pack} --accept '{rest.piece}'")
    typer.echo()


def _lines(heading: str, lines: list[str]) -> None:
    typer.secho(f"\n  {heading}{'' if lines else ': nothing'}", dim=True)
    for line in lines:
        typer.secho(f"  {printable(line)}".rstrip(), fg=_colour(line), bold=line.startswith(("---", "+++")))


def _colour(line: str) -> str | None:
    if line.startswith("@@"):
        return "cyan"
    return {"+": "green", "-": "red"}.get(line[:1])
