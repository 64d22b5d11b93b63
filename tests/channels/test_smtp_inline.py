"""Images inside an e-mail: they arrive as they were, beside the HTML that shows them; nothing else changes."""

import re
from base64 import b64encode
from email import policy
from email.parser import BytesParser
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.mails import HEADERS, lines
from channels.making import ENVELOPE, envelope, message, people, sent, smtp
from livery.plugin import Inline, Message
from livery.testing import MailServer
from livery_smtp.mime import assemble

EVERY_BYTE = bytes(range(256)) * 5
LOGO = Inline(cid="4f53cda1@livery", media_type="image/png", filename="logo.png", data=b"\x89PNG" + EVERY_BYTE)
PHOTO = Inline(cid="ef2d127d@livery", media_type="image/jpeg", filename="photo.jpeg", data=b"\xff\xd8\xff\r\n.\r\n")
HTML = '<p><img src="cid:4f53cda1@livery" alt="The Shop"><img src="cid:ef2d127d@livery" alt=""></p>\n'
PICTURED = message(html=HTML, inline=(LOGO, PHOTO))

BEFORE = b"""\
From: "The Shop" <notifications@shop.example>
To: "Ada Buyer" <ada@custo.example>
Subject: Bestellung fehlgeschlagen
Date: Fri, 20 Nov 2026 09:42:07 +0000
Message-ID: <dlv_01k9zq0a3bm2v5n8s4x7c1d6ef@shop.example>
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: All
Content-Language: de-AT
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="=_80c35422413508dd741178e3a1e8b522"

--=_80c35422413508dd741178e3a1e8b522
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

Guten Tag,

--=_80c35422413508dd741178e3a1e8b522
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

<p>Guten Tag,</p>

--=_80c35422413508dd741178e3a1e8b522--
""".replace(b"\n", b"\r\n")


def parsed(wire):
    """With the parser that raises at the first defect."""
    return BytesParser(policy=policy.default.clone(raise_on_defect=True)).parsebytes(wire)


def alternatives(wire):
    """The text, and the parts of what is beside it: the HTML, then each image."""
    text, related = parsed(wire).iter_parts()
    return text, list(related.iter_parts())


# --------------------------------------------------------------------------- without images, nothing changed


def test_a_message_without_images_is_what_it_was_byte_by_byte():
    assert assemble(message(), ENVELOPE) == BEFORE


def test_so_is_one_with_long_lines_other_alphabets_and_copies():
    said = message(
        title="Ünïcode =?x " + "wörter " * 40,
        text="a\r\nb\rc\n.\n" + "ä" * 500,
        html="<p>日本</p>\n" * 90,
        locale="ar",
    )
    who = envelope(
        to=people("a@custo.example", "b@bücher.example", name="Ü, Ö"),
        cc=people("c@shop.example", name='Q "x" \\'),
        reply_to="help@shop.example",
        sender_name="سوق السحابة",
    )
    digest = "4a7d1654e7e99f8c1f887f5a852b233cd28cdf47a4115712ca16408249f38801"
    assert sha256(assemble(said, who)).hexdigest() == digest


# --------------------------------------------------------------------------- what arrives


async def test_every_part_arrives_as_it_was_over_a_real_server():
    with MailServer() as server:
        outcome = await sent(smtp(server.port), message=PICTURED)
    assert outcome.status == "accepted"
    [mail] = server.mails
    assert mail.parsed.keys() == HEADERS
    assert mail.parsed.get_content_type() == "multipart/alternative"
    text, (html, *images) = alternatives(mail.content)
    assert (text.get_content_type(), lines(text.get_content())) == ("text/plain", PICTURED.text)
    assert (html.get_content_type(), lines(html.get_content())) == ("text/html", HTML)
    for image, sent_one in zip(images, (LOGO, PHOTO), strict=True):
        assert image.get_content_type() == sent_one.media_type
        assert image["Content-ID"] == f"<{sent_one.cid}>"
        assert image["Content-Disposition"].content_disposition == "inline"
        assert image.get_content() == sent_one.data
    assert [image.get_filename() for image in images] == ["logo.png", "photo.jpg"]
    assert mail.images == {LOGO.cid: LOGO.data, PHOTO.cid: PHOTO.data}
    assert (lines(mail.part("plain")), lines(mail.part("html"))) == (PICTURED.text, HTML)


def test_the_html_is_the_root_of_what_belongs_together():
    related = list(parsed(assemble(PICTURED, ENVELOPE)).iter_parts())[1]
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "text/html", "RFC 2387 §3.1"
    assert next(related.iter_parts()).get_content_type() == "text/html", "RFC 2387 §3.2: the first, where none is named"


async def test_an_image_of_a_mebibyte_arrives_whole_in_short_lines():
    large = LOGO.model_copy(update={"data": EVERY_BYTE * (1024 * 1024 // len(EVERY_BYTE))})
    with MailServer() as server:
        await sent(smtp(server.port), message=message(inline=(large,)))
    [mail] = server.mails
    assert mail.images == {large.cid: large.data}
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 78


async def test_images_count_where_a_server_takes_no_more():
    with MailServer(data_size_limit=10_000) as server:
        small = await sent(smtp(server.port), message=PICTURED)
        large = await sent(smtp(server.port), message=message(inline=(LOGO.model_copy(update={"data": b"x" * 8_000}),)))
    assert (small.status, large.status, large.reason) == ("accepted", "failed", "too_large")
    assert len(server.mails) == 1


async def test_a_second_attempt_is_the_same_bytes():
    with MailServer() as server:
        for attempt in (1, 2):
            await sent(smtp(server.port), message=PICTURED, attempt=attempt)
    assert server.mails[0].content == server.mails[1].content


def test_no_boundary_begins_like_another_and_none_can_stand_in_a_part():
    wire = assemble(PICTURED, ENVELOPE)
    outer, inner = re.findall(rb'boundary="([^"]+)"', wire)
    # RFC 2046 §5.1.1: readers compare the beginning of a line.
    assert not outer.startswith(inner)
    assert not inner.startswith(outer)
    both = f"--{outer.decode()}--\n--{inner.decode()}\n"
    forged = assemble(
        message(text=both, html=both, inline=(LOGO.model_copy(update={"data": both.encode()}),)), ENVELOPE
    )
    text, (html, image) = alternatives(forged)
    assert lines(text.get_content()) == lines(html.get_content()) == both
    assert image.get_content() == both.encode()


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("logo.png", "logo.png"),
        ("Logo-2_b.PNG", "Logo-2_b.png"),
        ("", "image.png"),
        ("شعار.png", "image.png"),
        ("../../etc/logo.png", "etc-logo.png"),
        ("../..", "image.png"),
        ("invoice.pdf.exe", "invoice.pdf.png"),
        ('a"; filename="b.exe', "a-filename-b.png"),
        ("a\r\nBcc: evil@example.org\r\n\r\n.png", "a-Bcc-evil-example.org.png"),
        ("=?utf-8?b?ZQ==?=.png", "utf-8-b-ZQ.png"),
        ("x" * 300 + ".png", "x" * 64 + ".png"),
        ("\u202egnp.exe", "gnp.png"),
    ],
)
def test_a_file_name_is_plain_and_ends_as_what_it_is(given_name, shown):
    wire = assemble(message(inline=(LOGO.model_copy(update={"filename": given_name}),)), ENVELOPE)
    _, (_, image) = alternatives(wire)
    assert image.get_filename() == shown
    assert image.keys() == ["Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Disposition"]


# --------------------------------------------------------------------------- the model


@pytest.mark.parametrize(
    "changes",
    [
        {"cid": "logo"},
        {"cid": "<logo@livery>"},
        {"cid": "logo@livery>\r\nBcc: evil@example.org"},
        {"cid": "logo@livery\n"},
        {"cid": "a b@livery"},
        {"cid": "a" * 200 + "@livery"},
        {"cid": "ä@livery"},
        {"media_type": "image/svg+xml"},
        {"media_type": "text/html"},
        {"data": b""},
        {"data": "no base64"},
        {"data": "YQ"},
    ],
    ids=repr,
)
def test_what_could_not_be_sent_is_no_inline_image(changes):
    with pytest.raises(ValidationError):
        Inline.model_validate({**LOGO.model_dump(), **changes})


def test_two_images_cannot_have_one_cid():
    with pytest.raises(ValidationError, match="each image once"):
        Message.model_validate({**PICTURED.model_dump(), "inline": [LOGO, LOGO.model_copy(update={"data": b"x"})]})


@given(data=st.binary(min_size=1, max_size=100))
def test_a_message_survives_json_with_its_images_as_base64(data):
    whole = message(inline=(LOGO.model_copy(update={"data": data}),))
    as_json = whole.model_dump(mode="json")
    assert as_json["inline"][0]["data"] == b64encode(data).decode()
    assert Message.model_validate(as_json) == Message.model_validate_json(whole.model_dump_json()) == whole
    assert Message.model_validate(whole.model_dump()) == whole


def test_a_repr_of_a_message_holds_no_image():
    assert "PNG" not in repr(PICTURED)


def test_messages_stored_before_there_were_images_can_be_read():
    assert Message.model_validate_json('{"format": "email", "locale": "en", "title": "x"}').inline == ()
