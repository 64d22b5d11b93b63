"""A pack whose `pack.toml` is wrong, as it would be without the lines that are: what else is wrong with it is told too.

Nothing of the pack's own is touched: the mended copy lies in a folder of its own for as long as it is looked at.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from livery.errors import LiveryError, PackError
from livery.packs.findings import Finding
from livery.packs.gathering import MANIFEST
from livery.packs.manifest import FORMAT
from livery.packs.pack import Pack
from livery.packs.source import Snapshot, open_source
from livery.packtools.files import write
from livery.studio.bench import Bench
from livery.studio.opening import Target

_ROUNDS = 20
"""How often what is wrong is taken out: one line of a list may leave the next one alone."""
_BEYOND = ("engine", "format")
"""What is wrong with the Livery, not with the pack."""
_NEEDED = {"format": FORMAT, "id": '"pack-under-check"', "version": '"0"'}
_BASE = "base"


@dataclass(frozen=True, slots=True)
class Mended:
    """A mended copy.

    Attributes:
        target: where it lies.
        above: how many lines its `pack.toml` has before the first of the pack's own.

    """

    target: Target
    above: int

    def told(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Findings of the copy, as those of the pack; without those that only come of the mending."""
        for one in findings:
            if one.file != MANIFEST:
                yield one
            elif one.line > self.above and one.severity != "note":
                yield replace(one, line=one.line - self.above)


@contextmanager
def mended(target: Target, wrong: Iterable[Finding]) -> Iterator[Mended | None]:
    """The pack without the lines of its manifest that are wrong; None if that does not make it one to be opened.

    Args:
        target: the pack.
        wrong: why it cannot be opened.

    """
    if target.path is None or any(one.rule in _BEYOND or not one.file for one in wrong):
        yield None
        return
    with TemporaryDirectory(prefix="livery-check-") as folder:
        place = replace(target, path=Path(folder).resolve() / "pack")
        try:
            above = _copied(open_source(target.path), place)
        except LiveryError:
            yield None
            return
        yield Mended(place, above)


def _copied(snapshot: Snapshot, target: Target) -> int:
    """Write the files with a manifest that can be read, and say how many lines that begins with.

    Raises:
        LiveryError: it cannot be mended so.

    """
    assert target.path is not None, "it was just given one"
    kept = {name: b"" for name in snapshot.ignored if name.lower().startswith("readme")}
    above, manifest = _readable(snapshot)
    for path, content in {**snapshot.files, **kept, MANIFEST: manifest.encode()}.items():
        write(target.path / path, content)
    try:
        Bench.opened(target).close()
    except PackError as error:
        at = [one.line for one in error.findings if one.rule == "parent" and one.file == MANIFEST]
        if not at:
            raise
        lines = manifest.split("\n")
        lines[at[0] - 1] = f'parent = "{_BASE}"'
        write(target.path / MANIFEST, "\n".join(lines).encode())
        Bench.opened(target).close()
    return above


def _readable(snapshot: Snapshot) -> tuple[int, str]:
    """How many lines stand above, and the manifest without the lines that are wrong."""
    lines, above = (snapshot.text(MANIFEST) or "").split("\n"), 0
    for _ in range(_ROUNDS):
        try:
            Pack(Snapshot.of({MANIFEST: "\n".join(lines).encode()}, snapshot.where))
        except PackError as error:
            at = {one.line for one in error.findings if one.file == MANIFEST and one.line and one.rule != "missing"}
            for number in at:
                lines[number - 1] = "#"
            missing = _missing(lines)
            lines, above = [*missing, *lines], above + len(missing)
            if not at and not missing:
                raise
        else:
            return above, "\n".join(lines)
    raise PackError("cannot be mended by leaving lines out", pack=snapshot.where, file=MANIFEST)


def _missing(lines: list[str]) -> list[str]:
    """What every manifest has, where this one has it not; nothing as long as it is no TOML."""
    try:
        there: Mapping[str, object] = tomllib.loads("\n".join(lines))
    except ValueError:
        return []
    return [f"{name} = {value}" for name, value in _NEEDED.items() if name not in there]
