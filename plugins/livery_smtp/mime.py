"""The e-mail as bytes: RFC 5322 headers, multipart/alternative. The same input gives the same bytes."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from hashlib import sha256

from livery.plugin import Envelope, Message, Recipient


def assemble(message: Message, envelope: Envelope) -> bytes:
    """The message as it goes over the wire. Bcc addresses appear nowhere in it."""
    shown = [envelope.sender_address, envelope.reply_to, *(r.address for r in (*envelope.to, *envelope.cc))]
    mail = EmailMessage(policy=SMTP if all(address.isascii() for address in shown) else SMTPUTF8)
    mail["From"] = _address(envelope.sender_name, envelope.sender_address)
    if envelope.reply_to:
        mail["Reply-To"] = _address("", envelope.reply_to)
    if envelope.to:
        mail["To"] = [_of(one) for one in envelope.to]
    if envelope.cc:
        mail["Cc"] = [_of(one) for one in envelope.cc]
    mail["Subject"] = message.title
    mail["Date"] = format_datetime(envelope.created_at)
    mail["Message-ID"] = envelope.message_id
    # RFC 3834 §5: no vacation answers, no loops; the second is what Exchange listens to.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    # After the parts are made, which would otherwise take every Content- header for themselves.
    mail["Content-Language"] = message.locale
    mail.set_boundary("=_" + sha256(envelope.delivery_id.encode()).hexdigest()[:32])
    return mail.as_bytes()


def _of(recipient: Recipient) -> Address:
    return _address(recipient.name, recipient.address)


def _address(name: str, address: str) -> Address:
    # NUL passes the standard library's checks, and before 3.11.10 a folded header may hold a line break.
    if any(ord(char) < 32 or ord(char) == 127 for char in name + address):  # noqa: PLR2004
        raise ValueError("a name or an address holds control characters")
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)
