"""Uploading: a pack from a stranger's zip into the depot, once everything `livery pack check` looks at is right.

What the pack does is done in the worker that compiles packs, and what it may build on are the packs that the tenant
has: installed ones, and those that are active for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

from livery.errors import PackError
from livery.hooks import silent
from livery.packs.gathering import refusal
from livery.packs.pack import Pack
from livery.packs.stored import PackVersion
from livery.packs.zipped import MAX_ZIP, from_zip
from livery.packtools.checking import Report
from livery.packtools.checking import check as check_pack
from livery.studio.bench import trouble_of
from livery.studio.opening import Target

if TYPE_CHECKING:
    from livery.engine import Engine

_CHECKING = Lock()
"""One upload is checked at a time: it takes seconds of the processor, and uploads are rare."""
_CALLED = "the uploaded zip"


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A version that is kept now, and what was found in it."""

    version: PackVersion
    report: Report

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {"version": self.version.plain(), "report": self.report.plain()}


def upload(  # noqa: PLR0913 - an upload has so many parts
    engine: "Engine",
    tenant: str,
    content: bytes,
    *,
    who: str,
    signature: bytes | None = None,
    note: str = "",
    report: Report | None = None,
    within: str | None = None,
) -> Uploaded:
    """Check a pack as its tenant would use it, and keep it if nothing is wrong. Arguments as `Packs.add`.

    `report` is what `check` just said of it; without one it is checked now.

    Raises:
        NotFound: there is no such tenant here.
        PackError: something is wrong with it; `findings` has everything, each with its place.
        Refused: see `Packs.add`.

    """
    report = report or check(engine, tenant, content, within=within)
    if wrong := [one for one in report.findings if one.severity == "error"]:
        raise refusal(wrong, report.pack)
    version = engine.packs.add(
        tenant, content, who=who, report=report.plain(), signature=signature, note=note, within=within
    )
    return Uploaded(version, report)


def check(engine: "Engine", tenant: str, content: bytes, *, within: str | None = None) -> Report:
    """What `livery pack check` says of a pack as a tenant would have it. Stores nothing.

    Raises:
        NotFound: there is no such tenant here.

    """
    engine.packs.active(tenant, within=within)
    try:
        engine.packs.candidate(tenant, content, within=within)
    except PackError as error:
        known = {"id", "parent"}
        if len(content) > MAX_ZIP or any(one.rule in known for one in error.findings):
            return _refused(error)
    with _CHECKING, silent(), laid_out(engine, tenant, content) as target:
        report = check_pack(target)
    report.findings = [replace(one, pack=_CALLED if "/" in one.pack else one.pack) for one in report.findings]
    report.pack, report.folder = (_CALLED if "/" in report.pack else report.pack), None
    return report


@contextmanager
def laid_out(engine: "Engine", tenant: str, content: bytes) -> Iterator[Target]:
    """A pack in a folder of its own, with what is active for a tenant beside it: what `livery.studio` opens.

    Args:
        engine: whose installed packs, settings and tenants count.
        tenant: whose brand lies over the pack's.
        content: the zip.

    """
    chain = engine.tenants.chain(tenant) or ()
    with TemporaryDirectory(prefix="livery-pack-") as name:
        folder, beside = Path(name), []
        (folder / "pack.zip").write_bytes(content)
        own = _id_of(content)
        for id_, zip_ in engine.stock.sources(chain).items():
            if id_ not in (own, *engine.library.packs):
                beside.append(folder / f"{id_}.zip")
                beside[-1].write_bytes(zip_)
        config = engine.config.model_copy(
            update={
                "pack_paths": (*engine.config.pack_paths, *beside),
                "tenants": {one.id: one for one in chain},
            }
        )
        yield Target(_CALLED, folder / "pack.zip", config, seller=tenant)


def _id_of(content: bytes) -> str:
    try:
        return Pack(from_zip(content, _CALLED)).id
    except PackError:
        return ""


def _refused(error: PackError) -> Report:
    found = trouble_of(error)
    return Report(found[0].pack or _CALLED, findings=list(found))
