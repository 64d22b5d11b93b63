"""A pack and what stands behind it as one, and every pack of an engine.

Files and blocks are looked up by pack; strings by language first, then by pack.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from os.path import realpath
from pathlib import Path
from threading import Lock
from time import sleep
from types import MappingProxyType
from typing import Any

from livery.errors import NotFound, PackError, PluginError
from livery.packs.findings import Finding, ordered
from livery.packs.gathering import MANIFEST, refusal
from livery.packs.layers import Layers
from livery.packs.manifest import NotificationDefinition
from livery.packs.overlays import merged
from livery.packs.pack import Pack
from livery.packs.source import Snapshot, open_source, stamp
from livery.packs.tokens import TokenSpec, resolve
from livery.packs.toml import NOWHERE, Place


class PackChain(Layers[Pack]):
    """Layers that know their manifests: tokens, strings and notification definitions after all overlays."""

    def __init__(self, packs: Iterable[Pack], *, asked: str = "") -> None:
        super().__init__(packs)
        self._asked = asked

    @property
    def asked(self) -> Pack:
        """The pack whose chain this is; add-ons to it may stand before it."""
        named = (pack for pack in self.packs if pack.id == self._asked)
        plain = (pack for pack in self.packs if pack.manifest.adds_to is None)
        return next(named, None) or next(plain, self.packs[0])

    @property
    def digest(self) -> str:
        """sha256 over the digests of its packs, in their order, in hex."""
        return sha256("\n".join(pack.digest for pack in self.packs).encode()).hexdigest()

    def tokens(self) -> dict[str, str]:
        """Every token: the nearest pack's valid value, and what follows from others."""
        return resolve(self.token_layers()).values

    def token_layers(self) -> list[tuple[str, Mapping[str, str | TokenSpec]]]:
        """What each pack says of tokens, with its id; the base first."""
        return [(pack.id, pack.manifest.tokens) for pack in reversed(self.packs)]

    def token_place(self, pack: str, name: str) -> Place:
        """Where a pack of the chain says something of a token; nowhere if it does not."""
        found = next((one for one in self.packs if one.id == pack and name in one.manifest.tokens), None)
        return found.place(MANIFEST, ("tokens", name)) if found else NOWHERE

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
        merge = merged(reversed(self.packs), name)
        if not merge.steps:
            raise NotFound(f"no pack of {' → '.join(pack.id for pack in self.packs)} defines {name!r}")
        return merge.definition(), {id_: merge.steps["block", id_][-1].pack.id for id_ in merge.blocks}

    def findings(self) -> list[Finding]:
        """Everything that is wrong with its packs, each by itself."""
        return ordered(one for pack in self.packs for one in pack.findings)

    def audiences(self, notification: str) -> frozenset[frozenset[str]]:
        """Whom blocks of a notification are for, by the nearest pack whose word on it can be used."""
        usable: PackChain | None = self if self.packs else None
        while usable is not None:
            try:
                blocks = usable.definition(notification)[0].blocks
            except (NotFound, PackError):
                usable = usable.without_top()
                continue
            return frozenset(frozenset(block.audience) for block in blocks if block.audience)
        return frozenset()

    def set_aside(self, notification: str) -> list[str]:
        """What of its packs a message of this notification has to do without, a sentence each.

        Strings of any language count: who reads them cannot be told from what is left.
        """
        other = {"samples", "notifications"}
        return [
            f"{pack.label}: {one}"
            for pack in self.packs
            for one in pack.findings
            if one.severity == "error"
            and (one.file.partition("/")[0] not in other or one.file == f"notifications/{notification}.toml")
        ]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a reload changed, by the packs' ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class _State:
    """All packs at one moment. Replaced as a whole, so that nobody sees half of it."""

    packs: Mapping[str, Pack]
    broken: Mapping[Path, PackError]
    by_source: Mapping[Path, Pack]
    stamps: Mapping[Path, Any]
    chains: dict[str, PackChain] = field(default_factory=dict)


REST = 0.1
"""Seconds for which nothing of a changed pack may change before it is used."""
_REST_TRIES = 20
_NONE = _State({}, {}, {}, {})


class Library:
    """Every pack of one engine, by id. Safe from any thread.

    A pack that cannot be read is set aside: it takes nobody else down.

    Raises:
        PluginError: two packs have one id.

    """

    def __init__(self, sources: Iterable[Path | str]) -> None:
        self._sources = tuple({realpath(one): Path(one) for one in reversed(list(sources))}.values())[::-1]
        self._lock = Lock()
        self._state = self._read(_NONE)

    @property
    def packs(self) -> Mapping[str, Pack]:
        """Every pack by its id, as they are now."""
        return self._state.packs

    @property
    def broken(self) -> Mapping[Path, PackError]:
        """What cannot be used, by folder or zip. After a reload, the version before may still be in use."""
        return self._state.broken

    def chain(self, pack: str) -> PackChain:
        """A pack, its add-ons, its parents and theirs.

        Raises:
            NotFound: there is no such pack.
            PackError: a parent is missing, or packs are each other's parents.

        """
        state = self._state
        if pack not in state.chains:
            state.chains.setdefault(pack, PackChain(walked(state.packs, pack), asked=pack))
        return state.chains[pack]

    def findings(self) -> list[Finding]:
        """Everything that is wrong with the packs in use, and between them."""
        state = self._state
        found = [one for pack in state.packs.values() for one in pack.findings]
        for pack in state.packs:
            try:
                walked(state.packs, pack)
            except PackError as error:
                found.extend(error.findings)
        return ordered(found)

    def faults(self) -> Iterator[str]:
        """What was set aside, a sentence each."""
        yield from (f"a pack was set aside: {error}" for error in self.broken.values())
        wrong = [one for one in self.findings() if one.severity == "error"]
        yield from (f"of the pack {one.pack} something was set aside: {one}" for one in wrong)

    def changed(self) -> bool:
        """Whether any source looks otherwise than when it was read; looks at no content, so it may be asked often."""
        return any(stamp(source) != seen for source, seen in self._state.stamps.items())

    def reload(self) -> Changes:
        """Read all packs again; what has not changed stays the same object, with all that is compiled of it.

        An edit is in use as a whole or not at all: a pack that is broken now, or has an error where it had none,
        stays as it was and is in `broken`. A pack that has changed is read once nothing of it changed for a tenth of
        a second, as an edit may be of several files; after two seconds it stays as it was.
        """
        with self._lock:
            old = self._state
            new = self._read(old)
            for id_, chain in list(old.chains.items()):
                if _is_still(chain, new.packs, id_):
                    new.chains[id_] = chain
            self._state = new
        return Changes(
            added=tuple(sorted(set(new.packs) - set(old.packs))),
            changed=tuple(sorted(id_ for id_, one in new.packs.items() if old.packs.get(id_, one) is not one)),
            removed=tuple(sorted(set(old.packs) - set(new.packs))),
        )

    def _read(self, old: _State) -> _State:
        packs: dict[str, Pack] = {}
        broken: dict[Path, PackError] = {}
        by_source: dict[Path, Pack] = {}
        stamps: dict[Path, Any] = {}
        for source in self._sources:
            stamps[source] = stamp(source)  # before it is read: what changes from here on is the next reload's
            before = old.by_source.get(source)
            pack = None
            try:
                pack = _newest(source, before)
                _check_alone(pack, packs, is_start=old is _NONE)
            except PackError as error:
                broken[source] = error
                pack = before if before is not None and before.id not in packs else None
            if pack is not None:
                packs[pack.id] = by_source[source] = pack
        return _State(MappingProxyType(packs), MappingProxyType(broken), by_source, stamps)


def _newest(source: Path, before: Pack | None) -> Pack:
    snapshot = open_source(source)
    if before is not None and before.digest == snapshot.digest:
        return before
    if before is not None:
        snapshot = _at_rest(source, snapshot)
    pack = Pack(snapshot)
    if before is not None and pack.has_errors and not before.has_errors:
        raise refusal([one for one in pack.findings if one.severity == "error"], pack.id)
    return pack


def _at_rest(source: Path, snapshot: Snapshot) -> Snapshot:
    """A source that has changed, once nothing of it changed for a moment: an edit may be of several files.

    Raises:
        PackError: it goes on changing.

    """
    for _ in range(_REST_TRIES):
        sleep(REST)
        if stamp(source) == snapshot.stamp:
            return snapshot
        snapshot = open_source(source)
    raise PackError("changes all the time; it is read again when it is at rest", pack=str(source))


def _check_alone(pack: Pack, packs: Mapping[str, Pack], *, is_start: bool) -> None:
    other = packs.get(pack.id)
    if other is None:
        return
    said = f"two packs have the id {pack.id!r}: {other.folder} and {pack.folder}; rename one"
    if is_start:
        raise PluginError(said)
    raise PackError(said, pack=pack.id, file=MANIFEST)


def _is_still(chain: PackChain, packs: Mapping[str, Pack], asked: str) -> bool:
    try:
        found = walked(packs, asked)
    except (NotFound, PackError):
        return False
    return len(found) == len(chain.packs) and all(one is two for one, two in zip(found, chain.packs, strict=True))


def walked(packs: Mapping[str, Pack], asked: str) -> list[Pack]:
    """The chain of a pack: it and its parents, each below the packs that add to it."""
    if asked not in packs:
        there = ", ".join(sorted(packs)) or "none"
        raise NotFound(f"no pack is called {asked!r}; there are: {there}")
    line = [packs[asked]]
    while above := line[-1].manifest.parent or line[-1].manifest.adds_to:
        if above not in packs:
            raise _not_there(line[-1], above, packs)
        if above in [one.id for one in line]:
            cycle = " → ".join([*(one.id for one in line), above])
            raise _wrong(packs[asked], f"packs are each other's parents: {cycle}", "let one of them have no parent")
        line.append(packs[above])
    found: list[Pack] = []
    placed = {one.id for one in line}
    for one in line:
        found.extend([*_add_ons(packs, one, placed), one])
    return found


def _add_ons(packs: Mapping[str, Pack], to: Pack, placed: set[str]) -> list[Pack]:
    """Packs that add to one, in the order of their ids from it upwards; those that add to them above each."""
    found: list[Pack] = []
    for id_ in sorted(packs, reverse=True):
        if packs[id_].manifest.adds_to == to.id and id_ not in placed:
            placed.add(id_)
            found.extend([*_add_ons(packs, packs[id_], placed), packs[id_]])
    return found


def _not_there(pack: Pack, above: str, packs: Mapping[str, Pack]) -> PackError:
    said = f"its parent {above!r} is not installed"
    if pack.manifest.adds_to:
        said = f"the pack {above!r} it adds to is not installed"
    near = get_close_matches(above, packs, 1)
    return _wrong(pack, said, f"did you mean {near[0]!r}?" if near else "install it, or add it to `pack_paths`")


def _wrong(pack: Pack, message: str, fix: str) -> PackError:
    place = pack.value_place(MANIFEST, ("adds_to" if pack.manifest.adds_to else "parent",))
    found = Finding(
        severity="error", rule="parent", message=message, fix=fix, pack=pack.id, file=MANIFEST, line=place.line,
        column=place.column,
    )  # fmt: skip
    return refusal([found], pack.id)
