"""Posting: one POST after another over connections that are kept, each dialled by the guard. `Outbound` alone uses it.

Connections and parser are aiohttp's; its session around them takes several times as long as both.
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from livery.guard import Guard

if TYPE_CHECKING:
    from aiohttp import StreamReader
    from aiohttp.client_proto import ResponseHandler
    from yarl import URL

ANSWER_CAP = 20_000
HEAD_LINE, HEADERS = 8190, 128
"""Octets of one line of an answer's head, and how many lines it may have."""
INTERIM = 20
"""Answers of 1xx before the one that counts (RFC 9110 §15.2); a flood of them would keep the event loop busy."""
OURS: Mapping[str, str] = {"User-Agent": "Livery", "Accept-Encoding": "identity"}
IN_ALL, PER_HOST = 200, 20
"""Connections at a time."""
_CONNECT = 10.0
_KEPT = 15.0
"""Seconds a connection stays open with nothing to do."""
_BODY_WAIT = 2.0
"""Seconds for the body once the status is there: it is only shown to people, the status decides."""


@dataclass(slots=True)
class Posted:
    """One request, and what came of it.

    Attributes:
        until: when it has to be over, by the event loop's clock.
        is_sent: whether the far side may have it.

    """

    until: float
    is_sent: bool = False
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    """The beginning of the answer's body."""


class _Host:
    """The connections to one host and port: those with nothing to do, each with when it was put down."""

    def __init__(self) -> None:
        self.idle: list[tuple[ResponseHandler, float]] = []
        self.places, self.users = asyncio.Semaphore(PER_HOST), 0


class Posts:
    """Kept connections, of one event loop."""

    def __init__(self, guard: Guard, tls: ssl.SSLContext | None) -> None:
        self._guard, self._tls = guard, tls
        self._hosts: dict[tuple[str, str, int], _Host] = {}
        self._places = asyncio.Semaphore(IN_ALL)
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def post(self, target: "URL", body: bytes, headers: Mapping[str, str], posted: Posted) -> None:
        """POST once. What raises tells by `posted` how far it came; a body that breaks off does not raise.

        Raises:
            ForbiddenTarget: the guard refused an address.
            TimeoutError: no answer until `posted.until`.
            OSError: no connection.
            aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError: the connection broke; no answer is one.
            ValueError: a header cannot be sent.

        """
        request = _request(target, body, headers)
        key = (target.scheme, target.raw_host or "", target.port or 0)
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = _Host()
        host.users += 1
        try:
            async with asyncio.timeout_at(posted.until) as limit, host.places, self._places:
                await self._post(host, target, request, posted, limit)
        finally:
            host.users -= 1
            if self._sweeping is None and not self._is_closed:
                self._sweeping = asyncio.get_running_loop().call_later(_KEPT, self._sweep)

    async def _post(self, host: _Host, target: "URL", request: bytes, posted: Posted, limit: asyncio.Timeout) -> None:
        line, is_whole = self._kept(host), False
        if line is None:
            line = await self._dialled(target)
        try:
            message, content = await _asked(line, request, posted)
            limit.reschedule(None)  # the status is there, whatever becomes of the body
            posted.status, posted.headers = message.code, message.headers
            posted.raw = await beginning(message.headers, content, posted.until)
            is_whole = content.at_eof()
        finally:
            if is_whole and not line.should_close and not self._is_closed:
                host.idle.append((line, asyncio.get_running_loop().time()))
            else:
                line.abort()

    def _kept(self, host: _Host) -> "ResponseHandler | None":
        """One that is open and has not said a word since."""
        now = asyncio.get_running_loop().time()
        while host.idle:
            line, since = host.idle.pop()
            if line.is_connected() and not line.should_close and now - since < _KEPT:
                return line
            line.abort()
        return None

    async def _dialled(self, target: "URL") -> "ResponseHandler":
        from aiohttp.client_proto import ResponseHandler

        loop, name = asyncio.get_running_loop(), target.raw_host or ""
        async with asyncio.timeout(_CONNECT):
            sock = await self._guard.dial(name, target.port or 0, ports=self._guard.policy.ports)
        options: dict[str, Any] = {}
        if target.scheme == "https":
            self._tls = self._tls or ssl.create_default_context()
            options = {"ssl": self._tls, "server_hostname": name.rstrip(".")}
        _, line = await loop.create_connection(lambda: ResponseHandler(loop), sock=sock, **options)
        return line

    def _sweep(self) -> None:
        """Close what has had nothing to do for a while."""
        self._sweeping = None
        before = asyncio.get_running_loop().time() - _KEPT
        for key, host in list(self._hosts.items()):
            for line, since in host.idle:
                if since <= before:
                    line.abort()
            host.idle = [one for one in host.idle if one[1] > before]
            if not host.idle and not host.users:
                del self._hosts[key]
        if self._hosts:
            self._sweeping = asyncio.get_running_loop().call_later(_KEPT, self._sweep)

    def close(self) -> None:
        """Close what has nothing to do; what is under way closes when it has ended."""
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for host in self._hosts.values():
            for line, _ in host.idle:
                line.abort()
            host.idle.clear()


def _request(target: "URL", body: bytes, headers: Mapping[str, str]) -> bytes:
    given = {name.lower() for name in headers}
    ours = {name: value for name, value in OURS.items() if name.lower() not in given}
    every = {
        "Host": target.host_port_subcomponent or "",
        **ours,
        "Accept": "*/*",
        **headers,
        "Content-Length": str(len(body)),
    }
    lines = [f"{name}: {value}" for name, value in every.items()]
    if any("\r" in one or "\n" in one or "\0" in one for one in lines):
        raise ValueError("a header is one line")
    return "\r\n".join([f"POST {target.raw_path_qs} HTTP/1.1", *lines, "", ""]).encode() + body


async def _asked(line: "ResponseHandler", request: bytes, posted: Posted) -> "tuple[Any, StreamReader]":
    """The head of the answer that counts, and its body."""
    from aiohttp import ClientConnectionError
    from aiohttp.http_exceptions import HttpProcessingError

    line.set_response_params(
        read_until_eof=True, auto_decompress=False, max_line_size=HEAD_LINE, max_field_size=HEAD_LINE,
        max_headers=HEADERS,
    )  # fmt: skip
    if line.transport is None:
        raise ClientConnectionError
    posted.is_sent = True
    line.transport.write(request)
    for _ in range(INTERIM + 1):
        message, content = await line.read()
        if not 100 <= message.code < 200 or message.code == 101:  # noqa: PLR2004
            return message, content
    raise HttpProcessingError(message="too many interim answers")


async def beginning(headers: Mapping[str, str], content: "StreamReader", until: float) -> bytes:
    """An answer's body up to the cap; less if it is compressed, breaks off or is slow to come."""
    import aiohttp

    raw = bytearray()
    if content.at_eof() or headers.get("Content-Encoding", "identity") != "identity":
        return b""
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        if content.is_eof():
            return content.read_nowait(ANSWER_CAP)
        async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + _BODY_WAIT)):
            while len(raw) < ANSWER_CAP and (chunk := await content.read(ANSWER_CAP - len(raw))):
                raw += chunk
    return bytes(raw)
