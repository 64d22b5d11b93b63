"""What many messages say alike is said once, with the languages and samples it is so for."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from livery.packs.findings import Finding, ordered
from livery.packtools.proofs import Proof

_NAMED = 3
_MISSING = re.compile(r"'([^']+)' is missing")
_UNKNOWN = "unknown-variable"
_CONSEQUENCES = ("no pack of the chain has an e-mail layout", "no pack can show a block")
"""What is also so where a template of a pack without parents cannot be used."""


def merged(proofs: Iterable[Proof], locales: Sequence[str]) -> list[Finding]:
    """The findings of all proofs, each once; where it is not so everywhere, its message says where."""
    listed = list(proofs)
    found: dict[Finding, list[Proof]] = {}
    for proof in listed:
        for one in proof.findings:
            found.setdefault(one, []).append(proof)
    return [_placed(one, at, listed, locales) for one, at in found.items()]


def _placed(finding: Finding, at: Sequence[Proof], proofs: Iterable[Proof], locales: Sequence[str]) -> Finding:
    names = {one.notification for one in at}
    everywhere = {one.sample for one in proofs if one.notification in names and one.sample}
    samples = list(dict.fromkeys(one.sample for one in at if one.sample))
    tags = list(dict.fromkeys(one.locale for one in at))
    where = []
    if len(tags) < len(locales) and not finding.file.startswith("strings/"):
        where.append(_listed(tags))
    if samples and set(samples) != everywhere:
        where.append(f"sample{'s' if len(samples) > 1 else ''} {_listed(samples)}")
    return replace(finding, message=f"{finding.message} ({'; '.join(where)})") if where else finding


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_NAMED])} and {more} more"


def each_once(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in order, each once.

    A value that nobody knows, and that is missing when a message is written, is one mistake: it is told where it
    stands, as an error.
    """
    listed = list(findings)
    missing = {(one.pack, one.file, name) for one in listed if (name := _missed(one))}
    told = {_line(one) for one in listed if one.rule in ("link", _UNKNOWN) and one.line}
    refused = {_line(one) for one in listed if one.rule in ("refused", "syntax") and one.line}
    unknown = {(one.pack, one.file, name) for one in listed if (name := _name(one))}
    is_broken = any(one.severity == "error" and not one.message.startswith(_CONSEQUENCES) for one in listed)
    placed = {f"{one.place}: {one.message}" for one in listed if one.severity == "error" and one.rule != "degraded"}
    kept: dict[tuple[Any, ...], Finding] = {}
    for one in listed:
        if one.rule == "degraded" and any(said in f"{one.message}; {one.fix}" for said in placed):
            continue
        if (one.pack, one.file, _missed(one)) in unknown or (is_broken and one.message.startswith(_CONSEQUENCES)):
            continue
        if _line(one) in told and (one.rule == "content" or _missed(one)):
            continue
        if _line(one) in refused and one.rule == "degraded":
            continue
        if one.rule == _UNKNOWN and (one.pack, one.file, _name(one)) in missing:
            one = replace(one, severity="error")  # noqa: PLW2901
        kept.setdefault((one.rule, *_line(one), one.message), one)
    return ordered(kept.values())


def _line(finding: Finding) -> tuple[str, str, int]:
    return finding.pack, finding.file, finding.line


def _missed(finding: Finding) -> str:
    """The last part of the path of a value that was missing when a message was written."""
    match = _MISSING.search(finding.message) if finding.rule in ("value", "degraded") else None
    return match[1] if match else ""


def _name(finding: Finding) -> str:
    """The last part of the path of a value that nobody knows."""
    words = finding.message.removeprefix("there is no ").split() if finding.rule == _UNKNOWN else []
    return words[0].rpartition(".")[2] if words else ""
