"""Sender domains: the DNS record by which a tenant shows that a domain is its own, and whether it is there.

Owns the record's form and the look-up; who keeps what was found, and how long it counts, is the store's.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from livery.errors import LiveryError

LABEL = "_livery"
PREFIX = "livery-domain="
_LOOKUP_SECONDS = 5.0
_MAX_NAME = 253
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class WrongDomain(LiveryError):
    """Something is no domain that mail could come from."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a look-up of TXT records came to: their texts, or why there are none.

    `absent`: the name exists without such a record, or does not exist. `unknown`: nobody could be asked; that says
    nothing about the domain.
    """

    texts: tuple[str, ...] = ()
    status: Literal["found", "absent", "unknown"] = "found"
    detail: str = ""


Resolver = Callable[[str], Lookup]
"""Asks DNS for the TXT records of a name. The port that tests answer by themselves."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the record is there; `unknown` changes nothing of what was known before."""

    status: Literal["verified", "missing", "unknown"]
    detail: str


def domain_of(text: str) -> str:
    """A domain in the form it is kept and compared in: lower case, ASCII (RFC 5890), without a final dot.

    Raises:
        WrongDomain: it is none, is an address, or has one label only.

    """
    wrong = WrongDomain(f"{text[:80]!r} is not a domain that mail comes from; write one such as seller.example")
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        import idna

        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise wrong from None
    labels = name.split(".")
    is_number = labels[-1].isdigit()
    if len(labels) < 2 or len(name) > _MAX_NAME or is_number or not all(map(_LABEL.fullmatch, labels)):  # noqa: PLR2004
        raise wrong
    return name


def ascii_form(text: str) -> str:
    """The same as `domain_of`, and of what is no domain the text as it is, in lower case: to compare by."""
    try:
        return domain_of(text)
    except WrongDomain:
        return text.lower()


def new_token() -> str:
    """The text that one tenant publishes for one domain; not a secret, since DNS tells everybody."""
    return secrets.token_hex(16)


def record(domain: str, token: str) -> tuple[str, str]:
    """The record to publish: its name, and its text."""
    return f"{LABEL}.{domain}", f"{PREFIX}{token}"


def check(domain: str, token: str, resolve: Resolver) -> Verdict:
    """Look for a tenant's record of a domain. Other records beside it are other tenants' or other services'."""
    name, text = record(domain, token)
    found = resolve(name)
    if found.status == "unknown":
        return Verdict("unknown", f"DNS could not be asked for {name}: {found.detail}")
    if any(secrets.compare_digest(one.strip().encode(), text.encode()) for one in found.texts):
        return Verdict("verified", f"{name} has the record")
    beside = [one for one in found.texts if one.strip().startswith(PREFIX)]
    why = "has another tenant's or an older record" if beside else "has no such record"
    return Verdict("missing", f"{name} {why}; publish TXT {text!r}")


def resolver(nameservers: Sequence[str] = (), *, port: int = 53, seconds: float = _LOOKUP_SECONDS) -> Resolver:
    """Asks the system's name servers, or those given.

    Args:
        nameservers: IP addresses; empty for the system's.
        port: theirs.
        seconds: how long a look-up may take in all.

    """

    def ask(name: str) -> Lookup:
        import dns.exception
        import dns.resolver

        try:
            asked = dns.resolver.Resolver(configure=not nameservers)
            if nameservers:
                asked.nameservers, asked.port = list(nameservers), port
            asked.lifetime = seconds
            answer = asked.resolve(f"{name}.", "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Lookup(status="absent")
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return Lookup(status="unknown", detail=type(error).__name__)
        return Lookup(tuple(b"".join(one.strings).decode("ascii", "replace") for one in answer))

    return ask
