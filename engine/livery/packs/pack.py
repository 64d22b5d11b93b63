"""One pack: its manifest, strings, notification definitions and samples."""

import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from livery.config import problems_of
from livery.errors import PackError
from livery.locales import normal
from livery.models.base import Model
from livery.packs.folder import Folder
from livery.packs.manifest import NotificationOverlay, PackManifest

_M = TypeVar("_M", bound=Model)


class Pack(Folder):
    """A pack with its manifest.

    Raises:
        PackError: `pack.toml` is missing or wrong.

    """

    def __init__(self, folder: Path | str) -> None:
        super().__init__(folder)
        if self.read("pack.toml") is None:
            raise PackError("has no pack.toml, so it is no template pack", pack=str(folder), file="pack.toml")
        self.manifest = self._model(PackManifest, "pack.toml", self._toml("pack.toml"))
        self.id, self.label = self.manifest.id, f"{self.manifest.id} {self.manifest.version}"

    @cached_property
    def strings(self) -> Mapping[str, Mapping[str, str]]:
        """Texts by locale, then by dotted key."""
        found: dict[str, Mapping[str, str]] = {}
        for file in sorted((self.folder / "strings").glob("*.toml")):
            name = f"strings/{file.name}"
            tag = normal(file.stem)
            if not tag:
                raise PackError("is not named after a language (BCP 47), such as de.toml", pack=self.id, file=name)
            found[tag] = dict(self._flat(self._toml(name), name))
        return found

    def notification(self, name: str) -> NotificationOverlay | None:
        """What this pack says about a notification; None if nothing."""
        path = f"notifications/{name}.toml"
        return self._model(NotificationOverlay, path, self._toml(path)) if self.read(path) is not None else None

    def notifications(self) -> list[str]:
        """Names of the notifications this pack defines or changes."""
        return sorted(file.stem for file in (self.folder / "notifications").glob("*.toml"))

    def samples(self, name: str) -> list[Path]:
        """Sample events of a notification, by file name."""
        return sorted((self.folder / "samples" / name).glob("*.json"))

    def _flat(self, table: Mapping[str, Any], file: str, prefix: str = "") -> list[tuple[str, str]]:
        pairs: list[tuple[str, str]] = []
        for key, value in table.items():
            if isinstance(value, dict):
                pairs.extend(self._flat(value, file, f"{prefix}{key}."))
            elif isinstance(value, str):
                pairs.append((f"{prefix}{key}", value))
            else:
                line = self._line(file, key)
                raise PackError(f"{prefix}{key} is no text; put it in quotes", pack=self.id, file=file, line=line)
        return pairs

    def _toml(self, path: str) -> dict[str, Any]:
        name = getattr(self, "manifest", None)
        pack = name.id if name else str(self.folder)
        try:
            return tomllib.loads(self.read(path) or "")
        except (ValueError, RecursionError) as error:
            raise PackError(f"is not TOML: {error}", pack=pack, file=path) from None

    def _model(self, model: type[_M], path: str, data: dict[str, Any]) -> _M:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            problems = problems_of(error)
            key = problems[0].path.rsplit(".", 1)[-1]
            text = "; ".join(map(str, problems))
            raise PackError(
                text, pack=str(data.get("id", self.folder.name)), file=path, line=self._line(path, key)
            ) from None

    def _line(self, path: str, key: str) -> int:
        """The line on which `key` is first set; 0 if it cannot be told."""
        for number, line in enumerate((self.read(path) or "").splitlines(), 1):
            if line.lstrip(" [\"'").startswith(key):
                return number
        return 0
