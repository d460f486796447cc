"""How far a term reaches: calendar months with an anchor day."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_time.terms import Interval, Term, TooFar, add_months, anchor_for, horizon

DAYS = st.dates(dt.date(1970, 1, 1), dt.date(2200, 12, 31))
MONTHS = st.integers(1, 120)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def in_steps(start: dt.date, interval: str, count: int) -> list[dt.date]:
    """Return the ends of `count` terms of one interval, each begun where the one before ended."""
    ends, anchor = [], None
    for _ in range(count):
        anchor = anchor_for(start, anchor)
        start = Term(interval, 1).end(start, anchor)
        ends.append(start)
    return ends


def test_31_january_twelve_times_keeps_its_day():
    assert [end.isoformat()[2:] for end in in_steps(day("2026-01-31"), Interval.MONTH, 12)] == [
        "26-02-28", "26-03-31", "26-04-30", "26-05-31", "26-06-30", "26-07-31", "26-08-31", "26-09-30", "26-10-31",
        "26-11-30", "26-12-31", "27-01-31",
    ]  # fmt: skip


def test_29_february_keeps_its_day_over_the_years():
    ends = [end.isoformat() for end in in_steps(day("2024-02-29"), Interval.YEAR, 4)]
    assert ends == ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


@pytest.mark.parametrize(
    ("start", "interval", "count", "end"),
    [
        ("2026-01-31", "day", 1, "2026-02-01"),
        ("2026-01-31", "week", 1, "2026-02-07"),
        ("2026-12-31", "month", 2, "2027-02-28"),
        ("2027-12-31", "month", 2, "2028-02-29"),
        ("2026-01-30", "month", 1, "2026-02-28"),
        ("2026-01-29", "month", 25, "2028-02-29"),
        ("2026-02-28", "month", 1, "2026-03-28"),
        ("2026-12-01", "month", 1, "2027-01-01"),
        ("2024-02-29", "year", 1, "2025-02-28"),
        ("2024-02-29", "year", 4, "2028-02-29"),
        ("2096-02-29", "year", 4, "2100-02-28"),
    ],
)
def test_a_term_ends_where_people_expect(start, interval, count, end):
    assert Term(interval, count).end(day(start), day(start).day) == day(end)


@given(DAYS, MONTHS)
def test_n_times_one_month_is_n_months(start, count):
    assert in_steps(start, Interval.MONTH, count)[-1] == Term(Interval.MONTH, count).end(start, start.day)


@given(DAYS, st.integers(1, 30))
def test_n_times_one_year_is_n_years(start, count):
    assert in_steps(start, Interval.YEAR, count)[-1] == Term(Interval.YEAR, count).end(start, start.day)


@given(DAYS, st.integers(1, 60), st.integers(1, 60))
def test_a_term_in_two_parts_is_the_whole_term(start, first, second):
    middle = Term(Interval.MONTH, first).end(start, start.day)
    end = Term(Interval.MONTH, second).end(middle, anchor_for(middle, start.day))
    assert end == Term(Interval.MONTH, first + second).end(start, start.day)


@given(DAYS, st.sampled_from(Interval.values), MONTHS)
def test_a_longer_term_never_ends_earlier(start, interval, count):
    shorter, longer = (Term(interval, number).end(start, start.day) for number in (count, count + 1))
    assert start < shorter < longer


@given(DAYS, MONTHS)
def test_a_month_is_28_to_31_days(start, count):
    ends = in_steps(start, Interval.MONTH, count)
    assert all(28 <= (later - earlier).days <= 31 for earlier, later in zip([start, *ends], ends, strict=False))


@given(DAYS, MONTHS)
def test_months_land_on_the_anchor_day_or_the_last(start, months):
    end = add_months(start, months, start.day)
    assert end.day == start.day or (end.day < start.day and (end + dt.timedelta(days=1)).day == 1)
    assert (end.year - start.year) * 12 + end.month - start.month == months


@pytest.mark.parametrize(
    ("start", "anchor", "kept"),
    [
        ("2026-02-28", 31, 31),
        ("2026-02-28", 28, 28),
        ("2026-03-31", 31, 31),
        ("2026-03-30", 31, 30),
        ("2026-03-05", None, 5),
    ],
)
def test_an_anchor_is_kept_where_the_day_follows_from_it(start, anchor, kept):
    assert anchor_for(day(start), anchor) == kept


@pytest.mark.parametrize("interval", Interval.values)
def test_beyond_the_calendar_there_is_a_word_for_it(interval):
    for count in (10_000_000, 10**18):
        with pytest.raises(TooFar):
            Term(interval, count).end(day("2026-01-31"), 31)


@pytest.mark.parametrize(("today", "last"), [("2026-11-23", "2036-11-23"), ("2024-02-29", "2034-02-28")])
def test_the_horizon_is_ten_years_away(today, last):
    assert horizon(day(today)) == day(last)
