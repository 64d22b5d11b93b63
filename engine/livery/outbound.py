"""The one place that opens outbound HTTP connections, and the guard in front of them.

A URL a tenant gave is hostile: the address it resolves to is checked, and the connection is made to the
checked address. No redirects, no proxies from the environment, a deadline, a cap on the answer.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pydantic import Field

from livery.errors import LiveryError
from livery.locales import one_line, shorten
from livery.models.base import Model
from livery.models.delivery import Outcome, Reason

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

_HTTPS_PORTS = frozenset({443, 8443})
_ANSWER_CAP = 20_000
_EXCERPT = 300
_BODY_WAIT = 2.0
"""Seconds for the body once the status is there: it is only shown to people, the status decides."""
_SECRET_LENGTH = 8
_URL_PART = re.compile(r"[/?#&=]")
_NOT_IN_A_URL = re.compile("[\x00-\x20\x7f\\\\]")
# What the system's resolver takes for an IPv4 address although it is not written as one: 127.1, 0x7f000001.
_LIKE_A_NUMBER = re.compile(r"\d+|0[xX][0-9A-Fa-f]*")
# Addresses Python's `is_global` calls global although they are not somebody else's public server:
# Azure's metadata and DNS, IETF protocol assignments, and the forms that carry an IPv4 address inside.
_NEVER = tuple(
    ip_network(net)
    for net in (
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "100.64.0.0/10",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
    )
)
_UNICAST6 = IPv6Network("2000::/3")


class OutboundPolicy(Model):
    """What tenants' URLs may reach."""

    allow: tuple[str, ...] = Field(
        default=(),
        description="Host names, addresses and networks that may be reached although they are internal, on any "
        "port and by plain http; such as `127.0.0.1` or `10.2.0.0/16`.",
    )
    timeout: float = Field(default=20.0, gt=0, le=30, description="Seconds for one request, all in all.")


class ForbiddenTarget(LiveryError):
    """The guard refused a target. The message names no internal address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. Exactly one of `status` and `failure` is set."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    excerpt: str = ""
    failure: Reason | None = None
    reached: bool = False
    """Whether the request may have been received although no answer came."""


def _networks(allow: Sequence[str]) -> tuple[frozenset[str], tuple[IPv4Network | IPv6Network, ...]]:
    hosts, nets = set(), []
    for entry in allow:
        try:
            nets.append(ip_network(entry, strict=False))
        except ValueError:
            hosts.add(entry.lower().rstrip("."))
    return frozenset(hosts), tuple(nets)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is somebody's public unicast server; anything that hides another address is not."""
    if address.version == 6:  # noqa: PLR2004
        if address not in _UNICAST6:
            return False
    elif address.is_multicast or address.is_reserved:
        return False
    return address.is_global and not any(address.version == net.version and address in net for net in _NEVER)


class Outbound:
    """HTTP to the outside. Opens its session on first use, in the running event loop."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self._policy = policy
        self._hosts, self._nets = _networks(policy.allow)
        self._session: aiohttp.ClientSession | None = None

    def _allowed(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address.version == net.version and address in net for net in self._nets)

    def check_address(self, host: str, address: str) -> None:
        """Refuse an address `host` resolved to, unless it is public or the operator allowed it.

        Raises:
            ForbiddenTarget: never says which address it was.

        """
        parsed = ip_address(address.partition("%")[0])
        if self._is_named(host) or self._allowed(parsed) or is_public(parsed):
            return
        raise ForbiddenTarget(f"{host} is not a public address; an operator may list it in outbound.allow")

    def check(self, url: str) -> None:
        """Refuse a URL by its form: scheme, credentials, port, literal address.

        Raises:
            ForbiddenTarget: says what is wrong with it.

        """
        self._target(url)

    def _target(self, url: str) -> "URL":
        """The URL as the client reads it: what is checked and what is connected to are one and the same parse."""
        from yarl import URL

        if _NOT_IN_A_URL.search(url):
            raise ForbiddenTarget("a URL holds no spaces, control characters or backslashes")
        try:
            target = URL(url)
            written, port = target.raw_host or "", target.explicit_port
        except ValueError:
            raise ForbiddenTarget("not a URL: a host, and a port from 1 to 65535 if any, were expected") from None
        host, authority = written.rstrip("."), _URL_PART.split(url.partition("//")[2])[0]
        if not host or port == 0 or "@" in authority:
            raise ForbiddenTarget("a URL needs a host and a port that is not 0, and may hold no user name or password")
        literal = _literal(host)
        if (literal and written != host) or ("[" in authority and not literal):
            raise ForbiddenTarget("the URL's host is neither a name nor an address in its usual form")
        if target.scheme in ("http", "https") and (self._is_named(host) or (literal and self._allowed(literal))):
            return target
        if target.scheme != "https" or (port or 443) not in _HTTPS_PORTS:
            raise ForbiddenTarget(f"only https on port 443 or 8443 is allowed, not {target.scheme}:{port or ''}")
        if literal and not is_public(literal):
            raise ForbiddenTarget("the URL's address is not public; an operator may list it in outbound.allow")
        return target

    def _is_named(self, host: str) -> bool:
        return host.lower().rstrip(".") in self._hosts

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST once and read at most 20,000 bytes of the answer. Never raises for what the far side does.

        What the answer quotes of the URL's path and query and of an Authorization header is blotted out.
        """
        import aiohttp

        request = SimpleNamespace(is_sent=False)
        try:
            target = self._target(url)
            response = await self._open().post(
                target, data=body, headers=dict(headers), allow_redirects=False, trace_request_ctx=request
            )
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
            if refused := _refusal(error):
                return Answer(failure=Reason.FORBIDDEN_TARGET, excerpt=str(refused))
            said = type(error).__name__ if request.is_sent else _why_not(error)
            return Answer(failure=Reason.UNREACHABLE, excerpt=said, reached=request.is_sent)
        except ValueError:
            return Answer(failure=Reason.INVALID, excerpt="a host name or a header that cannot be sent")
        said = one_line(raw.decode("utf-8", "replace"))
        for secret in _secrets(url, headers):
            said = said.replace(secret, "•••")
        return Answer(status=response.status, headers=response.headers, excerpt=shorten(said, _EXCERPT))

    def _open(self) -> "aiohttp.ClientSession":
        if self._session is None:
            import aiohttp

            async def note(session: Any, context: Any, params: Any) -> None:
                del session, params
                context.trace_request_ctx.is_sent = True

            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(note)
            connector = aiohttp.TCPConnector(
                resolver=_guarded_resolver(self), use_dns_cache=False, limit=100, limit_per_host=10
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._policy.timeout, sock_connect=min(10.0, self._policy.timeout)),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                headers={"User-Agent": "Livery", "Accept-Encoding": "identity"},
                trace_configs=[trace],
            )
        return self._session

    async def aclose(self) -> None:
        """Close the session; the next request opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address a host is, None for a name.

    Raises:
        ForbiddenTarget: it is an address written in a way that others may read differently.

    """
    try:
        literal = ip_address(host)
    except ValueError:
        if ":" in host or "%" in host or _LIKE_A_NUMBER.fullmatch(host.rpartition(".")[2]):
            raise ForbiddenTarget("the URL's host is neither a name nor an address in its usual form") from None
        return None
    if "%" in host:
        raise ForbiddenTarget("an address in a URL may hold no zone")
    return literal


async def _beginning(response: "aiohttp.ClientResponse") -> bytes:
    """The answer's body up to the cap; less if it is compressed, breaks off or is slow to come."""
    import asyncio

    import aiohttp

    raw = bytearray()
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return b""
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_BODY_WAIT):
            while len(raw) < _ANSWER_CAP and (chunk := await response.content.read(_ANSWER_CAP - len(raw))):
                raw += chunk
    return bytes(raw)


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


def _secrets(url: str, headers: Mapping[str, str]) -> list[str]:
    """What of a request may be a secret, longest first: a chat hook's path is one."""
    authority, *path = _URL_PART.split(url.partition("//")[2])
    whole = url.partition(authority)[2]
    sent = [whole, whole.partition("?")[0], whole.partition("?")[2], *path]
    sent += [
        part for name, value in headers.items() if name.lower() == "authorization" for part in (value, *value.split())
    ]
    forms = {form for value in sent for form in (value, unquote(value)) if len(form) >= _SECRET_LENGTH}
    return sorted(forms, key=len, reverse=True)


def _guarded_resolver(guard: Outbound) -> Any:
    from aiohttp.abc import AbstractResolver, ResolveResult
    from aiohttp.resolver import ThreadedResolver

    class GuardedResolver(AbstractResolver):
        """Every address must pass: the connection is made to what was checked, so DNS cannot change its mind."""

        def __init__(self) -> None:
            self._inner = ThreadedResolver()

        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
            results = await self._inner.resolve(host, port, family)
            for result in results:
                try:
                    guard.check_address(host, result["host"])
                except ForbiddenTarget as refusal:
                    raise OSError(str(refusal)) from refusal
            return results

        async def close(self) -> None:
            await self._inner.close()

    return GuardedResolver()


_BY_STATUS = {
    400: Reason.INVALID, 401: Reason.AUTH, 403: Reason.AUTH, 404: Reason.GONE, 405: Reason.INVALID, 408: Reason.TIMEOUT,
    410: Reason.GONE, 413: Reason.TOO_LARGE, 422: Reason.INVALID, 425: Reason.THROTTLED, 429: Reason.THROTTLED,
}  # fmt: skip
_TRY_AGAIN = frozenset({408, 425, 429})


def _seconds(value: str | None) -> float | None:
    """A Retry-After in seconds (RFC 9110 §10.2.3); its HTTP-date form and nonsense count as absent."""
    return float(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 10 else None  # noqa: PLR2004


def outcome_of(answer: Answer, *, success: str = "delivered") -> Outcome:
    """What an HTTP answer stands for: 2xx is `success`, 3xx and most 4xx are final, 429 and 5xx are tried again."""
    if answer.status is None:
        reason = answer.failure or Reason.UNREACHABLE
        final = reason in (Reason.FORBIDDEN_TARGET, Reason.INVALID)
        status = "failed" if final else "unknown" if answer.reached else "retry"
        return Outcome(status=status, reason=reason, detail=answer.excerpt)
    code, found = str(answer.status), answer.status
    if 200 <= found < 300:  # noqa: PLR2004
        return Outcome.model_validate({"status": success, "code": code, "detail": answer.excerpt})
    wait = _seconds(answer.headers.get("Retry-After"))
    if found >= 500 or found in _TRY_AGAIN:  # noqa: PLR2004
        reason = _BY_STATUS.get(found, Reason.SERVER_ERROR)
        return Outcome(status="retry", reason=reason, code=code, detail=answer.excerpt, retry_after=wait)
    reason = _BY_STATUS.get(found, Reason.REFUSED)
    return Outcome(status="failed", reason=reason, code=code, detail=answer.excerpt)
