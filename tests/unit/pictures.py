"""The least images of every kind, and the two ways a pack's images travel."""

import struct
import zlib

from livery.packs.assets import Policy

INLINE = Policy()
LINK = Policy("link", "https://static.example/packs")


def png(width=2, height=3):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0\0" * 3)) + chunk(b"IEND", b"")


def jpeg(width=2, height=3, *, before=b"", frame=0xC2):
    start = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + before
    return start + struct.pack(">BBHBHHB", 0xFF, frame, 11, 8, height, width, 1) + b"\x01\x11\0\xff\xd9"


def gif(width=2, height=3, frames=()):
    data = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    for left, top, across, down in frames:
        data += b"\x21\xf9\x04\0\0\0\0\0"
        data += struct.pack("<BHHHHB", 0x2C, left, top, across, down, 0x81) + b"\0" * 12 + b"\x02\x02\x44\x01\0"
    return data + b"\x3b"


def riff(chunk):
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def webp(width=2, height=3):
    return riff(b"VP8 " + struct.pack("<I", 10) + b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height))


def webp_lossless(width=2, height=3):
    return riff(b"VP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", width - 1 | (height - 1) << 14))


def webp_extended(width=2, height=3):
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return riff(b"VP8X" + struct.pack("<I", 10) + b"\x10\0\0\0" + sides)
