"""Names in templates: what Jinja's rules of scope say a name means where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from livery.packs.operations import Missing
from livery.stencils.expressions import Unusable
from livery.stencils.values import Dynamic, StagingError, lift, size


@dataclass(slots=True)
class Context:
    """What all templates of one rendering share: the data, what is set at their top, and the blocks, nearest first.

    What of it was imported is not handed on.
    """

    data: Mapping[str, Any]
    exported: dict[str, Any] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    blocks: dict[str, list[tuple[str, nodes.Block]]] = field(default_factory=dict)


class Scope:
    """Names set in one place; a loop, a macro and a block have their own, an `{% if %}` has not."""

    __slots__ = ("context", "is_top", "names", "outer", "template")

    def __init__(self, context: Context, template: str, outer: "Scope | None" = None, *, is_top: bool = False) -> None:
        self.context, self.template, self.outer, self.is_top = context, template, outer, is_top
        self.names: dict[str, Any] = {}

    def inner(self, names: Mapping[str, Any] | None = None) -> "Scope":
        made = Scope(self.context, self.template, self)
        made.names.update(names or {})
        return made

    def look_up(self, name: str) -> Any:
        at: Scope | None = self
        while at is not None:
            if name in at.names:
                return at.names[name]
            at = at.outer
        if name in self.context.exported:
            return self.context.exported[name]
        return self.context.data.get(name, Missing(name))

    def set(self, name: str, value: Any) -> None:
        self.names[name] = value
        if self.is_top:
            self.context.exported[name] = value
            self.context.imported.discard(name)

    def visible(self) -> dict[str, Any]:
        """Every name that can be seen from here: what an included template gets."""
        found = {**self.context.data, **self.context.exported}
        line: list[Scope] = []
        at: Scope | None = self
        while at is not None:
            line.append(at)
            at = at.outer
        for one in reversed(line):
            found.update(one.names)
        for name in _OWN & set(found):
            found[name] = Unusable(f"{name} is not known in a template that is included; set what it needs before")
        return found

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return dict(self.names), dict(self.context.exported)

    def restore(self, kept: tuple[dict[str, Any], dict[str, Any]]) -> None:
        self.names, exported = dict(kept[0]), kept[1]
        self.context.exported.clear()
        self.context.exported.update(exported)

    def merge(self, condition: Any, yes: dict[str, Any], no: dict[str, Any]) -> None:
        """After an `{% if %}` over the event: a name set on either way depends on the condition from now on."""
        for name in dict.fromkeys((*yes, *no)):
            if yes.get(name, _ABSENT) is no.get(name, _ABSENT):
                continue
            self.set(name, self._either(name, condition, yes, no))

    def _either(self, name: str, condition: Any, yes: dict[str, Any], no: dict[str, Any]) -> Any:
        self.names.pop(name, None)
        before = self.look_up(name)
        first, second = yes.get(name, before), no.get(name, before)
        try:
            return Dynamic(["?", condition, lift(first), lift(second)], size(first) + size(second) + 2)
        except StagingError:
            return Unusable(f"{name!r} is set inside an {{% if %}} over the event, to something that is no value")


_ABSENT = object()
_OWN = frozenset({"loop", "caller", "super"})


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro, or the body of a `{% call %}`, where it was defined."""

    node: nodes.Macro | nodes.CallBlock
    scope: Scope

    @property
    def calls_back(self) -> bool:
        """Whether `caller` is spoken of in it: only then Jinja lets {% call %} have it."""
        return any(one.name == "caller" for part in self.node.body for one in part.find_all(nodes.Name))


@dataclass(frozen=True, slots=True)
class Super:
    """`super`: the version of a block behind the one it stands in."""

    name: str
    depth: int
    around: Scope | None
