"""The channel's other client: Python's smtplib in a thread, one connection a message, one command at a time."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from livery.plugin import ForbiddenTarget, Outcome, Reason
from livery_smtp import outcomes
from livery_smtp.opening import (
    ASKS,
    NotOpened,
    Target,
    chosen_login,
    credentials,
    login_refused,
    not_connected,
    wants_tls,
)
from livery_smtp.outcomes import BUSY, OK, OUT_OF_TURN
from livery_smtp.replies import Garbled, Reader, Reply
from livery_smtp.session import Lost
from livery_smtp.transaction import Transaction, stuffed

_GOODBYE = 1.0
_PIECE = 4096


class PlainClient:
    """Carries one message, and is thrown away.

    Args:
        target: the server.
        dial: connects to it, through the guard; blocks.

    """

    def __init__(self, target: Target, dial: Callable[[], socket.socket]) -> None:
        self._target, self._dial = target, dial
        self._client: smtplib.SMTP | None = None
        self._is_dropped = threading.Event()

    def carry(self, transaction: Transaction) -> Outcome:
        """Bring a message to the server; blocks.

        Raises:
            NotOpened: no session came about.

        """
        try:
            client = self._client = self._opened()
        except ForbiddenTarget as refused:
            raise NotOpened("failed", Reason.FORBIDDEN_TARGET, str(refused)) from None
        except (OSError, ValueError) as error:
            raise _not_opened(error) from None
        try:
            features = {name.upper(): value for name, value in client.esmtp_features.items()}
            return transaction.unfit(features) or self._run(client, transaction, features)
        finally:
            _quit(client)

    def drop(self) -> None:
        """End the connection, from any thread: what waits for an answer gets none, and nothing more is sent."""
        self._is_dropped.set()
        client = self._client
        if client is not None and client.sock is not None:
            with suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)

    def _opened(self) -> smtplib.SMTP:
        target, server = self._target, self._target.server
        kind = _TlsTo if server.tls == "tls" else _To
        client = kind(self._dial, target, self._is_dropped)
        self._client = client
        try:
            code, said = client.connect(server.host, server.port)
            if code not in OK:
                raise smtplib.SMTPConnectError(code, said)  # noqa: TRY301 - as its constructor does
            client.ehlo_or_helo_if_needed()
            if server.tls in ("starttls", "opportunistic") and wants_tls(
                target, is_offered=client.has_extn("starttls")
            ):
                client.starttls(context=target.context())
                client.ehlo_or_helo_if_needed()
            if server.username is not None:
                self._log_in(client)
        except BaseException:
            client.close()
            raise
        return client

    def _log_in(self, client: smtplib.SMTP) -> None:
        server, password = self._target.server, self._target.password()
        offered = client.esmtp_features.get("auth", "").upper().split()
        if server.auth == "auto" and not {"PLAIN", "LOGIN"} & {*offered}:
            client.login(server.username or "", password)  # knows CRAM-MD5
            return
        method = chosen_login(server, offered)
        first, *more = credentials(method, server.username or "", password)
        code, said = client.docmd("AUTH", f"{method} {first}".rstrip())
        for answer in more:
            if code != ASKS:
                break
            code, said = client.docmd(answer)
        if code not in OK:
            raise login_refused(_reply(code, said))

    def _run(self, client: smtplib.SMTP, transaction: Transaction, features: dict[str, str]) -> Outcome:
        replies: list[Reply] = []
        try:
            for command in transaction.commands(features):
                replies.append(_reply(*client.docmd(command.decode())))
                if (outcome := transaction.judged(replies)) is not None:
                    return outcome
            client.send(stuffed(transaction.wire) + b".\r\n")
            transaction.is_written = True
            reply = _reply(*client.getreply())
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            return transaction.interrupted(_lost(error, replies))
        return outcomes.of_content(transaction.results, reply.code, reply.text)


class _NoSense(smtplib.SMTPServerDisconnected):
    """What came is no reply, or none that is owed."""


class _To(smtplib.SMTP):
    """Through the guard, instead of to a name; replies are read within bounds, and none before it is owed."""

    def __init__(self, dial: Callable[[], socket.socket], target: Target, is_dropped: threading.Event) -> None:
        self._dial, self._is_dropped = dial, is_dropped
        self._reader, self._heard, self._wrong = Reader(), list[Reply](), ""
        super().__init__(local_hostname=target.helo, timeout=target.timeout)
        self._host = target.server.host

    def getreply(self) -> tuple[int, bytes]:
        while not self._heard:
            self._hear()
        reply = self._heard.pop(0)
        return reply.code, "\n".join(reply.lines).encode()

    def send(self, s: Any) -> None:
        if self._heard or self._reader.is_amid or self._wrong or self._is_dropped.is_set():
            self.close()
            raise _NoSense(self._wrong or OUT_OF_TURN)
        super().send(s)

    def _hear(self) -> None:
        try:
            data = self.sock.recv(_PIECE) if self.sock is not None and not self._wrong else b""
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(str(error)) from error
        if not data:
            self.close()
            raise _NoSense(self._wrong) if self._wrong else smtplib.SMTPServerDisconnected("closed")
        try:
            self._heard += self._reader.feed(data)
        except Garbled as garbled:
            self._heard += garbled.before
            self._wrong = str(garbled)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del host, port
        connected = self._dial()
        connected.settimeout(timeout)
        return self._through(connected)

    def _through(self, plain: socket.socket) -> socket.socket:
        return plain


class _TlsTo(_To):
    def __init__(self, dial: Callable[[], socket.socket], target: Target, is_dropped: threading.Event) -> None:
        super().__init__(dial, target, is_dropped)
        self._context = target.context()

    def _through(self, plain: socket.socket) -> socket.socket:
        return self._context.wrap_socket(plain, server_hostname=self._host)


def _not_opened(error: OSError | ValueError) -> NotOpened:
    match error:
        case smtplib.SMTPAuthenticationError():
            return NotOpened("retry", Reason.AUTH, _reply(error.smtp_code, error.smtp_error).text, error.smtp_code)
        case smtplib.SMTPResponseException():
            reason = Reason.THROTTLED if error.smtp_code in BUSY else Reason.REFUSED
            return NotOpened("retry", reason, _reply(error.smtp_code, error.smtp_error).text, error.smtp_code)
        case smtplib.SMTPNotSupportedError():
            return NotOpened("retry", Reason.MISCONFIGURED, str(error))
        case smtplib.SMTPServerDisconnected():
            lost = _lost(error, ())
            return NotOpened("retry", lost.reason, lost.detail)
        case _ if _is_timeout(error):
            return NotOpened("retry", Reason.TIMEOUT, "no answer in time")
        case _:
            return not_connected(error)


def _lost(error: Exception, replies: Sequence[Reply]) -> Lost:
    if isinstance(error, _NoSense):
        return Lost(Reason.SERVER_ERROR, str(error), replies)
    if _is_timeout(error):
        return Lost(Reason.TIMEOUT, "no answer in time", replies)
    return Lost(Reason.UNREACHABLE, "the connection was lost", replies)


def _reply(code: int, said: bytes | str) -> Reply:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return Reply(code, tuple(text.splitlines()))


def _is_timeout(error: BaseException) -> bool:
    """Whether time ran out; smtplib turns that into a lost connection."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _quit(client: smtplib.SMTP) -> None:
    try:
        if client.sock is not None:
            client.sock.settimeout(_GOODBYE)
        client.quit()
    except (OSError, smtplib.SMTPException, ssl.SSLError):
        client.close()
