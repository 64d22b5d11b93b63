"""Limits: how large and how slow a request may be, and how many of them somebody may make.

`Limits` stands before everything else, so that nothing reads a body that is over the bound: what is too large, comes
too slowly or is packed is refused while it arrives, and none of it is kept.
"""

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from math import ceil
from time import monotonic
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livery.http.problems import REQUEST_ID, plain
from livery.policies import ServerPolicy

UPLOADS: Final[list[re.Pattern[str]]] = []
"""Paths whose bodies may be as large as `max_upload` says."""
_KEPT = 50_000
_MOST_HEADERS = 64 * 1024
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Of every answer that says nothing else: nobody keeps it, and a browser runs and frames nothing of it."""


class Limits:
    """ASGI middleware: names each request, and bounds what its body may be."""

    def __init__(self, app: ASGIApp, policy: ServerPolicy) -> None:
        self._app, self._policy = app, policy
        self._first, self._count = secrets.token_hex(6), count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = f"{self._first}{next(self._count):08x}"
        scope[REQUEST_ID] = name
        named, is_head = (b"x-request-id", name.encode()), scope["method"] == "HEAD"
        scope = {**scope, "method": "GET"} if is_head else scope  # RFC 9110, 9.3.2: the same without the content

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                have = {key.lower() for key, _ in message.get("headers", ())}
                more = [one for one in (named, *_HEADERS) if one[0] not in have]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if sum(len(key) + len(value) for key, value in scope["headers"]) > _MOST_HEADERS:
            said = f"The headers may have {_MOST_HEADERS:,} bytes, and these have more."
            await plain(Request(scope), 431, said)(scope, receive, sending)
            return
        await self._app(scope, self._bounded(scope, receive), sending)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        most, until = self._most(scope), monotonic() + self._policy.body_seconds
        seen, is_whole = 0, False

        async def receiving() -> Message:
            nonlocal seen, is_whole
            if is_whole:
                return await receive()  # only word of the other side's going away comes now
            if not seen:
                _check_headers(scope, most)
            try:
                async with asyncio.timeout(until - monotonic()):
                    message = await receive()
            except TimeoutError:
                said = f"The body was not there within {self._policy.body_seconds:g} seconds."
                raise HTTPException(408, said, {"Connection": "close"}) from None
            seen += len(message.get("body", b""))
            if seen > most:
                raise _too_large(most)
            is_whole = not message.get("more_body", False)
            return message

        return receiving

    def _most(self, scope: Scope) -> int:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        is_upload = any(one.fullmatch(path) for one in UPLOADS)
        return self._policy.max_upload if is_upload else self._policy.max_body


class Buckets:
    """How many requests each of many may still make: so many a second, and so many at once. For one event loop.

    Args:
        rate: requests a second; 0 for no bound.
        burst: how many at once.
        clock: seconds that only go forward.

    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._rate, self._burst, self._clock = rate, float(burst), clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Take one; or, if there is none left, the seconds until there will be."""
        if not self._rate:
            return 0.0
        now = self._clock()
        left, at = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        taken = left >= 1
        self._left[key] = (left - taken, now)
        if len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) / self._rate

    def check(self, key: str, who: str) -> None:
        """Take one.

        Raises:
            HTTPException: 429; says when to come again.

        """
        if wait := self.wait(key):
            seconds = max(1, ceil(wait))
            said = f"{who} made too many requests; the next is answered in {seconds} s."
            raise HTTPException(429, said, {"Retry-After": str(seconds)})


def _check_headers(scope: Scope, most: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > most:
            raise _too_large(most)
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise HTTPException(
                415, "Send the body as it is: packed ones are not read.", {"Accept-Encoding": "identity"}
            )


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"The body may have {most:,} bytes, and this one has more.", {"Connection": "close"})
