"""The Teams channel: an Adaptive Card to the webhook of a Workflow.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""

import json
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, outcome_of


class TeamsDestination(Model):
    """`[[tenants.<id>.channels.teams]]`"""

    url: SecretStr = Field(description="The workflow's URL. Its signature is in it, so it is a secret.")
    name: str = Field(default="", description="What people are shown of it, such as `Orders`.")

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: SecretStr) -> SecretStr:
        if not _host(url):
            raise ValueError("the workflow's URL, such as https://….logic.azure.com/workflows/…")
        return url

    @field_validator("url", mode="before")
    @classmethod
    def _is_hidden(cls, url: Any) -> Any:
        """From here on, so that no error shows it."""
        return SecretStr(url) if isinstance(url, str) else url


class TeamsChannel(Channel):
    """202 says that the workflow took the card, not that anybody saw it: `accepted`, never `delivered`."""

    Destination = TeamsDestination

    @classmethod
    def label(cls, destination: TeamsDestination) -> str:
        return destination.name or f"{_host(destination.url)}/…"

    @classmethod
    def identity(cls, destination: TeamsDestination) -> str:
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
        answer = await self.outbound.post(url, dispatch.wire, headers)
        return outcome_of(answer, success="accepted")


def _host(url: SecretStr) -> str:
    """The host of an http(s) URL; empty if it is none."""
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
