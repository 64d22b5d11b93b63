"""Whatever a message holds, the e-mail of it reads back equal, and keeps the form every mail server asks for."""

import asyncio
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mails import HEADERS, decoded, lines, mailboxes, on_a_line, parsed, raw_headers
from channels.making import envelope, message, sent, smtp
from livery.plugin import Inline, Recipient
from livery_smtp.mime import assemble

# Everything a Python string can hold, lone surrogates and controls too, with what has a meaning in mail more often.
CHARS = st.characters(exclude_categories=())
SYNTAX = st.sampled_from(
    ["\r\n", "\r", "\n", "\0", "\x85", "\u2028", "\ud83d", "\t", " ", "  ", ".", "\n.\n", "=", "=\n", "=20", "=?utf-8?q?x?=",
     "=?", "?=", "--=_", "--", "<", ">", '"', "\\", ",", ";", ":", "(", ")", "@", "Bcc: e@evil.example\r\n", "From ", "\nFrom ",
     "عربي", "日本語", "👩‍👩‍👧", "\u202e", "é", "e\u0301", "x" * 80, "x" * 1000, "ä" * 80, "cid:"],
)  # fmt: skip
TEXTS = st.lists(st.one_of(SYNTAX, st.text(CHARS, max_size=20)), max_size=12).map("".join)
STEMS = st.from_regex(r"[A-Za-z0-9_+-]{1,40}(\.[A-Za-z0-9_+-]{1,10})?", fullmatch=True)
IMAGES = st.lists(
    st.builds(
        Inline,
        cid=STEMS.map("{}@livery".format),
        media_type=st.sampled_from(["image/png", "image/jpeg", "image/gif", "image/webp"]),
        filename=st.text(max_size=80),
        data=st.one_of(st.binary(min_size=1, max_size=300), st.sampled_from([b"\r\n.\r\n", b"--=_", b"\n" * 99])),
    ),
    max_size=4,
    unique_by=lambda one: one.cid,
).map(tuple)
NAMES = st.lists(TEXTS, min_size=1, max_size=3)
MESSAGES = st.builds(
    lambda title, text, html, inline: message(title=title, text=text, html=html, inline=inline),
    TEXTS, TEXTS, TEXTS, IMAGES,
)  # fmt: skip


def addressed(names):
    return tuple(Recipient.model_construct(address=f"p{n}@custo.example", name=name) for n, name in enumerate(names))


def whole(text):
    """A text as UTF-8 can carry it: half a character becomes a question mark."""
    return lines(text.encode("utf-8", "replace").decode())


def assert_same(wire, said, names, sender):
    mail = parsed(wire)
    assert decoded(dict(raw_headers(wire)).get("Subject", "")) == on_a_line(said.title)
    assert mailboxes(wire, "To") == [(on_a_line(name), f"p{n}@custo.example") for n, name in enumerate(names)]
    assert mailboxes(wire, "From") == [(on_a_line(sender), "notifications@shop.example")]
    parts = [part for part in mail.walk() if not part.is_multipart()]
    assert not any(part.defects for part in mail.walk())
    text, html, *images = parts
    assert (text.get_content_type(), lines(text.get_content())) == ("text/plain", whole(said.text))
    assert (html.get_content_type(), lines(html.get_content())) == ("text/html", whole(said.html))
    arrived = [(one.get_content_type(), one["Content-ID"], one.get_content()) for one in images]
    assert arrived == [(one.media_type, f"<{one.cid}>", one.data) for one in said.inline]


@given(said=MESSAGES, names=NAMES, sender=TEXTS)
@settings(max_examples=300)
def test_any_message_reads_back_equal(said, names, sender):
    wire = assemble(said, envelope(to=addressed(names), sender_name=sender))
    assert_same(wire, said, names, sender)


@given(said=MESSAGES, names=NAMES, sender=TEXTS)
@settings(max_examples=200)
def test_any_message_has_the_same_headers_and_keeps_the_form_of_mail(said, names, sender):
    wire = assemble(said, envelope(to=addressed(names), sender_name=sender))
    expected = [name for name in HEADERS if name != "Subject" or on_a_line(said.title)]
    assert [name for name, _ in raw_headers(wire)] == expected == parsed(wire).keys()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998, "RFC 5322 §2.1.1"
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", wire), "a bare CR or LF"
    assert wire.isascii()
    assert b"\0" not in wire


@given(said=MESSAGES, names=NAMES)
@settings(max_examples=40)
def test_any_message_arrives_over_a_real_server(mail_server, said, names):
    before = len(mail_server.mails)
    who = envelope(to=addressed(names))
    outcome = asyncio.run(sent(smtp(mail_server.port), who, message=said))
    assert outcome.status == "accepted"
    [mail] = mail_server.mails[before:]
    assert_same(mail.content, said, names, "The Shop")
