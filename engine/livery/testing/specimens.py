"""What the contract suite sends: one notification in two scripts, one far too long, and their envelope."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from livery.channel import ChannelType
from livery.models.audience import Recipient
from livery.models.event import Event
from livery.models.message import Envelope, Inline, Message
from livery.models.notification import (
    Action,
    ActionsBlock,
    Block,
    ErrorBlock,
    Fact,
    FactsBlock,
    ListBlock,
    Notification,
    TextBlock,
)

PHRASES = ("تعذّر تفعيل الخدمة", "Zoë Großmann 日本語 👩‍👩‍👧")
"""What must arrive as it is: right to left, other alphabets, an emoji of several code points."""
IMAGES = (
    Inline(
        cid="4f53cda18c2baa0c0354bb5f9a3ecbe5@livery",
        media_type="image/png",
        filename="logo.png",
        data="iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    ),
    Inline(
        cid="ef2d127de37b942baad06145e54b0c61@livery",
        media_type="image/gif",
        filename="dot.gif",
        data="R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
    ),
)
"""Two images of one pixel."""
REPLY_TO = "help@seller.example"
PERSONS = {
    "to": ("ada@customer.example", "bert@customer.example", "carla@customer.example"),
    "cc": ("dora@seller.example", "emil@seller.example"),
    "bcc": ("hidden.one@distributor.example", "hidden.two@distributor.example"),
}


def envelope(kind: ChannelType, delivery: str = "dlv_0000contract00000000000001") -> Envelope:
    """The envelope of one delivery: to persons with several in every place, to an endpoint with none."""
    letterhead: dict[str, Any] = {}
    if kind.addressing == "persons":
        letterhead = {
            "sender_name": "Zoë's Cloud, Inc.",
            "sender_address": "notifications@seller.example",
            "reply_to": REPLY_TO,
            **{place: _people(addresses) for place, addresses in PERSONS.items()},
        }
    return Envelope(
        delivery_id=delivery,
        event_id="evt-contract",
        event_type="OfferProvisionError",
        created_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        message_id=f"<{delivery}@seller.example>",
        **letterhead,
    )


def _people(addresses: Sequence[str]) -> tuple[Recipient, ...]:
    return tuple(Recipient(address=one, name=f"{one.partition('@')[0].title()}, Team Ω") for one in addresses)


def event() -> Event:
    """An event whose text holds `PHRASES`."""
    plain = {
        "specversion": "1.0",
        "id": "evt-contract",
        "source": "/contract",
        "type": "OfferProvisionError",
        "time": "2026-03-01T09:30:00Z",
        "data": {
            "seller": {"id": "seller", "name": "Zoë's Cloud"},
            "customer": {"id": "customer", "name": PHRASES[1]},
            "error": {"message": PHRASES[0]},
        },
    }
    return Event.model_validate_json(json.dumps(plain))


def message(kind: ChannelType, *, huge: bool = False) -> Message:
    """The specimen, rendered for a channel as the engine does it."""
    from livery.render.message import render

    said = _huge() if huge else _usual()
    return render(said, event(), wanted=kind.format, limits=kind.limits)


def pictured(kind: ChannelType) -> Message:
    """The specimen with `IMAGES` in it."""
    plain = message(kind)
    shown = "".join(f'<img src="cid:{image.cid}" alt="">' for image in IMAGES)
    return plain.model_copy(update={"html": f"{plain.html}{shown}" if plain.html else "", "inline": IMAGES})


def _usual() -> Notification:
    return _notification(
        PHRASES[0],
        (
            TextBlock(id="summary", text=PHRASES[1], priority=100),
            ErrorBlock(id="error", heading="Error", text="<b>not</b> & *bold* <!channel> @here", code="E-1"),
            FactsBlock(id="facts", facts=(Fact(label="Order", value="ORD-1", mono=True),)),
            ActionsBlock(id="actions", actions=(Action(label="View", url="https://seller.example/orders/1"),)),
        ),
    )


def _huge() -> Notification:
    long = "A vendor wrote & <wrote>, and wrote. " * 120
    facts = tuple(Fact(label=f"Fact {number} & more", value=long[:300]) for number in range(60))
    blocks: list[Block] = [ErrorBlock(id="error", heading=long, text=long, code=long[:200], priority=100)]
    blocks += [TextBlock(id=f"text-{number}", heading=f"{number}", text=long) for number in range(80)]
    blocks += [FactsBlock(id="facts", facts=facts), ListBlock(id="list", items=(long,) * 30)]
    return _notification(long, tuple(blocks), closing=long, footer=long)


def _notification(title: str, blocks: tuple[Block, ...], closing: str = "Bye.", footer: str = "©") -> Notification:
    return Notification(
        event_type="OfferProvisionError",
        locale="ar",
        direction="rtl",
        subject=title,
        title=title,
        greeting="مرحبًا",
        blocks=blocks,
        closing=closing,
        signature=("Zoë", "Seller"),
        footer=footer,
        brand={"name": "Zoë's Cloud"},
        pack="contract",
    )
