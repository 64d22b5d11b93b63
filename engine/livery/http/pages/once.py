"""What a page says once: that something was done, on the page people are sent on to."""

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from typing import Literal, Self

_LENGTH, _COOKIE = 400, 3000


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence.

    Attributes:
        text: what happened.
        kind: whether it is good, or wants a look.
        undo: the id of the change of settings that can be undone from there.

    """

    text: str
    kind: Literal["good", "warn"] = "good"
    undo: str = ""

    def as_cookie(self) -> str:
        short = self.text if len(self.text) <= _LENGTH else f"{self.text[:_LENGTH]}…"
        raw = json.dumps({**asdict(self), "text": short}).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def from_cookie(cls, cookie: str) -> Self | None:
        """What an earlier answer left; None if there is nothing, or nothing that came from here."""
        if not cookie or len(cookie) > _COOKIE:
            return None
        try:
            raw = json.loads(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)))
            text, kind, undo = (str(raw[name]) for name in ("text", "kind", "undo"))
        except (ValueError, binascii.Error, KeyError, TypeError):
            return None
        return cls(text[: _LENGTH + 1], "warn" if kind == "warn" else "good", undo[:60])
