"""`livery render` in a fraction of the time: by a kit that an earlier run left, without opening the engine.

A kit is plain data: the stencils of one seller's notification, and what the settings and models of a request
come to, with the signature of every file that went into it. Is anything of it out of date, or anything about the
event out of the ordinary, the engine does the work as if there were no kit; so this only ever says what the engine
would.
"""

import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from livery._version import __version__

FORMAT = 4
OPTIONS = {"--channel": "channel", "--locale": "locale", "--out": "out", "--config": "config", "-c": "config"}
CHANNEL = "smtp"
_DEFAULTS = {"channel": CHANNEL, "out": "."}


def render(arguments: Sequence[str]) -> bool:
    """Do what `livery render ARGUMENTS` does, if a kit allows it; False says that the engine has to."""
    request = _parsed(arguments)
    if request is None or request["channel"] != CHANNEL:
        return False
    from livery.errors import LiveryError

    try:
        said = _rendered(request)
        if said is None:
            return False
        title, files = said
        write(Path(request["out"]), title, files)
    except (LiveryError, OSError, LookupError, ValueError, TypeError):
        return False
    return True


def write(out: Path, title: str, files: dict[str, bytes], *, quiet: bool = False) -> None:
    """Write the files of a rendered message, and say which.

    Raises:
        OSError: the folder cannot be written to.

    """
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    if quiet:
        return
    lines = [title, *(f"  {out / name}" for name in files)]
    sys.stdout.buffer.write(("\n".join(lines) + "\n").encode())
    sys.stdout.buffer.flush()


def files_of(stem: str, html: str, text: str) -> dict[str, bytes]:
    """The files of a rendered e-mail."""
    return {f"{stem}.html": html.encode(), f"{stem}.txt": text.encode()}


def folder() -> Path | None:
    """Where kits are kept: a folder nobody else can write to, since what is in a kit is what is shown."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    kits = Path(base) / "livery" / "kits"
    try:
        kits.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = kits.stat()
    except OSError:
        return None
    is_ours = found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077
    return kits if is_ours else None


def file_of(config: str | None, seller: str, event_type: str) -> Path | None:
    """The file of a kit: everything it depends on beside the files in its signature is in its name."""
    kits = folder()
    settings = sorted(item for item in os.environ.items() if item[0].upper().startswith("LIVERY_"))
    here = os.getcwd() if settings else ""  # noqa: PTH109 - relative paths in the environment start here
    file = _configuration(config)
    found = file if os.path.exists(file) else None  # noqa: PTH110
    depends = (FORMAT, __version__, sys.prefix, sys.version, here, settings, found, seller, event_type)
    return kits / f"{sha256(repr(depends).encode()).hexdigest()[:32]}.json" if kits else None


def signature(folders: Iterable[str], config: str | None) -> list[list[Any]]:
    """Size and time of every file of these folders, of the configuration, and of where plugins are installed."""
    return [[path, *_stamp(path)] for path in _paths(folders, config)]


def _configuration(config: str | None) -> str:
    return os.path.abspath(config or os.environ.get("LIVERY_CONFIG") or "livery.toml")  # noqa: PTH100


def _paths(folders: Iterable[str], config: str | None) -> Iterator[str]:
    yield from sorted({path for path in sys.path if path.endswith(("site-packages", "dist-packages"))})
    if os.path.exists(file := _configuration(config)):  # noqa: PTH110
        yield file
    for root in folders:
        if os.path.isfile(root):  # noqa: PTH113 - a zip
            yield root
        for at, _, files in os.walk(root):
            if not at.endswith("__pycache__"):
                yield from (os.path.join(at, name) for name in sorted(files))  # noqa: PTH118


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _parsed(arguments: Sequence[str]) -> dict[str, Any] | None:
    """The request, if it is one of the plain ones."""
    request: dict[str, Any] = {"locale": None, "config": None, **_DEFAULTS}
    events: list[str] = []
    rest = list(arguments)
    while rest:
        one = rest.pop(0)
        name, equals, value = one.partition("=")
        if name in OPTIONS and (equals or rest):
            request[OPTIONS[name]] = value if equals else rest.pop(0)
        elif one.startswith("-"):
            return None
        else:
            events.append(one)
    return {**request, "event": events[0]} if len(events) == 1 else None


def _rendered(request: dict[str, Any]) -> tuple[str, dict[str, bytes]] | None:
    from livery.border import MAX_BYTES, decoded

    with open(request["event"], "rb") as stream:  # noqa: PTH123 - pathlib would cost more than the reading
        event = decoded(stream.read(MAX_BYTES + 1))
    kit = _kit(request, event)
    if kit is None:
        return None
    written = _written(kit, event, request["locale"])
    if written is not None and kit["note"]:
        sys.stderr.write(f"{kit['note']}\n")
    return written


def _kit(request: dict[str, Any], event: dict[str, Any]) -> dict[str, Any] | None:
    file = file_of(request["config"], event["data"]["seller"]["id"], event["type"])
    if file is None or not file.is_file():
        return None
    kit: dict[str, Any] = json.loads(file.read_bytes())
    if kit["store"] and os.path.exists(kit["store"]):  # noqa: PTH110
        return None  # it may have something to say of the tenant
    is_fresh = kit["signature"] == signature([folder for _, _, folder in kit["packs"]], request["config"])
    return kit if is_fresh else None


def _written(kit: dict[str, Any], raw: dict[str, Any], asked: str | None) -> tuple[str, dict[str, bytes]] | None:
    """The message by the kit; None if anything falls back, which is the engine's to judge."""
    from livery import locales
    from livery.composing import reading_locale, seen
    from livery.render.email import built_in
    from livery.render.text import plain
    from livery.schema import Misfit, completed
    from livery.stencils.stencil import Stencil

    try:
        event = completed(raw, kit["envelope"])
        event["data"] = completed(raw["data"], kit["data"])
    except Misfit:
        return None
    user = event["data"].get("user") or {}
    choice = reading_locale(kit["wishes"], kit["available"], reader=user.get("locale"), asked=asked)
    if asked and locales.kin(asked)[0] != locales.kin(choice.tag)[0]:
        return None
    compiled = kit["stencils"].get(stencil_key(choice.tag, choice.regional, event["data"]["seller"]["name"]))
    if compiled is None or not event["time"]:
        return None
    stencil = Stencil(compiled)
    said = stencil.notification(seen(event, datetime.fromisoformat(event["time"]).year))
    html, notes = stencil.html(said)
    if notes or said["degraded"] or "cid:" in html:
        return None
    title = locales.one_line(said["subject"], 250)
    return title, files_of(f"{kit['name']}.{choice.tag}.{CHANNEL}", html or built_in(said), plain(said))


def stencil_key(tag: str, regional: str, seller: str) -> str:
    """Which of a kit's stencils a request takes; the seller's name is the event's where settings have none."""
    return f"{tag} {regional} {seller}"
