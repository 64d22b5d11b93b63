"""`livery pack upload`, `versions`, `activate`, `rollback`, `history`, `drift`, `remove`: packs in the store."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.findings import Shown, counted
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.errors import LiveryError

if TYPE_CHECKING:
    from livery.engine import Engine

TenantArgument = Annotated[
    str, typer.Argument(metavar="TENANT", help="Whose; it counts for all below it.", show_default=False)
]
PackId = Annotated[str, typer.Argument(metavar="PACK", help="The id in its pack.toml.", show_default=False)]
NoteOption = Annotated[str, typer.Option("--note", help="Why, for the trail.")]
WhoOption = Annotated[str | None, typer.Option("--who", help="Who does it, for the trail; you if absent.")]
_UTC = "%Y-%m-%d %H:%M:%S"


def add_to(app: typer.Typer) -> None:
    for function in (upload, versions, activate, rollback, history, drift, remove):
        app.command()(output.command(function))


def upload(
    tenant: TenantArgument,
    pack: Annotated[Path, typer.Argument(metavar="ZIP", help="A zip, or a pack's folder.", show_default=False)],
    signature: Annotated[
        Path | None, typer.Option("--sig", help="Its signature; <zip>.sig if that is there.", show_default=False)
    ] = None,
    who: WhoOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    *,
    is_live: Annotated[bool, typer.Option("--activate", help="Activate it, too, if it is right.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a pack and keep it in the store, for a tenant and those below it. Nothing is said in it yet."""
    from livery.packtools.uploading import check
    from livery.packtools.uploading import upload as upload_pack

    content, signed = _read(pack, signature)
    with output.opened(config) as engine:
        report = check(engine, tenant, content)
        shown = Shown(report.pack, str(pack))
        if not report.is_fine():
            if as_json:
                output.emit({"ok": False, "findings": [shown.plain(one) for one in report.findings]})
            else:
                shown.text(report.findings)
                output.complain("It has errors, so it was not uploaded.")
            raise typer.Exit(FAILED)
        made = upload_pack(engine, tenant, content, who=_me(who), signature=signed, note=note, report=report).version
        if is_live:
            engine.packs.activate(tenant, made.pack, made.id, who=_me(who), note=note)
    if as_json:
        output.emit({"ok": True, "version": made.plain(), "findings": [shown.plain(one) for one in report.findings]})
        return
    if report.findings:
        shown.text(report.findings)
        typer.echo()
    typer.echo(f"{made.label} of {made.tenant}: {counted(made.size, 'byte')}, sha256 {made.sha256}")
    if made.signed_by:
        typer.echo(f"signed by {made.signed_by}")
    if is_live:
        typer.echo(f"active at {tenant}")
    else:
        output.note(f"Let it be live: livery pack activate {tenant} {made.pack} {made.version}")


def versions(
    tenant: Annotated[str | None, typer.Argument(metavar="TENANT", help="Only what it may use.")] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the packs in the store, and where each version is active."""
    with output.opened(config) as engine:
        found = engine.packs.list(tenant)
        active = _active(engine, tenant)
    if as_json:
        output.emit([{**one.plain(), "active_at": active.get(one.id, [])} for one in found])
        return
    if not found:
        output.note("There are no packs in the store.")
        return
    rows = [
        (one.pack, one.version, one.tenant, ", ".join(active.get(one.id, [])), f"{one.at:{_UTC}}", one.who, one.id)
        for one in found
    ]
    output.table(("pack", "version", "of", "active at", "uploaded, UTC", "by", "id"), rows)


def activate(
    tenant: TenantArgument,
    pack: PackId,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="The newest upload if absent.", show_default=False)
    ] = None,
    who: WhoOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    *,
    use: Annotated[
        bool, typer.Option("--use/--no-use", help="Whether the tenant's setting `pack` is to name it, too.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Let every message of a tenant, and of those below it, be made with a version of a pack from now on."""
    with output.opened(config) as engine:
        made = engine.packs.activate(tenant, pack, version, who=_me(who), use=use, note=note)
    if as_json:
        output.emit(made.plain())
        return
    typer.echo(f"{made.pack} {made.name} is active at {made.tenant}")
    output.note(f"Back to what was before: livery pack rollback {tenant} {pack}")


def rollback(
    tenant: TenantArgument,
    pack: PackId,
    who: WhoOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Let stand again what was active before the last activation. Done twice, it changes nothing."""
    with output.opened(config) as engine:
        made = engine.packs.roll_back(tenant, pack, who=_me(who), note=note)
    if as_json:
        output.emit(made.plain() if made else None)
        return
    typer.echo(f"{pack} {made.name} is active at {tenant}" if made else f"{pack} is active at {tenant} no more")


def history(
    tenant: Annotated[str | None, typer.Argument(metavar="TENANT", help="Only its own.")] = None,
    pack: Annotated[str | None, typer.Option("--pack", help="Only of this pack.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show who uploaded, activated, took back and removed what, newest first."""
    with output.opened(config) as engine:
        found = engine.packs.history(tenant, pack=pack, limit=limit)
    if as_json:
        output.emit([one.plain() for one in found])
        return
    rows = [
        (f"{one.at:{_UTC}}", one.who, one.action, one.tenant, one.pack, one.before_name, one.after_name, one.note)
        for one in found
    ]
    output.table(("at, UTC", "who", "what", "tenant", "pack", "before", "after", "note"), rows)


def drift(tenant: TenantArgument, pack: PackId, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show what a tenant's pack has copied from its parents, and what has moved on there since. Exits 1 if some has."""
    from livery.packtools.drift import rests

    with output.opened(config) as engine:
        found = rests(engine.packs.chain(tenant, pack))
    if as_json:
        output.emit([{"piece": one.piece, "of": one.record.of, "state": one.state, "now": one.now} for one in found])
    elif found:
        rows = [(one.piece, one.record.of, one.now, one.state) for one in found]
        output.table(("piece", "copied from", "now", "state"), rows)
    else:
        output.note("It has copied nothing.")
    if any(one.state != "same" for one in found):
        raise typer.Exit(FAILED)


def remove(
    version: Annotated[str, typer.Argument(metavar="ID", help="As `livery pack versions` shows it.")],
    who: WhoOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Remove a version that is active nowhere from the store."""
    with output.opened(config) as engine:
        made = engine.packs.remove(version, who=_me(who), note=note)
    if as_json:
        output.emit(made.plain())
    else:
        typer.echo(f"Removed: {made.label} of {made.tenant}.")


def _active(engine: "Engine", tenant: str | None) -> dict[str, list[str]]:
    """The tenants at which each version is active by their own word."""
    found: dict[str, list[str]] = {}
    for one in engine.packs.activations(tenant):
        found.setdefault(one.version, []).append(one.tenant)
    return found


def _read(pack: Path, signature: Path | None) -> tuple[bytes, bytes | None]:
    """The zip, or one made of a folder; and its signature."""
    from livery.packs.zipped import MAX_ZIP
    from livery.packtools.building import zip_of

    beside = signature or pack.with_name(f"{pack.name}.sig")
    try:
        if pack.is_dir():
            return zip_of(pack), None
        with pack.open("rb") as stream:
            content = stream.read(MAX_ZIP + 1)
        signed = beside.read_bytes()[:1024] if signature or beside.is_file() else None
    except OSError as error:
        raise LiveryError(f"cannot read {error.filename}: {error.strerror}") from None
    return content, signed


def _me(who: str | None) -> str:
    return who or getpass.getuser()
