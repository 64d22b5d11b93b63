"""Whose a pack's zip is: Ed25519 signatures (RFC 8032) over its bytes, by keys the operator trusts."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from livery.errors import ConfigError, PackError, Problem
from livery.policies import PackPolicy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIZE = 64
_MAX_KEY = 16 * 1024


class Trust:
    """The keys an operator trusts, read when they are first needed.

    Args:
        keys: files of public keys in PEM, as `livery pack keygen` writes them.
        is_required: whether a pack nobody of them signed is refused.

    """

    def __init__(self, keys: tuple[Path, ...] = (), *, is_required: bool = False) -> None:
        self._files, self.is_required = keys, is_required
        self._keys: Mapping[str, Ed25519PublicKey] | None = None

    @classmethod
    def of(cls, policy: PackPolicy) -> "Trust":
        """As `[packs]` says it."""
        return cls(policy.trusted_keys, is_required=policy.require_signature)

    def signer(self, content: bytes, signature: bytes | None, pack: str) -> str:
        """The name of the key that signed a zip; empty if none did, and none has to.

        Raises:
            PackError: none of the trusted keys made this signature, or there is none and one is required.
            ConfigError: a trusted key cannot be read.

        """
        from cryptography.exceptions import InvalidSignature

        if signature is None:
            if self.is_required:
                raise PackError(
                    "is not signed, and only signed packs are taken here; make it with livery pack build --sign, "
                    "and hand in the .sig, too",
                    pack=pack,
                )
            return ""
        if not self._files and not self.is_required:
            return ""
        for name, key in self._trusted().items():
            try:
                key.verify(signature, content)
            except InvalidSignature:
                continue
            return name
        known = ", ".join(self._trusted()) or "none"
        raise PackError(f"is not signed by a key that is trusted here (packs.trusted_keys: {known})", pack=pack)

    def _trusted(self) -> "Mapping[str, Ed25519PublicKey]":
        if self._keys is None:
            self._keys = {file.stem: _read(file, at) for at, file in enumerate(self._files)}
        return self._keys


def _read(file: Path, at: int) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        with file.open("rb") as stream:
            key = load_pem_public_key(stream.read(_MAX_KEY))
    except (OSError, ValueError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        problem = Problem(f"packs.trusted_keys.{at}", "the .pub file that livery pack keygen wrote", str(file))
        raise ConfigError("the configuration is wrong:", [problem])
    return key
