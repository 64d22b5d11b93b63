"""`livery pack check`: everything there is to be said of a pack, at once and in order."""

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from livery.errors import PackError
from livery.models.notification import BLOCK_KINDS
from livery.packs.findings import Finding, ordered
from livery.packs.gathering import MANIFEST
from livery.packs.pack import Pack
from livery.packs.tokens import resolve
from livery.packtools import assets, drift, grammar, markup, texts
from livery.packtools.grammar import Reading
from livery.packtools.mending import mended
from livery.packtools.merging import each_once, merged
from livery.packtools.proofs import Proof, Prover
from livery.packtools.shapes import Shape, in_templates, in_texts
from livery.packtools.sources import Source, sources
from livery.packtools.uses import Uses, uses
from livery.stencils.cards import FORMATS
from livery.studio.bench import Bench, trouble_of
from livery.studio.opening import Target

CLIPPED, NEAR = 102 * 1024, 90 * 1024
"""Bytes of HTML from which Gmail hides the rest, and from which that is near."""


@dataclass(slots=True)
class Report:
    """What a check found.

    Attributes:
        pack: the id of the pack; what it was called by, if it could not be opened.
        label: its id and version.
        folder: its folder or zip.
        findings: everything, errors first.
        proofs: what came of every message.
        locales: the languages the messages were made in.
        channels: the channels they were rendered for.
        seconds: how long it took.

    """

    pack: str
    label: str = ""
    folder: Path | None = None
    findings: list[Finding] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    locales: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, severity: str) -> int:
        """How many findings are of a severity."""
        return sum(one.severity == severity for one in self.findings)

    def is_fine(self, *, strict: bool = False) -> bool:
        """Whether there is no error; nor a warning, if it is strict."""
        return not self.count("error") and not (strict and self.count("warning"))

    @property
    def notifications(self) -> list[str]:
        """The notifications that were made."""
        return list(dict.fromkeys(one.notification for one in self.proofs))

    @property
    def samples(self) -> int:
        """How many events they were made of."""
        return len({(one.notification, one.sample) for one in self.proofs if one.sample})

    @property
    def messages(self) -> int:
        """How many messages were made, over all channels."""
        return sum(bool(one.sample) for one in self.proofs) * len(self.channels)

    def plain(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "pack": self.pack,
            "label": self.label,
            "findings": [one.plain() for one in self.findings],
            "counts": {severity: self.count(severity) for severity in ("error", "warning", "note")},
            "checked": {
                "notifications": self.notifications,
                "locales": self.locales,
                "channels": self.channels,
                "samples": self.samples,
                "messages": self.messages,
                "largest_html": max((one.html for one in self.proofs), default=0),
            },
            "seconds": round(self.seconds, 3),
        }


def check(target: Target, *, is_all: bool = False) -> Report:
    """Check a pack.

    A pack that cannot be opened for what is in it has that as its findings; if that is only its `pack.toml`, all the
    rest is checked as if the lines that are wrong were not there.

    Args:
        target: the pack.
        is_all: whether every message is made; else of very many a part, and a note says so.

    Raises:
        NotFound: there is no such pack, or the configuration has no such seller.
        ConfigError: the configuration is wrong.

    """
    started = time.perf_counter()
    try:
        bench = Bench.opened(target)
    except PackError as error:
        if target.path is not None and not target.path.exists():
            raise
        report = _unopened(target, ordered(trouble_of(error)), is_all=is_all)
    else:
        with closing(bench):
            report = _checked(bench, is_all=is_all)
    report.seconds = time.perf_counter() - started
    return report


def planned(target: Target) -> list[tuple[str, str, str]]:
    """The messages that `check` makes of a pack when it makes all: notification, language, sample. Makes none of them.

    A pack that cannot be opened has none here, though `check` may find a way to make some. Raises as `check`.
    """
    try:
        bench = Bench.opened(target)
    except PackError:
        if target.path is not None and not target.path.exists():
            raise
        return []
    with closing(bench):
        told = [one.name for one in uses(bench.packs, bench.engine.types).told.values() if one.is_whole]
        prover = Prover(bench, [])
        return [
            (name, locale, sample.name)
            for locale in bench.locales()
            for name in told
            for sample in prover.samples(name)
        ]


def _unopened(target: Target, wrong: list[Finding], *, is_all: bool) -> Report:
    """Of a pack that cannot be opened: why not, and what would be wrong with it besides."""
    report = Report(wrong[0].pack or target.pack, folder=target.path)
    with mended(target, wrong) as made:
        if made is None:
            report.findings = wrong
            return report
        with closing(Bench.opened(made.target)) as bench:
            found = _checked(bench, is_all=is_all)
        besides = [replace(one, pack=report.pack if one.pack == found.pack else one.pack) for one in found.findings]
        report.findings = ordered([*(one for one in wrong if one.file == MANIFEST), *made.told(besides)])
        report.proofs, report.locales, report.channels = found.proofs, found.locales, found.channels
    return report


def _checked(bench: Bench, *, is_all: bool) -> Report:
    packs, own = bench.packs, bench.packs.asked
    told = uses(packs, bench.engine.types)
    report = Report(own.id, own.label, own.folder)
    report.channels = list(dict.fromkeys(case.channel.name for case in bench.cases.values()))
    readings = grammar.read(bench.engine.press, sources(own))
    prover = Prover(bench, [one.source for one in readings], is_all=is_all)
    report.proofs = prover.everything([one for one in told.told.values() if one.is_whole], bench.locales())
    made = {one.locale for one in report.proofs}
    report.locales = [tag for tag in bench.locales() if tag in made or not report.proofs]
    found = [
        *_of_files(bench, told),
        *_of_templates(bench, told, readings),
        *texts.findings(packs, texts.report(packs, told)),
        *drift.findings(packs),
        *merged(report.proofs, report.locales),
        *prover.left(),
        *_sizes(own, report.proofs),
    ]
    report.findings = each_once(found)
    return report


def _of_files(bench: Bench, told: Uses) -> list[Finding]:
    """What is wrong with the files of the pack by themselves, with its tokens and its images."""
    packs, own = bench.packs, bench.packs.asked
    said = [one for one in (*bench.findings, *told.findings) if one.pack in ("", own.id)]
    tenant = bench.engine.config.tenants.get(bench.target.seller)
    above = []
    while tenant is not None:
        above.append((tenant.id, tenant.brand))
        tenant = bench.engine.config.tenants.get(tenant.parent or "")
    tokens = resolve(packs.token_layers(), above[::-1], locate=packs.token_place).findings
    said += [one for one in tokens if one.pack in ("", own.id)]
    said += assets.findings(bench, above[::-1])
    return [*said, *_about(own), *_unread(own)]


def _unread(pack: Pack) -> list[Finding]:
    """Files among the blocks that no block is shown by, and no template names."""
    endings = ("mjml.j2", *FORMATS.values())
    texts = [text for path in pack.snapshot.files if path.endswith(".j2") and (text := pack.read(path)) is not None]
    found = []
    for path in pack.snapshot.under("blocks"):
        kind, _, ending = path.removeprefix("blocks/").partition(".")
        if (kind in BLOCK_KINDS and ending in endings) or any(path in text for text in texts):
            continue
        near = get_close_matches(path, [f"blocks/{one}.{end}" for one in BLOCK_KINDS for end in endings], 1)
        fix = f"did you mean {near[0]}?" if near else f"kinds of blocks are {', '.join(BLOCK_KINDS)}"
        said = "no block is shown by it, and no template names it"
        found.append(Finding(severity="warning", rule="not-read", message=said, fix=fix, pack=pack.id, file=path))
    return found


def _about(pack: Pack) -> list[Finding]:
    """What people who get the pack would like to be told."""
    missing = []
    if not any(name.lower().startswith("readme") for name in pack.snapshot.ignored):
        missing.append(("readme", "there is no README.md: nobody is told what the pack is for", ""))
    if not pack.manifest.title:
        missing.append(("title", "the pack has no title", 'write title = "…" as people call it'))
    if not pack.manifest.license:
        missing.append(("license", "the pack says nothing of its licence", 'write license = "…", an SPDX expression'))
    return [
        Finding(
            severity="note", rule=rule, message=said, fix=fix, pack=pack.id, file="" if rule == "readme" else MANIFEST
        )
        for rule, said, fix in missing
    ]


# --------------------------------------------------------------------------- templates


def _of_templates(bench: Bench, told: Uses, readings: Iterable[Reading]) -> list[Finding]:
    packs, seen = bench.packs, _Seen(bench, told)
    parents = [one for pack in packs.packs if pack is not packs.asked for one in sources(pack) if not one.path]
    around = grammar.read(bench.engine.press, [one for one in parents if one.mode == "markup"])
    own = {name for one in (*around, *readings) if one.source.mode == "markup" for name in one.own}
    found = [finding for one in readings for finding in (*one.refused(), *grammar.unknown(one, seen, own))]
    legible = [one.source for one in readings if one.is_legible]
    return [*found, *markup.findings(packs.asked, legible), *markup.unshown_blocks(packs, legible)]


class _Seen:
    """What each source of a pack can ask for."""

    def __init__(self, bench: Bench, told: Uses) -> None:
        self._told = told
        self._tokens = sorted(resolve(bench.packs.token_layers()).values)
        kinds = {one.name: one.kind for one in told.told.values()}
        self._shapes = {
            name: (kind.name if kind else "", in_texts(kind.data if kind else None, self._tokens))
            for name, kind in kinds.items()
        }

    def __call__(self, source: Source) -> Mapping[str, Shape]:
        if not source.path and not source.key:
            return {"": in_templates(source.file, self._tokens)}
        if source.path:
            names = [source.notification]
        else:
            names = [one.name for one in self._told.of(source.key)] or [*self._shapes]
        found = dict(self._shapes[name] for name in names if name in self._shapes)
        return found or {"": in_texts(None, self._tokens)}


# --------------------------------------------------------------------------- the whole


def _sizes(own: Pack, proofs: Iterable[Proof]) -> list[Finding]:
    """For each notification the largest e-mail, if it comes near what Gmail cuts off."""
    largest: dict[str, Proof] = {}
    for one in proofs:
        if one.html > largest.get(one.notification, one).html or one.notification not in largest:
            largest[one.notification] = one
    return [found for one in largest.values() if (found := too_large(one, own))]


def too_large(proof: Proof, own: Pack) -> Finding | None:
    """What is to be said of the size of an e-mail; None if it is small enough."""
    if proof.html < NEAR:
        return None
    over = "and Gmail hides" if proof.html > CLIPPED else "and from 102 KB on Gmail hides"
    file = "layouts/email.mjml.j2"
    return Finding(
        severity="warning", rule="size", fix="shorten texts, or leave blocks out", pack=own.id,
        file=file if file in own.snapshot.files else "",
        message=f"the HTML of {proof.notification} ({proof.locale}, sample {proof.sample}) has "
        f"{proof.html / 1024:.0f} KB, {over} the rest",
    )  # fmt: skip
