"""Addresses: whether a text is exactly one addr-spec. The one place that says so."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Invalid:
    """Why something is no address."""

    why: str


@lru_cache(maxsize=4096)
def address(text: str) -> str | Invalid:
    """One addr-spec with its domain in ASCII, or why it is none. Lists, groups and header tricks are none."""
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text.strip(), check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError as error:
        return Invalid(f"not a valid address: {error}")
    return valid.ascii_email or f"{valid.local_part}@{valid.ascii_domain}"


def normal(text: str) -> str | None:
    """One address in the form in which it is compared: no server in use tells mailboxes apart by case."""
    checked = address(text)
    return None if isinstance(checked, Invalid) else checked.casefold()
