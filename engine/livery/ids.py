"""Identifiers of ours: a prefix that says of what, then time and chance, so that they sort by age."""

import secrets
from datetime import datetime
from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_TIME_CHARS, _CHANCE_BITS, _CHANCE_CHARS = 10, 80, 16


def new_id(prefix: str, now: datetime) -> str:
    """Such as `dlv_01k9zq0a3bm2v5n8s4x7c1d6ef`: 48 bits of milliseconds, 80 bits of chance."""
    time, chance = int(now.timestamp() * 1000), secrets.randbits(_CHANCE_BITS)
    return f"{prefix}_{_of_time(time)}{_base32(chance, _CHANCE_CHARS)}"


@lru_cache(maxsize=16)
def _of_time(milliseconds: int) -> str:
    return _base32(milliseconds, _TIME_CHARS)


def first_id(prefix: str, at: datetime) -> str:
    """What every id made from then on sorts after, and none made before."""
    return f"{prefix}_{_base32(int(at.timestamp() * 1000), _TIME_CHARS)}"


def _base32(number: int, length: int) -> str:
    """So many digits, an even number of them: two at a time."""
    pairs = []
    for _ in range(length // 2):
        pairs.append(_PAIRS[number & 1023])
        number >>= 10
    return "".join(reversed(pairs))
