"""Whether what the demo's servers received is what was meant: every row, every recipient, once."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

from livery.models.delivery import Delivery
from livery.models.event import Event
from livery.models.notification import Notification
from livery.render.text import block_text
from livery.testing.servers import HttpReceiver, Received, ReceivedMail

_CHANNELS = ("slack", "smtp", "teams", "webhook")
Check = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Expected:
    """What should have arrived of one event."""

    event: Event
    said: Notification
    webhook_secret: str
    cc: str

    @property
    def to(self) -> str:
        assert self.event.data.user is not None, "the samples name a user"
        return self.event.data.user.email or ""

    def is_recipient(self, addresses: Sequence[str]) -> bool:
        return self.to in addresses

    def rows(self) -> list[str]:
        """Every text of the notification, one line each."""
        parts = [self.said.greeting, *(block_text(block.model_dump()) for block in self.said.blocks), self.said.closing]
        lines = [line.strip() for part in parts for line in part.splitlines()]
        return [line for line in [*lines, *self.said.signature, self.said.footer] if line]


def problems_of(
    expected: Sequence[Expected],
    deliveries: Sequence[Delivery],
    mails: Sequence[ReceivedMail],
    http: HttpReceiver,
) -> tuple[int, list[str]]:
    """How many checks were made, and what each that failed found."""
    made = [check for one in expected for check in _checks(one, deliveries, mails, http)]
    return len(made), [what for what, holds in made if not holds]


def _checks(
    one: Expected, deliveries: Sequence[Delivery], mails: Sequence[ReceivedMail], http: HttpReceiver
) -> Iterator[Check]:
    seller = one.event.seller_id
    mine = sorted((delivery for delivery in deliveries if delivery.tenant == seller), key=lambda it: it.channel)
    yield (
        f"{seller}: one delivery for each channel",
        [delivery.channel for delivery in mine] == list(_CHANNELS),
    )
    for delivery in mine:
        yield (
            f"{seller}: {delivery.channel} is {delivery.state}, {delivery.reason}",
            delivery.is_good and not delivery.degraded,
        )
    received = [mail for mail in mails if one.is_recipient(mail.recipients)]
    yield f"{seller}: {len(received)} e-mails instead of one", len(received) == 1
    for mail in received:
        yield from _mail(one, mail)
    for channel, look in (("slack", _slack), ("teams", _teams), ("webhook", _webhook)):
        requests = http.at(f"/{channel}/{seller}")
        yield f"{seller}: {len(requests)} requests to {channel} instead of one", len(requests) == 1
        for request in requests:
            yield from look(one, request)


def _mail(one: Expected, mail: ReceivedMail) -> Iterator[Check]:
    parsed, seller = mail.parsed, one.event.seller_id
    page = _Page()
    page.feed(mail.part("html"))
    seen, text = _flat(page.text), _flat(mail.part("plain"))
    for row in one.rows():
        yield f"{seller}: the HTML lacks {row!r}", all(_flat(part) in seen for part in _values(row))
        yield f"{seller}: the text lacks {row!r}", _flat(row) in text
    yield (
        f"{seller}: the subject is {parsed['Subject']!r}",
        one.event.data.model_dump()["offer"]["name"] in parsed["Subject"],
    )
    yield f"{seller}: To is {parsed['To']}", one.to in str(parsed["To"])
    yield f"{seller}: Cc is {parsed['Cc']}", one.cc in str(parsed["Cc"])
    yield f"{seller}: From is {parsed['From']}", one.said.brand["name"] in str(parsed["From"])
    yield f"{seller}: Bcc is told", "archiv@" not in mail.content.decode("utf-8", "replace")
    for header in ("Message-ID", "Date", "Auto-Submitted"):
        yield f"{seller}: no {header}", bool(parsed[header])
    yield (
        f"{seller}: written {page.direction} instead of {one.said.direction}",
        page.direction == one.said.direction,
    )
    yield f"{seller}: in {page.language} instead of {one.said.locale}", page.language == one.said.locale


def _values(row: str) -> list[str]:
    """A labelled value is two cells in HTML."""
    label, colon, value = row.partition(": ")
    return [label, value] if colon else [row.removeprefix("- ").removeprefix("[").removesuffix("]")]


def _slack(one: Expected, request: Received) -> Iterator[Check]:
    body = json.loads(request.body)
    yield f"{one.event.seller_id}: Slack has no blocks", bool(body["blocks"]) and bool(body["text"])
    error = one.event.data.model_dump()["error"]["message"]
    told = _flat("".join(_strings(body))).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    yield f"{one.event.seller_id}: Slack lacks the error", _flat(error) in told


def _teams(one: Expected, request: Received) -> Iterator[Check]:
    card = json.loads(request.body)["attachments"][0]["content"]
    yield (
        f"{one.event.seller_id}: Teams got no Adaptive Card",
        card["type"] == "AdaptiveCard" and card["version"] >= "1.4",
    )
    error = one.event.data.model_dump()["error"]["message"]
    yield f"{one.event.seller_id}: Teams lacks the error", _flat(error) in _flat("".join(_strings(card)))


def _webhook(one: Expected, request: Received) -> Iterator[Check]:
    headers = {key.lower(): value for key, value in request.headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(one.webhook_secret.removeprefix("whsec_"))
    right = "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
    yield f"{one.event.seller_id}: the webhook's signature is wrong", headers["webhook-signature"] == right
    yield (
        f"{one.event.seller_id}: the webhook has another event",
        json.loads(request.body)["id"] == one.event.id,
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _flat(text: str) -> str:
    """Without white space and isolation marks: where lines break is no matter."""
    drop: Callable[[str], bool] = lambda char: char.isspace() or char in "\u2066\u2067\u2068\u2069>"  # noqa: E731
    return "".join(char for char in text if not drop(char))


class _Page(HTMLParser):
    """The text of a page, its language and its direction."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.language, self.direction = "", "", ""
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "html":
            self.language, self.direction = found.get("lang") or "", found.get("dir") or ""
        self.text += " ".join(value for name, value in attrs if name in ("href", "alt") and value)
        self._silent += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text += data
