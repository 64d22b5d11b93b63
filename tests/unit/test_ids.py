"""Ids sort by age, and say of what they are."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from livery.ids import new_id

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_an_id_is_its_prefix_ten_digits_of_time_and_sixteen_of_chance():
    milliseconds = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
    prefix, _, digits = new_id("dlv", datetime(2026, 11, 20, tzinfo=UTC)).partition("_")
    values = ["0123456789abcdefghjkmnpqrstvwxyz".index(digit) for digit in digits]
    assert (prefix, len(digits)) == ("dlv", 26)
    assert sum(value * 32 ** (9 - at) for at, value in enumerate(values[:10])) == milliseconds


@given(st.lists(st.integers(0, 10**9), min_size=2, unique=True))
def test_they_sort_by_the_millisecond_they_were_made_in(moments):
    made = [new_id("evt", START + timedelta(milliseconds=one)) for one in sorted(moments)]
    assert sorted(made) == made


def test_no_two_are_alike():
    assert len({new_id("evt", START) for _ in range(10_000)}) == 10_000
