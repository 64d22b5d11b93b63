"""Quiet periods: when what may wait goes out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.settings.quiet import QuietPeriod, release

NIGHT = QuietPeriod.model_validate({"from": "22:00", "until": "07:00", "time_zone": "Europe/Berlin"})
NOON = QuietPeriod.model_validate({"from": "12:00", "until": "13:30", "days": ["mon", "fri"]})
WINDOW = QuietPeriod(window=(datetime(2026, 11, 23, 6, tzinfo=UTC), datetime(2026, 11, 23, 9, tzinfo=UTC)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+00:00")


@pytest.mark.parametrize(
    ("came", "periods", "goes"),
    [
        ("11-20T20:59", [NIGHT], "11-20T20:59"),
        ("11-20T21:00", [NIGHT], "11-21T06:00"),
        ("11-21T05:59", [NIGHT], "11-21T06:00"),
        ("11-21T06:00", [NIGHT], "11-21T06:00"),
        ("07-20T20:00", [NIGHT], "07-21T05:00"),
        ("11-20T12:15", [NOON], "11-20T13:30"),
        ("11-21T12:15", [NOON], "11-21T12:15"),
        ("11-23T12:15", [NOON], "11-23T13:30"),
        ("11-23T07:00", [WINDOW], "11-23T09:00"),
        ("11-23T09:00", [WINDOW], "11-23T09:00"),
        ("11-22T23:00", [NIGHT, WINDOW], "11-23T09:00"),
        # the night the clock is set back in Berlin, and the one it is set forward
        ("10-24T21:00", [NIGHT], "10-25T06:00"),
        ("03-28T22:00", [NIGHT], "03-29T05:00"),
    ],
)
def test_what_comes_in_a_period_goes_out_at_its_end(came, periods, goes):
    free, names = release(at(came), [(str(number), one) for number, one in enumerate(periods)])
    assert (free, bool(names)) == (at(goes), came != goes)


def test_periods_without_a_gap_hold_nothing_for_ever():
    always = [
        QuietPeriod.model_validate({"from": one, "until": other})
        for one, other in (("00:00", "12:00"), ("12:00", "00:00"))
    ]
    free, names = release(at("11-20T12:00"), [("a", always[0]), ("b", always[1])])
    assert free == at("11-20T12:00") + timedelta(days=14)
    assert set(names) == {"a", "b"}


@given(came=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_nothing_goes_out_earlier_than_it_came_nor_in_a_period(came):
    free, _ = release(came, [("night", NIGHT), ("noon", NOON), ("window", WINDOW)])
    assert free >= came
    assert not any(one.until(free) for one in (NIGHT, NOON, WINDOW))
