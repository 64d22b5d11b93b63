"""DKIM signatures, judged by dkimpy: they hold, they break when anything that matters changes, weak keys are refused."""

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from pydantic import ValidationError

from channels.making import ENVELOPE, MESSAGE, envelope, message, people, sent, smtp
from channels.test_smtp_fuzz import MESSAGES, NAMES, addressed
from livery.testing import MailServer
from livery_smtp.dkim import signed
from livery_smtp.mime import assemble
from livery_smtp.settings import DkimKey


def pem(private):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def record(private):
    """The TXT record to publish for a key."""
    from base64 import b64encode

    if isinstance(private, ed25519.Ed25519PrivateKey):
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return b"v=DKIM1; k=ed25519; p=" + b64encode(raw)
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + b64encode(der)


RSA, ED = rsa.generate_private_key(public_exponent=65537, key_size=2048), ed25519.Ed25519PrivateKey.generate()
KEYS = (
    DkimKey(domain="shop.example", selector="r2026", key=pem(RSA)),
    DkimKey(domain="shop.example", selector="e2026", key=pem(ED)),
)
RECORDS = {
    b"r2026._domainkey.shop.example.": record(RSA),
    b"e2026._domainkey.shop.example.": record(ED),
}


def judged(wire, number):
    return dkim.DKIM(wire).verify(idx=number, dnsfunc=lambda name, timeout=5: RECORDS.get(name))


def holds(wire, signatures=2):
    assert wire.count(b"DKIM-Signature:") == signatures
    return [judged(wire, number) for number in range(signatures)]


async def test_every_message_carries_a_signature_of_each_key_of_the_senders_domain():
    with MailServer() as server:
        outcome = await sent(smtp(server.port, dkim=[one.model_dump() for one in KEYS]))
    assert outcome.status == "accepted"
    [mail] = server.mails
    assert holds(mail.content) == [True, True]
    assert [one.split(";")[1].strip() for one in mail.parsed.get_all("DKIM-Signature")] == [
        "a=rsa-sha256",
        "a=ed25519-sha256",
    ]


@given(said=MESSAGES, names=NAMES)
@settings(max_examples=60)
def test_whatever_the_message_the_signatures_hold_and_keep_the_form_of_mail(said, names):
    who = envelope(to=addressed(names), sender_name=names[0])
    wire = signed(assemble(said, who), who, KEYS[1:])
    assert holds(wire, 1) == [True]
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject: ", b"Subject: Re: "),
        (b"From: ", b"From: <evil@evil.example>\r\nFrom: "),
        (b"Subject: ", b"Subject: Win!\r\nSubject: "),
        (b"To: ", b"Reply-To: evil@evil.example\r\nTo: "),
        (b"To: ", b"Cc: evil@evil.example\r\nTo: "),
        (b"MIME-Version: 1.0", b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64"),
        (b"Guten Tag", b"Guten Abend"),
        (b"--\r\n", b"--\r\nmore\r\n"),
    ],
)
def test_a_change_on_the_way_breaks_both(before, after):
    wire = signed(assemble(MESSAGE, ENVELOPE), ENVELOPE, KEYS)
    assert before in wire
    changed = wire.replace(before, after, 1)
    assert [*map(dkim_or_false, [changed] * 2, range(2))] == [False, False]


def dkim_or_false(wire, number):
    try:
        return judged(wire, number)
    except dkim.DKIMException:
        return False


@pytest.mark.parametrize(
    ("change", "to"),
    [(b"Subject: ", b"SUBJECT:   "), (b"To: ", b"To:\r\n ")],
)
def test_other_spaces_and_capitals_in_headers_break_nothing(change, to):
    wire = signed(assemble(MESSAGE, ENVELOPE), ENVELOPE, KEYS)
    assert holds(wire.replace(change, to, 1)) == [True, True]


def test_the_same_message_is_signed_the_same():
    wire = assemble(MESSAGE, ENVELOPE)
    assert signed(wire, ENVELOPE, KEYS) == signed(wire, ENVELOPE, KEYS)


@pytest.mark.parametrize(
    ("sender", "signatures"),
    [
        ("a@shop.example", 2),
        ("a@SHOP.example", 2),
        ("a@mail.shop.example", 2),
        ("a@othershop.example", 0),
        ("a@example", 0),
    ],
)
def test_a_domain_signs_for_itself_and_what_is_below_it(sender, signatures):
    who = envelope(sender_address=sender)
    assert holds(signed(assemble(MESSAGE, who), who, KEYS), signatures) == [True] * signatures


def test_the_nearest_domain_signs():
    below = DkimKey(domain="mail.shop.example", selector="e2026", key=pem(ED))
    who = envelope(sender_address="a@mail.shop.example")
    wire = signed(assemble(MESSAGE, who), who, (*KEYS, below))
    assert wire.count(b"DKIM-Signature:") == 1
    assert b"d=mail.shop.example" in wire


@pytest.mark.parametrize("body", [b"", b"\r\n", b"x", b"x\r\n\r\n\r\n", b"\r\n\r\nx\r\n"])
def test_however_the_body_ends(body):
    wire = signed(b"From: a@shop.example\r\n\r\n" + body, ENVELOPE, KEYS[1:])
    assert holds(wire, 1) == [True]


def test_a_key_that_is_rotated_leaves_what_was_signed_before_in_force():
    wire = signed(assemble(MESSAGE, ENVELOPE), ENVELOPE, KEYS[:1])
    new = signed(assemble(MESSAGE, ENVELOPE), ENVELOPE, KEYS[1:])
    assert (holds(wire, 1), holds(new, 1)) == ([True], [True])


# ------------------------------------------------------------------ keys


def test_a_key_in_a_file(tmp_path):
    (tmp_path / "key.pem").write_text(pem(ED))
    key = DkimKey(domain="shop.example", selector="e2026", key_file=str(tmp_path / "key.pem"))
    assert holds(signed(assemble(MESSAGE, ENVELOPE), ENVELOPE, (key,)), 1) == [True]


@pytest.mark.parametrize(
    ("given_key", "why"),
    [
        ({"key": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))}, "1024 bits is too weak"),
        ({"key": pem(ec.generate_private_key(ec.SECP256R1()))}, "an RSA or ed25519 key"),
        ({"key": "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"}, "no private key in PEM"),
        ({"key_file": "/nowhere/key.pem"}, "cannot be read"),
        ({}, "either key or key_file"),
        ({"key": pem(ED), "key_file": "/nowhere"}, "either key or key_file"),
    ],
)
def test_a_key_that_is_none_or_weak_stops_the_start(given_key, why):
    with pytest.raises(ValidationError, match=why):
        DkimKey.model_validate({"domain": "shop.example", "selector": "a", **given_key})


@pytest.mark.parametrize("selector", ["", "a b", "-a", "a;b", "a\r\nb", "x" * 64])
def test_a_selector_is_a_name_in_the_dns(selector):
    with pytest.raises(ValidationError):
        DkimKey(domain="shop.example", selector=selector, key=pem(ED))


def test_one_selector_has_one_key():
    with pytest.raises(ValidationError, match="each selector of a domain once"):
        smtp(25, dkim=[KEYS[0].model_dump()] * 2)


def test_an_idn_domain_signs_in_ascii():
    key = DkimKey(domain="bücher.example", selector="e2026", key=pem(ED))
    who = envelope(sender_address="a@bücher.example", to=people("ada@custo.example"))
    assert b"d=xn--bcher-kva.example" in signed(assemble(message(), who), who, (key,))
