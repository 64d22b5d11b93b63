"""The e-mail as a mail server gets it, read by the standard library's parser."""

import asyncio
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mails import HEADERS, decoded, lines, mailboxes, on_a_line, parsed, raw_headers
from channels.making import ENVELOPE, envelope, message, people, sent, smtp
from livery.plugin import Recipient
from livery.testing import MailServer
from livery_smtp.mime import ascii_domain, assemble

TEXTS = st.text(max_size=400)
# What ends a line somewhere: in RFC 5322, in str.splitlines(), in a terminal, in C.
BREAKS = ["\r\n", "\r", "\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]
HOSTILE = st.lists(
    st.sampled_from([*BREAKS, "Bcc: evil@example.org", "X-Evil: 1", "\t", " ", "=?utf-8?q?=0D=0ABcc:_e@e.example?=", '"', "\\",
                     "<evil@example.org>", ",", ";", "(", "Ada", "Zoë", "عربي", "\u202e", "x" * 90]),
    max_size=8,
).map("".join)  # fmt: skip


async def test_it_is_multipart_alternative_with_our_own_text_first():
    with MailServer() as server:
        await sent(smtp(server.port), message=message(text="Our own words.\n", html="<p>Others</p>\n"))
    mail = server.mails[0].parsed
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert (server.mails[0].part("plain"), server.mails[0].part("html")) == ("Our own words.\r\n", "<p>Others</p>\r\n")
    assert not mail.defects


async def test_headers_are_exactly_these_and_come_from_the_envelope():
    with MailServer() as server:
        await sent(smtp(server.port))
    mail = server.mails[0].parsed
    assert mail.keys() == HEADERS
    assert mail["From"] == "The Shop <notifications@shop.example>"
    assert mail["Subject"] == "Bestellung fehlgeschlagen"
    assert mail["Date"] == "Fri, 20 Nov 2026 09:42:07 +0000"
    assert mail["Message-ID"] == ENVELOPE.message_id
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Content-Language"] == "de-AT"
    assert "Content-Language" not in next(mail.iter_parts())


async def test_a_second_attempt_is_the_same_bytes():
    with MailServer() as server:
        for attempt in (1, 2):
            await sent(smtp(server.port), attempt=attempt)
    assert server.mails[0].content == server.mails[1].content


async def test_to_and_cc_are_shown_and_bcc_only_gets_a_copy():
    who = envelope(
        to=people("a@custo.example", "b@custo.example", name="Ü, Ö"),
        cc=people("c@shop.example"),
        bcc=people("hidden@distri.example", name="Hidden"),
        reply_to="help@shop.example",
    )
    with MailServer() as server:
        await sent(smtp(server.port), who)
    [mail] = server.mails
    assert mail.recipients == ("a@custo.example", "b@custo.example", "c@shop.example", "hidden@distri.example")
    assert mailboxes(mail.content, "To") == [("Ü, Ö", "a@custo.example"), ("Ü, Ö", "b@custo.example")]
    assert mailboxes(mail.content, "Cc") == [("", "c@shop.example")]
    assert mail.parsed["Reply-To"] == "help@shop.example"
    assert "Bcc" not in mail.parsed
    assert b"hidden" not in mail.content.lower()


async def test_a_person_in_two_places_gets_one_copy():
    twice = people("a@custo.example")
    with MailServer() as server:
        await sent(smtp(server.port), envelope(to=twice, cc=twice, bcc=twice))
    assert server.mails[0].recipients == ("a@custo.example",)


async def test_a_domain_beyond_ascii_is_written_as_the_dns_knows_it():
    who = envelope(to=people("ada@bücher.example"), sender_address="shop@straße.example", reply_to="x@日本.example")
    with MailServer(enable_SMTPUTF8=False) as server:
        outcome = await sent(smtp(server.port), who)
    [mail] = server.mails
    assert (mail.sender, mail.recipients) == ("shop@xn--strae-oqa.example", ("ada@xn--bcher-kva.example",))
    assert mailboxes(mail.content, "Reply-To") == [("", "x@xn--wgv71a.example")]
    assert mail.content.isascii()
    # The recorded address is the one the engine knows it by.
    assert [one.address for one in outcome.recipients] == ["ada@bücher.example"]


async def test_a_local_part_beyond_ascii_goes_out_where_the_server_takes_it():
    with MailServer() as server:
        outcome = await sent(smtp(server.port), envelope(to=people("jörg@custo.example", name="Jörg")))
    assert outcome.status == "accepted"
    [mail] = server.mails
    assert mail.recipients == ("jörg@custo.example",)
    assert "jörg@custo.example".encode() in mail.content


async def test_a_local_part_beyond_ascii_is_a_permanent_failure_where_the_server_does_not():
    with MailServer(enable_SMTPUTF8=False) as server:
        outcome = await sent(smtp(server.port), envelope(to=people("jörg@custo.example")))
    assert (outcome.status, outcome.reason) == ("failed", "unsupported")
    assert server.mails == []


async def test_a_blind_copy_beyond_ascii_does_not_stop_the_others():
    with MailServer(enable_SMTPUTF8=False) as server:
        outcome = await sent(smtp(server.port), envelope(bcc=people("jörg@custo.example")))
    assert server.mails[0].recipients == ("ada@custo.example",)
    assert {one.address: one.status for one in outcome.recipients} == {
        "ada@custo.example": "accepted",
        "jörg@custo.example": "failed",
    }
    assert outcome.status == "accepted"


async def test_a_reply_to_beyond_ascii_needs_a_server_that_takes_it():
    who = envelope(reply_to="jörg@shop.example")
    with MailServer(enable_SMTPUTF8=False) as old, MailServer() as new:
        assert (await sent(smtp(old.port), who)).status == "failed"
        assert (await sent(smtp(new.port), who)).status == "accepted"
    assert (len(old.mails), len(new.mails)) == (0, 1)


async def test_lines_of_2000_characters_arrive_whole_and_go_out_short():
    text, html = "x" * 2000 + "\n", f"<p>{'ä y' * 700}</p>\n"
    with MailServer() as server:
        await sent(smtp(server.port), message=message(text=text, html=html))
    [mail] = server.mails
    assert lines(mail.part("plain")) == text
    assert lines(mail.part("html")) == html
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 78


@pytest.mark.parametrize(
    "text", [".\n", "..\n", ".a\n\n.\n\n..b\n", "a\r\n.\r\nb\r\n", "\n.\n", "x" * 75 + ".\n", "=2E\n."]
)
async def test_a_dot_at_the_start_of_a_line_neither_ends_the_message_nor_is_lost(text):
    with MailServer() as server:
        outcome = await sent(smtp(server.port), message=message(text=text, html=text))
    assert outcome.status == "accepted"
    assert lines(server.mails[0].part("plain")) == lines(text)
    assert lines(server.mails[0].part("html")) == lines(text)


async def test_a_wire_that_is_not_quoted_printable_is_dot_stuffed_too():
    wire = b"Subject: x\r\n\r\n.\r\n..two\r\n.one"
    with MailServer() as server:
        await sent(smtp(server.port), wire=wire)
    assert server.mails[0].content == wire + b"\r\n"


@given(text=TEXTS, html=TEXTS)
def test_text_and_html_parse_back_equal(text, html):
    wire = assemble(message(text=text, html=html), ENVELOPE)
    mail = parsed(wire)
    assert lines(mail.get_body(("plain",)).get_content()) == lines(text)
    assert lines(mail.get_body(("html",)).get_content()) == lines(html)
    assert not mail.defects
    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 78
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", wire), "a bare CR or LF"


@given(texts=st.lists(st.sampled_from([".", "..", "\n", "\r\n", "a", "=", "\n.", " ", "é"]), max_size=30).map("".join))
@settings(max_examples=40)
def test_any_mix_of_dots_and_lines_arrives_as_it_was(mail_server, texts):
    before = len(mail_server.mails)
    asyncio.run(sent(smtp(mail_server.port), message=message(text=texts, html=texts)))
    [mail] = mail_server.mails[before:]
    assert lines(mail.part("plain")) == lines(texts)
    assert lines(mail.part("html")) == lines(texts)


@given(names=st.lists(HOSTILE, min_size=1, max_size=3), sender=HOSTILE, title=HOSTILE, locale=HOSTILE)
@settings(max_examples=300)
def test_nothing_in_a_name_or_subject_becomes_a_header_or_an_address(names, sender, title, locale):
    to = tuple(Recipient(address=f"p{number}@custo.example", name=name) for number, name in enumerate(names))
    wire = assemble(message(title=title, locale=locale), envelope(to=to, cc=to[:1], sender_name=sender))
    shown = [(on_a_line(name), f"p{number}@custo.example") for number, name in enumerate(names)]
    maybe = {"Subject": title, "Content-Language": locale}
    expected = [name for name in [*HEADERS[:2], "Cc", *HEADERS[2:]] if on_a_line(maybe.get(name, "x"))]
    assert [name for name, _ in raw_headers(wire)] == expected
    assert parsed(wire).keys() == expected
    assert mailboxes(wire, "To") == shown
    assert mailboxes(wire, "Cc") == shown[:1]
    assert mailboxes(wire, "From") == [(on_a_line(sender), "notifications@shop.example")]
    assert decoded(dict(raw_headers(wire)).get("Subject", "")) == on_a_line(title)


@given(name=st.text(max_size=200), title=st.text(max_size=400))
def test_any_name_and_subject_reads_back_as_it_was(name, title):
    wire = assemble(message(title=title), envelope(to=people("ada@custo.example", name=name)))
    assert mailboxes(wire, "To") == [(on_a_line(name), "ada@custo.example")]
    assert decoded(dict(raw_headers(wire)).get("Subject", "")) == on_a_line(title)
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998


@pytest.mark.parametrize(
    "address",
    [
        "a@custo.example, v@evil.example",
        "group: a@custo.example;",
        "a@custo.example\r\nBcc: v@evil.example",
        "a@custo.example\r\nRCPT TO:<v@evil.example>",
        "a@custo.example>\r\nDATA",
        "<a@custo.example>",
        "Ada <a@custo.example>",
        '"a b"@custo.example',
        "a b@custo.example",
        "a@custo.example\0",
        "a@b@custo.example",
        "a@[127.0.0.1]",
        "@custo.example",
        "a@",
        "a",
        "",
        "a@custo.example\u2028x",
        "a@cus\x85to.example",
    ],
)
async def test_what_is_not_one_addr_spec_is_written_to_by_nobody(address):
    with pytest.raises(ValueError, match="addr-spec"):
        ascii_domain(address)
    with MailServer() as server:
        mixed = await sent(smtp(server.port), envelope(bcc=people(address)), wire=b"Subject: x\r\n\r\n")
        alone = await sent(smtp(server.port), envelope(to=people(address)), wire=b"Subject: x\r\n\r\n")
        forged = await sent(smtp(server.port), envelope(sender_address=address), wire=b"Subject: x\r\n\r\n")
    assert [mail.recipients for mail in server.mails] == [("ada@custo.example",)]
    assert {one.status for one in mixed.recipients if one.address == address} == {"failed"}
    assert (alone.status, alone.reason) == (forged.status, forged.reason) == ("failed", "invalid")
