"""Signatures of built packs: Ed25519 (RFC 8032) over the bytes of the zip, in a file of its own beside it.

The signature is the bare 64 bytes, and keys are PEM files: `openssl pkeyutl -rawin` makes and checks the same.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from livery.errors import LiveryError
from livery.packtools.files import write

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SUFFIX = ".sig"
_MAX_KEY, _MAX_ZIP = 16 * 1024, 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a new pair of keys was written."""

    private: Path
    public: Path


def make_keys(stem: Path) -> Keys:
    """Write a new pair of keys: `<stem>.key`, which only its owner may read, and `<stem>.pub`.

    Raises:
        LiveryError: one of them is there already, or cannot be written.

    """
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    made = Keys(stem.with_name(f"{stem.name}.key"), stem.with_name(f"{stem.name}.pub"))
    for file in (made.private, made.public):
        if file.exists():
            raise LiveryError(f"{file} is there already; a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    public = key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    try:
        made.private.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(made.private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(private)
    except OSError as error:
        raise LiveryError(f"cannot write {made.private}: {error.strerror}") from None
    write(made.public, public)
    return made


def sign(content: bytes, key: Path) -> bytes:
    """The signature of a zip.

    Raises:
        LiveryError: the file holds no private Ed25519 key.

    """
    return _private(key).sign(content)


def verify(file: Path, key: Path, signature: Path | None = None) -> str:
    """Check that a zip is what the owner of a key signed.

    Args:
        file: the zip.
        key: the public key of whom it should be from.
        signature: the file of the signature; `<zip>.sig` if None.

    Returns:
        The sha256 of the zip, in hex.

    Raises:
        LiveryError: it is not, or a file cannot be read.

    """
    from cryptography.exceptions import InvalidSignature

    beside = signature or file.with_name(f"{file.name}{SUFFIX}")
    owner, content, given = _public(key), _read(file, _MAX_ZIP), _read(beside, _MAX_KEY)
    try:
        owner.verify(given, content)
    except InvalidSignature:
        raise LiveryError(
            f"{file} is not what the owner of {key} signed in {beside}: one of the three is another's, or was changed"
        ) from None
    return sha256(content).hexdigest()


def _private(file: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    raw = _read(file, _MAX_KEY)
    try:
        key = load_pem_private_key(raw, password=None)
    except TypeError:
        raise LiveryError(f"{file} is encrypted; give a key without a password, from your secret store") from None
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise LiveryError(f"{file} holds no private Ed25519 key in PEM; `livery pack keygen` makes one")
    return key


def _public(file: Path) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    raw = _read(file, _MAX_KEY)
    try:
        key = load_pem_public_key(raw)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise LiveryError(f"{file} holds no public Ed25519 key in PEM; it is the .pub that `livery pack keygen` wrote")
    return key


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise LiveryError(f"cannot read {file}: {error.strerror}") from None
    if len(content) > most:
        raise LiveryError(f"{file} is larger than {most // 1024} KiB")
    return content
