"""The shelf: where compiled stencils are kept. In memory within a number of bytes; on disk for all processes.

Where there are several machines, what one has compiled is also kept in the store they share.
"""

import json
import os
import stat
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Protocol

from livery.composing import Plain
from livery.stencils.stencil import Stencil

MEMORY = 64 * 1024 * 1024
DISK = 512 * 1024 * 1024
_OVERHEAD = 4
_SWEEP_EVERY = 200
_MAX_TOLD = 100_000
_MAX_FILE = 16 * 1024 * 1024
_HALF = ".half"
_OURS = (".json", ".told", _HALF)
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Shared(Protocol):
    """Where machines keep what one of them has compiled. What comes from there is checked like a file."""

    def get(self, name: str, most: int) -> tuple[str, bytes] | None:
        """The seal and the bytes kept under a name, if they are no more than so many."""
        ...

    def put(self, name: str, seal: str, body: bytes) -> None:
        """Keep bytes under a name, in place of what is kept there."""
        ...


class Shelf:
    """Stencils by the digest of their orders. Safe from any thread and process.

    Args:
        folder: where they are kept on disk; None keeps them in memory alone. A folder that others may write to
            is not used: what lies in it is what a seller's customers read.
        memory: bytes of stencils kept in memory, about; the least recently used go first.
        disk: bytes kept on disk, about; the oldest go first.
        shared: where other machines find them; None where there are no others.

    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        memory: int = MEMORY,
        disk: int = DISK,
        shared: Callable[[], Shared | None] = lambda: None,
    ) -> None:
        self._folder, self._room, self._disk, self._shared = _own(folder), memory, disk, shared
        self._kept: OrderedDict[str, tuple[Stencil, int]] = OrderedDict()
        self._told: set[str] = set()
        self._used = 0
        self._written = 0
        self._lock = Lock()

    def get(self, name: str, make: Callable[[], Plain]) -> Stencil:
        """The stencil of a name; made and kept if there is none.

        Args:
            name: see `livery.stencils.orders.digest`.
            make: compiles it; may raise, then nothing is kept.

        """
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name][0]
        data, size = self.data(name, make)
        try:
            stencil = Stencil(data)
        except Exception:  # noqa: BLE001 - of another build of this version, or whatever was put there
            data = make()
            stencil, size = Stencil(data), self._write(name, data)
        with self._lock:
            if name not in self._kept:
                self._kept[name] = (stencil, size * _OVERHEAD)
                self._used += size * _OVERHEAD
            while self._used > self._room and len(self._kept) > 1:
                _, (_, gone) = self._kept.popitem(last=False)
                self._used -= gone
        return stencil

    def data(self, name: str, make: Callable[[], Plain]) -> tuple[Plain, int]:
        """A stencil as plain data, from the disk, from another machine or made now, and its size in bytes."""
        data, size = self._read(name)
        if data is None:
            data, size = self._borrowed(name)
        if data is None:
            data = make()
            size = self._write(name, data)
        return data, size

    @property
    def used(self) -> tuple[int, int]:
        """How many stencils are in memory, and about how many bytes they take."""
        return len(self._kept), self._used

    def is_first(self, said: str) -> bool:
        """Whether this was never said before, by any process that shares the folder."""
        name = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock:
            if name in self._told:
                return False
            if len(self._told) < _MAX_TOLD:
                self._told.add(name)
        if self._folder is None:
            return True
        try:
            mark = self._folder / f"{name}.told"
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        except OSError:
            return True
        return True

    def _file(self, name: str) -> Path | None:
        return self._folder / f"{name}.json" if self._folder else None

    def _read(self, name: str) -> tuple[Plain | None, int]:
        file = self._file(name)
        if file is None:
            return None, 0
        try:
            head, _, body = _content(file).partition(b"\n")
            return _checked(name, head.decode(), body)
        except (OSError, ValueError):
            return None, 0

    def _borrowed(self, name: str) -> tuple[Plain | None, int]:
        """What another machine has compiled; kept on this one's disk, too."""
        shared = self._shared()
        found = shared.get(name, _MAX_FILE) if shared is not None else None
        if found is None:
            return None, 0
        seal, body = found
        data, size = _checked(name, seal, body)
        if data is not None:
            self._keep(name, body)
        return data, size

    def _write(self, name: str, data: Plain) -> int:
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        self._keep(name, body)
        if (shared := self._shared()) is not None:
            shared.put(name, _seal(name, body), body)
        return len(body)

    def _keep(self, name: str, body: bytes) -> None:
        file = self._file(name)
        if file is not None:
            with suppress(OSError):
                _put(file, _seal(name, body).encode() + b"\n" + body)
            self._written += 1
            if self._written % _SWEEP_EVERY == 1:
                self._sweep()

    def _sweep(self) -> None:
        """Take the oldest files away until the rest fits."""
        assert self._folder is not None, "only what was written is swept"
        with suppress(OSError):
            entries = [entry for entry in os.scandir(self._folder) if entry.name.endswith(_OURS)]
            found = [(entry.stat(follow_symlinks=False), entry.path) for entry in entries]
            total = sum(one.st_size for one, _ in found)
            for one, path in sorted(found, key=lambda pair: pair[0].st_mtime):
                if total <= self._disk:
                    return
                Path(path).unlink(missing_ok=True)
                total -= one.st_size


def cache_folder() -> Path:
    """Where this user's stencils are kept: `$XDG_CACHE_HOME/livery/stencils`, `~/.cache/livery/stencils` without."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - a home may be missing
    return Path(base) / "livery" / "stencils"


def _seal(name: str, body: bytes) -> str:
    """What stands before a stencil on disk: one that was cut off, or belongs to another name, is none."""
    return sha256(name.encode() + b"\n" + body).hexdigest()


def _checked(name: str, seal: str, body: bytes) -> tuple[Plain | None, int]:
    """What was kept under a name, and its size, if it is whole and a stencil's."""
    try:
        data = json.loads(body) if seal == _seal(name, body) else None
    except (ValueError, RecursionError):
        return None, 0
    return (data, len(body)) if isinstance(data, dict) else (None, 0)


def _content(file: Path) -> bytes:
    """What is in a file of ours; never waits, and reads no more than a stencil can be.

    Raises:
        OSError: it cannot be read, or is no ordinary file of ours.

    """
    with os.fdopen(os.open(file, _FLAGS), "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode) or not _is_ours(found):
            raise PermissionError(file)
        return stream.read(_MAX_FILE + 1)


def _put(file: Path, content: bytes) -> None:
    """Write a file as a whole, or leave nothing.

    Raises:
        OSError: there is no room, or it may not be written.

    """
    descriptor, temporary = tempfile.mkstemp(suffix=_HALF, dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(temporary).replace(file)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _is_ours(found: os.stat_result) -> bool:
    """Whether nobody else can have written it."""
    is_mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return is_mine and not stat.S_IMODE(found.st_mode) & 0o022


def _own(folder: Path | None) -> Path | None:
    """The folder, if it can be made and only we can write to it."""
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError:
        return None
    return folder if _is_ours(found) else None
