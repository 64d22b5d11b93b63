"""The bridge to Apprise 2: text only, one try a call, and a coarser outcome than a native channel's.

An Apprise URL can read files, reach internal hosts and turn TLS off, so it is the operator's alone: tenants
name a target of `[channels.apprise.targets]`, never a URL.
"""

import logging
import re
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any, cast
from urllib.parse import unquote

from pydantic import Field, SecretStr

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, Reason

_SEPARATOR = "\n\n"
_SECRET_LENGTH = 6
_URL_PART = re.compile(r"[/:@?&=,]+")


class AppriseSettings(Model):
    """`[channels.apprise]`"""

    targets: dict[str, SecretStr] = Field(default={}, description="Apprise URLs by the name tenants use for them.")
    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds for one service.")


class AppriseDestination(Model):
    """`[[tenants.<id>.channels.apprise]]`"""

    target: str = Field(pattern=r"^[\w .-]{1,100}$", description="A name in `[channels.apprise.targets]`; never a URL.")


class AppriseChannel(Channel):
    """At least once, one try a call; Apprise tells neither a code nor a Retry-After: every failure is tried again."""

    Settings = AppriseSettings
    Destination = AppriseDestination

    @classmethod
    def label(cls, destination: AppriseDestination) -> str:
        return destination.target

    @classmethod
    def identity(cls, destination: AppriseDestination) -> str:
        return destination.target

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        del envelope
        return message.text.encode()

    async def send(self, dispatch: Dispatch) -> Outcome:
        import asyncio

        settings = cast(AppriseSettings, self.settings)
        target = dispatch.destination.target
        url = settings.targets.get(target)
        if url is None:
            # The names there are may be other tenants': they are not for the log of this one.
            detail = f"no target {target!r} in [channels.apprise.targets]"
            return Outcome(status="failed", reason=Reason.MISCONFIGURED, detail=detail)
        if find_spec("apprise") is None:
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail="pip install 'livery[apprise]'")
        return await asyncio.to_thread(_notify, url.get_secret_value(), dispatch.wire.decode(), settings.timeout)


def _notify(url: str, text: str, timeout: float) -> Outcome:
    from apprise import Apprise, AppriseAsset, AppriseResultStatus, NotifyFormat

    _blot_out(url)
    asset = AppriseAsset(async_mode=False, plugin_paths=[], storage_mode="memory", app_id="Livery", app_desc="Livery")
    asset.http_redirects = False  # a service may not send us on to where only we can reach
    service: Any = Apprise(asset=asset)
    if not service.add(url):
        return Outcome(
            status="failed",
            reason=Reason.MISCONFIGURED,
            detail="Apprise does not understand the target's URL",
        )
    for one in service:
        # Each of ours sends once: no pause between sends of one object, no retries but the engine's.
        one.request_rate_per_sec = one.retry = 0
    title, _, body = text.partition(_SEPARATOR)
    result = service.notify(title=title, body=body or title, body_format=NotifyFormat.TEXT, timeout=timeout)
    if result.status is AppriseResultStatus.SUCCESS:
        return Outcome(status="accepted")
    if result.status is AppriseResultStatus.TIMEOUT:
        return Outcome(status="unknown", reason=Reason.TIMEOUT, detail="the service did not answer in time")
    if result.status is AppriseResultStatus.NOMATCH:
        return Outcome(
            status="failed",
            reason=Reason.MISCONFIGURED,
            detail="Apprise found no service in the target's URL",
        )
    return Outcome(status="retry", reason=Reason.CHANNEL_FAILED, detail=f"Apprise reports {result.status.name.lower()}")


# ------------------------------------------------------------------ what Apprise and what it stands on say in the log

_secrets: ContextVar[tuple[str, ...]] = ContextVar("livery_apprise_secrets", default=())


def _blot_out(url: str) -> None:
    """Keep what is in `url` out of the log records of this call; Apprise carries the context into its threads."""
    parts = {form for part in _URL_PART.split(url.partition("://")[2]) for form in (part, unquote(part))}
    _secrets.set(tuple(sorted((part for part in parts if len(part) >= _SECRET_LENGTH), key=len, reverse=True)))
    for name in ("apprise", "urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_without_secrets)  # adding it again changes nothing


def _without_secrets(record: logging.LogRecord) -> bool:
    said = plain = record.getMessage() if _secrets.get() else ""
    for secret in _secrets.get():
        said = said.replace(secret, "•••")
    if said != plain:
        record.msg, record.args = said, ()
    return True
