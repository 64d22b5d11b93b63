"""The webhook channel: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

import base64
import binascii
import hmac
import json
import time
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, outcome_of

_PREFIX = "whsec_"
_MIN_KEY, _MAX_KEY = 24, 64


class WebhookDestination(Model):
    """`[[tenants.<id>.channels.webhook]]`: every level's get their own delivery."""

    url: str = Field(description="Where to POST to; https.")
    secret: SecretStr = Field(
        description="`whsec_` and the base64 of 24 to 64 random bytes; the receiver verifies by it."
    )
    authorization: SecretStr | None = Field(default=None, description="Value of an Authorization header to send.")
    may_see_secrets: bool = Field(
        default=False, description="Whether secret fields of events are sent, where the tenant may see them."
    )

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_one = False
        if not is_one:
            raise ValueError("a URL, such as https://example.com/hooks/orders")
        return url

    @field_validator("authorization")
    @classmethod
    def _is_a_header(cls, authorization: SecretStr | None) -> SecretStr | None:
        if authorization is not None and not authorization.get_secret_value().isprintable():
            raise ValueError("the value of a header: one line, no control characters")
        return authorization

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, secret: SecretStr) -> SecretStr:
        try:
            key = _key(secret)
        except (binascii.Error, ValueError):
            key = b""
        if not _MIN_KEY <= len(key) <= _MAX_KEY:
            raise ValueError(f"a secret is `{_PREFIX}` and the base64 of {_MIN_KEY} to {_MAX_KEY} bytes")
        return secret

    @field_validator("secret", "authorization", mode="before")
    @classmethod
    def _is_hidden(cls, secret: Any) -> Any:
        """From here on, so that no error shows it."""
        return SecretStr(secret) if isinstance(secret, str) else secret


class WebhookChannel(Channel):
    Destination = WebhookDestination

    @classmethod
    def label(cls, destination: WebhookDestination) -> str:
        parts = urlsplit(destination.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

    @classmethod
    def identity(cls, destination: WebhookDestination) -> str:
        return destination.url

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        del envelope
        return json.dumps(message.body, ensure_ascii=False, separators=(",", ":")).encode()

    async def send(self, dispatch: Dispatch) -> Outcome:
        where: WebhookDestination = dispatch.destination
        id_, timestamp = dispatch.envelope.delivery_id, int(time.time())
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(where.secret, id_, timestamp, dispatch.wire),
        }
        if where.authorization is not None:
            headers["Authorization"] = where.authorization.get_secret_value()
        return outcome_of(await self.outbound.post(where.url, dispatch.wire, headers))


def signature(secret: SecretStr, id_: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    digest = hmac.new(_key(secret), f"{id_}.{timestamp}.".encode() + body, sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: SecretStr) -> bytes:
    value = secret.get_secret_value()
    if not value.startswith(_PREFIX):
        raise ValueError("no whsec_ prefix")
    return base64.b64decode(value.removeprefix(_PREFIX), validate=True)
