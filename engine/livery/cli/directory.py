"""`livery directory`: Livery's own directory of organisations, contacts and users."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.output import BAD_INPUT, FAILED, ConfigOption, JsonOption
from livery.errors import InputError, LiveryError, Problem

if TYPE_CHECKING:
    from livery.directory.importing import Report
    from livery.models.directory import Record

directory = typer.Typer(no_args_is_help=True, help="The directory: customers, contacts and users, tenant by tenant.")
TenantArgument = Annotated[str, typer.Argument(help="The tenant whose it is.", show_default=False)]
CustomerOption = Annotated[
    str | None, typer.Option(metavar="ID", help="A customer of the tenant; else the tenant's own organisation.")
]
_SHOWN = 20


def add_to(app: typer.Typer) -> None:
    commands = (("import", import_), ("export", export), ("list", list_), ("show", show), ("remove", remove))
    for name, command in commands:
        directory.command(name)(output.command(command))
    app.add_typer(directory, name="directory")


def import_(
    file: Annotated[Path, typer.Argument(help="CSV or JSON; - for standard input.", show_default=False)],
    config: ConfigOption = None,
    tenant: Annotated[str, typer.Option(metavar="ID", help="The tenant of all rows; they may name no other.")] = "",
    form: Annotated[str, typer.Option("--format", help="csv or json, if the file's name does not say.")] = "",
    encoding: Annotated[str, typer.Option(help="Such as cp1252; found out if not given.")] = "",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be written.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out what is wrong, import the rest.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Add and change organisations, contacts and users. Is a row wrong, all errors are told, and nothing is done."""
    from livery.directory.files import Source
    from livery.directory.importing import run

    with _seekable(file) as path, output.opened(config) as engine, _bar() as progress:
        if tenant:
            engine.tenants.show(tenant)
        source = Source(path, form, encoding).prepare()
        report = run(
            source,
            engine.directory,
            lru_cache(lambda id_: engine.tenants.chain(id_) is not None),
            tenant=tenant,
            skip_bad=skip_bad,
            dry=dry_run,
            progress=progress,
        )
    if as_json:
        output.emit({**report.plain(), "file": str(file)})
    else:
        _tell(report, dry=dry_run, named_encoding=bool(encoding))
    if report.bad:
        raise typer.Exit(FAILED if skip_bad else BAD_INPUT)


def export(
    tenant: TenantArgument,
    config: ConfigOption = None,
    customer: CustomerOption = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output if not given.")] = None,
    form: Annotated[str, typer.Option("--format", help="csv or json; by the file's name if not given, else csv.")] = "",
) -> None:
    """Write all records of a tenant, as import reads them."""
    from livery.directory import files
    from livery.directory.facade import type_of

    form = form or ("json" if out is not None and out.suffix.lower() == ".json" else "csv")
    if form not in files.FORMATS:
        raise InputError("nothing is exported:", [Problem("--format", "csv or json", form)])
    with output.opened(config) as engine:
        found = engine.directory.export(tenant, customer=customer)
        records = ((type_of(one), one) for one in found)
        if out is None:
            files.write(records, form, sys.stdout)
            return
        try:
            with out.open("w", encoding="utf-8", newline="") as stream:
                count = files.write(records, form, stream)
        except OSError as error:
            raise LiveryError(f"cannot write to {out}: {error.strerror}") from None
    output.note(f"{count:,} records of {tenant} are in {out}.")


def list_(
    tenant: TenantArgument,
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the organisations of a tenant: its own, then its customers by id."""
    with output.opened(config) as engine:
        found = engine.directory.list(tenant, limit=limit + 1)
    if as_json:
        from dataclasses import asdict

        output.emit([asdict(one) for one in found[:limit]])
        return
    rows = [
        (one.customer or "(own)", one.name, one.contacts, one.users, "" if one.active else "not active")
        for one in found[:limit]
    ]
    if not rows:
        typer.echo(f"The directory has nothing of {tenant}; livery directory import brings it in.")
        return
    output.table(("customer", "name", "contacts", "users", ""), rows)
    if len(found) > limit:
        output.note(f"There are more; --limit {limit * 10} shows them.")


def show(
    tenant: TenantArgument,
    config: ConfigOption = None,
    customer: CustomerOption = None,
    user: Annotated[str | None, typer.Option(metavar="ID", help="One user.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show an organisation with its contacts and users, or one user."""
    from livery.directory.facade import type_of

    with output.opened(config) as engine:
        if user is not None:
            found: tuple[Record, ...] = (engine.directory.user(tenant, user),)
        else:
            found = engine.directory.show(tenant, customer or "")
    if as_json:
        output.emit([{"type": type_of(one), **one.model_dump(mode="json")} for one in found])
        return
    output.table(("record", "is", "name", "e-mail", "locale", ""), [_row(type_of(one), one) for one in found])


def remove(
    tenant: TenantArgument,
    config: ConfigOption = None,
    customer: CustomerOption = None,
    contact: Annotated[str | None, typer.Option(metavar="KIND", help="One contact of it.")] = None,
    user: Annotated[str | None, typer.Option(metavar="ID", help="One user.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Everything the tenant has.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a user, a contact, a customer with all that is in it, or everything of a tenant."""
    with output.opened(config) as engine:
        if everything and not yes and not typer.confirm(f"Remove all customers, contacts and users of {tenant}?"):
            raise typer.Exit(FAILED)
        count = engine.directory.remove(tenant, customer=customer, contact=contact, user=user, everything=everything)
    typer.echo(f"Removed: {count:,} record{'s' if count > 1 else ''} of {tenant}.")


def _row(kind: str, one: "Record") -> tuple[str, ...]:
    facts = one.model_dump()
    said = facts.get("kind") or facts.get("id") or one.customer or "(own)"
    last = [*facts.get("roles", ()), *([] if facts.get("active", True) else ["not active"])]
    return (kind, said, one.name, facts.get("email", ""), one.locale, ", ".join(last))


def _tell(report: "Report", *, dry: bool, named_encoding: bool) -> None:
    if report.source.encoding == "cp1252" and not named_encoding:
        output.note("The file is not in UTF-8; it was read as Windows writes it (cp1252). --encoding names another.")
    for found, what in ((report.warnings, "warnings"), (report.problems, "errors")):
        say = output.note if what == "warnings" else output.complain
        for row, problem in found[:_SHOWN]:
            say(f"row {row}, {problem}")
        if len(found) > _SHOWN:
            say(f"… and {len(found) - _SHOWN:,} more {what}; --json lists them")
    if report.bad and not report.done and not (dry and any(report.counted)):
        output.complain(f"Nothing was imported: {report.bad:,} of {report.rows:,} rows are wrong.")
        return
    added, changed, unchanged = report.counted
    done = "Would be imported" if dry else "Imported"
    left = f"; {report.bad:,} wrong rows left out" if report.bad else ""
    typer.echo(f"{done}: {added:,} added, {changed:,} changed, {unchanged:,} unchanged{left}.")


@contextmanager
def _seekable(file: Path) -> Iterator[Path]:
    """A file that can be read twice."""
    if str(file) != "-":
        yield file
        return
    with NamedTemporaryFile(prefix="livery-") as copy:
        while chunk := sys.stdin.buffer.read(1024 * 1024):
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar, where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    if not output.is_terminal(sys.stderr):
        yield lambda _at, _of: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("Checking", total=None)

        def progress(at: int, of: int) -> None:
            shown.update(task, completed=at, total=of, description="Checking" if at * 2 <= of else "Writing")

        yield progress
