"""The bridge to Apprise 2: text only, one try a call, and a coarser outcome than a native channel's.

An Apprise URL can read files, reach internal hosts and turn TLS off, so nobody writes one: the operator names a
service of the allow-list and fills in its fields, tenants name a target of `[channels.apprise.targets]`.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cached_property, partial
from importlib.util import find_spec
from typing import Annotated, Any, Self, cast

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, Reason, RecipientResult
from livery_apprise import services

_SEPARATOR = "\n\n"
_AT_ONCE = 8
_GRACE = 2.0


def _hidden(value: Any) -> Any:
    """Values as lists of secrets: from here on, so that no error shows one."""
    if isinstance(value, dict):
        return {name: _hidden(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return tuple(SecretStr(str(one)) if isinstance(one, str | int) else one for one in value)
    return (SecretStr(str(value)),) if isinstance(value, str | int) and not isinstance(value, bool) else value


class AppriseTarget(Model):
    """`[channels.apprise.targets.<name>]`: a service, and what it is told."""

    model_config = ConfigDict(hide_input_in_errors=True)

    service: str = Field(description="A service in `livery plugin list --services`, such as `gotify`.")
    fields: Annotated[dict[str, tuple[SecretStr, ...]], BeforeValidator(_hidden)] = Field(
        description='What the service needs, by name: `{ host = "…", token = "…" }`. `targets` may be a list; each is '
        "sent to, and tried again, by itself."
    )
    options: dict[str, str | int | float | bool] = Field(default={}, description="Options of the service.")
    secure: bool = Field(
        default=True, description="Whether by TLS; only services on hosts of one's own can do without."
    )

    @model_validator(mode="after")
    def _is_on_the_list(self) -> Self:
        if wrong := list(services.problems(self.service, self.options, secure=self.secure)):
            raise ValueError("; ".join(wrong))
        return self

    def urls(self) -> list[str]:
        """The URLs for Apprise; see `services.urls`."""
        plain = {name: [one.get_secret_value() for one in values] for name, values in self.fields.items()}
        return services.urls(services.services()[self.service], plain, self.options, secure=self.secure)


class AppriseSettings(Model):
    """`[channels.apprise]`"""

    model_config = ConfigDict(hide_input_in_errors=True)

    targets: dict[str, AppriseTarget] = Field(default={}, description="What tenants may name.")
    timeout: float = Field(default=20.0, gt=0, le=30, description="Seconds for one attempt.")


class AppriseDestination(Model):
    """`[[tenants.<id>.channels.apprise]]`"""

    target: str = Field(pattern=r"^[\w .-]{1,100}$", description="A name in `[channels.apprise.targets]`; never a URL.")


class Bridge(Channel):
    """What goes through Apprise has in common: threads of its own, a deadline, outcomes put together."""

    timeout: float = 20.0

    async def call(self, parts: Sequence[str], notify: Callable[[], list[Outcome]]) -> Outcome:
        """Notify off the loop.

        Args:
            parts: a name for each URL, where there are several; what is settled by it is not tried again.
            notify: blocks, and gives an outcome for each.

        """
        if find_spec("apprise") is None:
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail="pip install 'livery[apprise]'")
        running = asyncio.get_running_loop().run_in_executor(self._threads, partial(copy_context().run, notify))
        try:
            found = await asyncio.wait_for(running, self.timeout + _GRACE)
        except TimeoutError:
            return Outcome(status="unknown", reason=Reason.TIMEOUT, detail="the service did not answer in time")
        return put_together(parts, found)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        # Threads of our own: services that hang must not take those that others wait for.
        return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="livery-apprise")

    async def aclose(self) -> None:
        threads = self.__dict__.pop("_threads", None)
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)


class AppriseChannel(Bridge):
    """At least once, one try a call. Apprise tells a status at best: no Retry-After, no id of the message."""

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
        name = dispatch.destination.target
        target = settings.targets.get(name)
        if target is None:
            # The names there are may be other tenants': they are not for the log of this one.
            detail = f"no target {name!r} in [channels.apprise.targets]"
            return Outcome(status="failed", reason=Reason.MISCONFIGURED, detail=detail)
        self.timeout = settings.timeout
        several = len(target.fields.get("targets", ())) > 1
        title, _, body = dispatch.wire.decode().partition(_SEPARATOR)

        def notify() -> list[Outcome]:
            from livery_apprise import calls

            try:
                urls = target.urls()
            except ValueError as error:
                detail = f"target {name!r}: expected {error}"
                return [Outcome(status="failed", reason=Reason.MISCONFIGURED, detail=detail)]
            left = [url for part, url in zip(names(name, len(urls)), urls, strict=True) if part not in dispatch.settled]
            timeout, guard = settings.timeout, self.outbound.guard
            return calls.notify(left, title=title, body=body, html=False, guard=guard, timeout=timeout)

        parts = names(name, len(target.fields.get("targets", ()))) if several else ()
        return await self.call([part for part in parts if part not in dispatch.settled], notify)


def names(target: str, count: int) -> list[str]:
    """What the parts of a target are called in the log: by number, for a phone number is nobody's business."""
    return [f"{target} #{number}" for number in range(1, count + 1)]


def put_together(parts: Sequence[str], found: Sequence[Outcome]) -> Outcome:
    """One outcome for all: something left to try again, else somebody reached, else nobody."""
    if len(found) == 1 and len(parts) != 1:
        return found[0]
    by_status = {one.status: one for one in reversed(found)}
    worst = next(by_status[status] for status in ("unknown", "retry", "accepted", "failed") if status in by_status)
    told = [
        RecipientResult(
            address=part,
            status=one.status,
            code=one.code,
            detail=one.detail,
        )
        for part, one in zip(parts, found, strict=False)
        if one.status in ("accepted", "retry", "failed")
    ]
    return worst.model_copy(update={"recipients": tuple(told)})
