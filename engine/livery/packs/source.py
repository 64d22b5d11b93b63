"""Where a pack comes from: a folder or a zip, read wholly at once into memory, so that nothing changes under it.

Whoever wrote the pack may be hostile: only files that belong to a pack are read, nothing outside its folder is
ever opened, nothing is written, and what is too much is refused before it is read.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from livery.errors import PackError, shown
from livery.packs.findings import Finding
from livery.packs.gathering import FLAT, MAX_FOLDERS, TREES, Gathering, belongs, is_hidden

MAX_ENTRIES = 5000
_TRIES = 4
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Files(Protocol):
    """Files of one pack as templates are given them."""

    @property
    def id(self) -> str: ...

    @property
    def label(self) -> str: ...

    def read(self, path: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a pack as they were at one moment.

    Attributes:
        files: content by path inside the pack, `/` between its parts.
        where: the folder or the zip, as people are shown it.
        digest: sha256 over paths and contents, in hex; where they lie, and when, makes no difference.
        ignored: names at the top that are no part of a pack.
        unread: files that are too large, with how much that is; they are not in `files`.
        stamp: what `stamp(where)` was when it was read.

    """

    files: Mapping[str, bytes]
    where: str
    digest: str
    ignored: tuple[str, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    stamp: Any = field(default=None, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        files: Mapping[str, bytes],
        where: str,
        ignored: Iterable[str] = (),
        *,
        unread: Mapping[str, str] = MappingProxyType({}),
        stamp: Any = None,
    ) -> "Snapshot":
        """Of files that are in memory already. No guards: those are for what is read."""
        total = sha256()
        for path, content in sorted(files.items()):
            name = path.encode("utf-8", "surrogatepass")
            total.update(b"%d %d\n%b%b" % (len(name), len(content), name, content))
        for path, said in sorted(unread.items()):
            total.update(f"unread {path} {said}\n".encode("utf-8", "surrogatepass"))
        ordered = MappingProxyType(dict(sorted(files.items())))
        return cls(ordered, where, total.hexdigest(), tuple(sorted(ignored)), unread, stamp)

    def text(self, path: str) -> str | None:
        """The text of a file; None if there is no such file.

        Raises:
            PackError: it is not UTF-8, or begins with a byte order mark.

        """
        raw = self.files.get(path)
        return None if raw is None else decoded(raw, path)

    def under(self, folder: str) -> Iterator[str]:
        """Paths in a folder and in those inside it."""
        return (path for path in self.files if path.startswith(f"{folder}/"))


@dataclass(frozen=True, slots=True)
class SnapshotFiles:
    """A snapshot as templates are given it; a file that is no text is as if it were not there."""

    snapshot: Snapshot
    id: str
    label: str

    def read(self, path: str) -> str | None:
        try:
            return self.snapshot.text(path)
        except PackError:
            return None


def open_source(path: Path | str) -> Snapshot:
    """Read the pack in a folder or a zip.

    Raises:
        PackError: there is none, it cannot be read, or something in it is not safe; `findings` has everything
            that is wrong.

    """
    where = Path(path)
    try:
        mode = where.stat().st_mode
    except (OSError, ValueError) as error:
        said = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {reason(error)}"
        raise PackError(f"{said}, so it is no template pack; name its folder or its .zip", pack=str(path)) from None
    if stat.S_ISDIR(mode):
        return read_folder(where)
    if stat.S_ISREG(mode):
        from livery.packs.zipped import read_zip

        return read_zip(where)
    raise PackError("is neither a folder nor a .zip, so it is no template pack", pack=str(path))


def stamp(path: Path | str) -> Any:
    """What changes when a source does: names, sizes and times of its files, without reading them."""
    where = Path(path)
    try:
        found = where.stat()
        return scan(where) if stat.S_ISDIR(found.st_mode) else stamp_of(found)
    except (OSError, ValueError, PackError) as error:
        return str(error)


def decoded(raw: bytes, path: str) -> str:
    """The text of a file.

    Raises:
        PackError: it is not UTF-8, or begins with a byte order mark; says where.

    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        said, line = "is UTF-16; save it as UTF-8", 1
    elif raw.startswith(b"\xef\xbb\xbf"):
        said, line = "begins with a byte order mark (BOM); save it as UTF-8 without one", 1
    else:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            said, line = f"is not UTF-8 at byte {error.start}; save it as UTF-8", raw.count(b"\n", 0, error.start) + 1
    found = Finding(severity="error", rule="encoding", message=said, file=path, line=line)
    raise PackError(said, file=path, line=line, findings=[found])


def reason(error: Exception) -> str:
    """What an error of the system says, without the path, which is named already."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


# --------------------------------------------------------------------------- folders


class Entry(NamedTuple):
    """A file that was found: its path in the pack, what to open, and by what a change would show."""

    path: str
    target: str
    stamp: tuple[int, ...]
    fault: str = ""


class Scan(NamedTuple):
    """What there is in a folder; two that are equal saw the same."""

    entries: tuple[Entry, ...]
    ignored: tuple[str, ...]


class _ChangedError(Exception):
    """The folder changes while it is read."""


def read_folder(folder: Path) -> Snapshot:
    """Read a folder as it is at one moment: if anything of it changes meanwhile, it is read again.

    Raises:
        PackError: see `open_source`.

    """
    try:
        for _ in range(_TRIES):
            gathering = Gathering(str(folder))
            try:
                seen = scan(folder)
                for entry in seen.entries:
                    _take(gathering, entry)
                is_same = scan(folder) == seen
            except (_ChangedError, FileNotFoundError):
                continue
            if is_same:
                gathering.check()
                return Snapshot.of(gathering.files, str(folder), seen.ignored, unread=gathering.unread, stamp=seen)
    except OSError as error:
        raise PackError(f"cannot be read: {reason(error)}", pack=str(folder)) from None
    raise PackError("changes while it is read; try again when it is at rest", pack=str(folder))


def _take(gathering: Gathering, entry: Entry) -> None:
    if not gathering.has_fit_name(entry.path):
        return
    if entry.fault:
        gathering.wrong(entry.fault, entry.path)
    elif gathering.has_room(entry.path, entry.stamp[-1]):
        try:
            gathering.files[entry.path] = _content(entry)
        except FileNotFoundError:
            raise  # it was there a moment ago
        except OSError as error:
            gathering.wrong(f"cannot be read: {reason(error)}", entry.path)


def _content(entry: Entry) -> bytes:
    size = entry.stamp[-1]
    with os.fdopen(os.open(entry.target, _FLAGS), "rb") as stream:
        if stamp_of(os.fstat(stream.fileno())) != entry.stamp:
            raise _ChangedError
        content = stream.read(size + 1)
    if len(content) != size:
        raise _ChangedError
    return content


def stamp_of(found: os.stat_result) -> tuple[int, ...]:
    """By what a change of a file shows: which it is, when it was written, its size."""
    return (stat.S_IFMT(found.st_mode), found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


def scan(folder: Path) -> Scan:
    """List what belongs to the pack in a folder, without reading any of it.

    Raises:
        OSError: the folder cannot be listed.
        PackError: it holds far too much.

    """
    root = os.path.realpath(folder)
    entries: list[Entry] = []
    ignored: list[str] = []
    left, count = [""], 0
    while left:
        at = left.pop()
        with os.scandir(os.path.join(root, at)) as found:  # noqa: PTH118 - pathlib costs more than the reading
            for one in found:
                count += 1
                if count > MAX_ENTRIES:
                    raise PackError(f"has more than {MAX_ENTRIES:,} files and folders", pack=str(folder))
                path = f"{at}/{one.name}" if at else one.name
                if _may_hold(path) and one.is_dir(follow_symlinks=False):
                    left.append(path)
                elif belongs(path) or (_may_hold(path) and one.is_symlink()):
                    entries.append(_entry(root, path, one))
                elif not at and not is_hidden(one.name):
                    ignored.append(path)
    return Scan(tuple(sorted(entries)), tuple(sorted(ignored)))


def _may_hold(path: str) -> bool:
    """Whether a folder of this name may hold files of the pack."""
    top, *rest = path.split("/")
    is_ours = top in TREES if rest else top in TREES | FLAT
    return is_ours and len(rest) < MAX_FOLDERS and not any(map(is_hidden, rest))


def _entry(root: str, path: str, found: os.DirEntry[str]) -> Entry:
    target = found.path
    if found.is_symlink():
        try:
            target = os.path.realpath(found.path, strict=True)
        except (OSError, ValueError) as error:
            return Entry(path, target, (0,), f"is a link that leads nowhere: {reason(error)}")
        if not Path(target).is_relative_to(root):
            return Entry(path, target, (0,), "leads outside the pack; put the file itself here")
        if not belongs(Path(target).relative_to(root).as_posix()):
            return Entry(path, target, (0,), "leads to what is no file of the pack; put the file itself here")
    seen = os.stat(target, follow_symlinks=False)  # noqa: PTH116
    if stat.S_ISDIR(seen.st_mode):
        return Entry(path, target, (0,), "is a folder; a file belongs here")
    if not stat.S_ISREG(seen.st_mode):
        return Entry(path, target, (0,), f"is no ordinary file, but {shown(stat.filemode(seen.st_mode)[0])}")
    return Entry(path, target, stamp_of(seen))
