"""Brand tokens as packs and tenants give them: tables and values laid over each other, each value checked.

What follows from other tokens is worked out after this, in `livery.packs.token_colours`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from livery.models.base import Model
from livery.packs.findings import Finding, Severity
from livery.packs.token_values import TokenType, guess, parse, shown

MAX_TOKENS = 250
"""Names over all layers; what is beyond is left out."""
_MAY_BE_EMPTY = ("image", "url", "text")
_TOLD = 8
_GUESSES, _GUESSED = 20, 30
"""Comparing names costs time: how many findings may guess what was meant, and how long a name they look at."""


_SLIP = 0.85
"""From which likeness on a name is rather a slip of the pen than a name of its own."""


class TokenSpec(Model):
    """A token in table form: `primary = { type = "colour", value = "#2747c9" }`.

    Over a parent's table, fields left out keep the parent's.
    """

    type: TokenType = Field(description="What it holds. A pack laid over another cannot change it.")
    value: str = Field(default="", coerce_numbers_to_str=True, description="The value; empty where it may be.")
    on: str | Annotated[tuple[str, ...], Field(max_length=8)] = Field(
        default="", description="colour: the token, or tokens, of the backgrounds this colour is read on."
    )
    large: bool = Field(default=False, description="colour: only for large text, for which 3:1 is enough.")
    dark: str = Field(default="", description="The token that takes its place in the dark scheme.")
    same_as: str = Field(default="", description="The token an empty value stands for; templates see it empty.")
    description: str = Field(default="", description="What it is for, for people who choose values.")

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """`on` as a list of names."""
        return tuple(name for name in ([self.on] if isinstance(self.on, str) else self.on) if name)


Said = Mapping[str, str | TokenSpec]
"""Tokens of one layer: values, and tables."""
Layer = tuple[str, Said]
"""The id of a pack and its `[tokens]`, or the id of a tenant and its brand."""
Locate = Callable[[str, str], tuple[int, int]]
"""Line and column of a token in a pack's `pack.toml`, by the pack's id and the token's name; (0, 0) if not there."""


class Owner(NamedTuple):
    """Who said something: a pack or a tenant."""

    id: str
    is_tenant: bool = False

    @property
    def label(self) -> str:
        return f"tenant {self.id}" if self.is_tenant else self.id


class Remark(NamedTuple):
    """A finding before its place is known. `near` is the token to point at where the one meant is not in the file."""

    message: str
    fix: str = ""
    severity: Severity = "error"
    rule: str = "token"
    near: str = ""


@dataclass(slots=True)
class Sheet:
    """Tokens while they are worked out. A depth counts layers from the base, 0, to the nearest tenant."""

    owners: Sequence[Owner]
    locate: Locate | None = None
    specs: dict[str, TokenSpec] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    """The depth of the nearest table of each token that has one."""
    light_of: dict[str, str] = field(default_factory=dict)
    """The light token by its dark one."""
    order: tuple[str, ...] = ()
    """Every token after those it refers to."""
    values: dict[str, str] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def put(self, name: str, value: str, depth: int, origin: str = "") -> None:
        """Set a value; the origin is the layer at `depth` if none is given."""
        self.values[name], self.depths[name] = value, depth
        self.origins[name] = origin or self.owners[depth].label

    def say(self, depth: int, name: str, remark: Remark) -> None:
        """Note what is to be said of a token in the layer at `depth`."""
        owner = self.owners[depth]
        message = f"{name if name.isidentifier() else shown(name)}{remark.message}"
        if owner.is_tenant:
            place: dict[str, Any] = {"message": f"tenant {owner.id}: {message}"}
        else:
            line, column = self._where(owner.id, name, remark.near)
            place = {"message": message, "pack": owner.id, "file": "pack.toml", "line": line, "column": column}
        self.findings.append(Finding(severity=remark.severity, rule=remark.rule, fix=remark.fix, **place))

    def _where(self, pack: str, *names: str) -> tuple[int, int]:
        places = (self.locate(pack, name) for name in names if name) if self.locate else iter(())
        return next((place for place in places if place[0]), (0, 0))


def laid(packs: Sequence[Layer], tenants: Sequence[Layer], locate: Locate | None) -> Sheet:
    """The nearest valid value of every token, and what is wrong with the others."""
    sheet = Sheet([*(Owner(id_) for id_, _ in packs), *(Owner(id_, is_tenant=True) for id_, _ in tenants)], locate)
    said = _counted(sheet, [tokens for _, tokens in (*packs, *tenants)])
    for depth, tokens in enumerate(said):
        for name, one in tokens.items():
            _declare(sheet, depth, name, one)
    for name, spec in list(sheet.specs.items()):
        sheet.specs[name] = _with_known_links(sheet, name, spec)
    sheet.order = _ordered(sheet)
    sheet.light_of = {spec.dark: name for name, spec in sheet.specs.items() if spec.dark}
    for name in sheet.specs:
        _choose(sheet, name, [(depth, tokens[name]) for depth, tokens in enumerate(said) if name in tokens])
    return sheet


def _counted(sheet: Sheet, said: list[Said]) -> list[Said]:
    """What was said of the first tokens, up to as many as there may be."""
    kept: set[str] = set()
    for depth, tokens in enumerate(said):
        new = [name for name in tokens if name not in kept]
        kept.update(new[: MAX_TOKENS - len(kept)])
        if beyond := [name for name in new if name not in kept]:
            others = f" and {len(beyond) - 1} more are" if len(beyond) > 1 else " is"
            message = f"{others} left out: a brand may have {MAX_TOKENS} tokens"
            sheet.say(depth, beyond[0], Remark(message, "take out those that nothing uses"))
    return [{name: one for name, one in tokens.items() if name in kept} for tokens in said]


def _declare(sheet: Sheet, depth: int, name: str, one: str | TokenSpec) -> None:
    """Lay what a layer says over the tables below it. What has no table anywhere yet is a text."""
    known = sheet.specs.get(name)
    if isinstance(one, str):
        if known is None:
            sheet.specs[name] = TokenSpec(type="text")
        return
    if known is None or name not in sheet.tables:
        sheet.specs[name] = one
    elif known.type != one.type:
        below = sheet.owners[sheet.tables[name]].label
        message = f" is of type {known.type} in {below} and cannot become of type {one.type}"
        sheet.say(depth, name, Remark(message, f'write type = "{known.type}", or give it another name'))
        return
    else:
        changes = {attribute: getattr(one, attribute) for attribute in one.model_fields_set}
        sheet.specs[name] = known.model_copy(update=changes)
    sheet.tables[name] = depth


def _with_known_links(sheet: Sheet, name: str, spec: TokenSpec) -> TokenSpec:
    """The table without what it says of tokens that are not there, or are of another type."""
    links = [("same_as", spec.same_as), ("dark", spec.dark), *(("on", one) for one in spec.backgrounds)]
    wrong = []
    for attribute, target in links:
        other = sheet.specs.get(target)
        if not target or (other and other.type == spec.type and (attribute != "on" or spec.type == "colour")):
            continue
        wrong.append((attribute, target))
        said = f' has {attribute} = "{target}"' if target.isidentifier() else f" has {attribute} = {shown(target)}"
        if other is None:
            remark = Remark(f"{said}, but there is no such token", _meant(sheet, target), "warning")
        elif other.type != spec.type:
            remark = Remark(f"{said}, which is of type {other.type}, not {spec.type}", "name another", "warning")
        else:
            remark = Remark(f"{said}, which is for colours", "take it out", "warning")
        sheet.say(sheet.tables[name], name, remark)
    if not wrong:
        return spec
    right = {attribute: target for attribute, target in links[:2] if (attribute, target) not in wrong}
    on = tuple(one for one in spec.backgrounds if ("on", one) not in wrong)
    return spec.model_copy(update={"same_as": right.get("same_as", ""), "dark": right.get("dark", ""), "on": on})


def _ordered(sheet: Sheet) -> tuple[str, ...]:
    """Every token after those it refers to. References that go in a circle are cut."""
    while True:
        try:
            return tuple(TopologicalSorter(_references(sheet.specs)).static_order())
        except CycleError as error:
            circle = list(dict.fromkeys(error.args[1]))
            name = max(circle, key=lambda one: (sheet.tables[one], one))
            way = [*circle, circle[0]] if len(circle) <= _TOLD else [*circle[:_TOLD], "…"]
            message = f" refers to itself by same_as, on or dark: {' → '.join(way)}"
            sheet.say(sheet.tables[name], name, Remark(message, "take one of these references out", "warning"))
            for one in circle:
                sheet.specs[one] = sheet.specs[one].model_copy(update={"same_as": "", "on": "", "dark": ""})


def _references(specs: Mapping[str, TokenSpec]) -> dict[str, list[str]]:
    """The tokens each token's value may follow from: for a dark one also its light one."""
    found = {name: [*spec.backgrounds, *([spec.same_as] if spec.same_as else [])] for name, spec in specs.items()}
    for name, spec in specs.items():
        if spec.dark:
            found[spec.dark].append(name)
        if (heir := specs.get(spec.same_as)) and heir.dark and heir.dark != name:
            found[name].append(heir.dark)
    return found


def _choose(sheet: Sheet, name: str, said: Sequence[tuple[int, str | TokenSpec]]) -> None:
    """Take the nearest value that is valid, and say what is wrong with those that are not."""
    spec, lowest = sheet.specs[name], said[0][0]
    if name not in sheet.tables:
        sheet.say(lowest, name, _without_a_table(sheet, lowest, name, said))
    sheet.put(name, "", lowest)
    for depth, text in _texts(said):
        found = parse(spec.type, text)
        if found.problem:
            severity: Severity = "warning" if found.value else "error"
            sheet.say(depth, name, Remark(f": {found.problem}", found.fix, severity))
        if found.value or (not found.problem and (_may_be_empty(sheet, name) or not sheet.values[name])):
            sheet.put(name, found.value, depth)
        elif not found.problem:
            message = f" is empty, and nothing says what that stands for; {sheet.values[name]} stays"
            sheet.say(depth, name, Remark(message, "give a value, or take the line out"))


def _texts(said: Sequence[tuple[int, str | TokenSpec]]) -> Iterator[tuple[int, str]]:
    for depth, one in said:
        if isinstance(one, str):
            yield depth, one
        elif "value" in one.model_fields_set:
            yield depth, one.value


def _may_be_empty(sheet: Sheet, name: str) -> bool:
    spec = sheet.specs[name]
    return bool(spec.type in _MAY_BE_EMPTY or spec.same_as or spec.backgrounds or name in sheet.light_of)


def _without_a_table(sheet: Sheet, depth: int, name: str, said: Sequence[tuple[int, str | TokenSpec]]) -> Remark:
    if sheet.owners[depth].is_tenant:
        return Remark(" is no token of its packs", _meant(sheet, name), "note")
    kind = guess(next((text for _, text in _texts(said)), ""))
    declare = f'declare it with type = "{kind}"'
    if near := _near(sheet, name, _SLIP):
        fix = f"did you mean {near}? If it is a token of your own, {declare}"
        return Remark(" is no token of its parents, so nothing of theirs changes by it", fix, "warning")
    return Remark(" has no type, so it is taken as a text", declare, "note")


def _meant(sheet: Sheet, name: str) -> str:
    near = _near(sheet, name)
    return f"did you mean {near}?" if near else "check its spelling"


def _near(sheet: Sheet, name: str, likeness: float = 0.6) -> str:
    """The declared token whose name is most like one; empty if none is."""
    known = [one for one in sheet.tables if len(one) <= _GUESSED]
    may_guess = len(sheet.findings) < _GUESSES and len(name) <= _GUESSED
    return next(iter(get_close_matches(name, known, 1, likeness) if may_guess else ()), "")
