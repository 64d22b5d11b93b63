"""Which targets may be connected to, and the one dialler for every outbound connection.

Whoever names a target, a tenant or an operator, its connection is opened through here. A tenant's is hostile until
it is checked: by its form, then by every address its name resolves to, and the connection goes to an address that
was checked. An operator's own targets (a mail server in the cellar) are dialled as they are.
"""

import asyncio
import re
import socket
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from livery.errors import LiveryError
from livery.models.base import Model

if TYPE_CHECKING:
    from yarl import URL

Address = IPv4Address | IPv6Address
_LOOKUPS = 64
"""Names looked up at the same time: a name server that hangs takes the place of one name, not of all."""
_CONNECT = 10.0
_REMEMBERED = 1000
"""URLs whose form was found good: it depends on nothing but the policy. Their addresses are looked at every time."""
URL_PART = re.compile(r"[/?#&=]")
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
_ISATAP = frozenset({0x5EFE, 0x02005EFE})
"""The third quarter of an IPv6 address whose last one is an IPv4 address (RFC 5214 §6.1)."""


def _hidden(value: Any) -> Any:
    """From here on, so that no error shows it."""
    return SecretStr(value) if isinstance(value, str) else value


def _a_proxy(proxy: SecretStr | None) -> SecretStr | None:
    if proxy is not None and not re.fullmatch(r"https?://[^\s/?#]+/?", proxy.get_secret_value()):
        raise ValueError("the URL of an HTTP proxy, such as http://user:password@proxy.example:3128")
    return proxy


class OutboundPolicy(Model):
    """What tenants' URLs may reach."""

    allow: tuple[str, ...] = Field(
        default=(),
        description="Host names, addresses and networks that may be reached although they are internal, on any "
        "port and by plain http; such as `127.0.0.1` or `10.2.0.0/16`.",
    )
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field(
        default=(443, 8443), description="Ports that other hosts may be reached on, by https."
    )
    mail_ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field(
        default=(25, 465, 587, 2525), description="Ports that tenants' own mail servers may be reached on."
    )
    proxy: Annotated[SecretStr | None, AfterValidator(_a_proxy), BeforeValidator(_hidden)] = Field(
        default=None,
        description="An HTTP proxy for hooks and webhooks. It is asked for the address that was checked (CONNECT), "
        "never for a name. Proxies in the environment are not used.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="PEM file of an authority to trust beside the system's, such as that of `allow`'s hosts.",
    )
    timeout: float = Field(default=20.0, gt=0, le=30, description="Seconds for one request, all in all.")

    def anchored(self, folder: Path) -> Self:
        """The same with paths relative to `folder`."""
        return self.model_copy(update={"ca_file": folder / self.ca_file}) if self.ca_file else self


class ForbiddenTarget(LiveryError):
    """The guard refused a target. The message names no internal address."""


class Found(NamedTuple):
    """An address a name resolved to."""

    family: int
    host: str


def is_public(address: Address) -> bool:
    """Whether an address is somebody's public unicast server; anything that hides another address is not."""
    if address.version == 6:  # noqa: PLR2004
        if address not in _UNICAST6 or int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
            return False
    elif address.is_multicast or address.is_reserved:
        return False
    return address.is_global and not any(address.version == net.version and address in net for net in _NEVER)


class Guard:
    """Checks targets against one policy, and dials them."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self.policy = policy
        self._hosts, self._nets = _networks(policy.allow)
        self._asked: dict[str, asyncio.Future[list[Found]]] = {}
        self._checked: dict[str, URL] = {}

    # ------------------------------------------------------------------ what may be reached

    def check_address(self, host: str, address: str) -> None:
        """Refuse an address `host` resolved to, unless it is public or the operator allowed it.

        Raises:
            ForbiddenTarget: never says which address it was.

        """
        parsed = ip_address(address.partition("%")[0])
        if self.is_named(host) or self._allowed(parsed) or is_public(parsed):
            return
        raise ForbiddenTarget(f"{host} is not a public address; an operator may list it in outbound.allow")

    def check_url(self, url: str) -> "URL":
        """The URL as the client reads it: what is checked and what is connected to are one and the same parse.

        Raises:
            ForbiddenTarget: says what is wrong with its form: scheme, credentials, port, literal address.

        """
        if (known := self._checked.get(url)) is not None:
            return known
        target = self._checked_form(url)
        if len(self._checked) >= _REMEMBERED:
            self._checked.clear()
        self._checked[url] = target
        return target

    def _checked_form(self, url: str) -> "URL":
        from yarl import URL

        if _NOT_IN_A_URL.search(url):
            raise ForbiddenTarget("a URL holds no spaces, control characters or backslashes")
        try:
            target = URL(url)
            written, port = target.raw_host or "", target.explicit_port
        except (ValueError, IndexError):  # yarl's, for brackets the wrong way round
            raise ForbiddenTarget("not a URL: a host, and a port from 1 to 65535 if any, were expected") from None
        host, authority = written.rstrip("."), URL_PART.split(url.partition("//")[2])[0]
        if not host or port == 0 or "@" in authority:
            raise ForbiddenTarget("a URL needs a host and a port that is not 0, and may hold no user name or password")
        literal = _literal(host)
        if (literal and written != host) or ("[" in authority and not literal):
            raise ForbiddenTarget("the URL's host is neither a name nor an address in its usual form")
        if target.scheme in ("http", "https") and self._is_allowed(host, literal):
            return target
        if target.scheme != "https" or (port or 443) not in self.policy.ports:
            ports = " or ".join(map(str, self.policy.ports)) or "none"
            raise ForbiddenTarget(f"only https on port {ports} is allowed, not {target.scheme}:{port or ''}")
        if literal and not is_public(literal):
            raise ForbiddenTarget("the URL's address is not public; an operator may list it in outbound.allow")
        return target

    def check_host(self, host: str, port: int, ports: Iterable[int]) -> None:
        """Refuse a host and port by their form, where there is no URL: a tenant's mail server.

        Raises:
            ForbiddenTarget: says what is wrong with it.

        """
        bare = host.rstrip(".")
        if not bare or not bare.isprintable() or re.search(r"[\s/?#@\\\[\]]", bare):
            raise ForbiddenTarget("the host is neither a name nor an address in its usual form")
        literal = _literal(_as_sent(bare))
        if literal and bare != host:
            raise ForbiddenTarget("the host is neither a name nor an address in its usual form")
        if self._is_allowed(bare, literal):
            return
        if port not in ports:
            allowed = " or ".join(map(str, ports)) or "none"
            raise ForbiddenTarget(f"only port {allowed} is allowed, not {port}")
        if literal and not is_public(literal):
            raise ForbiddenTarget("the host's address is not public; an operator may list it in outbound.allow")

    def is_named(self, host: str) -> bool:
        """Whether the operator allowed this very name."""
        return host.lower().rstrip(".") in self._hosts

    def _is_allowed(self, host: str, literal: Address | None) -> bool:
        return self.is_named(host) or (literal is not None and self._allowed(literal))

    def _allowed(self, address: Address) -> bool:
        return any(address.version == net.version and address in net for net in self._nets)

    # ------------------------------------------------------------------ connecting

    async def dial(self, host: str, port: int, *, ports: Sequence[int] | None = None) -> socket.socket:
        """A connected, non-blocking TCP socket, for `loop.create_connection(..., sock=sock, server_hostname=host)`.

        It takes as long as it takes: put a deadline around it.

        Args:
            host: a name or an address.
            port: the port.
            ports: what a tenant's target may be reached on; None for a target the operator configured, which is
                not checked.

        Raises:
            ForbiddenTarget: before anything is connected to.
            OSError: no such name, or no address answers.

        """
        if ports is not None:
            self.check_host(host, port, ports)
        found = await (self.look_up(host) if ports is None else self.resolve(host))
        return await _connected(found, port)

    async def resolve(self, host: str) -> list[Found]:
        """Every address of a name; all of them may be reached.

        Raises:
            ForbiddenTarget: one of them may not.
            OSError: there is no such name.

        """
        found = await self.look_up(host)
        for one in found:
            self.check_address(host, one.host)
        return found

    async def look_up(self, host: str) -> list[Found]:
        """Every address of a name, unchecked. Who asks while the same name is being looked up gets the same answer.

        Raises:
            OSError: there is no such name.

        """
        with suppress(ValueError):
            if "%" not in host:
                return [Found(socket.AF_INET6 if isinstance(ip_address(host), IPv6Address) else socket.AF_INET, host)]
        asked = self._asked.get(host)
        if asked is None or asked.done() or asked.get_loop() is not asyncio.get_running_loop():
            asked = self._asked[host] = asyncio.ensure_future(_look_up(host))
            asked.add_done_callback(lambda done: self._forget(host, done))
        return await asyncio.shield(asked)

    def _forget(self, host: str, done: "asyncio.Future[list[Found]]") -> None:
        if self._asked.get(host) is done:
            del self._asked[host]
        if not done.cancelled():
            done.exception()  # seen, even if nobody waits any more

    def dial_blocking(
        self, host: str, port: int, *, ports: Sequence[int] | None = None, timeout: float = _CONNECT
    ) -> socket.socket:
        """`dial` for a thread: a blocking socket with `timeout` set, for libraries that know no event loop.

        Raises:
            ForbiddenTarget: before anything is connected to.
            TimeoutError: no connection within `timeout` seconds.
            OSError: no such name, or no address answers.

        """

        async def dial() -> socket.socket:
            async with asyncio.timeout(timeout):
                return await self.dial(host, port, ports=ports)

        sock = asyncio.run(dial())
        sock.settimeout(timeout)
        return sock


async def _look_up(host: str) -> list[Found]:
    """Ask the system, in a thread that nobody waits for: what hangs there holds up no other name and no exit."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Found]] = loop.create_future()

    def settle(found: list[Found], error: OSError | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(found)

    def ask() -> None:
        found: list[Found] = []
        error: OSError | None = None
        try:
            infos = socket.getaddrinfo(sent, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            found = list(dict.fromkeys(Found(family, str(address[0])) for family, _, _, _, address in infos))
        except (OSError, UnicodeError) as caught:
            error = caught if isinstance(caught, OSError) else socket.gaierror(socket.EAI_NONAME, "no such name")
        finally:
            _lookups.release()
        with suppress(RuntimeError):  # the loop may have gone meanwhile
            loop.call_soon_threadsafe(settle, found, error)

    sent = _as_sent(host)
    while not _lookups.acquire(blocking=False):  # noqa: ASYNC110 - a thread frees it, and hardly ever is there a wait
        await asyncio.sleep(0.02)
    threading.Thread(target=ask, name="livery-name", daemon=True).start()
    return await answer


_lookups = threading.Semaphore(_LOOKUPS)


async def _connected(found: Sequence[Found], port: int) -> socket.socket:
    """A socket connected to the first address that answers."""
    loop, failed = asyncio.get_running_loop(), OSError("no address")
    for number, one in enumerate(found):
        sock = socket.socket(one.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The last may take all the time that is left, the others only so long that there is some left for it.
            async with asyncio.timeout(None if number == len(found) - 1 else _CONNECT / 4):
                await loop.sock_connect(sock, (one.host, port))
        except OSError as error:  # TimeoutError is one
            sock.close()
            failed = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed


def _networks(allow: Sequence[str]) -> tuple[frozenset[str], tuple[IPv4Network | IPv6Network, ...]]:
    hosts, nets = set(), []
    for entry in allow:
        try:
            nets.append(ip_network(entry, strict=False))
        except ValueError:
            hosts.add(entry.lower().rstrip("."))
    return frozenset(hosts), tuple(nets)


def _as_sent(host: str) -> str:
    """The host as it goes to the name server: IDNA, by the rules URLs are read by (UTS 46)."""
    if host.isascii():
        return host
    from yarl import URL

    try:
        return URL.build(scheme="http", host=host).raw_host or host
    except ValueError:
        raise ForbiddenTarget("the host is neither a name nor an address in its usual form") from None


def _literal(host: str) -> Address | None:
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
