"""A pack's folder: the only way to its files, so that nothing outside is ever opened."""

from pathlib import Path

from livery.errors import PackError

_MAX_FILE = 256 * 1024


class Folder:
    """The files of one pack; each is read when it is asked for, and kept.

    Attributes:
        id: the pack's id.
        label: its id and version, as people are shown it.

    """

    def __init__(self, folder: Path | str, id_: str = "", label: str = "") -> None:
        self.folder, self.id, self.label = Path(folder), id_, label
        self._files: dict[str, str | None] = {}

    def read(self, path: str) -> str | None:
        """The text of a file by its path inside the pack; None if the pack has no such file.

        Raises:
            PackError: the path leads outside, or the file is too large or not UTF-8.

        """
        if path not in self._files:
            self._files[path] = self._read(path)
        return self._files[path]

    def _read(self, path: str) -> str | None:
        try:
            target = (self.folder / path).resolve()
            if not target.is_relative_to(self.folder.resolve()):
                raise PackError("leads outside the pack", pack=str(self.folder), file=path)
            if not target.is_file():
                return None
            with target.open("rb") as stream:
                raw = stream.read(_MAX_FILE + 1)
            if len(raw) > _MAX_FILE:
                raise PackError(f"is larger than {_MAX_FILE // 1024} KiB", pack=str(self.folder), file=path)
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise PackError(f"is not UTF-8 at byte {error.start}", pack=str(self.folder), file=path) from None
        except (OSError, RuntimeError, ValueError) as error:
            # Links in a circle, a file we may not read, a name no file can have.
            raise PackError(f"cannot be read: {error}", pack=str(self.folder), file=path) from None
