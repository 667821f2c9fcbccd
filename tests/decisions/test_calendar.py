"""Working days are those of the State Council's notices, make-up days included; an unannounced year is said to be provisional."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codes import TimeUnit
from contract.zone import SHANGHAI
from policy.calendar import Day, Overlays, add_working_days, due, is_working_day
from policy.rules import TimeLimit

ZHEJIANG = "330000000000"
NATION = "000000000000"
MADE_UP_FOR = ["2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11", "2026-01-04", "2026-02-14", "2026-02-28"]
MADE_UP_FOR += ["2026-05-09", "2026-09-20", "2026-10-10"]


def overlays(*days: Day, years: tuple[int, ...] = ()) -> Overlays:
    return Overlays(about="test", published_years=years, days=days)


def announced(day: str, *, off: bool, region: str = NATION, on: str = "2026-11-10") -> Day:
    return Day(date=day, off=off, region=region, announced=on, notice="国办发明电〔2026〕")


@pytest.mark.parametrize("day", MADE_UP_FOR)
def test_a_make_up_weekend_is_a_working_day(day):
    assert date.fromisoformat(day).weekday() >= 5
    assert is_working_day(date.fromisoformat(day), ZHEJIANG) == (True, True)


@pytest.mark.parametrize("day", ["2026-01-01", "2026-02-17", "2026-10-01", "2025-05-01"])
def test_a_public_holiday_on_a_weekday_is_off(day):
    assert is_working_day(date.fromisoformat(day), ZHEJIANG) == (False, True)


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        ("2026-09-30", 1, "2026-10-08"),  # over the National Day holiday
        ("2026-09-30", 3, "2026-10-10"),  # the third is a made-up Saturday
        ("2026-11-20", 5, "2026-11-27"),  # from a Friday
        ("2026-11-21", 5, "2026-11-27"),  # from a Saturday: Monday is day 1
        ("2026-11-24", 0, "2026-11-24"),
    ],
)
def test_working_days_are_counted_from_the_day_after(start, days, last):
    assert add_working_days(date.fromisoformat(start), days, ZHEJIANG) == (date.fromisoformat(last), False)


def test_a_limit_that_runs_into_an_unannounced_year_is_provisional():
    assert add_working_days(date(2026, 12, 30), 15, ZHEJIANG).provisional
    assert not add_working_days(date(2026, 12, 7), 15, ZHEJIANG).provisional


def test_an_overlay_makes_a_year_known_and_changes_its_days():
    known = overlays(announced("2027-01-04", off=True), announced("2027-01-09", off=False), years=(2027,))
    assert add_working_days(date(2026, 12, 31), 2, ZHEJIANG, known) == (date(2027, 1, 5), False)
    assert is_working_day(date(2027, 1, 9), ZHEJIANG, known) == (True, True)


def test_a_provincial_holiday_is_off_in_its_province_only():
    guangxi = overlays(announced("2026-04-20", off=True, region="450000000000"))
    assert is_working_day(date(2026, 4, 20), "450100000000", guangxi) == (False, True)
    assert is_working_day(date(2026, 4, 20), ZHEJIANG, guangxi) == (True, True)


def test_the_latest_announcement_wins():
    amended = overlays(announced("2026-06-01", off=True, on="2026-01-01"), announced("2026-06-01", off=False, on="2026-05-20"))
    assert is_working_day(date(2026, 6, 1), ZHEJIANG, amended) == (True, True)


@given(st.dates(date(2019, 1, 1), date(2026, 11, 1)), st.integers(1, 20))
def test_a_limit_ends_on_a_working_day_and_has_exactly_its_days(start, days):
    last = add_working_days(start, days, ZHEJIANG).date
    between = [start + timedelta(days=n) for n in range(1, (last - start).days + 1)]
    assert sum(is_working_day(day, ZHEJIANG)[0] for day in between) == days
    assert is_working_day(last, ZHEJIANG)[0]


@pytest.mark.parametrize(
    ("value", "unit", "end"),
    [
        (1, TimeUnit.DAY, "2026-11-26T00:00:00+08:00"),
        (5, TimeUnit.WORKDAY, "2026-12-02T00:00:00+08:00"),
        (36, TimeUnit.HOUR, "2026-11-26T05:30:00+08:00"),
    ],
)
def test_a_deadline_is_an_exclusive_instant_in_shanghai(value, unit, end):
    start = datetime(2026, 11, 24, 17, 30, tzinfo=SHANGHAI)
    assert due(start, TimeLimit(value=value, unit=unit), ZHEJIANG) == (datetime.fromisoformat(end), False)


def test_a_clock_starts_on_the_shanghai_day_whatever_the_offset():
    utc = datetime.fromisoformat("2026-11-24T17:30:00+00:00")  # already the 25th in Shanghai
    assert due(utc, TimeLimit(value=1, unit=TimeUnit.DAY), ZHEJIANG).at.isoformat() == "2026-11-27T00:00:00+08:00"


def test_a_negative_limit_is_an_error():
    with pytest.raises(ValueError, match="negative"):
        add_working_days(date(2026, 11, 24), -1, ZHEJIANG)


@given(
    st.dates(date(2018, 1, 1), date(2029, 12, 31)), st.integers(0, 400), st.sampled_from(["000000000000", "330000000000", "330106000000"])
)
def test_counting_by_the_year_is_counting_day_by_day(start, days, region):
    day, left, provisional = start, days, False
    while left:
        day += timedelta(days=1)
        working, announced = is_working_day(day, region)
        left -= working
        provisional |= not announced
    assert add_working_days(start, days, region) == (day, provisional)
