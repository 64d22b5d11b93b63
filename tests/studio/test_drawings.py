"""Slack and Teams messages as drawings: faithful where people made them, harmless whoever did."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.studio import data, slack, teams
from studio.making import BREAKING, Page

DANGEROUS = {"script", "iframe", "object", "embed", "form", "input", "a", "link", "meta", "base", "style", "svg"}
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([BREAKING, "*b* <!here> `c`"])
)
KEYS = st.sampled_from(
    (
        "type",
        "text",
        "blocks",
        "elements",
        "fields",
        "accessory",
        "items",
        "columns",
        "inlines",
        "attachments",
        "content",
    )
) | st.sampled_from(
    ("body", "actions", "width", "style", "url", "image_url", "facts", "title", "rtl", "color", "spacing")
)
KINDS = st.sampled_from(
    (
        "section",
        "header",
        "context",
        "actions",
        "image",
        "rich_text",
        "rich_text_list",
        "mrkdwn",
        "button",
        "AdaptiveCard",
    )
) | st.sampled_from(
    ("TextBlock", "RichTextBlock", "Container", "ColumnSet", "FactSet", "Image", "ImageSet", "ActionSet")
)
ANYTHING = st.recursive(
    LEAVES | KINDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
MESSAGES = st.dictionaries(KEYS, ANYTHING, max_size=6)


def harmless(html):
    page = Page(html)
    assert not DANGEROUS & {tag for tag, _ in page.elements}
    assert not [
        name
        for _, attributes in page.elements
        for name in attributes
        if name.startswith("on") or name in ("src", "href")
    ]


@pytest.mark.parametrize("draw", [slack.drawn, teams.drawn])
@given(body=MESSAGES, sender=st.text(max_size=10))
def test_anything_can_be_drawn_and_does_nothing(draw, body, sender):
    harmless(draw(body, sender))


@given(ANYTHING)
def test_any_json_is_shown_as_it_is(value):
    html = data.tree(value)
    harmless(html)
    assert Page(html).text == json.dumps(value, ensure_ascii=False, indent=2)


@given(st.text())
def test_any_text_is_shown_as_it_is(text):
    assert slack.mrkdwn("`" + text + "`") is not None
    page = Page(data.plain(text, "ltr"))
    assert "script" not in {tag for tag, _ in page.elements}


def test_nesting_without_end_is_drawn_to_an_end():
    card = inner = {"type": "Container", "items": []}
    for _ in range(5000):
        inner["items"] = [{"type": "Container", "items": []}]
        inner = inner["items"][0]
    assert "nested too deeply" in teams.drawn({"type": "AdaptiveCard", "body": [card]}, "Shop")


def slack_text(text):
    return slack.drawn({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]}, "Shop")


def test_slack_markup_is_drawn():
    drawn = slack_text("*bold* _it_ ~no~ `code` <https://x.example|there>")
    for html in ("<b>bold</b>", "<i>it</i>", "<s>no</s>", "<code>code</code>"):
        assert html in drawn
    assert '<span class="link" title="https://x.example">there</span>' in drawn


def test_neighbouring_quoted_lines_are_one_quotation():
    assert slack_text(">one\n>two\nthree").count("sl-quote") == 1
    assert "one<br>two" in slack_text(">one\n>two\nthree")


def test_escaped_text_is_shown_as_it_was_written():
    assert Page(slack_text("&lt;!channel&gt; &amp;amp; a*b*c")).text.endswith("<!channel> &amp; a*b*c")


@pytest.mark.parametrize(
    ("text", "seen"), [("<!channel>", "@channel"), ("<@U012AB3CD>", "@U012AB3CD"), ("<#C1|general>", "general")]
)
def test_a_mention_is_seen_as_one(text, seen):
    assert f'<mark class="sl-mention">{seen}</mark>' in slack_text(text)


def test_slack_fields_buttons_and_dividers_are_drawn():
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "*Head*"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Order*\nORD-1"}, {"type": "mrkdwn", "text": "b"}]},
        {"type": "divider"},
        {
            "type": "actions",
            "elements": [{"type": "button", "style": "primary", "text": {"type": "plain_text", "text": "View"}}],
        },
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
        {"type": "video"},
    ]
    drawn = slack.drawn({"blocks": blocks}, "Shop")
    for html in (
        '<div class="sl-header" dir="auto">*Head*',
        "<b>Order</b><br>ORD-1",
        '<hr class="sl-divider">',
        "sl-button primary",
    ):
        assert html in drawn
    assert "video block: not drawn here" in drawn


def test_teams_elements_are_drawn():
    body = [
        {
            "type": "RichTextBlock",
            "inlines": [{"type": "TextRun", "text": "Title", "size": "Large", "weight": "Bolder"}],
        },
        {
            "type": "Container",
            "style": "attention",
            "items": [{"type": "TextBlock", "text": "**no** [x](https://x.example)", "wrap": True}],
        },
        {
            "type": "ColumnSet",
            "columns": [{"type": "Column", "width": 1, "items": []}, {"type": "Column", "width": "auto"}],
        },
        {"type": "FactSet", "facts": [{"title": "Order", "value": "ORD-1"}]},
        {"type": "Media"},
    ]
    card = {
        "type": "AdaptiveCard",
        "rtl": True,
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "View", "url": "https://x.example"}],
    }
    drawn = teams.drawn({"attachments": [{"content": card}]}, "Shop")
    for html in (
        'dir="rtl"',
        "tm-size-large",
        "tm-bold",
        "tm-style-attention",
        "<b>no</b>",
        "flex:1 1 0",
        "flex:0 1 auto",
        "<dt>Order</dt>",
    ):
        assert html in drawn
    assert "Media: not drawn here" in drawn
    harmless(drawn)


def test_a_picture_of_another_host_is_its_description_unless_it_is_asked_for():
    image = {"type": "image", "image_url": "https://img.example/x.png", "alt_text": "A lamp"}
    assert "<img" not in slack.drawn({"blocks": [image]}, "Shop")
    assert 'aria-label="A lamp"' in slack.drawn({"blocks": [image]}, "Shop")
    assert '<img class="picture" src="https://img.example/x.png" alt="A lamp">' in slack.drawn(
        {"blocks": [image]}, "Shop", remote=True
    )
