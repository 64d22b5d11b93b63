"""HTTP to other people's servers: one POST, behind the guard.

No redirects, no proxies from the environment, a deadline, a cap on the answer.
"""

import base64
import binascii
import re
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from livery.guard import URL_PART, ForbiddenTarget, Guard, OutboundPolicy, is_public
from livery.locales import one_line, shorten
from livery.models.delivery import Outcome, Reason

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

__all__ = ["Answer", "ForbiddenTarget", "Outbound", "OutboundPolicy", "is_public", "outcome_of"]

_ANSWER_CAP = 20_000
_HEAD_LINE, _HEADERS = 8190, 128
"""Octets of one line of an answer's head, and how many lines it may have."""
_INTERIM = 20
"""Answers of 1xx before the one that counts (RFC 9110 §15.2); a flood of them would keep the event loop busy."""
_EXCERPT = 300
_BODY_WAIT = 2.0
"""Seconds for the body once the status is there: it is only shown to people, the status decides."""
_SECRET_LENGTH = 8
_LONGEST_WAIT = 24 * 3600.0
_ASCTIME = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}")
"""The third form of an HTTP date, which names no zone and means GMT (RFC 9110 §5.6.7)."""
_SAID_OPENLY = frozenset(
    ["accept", "content-type", "idempotency-key", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"]
)
"""Request headers that hold no secret; every other one may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. Exactly one of `status` and `failure` is set."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    excerpt: str = ""
    body: bytes = field(default=b"", repr=False)
    """The first 20,000 bytes as they came. It may quote secrets: only what was parsed out of it may be shown."""
    failure: Reason | None = None
    reached: bool = False
    """Whether the request may have been received although no answer came."""


class Outbound:
    """HTTP to the outside. Opens its session on first use, in the running event loop."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self.guard = Guard(policy)
        """For connections that are not HTTP."""
        self._policy = policy
        self._session: aiohttp.ClientSession | None = None

    def check(self, url: str) -> None:
        """Refuse a URL by its form: scheme, credentials, port, literal address.

        Raises:
            ForbiddenTarget: says what is wrong with it.

        """
        self.guard.check_url(url)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST once and read at most 20,000 bytes of the answer. Never raises for what the far side does.

        What the answer quotes of the URL's path and query and of headers that may be secret is blotted out.
        """
        import aiohttp

        request = SimpleNamespace(is_sent=False)
        try:
            target = self.guard.check_url(url)
            response = await self._request(target, body, headers, request)
            try:
                raw = await _beginning(response)
            finally:
                response.release()
        except ForbiddenTarget as refusal:
            return Answer(failure=Reason.FORBIDDEN_TARGET, excerpt=str(refusal))
        except TimeoutError:
            return Answer(failure=Reason.TIMEOUT, excerpt="no answer in time", reached=request.is_sent)
        except aiohttp.InvalidURL:
            return Answer(failure=Reason.INVALID, excerpt="not a URL")
        except (aiohttp.ClientError, OSError) as error:
            if self._session is None:
                return Answer(failure=Reason.MISCONFIGURED, excerpt="outbound.ca_file is no file of certificates")
            if refused := _refusal(error):
                return Answer(failure=Reason.FORBIDDEN_TARGET, excerpt=str(refused))
            if isinstance(error, aiohttp.ClientResponseError):
                return Answer(failure=Reason.SERVER_ERROR, excerpt="its answer makes no sense", reached=request.is_sent)
            said = "the connection broke" if request.is_sent else _why_not(error)
            return Answer(failure=Reason.UNREACHABLE, excerpt=said, reached=request.is_sent)
        except ValueError:
            return Answer(failure=Reason.INVALID, excerpt="a host name or a header that cannot be sent")
        # An answer quotes the URL as it was sent: escapes in capitals, and none for what needs none.
        excerpt = _excerpt(raw, (url, str(target)), headers) if raw else ""
        return Answer(status=response.status, headers=response.headers, excerpt=excerpt, body=raw)

    async def _request(
        self, target: "URL", body: bytes, headers: Mapping[str, str], request: SimpleNamespace
    ) -> "aiohttp.ClientResponse":
        async def said() -> AsyncIterator[bytes]:
            request.is_sent = True  # it is asked for when the connection is there
            yield body

        options: dict[str, Any] = {"data": said(), "allow_redirects": False}
        headers = {**headers, "Content-Length": str(len(body))}
        if self._policy.proxy is None:
            return await self._open().post(target, headers=headers, **options)
        # The proxy is told an address that was checked, so that it has no name to look up a second time.
        host = target.host or ""
        found = await self.guard.resolve(host)
        written = target.raw_host if target.is_default_port() else f"{target.raw_host}:{target.port}"
        return await self._open().post(
            target.with_host(found[0].host),
            headers={**headers, "Host": written or ""},
            server_hostname=host.rstrip("."),
            proxy=self._policy.proxy.get_secret_value(),
            **options,
        )

    def _open(self) -> "aiohttp.ClientSession":
        if self._session is None:
            import aiohttp

            by_proxy = self._policy.proxy is not None
            connector = _careful_connector()(
                resolver=None if by_proxy else _guarded_resolver(self.guard),
                use_dns_cache=False,
                limit=0,  # what is sent at once is bounded before: to wait here would count as the far side's time
                # Through a proxy, two names of one address would look alike to the pool.
                force_close=by_proxy,
                ssl=_context(self._policy.ca_file) if self._policy.ca_file else True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._policy.timeout, sock_connect=min(10.0, self._policy.timeout)),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=_HEAD_LINE,
                max_field_size=_HEAD_LINE,
                max_headers=_HEADERS,
                headers={"User-Agent": "Livery", "Accept-Encoding": "identity"},
                response_class=_bounded_response(),
            )
        return self._session

    async def aclose(self) -> None:
        """Close the session; the next request opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _careful_connector() -> "type[aiohttp.TCPConnector]":
    import aiohttp

    class CarefulConnector(aiohttp.TCPConnector):
        """Uses a kept connection again only if nothing came on it meanwhile: it would pass for the next answer."""

        async def _get(self, key: Any, traces: Any) -> Any:
            kept: Any = await super()._get(key, traces)
            while kept is not None and kept.protocol.should_close:
                kept.close()
                kept = await super()._get(key, traces)
            return kept

    return CarefulConnector


def _bounded_response() -> "type[aiohttp.ClientResponse]":
    import aiohttp
    from aiohttp.http import HttpProcessingError

    class BoundedResponse(aiohttp.ClientResponse):
        """An answer before which only so many interim ones may come."""

        async def start(self, connection: Any) -> aiohttp.ClientResponse:
            protocol, heard = connection.protocol, 0
            read = protocol.read

            async def counted() -> Any:
                nonlocal heard
                heard += 1
                if heard > _INTERIM + 1:
                    raise HttpProcessingError(message="too many interim answers")
                return await read()

            protocol.read = counted
            try:
                return await super().start(connection)
            finally:
                del protocol.read

    return BoundedResponse


async def _beginning(response: "aiohttp.ClientResponse") -> bytes:
    """The answer's body up to the cap; less if it is compressed, breaks off or is slow to come."""
    import asyncio

    import aiohttp

    raw = bytearray()
    if response.content.at_eof():
        return b""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return b""
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        if response.content.is_eof():  # all of it came with the status, as it mostly does
            return response.content.read_nowait(_ANSWER_CAP)
        async with asyncio.timeout(_BODY_WAIT):
            while len(raw) < _ANSWER_CAP and (chunk := await response.content.read(_ANSWER_CAP - len(raw))):
                raw += chunk
    return bytes(raw)


def _context(ca_file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context


def _refusal(error: BaseException) -> ForbiddenTarget | None:
    """Our own refusal, if that is what an error of the client goes back to."""
    at: BaseException | None = error
    while at is not None and not isinstance(at, ForbiddenTarget):
        at = at.__cause__
    return at


def _why_not(error: Exception) -> str:
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "no connection: the certificate is not valid for this host"
    return "no connection"


@lru_cache(maxsize=1000)
def _secrets(urls: Sequence[str], hidden: Sequence[str]) -> list[str]:
    """What of a request may be a secret, longest first: a chat hook's path is one.

    Args:
        urls: where it goes, however that is written.
        hidden: the values of headers that may be secret.

    """
    sent = []
    for url in urls:
        authority, *path = URL_PART.split(url.partition("//")[2])
        whole = url.partition(authority)[2]
        sent += [whole, whole.partition("?")[0], whole.partition("?")[2], *path]
    sent += [part for value in hidden for part in (value, *value.split(), *_basic(value))]
    forms = {form for value in sent for form in (value, unquote(value)) if len(form) >= _SECRET_LENGTH}
    return sorted(forms, key=len, reverse=True)


def _basic(authorization: str) -> Sequence[str]:
    """What Basic credentials stand for (RFC 7617)."""
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ()
    try:
        plain = base64.b64decode(coded.strip()).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ()
    return (plain, plain.partition(":")[2])


def _excerpt(raw: bytes, urls: Sequence[str], headers: Mapping[str, str]) -> str:
    """The beginning of an answer as it may be shown."""
    # Without NUL, a secret in UTF-16 is found, too.
    text = one_line(raw.replace(b"\0", b"").decode("utf-8", "replace"))
    hidden = tuple(value for name, value in headers.items() if name.lower() not in _SAID_OPENLY)
    for secret in _secrets(urls, hidden):
        text = text.replace(secret, "•••")
    return shorten(text, _EXCERPT)


def _guarded_resolver(guard: Guard) -> Any:
    from aiohttp.abc import AbstractResolver, ResolveResult

    class GuardedResolver(AbstractResolver):
        """Every address must pass: the connection is made to what was checked, so DNS cannot change its mind."""

        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
            del family
            try:
                found = await guard.resolve(host)
            except ForbiddenTarget as refusal:
                raise OSError(str(refusal)) from refusal
            return [
                ResolveResult(hostname=host, host=one.host, port=port, family=one.family, proto=6, flags=0)
                for one in found
            ]

        async def close(self) -> None:
            """Holds nothing."""

    return GuardedResolver()


_BY_STATUS = {
    400: Reason.INVALID, 401: Reason.AUTH, 403: Reason.AUTH, 404: Reason.GONE, 405: Reason.INVALID, 408: Reason.TIMEOUT,
    410: Reason.GONE, 413: Reason.TOO_LARGE, 422: Reason.INVALID, 425: Reason.THROTTLED, 429: Reason.THROTTLED,
}  # fmt: skip
_TRY_AGAIN = frozenset({408, 425, 429})


def _wait(value: str | None) -> float | None:
    """Seconds a Retry-After asks for (RFC 9110 §10.2.3): a number or an HTTP date, a day at most; None for nonsense."""
    if value is None or not value.isascii():
        return None
    if value.isdigit() and len(value) < 10:  # noqa: PLR2004 - more digits are no wait but an attack
        return min(float(value), _LONGEST_WAIT)
    date = f"{value} GMT" if _ASCTIME.fullmatch(value) else value
    try:
        moment = parsedate_to_datetime(date).timestamp() if date.endswith("GMT") else None
    except (ValueError, OverflowError, TypeError):
        return None
    return None if moment is None else min(max(0.0, moment - time.time()), _LONGEST_WAIT)


def outcome_of(answer: Answer, *, success: Literal["delivered", "accepted"] = "delivered") -> Outcome:
    """What an HTTP answer stands for: 2xx is `success`, 3xx and most 4xx are final, 429 and 5xx are tried again."""
    if answer.status is None:
        reason = answer.failure or Reason.UNREACHABLE
        final = reason in (Reason.FORBIDDEN_TARGET, Reason.INVALID)
        status = "failed" if final else "unknown" if answer.reached else "retry"
        return Outcome(status=status, reason=reason, detail=answer.excerpt)
    code, found = str(answer.status), answer.status
    if 200 <= found < 300:  # noqa: PLR2004
        return Outcome(status=success, code=code, detail=answer.excerpt)
    if found < 200:  # noqa: PLR2004 - none that ends a request
        return Outcome(status="unknown", reason=Reason.SERVER_ERROR, code=code, detail=answer.excerpt)
    wait = _wait(answer.headers.get("Retry-After"))
    if found >= 500 or found in _TRY_AGAIN:  # noqa: PLR2004
        reason = _BY_STATUS.get(found, Reason.SERVER_ERROR)
        return Outcome(status="retry", reason=reason, code=code, detail=answer.excerpt, retry_after=wait)
    reason = _BY_STATUS.get(found, Reason.REFUSED)
    return Outcome(status="failed", reason=reason, code=code, detail=answer.excerpt)
