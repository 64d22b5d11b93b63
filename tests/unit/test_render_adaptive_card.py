"""Teams: whatever a notification holds, the card is small enough and nothing of the event becomes a link or a mention."""

import json
from typing import Any

import pytest
from hypothesis import given

from livery.models.message import Format, Message
from livery.models.notification import Action, ActionsBlock, ErrorBlock, Fact, FactsBlock, Notification, TextBlock
from unit.hostile import FRAGMENTS, notifications
from unit.making import rendered, saying

WHOLE = 24_000
PLACES_OF_TEXT = {"text", "title", "altText"}
"""Properties that may hold what somebody wrote: a TextRun's, an action's, an image's. None of them knows Markdown."""
OURS = {
    "$schema", "type", "version", "lang", "fallbackText", "size", "weight", "spacing", "style", "width", "fontType",
    "contentType", "url",
}  # fmt: skip


def teams(said: Notification) -> Message:
    return rendered(said, Format.ADAPTIVE_CARD)


def parts(body: Any) -> list[dict[str, Any]]:
    """Every object of a card."""
    if isinstance(body, dict):
        return [body, *(part for value in body.values() for part in parts(value))]
    return [part for value in body for part in parts(value)] if isinstance(body, list) else []


def runs(message: Message) -> list[str]:
    return [part["text"] for part in parts(message.body) if part.get("type") == "TextRun"]


def size(message: Message) -> int:
    return len(json.dumps(message.body, ensure_ascii=False).encode())


@given(said=notifications)
def test_any_notification_is_small_enough_and_nothing_in_it_is_live(said):
    message = teams(said)
    assert size(message) <= WHOLE
    kinds = {part["type"] for part in parts(message.body) if "type" in part}
    assert kinds <= {
        "message", "AdaptiveCard", "RichTextBlock", "TextRun", "Container", "ColumnSet", "Column", "Image", "Action.OpenUrl",
    }  # fmt: skip
    for part in parts(message.body):
        assert "entities" not in part
        assert not {"selectAction", "inlineAction"} & set(part)
        for name, value in part.items():
            if isinstance(value, str) and name not in OURS:
                assert name in PLACES_OF_TEXT
                assert part["type"] in {"TextRun", "Action.OpenUrl", "Image"}
            if name == "url":
                assert value.startswith(("https://", "http://"))


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_text_of_an_event_stands_nowhere_markdown_is_read(fragment):
    marked = f"@@{fragment}@@"
    message = teams(saying(TextBlock(id="a", text=marked), title=marked, greeting=marked, footer=marked))
    for part in parts(message.body):
        for name, value in part.items():
            if isinstance(value, str) and "@@" in value:
                assert (part["type"], name) == ("TextRun", "text")


@pytest.mark.parametrize("filler", ["x", "x ", "🙂", "ش", '"', "\\", "&", "\n\n", "x\n"])
def test_an_error_of_200_kib_is_shortened_and_keeps_its_code(filler):
    text = f"first {filler * 204_800}"[:204_800]
    message = teams(saying(ErrorBlock(id="a", priority=100, heading="Heading", text=text, code="E-17")))
    assert size(message) <= WHOLE
    assert runs(message)[1] == "Heading"
    assert runs(message)[2].startswith("first")
    assert runs(message)[3] == "E-17"


def blocks_of(priority: int, count: int, text: str) -> list[TextBlock]:
    return [
        TextBlock(id=f"b{number}", priority=priority, text=f"{priority}-{number} {text}") for number in range(count)
    ]


def shown(message: Message, *blocks: TextBlock) -> list[str]:
    starts = {run.split(" ", 1)[0] for run in runs(message)}
    return [block.id for block in blocks if f"{block.priority}-{block.id.removeprefix('b')}" in starts]


def test_where_there_is_room_nothing_is_dropped():
    blocks = blocks_of(10, 8, "x" * 1000)
    message = teams(saying(*blocks))
    assert (shown(message, *blocks), message.degraded) == ([block.id for block in blocks], ())


def test_blocks_of_the_lowest_priority_go_first_the_later_of_equals_before():
    low, high = blocks_of(10, 8, "x" * 2000), blocks_of(90, 8, "x" * 2000)
    message = teams(saying(*low, *high))
    assert shown(message, *high) == [block.id for block in high]
    kept = shown(message, *low)
    assert kept == [block.id for block in low][: len(kept)]
    assert len(kept) < 8
    assert len(message.degraded) == 8 - len(kept)


@pytest.mark.parametrize("text", ["x" * 3000, "🙂" * 3000, '"' * 3000, "ش" * 20_000])
@pytest.mark.parametrize("count", [1, 4, 8])
def test_blocks_of_priority_100_are_shortened_and_never_dropped(count, text):
    kept, spare = blocks_of(100, count, text), blocks_of(99, 4, text)
    message = teams(saying(*kept, *spare, greeting=text, closing=text, footer=text, signature=(text,) * 6))
    assert shown(message, *kept) == [block.id for block in kept]
    assert size(message) <= WHOLE


def test_facts_of_priority_100_are_shortened_and_never_dropped():
    facts = tuple(Fact(label=f"l{number} {'x' * 5000}", value=f"v{number} {'🙂' * 5000}") for number in range(30))
    message = teams(saying(FactsBlock(id="a", priority=100, facts=facts), signature=("🙂" * 5000,) * 6))
    assert size(message) <= WHOLE
    starts = {run.split(" ", 1)[0] for run in runs(message)}
    assert starts >= {f"{letter}{number}" for letter in "lv" for number in range(30)}


def test_a_card_in_another_script_has_room_by_its_bytes():
    blocks = [TextBlock(id=f"b{number}", priority=10, text="ش" * 2400) for number in range(4)]
    assert teams(saying(*blocks)).degraded == ()


@pytest.mark.parametrize(("direction", "rtl", "version"), [("ltr", None, "1.4"), ("rtl", True, "1.5")])
def test_a_card_runs_in_the_direction_of_its_language(direction, rtl, version):
    card = teams(saying(direction=direction)).body["attachments"][0]["content"]
    assert (card.get("rtl"), card["version"]) == (rtl, version)


def test_only_links_to_the_web_become_actions():
    actions = (Action(label="Web", url="https://shop.example/1"), Action(label="Mail", url="mailto:desk@shop.example"))
    card = teams(saying(ActionsBlock(id="a", actions=actions))).body["attachments"][0]["content"]
    assert [(one["title"], one["url"]) for one in card["actions"]] == [("Web", "https://shop.example/1")]


def test_a_button_without_a_label_shows_where_it_leads():
    said = saying(ActionsBlock(id="a", actions=(Action(label="", url="https://shop.example/1"),)))
    assert teams(said).body["attachments"][0]["content"]["actions"][0]["title"] == "https://shop.example/1"


def test_the_card_says_title_greeting_blocks_closing_signature_and_footer_in_this_order():
    said = saying(
        TextBlock(id="a", heading="H", text="T"), greeting="G", closing="C", signature=("S1", "S2"), footer="F"
    )
    assert runs(teams(said)) == ["Title", "G", "H", "T", "C", "S1", "S2", "F"]


def test_the_message_is_one_card_as_a_workflow_takes_it():
    body = teams(saying()).body
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
