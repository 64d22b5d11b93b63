"""What there is to see in a pack: every notification in every language, on every channel, of every sample."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from livery.channel import ChannelType
from livery.models.message import Format
from livery.studio.samples import Sample

Scheme = Literal["light", "dark"]
Device = Literal["phone", "desktop"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTHS: dict[Device, int] = {"desktop": 640, "phone": 375}
"""CSS pixels: the columns e-mails are designed for, and the phone most people hold."""

_TITLES = {
    Format.EMAIL: "E-mail",
    Format.BLOCK_KIT: "Slack",
    Format.ADAPTIVE_CARD: "Teams",
    Format.TEXT: "Plain text",
    Format.JSON: "JSON",
}
_DRAWN = (Format.EMAIL, Format.BLOCK_KIT, Format.ADAPTIVE_CARD)


@dataclass(frozen=True, slots=True)
class Case:
    """One message: what is told, in which language, by which channel, of which event.

    Attributes:
        slug: names its page and its pictures: a-z, 0-9, dots and dashes; each case has its own.

    """

    notification: str
    locale: str
    channel: ChannelType
    sample: Sample
    slug: str

    @property
    def channel_title(self) -> str:
        """The channel as people call it; its name too where that is not the same word."""
        title = _TITLES[self.channel.format]
        return title if self.channel.name in (title.lower(), "smtp") else f"{title} · {self.channel.name}"

    @property
    def language(self) -> str:
        return language(self.locale)

    def pictures(self) -> list["Picture"]:
        """What is drawn of it, in both schemes; on both devices, if it is laid out and not only text."""
        devices = tuple(WIDTHS) if self.channel.format in _DRAWN else (None,)
        return [Picture(self, scheme, device) for scheme in SCHEMES for device in devices]


@dataclass(frozen=True, slots=True)
class Picture:
    """A case as one reader sees it. No device: the same on each."""

    case: Case
    scheme: Scheme
    device: Device | None

    @property
    def frame(self) -> str:
        """The document it shows, by its path in the site."""
        return f"frames/{self.case.slug}.{self.scheme}.html"

    @property
    def width(self) -> int:
        return WIDTHS[self.device or "desktop"]

    @property
    def title(self) -> str:
        """For people who do not see it."""
        how = [part for part in (self.scheme, self.device) if part]
        case = self.case
        return ", ".join([f"{case.channel_title} in {case.locale} of {case.sample.title}", *how])


def enumerated(
    samples: Iterable[tuple[str, Sequence[Sample]]], locales: Sequence[str], channels: Sequence[ChannelType]
) -> list[Case]:
    """Every case, in the order people go through them: notification, language, sample, channel."""
    return list(_enumerated(samples, locales, channels))


def _enumerated(
    samples: Iterable[tuple[str, Sequence[Sample]]], locales: Sequence[str], channels: Sequence[ChannelType]
) -> Iterator[Case]:
    taken: set[str] = set()
    for notification, found in samples:
        for locale in locales:
            for sample in found:
                for channel in channels:
                    slug = _slug((notification, locale, channel.name, sample.name), taken)
                    yield Case(notification, locale, channel, sample, slug)


def _slug(parts: Iterable[str], taken: set[str]) -> str:
    """A file name for these parts that is in nobody's way, also where case does not count."""
    plain = ".".join(re.sub(r"[^a-z0-9_-]+", "-", part.lower()).strip("-") or "x" for part in parts)[:150]
    slug, number = plain, 2
    while slug in taken:
        slug, number = f"{plain}-{number}", number + 1
    taken.add(slug)
    return slug


@lru_cache(maxsize=256)
def language(tag: str) -> str:
    """A language as its own speakers write it; the tag if nobody knows."""
    from babel import Locale, UnknownLocaleError

    try:
        name = Locale.parse(tag, sep="-").get_display_name()
    except (UnknownLocaleError, ValueError):
        return tag
    return f"{name[:1].upper()}{name[1:]}" if name else tag
