"""Where every piece of a message comes from: for `livery pack explain`, and for seeing that a parent's piece moved."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from livery.errors import NotFound, PackError
from livery.packs.chain import PackChain
from livery.packs.gathering import MANIFEST
from livery.packs.layers import PARENT
from livery.packs.overlays import Merge, merged
from livery.packs.pack import Pack
from livery.packs.toml import Place

LAYOUT = "layouts/email.mjml.j2"
How = Literal["own", "inherited", "changed", "moved", "removed", "missing"]
Kind = Literal["token", "text", "field", "block", "layout", "jinja block", "partial", "part"]

_BLOCK = re.compile(r"\{%[-+]?\s*+block\s++([A-Za-z_]\w*)")
_EXTENDS = re.compile(r"\{%[-+]?\s*+extends\s++(?:\"([^\"\n]{1,300})\"|'([^'\n]{1,300})')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a message, and which pack it is of.

    Attributes:
        kind: what it is.
        name: names it among its kind; a Jinja block as `layouts/email.mjml.j2#header`.
        pack: the id of the pack whose piece is used; of one that is removed, who removed it. Empty if none has it.
        file: the path inside that pack.
        line: 1-based; 0 if the whole file is meant.
        column: 1-based, in characters.
        locale: the language of a text.
        how: seen from the pack that was asked about: `own` (nobody behind it has one), `changed` (over another's),
            `moved`, `removed`, `inherited` (from a pack behind it or an add-on), `missing` (nobody has it).
        shadows: who else has it, nearest first: a pack's id, or for a text of another file that file, too.

    """

    kind: Kind
    name: str
    pack: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    locale: str = ""
    how: How = "missing"
    shadows: tuple[str, ...] = ()


def pieces(chain: PackChain, notification: str, fallbacks: Sequence[str]) -> list[Piece]:
    """Every piece a message of a notification is made of.

    Args:
        chain: the packs.
        notification: its name.
        fallbacks: the languages in which texts are looked for, in turn; the first is the one it is written in.

    Raises:
        NotFound: no pack of the chain says anything about the notification.
        PackError: the overlays do not fit together.

    """
    merge = merged(reversed(chain.packs), notification)
    if not merge.steps:
        raise NotFound(f"no pack of {' → '.join(pack.id for pack in chain.packs)} defines {notification!r}")
    definition = merge.definition()
    keys = dict.fromkeys(_keys(definition.model_dump(exclude={"event"})))
    kinds = dict.fromkeys(block.kind for block in definition.blocks)
    return [
        *_tokens(chain),
        *_steps(chain, merge),
        *_texts(chain, keys, fallbacks),
        *_layout(chain),
        *(_file(chain, "partial", path) for path in _partials(chain, kinds)),
        *(_file(chain, "part", path) for path in _in(chain, "parts/")),
    ]


def _how(chain: PackChain, pack: Pack, others: Sequence[object], does: How = "changed") -> How:
    if pack is not chain.asked:
        return "removed" if does == "removed" else "inherited"
    return does if others else "own"


def _tokens(chain: PackChain) -> Iterator[Piece]:
    for name in dict.fromkeys(name for _, tokens in chain.token_layers() for name in tokens):
        pack, *others = [pack for pack in chain.packs if name in pack.manifest.tokens]
        line, column = pack.place(MANIFEST, ("tokens", name))
        yield Piece(
            kind="token", name=name, pack=pack.id, file=MANIFEST, line=line, column=column,
            how=_how(chain, pack, others), shadows=tuple(one.id for one in others),
        )  # fmt: skip


def _steps(chain: PackChain, merge: Merge) -> Iterator[Piece]:
    order = {id_: number for number, id_ in enumerate(merge.blocks)}
    for kind, name in sorted(merge.steps, key=lambda key: (key[0] == "block", order.get(key[1], len(order)))):
        *before, last = merge.steps[kind, name]
        line, column = last.pack.place(merge.file, last.path)
        how = _how(chain, last.pack, before, "changed" if last.does == "own" else last.does)
        yield Piece(
            kind="block" if kind == "block" else "field", name=name, pack=last.pack.id, file=merge.file, line=line,
            column=column, how=how,
            shadows=tuple(dict.fromkeys(one.pack.id for one in reversed(before) if one.pack is not last.pack)),
        )  # fmt: skip


def _keys(part: object) -> Iterator[str]:
    """What may be the key of a text: every text of a definition that is no template."""
    if isinstance(part, str) and part and "{{" not in part and "{%" not in part:
        yield part
    elif isinstance(part, list | tuple):
        for one in part:
            yield from _keys(one)
    elif isinstance(part, dict):
        for field, one in part.items():
            if field not in ("id", "kind", "when", "code", "url"):
                yield from _keys(one)


def _texts(chain: PackChain, keys: Iterable[str], fallbacks: Sequence[str]) -> Iterator[Piece]:
    for key in keys:
        found = [(pack, tag) for _, pack, tag in chain.strings(key, fallbacks)]
        if not found:
            yield Piece(kind="text", name=key)
            continue
        (pack, tag), *others = found
        file, (line, column) = pack.string_place(tag, key)
        yield Piece(
            kind="text", name=key, pack=pack.id, file=file, line=line, column=column, locale=tag,
            how=_how(chain, pack, [other for other in others if other[1] == tag]),
            shadows=tuple(one.id if of == tag else f"{one.id} {one.string_files[of]}" for one, of in others),
        )  # fmt: skip


# --------------------------------------------------------------------------- templates


def _in(chain: PackChain, folder: str) -> list[str]:
    return sorted({path for pack in chain.packs for path in pack.snapshot.files if path.startswith(folder)})


def _partials(chain: PackChain, kinds: Iterable[str]) -> Iterator[str]:
    """The partials of the kinds of blocks there are, for any channel."""
    there = _in(chain, "blocks/")
    for kind in kinds:
        yield from (path for path in there if path.removeprefix("blocks/").partition(".")[0] == kind)
        if f"blocks/{kind}.mjml.j2" not in there:
            yield f"blocks/{kind}.mjml.j2"


def _file(chain: PackChain, kind: Kind, path: str) -> Piece:
    found = [pack for pack, _ in chain.files(path)]
    if not found:
        return Piece(kind=kind, name=path)
    pack, *others = found
    return Piece(
        kind=kind, name=path, pack=pack.id, file=path, line=1, how=_how(chain, pack, others),
        shadows=tuple(one.id for one in others),
    )  # fmt: skip


def _layout(chain: PackChain) -> Iterator[Piece]:
    """The layout, and each of its Jinja blocks by the nearest template in the line of `extends` that has it."""
    yield _file(chain, "layout", LAYOUT)
    found: dict[str, list[tuple[Pack, str, Place]]] = {}
    for pack, path, text in _extended(chain, LAYOUT):
        for name, place in _blocks(text):
            found.setdefault(name, []).append((pack, path, place))
    for name, ((pack, path, (line, column)), *others) in found.items():
        yield Piece(
            kind="jinja block", name=f"{LAYOUT}#{name}", pack=pack.id, file=path, line=line, column=column,
            how=_how(chain, pack, others), shadows=tuple(one.id for one, _, _ in others),
        )  # fmt: skip


def _extended(chain: PackChain, path: str) -> Iterator[tuple[Pack, str, str]]:
    """A template, the one it extends, and so on: who has it, its path, its text without comments."""
    packs: Sequence[Pack] = chain.packs
    seen: set[tuple[str, str]] = set()
    while True:
        found = next(((pack, text) for pack in packs if (text := pack.read(path)) is not None), None)
        if found is None or (found[0].id, path) in seen:
            return
        pack, text = found[0], _uncommented(found[1])
        seen.add((pack.id, path))
        yield pack, path, text
        match = _EXTENDS.search(text)
        if match is None:
            return
        path = match[1] or match[2]
        packs = chain.packs
        if path.startswith(PARENT):
            path, packs = path.removeprefix(PARENT), chain.packs[chain.packs.index(pack) + 1 :]


def _blocks(text: str) -> Iterator[tuple[str, Place]]:
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    for match in _BLOCK.finditer(text):
        number = bisect_right(lines, match.start())
        yield match[1], Place(number, match.start() - lines[number - 1] + 1)


def _uncommented(text: str) -> str:
    """A template with blanks in place of its comments, so that everything keeps its place."""
    parts, at = [], 0
    while (start := text.find("{#", at)) >= 0 and (end := text.find("#}", start)) >= 0:
        parts += [text[at:start], re.sub(r"[^\n]", " ", text[start : end + 2])]
        at = end + 2
    return "".join([*parts, text[at:]])


# --------------------------------------------------------------------------- pieces that were copied


def piece_digest(chain: PackChain, piece: str) -> str | None:
    """What a piece is now, as `[overrides]` records it: sha256 in hex; None if no pack of the chain has it.

    Args:
        chain: the packs that had it before it was copied: the parent's.
        piece: a path such as `layouts/email.mjml.j2`, `strings/en.toml#common.closing` or
            `notifications/x.toml#facts`.

    """
    path, _, part = piece.partition("#")
    if not part:
        found = next((pack.snapshot.files[path] for pack in chain.packs if path in pack.snapshot.files), None)
        return None if found is None else sha256(found).hexdigest()
    folder, _, file = path.partition("/")
    name = file.removesuffix(".toml")
    if folder == "strings":
        texts = (text for text, _, _ in chain.strings(part, [name]))
        return next((sha256(text.encode()).hexdigest() for text in texts), None)
    try:
        merge = merged(reversed(chain.packs), name) if folder == "notifications" else Merge(name)
    except PackError:
        return None
    block = merge.blocks.get(part)
    return None if block is None else sha256(json.dumps(block, sort_keys=True).encode()).hexdigest()
