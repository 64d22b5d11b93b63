"""Pieces that can be copied from a parent, by their names in `[overrides]`, and what each says as text.

`layouts/email.mjml.j2` is a file, `strings/en.toml#common.closing` a text, `notifications/x.toml#facts` a block.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple
from urllib.parse import quote

from livery.errors import LiveryError, PackError
from livery.packs.chain import PackChain
from livery.packs.overlays import Merge, merged
from livery.packs.strings import all_keys
from livery.packtools.edits import block_text

FILES = ("layouts", "blocks", "parts")
COPIES = "parents"
"""The folder in which a pack keeps what its parents' pieces were when it copied them."""


class Piece(NamedTuple):
    """A name, taken apart: the file, and the text or the block in it."""

    file: str
    part: str

    @classmethod
    def of(cls, name: str) -> "Piece":
        """Take a name apart that is recorded."""
        file, _, part = name.partition("#")
        return cls(file, part)

    @classmethod
    def named(cls, name: str) -> "Piece":
        """Take a name apart that somebody gave.

        Raises:
            LiveryError: it can be no piece's name; says what can.

        """
        file, _, part = name.partition("#")
        folder = file.partition("/")[0]
        is_file = folder in FILES and not part
        if not is_file and not (folder in ("strings", "notifications") and part and file.endswith(".toml")):
            raise LiveryError(
                f"{name!r} is no piece that can be copied; name a file in {', '.join(FILES)}, a text such as "
                "strings/en.toml#common.closing, or a block such as notifications/offer_provision_error.toml#facts"
            )
        return cls(file, part)

    @property
    def name(self) -> str:
        return f"{self.file}#{self.part}" if self.part else self.file

    @property
    def stem(self) -> str:
        """The language or the notification a part is of."""
        return self.file.partition("/")[2].removesuffix(".toml")

    @property
    def is_text(self) -> bool:
        return self.file.startswith("strings/")

    @property
    def copy(self) -> str:
        """Where a pack keeps the parent's piece as it was."""
        if not self.part:
            return f"{COPIES}/{self.file}"
        ending = "txt" if self.is_text else "toml"
        return f"{COPIES}/{self.file.removesuffix('.toml')}/{quote(self.part, safe='')}.{ending}"


def content(packs: PackChain, piece: Piece) -> str | None:
    """What a piece says in a chain; None if no pack of it has one."""
    if not piece.part:
        return next((text for _, text in packs.files(piece.file)), None)
    if piece.is_text:
        return next((text for text, _, _ in packs.strings(piece.part, [piece.stem])), None)
    block = block_of(packs, piece)
    return None if block is None else block_text(block)


def block_of(packs: PackChain, piece: Piece) -> dict[str, object] | None:
    """The fields of a block after the overlays of a chain."""
    return _merge(packs, piece).blocks.get(piece.part)


def has(packs: PackChain, piece: Piece) -> bool:
    """Whether the pack a chain was asked for has a piece of its own."""
    own = packs.asked
    if not piece.part:
        return piece.file in own.snapshot.files
    if piece.is_text:
        return piece.part in own.strings.get(piece.stem, {})
    overlay = own.notification(piece.stem)
    return overlay is not None and any(block.id == piece.part for block in overlay.blocks)


def owner(packs: PackChain, piece: Piece) -> str:
    """The pack whose piece it is, and its version; empty if no pack has it."""
    if not piece.part:
        return next((pack.label for pack in packs.packs if piece.file in pack.snapshot.files), "")
    if piece.is_text:
        return next((pack.label for _, pack, _ in packs.strings(piece.part, [piece.stem])), "")
    steps = _merge(packs, piece).steps.get(("block", piece.part), [])
    return steps[-1].pack.label if steps and piece.part in _merge(packs, piece).blocks else ""


def meant(packs: PackChain, piece: Piece) -> str:
    """What to do about a piece that is not there."""
    there = list(_there(packs, piece))
    near = get_close_matches(piece.name, there, 1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(there[:12]) or 'none'}"


def _there(packs: PackChain, piece: Piece) -> Iterable[str]:
    if not piece.part:
        files = {path for pack in packs.packs for path in pack.snapshot.files if path.partition("/")[0] in FILES}
        return sorted(files)
    if piece.is_text:
        return (f"{piece.file}#{key}" for key in all_keys(packs) if content(packs, Piece(piece.file, key)) is not None)
    return (f"{piece.file}#{id_}" for id_ in _merge(packs, piece).blocks)


def _merge(packs: PackChain, piece: Piece) -> Merge:
    try:
        return merged(reversed(packs.packs), piece.stem)
    except PackError:
        return Merge(piece.stem)
