"""Pieces that were copied from a parent: what they stood on, and whether that has moved since."""

from dataclasses import dataclass
from typing import Literal

from livery.packs.chain import PackChain
from livery.packs.findings import Finding, Severity
from livery.packs.gathering import MANIFEST
from livery.packs.manifest import Override
from livery.packs.provenance import piece_digest
from livery.packs.toml import Place
from livery.packtools.pieces import Piece, has, owner

State = Literal["same", "moved", "gone", "dropped"]


@dataclass(frozen=True, slots=True)
class Rest:
    """An override, and what it rests on.

    Attributes:
        piece: names it, as in `[overrides]`.
        record: what was recorded when it was copied.
        state: `same`: the parent has what it had; `moved`: it has another now; `gone`: it has none now; `dropped`:
            the pack itself has no such piece any more.
        now: the pack the parent's piece is of now, and its version.
        place: where it is recorded.

    """

    piece: str
    record: Override
    state: State
    now: str
    place: Place


def behind(packs: PackChain) -> PackChain:
    """The packs behind the one that was asked for: what it would be without it."""
    at = packs.packs.index(packs.asked)
    return PackChain(packs.packs[at + 1 :])


def from_own(packs: PackChain) -> PackChain:
    """The pack that was asked for and those behind it, without add-ons that stand before it."""
    return PackChain(packs.packs[packs.packs.index(packs.asked) :], asked=packs.asked.id)


def rests(packs: PackChain) -> list[Rest]:
    """Every override the pack records."""
    return [_rest(packs, piece, record) for piece, record in packs.asked.manifest.overrides.items()]


def _rest(packs: PackChain, piece: str, record: Override) -> Rest:
    own, parents = packs.asked, behind(packs)
    digest = piece_digest(parents, piece) if parents.packs else None
    if not has(packs, Piece.of(piece)):
        state: State = "dropped"
    elif digest is None:
        state = "gone"
    else:
        state = "same" if digest == record.digest else "moved"
    return Rest(piece, record, state, owner(parents, Piece.of(piece)), own.place(MANIFEST, ("overrides", piece)))


def findings(packs: PackChain) -> list[Finding]:
    """What has moved under the pack's overrides."""
    return [_finding(packs.asked.id, one) for one in rests(packs) if one.state != "same"]


def _finding(pack: str, one: Rest) -> Finding:
    was = f"{one.piece} was copied from {one.record.of}"
    match one.state:
        case "moved":
            said, fix = f"{was}, and {one.now} has another now", f"see livery pack diff {pack} {one.piece}"
        case "gone":
            said, fix = f"{was}, and no parent has it any more", "see that it is still used, then take this line out"
        case _:
            said, fix = f"{one.piece} is recorded, and the pack has it no more", "take this line out"
    severity: Severity = "note" if one.state == "dropped" else "warning"
    return Finding(
        severity=severity, rule="drift", message=said, fix=fix, pack=pack, file=MANIFEST, line=one.place.line,
        column=one.place.column,
    )  # fmt: skip
