"""Quiet periods: when event types that are not critical have to wait, and until when."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from livery.models.base import Model

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST = timedelta(days=14)
"""No delivery waits longer, whatever the periods add up to."""


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError("a time zone, such as Europe/Berlin or UTC") from None
    return name


def _a_time(text: str) -> str:
    try:
        at = time.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo or len(text) != len("22:00"):
        raise ValueError("a time of day, such as 22:00")
    return text


TimeOfDay = Annotated[str, AfterValidator(_a_time)]


class QuietPeriod(Model):
    """Hours of every day or of some, or one window from a moment to another."""

    model_config = ConfigDict(populate_by_name=True)

    time_zone: Annotated[str, AfterValidator(_a_zone)] = Field(
        default="UTC", description="Of the hours: an IANA name, such as `Europe/Berlin`."
    )
    days: tuple[Day, ...] = Field(default=(), description="On which days the hours begin; every day if absent.")
    start: TimeOfDay | None = Field(default=None, alias="from", description="When the hours begin: `22:00`.")
    end: TimeOfDay | None = Field(
        default=None, alias="until", description="When they end: `07:00`; the next day if not after `from`."
    )
    window: tuple[AwareDatetime, AwareDatetime] | None = Field(
        default=None, description="Instead of hours: a beginning and an end, such as of a maintenance."
    )

    @model_validator(mode="after")
    def _is_hours_or_a_window(self) -> Self:
        has_hours = self.start is not None and self.end is not None
        if self.window is None and not has_hours:
            raise ValueError("`from` and `until`, or a `window` of two moments")
        if self.window is not None and (self.start or self.end or self.days):
            raise ValueError("either hours or a `window`, not both")
        if self.window is not None and self.window[0] >= self.window[1]:
            raise ValueError("a `window` that ends after it begins")
        return self

    def until(self, at: datetime) -> datetime | None:
        """When the period ends that `at` is in; None if it is in none."""
        if self.window is not None:
            return self.window[1].astimezone(UTC) if self.window[0] <= at < self.window[1] else None
        today = at.astimezone(ZoneInfo(self.time_zone)).date()
        for day in (today - timedelta(days=1), today):
            begins, ends = self._hours(day)
            if (not self.days or _DAYS[day.weekday()] in self.days) and begins <= at < ends:
                return ends
        return None

    def _hours(self, day: date) -> tuple[datetime, datetime]:
        """The hours that begin on a day. A clock that is set forward or back moves them with it."""
        zone = ZoneInfo(self.time_zone)
        assert self.start is not None, "checked when it was made"
        assert self.end is not None, "checked when it was made"
        start, end = time.fromisoformat(self.start), time.fromisoformat(self.end)
        last = day if end > start else day + timedelta(days=1)
        return (
            datetime.combine(day, start, zone).astimezone(UTC),
            datetime.combine(last, end, zone).astimezone(UTC),
        )


def release(at: datetime, periods: Iterable[tuple[str, QuietPeriod]]) -> tuple[datetime, tuple[str, ...]]:
    """When something that comes at `at` may go out, and the names of the periods that hold it until then.

    One period may end in another; no wait is longer than 14 days, so that periods without a gap lose nothing.
    """
    named, free, why = list(periods), at, list[str]()
    while free - at < _LONGEST:
        held = [(until, name) for name, one in named if (until := one.until(free)) is not None]
        if not held:
            return free, tuple(dict.fromkeys(why))
        free, name = max(held)
        why.append(name)
    return at + _LONGEST, tuple(dict.fromkeys(why))
