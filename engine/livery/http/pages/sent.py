"""Messages as they were sent, made to be looked at: what an e-mail is made of, and what a frame may show of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Literal

from livery.models.message import Inline

_HEADERS = ("From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID")
_LONGEST = 400_000
"""Characters of a text that a page shows; the file has all of it."""
SANDBOX = {
    # Nothing of somebody else's runs, is fetched, or leaves the frame, wherever the document is opened.
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as people look at it.

    Attributes:
        headers: of an e-mail, those that mail programs show.
        text: its plain text; of what is no e-mail, all of it.
        html: of an e-mail, its HTML; empty if it has none.
        parts: its pictures, as data URIs by Content-ID.

    """

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    parts: Mapping[str, str]


def sent(wire: bytes, suffix: str) -> Sent:
    """Read a message by what it is: `.eml`, or anything else that is text. Never fails, whatever the bytes are."""
    if suffix != ".eml":
        return Sent((), _pretty(wire), "", {})
    mail = BytesParser(policy=policy.default).parsebytes(wire)
    headers = tuple((name, str(mail[name])) for name in _HEADERS if mail[name])
    return Sent(headers, _body(mail, "plain"), _body(mail, "html"), _pictures(mail))


def document(message: Sent, scheme: Literal["light", "dark"]) -> str:
    """What a sandboxed frame shows of an e-mail."""
    from livery.studio.mail import framed

    return framed(message.html, scheme, message.parts)


def _pretty(wire: bytes) -> str:
    text = wire.decode("utf-8", "replace")
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text[:_LONGEST]
    return text[:_LONGEST]


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    try:
        return str(part.get_content())[:_LONGEST] if isinstance(part, EmailMessage) else ""
    except (LookupError, ValueError, KeyError):
        return ""


def _pictures(mail: EmailMessage) -> dict[str, str]:
    from livery.studio.mail import parts_of

    found = []
    for part in mail.walk():
        cid, kind = str(part["Content-ID"] or "").strip("<> "), part.get_content_type()
        data = part.get_payload(decode=True)
        if cid and isinstance(data, bytes) and data:
            try:
                found.append(Inline.model_validate({"cid": cid, "media_type": kind, "data": data}))
            except ValueError:  # no picture that mail programs show
                continue
    return parts_of(found)
