"""The Slack channel: an incoming webhook, or `chat.postMessage` with a bot's token.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
https://docs.slack.dev/reference/methods/chat.postMessage
"""

import asyncio
import json
import re
from typing import Self, cast

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from livery.plugin import Answer, ChatHook, Dispatch, HookDestination, Model, Outcome, Reason
from livery_slack import answers

_WHOLE = 30.0
"""Seconds for one attempt, which may be two posts."""
_CHANNEL = re.compile(r"#[\w.-]{1,80}|[CDGU][A-Z0-9]{2,20}")
_BOT = re.compile(r"xox[a-z]-[\x21-\x7e]{8,500}")


class SlackSettings(Model):
    """`[channels.slack]`"""

    api: str = Field(
        default="https://slack.com/api",
        pattern=r"^https?://[^\s?#]+$",
        description="Where Slack's Web API is, for destinations with a token; GovSlack's is https://slack-gov.com/api.",
    )


class SlackDestination(HookDestination):
    """`[[tenants.<id>.channels.slack]]`: either the `url` of an incoming webhook, or a bot's `token` and a `channel`.

    With a token, what concerns one order stands in one thread.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    url: SecretStr | None = Field(  # type: ignore[assignment]
        default=None, description="The URL of an incoming webhook. Whoever knows it can post, so it is a secret."
    )
    token: SecretStr | None = Field(default=None, description="A bot's token (`xoxb-…`) with the scope `chat:write`.")
    channel: str = Field(
        default="", description="With a token: the channel's id (`C0123ABC`) or name (`#orders`); the bot is in it."
    )

    @field_validator("token", mode="before")
    @classmethod
    def _token_is_hidden(cls, token: object) -> object:
        return SecretStr(token) if isinstance(token, str) else token

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _BOT.fullmatch(token.get_secret_value()):
            raise ValueError("a bot's token, which begins with xoxb-")
        return token

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.url is None) == (self.token is None):
            raise ValueError("either the url of an incoming webhook, or a bot's token and a channel")
        if (self.token is None) != (not self.channel) or (self.channel and not _CHANNEL.fullmatch(self.channel)):
            raise ValueError("with a token, and only with one, a channel: its id (C0123ABC) or name (#orders)")
        return self


class SlackChannel(ChatHook):
    """Slack answers once the message stands in the channel."""

    Settings = SlackSettings
    Destination = SlackDestination

    @classmethod
    def label(cls, destination: HookDestination) -> str:
        where = cast(SlackDestination, destination)
        return where.name or where.channel or super().label(destination)

    @classmethod
    def identity(cls, destination: HookDestination) -> str:
        where = cast(SlackDestination, destination)
        # A token may be replaced while deliveries wait: the channel is what they go to.
        return super().identity(destination) if where.url is not None else f"channel {where.channel}"

    def read(self, answer: Answer) -> Outcome:
        return answers.read(answer)

    async def send(self, dispatch: Dispatch) -> Outcome:
        where: SlackDestination = dispatch.destination
        if where.token is None:
            return await super().send(dispatch)
        try:
            async with asyncio.timeout(_WHOLE):
                answer = await self._post(dispatch, where, dispatch.thread)
                if dispatch.thread and answers.lost_thread(answer):
                    answer = await self._post(dispatch, where, "")
        except TimeoutError:
            return Outcome(status="unknown", reason=Reason.TIMEOUT, detail="no answer in time")
        outcome = self.read(answer)
        if not dispatch.thread:
            return outcome
        # The thread hangs on its first message, whatever comes after.
        return outcome.model_copy(update={"reference": dispatch.thread if outcome.reference else ""})

    async def _post(self, dispatch: Dispatch, where: SlackDestination, thread: str) -> Answer:
        token = cast(SecretStr, where.token).get_secret_value()
        settings = cast(SlackSettings, self.settings)
        said = {"channel": where.channel, **({"thread_ts": thread} if thread else {}), "unfurl_links": False}
        body = json.dumps({**said, **json.loads(dispatch.wire), "metadata": _identity(dispatch)}, ensure_ascii=False)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": dispatch.envelope.delivery_id,
        }
        return await self.outbound.post(f"{settings.api.rstrip('/')}/chat.postMessage", body.encode(), headers)


def _identity(dispatch: Dispatch) -> dict[str, object]:
    """By what an app in the channel tells a copy: metadata of the message, which people do not see."""
    envelope = dispatch.envelope
    payload = {"delivery_id": envelope.delivery_id, "event_id": envelope.event_id}
    return {"event_type": "livery_delivery", "event_payload": payload}
