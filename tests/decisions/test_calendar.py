"""Working days are those of the State Council's notices, make-up days included; an unannounced year is said to be provisional."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, timedelta
from functools import cache

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codes import TimeUnit
from contract.zone import SHANGHAI
from policy import calendar
from policy.calendar import (
    Day,
    Overlays,
    add_working_days,
    add_working_hours,
    due,
    in_office_hours,
    is_working_day,
    last_day,
    working_days_between,
    working_time_between,
)
from policy.rules import OpeningHours, TimeLimit

ZHEJIANG = "330000000000"
NATION = "000000000000"
MADE_UP_FOR = ["2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11", "2026-01-04", "2026-02-14", "2026-02-28"]
MADE_UP_FOR += ["2026-05-09", "2026-09-20", "2026-10-10"]


# What the General Office of the State Council announced for each year (关于2019年部分节假日安排的通知, and so on), with the amendments
# to Labour Day 2019 and Spring Festival 2020, typed by hand: days off, and weekend days that are working days.
FIRST, LAST = date(2019, 1, 1), date(2026, 12, 31)
OFF = {
    2019: "2018-12-30..2019-01-01 2019-02-04..2019-02-10 2019-04-05..2019-04-07 2019-05-01..2019-05-04 2019-06-07..2019-06-09 "
    "2019-09-13..2019-09-15 2019-10-01..2019-10-07",
    2020: "2020-01-01 2020-01-24..2020-02-02 2020-04-04..2020-04-06 2020-05-01..2020-05-05 2020-06-25..2020-06-27 2020-10-01..2020-10-08",
    2021: "2021-01-01..2021-01-03 2021-02-11..2021-02-17 2021-04-03..2021-04-05 2021-05-01..2021-05-05 2021-06-12..2021-06-14 "
    "2021-09-19..2021-09-21 2021-10-01..2021-10-07",
    2022: "2022-01-01..2022-01-03 2022-01-31..2022-02-06 2022-04-03..2022-04-05 2022-04-30..2022-05-04 2022-06-03..2022-06-05 "
    "2022-09-10..2022-09-12 2022-10-01..2022-10-07",
    2023: "2022-12-31..2023-01-02 2023-01-21..2023-01-27 2023-04-05 2023-04-29..2023-05-03 2023-06-22..2023-06-24 2023-09-29..2023-10-06",
    2024: "2024-01-01 2024-02-10..2024-02-17 2024-04-04..2024-04-06 2024-05-01..2024-05-05 2024-06-10 2024-09-15..2024-09-17 "
    "2024-10-01..2024-10-07",
    2025: "2025-01-01 2025-01-28..2025-02-04 2025-04-04..2025-04-06 2025-05-01..2025-05-05 2025-05-31..2025-06-02 2025-10-01..2025-10-08",
    2026: "2026-01-01..2026-01-03 2026-02-15..2026-02-23 2026-04-04..2026-04-06 2026-05-01..2026-05-05 2026-06-19..2026-06-21 "
    "2026-09-25..2026-09-27 2026-10-01..2026-10-07",
}
ON = {
    2019: "2018-12-29 2019-02-02 2019-02-03 2019-04-28 2019-05-05 2019-09-29 2019-10-12",
    2020: "2020-01-19 2020-04-26 2020-05-09 2020-06-28 2020-09-27 2020-10-10",
    2021: "2021-02-07 2021-02-20 2021-04-25 2021-05-08 2021-09-18 2021-09-26 2021-10-09",
    2022: "2022-01-29 2022-01-30 2022-04-02 2022-04-24 2022-05-07 2022-10-08 2022-10-09",
    2023: "2023-01-28 2023-01-29 2023-04-23 2023-05-06 2023-06-25 2023-10-07 2023-10-08",
    2024: "2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12",
    2025: "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11",
    2026: "2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10",
}


def days_of(text: str) -> list[date]:
    spans = [[date.fromisoformat(day) for day in span.split("..")] for span in text.split()]
    return [span[0] + timedelta(days=n) for span in spans for n in range((span[-1] - span[0]).days + 1)]


OFF_DAYS = frozenset(day for text in OFF.values() for day in days_of(text))
ON_DAYS = frozenset(day for text in ON.values() for day in days_of(text))
STARTS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def by_the_notices(day: date) -> bool:
    return day in ON_DAYS or (day.weekday() < 5 and day not in OFF_DAYS)


def without_make_up_days(day: date) -> bool:
    return day.weekday() < 5 and day not in OFF_DAYS


def monday_to_friday(day: date) -> bool:
    return day.weekday() < 5


@cache
def counted_by(works) -> list[int]:
    """The working days of a rule, as ordinals, to be counted off one by one."""
    return [day for day in range(FIRST.toordinal() - 60, LAST.toordinal() + 60) if works(date.fromordinal(day))]


def counted(start: date, days: int, works=by_the_notices) -> date:
    working = counted_by(works)
    return date.fromordinal(working[bisect_right(working, start.toordinal()) + days - 1])


@cache
def the_notices() -> Overlays:
    """Every exception of the eight years as an overlay of its own."""
    announced = [
        Day(date=day, off=off, region=NATION, announced=date(year - 1, 11, 1), notice=f"关于{year}年部分节假日安排的通知")
        for named, off in ((OFF, True), (ON, False))
        for year, text in named.items()
        for day in days_of(text)
    ]
    return overlays(*announced, years=tuple(OFF))


@pytest.fixture
def silent_library(monkeypatch):
    """A library whose release knows none of these years."""

    def unknown(day):
        raise NotImplementedError(day)

    monkeypatch.setattr(chinese_calendar, "is_workday", unknown)


@pytest.fixture
def announced_later(monkeypatch):
    """Puts an overlay where the one shipped with the code was, as a new release of the code would."""

    def announce(known: Overlays) -> None:
        monkeypatch.setattr(calendar, "overlays", lambda: known)
        forget_the_calendar()

    yield announce
    monkeypatch.undo()
    forget_the_calendar()


def forget_the_calendar() -> None:
    calendar._year.cache_clear()
    calendar.version.cache_clear()


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


def test_every_day_of_eight_years_is_what_the_notices_say():
    assert [day for day in STARTS if is_working_day(day, ZHEJIANG) != (by_the_notices(day), True)] == []


def test_every_day_is_the_same_where_only_the_overlay_knows(silent_library):
    assert [day for day in STARTS if is_working_day(day, ZHEJIANG, the_notices()) != (by_the_notices(day), True)] == []


@pytest.mark.parametrize("source", ["library", "overlay"])
def test_one_to_thirty_working_days_end_rightly_from_every_day(source, request):
    known = None
    if source == "overlay":
        request.getfixturevalue("silent_library")
        known = the_notices()
    wrong = [(start, n) for start in STARTS for n in range(1, 31) if add_working_days(start, n, ZHEJIANG, known).date != counted(start, n)]
    assert wrong == []


def test_what_runs_into_an_unannounced_year_is_provisional_by_the_library_and_the_overlay_alike(silent_library):
    late = [day for day in STARTS if day >= date(2026, 11, 1)]
    for start in late:
        for n in range(1, 31):
            found = add_working_days(start, n, ZHEJIANG, the_notices())
            assert found.provisional == (found.date.year == 2027)


@pytest.mark.parametrize("known", ["library", "overlay"])
@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        ("2018-12-28", 1, "2018-12-29"),  # a Saturday that the notice for the next year made a working day
        ("2018-12-28", 2, "2019-01-02"),
        ("2019-12-31", 1, "2020-01-02"),
        ("2020-12-31", 1, "2021-01-04"),
        ("2022-12-30", 1, "2023-01-03"),  # the Saturday between is off by the notice for the next year
        ("2023-12-29", 1, "2024-01-02"),
        ("2025-12-31", 1, "2026-01-04"),  # a Sunday
        ("2025-12-26", 4, "2026-01-04"),
        ("2025-12-31", 30, "2026-02-12"),
    ],
)
def test_a_limit_ends_rightly_over_the_edge_of_a_year(start, days, last, known, request):
    extra = None
    if known == "overlay":
        request.getfixturevalue("silent_library")
        extra = the_notices()
    assert add_working_days(date.fromisoformat(start), days, ZHEJIANG, extra) == (date.fromisoformat(last), False)


@pytest.mark.parametrize(("wrongly", "number", "share"), [(without_make_up_days, 789, 31.2), (monday_to_friday, 1101, 43.6)])
def test_a_calendar_that_ignores_make_up_days_is_caught(wrongly, number, share, monkeypatch):
    # As far as the handbook counted them (section 15): start days of 2020 to 2026 that have thirty days of 2026 before them.
    starts = [day for day in STARTS if date(2020, 1, 1) <= day <= date(2026, 12, 1)]
    monkeypatch.setattr(chinese_calendar, "is_workday", wrongly)
    mutant = Overlays(about=wrongly.__name__, published_years=(), days=())  # remembered apart from the true calendar
    wrong = [day for day in starts if add_working_days(day, 15, ZHEJIANG, mutant).date != counted(day, 15)]
    assert (len(wrong), round(100 * len(wrong) / len(starts), 1)) == (number, share)


def test_a_year_that_is_announced_later_is_counted_anew_and_no_longer_provisional(announced_later):
    before, version = add_working_days(date(2026, 12, 30), 15, ZHEJIANG), calendar.version()
    holiday = [announced(f"2027-01-{day:02}", off=True) for day in (1, 4)]
    announced_later(overlays(*holiday, announced("2027-01-09", off=False), years=(2027,)))
    after = add_working_days(date(2026, 12, 30), 15, ZHEJIANG)
    assert (before.date, before.provisional) == (date(2027, 1, 20), True)
    assert (after.date, after.provisional) == (date(2027, 1, 21), False)
    assert calendar.version() != version


starts = st.dates(date(2018, 6, 1), date(2027, 12, 31))


@pytest.mark.property
@given(starts, st.integers(0, 60), st.integers(0, 60))
def test_days_add_up(start, first, then):
    between = add_working_days(start, first, ZHEJIANG).date
    # A start on a rest day is no working day passed: from there on the two count alike.
    assert add_working_days(between, then, ZHEJIANG).date == add_working_days(start, first + then, ZHEJIANG).date


@pytest.mark.property
@given(starts, starts, st.integers(1, 60))
def test_whoever_starts_later_ends_no_earlier_and_more_days_end_later(one, other, days):
    first, second = sorted([one, other])
    assert add_working_days(first, days, ZHEJIANG).date <= add_working_days(second, days, ZHEJIANG).date
    assert add_working_days(one, days, ZHEJIANG).date < add_working_days(one, days + 1, ZHEJIANG).date


@pytest.mark.property
@given(starts, st.integers(1, 60))
def test_a_limit_never_ends_on_a_rest_day_and_has_its_days_between(start, days):
    last = add_working_days(start, days, ZHEJIANG).date
    assert is_working_day(last, ZHEJIANG)[0]
    assert working_days_between(start, last, ZHEJIANG) == days


# ---------------------------------------------------------------- working hours


offices = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda hours: hours[0] < hours[1])
minutes = st.datetimes(datetime(2018, 12, 1), datetime(2026, 11, 1)).map(  # noqa: DTZ001 - a moment is drawn
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=SHANGHAI)
)
MINUTE = timedelta(minutes=1)


def is_open(minute: datetime, hours: OpeningHours) -> bool:
    return by_the_notices(minute.date()) and hours.opens <= minute.hour < hours.closes


def minute_by_minute(start: datetime, value: int, hours: OpeningHours) -> datetime:
    while not is_open(start, hours):
        start += MINUTE
    left = 60 * value
    while left:
        left -= is_open(start, hours)
        start += MINUTE
    return start


@pytest.mark.property
@given(minutes, st.integers(0, 30), offices)
def test_working_hours_are_those_that_a_clock_in_the_office_would_count(start, value, office):
    hours = OpeningHours(opens=office[0], closes=office[1])
    assert add_working_hours(start, value, hours, ZHEJIANG) == (minute_by_minute(start, value, hours), False)


@pytest.mark.property
@given(minutes, st.integers(0, 20 * 24 * 60), offices)
def test_the_time_in_which_offices_were_open_is_that_of_the_same_clock(start, length, office):
    hours = OpeningHours(opens=office[0], closes=office[1])
    passed = sum(is_open(start + n * MINUTE, hours) for n in range(length))
    assert working_time_between(start, start + length * MINUTE, hours, ZHEJIANG) == passed * MINUTE


@pytest.mark.property
@given(minutes, st.integers(0, 20), st.integers(0, 20), offices)
def test_working_hours_add_up(start, first, then, office):
    hours = OpeningHours(opens=office[0], closes=office[1])
    between = add_working_hours(start, first, hours, ZHEJIANG).at
    together = add_working_hours(start, first + then, hours, ZHEJIANG).at
    # The moment of closing and the next opening are the same moment of the office's clock.
    assert in_office_hours(add_working_hours(between, then, hours, ZHEJIANG).at, hours, ZHEJIANG) == in_office_hours(
        together, hours, ZHEJIANG
    )


@pytest.mark.parametrize(
    ("start", "value", "end"),
    [
        ("2026-11-24 10:20", 4, "2026-11-24 14:20"),
        ("2026-11-24 16:00", 2, "2026-11-24 18:00"),  # until closing, not until the next opening
        ("2026-11-24 17:00", 2, "2026-11-25 09:00"),
        ("2026-11-24 18:00", 1, "2026-11-25 09:00"),  # as they close
        ("2026-11-20 20:00", 1, "2026-11-23 09:00"),  # a Friday night
        ("2026-09-30 17:30", 1, "2026-10-08 08:30"),  # over the National Day holiday
        ("2026-10-09 17:30", 1, "2026-10-10 08:30"),  # into a made-up Saturday
        ("2026-11-22 12:00", 0, "2026-11-23 08:00"),
    ],
)
def test_a_working_hour_passes_only_while_offices_are_open(start, value, end):
    start, end = (datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) for text in (start, end))
    assert add_working_hours(start, value, OpeningHours(opens=8, closes=18), ZHEJIANG) == (end, False)


@pytest.mark.parametrize(
    ("start", "value", "provisional"),
    [
        ("2026-12-31 10:00", 8, False),  # ends as offices close on the last announced day
        ("2026-12-31 10:00", 9, True),
        ("2026-12-31 20:00", 0, True),  # opens on a day of which nothing is announced
        ("2027-03-02 10:00", 2, True),  # counted on such a day, though it is the day of the start
    ],
)
def test_working_hours_on_an_unannounced_day_are_provisional(start, value, provisional):
    start = datetime.fromisoformat(start).replace(tzinfo=SHANGHAI)
    assert add_working_hours(start, value, OpeningHours(opens=8, closes=18), ZHEJIANG).provisional is provisional


def test_working_hours_over_a_rest_day_that_is_only_assumed_are_provisional():
    monday = overlays(announced("2027-01-04", off=False))
    start = datetime(2027, 1, 2, 12, tzinfo=SHANGHAI)  # a Saturday that may become a working day
    office = OpeningHours(opens=8, closes=18)
    assert add_working_hours(start, 1, office, ZHEJIANG, monday) == (datetime(2027, 1, 4, 9, tzinfo=SHANGHAI), True)


def test_working_hours_that_end_with_the_last_announced_day_are_certain():
    start, office = datetime(2026, 12, 31, 16, tzinfo=SHANGHAI), OpeningHours(opens=0, closes=24)
    assert add_working_hours(start, 8, office, ZHEJIANG) == (datetime(2027, 1, 1, tzinfo=SHANGHAI), False)


def test_hours_have_no_last_day():
    for unit in (TimeUnit.HOUR, TimeUnit.WORKHOUR):
        with pytest.raises(ValueError, match="hours"):
            last_day(date(2026, 11, 24), TimeLimit(value=1, unit=unit), ZHEJIANG)


def test_negative_working_hours_are_an_error():
    with pytest.raises(ValueError, match="negative"):
        add_working_hours(datetime(2026, 11, 24, tzinfo=SHANGHAI), -1, OpeningHours(opens=8, closes=18), ZHEJIANG)


# ---------------------------------------------------------------- instants


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
