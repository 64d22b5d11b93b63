"""What a tenant says of a webhook, checked when it is said."""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from livery.plugin import Model
from livery_webhook.mapping import a_content_type

CLOUDEVENT = "cloudevent"
_PREFIX = "whsec_"
_MIN_KEY, _MAX_KEY = 24, 64
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_MOST_HEADERS, _LONGEST = 20, 2048
# Those that say how the message is framed or routed are the client's; the others have a setting or are the signature.
_OURS = re.compile(
    r"(host|content-(length|type|encoding|transfer-encoding)|transfer-encoding|connection|keep-alive|te|trailer|upgrade|"
    r"expect|authorization|accept-encoding|proxy-.*|webhook-.*|cookie|http2-settings)"
)


def _hidden(value: Any) -> Any:
    """From here on, so that no error shows it."""
    return SecretStr(value) if isinstance(value, str) else value


def _all_hidden(value: Any) -> Any:
    return {name: _hidden(one) for name, one in value.items()} if isinstance(value, dict) else value


def _a_key(secret: SecretStr) -> SecretStr:
    try:
        length = len(key(secret))
    except (binascii.Error, ValueError):
        length = 0
    if not _MIN_KEY <= length <= _MAX_KEY:
        raise ValueError(f"`{_PREFIX}` and the base64 of {_MIN_KEY} to {_MAX_KEY} bytes")
    return secret


def _a_value(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if len(text) > _LONGEST or not _VALUE.fullmatch(text):
        raise ValueError(f"the value of a header: one line of ASCII, no control characters, at most {_LONGEST} long")
    return value


Secret = Annotated[SecretStr, AfterValidator(_a_key), BeforeValidator(_hidden)]
Value = Annotated[SecretStr, AfterValidator(_a_value), BeforeValidator(_hidden)]


class WebhookDestination(Model):
    """`[[tenants.<id>.channels.webhook]]`: every level's get their own delivery."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = Field(description="Where to POST to; https.")
    secret: Secret = Field(
        description="`whsec_` and the base64 of 24 to 64 random bytes; the receiver verifies by it. "
        "`livery webhook secret` makes one."
    )
    previous_secret: Secret | None = Field(
        default=None, description="The secret before this one: until `previous_secret_until`, both sign."
    )
    previous_secret_until: AwareDatetime | None = Field(
        default=None, description="When the previous secret stops signing, with zone: `2026-12-31T00:00:00Z`."
    )
    authorization: Value | None = Field(default=None, description="Value of an Authorization header to send.")
    headers: Annotated[dict[str, Value], BeforeValidator(_all_hidden)] = Field(
        default={}, description="Further headers to send, at most 20; values are kept secret."
    )
    may_see_secrets: bool = Field(
        default=False, description="Whether secret fields of events are sent, where the tenant may see them."
    )
    body: str = Field(
        default=CLOUDEVENT,
        pattern=r"^[\w-]{1,60}$",
        description="What is posted: `cloudevent`; `platform`, what marketplaces of the AppXite kind post; or a name "
        "in `[channels.webhook.bodies]`.",
    )
    content_type: Annotated[str, AfterValidator(a_content_type)] | None = Field(
        default=None, description="Content type of the body, if the receiver wants another than the body's own."
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

    @field_validator("headers")
    @classmethod
    def _are_free(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        wrong = [repr(name[:100]) for name in headers if not _NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"names of headers, such as X-Tenant, not {', '.join(wrong)}")
        if taken := [name for name in headers if _OURS.fullmatch(name.lower())]:
            raise ValueError(f"headers that are not the client's own or have a setting, not {', '.join(taken)}")
        if len({name.lower() for name in headers}) < len(headers) or len(headers) > _MOST_HEADERS:
            raise ValueError(f"at most {_MOST_HEADERS} headers, each once")
        return headers

    @model_validator(mode="after")
    def _rotates_for_a_set_time(self) -> Self:
        if (self.previous_secret is None) != (self.previous_secret_until is None):
            raise ValueError("previous_secret and previous_secret_until go together, or neither is given")
        return self

    def signing(self, now: float) -> list[SecretStr]:
        """The secrets that sign at a time (seconds since 1970), the current one first."""
        until = self.previous_secret_until
        if self.previous_secret is None or until is None or datetime.fromtimestamp(now, UTC) >= until:
            return [self.secret]
        return [self.secret, self.previous_secret]


def key(secret: SecretStr) -> bytes:
    """The bytes a secret stands for.

    Raises:
        ValueError: it is no secret of Standard Webhooks.

    """
    value = secret.get_secret_value()
    if not value.startswith(_PREFIX):
        raise ValueError("no whsec_ prefix")
    return base64.b64decode(value.removeprefix(_PREFIX), validate=True)
