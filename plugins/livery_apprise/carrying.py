"""Slack, Teams, e-mail and JSON through Apprise instead of their own channels: `via = "apprise"` in their settings.

A lower grade, for where a proxy or a policy wants it so: plain text, no identity of the message at the far side, no
signature, no threads. Destinations keep their keys, so that what waits goes on. The URL for Apprise is made of what
the channel's own models have checked; no query key comes from anybody but this module.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from livery.plugin import (
    Channel,
    ChannelType,
    Dispatch,
    Envelope,
    ForbiddenTarget,
    Format,
    Guard,
    Limits,
    Message,
    Outcome,
    Reason,
)
from livery_apprise.channel import Bridge
from livery_apprise.services import query_of

_SLACK = re.compile(r"https://hooks\.slack\.com/services/([A-Z0-9]+)/([A-Z0-9]+)/([A-Za-z0-9]+)")
_TEAMS = re.compile(r"/workflows/([A-Za-z0-9-]+)/triggers/[a-z]+/paths/invoke")
_MODES = {"none": "insecure", "opportunistic": "insecure", "starttls": "starttls", "tls": "ssl"}
_LONGEST = {"slack": 10_000, "teams": 6000}
"""Characters of a text: what each service takes, with room for what Apprise puts around it."""
_HERE = "here"

Urls = Callable[[Any, Any, Envelope, Sequence[str]], Mapping[str, str]]
"""From settings, destination, envelope and the addresses left: a URL by the name of who it reaches.

Raises:
    ValueError: it cannot be said by Apprise; says why, and holds no secret.

"""


def carried(kind: ChannelType) -> ChannelType | None:
    """The channel's type, sent through Apprise; None for a channel this cannot be done for."""
    if kind.name not in _WAYS:
        return None
    return replace(
        kind,
        summary=f"{kind.summary}; through Apprise",
        format=Format.EMAIL if kind.format is Format.EMAIL else Format.TEXT,
        load=partial(_class, kind),
        inline_images=False,
        limits=Limits(text=_LONGEST.get(kind.name, 0)),
        needs=("apprise",),
        extra="apprise",
        suffix=".json",
    )


def _class(kind: ChannelType) -> type[Channel]:
    inner, make = kind.load(), _WAYS[kind.name]

    class Carried(Bridge):
        Settings = inner.Settings
        Destination = inner.Destination
        label: Any = staticmethod(inner.label)
        identity: Any = staticmethod(inner.identity)

        def encode(self, message: Message, envelope: Envelope) -> bytes:
            del envelope
            said = {"title": message.title, "text": _body(message), "html": message.html}
            return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()

        async def send(self, dispatch: Dispatch) -> Outcome:
            envelope, self.timeout = dispatch.envelope, min(getattr(self.settings, "timeout", 20.0), 30.0)
            left = [one for one in envelope.addresses if one not in dispatch.settled]
            try:
                urls = make(self.settings, dispatch.destination, envelope, left)
                guard = self._guarded(dispatch.destination)
            except ForbiddenTarget as refusal:
                return Outcome(status="failed", reason=Reason.FORBIDDEN_TARGET, detail=str(refusal))
            except ValueError as error:
                return Outcome(status="failed", reason=Reason.MISCONFIGURED, detail=str(error))
            said = json.loads(dispatch.wire)
            parts = list(urls) if kind.addressing == "persons" else ()
            return await self.call(parts, partial(_notify, list(urls.values()), said, kind, guard, self.timeout))

        def _guarded(self, destination: Any) -> Guard | None:
            """The guard, for a tenant's target; a mail server of the operator's is dialled as it is."""
            if destination is None:
                return None
            url = getattr(destination, "url", None)
            if url is not None:
                self.outbound.check(url if isinstance(url, str) else url.get_secret_value())
            return self.outbound.guard

    Carried.__name__ = f"{inner.__name__}ByApprise"
    return Carried


def _notify(
    urls: list[str], said: Mapping[str, str], kind: ChannelType, guard: Guard | None, timeout: float
) -> list[Outcome]:
    from livery_apprise import calls

    body, html = said["html"] or said["text"], bool(said["html"])
    if kind.name == "teams":
        body = re.sub(r"<(?=/?at\b)", "< ", body, flags=re.IGNORECASE)  # no tag, so no mention
    return calls.notify(urls, title=said["title"], body=body, html=html, guard=guard, timeout=timeout)


def _body(message: Message) -> str:
    """The text without the title in front of it, which Apprise puts there itself."""
    head = f"{message.title}\n\n"
    return message.text.removeprefix(head) or message.title


# ------------------------------------------------------------------ a URL for each kind


def _slack(settings: Any, destination: Any, envelope: Envelope, left: Sequence[str]) -> Mapping[str, str]:
    del settings, envelope, left
    query = query_of({"image": "no", "footer": "no", "blocks": "no"})
    token = getattr(destination, "token", None)
    if token is not None:
        channel = destination.channel if destination.channel.startswith("#") else f"+{destination.channel}"
        return {_HERE: f"slack://{quote(token.get_secret_value(), safe='')}/{quote(channel, safe='')}/?{query}"}
    match = _SLACK.fullmatch(destination.url.get_secret_value())
    if match is None:
        raise ValueError("Apprise knows incoming webhooks of hooks.slack.com only")
    return {_HERE: f"slack://{match[1]}/{match[2]}/{match[3]}/?{query}"}


def _teams(settings: Any, destination: Any, envelope: Envelope, left: Sequence[str]) -> Mapping[str, str]:
    del settings, envelope, left
    parts = urlsplit(destination.url.get_secret_value())
    match, found = _TEAMS.fullmatch(parts.path), dict(parse_qsl(parts.query))
    if match is None or "sig" not in found or parts.scheme != "https":
        raise ValueError("Apprise wants a Workflows URL: https://…/workflows/…/paths/invoke?…&sig=…")
    place = f"{parts.hostname}:{parts.port or 443}"
    return {_HERE: f"workflows://{place}/{match[1]}/{quote(found['sig'], safe='')}/?{query_of({'image': 'no'})}"}


def _json(settings: Any, destination: Any, envelope: Envelope, left: Sequence[str]) -> Mapping[str, str]:
    del settings, left
    parts = urlsplit(destination.url)
    scheme = "jsons" if parts.scheme == "https" else "json"
    port = parts.port or (443 if scheme == "jsons" else 80)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    told = {name: value.get_secret_value() for name, value in destination.headers.items()}
    if destination.authorization is not None:
        told["Authorization"] = destination.authorization.get_secret_value()
    told["webhook-id"] = envelope.delivery_id
    query = {f"+{name}": value for name, value in told.items()}
    query |= {f"-{name}": value for name, value in parse_qsl(parts.query)}
    return {_HERE: f"{scheme}://{host}:{port}{parts.path or '/'}?{query_of({**query, 'method': 'POST'})}"}


def _mail(settings: Any, destination: Any, envelope: Envelope, left: Sequence[str]) -> Mapping[str, str]:
    """A message of its own for each address: of several in one, Apprise tells no results, and writes copies to all."""
    del destination
    login = ""
    if settings.username is not None:
        password = settings.password.get_secret_value() if settings.password is not None else ""
        login = f"{quote(settings.username, safe='')}:{quote(password, safe='')}@"
    scheme = "mailto" if _MODES[settings.tls] == "insecure" else "mailtos"
    query = {
        "smtp": settings.host,
        "mode": _MODES[settings.tls],
        "from": envelope.sender_address,
        **({"name": name} if (name := _plain(envelope.sender_name)) else {}),
        **({"reply": envelope.reply_to} if envelope.reply_to else {}),
    }
    for address in (*left, envelope.sender_address, envelope.reply_to):
        if not address.isascii() or not address.isprintable() or re.search(r"[,;<>\s]", address):
            raise ValueError("Apprise takes no addresses beyond ASCII")
    place = f"{login}{settings.host}:{settings.port}"
    return {one: f"{scheme}://{place}/?{query_of({**query, 'to': one})}" for one in left}


def _plain(name: str) -> str:
    return "".join(char for char in name if char.isprintable() and char not in '<>",;')


_WAYS: Mapping[str, Urls] = {"slack": _slack, "teams": _teams, "webhook": _json, "smtp": _mail}
