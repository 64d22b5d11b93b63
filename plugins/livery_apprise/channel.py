"""The bridge to Apprise 2: text only, one try a call, and a coarser outcome than a native channel's.

An Apprise URL can read files, reach internal hosts and turn TLS off, so it is the operator's alone: tenants
name a target of `[channels.apprise.targets]`, never a URL.
"""

import asyncio
from importlib.util import find_spec
from typing import Any, cast

from pydantic import Field, SecretStr

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, Reason

_SEPARATOR = "\n\n"


class AppriseSettings(Model):
    """`[channels.apprise]`"""

    targets: dict[str, SecretStr] = Field(default={}, description="Apprise URLs by the name tenants use for them.")
    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds for one service.")


class AppriseDestination(Model):
    """`[[tenants.<id>.channels.apprise]]`"""

    target: str = Field(description="A name in `[channels.apprise.targets]`.")


class AppriseChannel(Channel):
    """One try a call. Apprise tells neither a code nor a Retry-After, so every failure is tried again."""

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
        settings = cast(AppriseSettings, self.settings)
        url = settings.targets.get(dispatch.destination.target)
        if url is None:
            known = ", ".join(sorted(settings.targets)) or "none"
            detail = f"no target {dispatch.destination.target!r} in [channels.apprise.targets]; there are: {known}"
            return Outcome(status="failed", reason=Reason.MISCONFIGURED, detail=detail)
        if find_spec("apprise") is None:
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail="pip install 'livery[apprise]'")
        return await asyncio.to_thread(_notify, url.get_secret_value(), dispatch.wire.decode(), settings.timeout)


def _notify(url: str, text: str, timeout: float) -> Outcome:
    from apprise import Apprise, AppriseAsset, AppriseResultStatus, NotifyFormat

    asset = AppriseAsset(async_mode=False, plugin_paths=[], storage_mode="memory", app_id="Livery", app_desc="Livery")
    service: Any = Apprise(asset=asset)
    if not service.add(url):
        return Outcome(
            status="failed",
            reason=Reason.MISCONFIGURED,
            detail="Apprise does not understand the target's URL",
        )
    for one in service:
        # A pause between sends of one object; each of ours sends once.
        one.request_rate_per_sec = 0
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
