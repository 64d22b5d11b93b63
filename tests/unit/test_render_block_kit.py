"""Slack: whatever a notification holds, the message is within Slack's limits and nothing in it is live."""

import json
import re
from typing import Any

import pytest
from hypothesis import given

from livery.models.message import Format, Message
from livery.models.notification import (
    Action,
    ActionsBlock,
    DividerBlock,
    ErrorBlock,
    Fact,
    FactsBlock,
    ImageBlock,
    Notification,
    TextBlock,
)
from unit.hostile import FRAGMENTS, notifications
from unit.making import rendered, saying

WHOLE = 13_000


def slack(said: Notification) -> Message:
    return rendered(said, Format.BLOCK_KIT)


def texts_of(body: Any, kind: str) -> list[str]:
    """Every text object of a kind, wherever it is."""
    if isinstance(body, dict):
        found = [body["text"]] if body.get("type") == kind else []
        return found + [text for value in body.values() for text in texts_of(value, kind)]
    return [text for value in body for text in texts_of(value, kind)] if isinstance(body, list) else []


def assert_within_limits(message: Message) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks, and 13,200 characters for the whole."""
    blocks = message.body["blocks"]
    assert len(json.dumps(message.body, ensure_ascii=False)) <= WHOLE
    assert 1 <= len(message.body["text"]) <= 3000
    assert 1 <= len(blocks) <= 50
    for block in blocks:
        match block["type"]:
            case "header":
                assert 1 <= len(block["text"]["text"]) <= 150
            case "section" if "fields" in block:
                assert 1 <= len(block["fields"]) <= 10
                assert all(1 <= len(one["text"]) <= 2000 for one in block["fields"])
            case "section":
                assert len(block["text"]["text"].strip()) >= 1
                assert len(block["text"]["text"]) <= 3000
            case "context":
                assert 1 <= len(block["elements"]) <= 10
                assert all(one["text"].strip() for one in block["elements"])
            case "actions":
                assert 1 <= len(block["elements"]) <= 25
                for button in block["elements"]:
                    assert 1 <= len(button["text"]["text"].strip()) <= 75
                    assert len(button["url"]) <= 3000
                    assert button["url"].startswith(("https://", "http://"))
            case "image":
                assert block["image_url"].startswith(("https://", "http://"))
                assert len(block["image_url"]) <= 3000
                assert 1 <= len(block["alt_text"]) <= 2000
            case other:
                assert other == "divider"


def assert_nothing_is_live(message: Message) -> None:
    """No text holds a `<`, or a `>` or `&` that is no entity; only a quote's own `>` opens a line."""
    texts = [*texts_of(message.body["blocks"], "mrkdwn"), message.body["text"]]
    for text in texts:
        unquoted = re.sub(r"(?m)^>", "", text)
        assert not set(re.sub(r"&(amp|lt|gt);", "", unquoted)) & set("<>&"), text


@given(said=notifications)
def test_any_notification_is_within_slacks_limits_and_nothing_in_it_is_live(said):
    message = slack(said)
    assert_within_limits(message)
    assert_nothing_is_live(message)
    assert len(message.title.splitlines()) <= 1


def test_every_text_forbids_slack_to_make_links_of_it():
    facts = FactsBlock(id="f", facts=(Fact(label="@here", value="#general"),))
    error = ErrorBlock(id="e", text="@here", code="#general")
    said = saying(TextBlock(id="a", text="https://evil.example"), facts, error, greeting="@here", footer="@here")

    def marked(body: Any) -> list[bool]:
        if isinstance(body, dict):
            own = [body.get("verbatim") is True] if body.get("type") == "mrkdwn" else []
            return own + [one for value in body.values() for one in marked(value)]
        return [one for value in body for one in marked(value)] if isinstance(body, list) else []

    assert marked(slack(said).body["blocks"]) == [True] * 5


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_hostile_text_is_shown_as_it_is(fragment):
    said = saying(ErrorBlock(id="a", text=f"before {fragment} after"))
    (text,) = texts_of(slack(said).body["blocks"], "mrkdwn")
    lines = [line.removeprefix(">") for line in text.splitlines()]
    shown = "\n".join(lines).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown == "\n".join(f"before {fragment} after".splitlines())


@pytest.mark.parametrize("filler", ["&", "<", "&\n", "x", "x ", "🙂", "\n", "&amp;", "ش"])
def test_an_error_of_200_kib_is_shortened_between_characters_and_keeps_its_code(filler):
    said = saying(
        ErrorBlock(
            id="a", priority=100, heading="Heading", text=f"first {filler * 204_800} last"[:204_800], code="E-17"
        )
    )
    message = slack(said)
    assert_within_limits(message)
    assert_nothing_is_live(message)
    (text,) = texts_of(message.body["blocks"], "mrkdwn")
    assert text.startswith("*Heading*\n>first")
    assert text.endswith("`E-17`")


def blocks_of(priority: int, count: int, size: int) -> list[TextBlock]:
    return [
        TextBlock(id=f"b{number}", priority=priority, text=f"<{priority}-{number}> {'x' * size}")
        for number in range(count)
    ]


def shown(message: Message, *blocks: TextBlock) -> list[str]:
    texts = " ".join(texts_of(message.body["blocks"], "mrkdwn"))
    return [block.id for block in blocks if f"&lt;{block.priority}-{block.id.removeprefix('b')}&gt;" in texts]


def test_where_there_is_room_nothing_is_dropped():
    blocks = blocks_of(10, 4, 1000)
    message = slack(saying(*blocks))
    assert (shown(message, *blocks), message.degraded) == (["b0", "b1", "b2", "b3"], ())


def test_blocks_of_the_lowest_priority_go_first_the_later_of_equals_before():
    low, high = blocks_of(10, 4, 2000), blocks_of(90, 4, 2000)
    message = slack(saying(*low, *high))
    assert shown(message, *low, *high) == ["b0", "b0", "b1", "b2", "b3"]
    assert len(message.degraded) == 3
    assert all("left out: the channel has no room" in line for line in message.degraded)


@pytest.mark.parametrize("size", [100, 2500, 20_000])
@pytest.mark.parametrize("count", [1, 4, 8])
def test_blocks_of_priority_100_are_shortened_and_never_dropped(count, size):
    kept, spare = blocks_of(100, count, size), blocks_of(99, 4, size)
    around = {"greeting": "g" * size, "closing": "c" * size, "footer": "f" * size, "signature": ("s" * size,) * 3}
    message = slack(saying(*kept, *spare, **around))
    assert shown(message, *kept) == [block.id for block in kept]
    assert_within_limits(message)
    assert set(shown(message, *spare)) <= {block.id for block in spare}


def test_facts_of_priority_100_are_shortened_and_never_dropped():
    facts = tuple(Fact(label=f"l{number} {'x' * 5000}", value=f"v{number} {'x' * 5000}") for number in range(40))
    message = slack(saying(FactsBlock(id="a", priority=100, facts=facts), footer="f" * 5000))
    assert_within_limits(message)
    texts = " ".join(texts_of(message.body["blocks"], "mrkdwn"))
    assert [number for number in range(40) if f"l{number} " in texts and f"v{number} " in texts] == list(range(40))


@pytest.mark.parametrize(
    ("label", "value", "text"), [("l", "", "*l*\n"), ("", "v", "v"), (" ", "v", "v"), ("", " ", None)]
)
def test_a_fact_shows_what_it_has(label, value, text):
    facts = (Fact(label="first", value="1"), Fact(label=label, value=value))
    shown = texts_of(slack(saying(FactsBlock(id="a", facts=facts))).body["blocks"], "mrkdwn")
    assert shown == ["*first*\n1", *([text] if text is not None else [])]


@pytest.mark.parametrize("priority", [10, 100])
def test_more_blocks_than_slack_takes_are_cut(priority):
    message = slack(saying(*[DividerBlock(id=f"d{number}", priority=priority) for number in range(80)]))
    assert len(message.body["blocks"]) <= 50


def test_a_message_in_another_script_has_as_much_room():
    blocks = [TextBlock(id=f"b{number}", priority=10, text="ش" * 2500) for number in range(4)]
    assert slack(saying(*blocks)).degraded == ()


def test_facts_are_split_where_a_section_is_full():
    facts = tuple({"label": f"l{number}", "value": f"v{number}"} for number in range(23))
    sections = slack(saying(FactsBlock(id="a", facts=facts))).body["blocks"][1:]
    assert [len(section["fields"]) for section in sections] == [10, 10, 3]


def test_a_button_without_a_label_shows_where_it_leads():
    said = saying(ActionsBlock(id="a", actions=(Action(label="", url="https://shop.example/1"),)))
    assert slack(said).body["blocks"][1]["elements"][0]["text"]["text"] == "https://shop.example/1"


@pytest.mark.parametrize("url", ["mailto:desk@shop.example", "https://shop.example/" + "x" * 3000])
def test_what_slack_cannot_link_or_show_is_left_out(url):
    said = saying(ActionsBlock(id="a", actions=(Action(label="Go", url=url),)), ImageBlock(id="i", url=url, alt="alt"))
    assert [block["type"] for block in slack(said).body["blocks"]] == ["header"]


def test_what_fell_back_before_stays_said():
    assert slack(saying(degraded=("greeting: failed",))).degraded == ("greeting: failed",)


def test_the_message_has_a_title_greeting_blocks_closing_signature_and_footer_in_this_order():
    said = saying(
        TextBlock(id="a", heading="H", text="T"), greeting="G", closing="C", signature=("S1", "S2"), footer="F"
    )
    body = slack(said).body["blocks"]
    assert texts_of(body, "plain_text") == ["Title"]
    assert texts_of(body, "mrkdwn") == ["G", "*H*\nT", "C", "S1 S2", "F"]
