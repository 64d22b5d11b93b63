"""Opening a pack to look at it: an engine in which the sellers of its samples use it, and nothing can be sent."""

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from livery.config import Config
from livery.engine import Engine
from livery.errors import NotFound, PackError
from livery.models.tenant import Tenant
from livery.packs.chain import PackChain
from livery.packs.installed import installed_packs
from livery.packs.zipped import read_zip

_NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""When events happen that do not say: always the same, so that the same pack gives the same pictures."""
_MANIFEST = "pack.toml"
_MAX_MANIFEST = 256 * 1024
_PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be looked at.

    Attributes:
        pack: as it was named.
        path: where it lies, a folder or a zip file; None if it is meant by the id it is installed under.
        config: a livery.toml (or what one says) that knows more packs, and the seller; None: only what is installed.
        seller: a tenant of that configuration: its tokens lie over the pack's. Empty: the samples' own sellers.

    """

    pack: str
    path: Path | None = None
    config: Path | Config | None = None
    seller: str = ""

    @property
    def file(self) -> Path | None:
        """The livery.toml, if there is one."""
        return self.config if isinstance(self.config, Path) else None

    @classmethod
    def named(cls, pack: str, config: Path | None = None, seller: str = "") -> "Target":
        """By a folder (or the pack.toml in it), a zip file, or the id of an installed pack.

        Raises:
            NotFound: the folder holds no pack.

        """
        path = Path(pack)
        try:
            if path.name == _MANIFEST and path.is_file():
                path = path.parent
            is_pack = path.is_file() or (path / _MANIFEST).is_file()
        except OSError as error:  # what no file can be called
            raise NotFound(f"{pack[:100]!r} is no pack: {error.strerror}") from None
        is_path = is_pack or len(path.parts) != 1 or path.suffix == ".zip" or pack == ".."
        if is_path and not is_pack:
            raise NotFound(_no_pack_at(pack, path))
        return cls(pack, path.resolve() if is_path else None, config, seller)


def _no_pack_at(pack: str, path: Path) -> str:
    if not path.exists():
        return f"{pack} does not exist; name the folder or the zip file of a pack"
    near = [one for one in (*path.resolve().parents[:3], *sorted(path.glob("*/"))[:100]) if (one / _MANIFEST).is_file()]
    meant = f"did you mean {os.path.relpath(near[0])}?" if near else "name the folder it lies in"
    return f"{pack} has no pack.toml, so it is no template pack; {meant}"


def configured(target: Target) -> tuple[Config, str]:
    """The configuration with the pack among its packs, and the pack's id."""
    given = target.config if isinstance(target.config, Config) else Config.load(target.config)
    base = given.model_copy(update={"database_url": "sqlite://", "channels": {"smtp": {}}})
    if target.seller and target.seller not in base.tenants:
        known = ", ".join(sorted(base.tenants)) or "none"
        where = str(target.config) if target.config else "no livery.toml was found, so it"
        raise NotFound(f"{where} has no tenant {target.seller!r}; there are: {known}")
    quiet = {id_: tenant.model_copy(update={"channels": {}}) for id_, tenant in base.tenants.items()}
    base = base.model_copy(update={"tenants": quiet})
    path = target.path
    if path is None:
        return base, target.pack
    id_ = _id_at(path)
    others = [one for one in base.pack_paths if one.resolve() != path]
    base = base.model_copy(update={"pack_paths": tuple(others)})
    return _with_pack(base, path, id_), id_


def _with_pack(base: Config, path: Path, id_: str) -> Config:
    """`base` with the pack at `path`, in place of another that is installed under its id."""
    with Engine.open(base) as probe:
        other = probe.library.packs.get(id_)
        if other is None:
            return base.model_copy(update={"pack_paths": (*base.pack_paths, path)})
        if Path(other.folder).resolve() == path:
            return base
        offered = [*installed_packs(report=lambda _, __: None), *probe.hooks.collect("livery_register_packs")]
        providers = [name for name, folder in offered if Path(folder).resolve() == Path(other.folder).resolve()]
    kept = tuple(one for one in base.pack_paths if one.resolve() != Path(other.folder).resolve())
    blocked = (*base.blocked_plugins, *providers)
    return base.model_copy(update={"pack_paths": (*kept, path), "blocked_plugins": blocked})


def _id_at(path: Path) -> str:
    """The id in the manifest of a folder or zip file; empty if it cannot be read, which the engine then explains."""
    try:
        is_folder = path.is_dir()
        raw = (path / _MANIFEST).read_bytes()[:_MAX_MANIFEST] if is_folder else read_zip(path).files[_MANIFEST]
        id_ = tomllib.loads(raw.decode("utf-8")).get("id", "")
    except (OSError, ValueError, KeyError, RecursionError, PackError):
        return ""
    return id_ if isinstance(id_, str) else ""


def chain_of(engine: Engine, id_: str, target: Target) -> PackChain:
    """The pack and its parents, as an engine has them.

    Raises:
        PackError: one of them cannot be read.
        NotFound: there is no such pack.

    """
    for place, error in engine.library.broken.items():
        if target.path is not None and Path(place).resolve() == target.path:
            raise error
    known = sorted(engine.library.packs)
    if target.path is None and id_ not in known:
        near = get_close_matches(id_, known, 1)
        meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
        raise NotFound(f"there is no folder {id_!r} with a pack.toml here, and no pack is called so; {meant}")
    if not id_:
        raise PackError("cannot be read as a template pack", pack=target.pack, file=_MANIFEST)
    return engine.library.chain(id_)


def engine_for(base: Config, target: Target, id_: str, sellers: Iterable[str]) -> Engine:
    """An engine in which these sellers use the pack; or the seller asked for alone."""
    return Engine.open(_tenanted(base, target, id_, sellers), now=lambda: _NOW)


def _tenanted(base: Config, target: Target, id_: str, sellers: Iterable[str]) -> Config:
    """`base` with the tenants events need: the seller asked for, or one for each seller of the events."""
    if target.seller:
        tenants = dict(base.tenants)
        tenants[target.seller] = tenants[target.seller].model_copy(update={"pack": id_})
        return base.model_copy(update={"tenants": tenants})
    root = _PLATFORM
    while root in sellers:
        root += "-"
    plain: dict[str, dict[str, str]] = {root: {}}
    plain |= {seller: {"parent": root, "pack": id_} for seller in sellers}
    made: dict[str, Tenant] = Config.model_validate({"tenants": plain}).tenants
    return base.model_copy(update={"tenants": made})
