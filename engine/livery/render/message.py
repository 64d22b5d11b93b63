"""Render: a notification becomes the message of one channel's format, within the channel's limits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from livery.channel import Limits
from livery.composing import MAX_TEXT
from livery.locales import one_line, shorten
from livery.models.event import Event
from livery.models.message import Format, Inline, Message
from livery.models.notification import Block, Notification
from livery.render.text import plain, shorter

_LENGTHS = (1_000_000, 1000, 300, 100, 40)
Page = Callable[[], tuple[str, list[str], list[Inline]]]
"""Makes the HTML of an e-mail with what was passed over and the images that go with it; empty if no pack can."""


class Cards(Protocol):
    """How a pack shows blocks on channels other than e-mail, where it does."""

    def card(self, format_: str, block: dict[str, Any], length: int) -> Any:
        """The block, with so many characters for each text; None leaves it to the channel. May raise."""

    def card_notes(self, format_: str) -> list[str]:
        """What had to be passed over."""

    def has_cards(self, format_: str) -> bool:
        """Whether there is a kind of block that `card` may not leave to the channel."""


def render(
    notification: Notification,
    event: Event,
    *,
    wanted: Format,
    limits: Limits,
    page: Page | None = None,
    cards: Cards | None = None,
) -> Message:
    """The message of a notification in one format, within a channel's limits.

    Never fails for what a pack does or how long a text is: it falls back, drops by priority and shortens,
    and `degraded` says so.

    Args:
        notification: what is said.
        event: what it is said of; webhooks send it as it is.
        wanted: the format.
        limits: what the channel has room for.
        page: makes the HTML of an e-mail; without it there is the plain built-in page.
        cards: how the pack shows blocks on other channels.

    """
    if wanted is Format.EMAIL:
        return email(notification.model_dump(mode="json"), page, cards)
    own = _Own(wanted, cards)
    made = _other(notification, event, limits, own)
    return made.model_copy(update={"degraded": (*made.degraded, *dict.fromkeys(own.notes))}) if own.notes else made


class _Own:
    """Asks the pack for a block, and takes no for an answer."""

    def __init__(self, wanted: Format, cards: Cards | None) -> None:
        self.wanted = wanted
        self._format = "text" if wanted is Format.EMAIL else wanted.value
        self._cards = cards
        self.notes = list(cards.card_notes(self._format)) if cards is not None else []

    def __call__(self, block: Block, length: int) -> Any:
        return self.plain(block.model_dump(mode="json"), length)

    def plain(self, block: dict[str, Any], length: int) -> Any:
        if self._cards is None:
            return None
        try:
            return self._cards.card(self._format, block, length)
        except Exception as error:  # noqa: BLE001 - a pack may raise anything; the message must go out
            self.notes.append(f"block {block['id']} as {self._format}: {one_line(str(error), 200)}")
            return None

    @property
    def has_texts(self) -> bool:
        """Whether the pack shows any kind of block in text its own way."""
        return self._cards is not None and self._cards.has_cards("text")

    def text(self, block: Mapping[str, Any]) -> str | None:
        made = self.plain(dict(block), MAX_TEXT)
        return str(made).strip("\n") if made is not None else None


def email(said: Mapping[str, Any], page: Page | None, cards: Cards | None) -> Message:
    """The e-mail of a notification that is plain data."""
    own = _Own(Format.EMAIL, cards)
    html, notes, inline = page() if page is not None else ("", [], [])
    text = plain(said, own.text if own.has_texts else None)
    if not html:
        from livery.render.email import built_in

        html = built_in(dict(said))
    # Not validated: every part was made here, and validation would forget the pieces of the HTML.
    return Message.trusted(
        format=Format.EMAIL,
        locale=said["locale"],
        title=one_line(said["subject"], 250),
        text=text,
        html=html,
        inline=tuple(inline),
        body={},
        context={},
        degraded=(*said["degraded"], *notes, *dict.fromkeys(own.notes)),
    )


def _other(notification: Notification, event: Event, limits: Limits, own: _Own) -> Message:
    match own.wanted:
        case Format.BLOCK_KIT:
            from livery.render.block_kit import block_kit

            return block_kit(notification, event, limits, own)
        case Format.ADAPTIVE_CARD:
            from livery.render.adaptive_card import adaptive_card

            return adaptive_card(notification, event, limits, own)
        case Format.JSON:
            from livery.render.json import event_json

            return event_json(notification.model_dump(mode="json"), event)
        case _:
            return _text(notification, limits, own)


def _text(notification: Notification, limits: Limits, own: _Own) -> Message:
    from livery.render.budget import within

    said = notification.model_dump(mode="json", exclude={"blocks", "trace", "degraded"})
    room = limits.total or limits.text

    def make(blocks: Sequence[Block], length: int) -> str:
        shown = [shorter(block.model_dump(mode="json"), length) for block in blocks]
        return f"{notification.title}\n\n{plain({**said, 'blocks': shown}, own.text)}"

    whole, notes = within(notification, make, lambda made: not room or len(made) <= room, _LENGTHS)
    if room and len(whole) > room:
        whole, notes = shorten(whole, room), [*notes, f"cut to {room} characters: the channel has no room for more"]
    return Message(
        format=Format.TEXT,
        locale=notification.locale,
        title=one_line(notification.title, limits.title or 200),
        text=whole,
        degraded=(*notification.degraded, *notes),
    )
