"""Secrets at rest: sealed with the newest key of the configuration, opened with any of them.

Owns the form in which a secret is stored; who stores one says what it is for (`context`), and a sealed text
that is moved to another tenant or field does not open there. AES-256-GCM (NIST SP 800-38D) through `cryptography`.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Iterable, Sequence
from hashlib import sha256

from livery.errors import ConfigError, LiveryError, NoKey, Problem

_MARK = "sealed:1"
_KEY_BYTES, _NONCE_BYTES, _NAME_CHARS = 32, 12, 8
_WHERE = "secret_keys"


class SealBroken(LiveryError):
    """A stored secret cannot be opened: its key is not configured, or it was changed or moved."""


class Vault:
    """Seals and opens with a ring of keys; safe from any thread.

    Args:
        keys: 32 bytes each in base64, newest first: the first seals, all open.

    Raises:
        ConfigError: a key is none; the error never repeats it.

    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys: dict[str, bytes] = {}
        problems = []
        for number, text in enumerate(keys):
            key = _key_of(text)
            if key is None:
                problems.append(Problem(f"{_WHERE}.{number}", "a key as `livery secrets new-key` prints it"))
            else:
                self._keys.setdefault(_name_of(key), key)
        if problems:
            raise ConfigError("the keys of secrets are wrong:", problems)

    def __repr__(self) -> str:
        return f"Vault({', '.join(self._keys) or 'no key'})"

    @property
    def keys(self) -> Sequence[str]:
        """The names of the keys, newest first: the beginning of each key's digest."""
        return tuple(self._keys)

    @property
    def newest(self) -> str:
        """The name of the key that seals.

        Raises:
            NoKey: no key is configured.

        """
        if not self._keys:
            what = "a key, since a secret is to be stored; `livery secrets new-key` makes one"
            raise NoKey("secrets cannot be kept:", [Problem(_WHERE, what, "none")])
        return next(iter(self._keys))

    def seal(self, secret: str, *, context: str) -> str:
        """A secret as it may be stored: `sealed:1:<key name>:<nonce and ciphertext>`.

        Raises:
            NoKey: no key is configured.

        """
        name = self.newest
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._keys[name]
        nonce = os.urandom(_NONCE_BYTES)
        data = nonce + AESGCM(key).encrypt(nonce, secret.encode(), _bound(name, context))
        return f"{_MARK}:{name}:{base64.urlsafe_b64encode(data).decode()}"

    def open(self, sealed: str, *, context: str) -> str:
        """The secret that was sealed for the same `context`.

        Raises:
            SealBroken: says which key is missing, or that the stored text does not belong here.

        """
        name = key_name(sealed)
        key = self._keys.get(name)
        if key is None:
            have = ", ".join(self._keys) or "none"
            raise SealBroken(f"a stored secret needs the key {name or '?'}, and {_WHERE} has {have}; add the key back")
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = base64.b64decode(sealed.rpartition(":")[2], altchars=b"-_", validate=True)
            secret = AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(name, context))
        except (InvalidTag, ValueError, binascii.Error):
            raise SealBroken("a stored secret was changed, or stands where it was not put; set it anew") from None
        return secret.decode()

    def hashed(self, text: str, *, context: str) -> str:
        """A hash that only who has the newest key can make: `<key name>:<HMAC-SHA256>`; empty without a key."""
        return next(iter(self.hashes(text, context=context)), "")

    def hashes(self, text: str, *, context: str) -> list[str]:
        """The same under each key, the newest first: what was hashed before keys were changed is found, too."""
        marks = []
        for name, key in self._keys.items():
            own = hmac.digest(key, f"livery hash\n{context}".encode(), "sha256")
            marks.append(f"{name}:{hmac.digest(own, text.encode(), 'sha256').hex()}")
        return marks

    def is_stale(self, sealed: str) -> bool:
        """Whether it was sealed with another key than the newest: to be sealed anew before the old key goes."""
        return bool(self._keys) and key_name(sealed) != next(iter(self._keys))

    def resealed(self, sealed: str, *, context: str) -> str:
        """The same secret under the newest key; unchanged if it already is.

        Raises:
            SealBroken: it cannot be opened.

        """
        return self.seal(self.open(sealed, context=context), context=context) if self.is_stale(sealed) else sealed


def new_key() -> str:
    """A fresh key from the system's randomness, as the configuration takes it."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


def is_sealed(text: object) -> bool:
    """Whether something is a sealed secret rather than a plain text."""
    return isinstance(text, str) and text.startswith(f"{_MARK}:")


def key_name(sealed: str) -> str:
    """The name of the key a secret was sealed with; empty if it is not sealed."""
    return sealed.removeprefix(f"{_MARK}:").partition(":")[0] if is_sealed(sealed) else ""


def _key_of(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text.strip().replace("+", "-").replace("/", "_"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return key if len(key) == _KEY_BYTES else None


def _name_of(key: bytes) -> str:
    return sha256(b"livery key name\n" + key).hexdigest()[:_NAME_CHARS]


def _bound(name: str, context: str) -> bytes:
    return f"{_MARK}\n{name}\n{context}".encode()
