"""Packs of installed distributions: found through the entry points of the group `livery.packs`.

A pack is data, so nothing of its package is imported: its folder is looked up as an import would, and read.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from livery.errors import NotFound
from livery.packs.gathering import MANIFEST, fault_of

GROUP = "livery.packs"
Report = Callable[[str, str], None]
"""Told the name of an entry point whose pack cannot be found, and why."""
log = logging.getLogger(__name__)


def _warn(name: str, problem: str) -> None:
    log.warning("the pack %s was skipped: %s", name, problem)


def installed_packs(*, report: Report = _warn, found: Iterable[EntryPoint] | None = None) -> list[tuple[str, Path]]:
    """The folder of every installed pack, with the name of its entry point, in the order of their names.

    An entry point names a package, `livery_pack_fjord`, or a folder in one, `fjord_brands:packs/fjord`.

    Args:
        report: told of packs that cannot be found; the others are returned all the same.
        found: the entry points; those of every installed distribution if None.

    """
    points = entry_points(group=GROUP) if found is None else found
    packs = []
    for point in sorted(points, key=lambda one: (one.name, one.value)):
        try:
            packs.append((point.name, _located(point)))
        except NotFound as error:
            report(point.name, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a stranger's finder does on the way
            report(point.name, f"{point.value} cannot be looked up: {type(error).__name__}: {error}")
    return packs


def _located(point: EntryPoint) -> Path:
    """The folder an entry point means.

    Raises:
        NotFound: says why there is none.

    """
    package, _, folder = (part.strip() for part in point.value.partition(":"))
    if not all(part.isidentifier() for part in package.split(".")) or (folder and fault_of(folder)):
        raise NotFound(f"{point.value!r} is neither a package nor package:folder")
    seen: list[Path] = []
    for place in _places(point, package):
        seen.append(place / folder)
        if (place / folder / MANIFEST).is_file():
            return place / folder
    if seen:
        raise NotFound(f"{seen[0]} has no {MANIFEST}")
    raise NotFound(f"there is no package {package}; install {_distribution(point)} again")


def _places(point: EntryPoint, package: str) -> Iterator[Path]:
    """Folders a package may be: that of its own distribution first, then as Python itself would find it."""
    parts = package.split(".")
    if point.dist is not None:
        own = Path(str(point.dist.locate_file("/".join(parts))))
        if own.is_dir():
            yield own
    path = list(sys.path)
    for part in parts:
        # By its bare name and the path of the one above: with the full name, Python would import the one above.
        spec = PathFinder.find_spec(part, path)
        path = list(spec.submodule_search_locations or ()) if spec is not None else []
    yield from map(Path, path)


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "its distribution"
