"""`livery pack explain`: where every piece of a message comes from."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.findings import printable
from livery.cli.output import ConfigOption, JsonOption
from livery.cli.pack import PackArgument, named

if TYPE_CHECKING:
    from livery.packs.provenance import Piece

_LAYOUT = "layouts/email.mjml.j2"
_HEADINGS = {
    "field": "Fields", "block": "Blocks", "text": "Texts", "token": "Tokens", "layout": "Layout",
    "jinja block": "Layout", "partial": "Partials", "part": "Parts",
}  # fmt: skip
_HOW = {"own": "green", "changed": "green", "moved": "green", "removed": "yellow", "missing": "red"}


def add_to(app: typer.Typer) -> None:
    app.command()(output.command(explain))


def explain(
    pack: PackArgument,
    notification: Annotated[str, typer.Option(help="The name of a notification, as its file has it.")] = "",
    locale: Annotated[str, typer.Option(help="A language (BCP 47); the pack's first if none is given.")] = "",
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say where every piece of a message comes from: its pack, file and line, and whose it takes the place of."""
    from livery.errors import NotFound
    from livery.packs.provenance import pieces
    from livery.studio.bench import Bench
    from livery.writing import Reading

    with closing(Bench.opened(named(pack, config))) as bench:
        packs, writer = bench.packs, bench.engine.writer
        there = sorted({name for one in packs.packs for name in one.notifications()})
        if notification not in there and (notification or len(there) != 1):
            asked = f"there is no notification {notification!r}" if notification else "say which --notification"
            raise NotFound(f"{asked}; there are: {', '.join(there) or 'none'}")
        name, tag = notification or there[0], locale or next(iter(bench.locales()), "en")
        choice = writer.choice((), packs, Reading(bench.engine.now(), asked_locale=tag))
        found = pieces(packs, name, choice.fallbacks)
    if as_json:
        output.emit([asdict(one) for one in found])
        return
    typer.echo(f"{typer.style(name, bold=True)} in {choice.tag}\n{printable(bench.label)}")
    definition, languages = f"notifications/{name}.toml", f"strings/, in {', then in '.join(choice.fallbacks)}"
    files = {"field": definition, "block": definition, "text": languages, "token": "pack.toml", "layout": _LAYOUT}
    for heading in dict.fromkeys(_HEADINGS.values()):
        rows = [one for one in found if _HEADINGS[one.kind] == heading]
        if rows:
            _table(heading, files.get(rows[0].kind, ""), rows)


def _table(heading: str, file: str, rows: "Sequence[Piece]") -> None:
    """Pieces of one kind. What all of them have in common, the file, stands in the heading."""
    from rich.table import Table
    from rich.text import Text

    typer.echo(f"\n{typer.style(heading, bold=True)}{typer.style(f'  {file}', dim=True) if file else ''}")
    made = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    made.add_column(overflow="fold")  # names give way first
    for _ in range(2):
        made.add_column(no_wrap=True)
    for one in rows:
        name = printable(one.name.removeprefix(f"{_LAYOUT}#"))
        over = [pack for pack in one.shadows if " " not in pack]  # a text in another language is for other readers
        how = Text(one.how, style=_HOW.get(one.how, "bright_black"))
        how.append(f" over {', '.join(over)}" if over else "", style="bright_black")
        made.add_row(Text(f"  {name}"), Text(_place(one, file)), how)
    output.console().print(made)


def _place(one: "Piece", file: str) -> str:
    """`base:12`; with the file, where it is not known yet."""
    if not one.pack:
        return "–"
    line = f":{one.line}" if one.line else ""
    if one.file in (file, one.name):
        return f"{one.pack}{line}"
    return f"{one.pack} {one.file.removeprefix('strings/')}{line}"
