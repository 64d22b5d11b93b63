"""The far side of a channel under test: what it may answer, what arrived there, and one ready made for HTTP."""

import asyncio
import json
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from livery.testing.servers import HttpReceiver, Received

if TYPE_CHECKING:
    from aiohttp import web

WAIT = 37
"""Seconds a far side that says `THROTTLED` asks for, where its protocol can say so."""


class Says(StrEnum):
    """What a far side answers to everything it is sent."""

    OK = "ok"
    THROTTLED = "throttled"
    """Not now: HTTP 429 with `Retry-After: 37`."""
    BROKEN = "broken"
    """A fault of its own that may pass: HTTP 500."""
    REFUSED = "refused"
    """Never: HTTP 400."""
    QUOTING = "quoting"
    """Never, and its answer quotes all it was sent, credentials included."""
    GARBLED = "garbled"
    """Takes the message, then bytes that are no answer."""
    HANGING_UP = "hanging up"
    """Takes the message, then closes the connection without a word."""
    RESETTING = "resetting"
    """Takes the message, then resets the connection (TCP RST)."""
    DRIPPING = "dripping"
    """Takes the message, then begins an answer that never ends, a byte now and then."""
    SILENT = "silent"
    """Takes the message, then nothing, for as long as the test lasts."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as the far side took it."""

    content: bytes
    """All that a recipient gets to see of it; not what only the connection carried, such as a login."""
    text: str
    """What it says, decoded: the words a person or system there reads."""
    identity: str = ""
    """By what the far side recognises a copy of it, such as a Message-ID."""
    addresses: tuple[str, ...] = ()
    """Whom it was for, where the channel writes to persons."""
    reply_to: str = ""
    images: Mapping[str, bytes] = field(default_factory=dict)
    """The images that came inside it, by Content-ID without angle brackets."""


class FarSide(ABC):
    """What a channel talks to, real or played, on this machine; entered anew for each test.

    The suite sets `says` before it enters and reads `arrivals` after a send. The far side may be in a thread
    or a process of its own. It is ready when `__enter__` returns and unreachable after `__exit__`.
    """

    vocabulary: ClassVar[frozenset[Says]] = frozenset(Says)
    """What it can be made to say; tests that need more are skipped."""
    loggers: ClassVar[tuple[str, ...]] = ()
    """Loggers it writes to itself: they are not searched for the channel's secrets."""

    says: Says = Says.OK
    patience: float = 10.0
    """Seconds the channel should wait for an answer in this test; hand it to the channel's own time-out."""

    @property
    @abstractmethod
    def arrivals(self) -> Sequence[Arrival]:
        """What it took, in order, whatever it answered."""

    @property
    @abstractmethod
    def asked(self) -> int:
        """How often a channel came to it, whether it took anything or not."""

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class HttpFarSide(FarSide):
    """A service that is POSTed to, for channels over `Outbound.post` or any other HTTP client.

    Args:
        identity: the request header the delivery's identity travels in.
        success: the status it answers if all is well.

    """

    loggers = ("aiohttp.server", "aiohttp.web")
    said_if_well: ClassVar[str] = "ok"
    """The body of its answer if all is well."""

    def __init__(self, *, identity: str = "", success: int = 200) -> None:
        self._identity, self._success = identity, success
        self.receiver = HttpReceiver(respond=self._respond)

    def url(self, path: str) -> str:
        """The URL of a path here."""
        return self.receiver.url(path)

    @property
    def arrivals(self) -> Sequence[Arrival]:
        return [self.arrival(request) for request in self.receiver.requests]

    @property
    def asked(self) -> int:
        return len(self.receiver.requests)

    def arrival(self, request: Received) -> Arrival:
        """What a request says; override it where the message is not the JSON or plain text of its body."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        return Arrival(request.body, text_of(request.body), identity=headers.get(self._identity.lower(), ""))

    async def _respond(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import web

        match self.says:
            case Says.OK:
                return web.Response(status=self._success, text=self.said_if_well)
            case Says.THROTTLED:
                return web.Response(status=429, text="slow down", headers={"Retry-After": str(WAIT)})
            case Says.BROKEN:
                return web.Response(status=500, text="a fault of ours")
            case Says.REFUSED:
                return web.Response(status=400, text="not like this")
            case Says.QUOTING:
                quoted = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
                return web.Response(status=400, text=f"POST {request.path_qs}\n{quoted}")
            case _ if request.transport is not None:
                await self._misbehave(request.transport)
        return web.Response()

    async def _misbehave(self, transport: asyncio.Transport) -> None:
        match self.says:
            case Says.GARBLED:
                transport.write(b"\x00\xff as you like it\r\n\r\n")
                transport.close()
            case Says.HANGING_UP:
                transport.abort()
            case Says.RESETTING:
                reset(transport)
            case Says.DRIPPING:
                await drip(transport, b"HTTP/1.1 200 OK\r\nX-Slow: ", self.receiver.stopping)
            case _:
                await self.receiver.stopping.wait()

    def __enter__(self) -> Self:
        self.receiver.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.receiver.__exit__(kind, error, trace)


def reset(transport: asyncio.BaseTransport) -> None:
    """End a connection by RST, as a crashed machine's system does."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    cast(asyncio.Transport, transport).abort()


async def drip(transport: asyncio.BaseTransport, beginning: bytes, stopping: asyncio.Event) -> None:
    """Say the beginning, then a byte every tenth of a second, until the server is stopped or nobody listens."""
    writing = cast(asyncio.Transport, transport)
    writing.write(beginning)
    while not stopping.is_set() and not writing.is_closing():
        writing.write(b"x")
        await asyncio.sleep(0.1)


def text_of(body: bytes) -> str:
    """The words of a body: every text in it if it is JSON, else all of it."""
    plain = body.decode("utf-8", "replace")
    try:
        return "\n".join(_leaves(json.loads(plain)))
    except ValueError:
        return plain


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
