"""What the notifications of a chain say, and where: which texts they use, which events they tell of."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from livery.errors import PackError
from livery.models.event import EventType
from livery.packs.chain import PackChain
from livery.packs.findings import Finding
from livery.packs.manifest import NotificationDefinition
from livery.packs.overlays import laid
from livery.packtools.sources import is_template, texts_of

_FIELDS = ("subject", "preheader", "title", "greeting", "closing", "footer")
_DEEP = 4
_BLOCK_FIELDS = ("heading", "text", "code", "alt")


@dataclass(frozen=True, slots=True)
class Told:
    """One notification of a chain after all overlays.

    Attributes:
        kind: the event type it tells of; None if no plugin brings it.
        keys: the keys of the texts it uses.
        is_whole: whether all overlays fit; if not, its messages are made without them.

    """

    name: str
    kind: EventType | None
    definition: NotificationDefinition
    keys: frozenset[str]
    is_whole: bool = True


@dataclass(slots=True)
class Uses:
    """All notifications of a chain.

    Attributes:
        told: by name; without those that cannot be put together.
        findings: what keeps a notification, or an overlay of one, from being used.

    """

    told: dict[str, Told] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all texts that anything uses."""
        return frozenset(key for one in self.told.values() for key in one.keys)

    def of(self, key: str) -> list[Told]:
        """The notifications that use a text."""
        return [one for one in self.told.values() if key in one.keys]


def uses(packs: PackChain, types: Mapping[str, EventType]) -> Uses:
    """Everything the packs of a chain tell of."""
    found = Uses()
    kinds = {kind.notification: kind for kind in types.values()}
    for name in sorted({name for pack in packs.packs for name in pack.notifications()}):
        merge = laid(reversed(packs.packs), name)
        if not merge.steps:
            continue
        found.findings += merge.misfits
        try:
            definition = merge.definition()
        except PackError as error:
            found.findings += [_meant(one, name, kinds) for one in error.findings]
        else:
            keys = frozenset(key for key in _texts(definition) if key and not is_template(key))
            kind = types.get(definition.event) or kinds.get(name)
            found.told[name] = Told(name, kind, definition, keys, is_whole=not merge.misfits)
    return found


def _meant(finding: Finding, name: str, known: Iterable[str]) -> Finding:
    """With the notification that was probably meant, if nobody has one of this name."""
    near = [] if finding.fix or name in known else get_close_matches(name, known, 1)
    return replace(finding, fix=f"did you mean {near[0]}.toml?") if near else finding


def _texts(definition: NotificationDefinition) -> Iterator[str]:
    yield from (getattr(definition, name) for name in _FIELDS)
    yield from definition.signature
    for block in definition.blocks:
        yield from (getattr(block, name) for name in _BLOCK_FIELDS)
        yield from block.items
        yield from (text for fact in block.facts for text in (fact.label, fact.value))
        yield from (action.label for action in block.actions)


def used_at(packs: PackChain, key: str, **finding: Any) -> Finding:
    """A finding about the key of a text, at the place the nearest pack uses it."""
    for pack in packs.packs:
        for name in pack.notifications():
            overlay = pack.notification(name)
            for path, _, text in texts_of(overlay) if overlay is not None else ():
                if text == key:
                    file = f"notifications/{name}.toml"
                    place = pack.value_place(file, path)
                    return Finding(pack=pack.id, file=file, line=place.line, column=place.column, **finding)
    return Finding(pack=packs.asked.id, **finding)


def explained(found: Uses) -> dict[str, str]:
    """What the values are that texts show, by their paths: for translators."""
    said: dict[str, str] = {}
    for one in found.told.values():
        if one.kind is not None:
            schema = one.kind.data.model_json_schema()
            said |= dict(_described(schema, schema.get("$defs", {}), "event"))
    return said


def _described(part: Mapping[str, Any], defs: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name, given in part.get("properties", {}).items():
        if given.get("description"):
            yield f"{path}.{name}", given["description"]
        refs = [one["$ref"] for one in (given, *given.get("anyOf", ())) if "$ref" in one]
        for ref in refs if path.count(".") < _DEEP else ():
            yield from _described(defs[ref.rpartition("/")[2]], defs, f"{path}.{name}")
