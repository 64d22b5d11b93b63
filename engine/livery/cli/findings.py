"""How findings are shown: a line each as editors and CI logs read it, or as annotations of a code review."""

import os
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import category

import typer

from livery.cli import output
from livery.packs.findings import Finding

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Shown:
    """Shows findings of one pack.

    Attributes:
        pack: its id.
        where: its folder or zip, as people reach it from here; empty if it was named by its id.

    """

    pack: str
    where: str = ""

    def path(self, finding: Finding) -> str:
        """The file as it can be opened from here; of another pack, `<pack>!<path>`."""
        if finding.pack not in ("", self.pack):
            return f"{finding.pack}!{finding.file}"
        return "/".join(part for part in (self.where, finding.file) if part)

    def said(self, finding: Finding) -> str:
        """What is wrong, and what to do about it."""
        return printable(f"{finding.message}; {finding.fix}" if finding.fix else finding.message)

    def place(self, finding: Finding) -> str:
        """`file:line:column`."""
        return ":".join(str(part) for part in (self.path(finding), finding.line, finding.column) if part)

    def plain(self, finding: Finding) -> dict[str, Any]:
        """For `--json`."""
        return {**finding.plain(), "path": self.path(finding)}

    def text(self, findings: Iterable[Finding]) -> None:
        """A line each; on a terminal in colour, and folded."""
        columns = _columns()
        for one in findings:
            place, said = printable(self.place(one)), self.said(one)
            prefix = f"{place}: {one.severity} {one.rule}: " if place else f"{one.severity} {one.rule}: "
            if not columns:
                typer.echo(prefix + said)
                continue
            first, *rest = folded(prefix, said, columns)
            head = typer.style(f"{place}: ", bold=True) if place else ""
            head += typer.style(one.severity, fg=_COLOURS[one.severity], bold=True)
            typer.echo(f"{head} {typer.style(one.rule, dim=True)}: {first}")
            for line in rest:
                typer.echo(f"{_INDENT}{line}")

    def github(self, findings: Iterable[Finding]) -> None:
        """Commands of GitHub's workflows, which become annotations.

        https://docs.github.com/actions/reference/workflow-commands-for-github-actions
        """
        for one in findings:
            given = {"file": self.path(one), "line": one.line or "", "col": one.column or "", "title": one.rule}
            fields = ",".join(f"{name}={_property(str(value))}" for name, value in given.items() if value)
            typer.echo(f"::{_GITHUB[one.severity]} {fields}::{_data(self.said(one))}")


def folded(prefix: str, said: str, columns: int) -> list[str]:
    """What comes after `prefix`, in lines: the first beside it, the others indented."""
    if len(prefix) > columns - 20:
        return ["", *textwrap.wrap(said, columns - len(_INDENT), break_long_words=False, break_on_hyphens=False)]
    lines = textwrap.wrap(
        said, columns, initial_indent=prefix, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )
    first, *rest = lines or [prefix]
    return [first[len(prefix) :], *(line[len(_INDENT) :] for line in rest)]


def printable(text: str) -> str:
    """A text of a pack as a terminal may get it: nothing in it moves a cursor or turns the direction."""
    return "".join(char if char.isprintable() or category(char) == "Zs" else ascii(char)[1:-1] for char in text)


def where(path: Path | None) -> str:
    """A folder or file as people reach it from here; empty for none."""
    if path is None:
        return ""
    near = os.path.relpath(path)
    return Path(near if not near.startswith("../../") else path).as_posix()


def counted(number: int, what: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def summed(counts: dict[str, int]) -> str:
    """`2 errors, 1 warning`; nothing for none."""
    return ", ".join(counted(number, what) for what, number in counts.items() if number)


def _columns() -> int:
    return output.columns() if output.is_terminal(sys.stdout) else 0


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
