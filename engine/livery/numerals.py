"""Numerals: the decimal numbering systems of CLDR, their digits, and which one a tag asks for.

The digits stand here as a plain table taken from CLDR, so that writing a number loads nothing.
"""

from collections.abc import Mapping
from functools import lru_cache

LATIN, NATIVE = "latn", "native"
_KEY_LENGTH = 2
_ASCII = "0123456789"


def asked(tag: str) -> str:
    """The numbering system a tag asks for by `-u-nu-…` (BCP 47, UTS 35 §3.6.1); empty if it asks for none.

    `native` is the language's own; what is no decimal system of CLDR is passed over.
    """
    parts = tag.lower().replace("_", "-").split("-")
    start = parts.index("u") + 1 if "u" in parts[1:] else len(parts)
    if "x" in parts[:start]:
        return ""
    end = next((at for at in range(start, len(parts)) if len(parts[at]) == 1), len(parts))
    keywords = parts[start:end]
    found = keywords[keywords.index("nu") + 1 :][:1] if "nu" in keywords else []
    return found[0] if found and (found[0] in _DIGITS or found[0] in (LATIN, NATIVE)) else ""


def digits(system: str) -> str:
    """The digits of a numbering system, from zero to nine; empty for Latin ones, and where there are no ten."""
    return _DIGITS.get(system, "")


def written(text: str, with_digits: str) -> str:
    """A text with its ASCII digits written as others; as it is if there are none."""
    return text.translate(_table(with_digits)) if with_digits else text


@lru_cache(maxsize=128)
def _table(with_digits: str) -> Mapping[int, int]:
    return str.maketrans(_ASCII, with_digits)


def _from(zeros: str) -> Mapping[str, str]:
    pairs = (pair.split(":") for pair in zeros.split())
    return {name: "".join(chr(int(zero, 16) + more) for more in range(10)) for name, zero in pairs}


_DIGITS = {
    "hanidec": "〇一二三四五六七八九",
    **_from("""
    adlm:1e950 ahom:11730 arab:660 arabext:6f0 bali:1b50 beng:9e6 bhks:11c50 brah:11066 cakm:11136 cham:aa50 deva:966
    diak:11950 fullwide:ff10 gong:11da0 gonm:11d50 gujr:ae6 guru:a66 hmng:16b50 hmnp:1e140
    java:a9d0 kali:a900 khmr:17e0 knda:ce6 lana:1a80 lanatham:1a90 laoo:ed0 lepc:1c40 limb:1946
    mlym:d66 modi:11650 mong:1810 mroo:16a60 mtei:abf0 mymr:1040 mymrshan:1090
    mymrtlng:a9f0 newa:11450 nkoo:7c0 olck:1c50 orya:b66 osma:104a0 rohg:10d30 saur:a8d0
    shrd:111d0 sind:112f0 sinh:de6 sora:110f0 sund:1bb0 takr:116c0 talu:19d0 tamldec:be6 telu:c66 thai:e50
    tibt:f20 tirh:114d0 tnsa:16ac0 vaii:a620 wara:118e0 wcho:1e2f0
    """),
}
