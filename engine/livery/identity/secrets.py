"""What tokens and links are made of, and what is kept of them.

A secret is 160 bits from the system's randomness, so one round of SHA-256 is enough to keep it by: there is nothing
to guess. Its last six characters are a checksum, by which a scanner tells a real one from a look-alike, and by which
what was mistyped is refused without a look into the store.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from zlib import crc32

from livery.models.identity import Principal, Role

PREFIX = "livery_"
LINK_PREFIX = "liverylink_"
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no letter is taken for another
_CHARS, _CHECK = 32, 6
_SHOWN = 6


def minted(prefix: str) -> str:
    """A new secret."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_CHARS))
    return f"{prefix}{body}{_checksum(prefix + body)}"


def is_wellformed(secret: str, prefix: str) -> bool:
    """Whether it may have come from `minted`; says nothing about whether it counts."""
    body = secret[:-_CHECK]
    is_long = len(secret) == len(prefix) + _CHARS + _CHECK and secret.isascii()
    return is_long and secret.startswith(prefix) and secret[-_CHECK:] == _checksum(body)


def digest(secret: str) -> str:
    """What is stored of it."""
    return sha256(secret.encode()).hexdigest()


def beginning(secret: str, prefix: str) -> str:
    """As much of it as may be shown, for people to tell theirs apart."""
    return secret[: len(prefix) + _SHOWN]


def _checksum(text: str) -> str:
    value, chars = crc32(text.encode()), []
    for _ in range(_CHECK):
        value, rest = divmod(value, 32)
        chars.append(_ALPHABET[rest])
    return "".join(chars)


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as it is kept: no secret.

    Attributes:
        id: names it in lists, and for revoking it.
        name: what it is for; trails call whoever comes with it so.
        shown: how it begins, so that people can tell which one they hold.
        tenant: for which tenant it acts, and all below; None for every tenant.
        roles: what it may do there.
        by: who made it.
        created_at: when it was made.
        expires_at: when it ends; None for never.
        used_at: when somebody came with it last, to about a minute; None for never.
        revoked_at: when it was revoked; None if it was not.
        revoked_by: who did.

    """

    id: str
    name: str
    shown: str
    tenant: str | None
    roles: frozenset[Role]
    by: str
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""

    def counts(self, now: datetime) -> bool:
        """Whether it is neither revoked nor past its end."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def principal(self) -> Principal:
        return Principal(name=self.name, tenant=self.tenant, roles=self.roles, via="token", id=self.id)

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        times = {name: getattr(self, name) for name in ("created_at", "expires_at", "used_at", "revoked_at")}
        return {
            "id": self.id,
            "name": self.name,
            "shown": f"{self.shown}…",
            "tenant": self.tenant,
            "roles": sorted(self.roles),
            "by": self.by,
            **{name: at.isoformat() if at else None for name, at in times.items()},
            "revoked_by": self.revoked_by,
        }


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time sign-in link as it is kept: who may sign in by it, once, until when."""

    principal: Principal
    expires_at: datetime
