"""`livery pack new`: asks what there is to ask, or takes it from options."""

import re
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any
from unicodedata import combining, normalize

import typer

from livery.cli import output
from livery.cli.findings import Shown, where
from livery.cli.output import ConfigOption, JsonOption
from livery.cli.pack import named, show
from livery.errors import LiveryError

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.packtools.starting import Started, Wishes

_NOTHING = ("the parent's", "none")
"""Answers that leave something as it is."""
_NOT_IN_ID = re.compile(r"[^a-z0-9._-]+")


def add_to(app: typer.Typer) -> None:
    app.command()(output.command(new))


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the pack is to lie.", show_default=False)],
    id_: Annotated[str, typer.Option("--id", help="Names the pack; the folder's name if not given.")] = "",
    title: Annotated[str, typer.Option(help="What people call it.")] = "",
    parent: Annotated[str, typer.Option(help="The pack it is laid over.")] = "",
    primary: Annotated[str, typer.Option(help="The colour of the main button, such as #134e6f.")] = "",
    locale: Annotated[list[str] | None, typer.Option(help="A language (BCP 47); may be given more than once.")] = None,
    support_email: Annotated[str, typer.Option(help="Where its readers get help.")] = "",
    logo: Annotated[Path | None, typer.Option(help="A picture: PNG, JPEG or GIF.")] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Start a pack: a whole one in a minute. Asks on a terminal; nothing that is there is overwritten."""
    from livery.config import find_file
    from livery.packtools.checking import check
    from livery.packtools.starting import Wishes, start

    config = config or find_file()
    with output.opened(config) as engine:
        name = id_ or _id_of(folder.resolve().name)
        tags = tuple(locale or ("en",))
        wishes = Wishes(
            folder,
            name,
            title or _titled(id_ or folder.resolve().name),
            parent or "base",
            primary,
            tags,
            support_email,
            logo,
        )
        if _may_ask() and not as_json:
            given = {"id": id_, "title": title, "parent": parent, "primary": primary, "locales": locale}
            wishes = _asked(engine, wishes, {**given, "support_email": support_email, "logo": logo})
        started = start(wishes, engine, config)
    report = check(named(str(folder.resolve()), started.config))
    if as_json:
        counts = report.plain()["counts"]
        output.emit({**_plain(started), "id": wishes.id, "counts": counts})
        return
    typer.echo(f"\n{typer.style(wishes.id, bold=True)} is in {where(folder)}:")
    for file in started.files:
        typer.echo(f"  {where(file)}")
    typer.echo()
    show(report, Shown(report.pack, where(folder)))
    _next(wishes, started)


def _id_of(name: str) -> str:
    bare = "".join(char for char in normalize("NFKD", name.lower()) if not combining(char))
    return _NOT_IN_ID.sub("-", bare).strip("._-") or "pack"


def _titled(name: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in re.split(r"[\s._-]+", name) if word)


def _may_ask() -> bool:
    return output.is_terminal(sys.stdin) and output.is_terminal(sys.stdout)


def _asked(engine: "Engine", wishes: "Wishes", given: dict[str, Any]) -> "Wishes":
    """The wishes, with answers to all that was not given; Enter takes what stands in brackets."""
    from livery.packtools.starting import faults

    if there := [one for one in faults(wishes, engine) if not one.startswith("--")]:
        raise LiveryError(there[0])
    typer.secho("Enter takes what stands in brackets.", dim=True)
    known = ", ".join(sorted(id_ for id_, one in engine.library.packs.items() if one.manifest.adds_to is None))
    questions = {
        "id": ("Id", wishes.id),
        "title": ("What people call it", wishes.title),
        "parent": (f"Laid over ({known})", wishes.parent),
        "primary": ("Colour of the main button, such as #134e6f", _NOTHING[0]),
        "locales": ("Languages, with blanks between", " ".join(wishes.locales)),
        "support_email": ("Address of your support", _NOTHING[1]),
        "logo": ("File of your logo", _NOTHING[1]),
    }
    for name, (question, default) in questions.items():
        if given[name]:
            continue
        while True:
            said = str(typer.prompt(question, default=default)).strip()
            tried = wishes if said == default and default in _NOTHING else _with(wishes, name, said)
            option = f"--{name.replace('_', '-').removesuffix('s')}: "
            wrong = [one.removeprefix(option) for one in faults(tried, engine) if one.startswith(option)]
            if not wrong:
                break
            for one in wrong:
                output.complain(f"  {one}")
        wishes = tried
        if name == "id" and said != default:
            questions["title"] = ("What people call it", _titled(said))
    return wishes


def _with(wishes: "Wishes", name: str, said: str) -> "Wishes":
    from dataclasses import replace

    value: Any = said
    if name == "locales":
        value = tuple(re.split(r"[\s,]+", said))
    elif name == "logo":
        value = Path(said).expanduser()
    return replace(wishes, **{name: value})


def _plain(started: "Started") -> dict[str, Any]:
    return {
        "files": [str(file) for file in started.files],
        "config": str(started.config),
        "config_is_new": started.is_new,
        "to_add": "" if started.is_new else started.to_add,
        "sample": str(started.sample) if started.sample else None,
    }


def _next(wishes: "Wishes", started: "Started") -> None:
    folder, option = quote(where(wishes.folder)), ""
    if started.config.resolve() != Path("livery.toml").resolve():
        option = f" --config {quote(where(started.config))}"
    typer.echo("\nNext:")
    if not started.is_new:
        typer.echo(f"  add to {where(started.config)}, where it knows nothing of the pack yet:\n")
        for line in started.to_add.rstrip().split("\n"):
            typer.echo(f"      {line}".rstrip())
        typer.echo()
    steps = [("Look at it while you edit: every change is there within a second", f"livery pack preview {folder}")]
    if started.sample:
        sample = quote(where(started.sample))
        steps.append(("One message, as files", f"livery render {sample} --out out{option}"))
        steps.append((f"A real e-mail, to the server in {where(started.config)}", f"livery send {sample}{option}"))
    steps.append(("Before you ship", f"livery pack check {folder}"))
    for why, step in steps:
        typer.secho(f"  {why}", dim=True)
        typer.echo(f"    {step}")
