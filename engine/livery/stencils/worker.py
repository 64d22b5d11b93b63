"""The worker: a process of its own in which packs are compiled, so that nothing in them can harm the host's.

It speaks frames on its standard streams: four bytes of length (big endian), then JSON. A request is `{"op": …}`;
while it works it says `{"at": template}`, and ends with `{"ok": …}` or `{"error": …}`. Its memory is limited, its
environment empty, it can write no file; its parent kills it when a request takes too long.
"""

import json
import os
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from livery.composing import Plain

MAX_FRAME = 16 * 1024 * 1024
_WORN = 3
"""What part of its memory a worker may have in use between requests; with more, a new one takes its place."""
_LENGTH = struct.Struct(">I")


def encoded(message: Plain) -> bytes:
    """What stands in a frame."""
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")


def send(stream: BinaryIO, body: bytes) -> None:
    """Write one frame."""
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def receive(stream: BinaryIO) -> Plain | None:
    """Read one frame; None at the end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME:
        return None
    body = stream.read(length)
    message: Plain = json.loads(body)
    return message


def answer(request: Plain, report: Callable[[str], None]) -> Plain:
    """What comes back for a request."""
    match request["op"]:
        case "compile":
            from livery.stencils.compiling import compiled

            return compiled(request["order"], report)
        case "page":
            from livery.stencils.direct import Direct

            html, notes = Direct(request["order"]).html(request["said"])
            return {"html": html, "notes": notes}
        case "read":
            from livery.stencils.proving import read

            return {"templates": read(request["templates"], report)}
        case "prove":
            from livery.stencils.proving import proved

            return proved(request["order"], request["samples"], report)
        case "ready":
            import livery.stencils.direct  # noqa: F401 - loads Jinja and MJML before the first order comes

            return {}
    raise ValueError(f"no such request: {request['op']!r}")


def main(memory: int) -> None:
    """Answer requests until the other side goes away.

    Args:
        memory: how many bytes more than after start-up it may use.

    """
    reading, writing = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not stand between the frames
    answer({"op": "ready"}, lambda _: None)
    _limit(memory)
    last: list[str] = [""]

    def report(at: str) -> None:
        if at != last[0]:
            last[0] = at
            send(writing, encoded({"at": at}))

    start = _size()
    while (request := receive(reading)) is not None:
        last[0] = ""
        try:
            made = answer(request, report)
            body = encoded({"ok": made, "worn": _size() - start > memory // _WORN})
        except MemoryError:
            body = encoded({"error": "needs too much memory", "limit": "memory"})
        except BaseException as error:
            if isinstance(error, SystemExit | KeyboardInterrupt):
                raise
            body = encoded({"error": f"{type(error).__name__}: {error}"[:500], "limit": ""})
        send(writing, body)


def _size() -> int:
    """Bytes of memory this process has; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:  # noqa: PTH123 - no pathlib after start-up
            return int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # no such limits on this system; the parent's deadline remains
        return
    if used := _size():
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]))
