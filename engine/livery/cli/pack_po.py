"""`livery pack languages`, `po-export` and `po-import`: how far texts are translated, and translators' own tools."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livery.cli import output
from livery.cli.findings import Shown, counted, printable, where
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.cli.pack import PackArgument, named
from livery.cli.pack_override import FolderArgument
from livery.errors import LiveryError
from livery.locales import normal

if TYPE_CHECKING:
    from livery.packs.completeness import Completeness

LocaleOption = Annotated[str, typer.Option("--locale", "-l", help="The language (BCP 47), such as de or pt-BR.")]
SourceOption = Annotated[str, typer.Option("--source", help="The language to translate from.")]


def add_to(app: typer.Typer) -> None:
    app.command()(output.command(languages))
    app.command()(output.command(po_export))
    app.command()(output.command(po_import))


def languages(
    pack: PackArgument,
    locale: Annotated[str, typer.Option("--locale", "-l", help="List what is left to do in this language.")] = "",
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say how far the texts a pack uses are translated, its parents' included; with --locale, what is left."""
    from livery.errors import NotFound
    from livery.packtools import texts
    from livery.packtools.uses import uses
    from livery.studio.bench import Bench

    with closing(Bench.opened(named(pack, config))) as bench:
        spoken = texts.languages(bench.packs)
        if locale and normal(locale) not in spoken:
            raise NotFound(f"the pack does not speak {locale!r}; it speaks {', '.join(spoken)}")
        found = texts.report(bench.packs, uses(bench.packs, bench.engine.types))
    if as_json:
        output.emit(found.plain())
        return
    columns = ("language", "texts", "translated", "in another", "in none", "plural forms lacking")
    output.table(
        columns,
        [
            (one.locale, one.texts, f"{one.translated} ({one.percent} %)", one.elsewhere, one.missing, one.plural)
            for one in found.languages
        ],
    )
    if locale:
        _left(found, normal(locale))
    elif found.left():
        output.note(
            "With --locale, each text that is left is listed; `livery pack po-export` writes them for translators."
        )


def _left(found: "Completeness", locale: str) -> None:
    rows = found.left(locale)
    for row in rows:
        place = f"{row.pack} {row.file}{f':{row.line}' if row.line else ''}"
        why = f"comes in {row.source}" if row.state == "elsewhere" else "is there in no language they get"
        if row.plural:
            why = f"lacks the plural forms {', '.join(row.plural)}"
        output.say(printable(f"{row.key}: {why}{f' ({place})' if row.pack else ''}"))
    if not rows:
        typer.echo(f"Nothing is left to do in {locale}.")


def po_export(
    pack: PackArgument,
    locale: LocaleOption,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; else it is printed.")] = None,
    source: SourceOption = "en",
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write the texts of a pack and its parents as a PO file. A file that is there is carried on."""
    from livery.packs import po
    from livery.packtools.drift import from_own
    from livery.packtools.files import write
    from livery.packtools.uses import explained, uses
    from livery.studio.bench import Bench

    with closing(Bench.opened(named(pack, config))) as bench:
        known = explained(uses(bench.packs, bench.engine.types))
        text = po.export(from_own(bench.packs), locale, source=source, old=_old(out), explain=known)
    if out is None:
        typer.echo(text, nl=False)
        return
    write(out, text.encode())
    done, left = _counted(text)
    if as_json:
        output.emit({"file": str(out), "locale": locale, "texts": done + left, "translated": done})
        return
    typer.echo(f"{where(out)}: {counted(done + left, 'text')}, {done} translated, {left} to do")


def po_import(
    pack: FolderArgument,
    file: Annotated[Path, typer.Argument(help="A PO file that po-export wrote.", show_default=False)],
    locale: Annotated[str, typer.Option("--locale", "-l", help="The language; else as the file says.")] = "",
    source: SourceOption = "en",
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Take finished translations into a pack's strings. Exits 1 if some cannot be used; the others are taken."""
    from livery.packs import po
    from livery.packs.strings import path_of
    from livery.packtools.drift import from_own
    from livery.packtools.files import write
    from livery.studio.bench import Bench

    target = named(pack, config)
    if target.path is None or not target.path.is_dir():
        raise LiveryError(f"{pack} is not a folder; name the folder of the pack, for it is written to")
    text = _read(file)
    tag = locale or _language(text) or file.stem
    with closing(Bench.opened(target)) as bench:
        packs = from_own(bench.packs)
        made = po.import_po(text, packs, tag, source=source, file=where(file))
        path = target.path / path_of(packs.top, tag)
    if made.changed:
        write(path, made.text.encode())
    wrong = [one for one in made.findings if one.severity == "error"]
    if as_json:
        output.emit(_plain(path, made))
    else:
        Shown(packs.top.id).text(made.findings)
        typer.echo(f"{where(path)}: {counted(len(made.changed), 'text')} new or changed")
    if wrong:
        raise typer.Exit(FAILED)


def _plain(path: Path, made: Any) -> dict[str, Any]:
    findings = [one.plain() for one in made.findings]
    return {"file": str(path), "changed": list(made.changed), "findings": findings}


def _old(file: Path | None) -> str:
    return _read(file) if file is not None and file.is_file() else ""


def _read(file: Path) -> str:
    from livery.packs.po_file import MAX_BYTES

    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1).decode("utf-8-sig")
    except OSError as error:
        raise LiveryError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LiveryError(f"{file} is not UTF-8; save it as UTF-8") from None


def _language(text: str) -> str:
    from livery.packs import po_file

    return po_file.read(text).header.get("Language", "").replace("_", "-")


def _counted(text: str) -> tuple[int, int]:
    from livery.packs import po_file

    entries = po_file.read(text).entries
    done = sum(bool(one.text) and not one.is_fuzzy for one in entries)
    return done, len(entries) - done
