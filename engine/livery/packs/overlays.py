"""A notification as packs lay it over each other: field by field, block by block, and who said what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from livery.packs.findings import Finding
from livery.packs.gathering import refusal
from livery.packs.manifest import BlockOverlay, NotificationDefinition, NotificationOverlay
from livery.packs.pack import Pack
from livery.packs.toml import KeyPath

FIELDS = ("event", "subject", "preheader", "title", "greeting", "closing", "signature", "footer")
Doing = Literal["own", "changed", "moved", "removed"]


class Step(NamedTuple):
    """What one pack says about a field or a block, and where in its file."""

    pack: Pack
    path: KeyPath
    does: Doing


@dataclass(slots=True)
class Merge:
    """A notification while packs are laid over each other, the base first.

    Attributes:
        name: of the notification.
        fields: the texts outside of blocks, and the event.
        blocks: fields of each block by id, in order.
        steps: what was said, the base first: by `("field", name)` or `("block", id)`.
        misfits: what does not fit what is there, and was passed over.

    """

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: dict[tuple[str, str], list[Step]] = field(default_factory=dict)
    misfits: list[Finding] = field(default_factory=list)

    @property
    def file(self) -> str:
        return f"notifications/{self.name}.toml"

    def add(self, pack: Pack, overlay: NotificationOverlay) -> None:
        """Lay one pack over those before; what does not fit goes to `misfits`."""
        for name in FIELDS:
            if (value := getattr(overlay, name)) is not None:
                self.fields[name] = value
                self._step(("field", name), pack, (name,))
        for number, gone in enumerate(overlay.remove):
            if self.blocks.pop(gone, None) is None:
                self._misfit(f"removes the block {gone!r}, which no parent has", pack, ("remove", number), gone)
                continue
            self._step(("block", gone), pack, ("remove", number), "removed")
        for number, block in enumerate(overlay.blocks):
            self._lay(pack, block, ("blocks", number))

    def definition(self) -> NotificationDefinition:
        """The whole, without what does not fit.

        Raises:
            PackError: something is missing; says where.

        """
        data = {**self.fields, "blocks": list(self.blocks.values())}
        try:
            return NotificationDefinition.model_validate(data)
        except ValidationError as error:
            listed = error.errors(include_url=False)
            lacking = [str(one["loc"][0]) for one in listed if one["type"] == "missing" and len(one["loc"]) == 1]
            found = [self._lacking(lacking)] if lacking else []
            found += [
                self._unfit(one["loc"], one["type"], one["msg"]) for one in listed if one["loc"][0] not in lacking
            ]
            raise refusal(found, found[0].pack) from None

    def _lacking(self, names: Iterable[str]) -> Finding:
        nearest = next(reversed(self.steps.values()))[-1].pack
        said = f"no parent has this notification, and by itself it lacks {', '.join(names)}"
        return _finding(said, nearest, self.file, ())

    def _unfit(self, loc: KeyPath, kind: str, message: str) -> Finding:
        said, name = "is missing" if kind == "missing" else message, str(loc[-1])
        if loc[0] == "blocks" and len(loc) > 1:
            id_ = list(self.blocks)[int(loc[1])]
            step = self.steps["block", id_][-1]
            return _finding(f"block {id_!r}: {name} {said}", step.pack, self.file, (*step.path, *loc[2:]))
        nearest = next(reversed(self.steps.values()))[-1].pack
        return _finding(f"{name} {said}", nearest, self.file, loc)

    def _lay(self, pack: Pack, block: BlockOverlay, path: KeyPath) -> None:
        id_, change = block.id, block.change()
        is_new = id_ not in self.blocks
        fields = {**self.blocks.get(id_, {}), **change}
        neighbour = block.after if block.before is None else block.before
        others = {key: one for key, one in self.blocks.items() if key != id_}
        side = "after" if block.before is None else "before"
        if neighbour is not None and neighbour not in others:
            said = f"block {id_!r} is to stand {side} {neighbour!r}, which is not there"
            self._misfit(said, pack, (*path, side), neighbour)
            neighbour = None
        self.blocks = (
            {**self.blocks, id_: fields} if neighbour is None else _beside(others, id_, fields, (side, neighbour))
        )
        is_moved = not is_new and neighbour is not None and set(change) == {"id"}
        self._step(("block", id_), pack, path, "moved" if is_moved else "changed" if not is_new else "own")

    def _step(self, piece: tuple[str, str], pack: Pack, path: KeyPath, does: Doing | None = None) -> None:
        steps = self.steps.setdefault(piece, [])
        steps.append(Step(pack, path, does or ("changed" if steps else "own")))

    def _misfit(self, message: str, pack: Pack, path: KeyPath, meant: str) -> None:
        near = get_close_matches(meant, self.blocks, 1)
        known = ", ".join(self.blocks) or "none"
        fix = f"did you mean {near[0]}?" if near else f"there are {known}"
        self.misfits.append(_finding(message, pack, self.file, path, fix))


def _finding(message: str, pack: Pack, file: str, path: KeyPath, fix: str = "") -> Finding:
    place = pack.value_place(file, path)
    if place.line == 0:
        place = pack.place(file, path)
    return Finding(
        severity="error", rule="overlay", message=message, fix=fix, pack=pack.id, file=file, line=place.line,
        column=place.column,
    )  # fmt: skip


def merged(packs: Iterable[Pack], name: str) -> Merge:
    """A notification after the overlays of `packs`, the base first. It has no steps if no pack says anything.

    Raises:
        PackError: the overlays do not fit together; says where, all of it.

    """
    merge = laid(packs, name)
    if merge.misfits:
        raise refusal(merge.misfits, merge.misfits[0].pack)
    return merge


def laid(packs: Iterable[Pack], name: str) -> Merge:
    """As `merged`, but what does not fit is passed over, and is in `misfits`."""
    merge = Merge(name)
    for pack in packs:
        overlay = pack.notification(name)
        if overlay is not None:
            merge.add(pack, overlay)
    return merge


def _beside(
    others: Mapping[str, dict[str, Any]], id_: str, fields: dict[str, Any], where: tuple[str, str]
) -> dict[str, dict[str, Any]]:
    side, neighbour = where
    ordered: dict[str, dict[str, Any]] = {}
    for key, block in others.items():
        pair = [(id_, fields), (key, block)] if side == "before" else [(key, block), (id_, fields)]
        ordered.update(pair if key == neighbour else [(key, block)])
    return ordered
