"""What chat services have in common: JSON, posted to a URL that is itself the secret."""

import json
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from livery.channel import Channel, Dispatch
from livery.models.base import Model
from livery.models.delivery import Outcome
from livery.models.message import Envelope, Message
from livery.outbound import Answer, outcome_of


class HookDestination(Model):
    """Where a chat hook posts to."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: SecretStr = Field(description="The hook's URL. Whoever knows it can post, so it is a secret.")
    name: str = Field(default="", description="What people are shown of it, such as `#orders`.")

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: SecretStr) -> SecretStr:
        if not _host(url):
            raise ValueError("the hook's URL, such as https://hooks.slack.com/services/…")
        return url

    @field_validator("url", mode="before")
    @classmethod
    def _is_hidden(cls, url: Any) -> Any:
        """From here on, so that no error shows it."""
        return SecretStr(url) if isinstance(url, str) else url


class ChatHook(Channel):
    """A channel whose messages are the JSON body of a POST to a hook. Subclass it and set `success`."""

    Destination = HookDestination
    success: ClassVar[Literal["delivered", "accepted"]] = "delivered"
    """What a 2xx of this service stands for."""

    @classmethod
    def label(cls, destination: HookDestination) -> str:
        return destination.name or f"{_host(destination.url)}/…"

    @classmethod
    def identity(cls, destination: HookDestination) -> str:
        return destination.url.get_secret_value()

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        del envelope
        return json.dumps(message.body, ensure_ascii=False, separators=(",", ":")).encode()

    async def send(self, dispatch: Dispatch) -> Outcome:
        url = dispatch.destination.url.get_secret_value()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": dispatch.envelope.delivery_id,
        }
        return self.read(await self.outbound.post(url, dispatch.wire, headers))

    def read(self, answer: Answer) -> Outcome:
        """What the service's answer means; override it where the status alone does not tell."""
        return outcome_of(answer, success=self.success)


def _host(url: SecretStr) -> str:
    """The host of an http(s) URL; empty if it is none."""
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
