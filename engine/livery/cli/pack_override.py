"""`livery pack override` and `livery pack diff`: pieces of a parent that a pack has made its own."""

import re
import sys
from shlex import quote
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
    said = printable(_SAYS[rest.state].format(of=rest.record.of, now=rest.now))
    mark = "✓" if rest.state == "same" else "!"
    head = f"{mark} {printable(rest.piece)}: "
    first, *more = _folded(f"{head}{said}")
    styled = f"{typer.style(mark, fg=_COLOURS[rest.state], bold=True)} {typer.style(head[2:-2], bold=True)}: "
    typer.echo("\n".join([styled + first.removeprefix(head) if first.startswith(head) else first, *more]))
    if rest.state == "same" and not is_whole:
        return
    if rest.state == "moved":
        kept = (
            "What the parent changed since" if one.then is not None else "From yours to the parent's: no copy was kept"
        )
        _lines(kept, one.theirs)
    _lines("What the pack changed", one.ours)
    if rest.state == "moved":
        typer.echo()
        for line in _advice(one, pack):
            output.say(f"  {line}")
    typer.echo()


def _advice(one: "ThreeWay", pack: str) -> list[str]:
    """What is to be done about a parent's piece that moved."""
    accept = f"livery pack diff {quote(pack)} --accept {quote(one.rest.piece)}"
    if one.then is None:
        return [f"When yours is as it should be: {accept}"]
    if not one.ours:
        return [f"Yours is the copy as it was: take it out to follow the parent again, or keep it: {accept}"]
    if one.has_conflict:
        both = typer.style("Both changed the same lines: choose in your file what is to stand.", fg="red")
    else:
        both = "They changed different lines: write the parent's into your file, if you want it."
    return [both, f"When yours is as it should be: {accept}"]


def _lines(heading: str, lines: list[str]) -> None:
    """A unified diff. On a terminal, what goes on in the next line stands under its text."""
    typer.secho(f"\n  {heading}{'' if lines else ': nothing'}", dim=True)
    if not output.is_terminal(sys.stdout):
        for line in lines:
            typer.echo(f"  {printable(line)}".rstrip())
        return
    from rich.table import Table
    from rich.text import Text

    made = Table.grid()
    made.add_column(width=3)
    made.add_column(overflow="fold")
    changed = _changed(lines)
    for at, line in enumerate(lines):
        style, is_head = _colour(line), line.startswith(("---", "+++", "@@"))
        sign = "" if is_head else line[:1]
        text = Text(printable(line if is_head else line[1:]), style)
        text.stylize("reverse", *changed.get(at, (0, 0)))
        made.add_row(Text(f"  {sign}", style), text)
    output.console().print(made)


def _changed(lines: list[str]) -> dict[int, tuple[int, int]]:
    """What differs inside lines that took the place of others, by their number; lines of templates are long."""
    found = {}
    for run in re.finditer("(-+)([+]+)", "".join(line[:1] for line in lines[2:])):
        if len(run[1]) != len(run[2]):
            continue
        for old, new in zip(range(*run.span(1)), range(*run.span(2)), strict=True):
            one, two = printable(lines[old + 2][1:]), printable(lines[new + 2][1:])
            start = _alike(one, two)
            end = _alike(one[start:][::-1], two[start:][::-1])
            if start or end:
                found[old + 2], found[new + 2] = (start, len(one) - end), (start, len(two) - end)
    return found


def _alike(one: str, two: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(two)))


def _colour(line: str) -> str:
    if line.startswith("@@"):
        return "cyan"
    bold = "bold " if line.startswith(("---", "+++")) else ""
    return bold + {"+": "green", "-": "red"}.get(line[:1], "")


def _folded(line: str) -> list[str]:
    return (output.folded(line) if output.is_terminal(sys.stdout) else line).split("\n")
