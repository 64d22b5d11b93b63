"""A pack in a zip: read in memory, entry by entry; nothing is ever extracted to disk.

The zip may be made to fool its reader. What the directory at its end says is only believed where the entry
itself says the same, and every byte that comes out of it is counted.
"""

import os
import stat
import struct
import zlib
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from livery.errors import PackError
from livery.packs.gathering import MANIFEST, Gathering, belongs, fault_of, is_hidden
from livery.packs.source import Snapshot, reason, stamp_of

MAX_ZIP = 16 * 1024 * 1024
MAX_ENTRIES = 5000
MAX_RATIO = 200
_FREE_RATIO = 64 * 1024
"""Up to this size the ratio says nothing: an empty file of blanks is packed very well."""
_MAX_DIRECTORY = 1024 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_ENCRYPTED, _LATER, _UTF8 = 0x1, 0x8, 0x800
_TRIES = 4

_END, _LOCAL = b"PK\x05\x06", b"PK\x03\x04"
_END_FORMAT = struct.Struct("<4s4H2LH")
_LOCAL_FORMAT = struct.Struct("<4s5H3L2H")
_MAX_COMMENT = 0xFFFF


def read_zip(path: Path) -> Snapshot:
    """Read a zip file.

    Raises:
        PackError: see `livery.packs.source.open_source`.

    """
    try:
        for _ in range(_TRIES):
            with os.fdopen(os.open(path, _FLAGS), "rb") as stream:
                before = os.fstat(stream.fileno())
                if not stat.S_ISREG(before.st_mode):
                    raise PackError("is no ordinary file, so it is no template pack", pack=str(path))
                raw = stream.read(MAX_ZIP + 1)
                after = os.fstat(stream.fileno())
            if stamp_of(before) == stamp_of(after):
                return from_zip(raw, str(path), stamp=stamp_of(after))
    except OSError as error:
        raise PackError(f"cannot be read: {reason(error)}", pack=str(path)) from None
    raise PackError("changes while it is read; try again when it is at rest", pack=str(path))


def from_zip(raw: bytes, where: str, *, stamp: object = None) -> Snapshot:
    """The pack in the bytes of a zip: at its top, or in the one folder there.

    Args:
        raw: the whole zip.
        where: what to call it in errors.
        stamp: kept in the snapshot.

    Raises:
        PackError: see `livery.packs.source.open_source`.

    """
    gathering = Gathering(where)
    if len(raw) > MAX_ZIP:
        gathering.refuse(f"is larger than {MAX_ZIP // 1024 // 1024} MiB")
    entries = _directory(raw, gathering)
    top = _top(entries)
    ignored = set()
    for one in entries:
        name = one.orig_filename
        if not _is_safe(one, gathering) or one.is_dir():
            continue
        path = name.removeprefix(top)
        if name.startswith(top) and belongs(path):
            _take(raw, one, path, gathering)
        elif name.startswith(top) and not is_hidden(path):
            ignored.add(path.partition("/")[0])
    gathering.check()
    return Snapshot.of(gathering.files, where, ignored, unread=gathering.unread, stamp=stamp)


def _directory(raw: bytes, gathering: Gathering) -> list[ZipInfo]:
    """The entries as the directory at the end lists them.

    Raises:
        PackError: it is no zip, or one with too many entries.

    """
    # Before the directory is read: one of a hundred thousand entries takes seconds, and a hundred megabytes.
    at = raw.rfind(_END, max(0, len(raw) - _END_FORMAT.size - _MAX_COMMENT))
    if at < 0 or len(raw) - at < _END_FORMAT.size:
        gathering.refuse("is no zip", fix="a pack is a folder, or a zip of one: livery pack build makes it")
    _, _, _, _, count, size, _, _ = _END_FORMAT.unpack_from(raw, at)
    if count > MAX_ENTRIES or size > _MAX_DIRECTORY:
        gathering.refuse(f"has more than {MAX_ENTRIES:,} entries")
    try:
        with ZipFile(BytesIO(raw)) as opened:
            entries = opened.infolist()
    except (BadZipFile, NotImplementedError, ValueError, OSError, struct.error, OverflowError) as error:
        gathering.refuse(f"cannot be read as a zip: {error}")
    if len(entries) > MAX_ENTRIES:
        gathering.refuse(f"has more than {MAX_ENTRIES:,} entries")
    return entries


def _top(entries: list[ZipInfo]) -> str:
    """The folder the pack is in, with a slash; empty if it is at the top."""
    names = [one.orig_filename for one in entries]
    tops = {name.partition("/")[0] for name in names if "/" in name} - {"__MACOSX"}
    only = f"{next(iter(tops))}/" if len(tops) == 1 else ""
    return only if MANIFEST not in names and f"{only}{MANIFEST}" in names else ""


def _is_safe(one: ZipInfo, gathering: Gathering) -> bool:
    """Whether an entry may be looked at: its name, its kind, its encryption."""
    name = one.orig_filename
    kind = stat.S_IFMT(one.external_attr >> 16)
    if one.is_dir():
        if said := fault_of(name.rstrip("/")):
            gathering.wrong(said, name)
        return not said
    is_fit = gathering.has_fit_name(name)
    if stat.S_ISLNK(kind):
        gathering.wrong("is a link; put the file itself into the zip", name)
    elif kind and not stat.S_ISREG(kind):
        gathering.wrong("is no ordinary file", name)
    elif one.flag_bits & _ENCRYPTED:
        gathering.wrong("is encrypted; make the zip without a password", name)
    else:
        return is_fit
    return False


def _take(raw: bytes, one: ZipInfo, path: str, gathering: Gathering) -> None:
    if one.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        gathering.wrong("is packed in a way other than deflate; make the zip with plain deflate", path)
    elif one.file_size > _FREE_RATIO and one.file_size > MAX_RATIO * max(one.compress_size, 1):
        gathering.wrong(f"is packed to less than 1/{MAX_RATIO} of its size, as only a zip bomb is", path, rule="size")
    elif gathering.has_room(path, one.file_size):
        content = _content(raw, one)
        if content is None:
            gathering.wrong("is damaged, or is not what the zip says of it; make the zip again", path)
        else:
            gathering.files[path] = content


def _content(raw: bytes, one: ZipInfo) -> bytes | None:
    """What an entry holds; None if anything about it is not as the directory says."""
    start = one.header_offset
    if start < 0 or start + _LOCAL_FORMAT.size > len(raw):
        return None
    mark, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL_FORMAT.unpack_from(raw, start)
    start += _LOCAL_FORMAT.size
    called = one.orig_filename.encode("utf-8" if one.flag_bits & _UTF8 else "cp437")
    if (mark, method, raw[start : start + name]) != (_LOCAL, one.compress_type, called) or flags & _ENCRYPTED:
        return None
    if not flags & _LATER and (crc, packed, size) != (one.CRC, one.compress_size, one.file_size):
        return None
    start += name + extra
    content = _inflated(raw[start : start + one.compress_size], one)
    return content if content is not None and zlib.crc32(content) == one.CRC else None


def _inflated(packed: bytes, one: ZipInfo) -> bytes | None:
    if len(packed) != one.compress_size:
        return None
    if one.compress_type == ZIP_STORED:
        return packed if one.file_size == one.compress_size else None
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = stream.decompress(packed, one.file_size + 1)
    except zlib.error:
        return None
    return content if len(content) == one.file_size and stream.eof and not stream.unused_data else None
