"""The Slack channel: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""

import json
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, outcome_of


class SlackDestination(Model):
    """`[[tenants.<id>.channels.slack]]`"""

    url: SecretStr = Field(description="The incoming webhook's URL. Whoever knows it can post, so it is a secret.")
    name: str = Field(default="", description="What people are shown of it, such as `#orders`.")


class SlackChannel(Channel):
    Destination = SlackDestination

    @classmethod
    def label(cls, destination: SlackDestination) -> str:
        return destination.name or f"{urlsplit(destination.url.get_secret_value()).hostname}/…"

    @classmethod
    def identity(cls, destination: SlackDestination) -> str:
        return destination.url.get_secret_value()

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        del envelope
        return json.dumps(message.body, ensure_ascii=False, separators=(",", ":")).encode()

    async def send(self, dispatch: Dispatch) -> Outcome:
        url = dispatch.destination.url.get_secret_value()
        answer = await self.outbound.post(url, dispatch.wire, {"Content-Type": "application/json; charset=utf-8"})
        return outcome_of(answer)
