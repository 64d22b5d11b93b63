"""E-mails to look at: shown in one scheme, unable to do anything, read as an inbox reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.studio import mail
from studio.making import Page

MAIL = """<!doctype html><html lang="en" dir="ltr"><head><title>Subject</title>
<meta name="color-scheme" content="light dark">
<style>:root { color-scheme: light dark; } @media (prefers-color-scheme: dark) { p { color: white } }</style></head>
<body><div style="display:none">The preheader&#847;&#8199;&#847;&#8199;</div>
<p>In text, (prefers-color-scheme: dark) stays.</p>
<picture><source srcset="dark.png" media="(prefers-color-scheme: dark)"><img src="https://img.example/logo.png"></picture>
<td background="//cdn.example/x.png" style="background:url('http://third.example/y')"></td></body></html>"""


@pytest.mark.parametrize(
    ("scheme", "holds", "never"), [("dark", "min-width", "max-width"), ("light", "max-width", "min-width")]
)
def test_media_queries_follow_the_scheme_asked_for_not_the_browsers(scheme, holds, never):
    shown = mail.in_scheme(MAIL, scheme)
    assert shown.count(f"({holds}: 0px)") == 2
    assert f"({never}: 0px)" not in shown
    assert f'content="{scheme}"' in shown
    assert f":root {{ color-scheme: {scheme}; }}" in shown
    assert "In text, (prefers-color-scheme: dark) stays." in shown


@given(st.text())
def test_what_has_no_scheme_stays_as_it_is(text):
    assert mail.in_scheme(text, "dark") == text or "color-scheme" in text.lower()


def test_the_policy_stands_before_anything_of_the_message():
    framed = mail.framed("<script>alert(1)</script>" + MAIL, "light", {})
    page = Page(framed)
    first = next(index for index, (tag, _) in enumerate(page.elements) if tag == "script")
    policy = next(index for index, (_, attributes) in enumerate(page.elements) if "http-equiv" in attributes)
    assert policy < first
    said = page.elements[policy][1]["content"]
    assert "default-src 'none'" in said
    assert "script-src" not in said
    assert "http" not in said


@pytest.mark.parametrize(
    "call",
    [
        '<link rel="preconnect" href="https://evil.example">',
        "<LINK rel=dns-prefetch href=//evil.example>",
        '<meta http-equiv="refresh" content="0;url=https://evil.example">',
        "<meta content='0;url=https://evil.example' HTTP-EQUIV=refresh>",
    ],
)
def test_what_would_call_a_host_before_any_policy_is_taken_out(call):
    framed = mail.framed(f"<html><head>{call}</head><body>{call}Text</body></html>", "light", {})
    assert "evil.example" not in framed
    assert "Text" in framed


def test_pictures_of_other_hosts_are_fetched_only_when_asked_for():
    assert "img-src data: https: http:" in mail.content_policy(remote_images=True)
    assert "img-src data:;" in mail.content_policy(remote_images=False)


def test_pictures_that_came_with_the_message_are_shown():
    framed = mail.framed('<img src="cid:logo@fjord">', "light", {"logo@fjord": "data:image/png;base64,AA=="})
    assert '<img src="data:image/png;base64,AA==">' in framed


def test_an_inbox_shows_the_preheader_and_not_what_fills_the_line():
    assert mail.seen(MAIL).preheader == "The preheader"


def test_without_a_preheader_an_inbox_goes_on_with_the_body():
    assert mail.seen("<body><h1>Title</h1><p>Dear <b>A</b>da,</p></body>").preheader == "Title Dear Ada,"


def test_hosts_of_pictures_are_named():
    assert mail.seen(MAIL).hosts == ["cdn.example", "img.example", "third.example"]


@given(st.text(alphabet="<>![]-/= abstylehd\"'"))
def test_any_html_can_be_read(html):
    mail.seen(html)
