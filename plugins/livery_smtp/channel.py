"""The SMTP channel: one connection a message, over the standard library."""

import re
import smtplib
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Literal, cast

from pydantic import Field, SecretStr

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, Reason, RecipientResult
from livery_smtp.mime import ascii_domain, assemble

_OK, _READY, _BUSY, _PERMANENT = range(200, 300), 354, range(400, 500), range(500, 600)
_LOGIN_WANTED, _TOO_LARGE = (530, 535), (523, 552)
_EXCERPT = 200
_GOODBYE = 1.0
"""Seconds for the answer to QUIT: the message is settled by then."""
_LINE_START = re.compile(rb"(?m)^\.")


class SmtpSettings(Model):
    """`[channels.smtp]`: the platform's mail server."""

    host: str = Field(default="127.0.0.1", description="Name or address of the mail server.")
    port: int = Field(default=25, ge=1, le=65535, description="Its port.")
    tls: Literal["none", "starttls", "tls"] = Field(
        default="none",
        description="`starttls` on port 587 or 25, `tls` on port 465; certificates are verified.",
    )
    ca_file: str | None = Field(default=None, description="PEM file of a private authority to trust instead.")
    username: str | None = Field(default=None, description="Name to log in with; no login if absent.")
    password: SecretStr | None = Field(default=None, description="The password that goes with it.")
    helo: str = Field(default="localhost", description="The name we greet with: this machine's, in the public DNS.")
    connections: int = Field(default=10, ge=1, le=200, description="Connections open at the same time.")
    timeout: float = Field(default=30.0, gt=0, le=600, description="Seconds for one answer of the server.")


class SmtpChannel(Channel):
    """E-mail. A message is `accepted` once the server took it; whether it was read, nobody can know."""

    Settings = SmtpSettings

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        return assemble(message, envelope)

    async def send(self, dispatch: Dispatch) -> Outcome:
        import asyncio

        outcome = await asyncio.get_running_loop().run_in_executor(self._threads, self._send, dispatch)
        return _shown(outcome, self._password)

    async def aclose(self) -> None:
        threads = self.__dict__.pop("_threads", None)
        if threads is not None:
            threads.shutdown(wait=False)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        # Threads of our own: servers that hang must not take those that others wait for.
        return ThreadPoolExecutor(self._smtp.connections, thread_name_prefix="livery-smtp")

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._smtp.ca_file)

    @property
    def _smtp(self) -> SmtpSettings:
        return cast(SmtpSettings, self.settings)

    @property
    def _password(self) -> str:
        return self._smtp.password.get_secret_value() if self._smtp.password else ""

    def _send(self, dispatch: Dispatch) -> Outcome:
        addresses = [one for one in dispatch.envelope.addresses if one not in dispatch.settled]
        if not addresses:
            reached = "accepted" in dispatch.settled.values()
            return Outcome(status="accepted" if reached else "failed", detail="every address was answered before")
        try:
            client = self._connect()
        except (OSError, ValueError) as error:
            return _unconnected(error)
        try:
            return _Transfer(client, dispatch).run(addresses)
        finally:
            _quit(client)

    def _connect(self) -> smtplib.SMTP:
        smtp = self._smtp
        if smtp.tls == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                smtp.host, smtp.port, smtp.helo, timeout=smtp.timeout, context=self._context
            )
        else:
            client = smtplib.SMTP(smtp.host, smtp.port, smtp.helo, timeout=smtp.timeout)
        try:
            if smtp.tls == "starttls":
                client.starttls(context=self._context)
            if smtp.username is not None:
                client.login(smtp.username, self._password)
            client.ehlo_or_helo_if_needed()
        except BaseException:
            client.close()
            raise
        return client


def _unconnected(error: OSError | ValueError) -> Outcome:
    """What it means that no session came about: an operator can mend every one of these while the message waits."""
    match error:
        case smtplib.SMTPAuthenticationError():
            reason, code, detail = Reason.AUTH, error.smtp_code, _excerpt(error.smtp_error)
        case smtplib.SMTPResponseException():
            reason = Reason.THROTTLED if error.smtp_code in _BUSY else Reason.REFUSED
            code, detail = error.smtp_code, _excerpt(error.smtp_error)
        case smtplib.SMTPNotSupportedError():
            reason, code, detail = Reason.MISCONFIGURED, 0, str(error)
        case ssl.SSLCertVerificationError():
            reason, code, detail = Reason.UNREACHABLE, 0, f"the server's certificate: {error.verify_message}"
        case FileNotFoundError():
            reason, code, detail = Reason.MISCONFIGURED, 0, "ca_file does not exist"
        case ValueError():
            reason, code, detail = Reason.MISCONFIGURED, 0, "host, username or password cannot be sent as they are"
        case _ if _is_timeout(error):
            reason, code, detail = Reason.TIMEOUT, 0, "no answer in time"
        case _:
            reason, code, detail = Reason.UNREACHABLE, 0, type(error).__name__
    return Outcome(status="retry", reason=reason, code=str(code or ""), detail=detail)


class _Transfer:
    """One message over an open session: MAIL, RCPT for each address, DATA."""

    def __init__(self, client: smtplib.SMTP, dispatch: Dispatch) -> None:
        self._client, self._envelope, self._wire = client, dispatch.envelope, dispatch.wire
        self._results: list[RecipientResult] = []
        self._is_sent = False

    def run(self, addresses: Sequence[str]) -> Outcome:
        """What is lost after the final dot is `unknown`."""
        try:
            return self._run(addresses)
        except (OSError, smtplib.SMTPException) as error:
            return self._lost(Reason.TIMEOUT if _is_timeout(error) else Reason.UNREACHABLE, "the connection was lost")

    def _run(self, addresses: Sequence[str]) -> Outcome:
        try:
            sender = ascii_domain(self._envelope.sender_address)
        except ValueError as error:
            return Outcome(status="failed", reason=Reason.INVALID, detail=f"the sender: {error}")
        takes_utf8 = self._client.has_extn("smtputf8")
        if not takes_utf8 and not (self._wire.isascii() and sender.isascii()):
            return Outcome(status="failed", reason=Reason.INVALID, detail=_NOT_BEYOND_ASCII)
        reachable = self._sorted_out(addresses, takes_utf8=takes_utf8)
        if not reachable:
            return _summed_up(self._results)
        utf8 = not (self._wire.isascii() and sender.isascii() and all(spec.isascii() for _, spec in reachable))
        code, answer = self._client.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else [])
        if code not in _OK:
            self._results += [_result(address, code, answer) for address, _ in reachable]
            return _summed_up(self._results, code, answer)
        self._results += [_result(address, *self._client.rcpt(spec)) for address, spec in reachable]
        if not any(result.status == "accepted" for result in self._results):
            return _summed_up(self._results)
        return self._data()

    def _sorted_out(self, addresses: Sequence[str], *, takes_utf8: bool) -> list[tuple[str, str]]:
        """(address, as the server is told it) of those that can be written to; the others have failed."""
        reachable = []
        for address in addresses:
            try:
                spec = ascii_domain(address)
            except ValueError as error:
                self._results.append(RecipientResult(address=address, status="failed", detail=str(error)))
                continue
            if takes_utf8 or spec.isascii():
                reachable.append((address, spec))
            else:
                self._results.append(RecipientResult(address=address, status="failed", detail=_NOT_BEYOND_ASCII))
        return reachable

    def _data(self) -> Outcome:
        code, answer = self._client.docmd("DATA")
        if code == _READY:
            self._client.send(_stuffed(self._wire))
            self._is_sent = True
            code, answer = self._client.getreply()
        elif code in _OK:
            return self._lost(Reason.SERVER_ERROR, "the server answers out of turn")
        if code in _OK:
            return _summed_up(self._results, code, answer)
        if code not in _BUSY and code not in _PERMANENT:
            return self._lost(Reason.SERVER_ERROR, "the server's answer makes no sense")
        taken_back = [_result(one.address, code, answer) for one in self._results if one.status == "accepted"]
        return _summed_up([*(one for one in self._results if one.status != "accepted"), *taken_back], code, answer)

    def _lost(self, reason: Reason, detail: str) -> Outcome:
        refused = tuple(one for one in self._results if one.status == "failed")
        status: Literal["unknown", "retry"] = "unknown" if self._is_sent else "retry"
        return Outcome(status=status, reason=reason, detail=detail, recipients=refused)


_NOT_BEYOND_ASCII = "the mail server takes no addresses beyond ASCII"


def _stuffed(wire: bytes) -> bytes:
    """The message with dots doubled at line starts and the final dot (RFC 5321 §4.5.2)."""
    ended = wire if wire.endswith(b"\r\n") else wire + b"\r\n"
    return _LINE_START.sub(b"..", ended) + b".\r\n"


def _result(address: str, code: int, answer: bytes) -> RecipientResult:
    status: Literal["accepted", "retry", "failed"] = (
        "accepted" if code in _OK else "failed" if code in _PERMANENT and code not in _LOGIN_WANTED else "retry"
    )
    return RecipientResult(address=address, status=status, code=str(code), detail=_excerpt(answer))


def _summed_up(results: Sequence[RecipientResult], code: int = 0, answer: bytes = b"") -> Outcome:
    """One outcome for all addresses: somebody left to try again, else somebody reached, else nobody."""
    by_status = {one.status: one for one in reversed(results)}
    if "accepted" in by_status and "retry" not in by_status:
        status, reason = "accepted", Reason.REFUSED if "failed" in by_status else None
        return Outcome(status=status, reason=reason, code=str(code), detail=_excerpt(answer), recipients=tuple(results))
    worst = by_status.get("retry") or by_status["failed"]
    return Outcome(
        status=worst.status, reason=_reason(worst), code=worst.code, detail=worst.detail, recipients=tuple(results)
    )


def _reason(result: RecipientResult) -> Reason:
    code = int(result.code or 0)
    if code in _LOGIN_WANTED:
        return Reason.AUTH
    if code in _TOO_LARGE:
        return Reason.TOO_LARGE
    if code in _BUSY:
        return Reason.THROTTLED
    return Reason.REFUSED if code in _PERMANENT else Reason.INVALID if not code else Reason.SERVER_ERROR


def _excerpt(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())


def _shown(outcome: Outcome, password: str) -> Outcome:
    """The outcome as it may be kept: short, and without the password, which a server may quote in its answer."""

    def short(text: str) -> dict[str, str]:
        return {"detail": (text.replace(password, "•••") if password else text)[:_EXCERPT]}

    recipients = tuple(one.model_copy(update=short(one.detail)) for one in outcome.recipients)
    return outcome.model_copy(update={**short(outcome.detail), "recipients": recipients})


def _is_timeout(error: BaseException) -> bool:
    """Whether time ran out; smtplib turns that into a lost connection."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _quit(client: smtplib.SMTP) -> None:
    try:
        if client.sock is not None:
            client.sock.settimeout(_GOODBYE)
        client.quit()
    except (OSError, smtplib.SMTPException):
        client.close()
