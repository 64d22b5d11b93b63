"""`livery pack check`, `assets`, `schema`, `list`: what packs are, and whether they are right."""

import json
import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from livery.cli import output
from livery.cli.findings import Shown, counted, printable, summed, where
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.errors import LiveryError

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.packtools.checking import Report
    from livery.studio.opening import Target

PackArgument = Annotated[
    str, typer.Argument(help="A pack's folder, its zip file, or the id of an installed one.", show_default=False)
]
SellerOption = Annotated[
    str, typer.Option("--seller", help="A tenant of the livery.toml: its brand tokens lie over the pack's.")
]
Form = Literal["text", "github"]
_WIDE = 100


def add_to(app: typer.Typer) -> None:
    for function in (check, assets, schema):
        app.command()(output.command(function))
    app.command("list")(output.command(list_))


def named(pack: str, config: Path | None = None, seller: str = "") -> "Target":
    """The pack that is meant."""
    from livery.config import find_file
    from livery.studio.opening import Target

    logging.getLogger("livery").setLevel(logging.ERROR)  # alarms about packs nobody looks at; this one's are shown
    return Target.named(pack, config or find_file(), seller)


def list_(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List every template pack, with its parents and languages."""
    with output.opened(config) as engine:
        found = []
        wrong = engine.library.findings()
        for id_, one in sorted(engine.library.packs.items()):
            own = [finding for finding in wrong if finding.pack == id_]
            parents, locales = _behind(engine, id_)
            found.append(
                {
                    "id": id_, "version": one.manifest.version, "title": one.manifest.title, "parents": parents,
                    "locales": locales, "folder": str(one.folder),
                    "tenants": sorted(tenant.id for tenant in engine.config.tenants.values() if tenant.pack == id_),
                    "findings": [finding.plain() for finding in own],
                }
            )  # fmt: skip
        broken = dict(engine.library.broken)
    if as_json:
        output.emit(found)
        return
    _table([_row(one) for one in found])
    for folder, error in broken.items():
        output.complain(f"{where(Path(folder))} cannot be used: {error}")


def _behind(engine: "Engine", id_: str) -> tuple[list[str], list[str]]:
    """The ids of the packs behind one, and the languages of all; nothing if a parent is missing."""
    from livery.packtools.drift import behind

    try:
        chain = engine.library.chain(id_)
    except LiveryError:
        return [], []
    parents = [one for one in behind(chain).packs if one.manifest.adds_to is None and one is not chain.asked]
    return [parent.id for parent in parents], chain.locales()


def _row(one: dict[str, Any]) -> dict[str, str]:
    severities = [finding["severity"] for finding in one["findings"]]
    return {
        "pack": one["id"],
        "version": one["version"],
        "title": one["title"],
        "laid over": " → ".join(one["parents"]),
        "languages": ", ".join(one["locales"]),
        "used by": ", ".join(one["tenants"]),
        "findings": summed({severity: severities.count(severity) for severity in ("error", "warning", "note")}),
    }


def _table(rows: list[dict[str, str]]) -> None:
    """Packs, in as many columns as have something in them; ids are never cut."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made, console = Table(box=box.SIMPLE_HEAD, pad_edge=False), output.console()
    columns = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    if console.width < _WIDE:
        columns = [name for name in columns if name != "title"]
    for name in columns:
        made.add_column(name, no_wrap=name in ("pack", "version"), overflow="fold")
    for row in rows:
        made.add_row(*(Text(printable(row[name]) or "–") for name in columns))
    console.print(made)


# --------------------------------------------------------------------------- check


def check(
    packs: Annotated[
        list[str],
        typer.Argument(
            metavar="PACK...", help="Packs: folders, zip files, or ids of installed ones.", show_default=False
        ),
    ],
    config: ConfigOption = None,
    seller: SellerOption = "",
    form: Annotated[Form, typer.Option("--format", help="How findings are printed.")] = "text",
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    is_all: Annotated[bool, typer.Option("--all", help="Make every message, even if there are very many.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check packs: files, texts, tokens, templates, and every message they make. Exits 1 if something is wrong."""
    from livery.packtools.checking import check as check_pack

    reports = []
    for pack in packs:
        target = named(pack, config, seller)
        report = check_pack(target, is_all=is_all)
        reports.append((report, Shown(report.pack, where(target.path))))
        if not as_json:
            show(*reports[-1], form)
    is_fine = all(report.is_fine(strict=strict) for report, _ in reports)
    if as_json:
        made = [
            {**report.plain(), "findings": [shown.plain(one) for one in report.findings]} for report, shown in reports
        ]
        output.emit({"ok": is_fine, "packs": made})
    if not is_fine:
        raise typer.Exit(FAILED)


def show(report: "Report", shown: Shown, form: Form = "text") -> None:
    """A report for people, or for annotations."""
    if form == "github":
        shown.github(report.findings)
    else:
        shown.text(report.findings)
        if report.findings:
            typer.echo()
    counts = {severity: report.count(severity) for severity in ("error", "warning", "note")}
    colour = "red" if counts["error"] else "yellow" if counts["warning"] else "green"
    mark = typer.style("✗" if counts["error"] else "✓", fg=colour, bold=True)
    name = typer.style(printable(report.label or shown.where or report.pack), bold=True)
    typer.echo(f"{mark} {name}: {summed(counts) or 'nothing to mend'}")
    for line in _checked(report):
        typer.secho(f"  {line}", dim=True)


def _checked(report: "Report") -> list[str]:
    """What was looked at, and how long it took."""
    if not report.label and not report.proofs:
        return ["It cannot be opened: once this is mended, its texts, templates and messages are checked, too."]
    sides = (report.samples, "sample"), (len(report.locales), "language"), (len(report.channels), "channel")
    made = " \N{MULTIPLICATION SIGN} ".join(counted(number, what) for number, what in sides)
    size = max((one.html for one in report.proofs), default=0)
    largest = f", the largest e-mail {size / 1024:.0f} KB" if size else ""
    told = f"{counted(len(report.notifications), 'notification')}, {made}"
    return [f"{told}: {counted(report.messages, 'message')}", f"{report.seconds:.1f} s{largest}"]


# --------------------------------------------------------------------------- schema, assets


def schema(
    out: Annotated[Path | None, typer.Option(help="A folder to write them to; else they are printed.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Give the JSON Schemas of a pack's files, so that editors complete and check them."""
    from livery.packs.schemas import KINDS
    from livery.packs.schemas import schema as schema_of
    from livery.packtools.files import write

    made = {kind: schema_of(kind) for kind in KINDS}
    if out is None:
        output.emit(made)
        return
    files = {out / f"{kind}.json": json.dumps(one, ensure_ascii=False, indent=2) + "\n" for kind, one in made.items()}
    for file, text in files.items():
        write(file, text.encode())
    if as_json:
        output.emit({"files": [str(file) for file in files]})
        return
    for file in files:
        typer.echo(file)


def assets(
    pack: PackArgument,
    out: Annotated[Path, typer.Argument(help="The folder your web server gives out.", show_default=False)],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Copy the images of a pack and its parents to where readers fetch them if the setting images.mode is `link`."""
    from livery.packtools.assets import copied
    from livery.studio.bench import Bench

    with closing(Bench.opened(named(pack, config))) as bench:
        files = copied(bench.packs, out)
    if as_json:
        output.emit({"files": [str(file) for file in files]})
        return
    for file in files:
        typer.echo(file)
    if not files:
        output.note("The pack and its parents have no images.")
