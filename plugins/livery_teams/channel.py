"""The Teams channel: an Adaptive Card to the webhook of a Workflow.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""

import json
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, outcome_of


class TeamsDestination(Model):
    """`[[tenants.<id>.channels.teams]]`"""

    url: SecretStr = Field(description="The workflow's URL. Its signature is in it, so it is a secret.")
    name: str = Field(default="", description="What people are shown of it, such as `Orders`.")


class TeamsChannel(Channel):
    """202 says that the workflow took the card, not that anybody saw it: `accepted`, never `delivered`."""

    Destination = TeamsDestination

    @classmethod
    def label(cls, destination: TeamsDestination) -> str:
        return destination.name or f"{urlsplit(destination.url.get_secret_value()).hostname}/…"

    @classmethod
    def identity(cls, destination: TeamsDestination) -> str:
        return destination.url.get_secret_value()

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        del envelope
        return json.dumps(message.body, ensure_ascii=False, separators=(",", ":")).encode()

    async def send(self, dispatch: Dispatch) -> Outcome:
        url = dispatch.destination.url.get_secret_value()
        answer = await self.outbound.post(url, dispatch.wire, {"Content-Type": "application/json; charset=utf-8"})
        return outcome_of(answer, success="accepted")
