"""Findings: what a check of a pack found, each with its place and the way to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
_ORDER: dict[str, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a check found.

    Attributes:
        severity: `error` is not used (its parent's piece is), `warning` works but hurts, `note` is good to know.
        rule: the short id of the rule, such as `contrast`, by which docs and `--json` name it.
        message: what is wrong, without the place.
        fix: what to do about it; empty if the message says it.
        pack: the pack's id.
        file: the path inside the pack.
        line: 1-based; 0 if the whole file is meant.
        column: 1-based, in characters; 0 if the whole line is meant.

    """

    severity: Severity
    rule: str
    message: str
    fix: str = ""
    pack: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and CI logs understand it."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def __str__(self) -> str:
        said = f"{self.message}; {self.fix}" if self.fix else self.message
        return f"{self.place}: {said}" if self.place else said

    def plain(self) -> dict[str, Any]:
        """All fields, for `--json` and for crossing processes."""
        return {name: getattr(self, name) for name in self.__slots__}


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once: errors first, then by place."""
    return sorted(
        dict.fromkeys(findings), key=lambda one: (_ORDER[one.severity], one.pack, one.file, one.line, one.column)
    )


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of them keeps something of the pack from being used."""
    return any(one.severity == "error" for one in findings)
