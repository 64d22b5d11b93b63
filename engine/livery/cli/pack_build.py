"""`livery pack build`, `keygen`, `verify`: a pack as one file, and proof of whose it is."""

from pathlib import Path
from typing import Annotated

import typer

from livery.cli import output
from livery.cli.findings import Shown, counted, where
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.cli.pack import PackArgument, named, show


def add_to(app: typer.Typer) -> None:
    for function in (build, keygen, verify):
        app.command()(output.command(function))


def build(
    pack: PackArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The zip to write; <id>-<version>.zip if none.")
    ] = None,
    sign: Annotated[
        Path | None, typer.Option("--sign", help="A private key of `livery pack keygen`: writes <zip>.sig, too.")
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a zip of a pack: the same files make the same bytes. A pack with errors is not built."""
    from livery.packtools.building import build as build_pack
    from livery.packtools.checking import check as check_pack

    target = named(pack, config)
    report = check_pack(target)
    if not report.is_fine():
        shown = Shown(report.pack, where(target.path))
        if as_json:
            output.emit({"ok": False, "findings": [shown.plain(one) for one in report.findings]})
        else:
            show(report, shown)
            output.complain("It has errors, so it was not built.")
        raise typer.Exit(FAILED)
    built = build_pack(target, out, key=sign)
    if as_json:
        output.emit({"ok": True, **built.plain()})
        return
    typer.echo(f"{built.file} ({built.size / 1024:.0f} KB, {counted(built.files, 'file')})")
    typer.echo(f"sha256 {built.sha256}")
    output.note(f"The digest is in {built.digest_file}, too: sha256sum -c checks it.")
    if built.signature_file is not None:
        output.note(f"The signature is in {built.signature_file}: livery pack verify checks it.")


def keygen(
    name: Annotated[Path, typer.Argument(help="What the two files are called: <name>.key and <name>.pub.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a pair of keys (Ed25519) to sign packs with. A key that is there is never overwritten."""
    from livery.packtools.signing import make_keys

    made = make_keys(name)
    if as_json:
        output.emit({"private": str(made.private), "public": str(made.public)})
        return
    typer.echo(f"{made.private}  keep it secret; livery pack build --sign takes it")
    typer.echo(f"{made.public}  give it to whoever runs Livery; livery pack verify takes it")


def verify(
    file: Annotated[Path, typer.Argument(metavar="ZIP", help="A zip of `livery pack build`.", show_default=False)],
    key: Annotated[Path, typer.Option(help="The public key of whom it should be from.")],
    signature: Annotated[Path | None, typer.Option(help="The signature; <zip>.sig if not given.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Check that a zip is what the owner of a key signed. Exits 2 if it is not."""
    from livery.packtools.signing import verify as verify_file

    digest = verify_file(file, key, signature)
    if as_json:
        output.emit({"ok": True, "file": str(file), "sha256": digest})
        return
    typer.echo(f"{typer.style('✓', fg='green', bold=True)} {where(file)} is what the owner of {where(key)} signed")
    typer.echo(f"sha256 {digest}")
