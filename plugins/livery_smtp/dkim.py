"""DKIM signatures (RFC 6376, RFC 8463): relaxed headers, simple body, every header that matters signed once too often.

Signing a header once more than it occurs makes a second one, added on the way, break the signature. The same message
and key give the same signature: its time is the message's Date.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livery.plugin import Envelope

if TYPE_CHECKING:
    from livery_smtp.settings import DkimKey

_MIN_BITS = 2048
SIGNED = (
    "from", "reply-to", "to", "cc", "subject", "date", "message-id", "auto-submitted", "content-language",
    "mime-version", "content-type", "content-transfer-encoding", "sender", "in-reply-to", "references",
)  # fmt: skip
"""Headers that are signed, whether they are there or not."""
_FIELD = re.compile(rb"([!-9;-~]+):((?:[^\r]|\r(?!\n)|\r\n[ \t])*)\r\n")
_FOLD = "\r\n "
_WIDTH = 72
Sign = Callable[[bytes], bytes]
_keys: dict["DkimKey", tuple[str, Sign]] = {}
_MAX_KEYS = 1000


def signed(wire: bytes, envelope: Envelope, keys: "Sequence[DkimKey]") -> bytes:
    """The message with a signature of each key of its sender's domain, or of the nearest domain above that has some.

    Args:
        wire: the message.
        envelope: its envelope: who sends it, and when.
        keys: all that are configured.

    """
    from livery_smtp.mime import ascii_domain

    domain = ascii_domain(envelope.sender_address).partition("@")[2].lower()
    above = [one for one in keys if domain == one.domain or domain.endswith(f".{one.domain}")]
    nearest = max((len(one.domain) for one in above), default=0)
    mine = [one for one in above if len(one.domain) == nearest]
    if not mine:
        return wire
    head, _, body = wire.partition(b"\r\n\r\n")
    fields = _canonical(head + b"\r\n")
    digest = b64encode(sha256(_ended(body)).digest())
    when = int(envelope.created_at.timestamp())
    made = [_signature(one, fields, digest.decode(), when) for one in mine]
    return type(wire)(b"".join([*made, wire]))


def _ended(body: bytes) -> bytes:
    """With one line end after the last line that is not empty (RFC 6376 §3.4.3)."""
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def _canonical(head: bytes) -> dict[str, list[bytes]]:
    """Each header as it is signed, by its name; the last one first (RFC 6376 §3.4.2, §5.4.2)."""
    fields: dict[str, list[bytes]] = {}
    for name, value in _FIELD.findall(head):
        lowered = name.lower().decode("ascii")
        fields.setdefault(lowered, []).insert(0, name.lower() + b":" + _relaxed(value))
    return fields


def _relaxed(value: bytes) -> bytes:
    return re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" \t")


def _signature(key: "DkimKey", fields: dict[str, list[bytes]], digest: str, when: int) -> bytes:
    algorithm, sign = signing_key(key)
    names, lines = [], []
    for name in SIGNED:
        there = fields.get(name, ())
        names += [name] * (len(there) + 1)
        lines += [line + b"\r\n" for line in there]
    tags = [
        f"v=1; a={algorithm}; c=relaxed/simple; d={key.domain}; s={key.selector}; t={when};",
        *_folded("h=", ":".join(names) + ";", ":"),
        f"bh={digest};",
        "b=",
    ]
    value = _FOLD.join(tags)
    unsigned = b"dkim-signature:" + _relaxed(value.encode())
    made = b64encode(sign(b"".join(lines) + unsigned)).decode()
    chunks = [made[at : at + _WIDTH] for at in range(0, len(made), _WIDTH)]
    return f"DKIM-Signature: {value}{_FOLD.join(chunks)}\r\n".encode()


def _folded(tag: str, text: str, at: str) -> list[str]:
    lines, line = [], tag
    for piece in re.findall(f"[^{at}]+{at}?", text):
        if len(line) + len(piece) > _WIDTH:
            lines.append(line)
            line = ""
        line += piece
    return [*lines, line]


def signing_key(key: "DkimKey") -> tuple[str, Sign]:
    """The algorithm of a key, and what signs with it.

    Raises:
        ValueError: there is no key, it cannot be read, or it is too weak to be worth anything.

    """
    if key not in _keys:
        if len(_keys) >= _MAX_KEYS:
            _keys.clear()
        _keys[key] = _loaded(_pem(key))
    return _keys[key]


def _pem(key: "DkimKey") -> bytes:
    if (key.key is None) == (key.key_file is None):
        raise ValueError("either key or key_file, and not both")
    if key.key is not None:
        return key.key.get_secret_value().encode()
    try:
        return Path(key.key_file or "").read_bytes()
    except OSError as error:
        raise ValueError(f"key_file cannot be read: {error.strerror}") from None


def _loaded(pem: bytes) -> tuple[str, Sign]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private: Any = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the key is no private key in PEM without a pass phrase") from None
    match private:
        case Ed25519PrivateKey():
            # RFC 8463 §3: what is signed is the SHA-256 of the data.
            return "ed25519-sha256", lambda data: private.sign(sha256(data).digest())
        case RSAPrivateKey() if private.key_size >= _MIN_BITS:
            padding, hashed = PKCS1v15(), SHA256()
            return "rsa-sha256", lambda data: private.sign(data, padding, hashed)
        case RSAPrivateKey():
            raise ValueError(f"an RSA key of {private.key_size} bits is too weak: at least {_MIN_BITS}")
        case _:
            raise ValueError("an RSA or ed25519 key is wanted")
