"""From a server's name to a session ready for messages: dial, greeting, EHLO, STARTTLS, login."""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from livery.plugin import ForbiddenTarget, Outcome, Reason
from livery_smtp.outcomes import BUSY, OK
from livery_smtp.replies import Reply, as_shown
from livery_smtp.session import Lost, Session
from livery_smtp.settings import Server

CONNECT = 10.0
"""Seconds for a connection to come about."""
ASKS = 334
"""The server waits for the next part of a login."""
_TEMPORARY_FAILURE = 454
"""Of the login itself (RFC 4954 §6)."""
_UNKNOWN_COMMAND = (500, 501, 502, 504, 550)
_NO_TLS = "the server offers no STARTTLS"
_GONE = "the server offered STARTTLS before and offers none now: somebody may be in between"


class NotOpened(Exception):
    """No session came about. `outcome` says what that means for a message."""

    def __init__(self, status: str, reason: Reason, detail: str, code: int = 0) -> None:
        super().__init__(detail)
        self.outcome = Outcome.model_validate(
            {"status": status, "reason": reason, "detail": detail, "code": str(code or "")}
        )


@dataclass(slots=True, eq=False)
class Target:
    """A server, and how sessions with it are opened."""

    server: Server
    dial: Callable[[], Awaitable[socket.socket]]
    """Connects to it, through the guard."""
    context: Callable[[], ssl.SSLContext]
    """What TLS is made with; may raise OSError."""
    helo: str
    timeout: float
    read_password: Callable[[], str]
    secrets: list[str] = field(default_factory=list, repr=False)
    """Every form in which the last login said the password: a server may quote any of them."""
    offered_tls: bool = False
    """Whether it ever offered STARTTLS: from then on there is no doing without."""

    def password(self) -> str:
        """The password as it is now.

        Raises:
            OSError: the file that holds it cannot be read.

        """
        password, username = self.read_password(), self.server.username or ""
        if password:
            ways = ("PLAIN", "LOGIN", "XOAUTH2")
            forms = [one for way in ways for one in credentials(way, username, password)]
            said = [password, *(one for one in forms if one and one != _b64(username))]
            self.secrets = list(dict.fromkeys([*said, as_shown(password)]))
        return password


async def opened(target: Target) -> Session:
    """A session, greeted and logged in.

    Raises:
        NotOpened: it did not come about.

    """
    session: Session | None = None
    try:
        session = await _connected(target)
        await _greet(session, target)
        if target.server.tls in ("starttls", "opportunistic"):
            await _start_tls(session, target)
        if target.server.username is not None:
            await _log_in(session, target)
    except BaseException as error:
        if session is not None:
            session.end(Reason.UNREACHABLE, "not opened")
        if isinstance(error, Lost):
            raise NotOpened("retry", error.reason, error.detail) from None
        if isinstance(error, OSError | ValueError):
            raise not_connected(error) from None
        if isinstance(error, ForbiddenTarget):
            raise NotOpened("failed", Reason.FORBIDDEN_TARGET, str(error)) from None
        raise
    return session


def not_connected(error: OSError | ValueError) -> NotOpened:
    """What it means that no connection came about: an operator can mend every one while the message waits."""
    match error:
        case socket.gaierror():
            return NotOpened("retry", Reason.UNREACHABLE, "the host's name cannot be looked up")
        case ssl.SSLCertVerificationError():
            # Without the host's name, which may be an internal one: the attempt is shown to tenants.
            why = error.verify_message.partition(", certificate is not valid for")[0]
            return NotOpened("retry", Reason.UNREACHABLE, f"the server's certificate: {why}")
        case FileNotFoundError() | PermissionError() | IsADirectoryError() if error.filename is not None:
            said = f"{Path(str(error.filename)).name} cannot be read: {error.strerror}"
            return NotOpened("retry", Reason.MISCONFIGURED, said)
        case FileNotFoundError():  # OpenSSL does not say which
            return NotOpened("retry", Reason.MISCONFIGURED, "ca_file does not exist")
        case ValueError():
            return NotOpened("retry", Reason.MISCONFIGURED, "host, username or password cannot be sent as they are")
        case TimeoutError():
            return NotOpened("retry", Reason.TIMEOUT, "no answer in time")
        case _:
            return NotOpened("retry", Reason.UNREACHABLE, type(error).__name__)


async def _connected(target: Target) -> Session:
    loop, server = asyncio.get_running_loop(), target.server
    context = target.context() if server.tls == "tls" else None
    async with asyncio.timeout(CONNECT):
        sock = await target.dial()
        try:
            _, session = await loop.create_connection(
                Session, sock=sock, ssl=context, server_hostname=server.host if context else None
            )
        except BaseException:
            sock.close()
            raise
    session.is_encrypted = context is not None
    return session


async def _greet(session: Session, target: Target) -> None:
    session.write(b"", 1)
    greeting = (await session.replies(1, target.timeout))[0]
    _expect(greeting)
    await _say_hello(session, target)


async def _say_hello(session: Session, target: Target) -> None:
    reply = await session.ask(f"EHLO {target.helo}".encode(), target.timeout)
    if reply.code in _UNKNOWN_COMMAND:
        _expect(await session.ask(f"HELO {target.helo}".encode(), target.timeout))
        session.features = {}
        return
    _expect(reply)
    words = (line.strip().partition(" ") for line in reply.lines[1:])
    session.features = {keyword.upper(): rest for keyword, _, rest in words}


def wants_tls(target: Target, *, is_offered: bool) -> bool:
    """Whether STARTTLS comes next.

    Raises:
        NotOpened: it must, and the server does not offer it.

    """
    if is_offered:
        target.offered_tls = True
        return True
    if target.server.tls == "opportunistic" and not target.offered_tls:
        return False
    raise NotOpened("retry", Reason.MISCONFIGURED, _GONE if target.offered_tls else _NO_TLS)


async def _start_tls(session: Session, target: Target) -> None:
    if not wants_tls(target, is_offered="STARTTLS" in session.features):
        return
    context, host = target.context(), target.server.host
    _expect(await session.ask(b"STARTTLS", target.timeout))
    if not session.is_silent or not session.is_open:
        raise NotOpened("retry", Reason.UNREACHABLE, "the server went on in plain text after STARTTLS")
    start = asyncio.get_running_loop().start_tls
    await session.encrypt(
        lambda transport: start(transport, session, context, server_hostname=host, ssl_handshake_timeout=CONNECT)
    )
    await _say_hello(session, target)


def chosen_login(server: Server, offered: Sequence[str]) -> str:
    """The way to log in.

    Raises:
        NotOpened: the server does not offer it.

    """
    wanted = ("PLAIN", "LOGIN") if server.auth == "auto" else (server.auth.upper(),)
    method = next((one for one in wanted if one in offered), "")
    if not method:
        said = ", ".join(offered) or "none at all"
        raise NotOpened("retry", Reason.MISCONFIGURED, f"of ways to log in the server offers {said}")
    return method


async def _log_in(session: Session, target: Target) -> None:
    method = chosen_login(target.server, session.features.get("AUTH", "").upper().split())
    first, *more = credentials(method, target.server.username or "", target.password())
    reply = await session.ask(f"AUTH {method} {first}".rstrip().encode(), target.timeout)
    for answer in more:
        if reply.code != ASKS:
            break
        reply = await session.ask(answer.encode(), target.timeout)
    if reply.code not in OK:
        raise login_refused(reply)


def login_refused(reply: Reply) -> NotOpened:
    """What it means that a login was answered so."""
    is_busy = reply.code in BUSY and reply.code != _TEMPORARY_FAILURE
    return NotOpened("retry", Reason.THROTTLED if is_busy else Reason.AUTH, reply.text, reply.code)


def credentials(method: str, username: str, password: str) -> list[str]:
    """What is sent with AUTH, and in answer to each 334."""
    if method == "PLAIN":
        return [_b64(f"\0{username}\0{password}")]
    if method == "LOGIN":
        return ["", _b64(username), _b64(password)]
    # A refused token is explained in a 334 that wants an empty answer.
    return [_b64(f"user={username}\1auth=Bearer {password}\1\1"), ""]


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _expect(reply: Reply) -> None:
    if reply.code not in OK:
        reason = Reason.THROTTLED if reply.code in BUSY else Reason.REFUSED
        raise NotOpened("retry", reason, reply.text, reply.code)
