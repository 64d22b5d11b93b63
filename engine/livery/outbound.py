"""HTTP to other people's servers: one POST, behind the guard.

No redirects, no proxies from the environment, a deadline, a cap on the answer.
"""

import asyncio
import base64
import binascii
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from livery.guard import URL_PART, ForbiddenTarget, Guard, OutboundPolicy, is_public
from livery.locales import one_line, shorten
from livery.models.delivery import Outcome, Reason
from livery.posting import HEAD_LINE, HEADERS, IN_ALL, INTERIM, OURS, PER_HOST, Posted, Posts, beginning

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

__all__ = ["Answer", "ForbiddenTarget", "Outbound", "OutboundPolicy", "is_public", "outcome_of"]

_EXCERPT = 300
_SECRET_LENGTH = 8
_LONGEST_WAIT = 24 * 3600.0
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
    """HTTP to the outside. Opens its connections on first use, in the running event loop."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self.guard = Guard(policy)
        """For connections that are not HTTP."""
        self._policy = policy
        self._posts: Posts | None = None
        self._session: aiohttp.ClientSession | None = None
        """For a proxy alone."""

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
        from aiohttp.http_exceptions import HttpProcessingError

        posted = Posted(asyncio.get_running_loop().time() + self._policy.timeout)
        try:
            target = self.guard.check_url(url)
            if self._policy.proxy is None:
                await self._open().post(target, body, headers, posted)
            else:
                await self._by_proxy(target, body, headers, posted)
        except ForbiddenTarget as refusal:
            return Answer(failure=Reason.FORBIDDEN_TARGET, excerpt=str(refusal))
        except TimeoutError:
            return Answer(failure=Reason.TIMEOUT, excerpt="no answer in time", reached=posted.is_sent)
        except aiohttp.InvalidURL:
            return Answer(failure=Reason.INVALID, excerpt="not a URL")
        except (HttpProcessingError, aiohttp.ClientResponseError):
            return Answer(failure=Reason.SERVER_ERROR, excerpt="its answer makes no sense", reached=posted.is_sent)
        except (aiohttp.ClientError, OSError) as error:
            if self._posts is None and self._session is None:
                return Answer(failure=Reason.MISCONFIGURED, excerpt="outbound.ca_file is no file of certificates")
            said = "the connection broke" if posted.is_sent else _why_not(error)
            return Answer(failure=Reason.UNREACHABLE, excerpt=said, reached=posted.is_sent)
        except ValueError:
            return Answer(failure=Reason.INVALID, excerpt="a host name or a header that cannot be sent")
        excerpt = _excerpt(posted.raw, url, headers) if posted.raw else ""
        return Answer(status=posted.status, headers=posted.headers, excerpt=excerpt, body=posted.raw)

    def _open(self) -> Posts:
        if self._posts is None:
            self._posts = Posts(self.guard, _context(self._policy.ca_file) if self._policy.ca_file else None)
        return self._posts

    async def _by_proxy(self, target: "URL", body: bytes, headers: Mapping[str, str], posted: Posted) -> None:
        """The proxy is told an address that was checked, so that it has no name to look up a second time."""
        host, proxy = target.host or "", self._policy.proxy
        assert proxy is not None, "there is one"
        session, found = self._opened(), await self.guard.resolve(host)
        response = await session.post(
            target.with_host(found[0].host),
            data=body,
            headers={**headers, "Host": target.host_port_subcomponent or ""},
            allow_redirects=False,
            server_hostname=host.rstrip("."),
            proxy=proxy.get_secret_value(),
            trace_request_ctx=posted,
        )
        try:
            posted.raw = await beginning(response.headers, response.content, posted.until)
        finally:
            response.release()
        posted.status, posted.headers = response.status, response.headers

    def _opened(self) -> "aiohttp.ClientSession":
        if self._session is None:
            import aiohttp

            async def note(session: Any, context: Any, params: Any) -> None:
                del session, params
                context.trace_request_ctx.is_sent = True

            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(note)
            connector = aiohttp.TCPConnector(
                limit=IN_ALL,
                limit_per_host=PER_HOST,
                force_close=True,  # two names of one address would look alike to the pool
                ssl=_context(self._policy.ca_file) if self._policy.ca_file else True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._policy.timeout, sock_connect=min(10.0, self._policy.timeout)),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=HEAD_LINE,
                max_field_size=HEAD_LINE,
                max_headers=HEADERS,
                headers=OURS,
                response_class=_bounded_response(),
                trace_configs=[trace],
            )
        return self._session

    async def aclose(self) -> None:
        """Close the connections; the next request opens others."""
        posts, self._posts = self._posts, None
        if posts is not None:
            posts.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()


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
                if heard > INTERIM + 1:
                    raise HttpProcessingError(message="too many interim answers")
                return await read()

            protocol.read = counted
            try:
                return await super().start(connection)
            finally:
                del protocol.read

    return BoundedResponse


def _context(ca_file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context


def _why_not(error: Exception) -> str:
    import aiohttp

    if isinstance(error, ssl.SSLCertVerificationError | aiohttp.ClientConnectorCertificateError):
        return "no connection: the certificate is not valid for this host"
    return "no connection"


def _secrets(url: str, headers: Mapping[str, str]) -> list[str]:
    """What of a request may be a secret, longest first: a chat hook's path is one."""
    authority, *path = URL_PART.split(url.partition("//")[2])
    whole = url.partition(authority)[2]
    sent = [whole, whole.partition("?")[0], whole.partition("?")[2], *path]
    hidden = [value for name, value in headers.items() if name.lower() not in _SAID_OPENLY]
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


def _excerpt(raw: bytes, url: str, headers: Mapping[str, str]) -> str:
    """The beginning of an answer as it may be shown."""
    text = one_line(raw.decode("utf-8", "replace"))
    for secret in _secrets(url, headers):
        text = text.replace(secret, "•••")
    return shorten(text, _EXCERPT)


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
    try:
        moment = parsedate_to_datetime(value).timestamp() if value.endswith("GMT") else None
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
    wait = _wait(answer.headers.get("Retry-After"))
    if found >= 500 or found in _TRY_AGAIN:  # noqa: PLR2004
        reason = _BY_STATUS.get(found, Reason.SERVER_ERROR)
        return Outcome(status="retry", reason=reason, code=code, detail=answer.excerpt, retry_after=wait)
    reason = _BY_STATUS.get(found, Reason.REFUSED)
    return Outcome(status="failed", reason=reason, code=code, detail=answer.excerpt)
