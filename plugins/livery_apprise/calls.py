"""One call of Apprise: one try for each URL, in a thread, within a deadline, over connections the guard dials.

Apprise speaks through `requests`. While one of our calls runs, in its own context and nowhere else in the process,
connections of `requests` are opened by the guard, and proxies and passwords of the environment are not looked at.
"""

import logging
import re
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from livery.plugin import Answer, ForbiddenTarget, Guard, Outcome, Reason, outcome_of

_SECRET_LENGTH = 6
_URL_PART = re.compile(r"[/:@?&=,]+")
_CODE = re.compile(r"error[=: ]+([45]\d\d)\b")
_CONNECT = 10.0


@dataclass(slots=True)
class Call:
    """What one call stands on, and what it found."""

    guard: Guard | None
    secrets: tuple[str, ...]
    refused: list[str] = field(default_factory=list)


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

    call = Call(guard, _secrets(urls))
    _call.set(call)
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
        service: Any = Apprise(asset=asset)
        if not service.add(url) or len(service) != 1:
            found.append(_misconfigured("Apprise does not understand the target's fields"))
            continue
        for one in service:
            # Each of ours sends once: no pause between sends of one object, no retries but the engine's.
            one.request_rate_per_sec = one.retry = 0
            one.socket_connect_timeout = one.socket_read_timeout = min(left, _CONNECT)
        kind = NotifyFormat.HTML if html else NotifyFormat.TEXT
        call.refused.clear()
        result = service.notify(title=title, body=body or title, body_format=kind, timeout=left)
        found.append(_outcome(result, call))
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
    if any("connection error" in text.lower() for text in said):
        return Outcome(status="retry", reason=Reason.UNREACHABLE, detail="Apprise reports a connection error")
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
    sessions: Any = import_module("requests.sessions")
    if getattr(connection.create_connection, "is_liverys", False):
        return
    original = connection.create_connection

    def create_connection(address: tuple[str, int], timeout: Any = None, *rest: Any, **options: Any) -> Any:
        call = _call.get()
        if call is None or call.guard is None:
            return original(address, timeout, *rest, **options)
        host, port = address
        try:
            within = float(timeout) if isinstance(timeout, int | float) else _CONNECT
            return call.guard.dial_blocking(host.strip("[]"), port, ports=(port,), timeout=within)
        except ForbiddenTarget as refusal:
            call.refused.append(str(refusal))
            raise OSError(str(refusal)) from refusal

    create_connection.is_liverys = True  # type: ignore[attr-defined]
    connection.create_connection = create_connection
    for name, nothing in (("get_environ_proxies", {}), ("get_netrc_auth", None)):
        setattr(sessions, name, _outside_ours(getattr(sessions, name), nothing))


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
