"""Brand tokens: the values templates get, from what packs and tenants say of them.

Pure functions over plain data: the same layers always give the same values.
"""

from collections.abc import Iterable
from typing import NamedTuple

from livery.packs.findings import Finding
from livery.packs.token_colours import settle
from livery.packs.token_layers import Layer, Locate, TokenSpec, laid
from livery.packs.token_values import TokenType

__all__ = ["Layer", "Locate", "Resolved", "Row", "TokenSpec", "TokenType", "describe", "resolve"]


class Resolved(NamedTuple):
    """The tokens of a brand.

    Attributes:
        values: what templates see, each in its one way of writing.
        findings: everything that is wrong or good to know, the packs' and the tenants'.
        origins: where each value is from: a pack's id, `tenant <id>`, `as <token>`, or `derived from <tokens>`.

    """

    values: dict[str, str]
    findings: tuple[Finding, ...]
    origins: dict[str, str]


class Row(NamedTuple):
    """A token for a reader. Where templates see an empty value that stands for a token, `value` is `as <token>`."""

    name: str
    type: TokenType
    value: str
    origin: str
    description: str


def resolve(layers: Iterable[Layer], brand_layers: Iterable[Layer] = (), *, locate: Locate | None = None) -> Resolved:
    """The value of every token: the nearest valid one, then what follows from others.

    Args:
        layers: the packs', base first.
        brand_layers: the tenants', platform first; they lie over the packs'.
        locate: where a token stands in a pack's file, for the findings.

    """
    sheet = laid(list(layers), list(brand_layers), locate)
    settle(sheet)
    return Resolved(sheet.values, tuple(sheet.findings), sheet.origins)


def describe(layers: Iterable[Layer], brand_layers: Iterable[Layer] = ()) -> list[Row]:
    """Every token in the order of declaration."""
    sheet = laid(list(layers), list(brand_layers), None)
    settle(sheet)
    rows = []
    for name, spec in sheet.specs.items():
        value = sheet.values[name] or (f"as {spec.same_as}" if spec.same_as else "")
        rows.append(Row(name, spec.type, value, sheet.origins[name], spec.description))
    return rows
