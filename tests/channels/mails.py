"""An e-mail as it went over the wire, read back: by the standard library's parser, and as a mail server sees it."""

import re
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser
from email.utils import getaddresses

HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
    "Content-Language", "MIME-Version", "Content-Type",
]  # fmt: skip


def parsed(wire):
    return BytesParser(policy=policy.default).parsebytes(wire)


def raw_headers(wire):
    """(name, value) as on the wire, unfolded only: what a mail server sees."""
    head = re.sub(rb"\r\n(?=[ \t])", b"", wire.partition(b"\r\n\r\n")[0]).decode()
    return [tuple(line.split(": ", 1)) for line in head.split("\r\n")]


def decoded(value):
    return str(make_header(decode_header(value)))


def mailboxes(wire, name):
    value = next((value for header, value in raw_headers(wire) if header == name), "")
    return [(decoded(shown), address) for shown, address in getaddresses([value])]


def on_a_line(text):
    """What may be left of a text in a header: no controls, no line breaks, single spaces, whole characters."""
    return " ".join(re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", " ", text).split())


def lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
