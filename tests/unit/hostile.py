"""Texts nobody well-meaning would write, and notifications made of them."""

from hypothesis import strategies as st

from livery.locales import one_line
from livery.models.notification import (
    Action,
    ActionsBlock,
    DividerBlock,
    ErrorBlock,
    Fact,
    FactsBlock,
    ImageBlock,
    ListBlock,
    Notification,
    TextBlock,
)

FRAGMENTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</td></tr></table></mj-text><mj-raw><script>",
    "<!channel> <!here>",
    "<@U012AB3CD> <#C024BE7LR>",
    "<https://evil.example|Click here>",
    "<at>everyone</at>",
    "[Click here](https://evil.example)",
    "**bold** _it_ ~no~ `code`",
    "&lt;b&gt; &amp;amp; &#60;",
    "<!--[if mso]><b><![endif]--> <![CDATA[x]]>",
    "{{ 7*7 }} {% raw %}",
    "${7*7} #{7*7}",
    "javascript:alert(1)",
    "https://evil.example/?a=1&b=2",
    "\u202egnp.exe",
    "\u2066\u2069\u200f",
    "مايكروسوفت",
    "🙂👩\u200d💻",
    "e\u0301\u0323",
    "\\ \" ' `",
    "\r\nBcc: eve@evil.example",
    "\n\n",
    "\t",
    "word ",
    "x",
]
pieces = st.sampled_from(FRAGMENTS)
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30),
    st.lists(pieces, min_size=1, max_size=3).map("".join),
    st.builds(lambda piece, times: piece * times, pieces, st.integers(1, 400)),
    st.builds(lambda piece, size: (piece * size)[:size], pieces, st.sampled_from([3000, 5000, 20_000])),
)
"""Texts as an event may bring them: hostile, foreign, long, unbroken."""

names = texts.map(lambda text: text[:400]).filter(one_line)
urls = st.sampled_from(
    ["https://shop.example/orders/1", "http://shop.example/?a=1&b=<b>", "mailto:desk@shop.example"]
) | st.integers(1, 2500).map(lambda size: f"https://shop.example/{'x' * size}")
ids = st.integers(0, 999).map(lambda number: f"b{number}")
priorities = st.sampled_from([0, 40, 40, 90, 100])
common = {"id": ids, "priority": priorities}
facts = st.builds(Fact, label=texts, value=texts, mono=st.booleans())
actions = st.builds(Action, label=texts, url=urls, primary=st.booleans())
blocks = st.one_of(
    st.builds(TextBlock, **common, heading=texts, text=texts),
    st.builds(ErrorBlock, **common, heading=texts, text=texts, code=texts),
    st.builds(ListBlock, **common, heading=texts, items=st.lists(texts, min_size=1, max_size=5).map(tuple)),
    st.builds(FactsBlock, **common, heading=texts, facts=st.lists(facts, min_size=1, max_size=12).map(tuple)),
    st.builds(ActionsBlock, **common, actions=st.lists(actions, min_size=1, max_size=3).map(tuple)),
    st.builds(ImageBlock, **common, url=urls, alt=texts),
    st.builds(DividerBlock, **common),
)
notifications = st.builds(
    Notification,
    event_type=st.just("OfferProvisionError"),
    locale=st.sampled_from(["en", "de", "ar"]),
    direction=st.sampled_from(["ltr", "rtl"]),
    subject=names,
    preheader=texts,
    title=names,
    greeting=texts,
    blocks=st.lists(blocks, max_size=8).map(tuple),
    closing=texts,
    signature=st.lists(texts, max_size=3).map(tuple),
    footer=texts,
    brand=st.just({"name": "The Shop"}),
    pack=st.just("base 1.0"),
)
"""Any notification, as a plugin that amends it could leave it."""
