"""One call of Apprise: one try for each URL, in a thread, within a deadline, over connections the guard dials.

Apprise speaks through `requests`. While one of our calls runs, in its own context and nowhere else in the process,
connections of `requests` are opened by the guard, and proxies and passwords of the environment are not looked at.
"""

import logging
import re
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal
from urllib.parse import unquote

from livery.plugin import Answer, ForbiddenTarget, Guard, Outcome, Reason, outcome_of

_SECRET_LENGTH = 6
_URL_PART = re.compile(r"[/:@?&=,]+")
_CODE = re.compile(r"error[=: ]+([45]\d\d)\b")
_CONNECT = 10.0
_PIECE, _ANSWER_CAP = 8192, 1_000_000
"""Of an answer: a service's own is never so long, and an endless one or a bomb takes no more."""
_MOST_LINES = 1000
"""That a mail server says on one connection, which carries one message."""


@dataclass(slots=True)
class Call:
    """What one call stands on, and what it found."""

    guard: Guard | None
    secrets: tuple[str, ...]
    refused: list[str] = field(default_factory=list)
    lines: list[socket.socket] = field(default_factory=list)
    """Its connections once more: by them they are closed from another thread, whatever TLS has made of the first."""
    is_asked: bool = False
    """Whether a request was begun, and with TLS after that was made."""
    is_over: bool = False
    is_mailed: bool = False
    """Whether an e-mail was begun to be sent, and not answered."""

    def keep(self, line: socket.socket) -> None:
        """Remember a connection."""
        self.lines.append(line.dup())

    @property
    def is_sent(self) -> bool:
        """Whether the far side may have a request."""
        return self.is_asked and bool(self.lines)

    def end(self) -> None:
        """Close its connections. Who waits on one, and nobody waits for, would keep one of Apprise's few threads."""
        self.is_over = True
        while self.lines:
            line = self.lines.pop()
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


_call: ContextVar[Call | None] = ContextVar("livery_apprise_call", default=None)


def notify(
    urls: Sequence[str], *, title: str, body: str, html: bool, guard: Guard | None, timeout: float
) -> list[Outcome]:
    """What became of each URL. Blocks; run it in a thread with a context of its own.

    Args:
        urls: made by `livery_apprise.services`, or by a carrier.
        title: one line.
        body: text, or HTML.
        html: whether the body is HTML.
        guard: checks and opens the connections; None for a mail server of the operator's.
        timeout: seconds, all in all.

    """
    from apprise import Apprise, AppriseAsset, NotifyFormat

    secrets = _secrets(urls)
    _listen_in()
    asset = AppriseAsset(async_mode=False, plugin_paths=[], storage_mode="memory", app_id="Livery", app_desc="Livery")
    asset.http_redirects = False  # a service may not send us on to where only we can reach
    found: list[Outcome] = []
    end = time.monotonic() + timeout
    for url in urls:
        left = end - time.monotonic()
        if left <= 0:
            found.append(Outcome(status="retry", reason=Reason.TIMEOUT, detail="no time was left for it"))
            continue
        call = Call(guard, secrets)
        _call.set(call)
        service: Any = Apprise(asset=asset)
        if not service.add(url) or len(service) != 1:
            found.append(_misconfigured("Apprise does not understand the target's fields"))
            continue
        for one in service:
            # Each of ours sends once: no pause between sends of one object, no retries but the engine's.
            one.request_rate_per_sec = one.retry = 0
            one.socket_connect_timeout = one.socket_read_timeout = min(left, _CONNECT)
        kind = NotifyFormat.HTML if html else NotifyFormat.TEXT
        try:
            result = service.notify(title=title, body=body or title, body_format=kind, timeout=left)
            found.append(_outcome(result, call))
        finally:
            call.end()
    return found


def _outcome(result: Any, call: Call) -> Outcome:
    from apprise import AppriseResultStatus

    if result.status is AppriseResultStatus.SUCCESS:
        return Outcome(status="accepted")
    if call.refused:
        return Outcome(status="failed", reason=Reason.FORBIDDEN_TARGET, detail=call.refused[0])
    if result.status is AppriseResultStatus.TIMEOUT:
        return Outcome(status="unknown", reason=Reason.TIMEOUT, detail="the service did not answer in time")
    if result.status is AppriseResultStatus.NOMATCH:
        return _misconfigured("Apprise found no service in the target")
    said = [str(getattr(entry, "message", entry)) for one in result for attempt in one for entry in attempt]
    codes = [int(code) for text in said for code in _CODE.findall(text)]
    if codes:
        # What Apprise tells of an answer is its status, in the words of its log.
        outcome = outcome_of(Answer(status=codes[-1]))
        return outcome.model_copy(update={"detail": f"Apprise reports HTTP {codes[-1]}"})
    if call.is_mailed:
        return Outcome(status="unknown", reason=Reason.UNREACHABLE, detail="Apprise reports a failure amid the message")
    if any("connection error" in text.lower() for text in said):
        status: Literal["unknown", "retry"] = "unknown" if call.is_sent else "retry"
        return Outcome(status=status, reason=Reason.UNREACHABLE, detail="Apprise reports a connection error")
    return Outcome(status="retry", reason=Reason.CHANNEL_FAILED, detail=f"Apprise reports {result.status.name.lower()}")


def _misconfigured(detail: str) -> Outcome:
    return Outcome(status="failed", reason=Reason.MISCONFIGURED, detail=detail)


def _secrets(urls: Sequence[str]) -> tuple[str, ...]:
    """What in the URLs may be secret, longest first."""
    rest = [part for url in urls for part in _URL_PART.split(url.partition("://")[2])]
    forms = {form for part in rest for form in (part, unquote(part)) if len(form) >= _SECRET_LENGTH}
    return tuple(sorted(forms, key=len, reverse=True))


def _listen_in() -> None:
    """Put our own between Apprise and the world; doing it again changes nothing."""
    for name in ("apprise", "urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_without_secrets)
    connection: Any = import_module("urllib3.util.connection")
    if getattr(connection.create_connection, "is_liverys", False):
        return
    connection.create_connection = _guarded(connection.create_connection)
    http: Any = import_module("urllib3.connection").HTTPConnection
    http.request = _noted(http.request)
    adapter: Any = import_module("requests.adapters").HTTPAdapter
    adapter.build_response = _bounded(adapter.build_response)
    mail: Any = import_module("smtplib").SMTP
    mail._get_socket, mail.data = _kept(mail._get_socket), _mailed(mail.data)  # noqa: SLF001 - what it is made for
    mail.getreply = _short(mail.getreply)
    sessions: Any = import_module("requests.sessions")
    for name, nothing in (("get_environ_proxies", {}), ("get_netrc_auth", None)):
        setattr(sessions, name, _outside_ours(getattr(sessions, name), nothing))


def _guarded(original: Any) -> Any:
    def create_connection(address: tuple[str, int], timeout: Any = None, *rest: Any, **options: Any) -> Any:
        call = _call.get()
        if call is None:
            return original(address, timeout, *rest, **options)
        if call.is_over:
            raise OSError("its time is up")
        if call.guard is None:
            sock = original(address, timeout, *rest, **options)
        else:
            host, port = address
            try:
                within = float(timeout) if isinstance(timeout, int | float) else _CONNECT
                sock = call.guard.dial_blocking(host.strip("[]"), port, ports=(port,), timeout=within)
            except ForbiddenTarget as refusal:
                call.refused.append(str(refusal))
                raise OSError(str(refusal)) from refusal
        call.keep(sock)
        return sock

    create_connection.is_liverys = True  # type: ignore[attr-defined]
    return create_connection


def _kept(original: Any) -> Any:
    def get_socket(*arguments: Any, **options: Any) -> Any:
        sock, call = original(*arguments, **options), _call.get()
        if call is not None:
            call.keep(sock)
        return sock

    return get_socket


class _Lines:
    """What a mail server says, up to so many lines: smtplib keeps every line of a reply."""

    def __init__(self, file: Any) -> None:
        self._file, self._left = file, _MOST_LINES

    def readline(self, size: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError("an answer without end")
        return bytes(self._file.readline(size))

    def close(self) -> None:
        self._file.close()


def _short(original: Any) -> Any:
    def getreply(client: Any) -> Any:
        if _call.get() is not None and client.file is None and client.sock is not None:
            client.file = _Lines(client.sock.makefile("rb"))
        return original(client)

    return getreply


def _mailed(original: Any) -> Any:
    def data(*arguments: Any, **options: Any) -> Any:
        call = _call.get()
        if call is None:
            return original(*arguments, **options)
        from smtplib import SMTPDataError

        call.is_mailed = True
        try:
            answer = original(*arguments, **options)
        except SMTPDataError:  # an answer, too
            call.is_mailed = False
            raise
        call.is_mailed = False
        return answer

    return data


def _noted(original: Any) -> Any:
    def request(*arguments: Any, **options: Any) -> Any:
        if (call := _call.get()) is not None:
            call.is_asked = True
        return original(*arguments, **options)

    return request


def _bounded(original: Any) -> Any:
    """Of an answer the beginning, unpacked; what breaks off does not hide the status."""

    def build_response(*arguments: Any, **options: Any) -> Any:
        response = original(*arguments, **options)
        if _call.get() is None:
            return response
        from requests import RequestException

        body = bytearray()
        with suppress(RequestException, OSError):
            for piece in response.iter_content(_PIECE):
                body += piece
                if len(body) >= _ANSWER_CAP:
                    break
        response.raw.close()
        response._content, response._content_consumed = bytes(body), True  # noqa: SLF001 - there is no other way in
        return response

    return build_response


def _outside_ours(original: Any, nothing: Any) -> Any:
    def ask(*arguments: Any, **options: Any) -> Any:
        return original(*arguments, **options) if _call.get() is None else nothing

    return ask


def _without_secrets(record: logging.LogRecord) -> bool:
    call = _call.get()
    said = plain = record.getMessage() if call is not None else ""
    for secret in call.secrets if call is not None else ():
        said = said.replace(secret, "•••")
    if said != plain:
        record.msg, record.args = said, ()
    return True
