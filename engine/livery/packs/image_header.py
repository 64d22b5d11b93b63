"""What the first bytes of an image say: its type, and its size in pixels. Nothing is decoded.

Other tools' word for a file (its name, a media type that came with it) is never taken.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple


class Look(NamedTuple):
    """What an image's first bytes say."""

    media_type: str
    width: int
    height: int


def look(data: bytes) -> Look | None:
    """The type and the size in pixels of an image; None if it is none of PNG, JPEG, GIF and WebP, or cut short."""
    kind = media_type(data)
    try:
        width, height = _SIZES[kind](data)
    except (KeyError, IndexError, struct.error):
        return None
    return Look(kind, width, height)


def media_type(data: bytes) -> str:
    """By the first bytes (https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern); empty if unknown."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:14] == b"WEBPVP" else ""


def _png(data: bytes) -> tuple[int, int]:
    kind, width, height = struct.unpack_from(">4sII", data, 12)
    return (width, height) if kind == b"IHDR" else (0, 0)


def _jpeg(data: bytes) -> tuple[int, int]:
    """From the first frame header (ITU-T T.81 §B.2.2)."""
    at = 2
    while True:
        while data[at] == 0xFF:  # noqa: PLR2004 - a marker's first byte, of which there may be several
            at += 1
        marker, (length,) = data[at], struct.unpack_from(">H", data, at + 1)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # noqa: PLR2004 - DHT, JPG and DAC are no frames
            height, width = struct.unpack_from(">HH", data, at + 4)
            return width, height
        if marker in (0xD9, 0xDA) or data[at + 1 + length] != 0xFF:  # noqa: PLR2004 - the end, pixels, or no marker
            return 0, 0
        at += 1 + length


def _gif(data: bytes) -> tuple[int, int]:
    """The screen, or what its largest frame makes of it."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _palette(flags)
    while at < len(data) and data[at] in b"\x21\x2c":
        if data[at] == 0x2C:  # noqa: PLR2004 - a frame
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, at + 1)
            width, height = max(width, left + across), max(height, top + down)
            at += 9 + _palette(flags)
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    return width, height


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(data: bytes) -> tuple[int, int]:
    """https://developers.google.com/speed/webp/docs/riff_container"""
    match data[12:16]:
        case b"VP8X":
            return _three(data, 24) + 1, _three(data, 27) + 1
        case b"VP8L" if data[20] == 0x2F:  # noqa: PLR2004 - the signature
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _three(data: bytes, at: int) -> int:
    low, high = struct.unpack_from("<HB", data, at)
    return int(low | high << 16)


_SIZES: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
