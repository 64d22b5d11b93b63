"""`livery pack build`: a pack as one file, whose bytes depend on nothing but the pack."""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from livery.packs.pack import Pack
from livery.packtools.files import write
from livery.packtools.signing import SUFFIX, sign
from livery.studio.bench import Bench
from livery.studio.opening import Target

_TIME = (1980, 1, 1, 0, 0, 0)
"""The first moment a zip can name."""
_BESIDE = ("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt", "CHANGELOG.md")
_MAX_BESIDE = 256 * 1024
_REGULAR = 0o100644 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Built:
    """A zip that was written.

    Attributes:
        sha256: of the zip, in hex.
        signature_file: where its signature is; None if it was not signed.
        pack_digest: over the pack's files alone; the same for its folder.
        size: bytes.
        files: how many are in it.

    """

    file: Path
    digest_file: Path
    sha256: str
    pack_digest: str
    size: int
    files: int
    signature_file: Path | None = None

    def plain(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "file": str(self.file),
            "sha256": self.sha256,
            "digest_file": str(self.digest_file),
            "signature_file": str(self.signature_file) if self.signature_file else None,
            "pack_digest": self.pack_digest,
            "size": self.size,
            "files": self.files,
        }


def build(target: Target, out: Path | None = None, *, key: Path | None = None) -> Built:
    """Write the zip of a pack, and its digest beside it. Whether the pack is right is not looked at.

    Args:
        target: the pack.
        out: the zip; `<id>-<version>.zip` if None.
        key: a private key to sign it with.

    Raises:
        LiveryError: the pack cannot be read, `out` cannot be written, or the key is none. Then nothing is written.

    """
    bench = Bench.opened(target)
    bench.close()
    pack = bench.packs.asked
    file = out or Path(f"{pack.id}-{pack.manifest.version}.zip")
    files = {**_beside(pack), **pack.snapshot.files}
    content = zipped(files)
    digest = sha256(content).hexdigest()
    beside, signed = file.with_name(f"{file.name}.sha256"), file.with_name(f"{file.name}{SUFFIX}")
    signature = sign(content, key) if key else None
    if signature is None:
        signed.unlink(missing_ok=True)  # of what was there before
    write(file, content)
    write(beside, f"{digest}  {file.name}\n".encode())
    if signature is not None:
        write(signed, signature)
    return Built(file, beside, digest, pack.digest, len(content), len(files), signed if signature else None)


def zip_of(folder: Path) -> bytes:
    """The zip of the pack in a folder, as `build` makes it. Whether the pack is right is not looked at.

    Raises:
        PackError: there is no pack, or not one that can be read.

    """
    pack = Pack(folder)
    return zipped({**_beside(pack), **pack.snapshot.files})


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip in memory. Nothing is compressed: what deflate makes depends on who wrote it."""
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        for name in sorted(files):
            entry = ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = _UNIX, _REGULAR
            archive.writestr(entry, files[name])
    return stream.getvalue()


def _beside(pack: Pack) -> dict[str, bytes]:
    """What people read before they use it: no part of the pack, but it goes with it."""
    found: dict[str, bytes] = {}
    for name in _BESIDE:
        file = Path(pack.folder) / name
        if name in pack.snapshot.ignored and file.is_file() and not file.is_symlink():
            content = file.read_bytes()
            if len(content) <= _MAX_BESIDE:
                found[name] = content
    return found
