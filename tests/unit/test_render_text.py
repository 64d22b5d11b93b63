"""Plain text and JSON: every row in order; the event as it was accepted."""

import json

import pytest
from hypothesis import given

from livery.channel import Limits
from livery.models.message import Format
from livery.models.notification import (
    Action,
    ActionsBlock,
    DividerBlock,
    ErrorBlock,
    Fact,
    FactsBlock,
    ImageBlock,
    ListBlock,
    TextBlock,
)
from livery.render.message import render
from unit.hostile import notifications
from unit.making import event, rendered, saying

SAID = saying(
    TextBlock(id="t", heading="Heading", text="Text\nof two lines"),
    ErrorBlock(id="e", heading="What happened", text="Error\nof two lines", code="CODE"),
    FactsBlock(
        id="f", heading="Facts", facts=(Fact(label="Order", value="ORD-1"), Fact(label="Offer", value="Copilot"))
    ),
    ListBlock(id="l", items=("one", "two")),
    ActionsBlock(id="a", actions=(Action(label="Go", url="https://shop.example/1"),)),
    DividerBlock(id="d"),
    ImageBlock(id="i", url="https://shop.example/i.png", alt="Alt"),
    greeting="Greeting",
    closing="Closing",
    signature=("Yours", "The Shop"),
    footer="Footer",
)
TEXT = """Title

Greeting

Heading
Text
of two lines

What happened
    Error
    of two lines
    [CODE]

Facts
Order: ORD-1
Offer: Copilot

- one
- two

Go: https://shop.example/1

----------------------------------------

Alt

Closing

Yours
The Shop

----------------------------------------
Footer
"""


def test_a_text_says_every_row_in_order_title_first():
    message = rendered(SAID, Format.TEXT)
    assert (message.text, message.title) == (TEXT, "Title")


def test_what_is_empty_leaves_no_gap():
    assert rendered(saying(TextBlock(id="t", text="Text")), Format.TEXT).text == "Title\n\nText\n"


@pytest.mark.parametrize(
    ("limits", "longest"), [(Limits(total=50), 50), (Limits(text=30), 30), (Limits(total=20, text=99), 20)]
)
def test_a_text_keeps_within_the_limits_of_its_channel(limits, longest):
    text = rendered(SAID, Format.TEXT, limits=limits).text
    assert len(text) <= longest
    assert text.startswith("Title")
    assert text.endswith("…")


@given(said=notifications)
def test_any_notification_is_a_text_with_a_title_of_one_line(said):
    message = rendered(said, Format.TEXT, limits=Limits(title=40, total=500))
    assert len(message.text) <= 500
    assert len(message.title) <= 40
    assert len(message.title.splitlines()) == 1


def test_json_is_the_event_as_it_was_accepted():
    accepted = event({"data.new": [1, {"a": None}], "traceparent": "00-4b"})
    message = render(SAID, accepted, wanted=Format.JSON, limits=Limits())
    assert json.loads(json.dumps(message.body)) == message.body
    assert (message.body["data"]["new"], message.body["traceparent"]) == ([1, {"a": None}], "00-4b")
    assert (message.body["id"], message.title) == ("evt-1", "Title")
