"""The SMTP channel: one connection a message, over the standard library."""

import asyncio
import re
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Literal, cast

from pydantic import Field, SecretStr

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, Reason, RecipientResult
from livery_smtp.mime import assemble

_READY, _PERMANENT = 354, 500
_EXCERPT = 200
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
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._send, dispatch)

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

    def _send(self, dispatch: Dispatch) -> Outcome:
        try:
            client = self._connect()
        except smtplib.SMTPAuthenticationError as error:
            return _answered("retry", error.smtp_code, error.smtp_error, Reason.AUTH)
        except smtplib.SMTPResponseException as error:
            return _answered("retry", error.smtp_code, error.smtp_error, Reason.REFUSED)
        except TimeoutError:
            return Outcome(status="retry", reason=Reason.TIMEOUT, detail="no connection in time")
        except smtplib.SMTPNotSupportedError as error:
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail=str(error))
        except (OSError, smtplib.SMTPException) as error:
            return Outcome(status="retry", reason=Reason.UNREACHABLE, detail=type(error).__name__)
        try:
            return _transfer(client, dispatch)
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
                client.login(smtp.username, smtp.password.get_secret_value() if smtp.password else "")
            client.ehlo_or_helo_if_needed()
        except BaseException:
            client.close()
            raise
        return client


def _transfer(client: smtplib.SMTP, dispatch: Dispatch) -> Outcome:
    """MAIL, RCPT for each address still open, DATA; what is lost after the final dot is `unknown`."""
    envelope = dispatch.envelope
    open_ = [address for address in envelope.addresses if address not in dispatch.settled]
    utf8 = not all(address.isascii() for address in (envelope.sender_address, *envelope.addresses))
    if utf8 and not client.has_extn("smtputf8"):
        return Outcome(status="failed", reason=Reason.INVALID, detail="the mail server takes no addresses beyond ASCII")
    is_sent = False
    try:
        code, answer = client.mail(envelope.sender_address, ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else [])
        if code >= 400:  # noqa: PLR2004
            return _answered("failed" if code >= _PERMANENT else "retry", code, answer, Reason.REFUSED)
        results = [_result(address, *client.rcpt(address)) for address in open_]
        if not any(result.status == "accepted" for result in results):
            return _summed_up(results)
        code, answer = client.docmd("DATA")
        if code == _READY:
            client.send(_stuffed(dispatch.wire))
            is_sent = True
            code, answer = client.getreply()
    except (OSError, smtplib.SMTPException) as error:
        reason = Reason.TIMEOUT if isinstance(error, TimeoutError) else Reason.UNREACHABLE
        return Outcome(status="unknown" if is_sent else "retry", reason=reason, detail="the connection was lost")
    if code >= 400:  # noqa: PLR2004
        return _answered("failed" if code >= _PERMANENT else "retry", code, answer, Reason.REFUSED)
    return _summed_up(results, code, answer)


def _stuffed(wire: bytes) -> bytes:
    """The message with dots doubled at line starts and the final dot (RFC 5321 §4.5.2)."""
    ended = wire if wire.endswith(b"\r\n") else wire + b"\r\n"
    return _LINE_START.sub(b"..", ended) + b".\r\n"


def _result(address: str, code: int, answer: bytes) -> RecipientResult:
    status: Literal["accepted", "retry", "failed"] = (
        "accepted" if code < 400 else "retry" if code < _PERMANENT else "failed"  # noqa: PLR2004
    )
    return RecipientResult(address=address, status=status, code=str(code), detail=_excerpt(answer))


def _summed_up(results: list[RecipientResult], code: int = 0, answer: bytes = b"") -> Outcome:
    """One outcome for all addresses: somebody left to try again, else somebody reached, else nobody."""
    worst = next((one for one in results if one.status == "retry"), None)
    if worst is None and not any(one.status == "accepted" for one in results):
        worst = results[0]
    if worst is not None:
        status: Literal["retry", "failed"] = "retry" if worst.status == "retry" else "failed"
        reason = Reason.THROTTLED if status == "retry" else Reason.REFUSED
        return Outcome(status=status, reason=reason, code=worst.code, detail=worst.detail, recipients=tuple(results))
    refused = any(one.status == "failed" for one in results)
    return Outcome(
        status="accepted",
        reason=Reason.REFUSED if refused else None,
        code=str(code),
        detail=_excerpt(answer),
        recipients=tuple(results),
    )


def _answered(status: Literal["retry", "failed"], code: int, answer: bytes | str, reason: Reason) -> Outcome:
    return Outcome(status=status, reason=reason, code=str(code), detail=_excerpt(answer))


def _excerpt(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:_EXCERPT]


def _quit(client: smtplib.SMTP) -> None:
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        client.close()
