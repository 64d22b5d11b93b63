"""How a case looks: the message as its channel would send it, with all that is worth saying about it."""

from dataclasses import dataclass
from typing import Literal

from livery.engine import Engine
from livery.errors import LiveryError
from livery.locales import direction
from livery.models.message import Format, Message
from livery.packs.findings import Finding
from livery.studio import mail
from livery.studio.cases import Case
from livery.writing import Preview

GMAIL_CLIPS = 102 * 1024
"""Bytes of HTML from which Gmail hides the rest behind "View entire message"."""
_NEAR = 0.9
_FITTED = "the channel has no room"
"""What `livery.render.budget` says of a text it shortened or left out on purpose: no fault of the pack's."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large something is, and how large it may be (0: nobody says)."""

    what: str
    used: int
    limit: int
    unit: Literal["bytes", "characters"]

    @property
    def share(self) -> float:
        """The part of what it may have that is used; over 1 is too much."""
        return self.used / self.limit if self.limit else 0.0

    def __str__(self) -> str:
        if self.unit == "characters":
            return f"{self.used:,} of {self.limit:,} characters" if self.limit else f"{self.used:,} characters"
        return f"{_kib(self.used)} of {_kib(self.limit)}" if self.limit else _kib(self.used)


@dataclass(frozen=True, slots=True)
class Look:
    """A case that was rendered.

    Attributes:
        degraded: what fell back to a parent or to the built-in text: somebody's fault.
        fitted: what was shortened or left out because the channel has no room: as the pack ordered it.
        parts: pictures inside an e-mail, as data URIs by Content-ID.

    """

    case: Case
    message: Message
    sender: str
    address: str
    preheader: str
    size: Size
    degraded: tuple[str, ...]
    fitted: tuple[str, ...]
    findings: tuple[Finding, ...]
    packs: tuple[str, ...]
    locale_why: str
    parts: dict[str, str]

    @property
    def direction(self) -> str:
        return direction(self.message.locale)

    @property
    def is_fine(self) -> bool:
        return not self.degraded and not any(one.severity == "error" for one in self.findings)


def look(engine: Engine, case: Case) -> Look:
    """Render a case. Never fails: what goes wrong is a finding."""
    try:
        made = engine.preview(case.sample.raw, channel=case.channel.name, locale=case.locale)
    except LiveryError as error:
        return _failed(case, str(error))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the other cases are still to be seen
        return _failed(case, f"{type(error).__name__}: {error}")
    message = made.message
    sender, address = _sender(made)
    seen = mail.seen(message.html) if message.html else mail.Seen()
    size = _size(made, case)
    fitted = tuple(note for note in message.degraded if _FITTED in note)
    return Look(
        case=case,
        message=message,
        sender=sender,
        address=address,
        preheader=seen.preheader,
        size=size,
        degraded=tuple(note for note in message.degraded if note not in fitted),
        fitted=fitted,
        findings=tuple(_findings(message, size, seen)),
        packs=made.wording.packs,
        locale_why=made.wording.locale_why,
        parts=mail.parts_of(message.inline),
    )


def pending(case: Case) -> Look:
    """A case that is still to be rendered."""
    message = Message(format=case.channel.format, locale=case.locale, title="")
    return Look(case, message, "", "", "", Size("", 0, 0, "bytes"), (), (), (), (), "", {})


def _failed(case: Case, why: str) -> Look:
    message = Message(format=case.channel.format, locale=case.locale, title="It could not be rendered", text=why)
    wrong = Finding(severity="error", rule="render", message=why)
    return Look(case, message, "", "", "", Size("", 0, 0, "bytes"), (), (), (wrong,), (), "", {})


def _sender(made: Preview) -> tuple[str, str]:
    """Name and address as an inbox shows them."""
    if made.message.format is not Format.EMAIL:
        return "", ""
    from email import message_from_bytes, policy

    try:
        (sender,) = message_from_bytes(made.wire, policy=policy.default)["From"].addresses
    except (TypeError, ValueError, LookupError, AttributeError):
        return "", ""
    return sender.display_name, sender.addr_spec


def _size(made: Preview, case: Case) -> Size:
    message, limit = made.message, case.channel.limits.total
    match message.format:
        case Format.EMAIL:
            return Size("HTML", len(message.html.encode()), GMAIL_CLIPS, "bytes")
        case Format.ADAPTIVE_CARD | Format.JSON:
            return Size("", len(made.wire), limit, "bytes")
        case _:
            return Size("", len(made.wire.decode(errors="replace")), limit, "characters")


def _findings(message: Message, size: Size, seen: mail.Seen) -> list[Finding]:
    if message.format is not Format.EMAIL:
        return []
    found = []
    if size.share > _NEAR:
        over = size.share > 1
        found.append(
            Finding(
                severity="warning" if over else "note",
                rule="size",
                message=f"the HTML has {size}; Gmail hides what is beyond",
                fix="shorten texts, or leave blocks out",
            )
        )
    if not seen.preheader:
        found.append(Finding(severity="note", rule="preheader", message="an inbox shows nothing beside the subject"))
    if seen.hosts:
        hosts = ", ".join(seen.hosts)
        found.append(Finding(severity="note", rule="remote-image", message=f"pictures are fetched from {hosts}"))
    return found


def _kib(count: int) -> str:
    return f"{count / 1024:.1f}".removesuffix(".0") + " KB"
