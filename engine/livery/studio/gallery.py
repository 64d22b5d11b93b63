"""The gallery: everything a pack makes as one static site, to be looked at and signed off.

It needs no server and fetches nothing. The same pack gives the same bytes, so its digest names what was seen.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from livery.errors import LiveryError
from livery.packs.findings import Finding, ordered
from livery.studio.bench import Bench
from livery.studio.cases import SCHEMES
from livery.studio.looks import Look
from livery.studio.opening import Target
from livery.studio.pages import ASSETS, Pages, asset

_LIST = "gallery.json"
_FOLDERS = ("cases", "frames")


@dataclass(frozen=True, slots=True)
class Report:
    """What is in a gallery.

    Attributes:
        digest: SHA-256 over all of its pages and pictures but the overview, which shows it.

    """

    pack: str
    index: Path
    digest: str
    looks: list[Look]
    findings: list[Finding] = field(default_factory=list)

    @property
    def pictures(self) -> int:
        return sum(len(one.case.pictures()) for one in self.looks)

    @property
    def is_fine(self) -> bool:
        """Whether nothing is degraded and nothing is wrong."""
        return all(one.is_fine for one in self.looks) and not any(one.severity == "error" for one in self.findings)

    def plain(self) -> dict[str, Any]:
        """For `--json` and for `gallery.json`, which has no path of the machine that made it."""
        return {
            "pack": self.pack,
            "digest": self.digest,
            "pictures": self.pictures,
            "findings": [one.plain() for one in self.findings],
            "messages": [
                {
                    "page": f"cases/{one.case.slug}.html",
                    "notification": one.case.notification,
                    "locale": one.case.locale,
                    "channel": one.case.channel.name,
                    "sample": one.case.sample.name,
                    "title": one.message.title,
                    "size": one.size.used,
                    "degraded": list(one.degraded),
                    "fitted": list(one.fitted),
                    "findings": [finding.plain() for finding in one.findings],
                }
                for one in self.looks
            ],
        }


def write(target: Target, out: Path, *, findings: Iterable[Finding] = (), remote_images: bool = False) -> Report:
    """Write the gallery of a pack into a folder; one that was there before is replaced.

    Args:
        target: what is shown.
        out: where it is written.
        findings: what else is known of the pack, to be shown with it.
        remote_images: whether its pages fetch pictures from other hosts.

    Raises:
        LiveryError: the pack cannot be opened, or the folder holds something else, or cannot be written.

    """
    bench = Bench.opened(target)
    with closing(bench):
        looks = [bench.look(slug) for slug in bench.cases]
        pages = Pages(target.pack, bench, seller=target.seller, remote_images=remote_images)
        digest = sha256()
        try:
            _emptied(out)
            for name, text in _files(pages, looks):
                raw = text.encode()
                digest.update(f"{name}\0{len(raw)}\0".encode() + raw)
                (out / name).write_bytes(raw)
            found = ordered([*bench.findings, *findings])
            report = Report(bench.label, out / "index.html", digest.hexdigest(), looks, found)
            report.index.write_bytes(pages.index(looks, found, report.digest[:16]).encode())
            (out / _LIST).write_text(json.dumps(report.plain(), ensure_ascii=False, indent=1) + "\n", "utf-8")
        except OSError as error:
            raise LiveryError(f"cannot write to {out}: {error.strerror}") from None
    return report


def _files(pages: Pages, looks: list[Look]) -> Iterator[tuple[str, str]]:
    for name in ASSETS:
        yield name, asset(name)
    for one in looks:
        yield f"cases/{one.case.slug}.html", pages.case(one)
        for scheme in SCHEMES:
            yield f"frames/{one.case.slug}.{scheme}.html", pages.frame(one, scheme)


def _emptied(out: Path) -> None:
    """Make the folder, or take the gallery out that is in it."""
    if out.exists() and not (out / _LIST).is_file() and any(out.iterdir()):
        raise LiveryError(f"{out} is not empty and holds no gallery; name another folder")
    for name in _FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
