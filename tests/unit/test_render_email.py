"""E-mail: hostile text changes nothing but the words, and whatever a pack gets wrong the message goes out."""

import re
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import livery_pack_base
from livery.models.event import Event
from livery.models.message import Format, Message
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
from livery.packs.chain import Library, PackChain
from livery.steps import compose
from unit.hostile import FRAGMENTS, texts
from unit.making import LAYOUT, PARTIALS, chain, event, packs, rendered, saying, told

FILE = "layouts/email.mjml.j2"
BASE = Path(livery_pack_base.__file__).parent
BLOCKS = (
    TextBlock(id="t", heading="Heading", text="Text"),
    ErrorBlock(id="e", text="Error", code="CODE"),
    ListBlock(id="l", items=("First", "Second")),
    FactsBlock(id="f", facts=(Fact(label="Label", value="Value", mono=True),)),
    ActionsBlock(id="a", actions=(Action(label="Go", url="https://shop.example/?a=1&b=2"),)),
    ImageBlock(id="i", url="https://shop.example/i.png", alt="Alt"),
    DividerBlock(id="d"),
)
WHOLE = saying(*BLOCKS, greeting="Greeting", closing="Closing", signature=("Yours", "The Shop"), footer="Footer")


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text a reader sees."""

    DATA = {"href", "src", "alt", "title", "aria-label"}

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.structure: list[object] = []
        self.said: list[str] = []
        self.links: set[str] = set()
        self.is_style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.structure.append((tag, [(name, value) for name, value in attrs if name not in self.DATA]))
        self.links |= {value for name, value in attrs if name in ("href", "src") and value}

        self.is_style = tag == "style"

    def handle_endtag(self, tag):
        self.is_style = False
        self.structure.append(f"/{tag}")

    def handle_comment(self, data):
        self.structure.append(f"<!--{data}-->")

    def handle_data(self, data):
        if not self.is_style:
            self.said.append(data)

    def handle_decl(self, decl):
        self.structure.append(decl)

    def unknown_decl(self, data):
        self.structure.append(f"unknown {data}")

    @property
    def text(self) -> str:
        return one_spaced(" ".join(self.said))


def one_spaced(text: str) -> str:
    return " ".join(text.split())


def mail(said: Notification, found: PackChain) -> Message:
    return rendered(said, Format.EMAIL, found)


def composed(found: PackChain, of: Event, locale: str) -> Notification:
    tenants = chain({"name": "The Shop"})
    choice = compose.choose_locale(tenants, found, None, "en", asked=locale)
    return told(found, of, tenants, choice)


def tame(value: object) -> object:
    """A notification's fields with an `x` for each line of every text, so that only its shape is left."""
    if isinstance(value, dict):
        kept = {"id", "kind", "url", "locale", "direction", "event_type", "pack"}
        return {key: one if key in kept else tame(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return tuple(tame(one) for one in value)
    return "\n".join("x" for _ in value.splitlines()) if isinstance(value, str) else value


def shape_of(said: Notification) -> Notification:
    brand = {**said.brand, "name": "x"}
    return Notification.model_validate({**tame(said.model_dump()), "brand": brand, "trace": (), "degraded": ()})


@pytest.fixture(scope="module", params=["small", "base"])
def found(request, tmp_path_factory) -> PackChain:
    if request.param == "small":
        return packs(tmp_path_factory.mktemp("packs"))
    return Library([BASE]).chain("base")


# ------------------------------------------------------------------ hostile events


def field(limit: int) -> st.SearchStrategy[str]:
    return texts.map(lambda text: text.strip()[:limit].strip()).filter(bool)


changes = st.fixed_dictionaries(
    {"data.error.message": texts.filter(bool)},
    optional={
        "data.customer.name": field(400),
        "data.offer.name": field(400),
        "data.offer.vendor": texts.map(lambda text: text[:400]),
        "data.order.id": field(200),
        "data.error.code": texts.map(lambda text: text[:200]),
        "data.error.correlation_id": texts.map(lambda text: text[:200]),
        "data.user.name": texts.map(lambda text: text[:400]),
        "data.order.url": texts.map(lambda text: f"https://shop.example/{text}"[:2000]),
    },
)


@given(hostile=changes, locale=st.sampled_from(["en", "de", "ar"]))
def test_no_text_of_an_event_changes_the_structure_of_the_page(found, hostile, locale):
    said = composed(found, event(hostile), locale)
    message, shape = mail(said, found), mail(shape_of(said), found)
    assert (message.degraded, shape.degraded) == ((), ())
    page = Page(message.html)
    assert page.structure == Page(shape.html).structure
    urls = {action.url for block in said.blocks if isinstance(block, ActionsBlock) for action in block.actions}
    assert page.links <= urls
    assert len(message.title.splitlines()) == 1
    assert not re.search(
        "[\u202a-\u202e\u200e\u200f\x00-\x08\x0b\x0c\x0e-\x1f]", message.html + message.title + message.text
    )


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("path", ["data.error.message", "data.offer.name", "data.customer.name", "data.error.code"])
def test_hostile_text_is_shown_as_it_was_written(found, path, fragment):
    said = composed(found, event({path: f"a{fragment}z"}), "en")
    message = mail(said, found)
    written = [
        text
        for text in (
            said.greeting,
            said.title,
            *(getattr(block, "text", "") for block in said.blocks),
            *(getattr(block, "code", "") for block in said.blocks),
        )
        if text
    ]
    for text in written:
        assert one_spaced(text) in Page(message.html).text
        assert one_spaced(text) in one_spaced(f"{message.text} {message.title} {said.title}")


@pytest.mark.parametrize("filler", ["x", "x ", "<", "&", "🙂", "ش", "x\n"])
def test_a_huge_error_leaves_a_whole_mail(found, filler):
    said = composed(
        found,
        event({"data.error.message": f"first {filler * 204_800}".encode()[:130_000].decode(errors="ignore")}),
        "en",
    )
    message = mail(said, found)
    assert message.degraded == ()
    assert len(message.html) < 100_000
    assert "first" in Page(message.html).text
    assert said.footer in Page(message.html).text


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("one\r\nBcc: eve@evil.example", "one Bcc: eve@evil.example"),
        ("x" * 900, "x" * 249 + "…"),
        ("a\u202eb\x00c", "ab c"),
    ],
)
def test_a_subject_is_one_clean_line(tmp_path, title, subject):
    assert mail(saying(subject=title), packs(tmp_path)).title == subject


# ------------------------------------------------------------------ what a pack gets wrong


def said_by(message: Message) -> list[str]:
    """Every row of `WHOLE` in the order of the page."""
    text = Page(message.html).text
    return sorted((row for row in ALL if row in text), key=text.index)


ALL = [
    "Title",
    "Greeting",
    "Heading",
    "Text",
    "Error",
    "CODE",
    "First",
    "Second",
    "Label",
    "Value",
    "Go",
    "Closing",
    "Yours",
    "Footer",
]
BROKEN = [
    "{{ block.nope.deeper }}",
    "{% if %}",
    "{% include 'nowhere.j2' %}",
    "{% include '../base/pack.toml' %}",
    "{{ block.__class__.__name__ }}",
    "{% extends 'parent:parent:x' %}",
    "{% autoescape false %}{{ block.text }}{% endautoescape %}",
    "<mj-text>" * 120,
    "x" * 600_000,
]


def test_a_page_says_every_row_in_order(tmp_path):
    message = mail(WHOLE, packs(tmp_path))
    assert (said_by(message), message.degraded) == (ALL, ())
    assert Page(message.html).links == {"https://shop.example/?a=1&b=2", "https://shop.example/i.png"}


@pytest.mark.parametrize("kind", PARTIALS)
def test_a_pack_may_show_one_kind_of_block_its_own_way(tmp_path, kind):
    message = mail(WHOLE, packs(tmp_path, {f"blocks/{kind}.mjml.j2": "<mj-text>MINE</mj-text>"}))
    assert "MINE" in Page(message.html).text
    assert message.degraded == ()


def test_a_pack_may_change_one_block_of_the_layout(tmp_path):
    overlay = '{% extends "parent:layouts/email.mjml.j2" %}{% block title %}<mj-text>MINE</mj-text>{{ super() }}{% endblock %}'
    message = mail(WHOLE, packs(tmp_path, {FILE: overlay}))
    assert (said_by(message), message.degraded) == (ALL, ())
    assert "MINE" in Page(message.html).text


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_a_partial_that_fails_gives_way_to_the_parents(tmp_path, broken):
    message = mail(WHOLE, packs(tmp_path, {"blocks/error.mjml.j2": broken}))
    assert said_by(message) == ALL
    (line,) = message.degraded
    assert line.startswith("blocks/error.mjml.j2 of over1 1.0:") or "is larger than 256 KiB" in line


LAYOUTS = [
    *BROKEN,
    "",
    "no markup at all",
    "<mjml><mj-body>",
    "<mjml></mjml><mjml></mjml>",
    "<html><body>{{ notification.title }}</body></html>",
    LAYOUT.replace("{{ notification.title }}", "{{ notification.tittle }}"),
    '{% extends "layouts/email.mjml.j2" %}',
]


@pytest.mark.parametrize("broken", LAYOUTS, ids=range(len(LAYOUTS)))
def test_a_layout_that_fails_gives_way_to_the_parents(tmp_path, broken):
    message = mail(WHOLE, packs(tmp_path, {FILE: broken}))
    assert said_by(message) == ALL
    (line,) = message.degraded
    assert line.startswith(("e-mail layout of over1 1.0:", "over1 1.0: layouts/email.mjml.j2: is larger"))


def test_a_partial_the_compiler_refuses_gives_way_with_its_pack(tmp_path):
    message = mail(WHOLE, packs(tmp_path, {"blocks/error.mjml.j2": "<mj-text>never closed"}))
    assert said_by(message) == ALL
    assert message.degraded


@pytest.mark.parametrize("base", [{FILE: "{% if %}"}, {"blocks/error.mjml.j2": "{% if %}"}, {FILE: "<mjml>"}])
def test_where_no_pack_can_show_it_a_plain_page_says_every_row(tmp_path, base):
    message = mail(WHOLE, packs(tmp_path, base=base))
    assert [row for row in said_by(message) if row != "Alt"] == ALL
    assert message.degraded
    assert "<h1>Title</h1>" in message.html


def test_without_any_pack_a_plain_page_says_every_row():
    message = mail(WHOLE, PackChain(()))
    assert said_by(message) == ALL
    assert message.html.startswith("<!doctype html>")


@given(text=texts)
def test_the_plain_page_escapes_everything(text):
    said = saying(
        ErrorBlock(id="e", text=text or "x", code=text),
        title=text or "x",
        greeting=text,
        signature=(text,),
        footer=text,
    )
    message = mail(said, PackChain(()))
    assert {tag[0] for tag in Page(message.html).structure if isinstance(tag, tuple)} <= {
        "html", "head", "meta", "title", "body", "h1", "p", "br",
    }  # fmt: skip
    assert escape(said.title) in message.html
    assert unescape(message.html).count(said.title) >= 1


def test_the_fallback_is_the_parents_page_and_not_a_mixture(tmp_path):
    overlay = {FILE: "{% if %}", "blocks/text.mjml.j2": "<mj-text>MINE</mj-text>"}
    message = mail(WHOLE, packs(tmp_path, overlay))
    assert "MINE" not in Page(message.html).text
    assert said_by(message) == ALL


@pytest.mark.parametrize(("direction", "sides"), [("ltr", "from left to right"), ("rtl", "from right to left")])
def test_a_partial_knows_where_a_line_starts_and_ends(tmp_path, direction, sides):
    partial = {"blocks/text.mjml.j2": "<mj-text>from {{ start }} to {{ end }}</mj-text>"}
    assert sides in Page(mail(saying(*BLOCKS, direction=direction), packs(tmp_path, partial)).html).text


def test_many_elements_beside_each_other_are_not_deep(tmp_path):
    partial = {"blocks/text.mjml.j2": f"<mj-text>{'<br>line<br/>' * 200}{'<b>bold</b>' * 200}</mj-text>"}
    assert mail(WHOLE, packs(tmp_path, partial)).degraded == ()


def test_a_comment_in_a_template_is_not_sent(tmp_path):
    layout = LAYOUT.replace("<mj-section>", "<!-- internal note --><mj-section>", 1)
    message = mail(WHOLE, packs(tmp_path, {FILE: layout}))
    assert message.degraded == ()
    assert "internal note" not in message.html


class PanicException(BaseException):
    """A crash of the compiler."""


def test_a_panic_of_the_compiler_gives_way_to_the_plain_page_and_an_interrupt_does_not(tmp_path, monkeypatch):
    def compiler(error):
        def mjml2html(*_, **__):
            raise error

        return mjml2html

    monkeypatch.setattr("mjml.mjml2html", compiler(PanicException("index out of bounds")))
    message = mail(WHOLE, packs(tmp_path))
    assert said_by(message) == ALL
    assert "index out of bounds" in message.degraded[0]
    monkeypatch.setattr("mjml.mjml2html", compiler(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        mail(WHOLE, packs(tmp_path))


@pytest.mark.parametrize(("locale", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_a_page_runs_in_the_direction_of_its_language(found, locale, direction):
    said = saying(*BLOCKS, locale=locale, direction=direction, brand={**found.tokens(), "name": "The Shop"})
    html = mail(said, found).html
    assert f'dir="{direction}"' in html


def test_an_element_the_compiler_would_drop_silently_gives_way_to_the_parents(tmp_path):
    message = mail(WHOLE, packs(tmp_path, {FILE: "<mjml><mj-body><mj-nonsense></mj-nonsense></mj-body></mjml>"}))
    assert said_by(message) == ALL
    (line,) = message.degraded
    assert "the element <mj-nonsense> is not available to packs" in line
