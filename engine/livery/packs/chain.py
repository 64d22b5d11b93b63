"""Overlays: a pack and its parents as one. Files and blocks by pack, strings by language first, then by pack."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from livery.config import problems_of
from livery.errors import NotFound, PackError, PluginError
from livery.packs.layers import Layers
from livery.packs.manifest import NotificationDefinition
from livery.packs.pack import Pack

_SCALARS = ("event", "subject", "preheader", "title", "greeting", "closing", "signature", "footer")


class PackChain(Layers[Pack]):
    """Layers that know their manifests: tokens, strings and notification definitions after all overlays."""

    def tokens(self) -> dict[str, str]:
        """Every token, the nearest pack's value."""
        merged: dict[str, str] = {}
        for pack in reversed(self.packs):
            merged.update(pack.manifest.tokens)
        return merged

    def locales(self) -> list[str]:
        """Languages there are texts for anywhere in the chain."""
        return sorted({tag for pack in self.packs for tag in pack.strings})

    def strings(self, key: str, fallbacks: Iterable[str]) -> Iterator[tuple[str, Pack, str]]:
        """Every text for a key as (text, pack, locale), best first: the right language beats the nearest pack."""
        for tag in fallbacks:
            for pack in self.packs:
                text = pack.strings.get(tag, {}).get(key)
                if text is not None:
                    yield text, pack, tag

    def definition(self, name: str) -> tuple[NotificationDefinition, dict[str, str]]:
        """A notification after all overlays, and the pack each block comes from.

        Raises:
            NotFound: no pack of the chain defines it.
            PackError: the overlays do not fit together.

        """
        merged: dict[str, Any] = {}
        blocks: dict[str, dict[str, Any]] = {}
        origin: dict[str, str] = {}
        file = f"notifications/{name}.toml"
        for pack in reversed(self.packs):
            overlay = pack.notification(name)
            if overlay is None:
                continue
            merged.update({field: value for field in _SCALARS if (value := getattr(overlay, field)) is not None})
            for gone in overlay.remove:
                if blocks.pop(gone, None) is None:
                    raise PackError(f"removes the block {gone!r}, which no parent has", pack=pack.id, file=file)
            for change in overlay.blocks:
                blocks = _laid_over(blocks, change, pack.id, file)
                origin[str(change["id"])] = pack.id
        if not merged:
            raise NotFound(f"no pack of {' → '.join(pack.id for pack in self.packs)} defines {name!r}")
        try:
            whole = NotificationDefinition.model_validate({**merged, "blocks": list(blocks.values())})
        except ValidationError as error:
            problems = "; ".join(map(str, problems_of(error)))
            raise PackError(problems, pack=self.top.id, file=file) from None
        return whole, origin


def _laid_over(
    blocks: dict[str, dict[str, Any]], change: Mapping[str, Any], pack: str, file: str
) -> dict[str, dict[str, Any]]:
    fields = dict(change)
    where = {side: fields.pop(side) for side in ("after", "before") if side in fields}
    id_ = fields.get("id")
    if not isinstance(id_, str) or not id_:
        raise PackError("has a block without an id", pack=pack, file=file)
    fields = {**blocks.get(id_, {}), **fields}
    if not where:
        return {**blocks, id_: fields}
    if len(where) > 1:
        raise PackError(f"block {id_!r} has both `after` and `before`; keep one", pack=pack, file=file)
    side, neighbour = next(iter(where.items()))
    others = {key: block for key, block in blocks.items() if key != id_}
    if neighbour not in others:
        raise PackError(f"block {id_!r} is to stand {side} {neighbour!r}, which is not there", pack=pack, file=file)
    ordered: dict[str, dict[str, Any]] = {}
    for key, block in others.items():
        pair = [(id_, fields), (key, block)] if side == "before" else [(key, block), (id_, fields)]
        ordered.update(pair if key == neighbour else [(key, block)])
    return ordered


class Library:
    """Every pack of one engine, by id. A pack that cannot be read is set aside: it takes nobody else down."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.packs: dict[str, Pack] = {}
        self.broken: dict[Path, PackError] = {}
        for folder in folders:
            try:
                pack = Pack(folder)
            except PackError as error:
                self.broken[folder] = error
                continue
            if pack.id in self.packs:
                raise PluginError(
                    f"two packs have the id {pack.id!r}: {self.packs[pack.id].folder} and {pack.folder}; rename one"
                )
            self.packs[pack.id] = pack
        self._chains: dict[str, PackChain] = {}

    def chain(self, pack: str) -> PackChain:
        """A pack and its parents.

        Raises:
            NotFound: there is no such pack.
            PackError: a parent is missing, packs are each other's parents, or strings cannot be read.

        """
        if pack not in self._chains:
            chain = PackChain(self._walk(pack))
            chain.locales()  # strings nobody can read are found now, while another pack can step in
            self._chains[pack] = chain
        return self._chains[pack]

    def _walk(self, pack: str) -> list[Pack]:
        if pack not in self.packs:
            raise NotFound(f"no pack is called {pack!r}; there are: {', '.join(sorted(self.packs)) or 'none'}")
        found = [self.packs[pack]]
        while parent := found[-1].manifest.parent:
            if parent not in self.packs:
                raise PackError(f"its parent {parent!r} is not installed", pack=found[-1].id, file="pack.toml")
            if parent in [one.id for one in found]:
                cycle = " → ".join([*(one.id for one in found), parent])
                raise PackError(f"packs are each other's parents: {cycle}", pack=pack, file="pack.toml")
            found.append(self.packs[parent])
        return found
