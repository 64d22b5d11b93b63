"""`livery pack override` and `diff`: a parent's piece copied into a pack, and what became of both since."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from typing import Any

from livery.errors import LiveryError, NotFound
from livery.packs.chain import PackChain
from livery.packs.gathering import MANIFEST
from livery.packs.layers import PARENT
from livery.packs.pack import Pack
from livery.packs.provenance import piece_digest
from livery.packtools import edits
from livery.packtools.drift import Rest, behind, from_own, rests
from livery.packtools.edits import block_text
from livery.packtools.files import write
from livery.packtools.pieces import Piece, block_of, content, has, meant, owner
from livery.studio.bench import Bench
from livery.studio.opening import Target


@dataclass(frozen=True, slots=True)
class Copied:
    """A piece that was copied.

    Attributes:
        piece: its name.
        of: the pack it was copied from, and its version.
        files: what was written, as paths.
        wraps: whether it reaches for its own parent's piece, which is another one from here.

    """

    piece: str
    of: str
    files: tuple[Path, ...]
    wraps: bool

    def plain(self) -> dict[str, Any]:
        """For `--json`."""
        return {"piece": self.piece, "of": self.of, "files": [str(one) for one in self.files], "wraps": self.wraps}


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """An override from three sides.

    Attributes:
        rest: what is recorded of it.
        pack: its pack and version.
        then: the parent's piece when it was copied; None if no copy was kept.
        now: the parent's piece now; None if there is none any more.
        own: the pack's piece; None if it has none any more.

    """

    rest: Rest
    pack: str
    then: str | None
    now: str | None
    own: str | None

    @property
    def theirs(self) -> list[str]:
        """What the parent changed since, as a unified diff; from the pack's own piece, where no copy was kept."""
        if self.now is None or self.rest.state == "same":
            return []
        if self.then is None:
            return _diff(self.own or "", self.now, f"{self.pack}, yours", f"{self.rest.now}, now")
        return _diff(self.then, self.now, self._copied, f"{self.rest.now}, now")

    @property
    def ours(self) -> list[str]:
        """What the pack changed, as a unified diff."""
        if self.then is None or self.own is None:
            return []
        return _diff(self.then, self.own, self._copied, f"{self.pack}, yours")

    @property
    def _copied(self) -> str:
        return f"{self.rest.record.of}, as it was copied"

    @property
    def has_conflict(self) -> bool:
        """Whether both changed the same lines."""
        if None in (self.then, self.now, self.own):
            return False
        theirs, ours = _touched(self.then or "", self.now or ""), _touched(self.then or "", self.own or "")
        return any(start <= last and first <= end for start, end in theirs for first, last in ours)

    def plain(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "piece": self.rest.piece,
            "state": self.rest.state,
            "of": self.rest.record.of,
            "now": self.rest.now,
            "conflict": self.has_conflict,
            "parent_changed": "\n".join(self.theirs),
            "pack_changed": "\n".join(self.ours),
        }


def override(target: Target, name: str, *, record: bool = False) -> Copied:
    """Copy a parent's piece into a pack, and record what it stands on.

    Args:
        target: the pack, a folder.
        name: of the piece.
        record: copy nothing into the pack, which has a piece of its own; only record what the parent has.

    Raises:
        LiveryError: there is no such piece, the pack has one of its own, or a file cannot be edited or written.

    """
    packs, folder = _opened(target)
    piece, parents = Piece.named(name), behind(packs)
    text = content(parents, piece) if parents.packs else None
    if text is None:
        raise NotFound(f"no parent has {name}; {meant(parents, piece)}" if parents.packs else "the pack has no parent")
    if has(packs, piece) and not record:
        raise LiveryError(f"{packs.asked.id} has {name} already; with --record only what it stands on is recorded")
    if record and not has(packs, piece):
        raise LiveryError(f"{packs.asked.id} has no {name} of its own; without --record the parent's is copied")
    files = {} if record else {piece.file: _with_piece(packs, piece, text)}
    files |= _recorded(packs.asked, parents, piece, text)
    for path, made in files.items():
        write(folder / path, made.encode())
    wraps = not piece.part and PARENT in text and not record
    return Copied(name, owner(parents, piece), tuple(folder / path for path in files), wraps)


def accept(target: Target, name: str) -> Copied:
    """Record that a pack's piece stands on what the parent has now.

    Raises:
        LiveryError: the piece is not recorded, no parent has it any more, or a file cannot be edited or written.

    """
    packs, folder = _opened(target)
    if name not in packs.asked.manifest.overrides:
        known = ", ".join(packs.asked.manifest.overrides) or "none"
        raise NotFound(f"{packs.asked.id} records no override {name!r}; there are: {known}")
    piece, parents = Piece.named(name), behind(packs)
    text = content(parents, piece)
    if text is None:
        raise LiveryError(f"no parent has {name} any more; take its line out of {MANIFEST}")
    files = _recorded(packs.asked, parents, piece, text)
    for path, made in files.items():
        write(folder / path, made.encode())
    return Copied(name, owner(parents, piece), tuple(folder / path for path in files), wraps=False)


def compared(target: Target, name: str = "") -> list[ThreeWay]:
    """Every override of a pack from three sides, or one.

    Raises:
        NotFound: the pack records no such override.
        LiveryError: the pack cannot be read.

    """
    bench = Bench.opened(target)
    bench.close()
    packs = bench.packs
    found = [_three_way(packs, one) for one in rests(packs) if name in ("", one.piece)]
    if name and not found:
        known = ", ".join(packs.asked.manifest.overrides) or "none"
        raise NotFound(f"{packs.asked.id} records no override {name!r}; there are: {known}")
    return found


def _three_way(packs: PackChain, rest: Rest) -> ThreeWay:
    piece, own = Piece.of(rest.piece), packs.asked
    text = own.read(piece.copy)
    mine = _own(packs, piece, text) if has(packs, piece) else None
    return ThreeWay(rest, own.label, text, content(behind(packs), piece), mine)


def _own(packs: PackChain, piece: Piece, then: str | None) -> str | None:
    """What the pack's piece says. Of a block it says single fields, so the others are as they were then."""
    overlay = packs.asked.notification(piece.stem) if piece.part and not piece.is_text else None
    said = next((block for block in overlay.blocks if block.id == piece.part), None) if overlay else None
    if said is None or then is None:
        return content(from_own(packs), piece)
    try:
        was = tomllib.loads(then)["blocks"][0]
    except (ValueError, LookupError, TypeError):
        return content(from_own(packs), piece)
    return block_text({**was, **said.change()})


def _opened(target: Target) -> tuple[PackChain, Path]:
    if target.path is None or not target.path.is_dir():
        raise LiveryError(f"{target.pack} is not a folder; name the folder of the pack, for it is written to")
    bench = Bench.opened(target)
    bench.close()
    return bench.packs, target.path


def _with_piece(packs: PackChain, piece: Piece, text: str) -> str:
    """The pack's file with the piece in it."""
    if not piece.part:
        return text
    own = packs.asked.snapshot.text(piece.file) or ""
    try:
        if piece.is_text:
            return edits.with_value(own, tuple(piece.part.split(".")), text)
        block = block_of(behind(packs), piece)
        assert block is not None, "it has a content"
        return edits.with_block(own, block)
    except LiveryError as error:
        raise LiveryError(f"{piece.file}: {error}") from None


def _recorded(own: Pack, parents: PackChain, piece: Piece, text: str) -> dict[str, str]:
    """The manifest with the record, and the copy."""
    manifest = own.snapshot.text(MANIFEST) or ""
    record = {"digest": piece_digest(parents, piece.name) or "", "of": owner(parents, piece)}
    path = ("overrides", piece.name)
    try:
        try:
            manifest = edits.with_value(manifest, path, record)
        except LiveryError:  # it is a table of its own
            for field, value in record.items():
                manifest = edits.with_value(manifest, (*path, field), value)
    except LiveryError as error:
        raise LiveryError(f"{MANIFEST}: {error}") from None
    return {MANIFEST: manifest, piece.copy: text}


# --------------------------------------------------------------------------- lines


def _diff(one: str, two: str, name: str, other: str) -> list[str]:
    return list(unified_diff(one.split("\n"), two.split("\n"), name, other, lineterm="", n=2))


def _touched(one: str, two: str) -> list[tuple[int, int]]:
    """The lines of `one` that `two` changes, as ranges with both ends; what is put between two lines touches both."""
    return list(_ranges(one.split("\n"), two.split("\n")))


def _ranges(one: Sequence[str], two: Sequence[str]) -> Iterator[tuple[int, int]]:
    for tag, start, end, _, _ in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if tag == "insert":
            yield start - 1, start
        elif tag != "equal":
            yield start, end - 1
