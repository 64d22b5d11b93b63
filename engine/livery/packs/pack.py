"""One pack: its manifest, strings, notification definitions, templates and samples, and what is wrong with them."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from livery._version import __version__
from livery.errors import PackError
from livery.packs.findings import Finding, has_errors, ordered
from livery.packs.gathering import FLAT, MANIFEST, TREES, refusal
from livery.packs.manifest import NotificationOverlay, PackManifest, allows
from livery.packs.reading import Reader, leaves
from livery.packs.source import Snapshot, open_source
from livery.packs.toml import KeyPath, Place, Places, load

_TEXTS = ("layouts", "blocks", "parts", "parents")


class Pack:
    """A pack, read wholly when it is made.

    A file that is wrong is set aside, as if the pack did not have it, and named in `findings`; the rest is used.

    Attributes:
        id: names the pack.
        label: its id and version, as people are shown it.
        folder: its folder or zip.
        snapshot: its files.
        findings: everything that is wrong with it by itself, errors first.
        strings: texts by language, then by dotted key.

    Raises:
        PackError: there is no pack, `pack.toml` is wrong, this Livery is too old or too new for it, or something in
            it is not safe. `findings` has everything.

    """

    def __init__(self, source: Snapshot | Path | str) -> None:
        self.snapshot = source if isinstance(source, Snapshot) else open_source(source)
        self.folder = Path(self.snapshot.where)
        reader = Reader(self.snapshot, self._guessed_id())
        manifest = reader.model(PackManifest, MANIFEST)
        if manifest is not None:
            _check_engine(manifest, reader)
        strings, files = reader.strings()
        self.strings: Mapping[str, Mapping[str, str]] = MappingProxyType(strings)
        self.string_files: Mapping[str, str] = MappingProxyType(files)
        self._notifications = {file: reader.model(NotificationOverlay, file) for file in self._under("notifications")}
        for file in (file for folder in _TEXTS for file in self._under(folder)):
            reader.text(file)
        for file in self._under("samples"):
            if file.endswith(".json"):
                reader.sample(file)
        for file, said in self.snapshot.unread.items():
            reader.set_aside(file, said)
        _check_names(self.snapshot, reader)
        self.findings: tuple[Finding, ...] = tuple(ordered(reader.findings))
        self._aside, self._places = frozenset(reader.aside), reader.places
        self._paths: dict[str, dict[str, KeyPath]] = {}
        wrong = [one for one in self.findings if one.file == MANIFEST and one.severity == "error"]
        if manifest is None or wrong:
            is_newer = any(one.rule == "format" for one in wrong)
            raise refusal(wrong if is_newer else dict.fromkeys([*wrong, *self.findings]), reader.pack)
        self.manifest = manifest
        self.id, self.label = manifest.id, f"{manifest.id} {manifest.version}"

    @property
    def digest(self) -> str:
        """sha256 over all its files, in hex."""
        return self.snapshot.digest

    @property
    def has_errors(self) -> bool:
        """Whether something of it is set aside."""
        return has_errors(self.findings)

    def read(self, path: str) -> str | None:
        """The text of a file by its path inside the pack; None if there is none that can be used."""
        if path in self._aside:
            return None
        try:
            return self.snapshot.text(path)
        except PackError:
            return None

    def asset(self, path: str) -> bytes | None:
        """The content of a file in `assets/`, by its path inside the pack; None if there is none."""
        return self.snapshot.files.get(path) if path.startswith("assets/") else None

    def notification(self, name: str) -> NotificationOverlay | None:
        """What this pack says about a notification; None if nothing that can be used."""
        return self._notifications.get(f"notifications/{name}.toml")

    def notifications(self) -> list[str]:
        """Names of the notifications this pack defines or changes."""
        return [Path(file).stem for file, overlay in self._notifications.items() if overlay is not None]

    def samples(self, name: str) -> list[tuple[str, bytes]]:
        """Sample events of a notification, as (path inside the pack, content), by path."""
        return [
            (path, self.snapshot.files[path])
            for path in self._under(f"samples/{name}")
            if path.endswith(".json") and path.count("/") == 2  # noqa: PLR2004 - directly in its folder
        ]

    def place(self, file: str, path: KeyPath) -> Place:
        """Where a key stands in one of its TOML files."""
        return self._places_of(file).key(path)

    def value_place(self, file: str, path: KeyPath, line: int = 1, column: int = 1) -> Place:
        """Where a value begins in one of its TOML files; of a text, where that line and column of it are."""
        return self._places_of(file).value(path, line, column)

    def string_place(self, tag: str, key: str, line: int = 1, column: int = 1) -> tuple[str, Place]:
        """The file of a text, and where that line and column of it are."""
        file = self.string_files[tag]
        if file not in self._paths:
            data, _ = load(self.snapshot.text(file) or "")
            self._paths[file] = {".".join(map(str, path)): path for path, _ in reversed(list(leaves(data)))}
        return file, self.value_place(file, self._paths[file].get(key, ()), line, column)

    def _places_of(self, file: str) -> Places:
        return self._places.get(file) or Places("")

    def _under(self, folder: str) -> list[str]:
        return list(self.snapshot.under(folder))

    def _guessed_id(self) -> str:
        """What to call the pack before its manifest is known to be right."""
        try:
            found, _ = load(self.snapshot.text(MANIFEST) or "")
        except PackError:
            return str(self.folder)
        return found["id"] if isinstance(found.get("id"), str) else str(self.folder)


def _check_engine(manifest: PackManifest, reader: Reader) -> None:
    if not allows(manifest.engine, __version__):
        said = f"is made for Livery {manifest.engine[:80]}; this is {__version__}"
        place = reader.places[MANIFEST].value(("engine",))
        reader.note(said, MANIFEST, place, rule="engine", fix="install a version of the pack that is made for it")


def _check_names(snapshot: Snapshot, reader: Reader) -> None:
    """Note what lies at the top under a name that is almost that of a folder of packs: it is not read."""
    for name in snapshot.ignored:
        near = get_close_matches(name, [*sorted(TREES | FLAT), MANIFEST], 1, 0.8)
        if near:
            said, fix = "is no part of a pack, so it is not read", f"did you mean {near[0]}?"
            reader.note(said, name, rule="not-read", fix=fix, severity="warning")
