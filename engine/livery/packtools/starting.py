"""`livery pack new`: a pack that is finished in a minute, with everything to look at it and to send from it."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from livery.engine import Engine
from livery.errors import LiveryError
from livery.locales import is_language, normal
from livery.packs import assets
from livery.packs.chain import PackChain
from livery.packs.gathering import MANIFEST
from livery.packs.image_header import media_type
from livery.packs.manifest import PACK_ID, PATTERNS
from livery.packs.schemas import KINDS, schema
from livery.packs.strings import quoted, written
from livery.packs.token_values import parse
from livery.packs.tokens import describe
from livery.packtools.edits import key
from livery.packtools.files import write
from livery.packtools.uses import Uses, uses
from livery.studio import samples

_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
_SOURCE = "en"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a new pack is to be.

    Attributes:
        folder: where it is to lie; nothing may be there.
        id: names the pack.
        title: what people call it.
        parent: the pack it is laid over.
        primary: the colour of its main button; empty: the parent's.
        locales: its languages.
        support_email: where its readers get help; empty: not shown.
        logo: a picture; None: the initial and the name.

    """

    folder: Path
    id: str
    title: str
    parent: str = "base"
    primary: str = ""
    locales: tuple[str, ...] = (_SOURCE,)
    support_email: str = ""
    logo: Path | None = None


@dataclass(slots=True)
class Started:
    """A pack that was made.

    Attributes:
        files: what was written, in order; the configuration last.
        config: the livery.toml to use it with.
        is_new: whether that was written, too; if not, `to_add` is what belongs into it.
        sample: the event to try it with.

    """

    config: Path
    is_new: bool
    to_add: str
    sample: Path | None = None
    files: list[Path] = field(default_factory=list)


def start(wishes: Wishes, engine: Engine, config: Path | None) -> Started:
    """Make a pack. Nothing that is there is overwritten, and what cannot be written wholly is not begun.

    Args:
        wishes: what it is to be.
        engine: knows the parent.
        config: the livery.toml in use; None if there is none, so that one is written beside the pack.

    Raises:
        LiveryError: something of it is wrong, or the folder is not empty.

    """
    folder = wishes.folder
    if wrong := list(faults(wishes, engine)):
        said = (
            wrong[0]
            if len(wrong) == 1
            else "\n".join([f"{len(wrong)} things are wrong:", *(f"  {one}" for one in wrong)])
        )
        raise LiveryError(f"{said}\nNothing was written.")
    packs = engine.library.chain(wishes.parent)
    made = dict(_files(wishes, packs, uses(packs, engine.types)))
    started = Started(config or folder.parent / "livery.toml", config is None, _to_add(wishes, config or folder.parent))
    started.sample = next((folder / path for path in made if path.startswith("samples/")), None)
    for path, content in made.items():
        write(folder / path, content)
        started.files.append(folder / path)
    if started.is_new:
        write(started.config, _settings(wishes, started.sample).encode())
        started.files.append(started.config)
    return started


def faults(wishes: Wishes, engine: Engine) -> Iterator[str]:
    """Everything that keeps a pack from being made, each by the option it was asked for with."""
    folder, known = wishes.folder, engine.library.packs
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        yield f"{folder} is there already, and not empty; name another folder"
    if not re.fullmatch(PACK_ID, wishes.id):
        yield f"--id: {wishes.id!r} can be no id; expected {PATTERNS[PACK_ID]}"
    if wishes.id in known:
        yield f"--id: {wishes.id!r} is taken by the pack in {known[wishes.id].folder}; take another"
    if wishes.parent not in known:
        near = get_close_matches(wishes.parent, known, 1)
        meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known))}"
        yield f"--parent: no pack is called {wishes.parent!r}; {meant}"
    yield from _raised(lambda: _locales(wishes.locales))
    yield from _raised(lambda: _logo(wishes.logo))
    if parent := next((one for one in (wishes.parent, "base") if one in known), ""):
        yield from _raised(lambda: _tokens(wishes, engine.library.chain(parent), ""))


def _raised(attempt: Callable[[], object]) -> Iterator[str]:
    try:
        attempt()
    except LiveryError as error:
        yield from str(error).split("\n")


def _files(wishes: Wishes, packs: PackChain, told: Uses) -> Iterator[tuple[str, bytes]]:
    """Every file of the pack."""
    logo = _logo(wishes.logo)
    tokens = _tokens(wishes, packs, logo[0] if logo else "")
    locales = _locales(wishes.locales)
    yield MANIFEST, _manifest(wishes, locales, tokens).encode()
    name = _a_text(told)
    for tag in locales:
        yield f"strings/{tag}.toml", _strings(packs, name, tag).encode()
    if logo:
        yield logo
    for notification in told.told:
        if found := samples.of_packs(packs, notification):
            best = next((one for tag in locales for one in found if one.name == tag), found[0])
            sold = best.sold_by(wishes.id, wishes.title)
            yield f"samples/{notification}/{best.name}.json", f"{sold.raw.rstrip()}\n".encode()
    yield "README.md", _readme(wishes, locales).encode()
    for kind in KINDS:
        yield f"schemas/{kind}.json", f"{json.dumps(schema(kind), ensure_ascii=False, indent=2)}\n".encode()


def _locales(given: Iterable[str]) -> list[str]:
    tags = {one: normal(one) for one in given}
    wrong = [one for one, tag in tags.items() if not is_language(tag)]
    if wrong:
        said = "is no language" if len(wrong) == 1 else "are no languages"
        raise LiveryError(
            f"--locale: {', '.join(map(repr, wrong))} {said}; write it as BCP 47 has it, such as de or pt-BR"
        )
    return list(dict.fromkeys(tags.values())) or [_SOURCE]


def _logo(file: Path | None) -> tuple[str, bytes] | None:
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            data = stream.read(assets.MAX_BYTES + 1)
    except OSError as error:
        raise LiveryError(f"--logo: cannot read {file}: {error.strerror}") from None
    path = f"assets/logo.{_ENDINGS.get(media_type(data), file.suffix.lstrip('.') or 'png')}"
    wrong = [one for one in assets.findings(path, data) if one.severity == "error"]
    if wrong:
        raise LiveryError(f"--logo: {file}: {wrong[0].message}; {wrong[0].fix}")
    return path, data


def _tokens(wishes: Wishes, packs: PackChain, logo: str) -> dict[str, str]:
    """The values that were wished for, by the names the parent has for them."""
    known = {row.name: row.type for row in describe(packs.token_layers())}
    found: dict[str, str] = {}
    wrong = []
    given = (("primary", wishes.primary), ("logo_url", logo), ("support_email", wishes.support_email))
    for name, value in given:
        if not value:
            continue
        option = f"--{name.removesuffix('_url').replace('_', '-')}"
        if name not in known:
            wrong.append(f"{option}: the pack {wishes.parent!r} has no token {name}, so it cannot be set")
            continue
        read = parse(known[name], value)
        if name == "support_email" and not _is_address(value):
            wrong.append(f"{option}: {value!r} is no address; write one such as help@fjord.example")
        elif not read.value:
            wrong.append(f"{option}: {read.problem}" + (f"; {read.fix}" if read.fix else ""))
        found[name] = read.value
    if wrong:
        raise LiveryError("\n".join(wrong))
    return found


def _is_address(text: str) -> bool:
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _a_text(told: Uses) -> str:
    """The key of a text that a designer may want to change first: how a message closes."""
    keys = [one.definition.closing for one in told.told.values()]
    keys += [one.definition.title for one in told.told.values()]
    return next((name for name in keys if name in told.keys), "")


# --------------------------------------------------------------------------- the files


def _manifest(wishes: Wishes, locales: Iterable[str], tokens: dict[str, str]) -> str:
    lines = [
        "#:schema ./schemas/pack.json",
        "format = 1",
        f"id = {quoted(wishes.id)}",
        'version = "0.1.0"',
        f"title = {quoted(wishes.title)}",
        '# license = "…"     an SPDX expression, such as "Apache-2.0", if you give the pack to others',
        f"parent = {quoted(wishes.parent)}",
        f"locales = [{', '.join(map(quoted, locales))}]",
        "",
        f"# Only what differs from {wishes.parent} stands here; `livery pack explain` lists every token.",
        "[tokens]",
        *(f"{key(name)} = {quoted(value)}" for name, value in tokens.items()),
    ]
    if "primary" not in tokens:
        lines.append('# primary = "#2747c9"')
    return "\n".join([*lines, ""])


def _strings(packs: PackChain, name: str, tag: str) -> str:
    head = "#:schema ../schemas/strings.json\n"
    own = next((text for text, _, _ in packs.strings(name, [tag])), None)
    if own is not None:
        said = "# A text of yours takes the place of the parent's with its key. This one is as the parent has it.\n"
        return f"{head}{said}\n{written({name: own})}"
    source = next((text for text, _, _ in packs.strings(name, [_SOURCE])), "")
    lines = written({name: source}).rstrip().split("\n") if name and source else []
    said = "# The parent has no texts in this language: `livery pack po-export` writes them all for translators.\n"
    return f"{head}{said}\n" + "".join(f"# {line}\n" for line in lines)


def _to_add(wishes: Wishes, config: Path) -> str:
    """What makes a livery.toml know the pack and a seller in it."""
    near = config if config.is_dir() else config.parent
    try:
        path = wishes.folder.resolve().relative_to(near.resolve()).as_posix()
    except ValueError:
        path = wishes.folder.resolve().as_posix()
    seller = {"parent": _root(wishes), "name": wishes.title, "pack": wishes.id}
    lines = [f"{name} = {quoted(value)}" for name, value in seller.items()]
    return "\n".join([f"pack_paths = [{quoted(path)}]", "", f"[tenants.{key(wishes.id)}]", *lines, ""])


def _root(wishes: Wishes) -> str:
    return "platform" if wishes.id != "platform" else "host"


def _settings(wishes: Wishes, sample: Path | None) -> str:
    paths, seller = _to_add(wishes, wishes.folder.parent).split("\n\n", 1)
    event = sample.relative_to(wishes.folder.parent).as_posix() if sample else "EVENT.json"
    return f"""# To try the pack {wishes.id} with:
#   livery render {event}
#   livery send {event}
{paths}

# Mail goes to this machine only. A server that shows what it gets: python -m aiosmtpd -n -l 127.0.0.1:1025
[channels.smtp]
host = "127.0.0.1"
port = 1025

[tenants.{_root(wishes)}]
name = "Platform"

{seller}"""


def _readme(wishes: Wishes, locales: Iterable[str]) -> str:
    folder = wishes.folder.name
    return f"""# {wishes.title}

A template pack for Livery over `{wishes.parent}`, in {", ".join(locales)}. It holds only what differs from its parent.

| file | what |
|---|---|
| `pack.toml` | its id, its parent, its colours and fonts |
| `strings/` | its texts, a file for each language |
| `samples/` | events to look at it with |
| `schemas/` | for your editor: it completes and checks the files above |

From the folder above this one:

```sh
livery pack preview {folder}     # in the browser; every edit is there within a second
livery pack check {folder}       # everything that is wrong, with file and line
livery pack explain {folder} --notification NAME     # where each piece comes from
livery pack override {folder} blocks/error.mjml.j2   # copy a piece of the parent to change it
livery pack build {folder}       # one zip for whoever runs Livery
```

In continuous integration, one line: `pip install livery && livery pack check --strict {folder}`.
On GitHub add `--format github`, and findings stand beside the lines they are about.
"""
