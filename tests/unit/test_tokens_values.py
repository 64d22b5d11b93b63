"""Values of brand tokens: what each type takes, and that nothing hostile or by accident gets out of its place."""

import html
from html.parser import HTMLParser
from unicodedata import bidirectional, category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.packs.token_values import MAX_VALUE, guess, parse

KINDS = ("colour", "length", "font", "image", "url", "text")
FRAGMENTS = """
red #fff #2747c9 rgb(1,2,3) rgba( hsl( transparent 12 px 0.5 , . - -- % %41 %zz Arial Noto\u00a0Sans سهل sans-serif serif
' " ; : { } < > \\ / // /* */ ( ) url( expression( javascript: data:text/html, https://shop.example http:// mailto: a@b.example
assets/ logo.png .. ? # & = @ [ ] : 443 \u202e \u200b \u2028 \x00 \n \t \x85 \ud800 \U0001f600 é ß ’ 'A,B' "C"
"""
texts = st.one_of(
    st.text(),
    st.text(st.characters(exclude_categories=())),
    st.lists(st.sampled_from([*FRAGMENTS.split(" "), " ", "\n"]), max_size=8).map("".join),
    st.text(max_size=3),
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("colour", "#2747c9", "#2747c9"),
        ("colour", "#2747C9", "#2747c9"),
        ("colour", " #Fa0 ", "#ffaa00"),
        ("colour", "RebeccaPurple", "#663399"),
        ("length", "12px", "12px"),
        ("length", "140", "140px"),
        ("length", "012.50PX", "12.5px"),
        ("length", "0", "0px"),
        ("length", "2000px", "2000px"),
        ("font", "Georgia,serif", "Georgia, serif"),
        ("font", "'Segoe UI' ,  \"Helvetica  Neue\", -apple-system, sans-serif", "Segoe UI, Helvetica Neue, -apple-system, sans-serif"),
        ("font", "خط النسخ, serif", "خط النسخ, serif"),
        ("image", "https://img.shop.example/logo.png?v=2&w=3", "https://img.shop.example/logo.png?v=2&w=3"),
        ("image", "assets/logo.png", "assets/logo.png"),
        ("image", "assets/dark/logo-2.GIF", "assets/dark/logo-2.GIF"),
        ("url", "HTTPS://Help.Shop.Example/De#top", "https://help.shop.example/De#top"),
        ("url", "http://localhost:8080", "http://localhost:8080"),
        ("url", "https://shop.example/hilfe/für alle".replace(" ", "%20"), "https://shop.example/hilfe/f%C3%BCr%20alle"),
        ("url", "https://shop.example/100%", "https://shop.example/100%25"),
        ("url", "mailto:help@shop.example?subject=Help", "mailto:help@shop.example?subject=Help"),
        ("text", "help@shop.example", "help@shop.example"),
        ("text", " Müller & Söhne (GmbH) ", "Müller & Söhne (GmbH)"),
        ("text", "The Seller's Shop", "The Seller’s Shop"),
        ("text", "می‌خواهم 👩‍💻", "می‌خواهم 👩‍💻"),  # joiners are part of the writing
        *[(kind, text, "") for kind in KINDS for text in ("", "  ")],
    ],
)  # fmt: skip
def test_a_value_is_taken_and_written_one_way(kind, text, value):
    assert parse(kind, text) == (value, "", "")


@pytest.mark.parametrize(
    ("kind", "text", "problem", "fix"),
    [
        ("colour", "#12345", "'#12345' is no colour", "write #rrggbb, #rgb, or a name of CSS such as navy"),
        ("colour", "bluish", "is no colour", "navy"),
        ("colour", "inherit", "is no colour", "navy"),
        ("colour", "#2747c980", "lets the background through", "the colour it has on its background"),
        ("colour", "#27f8", "lets the background through", "#rrggbb"),
        ("colour", "rgba(1, 2, 3, .5)", "lets the background through", "#rrggbb"),
        ("colour", "rgb(1 2 3 / 50%)", "lets the background through", "#rrggbb"),
        ("colour", "transparent", "lets the background through", "#rrggbb"),
        ("colour", "rgb(39, 71, 201)", "not every e-mail program knows", "write #2747c9"),
        ("colour", "rgb(39, 71, 999)", "is no colour", "#rrggbb"),
        ("length", "1em", "'1em' is no length in pixels", "write a number from 0 to 2000 with px, as in 12px"),
        ("length", "50%", "no length in pixels", "12px"),
        ("length", "-1px", "no length in pixels", "12px"),
        ("length", "3px 3px 0 0", "no length in pixels", "12px"),
        ("length", "calc(1px)", "no length in pixels", "12px"),
        ("length", "2000.5", "is more than 2000 pixels", "smaller"),
        ("length", "١٢", "no length in pixels", "12px"),
        ("font", "Source Sans 3, sans-serif", "'Source Sans 3' is no font name that can stand without quotes", "letters"),
        ("font", "'A,B', serif", "'A,B' is no font name", "leave it out"),
        ("font", "Arial,, serif", "has a comma with no font before or after it", "take the comma out"),
        ("font", "Arial, serif,", "has a comma with no font", "take the comma out"),
        ("image", "http://img.shop.example/logo.png", "is no picture that can be shown", "https:// address or a path assets/"),
        ("image", "logo.png", "is no picture that can be shown", "assets/"),
        ("image", "assets/../secret.png", "is no picture of the pack", "below assets/"),
        ("image", "assets//logo.png", "is no picture of the pack", "below assets/"),
        ("image", "assets/logo.svg", "is no picture of the pack that e-mail programs show", ".png"),
        ("image", "data:image/png,x", "'data:image/', which is never put into a message", "take it out"),
        ("url", "shop.example", "is no web address", "begin it with https://"),
        ("url", "ftp://shop.example", "is no web address", "begin it with https://"),
        ("url", "//shop.example", "is no web address", "https://"),
        ("url", "https:shop.example", "has no host that can be looked up", "check what follows //"),
        ("url", "https://", "has no host", "check"),
        ("url", "https://-shop.example", "has no host", "check"),
        ("url", "https://[::1", "is no web address", "check what follows the //"),
        ("url", "https://shop.example:99999", "is no web address", "check"),
        ("url", "https://shop.example:0", "has no port there can be", "leave it out"),
        ("url", "https://me:secret@shop.example", "holds a user name", "leave it out"),
        ("url", "https://münchen.example", "has no host that can be looked up", "xn--"),
        ("url", "https://shop.example/a b", "holds ' '", "write %20 for it"),
        ("url", "https://shop.example/(a)", "holds '('", "write %28 for it"),
        ("url", "https://shop.example/it's", 'holds "\'"', "write %27 for it"),
        ("url", "mailto:nobody", "is no address to write to", "mailto:help@seller.example"),
        ("text", "o'hara@shop.example", "holds an apostrophe", "give another address"),
        *[(kind, "x" * (MAX_VALUE + 1), "is longer than 2000 characters", "shorten it") for kind in KINDS],
        ("url", "https://shop.example/" + "é" * 1900, "too long once it is encoded", "shorten it"),
    ],
)  # fmt: skip
def test_what_no_value_can_be_is_refused_with_the_way_to_write_it(kind, text, problem, fix):
    found = parse(kind, text)
    assert found.value == ""
    assert problem in found.problem
    assert fix in found.fix


def test_a_font_list_without_an_end_is_used_but_told():
    assert parse("font", "Georgia, Cambria") == (
        "Georgia, Cambria",
        "does not say what to take where none of its fonts is there",
        "end it with, say, sans-serif",
    )


HOSTILE = [
    "red;}body{display:none",
    "red; background: blue",
    'x" onmouseover="alert(1)',
    "</style><script>alert(1)</script>",
    "x\\3b y",
    "{{ event }}",
    "{% include 'x' %}",
    "javascript:alert(1)",
    " JavaScript :alert(1)",
    "vbscript:x",
    "data:text/html,x",
    "url(https://evil.example/x)",
    "URL (x)",
    "expression(alert(1))",
    "red/*",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x00b",
    "a\x85b",
    "a\u2028b",
    "a\u202eb",
    "a\u2066b\u2069",
    "a\u200fb",
    "a\u061cb",
    "a\u200bb",
    "a\ufeffb",
    "a\ud800b",
    "https://shop.example/\u202egnp.exe",
    "https://shop.example/?a;b",
    "https://shop.example/\\evil",
    "mailto:a@b.example\r\nBcc: c@d.example",
    "assets/a\nb.png",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_hostile_is_refused_whatever_the_type(kind, text):
    found = parse(kind, text)
    assert found.value == ""
    assert found.problem
    assert found.fix
    assert found.problem.isprintable()


@given(st.sampled_from(KINDS), texts)
def test_any_text_is_read_or_refused_and_what_is_read_is_safe(kind, text):
    value, problem, fix = parse(kind, text)
    assert bool(problem) == bool(fix)
    assert value or problem or not text.strip(" ")
    assert not set(value) & set("<>\"{};\\'")
    assert not {category(char) for char in value} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {bidirectional(char) for char in value} & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not set(value) & set("\u200e\u200f\u061c\u200b\ufeff")
    assert len(value) <= MAX_VALUE
    value.encode()
    if kind != "text":
        assert not set(value) & set("()[]!`") or kind in ("url", "image")
        assert not set(value) & set("()[]`|^ ") or kind == "font"


@given(st.sampled_from(KINDS), texts)
def test_a_value_that_was_read_reads_as_itself(kind, text):
    value = parse(kind, text).value
    assert parse(kind, value).value == value


class Attributes(HTMLParser):
    def handle_starttag(self, tag, attrs):
        self.tag, self.found = tag, attrs


@given(st.sampled_from(["colour", "length", "font"]), texts)
def test_a_value_ends_nothing_it_stands_in(kind, text):
    value = parse(kind, text).value
    assert html.escape(value) == value  # so it is the same in a style sheet, where escapes are not undone
    parser = Attributes()
    parser.feed(f'<p style="a:b;x:{value};c:d" title="{value}">')
    assert parser.found == [("style", f"a:b;x:{value};c:d"), ("title", value)]
    assert [part.partition(":")[0] for part in f"a:b;x:{value};c:d".split(";")] == ["a", "x", "c"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#fff", "colour"),
        ("12px", "length"),
        ("https://shop.example", "url"),
        ("Georgia, serif", "font"),
        ("red", "text"),
        ("12", "text"),
        ("", "text"),
    ],
)
def test_the_type_of_a_value_is_guessed_for_the_advice_to_declare_it(text, kind):
    assert guess(text) == kind
