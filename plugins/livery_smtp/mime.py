"""The e-mail as bytes: RFC 5322 headers, multipart/alternative; images beside the HTML that shows them (RFC 2387).

The same input gives the same bytes.

Written out here: the standard library's writer splits long names of other alphabets with spaces, takes text that
looks like an encoded word for one, and folds differently from one Python to the next.
"""

import re
from base64 import b64encode, encodebytes
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256

from livery.plugin import Envelope, Inline, Joined, Message, Recipient
from livery_smtp.quoted import quoted

_END = "\r\n"
_FOLD = "\r\n "
_LINE = 76
_WORD = 45
"""Bytes in one encoded word: with its frame it keeps within the 75 characters of RFC 2047 §2."""
_LONGEST = 900
"""Characters of a line that mail servers bear, with room to spare (RFC 5322 §2.1.1: 998)."""
_UNFIT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ADDR_SPEC = re.compile(
    r"[^\s\x00-\x20\x7f-\x9f<>()\[\],;:\\\"@\ud800-\udfff]+@[^\s\x00-\x20\x7f-\x9f<>()\[\],;:\\\"@]+"
)
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_FILE_NAME = 64


class Dotless(bytes):
    """A message as `assemble` makes it.

    No line begins with a dot, so nothing has to be doubled on the wire; what follows its first headers is ASCII.
    """

    @property
    def head(self) -> bytes:
        return self[: self.find(b"\r\n\r\n")]


def assemble(message: Message, envelope: Envelope) -> bytes:
    """The message as it goes over the wire. Bcc addresses appear nowhere in it.

    Raises:
        ValueError: an address is not exactly one addr-spec.

    """
    boundary = _boundary(envelope.delivery_id)
    parts = [_head(message, envelope, boundary).encode(), *_part(boundary, "plain", message.text)]
    if message.inline:
        parts += _related(boundary, envelope.delivery_id, message)
    else:
        parts += _part(boundary, "html", message.html)
    parts.append(f"--{boundary}--\r\n".encode())
    return Dotless(b"".join(parts))


def _head(message: Message, envelope: Envelope, boundary: str) -> str:
    subject, message_id = _text(message.title, len("Subject: ")), _line(envelope.message_id)
    return (
        f"{_who(envelope)}"
        f"{f'Subject: {subject}{_END}' if subject else ''}"
        f"Date: {_date(envelope.created_at.replace(microsecond=0))}\r\n"
        f"{f'Message-ID: {message_id}{_END}' if message_id else ''}"
        f'{_of_every_mail(message.locale)}boundary="{boundary}"\r\n\r\n'
    )


def _who(envelope: Envelope) -> str:
    # RFC 5322 §3.4: an empty group where nobody may know who reads it; some servers refuse a mail without To.
    to = _mailboxes(envelope.to) or ("" if envelope.cc else "undisclosed-recipients:;")
    reply_to = f"Reply-To: {_mailbox('', envelope.reply_to)}\r\n" if envelope.reply_to else ""
    copies = f"Cc: {_mailboxes(envelope.cc)}\r\n" if envelope.cc else ""
    shown = f"To: {to}\r\n" if to else ""
    return f"From: {_mailbox(envelope.sender_name, envelope.sender_address)}\r\n{reply_to}{shown}{copies}"


@lru_cache(maxsize=256)
def _of_every_mail(locale: str) -> str:
    """The headers that are the same for all in one language."""
    headers = [
        # RFC 3834 §5: no vacation answers, no loops; the second is what Exchange listens to.
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("Content-Language", _line(locale)),
        ("MIME-Version", "1.0"),
        ("Content-Type", f"multipart/alternative;{_FOLD}"),
    ]
    return "\r\n".join(f"{name}: {value}" for name, value in headers if value)


@lru_cache(maxsize=256)
def _date(when: datetime) -> str:
    """A moment as a header; that of many messages."""
    return format_datetime(when)


@lru_cache(maxsize=4096)
def ascii_domain(address: str) -> str:
    """`address` with its domain as the DNS knows it (RFC 5891).

    Raises:
        ValueError: it is not exactly one addr-spec; its domain cannot be written so.

    """
    if not _ADDR_SPEC.fullmatch(address):
        raise ValueError("an address is not exactly one addr-spec")
    local, _, domain = address.partition("@")
    if domain.isascii():
        return address
    from email_validator import validate_email

    checked = validate_email(f"x@{domain}", check_deliverability=False, test_environment=True)
    return f"{local}@{checked.ascii_domain}"


def _boundary(of: str) -> str:
    """What parts are told apart by: `=_` occurs neither in quoted-printable nor in base64."""
    return "=_" + sha256(of.encode()).hexdigest()[:32]


def _related(outer: str, delivery_id: str, message: Message) -> list[bytes]:
    """The HTML and, after it, the images it shows; a reader without HTML sees nothing of them."""
    inner = _boundary(f"{delivery_id} related")
    head = f'--{outer}\r\nContent-Type: multipart/related; type="text/html";{_FOLD}boundary="{inner}"\r\n\r\n'
    images = [_image(inner, one) for one in message.inline]
    return [head.encode(), *_part(inner, "html", message.html), *images, f"--{inner}--\r\n\r\n".encode()]


def _image(boundary: str, image: Inline) -> bytes:
    head = (
        f"--{boundary}\r\nContent-Type: {image.media_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-ID: <{image.cid}>\r\nContent-Disposition: inline; filename="{_file_name(image)}"\r\n\r\n'
    )
    return head.encode() + encodebytes(image.data).replace(b"\n", b"\r\n") + b"\r\n"


def _file_name(image: Inline) -> str:
    """Its name as every system bears it, with the ending of what it is."""
    stem = image.filename.rpartition(".")[0] or image.filename
    plain = _NOT_IN_A_FILE_NAME.sub("-", stem)[:_FILE_NAME].strip("-.") or "image"
    return f"{plain}.{image.media_type.removeprefix('image/').replace('jpeg', 'jpg')}"


def _part(boundary: str, subtype: str, content: str) -> list[bytes]:
    """One alternative."""
    head = (
        f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    pieces = content.pieces if isinstance(content, Joined) else ()
    return [head.encode(), *quoted(content, pieces), b"\r\n"]


def _mailboxes(recipients: tuple[Recipient, ...]) -> str:
    if len(recipients) == 1:
        return _mailbox(recipients[0].name, recipients[0].address)
    return f",{_FOLD}".join(_mailbox(one.name, one.address) for one in recipients)


@lru_cache(maxsize=4096)
def _mailbox(name: str, address: str) -> str:
    plain, spec = _line(name), ascii_domain(address)
    if not plain:
        return spec
    if _is_simple(plain) and len(plain) <= _LINE:
        escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{escaped}"'
    else:
        shown = _FOLD.join(_encoded_words(plain))
    return f"{shown} <{spec}>" if len(shown) + len(spec) < _LINE else f"{shown}{_FOLD}<{spec}>"


def _text(text: str, used: int) -> str:
    """Unstructured text: as it is where it is plain ASCII, folded between its words; else in encoded words."""
    plain = _line(text)
    if len(plain) <= _LINE - used and _is_simple(plain):
        return plain
    words = plain.split(" ")
    if not _is_simple(plain) or max(len(word) for word in words) > _LONGEST:
        return _FOLD.join(_encoded_words(plain))
    lines, room = [words[0]], _LINE - used - len(words[0])
    for word in words[1:]:
        if len(word) < room:
            lines[-1] += f" {word}"
            room -= len(word) + 1
        else:
            lines.append(word)
            room = _LINE - len(word)
    return _FOLD.join(lines)


def _is_simple(text: str) -> bool:
    """Whether readers take it for what it says: ASCII, and nothing that looks like an encoded word."""
    return text.isascii() and "=?" not in text


def _encoded_words(text: str) -> list[str]:
    """RFC 2047, in base64: each word whole characters only."""
    chunks, size = [""], 0
    for char in text:
        width = len(char.encode())
        if size + width > _WORD:
            chunks.append("")
            size = 0
        chunks[-1] += char
        size += width
    return [f"=?utf-8?b?{b64encode(chunk.encode()).decode()}?=" for chunk in chunks]


def _line(text: str) -> str:
    """`text` on one line, without what could end a header or hide in it."""
    if text.isprintable() and "  " not in text and text.strip() is text:
        return text
    return " ".join(_UNFIT.sub(" ", text).split())
