"""The webhook channel: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

import base64
import hmac
import json
import time
from functools import cached_property
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from livery.plugin import Channel, ConfigPath, Dispatch, Envelope, Message, Model, Outcome, Reason, outcome_of
from livery_webhook import mapping
from livery_webhook.destination import CLOUDEVENT, WebhookDestination, key

_CLOUDEVENT_TYPE = "application/cloudevents+json; charset=utf-8"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _mapping(path: ConfigPath) -> ConfigPath:
    mapping.read(path)
    return path


class WebhookSettings(Model):
    """`[channels.webhook]`"""

    bodies: dict[str, Annotated[ConfigPath, AfterValidator(_mapping)]] = Field(
        default={}, description="Mapping files by the name that destinations use in `body`."
    )


class WebhookChannel(Channel):
    Settings = WebhookSettings
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
        return _json(message.body)

    def encode_for(self, destination: WebhookDestination | None, message: Message, envelope: Envelope) -> bytes:
        if destination is None or destination.body == CLOUDEVENT:
            return self.encode(message, envelope)
        delivery = {"id": envelope.delivery_id, "created_at": envelope.created_at.isoformat().replace("+00:00", "Z")}
        roots = {"notification": {}, "brand": {}, **message.context, "event": message.body, "delivery": delivery}
        return _json(self._body(destination.body).fill(roots))

    async def send(self, dispatch: Dispatch) -> Outcome:
        where: WebhookDestination = dispatch.destination
        try:
            content_type = where.content_type or self._content_type(where.body)
        except ValueError as error:
            return Outcome(status="retry", reason=Reason.MISCONFIGURED, detail=str(error))
        id_, now = dispatch.envelope.delivery_id, time.time()
        headers = {name: value.get_secret_value() for name, value in where.headers.items()}
        headers |= {
            "Content-Type": content_type,
            "webhook-id": id_,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": " ".join(
                signature(secret, id_, int(now), dispatch.wire) for secret in where.signing(now)
            ),
        }
        if where.authorization is not None:
            headers["Authorization"] = where.authorization.get_secret_value()
        return outcome_of(await self.outbound.post(where.url, dispatch.wire, headers))

    def _content_type(self, body: str) -> str:
        return _CLOUDEVENT_TYPE if body == CLOUDEVENT else self._body(body).content_type

    def _body(self, name: str) -> mapping.Body:
        if name not in self._bodies:
            raise ValueError(f"no body {name!r} in [channels.webhook.bodies]")
        return self._bodies[name]

    @cached_property
    def _bodies(self) -> dict[str, mapping.Body]:
        settings = cast(WebhookSettings, self.settings)
        return {
            mapping.SHIPPED: mapping.shipped(),
            **{name: mapping.read(path) for name, path in settings.bodies.items()},
        }


def signature(secret: SecretStr, id_: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    digest = hmac.digest(key(secret), f"{id_}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def _json(value: Any) -> bytes:
    return _JSON.encode(value).encode()
