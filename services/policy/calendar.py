"""The statutory working calendar: public holidays off, named weekend days on (调休上班), weekdays otherwise.

The base is `chinesecalendar`; `overlays.json` adds what was announced later and provincial holidays (domain handbook, section 15).
A year that nobody has announced yet is counted by the weekday rule and said to be provisional.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from bisect import bisect_left, bisect_right
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import NamedTuple, Protocol

import chinese_calendar

from contract.codes import TimeUnit
from contract.identifiers import ancestry
from contract.model import Model
from contract.zone import SHANGHAI, day_of, last_day_before

_LAST_YEAR = 9998


class Length(Protocol):
    """A length of time: a deadline of the policy, or a limit of a service."""

    @property
    def value(self) -> int: ...
    @property
    def unit(self) -> TimeUnit: ...
    def __hash__(self) -> int: ...


class Day(Model):
    """A dated exception to the base calendar, with the notice it comes from."""

    date: dt.date
    off: bool
    region: str
    announced: dt.date
    notice: str


class Overlays(Model):
    """Everything announced after the library's release."""

    about: str
    published_years: tuple[int, ...]
    days: tuple[Day, ...]

    @cached_property
    def _by_date(self) -> dict[date, list[Day]]:
        found: dict[date, list[Day]] = {}
        for entry in self.days:
            found.setdefault(entry.date, []).append(entry)
        return found

    @cached_property
    def _hash(self) -> int:
        return hash((self.published_years, self.days))

    def __hash__(self) -> int:
        """Worked out once: years are remembered by the overlays that they were read with, and each count of days asks for some."""
        return self._hash

    def find(self, day: date, region: str) -> Day | None:
        """The latest announcement about this day for the region or any region above it."""
        reach = ancestry(region)
        found = [entry for entry in self._by_date.get(day, ()) if entry.region in reach]
        return max(found, key=lambda entry: entry.announced, default=None)


class Hours(Protocol):
    """When offices are open on working days: from the beginning of hour `opens` to that of hour `closes` (Asia/Shanghai)."""

    @property
    def opens(self) -> int: ...
    @property
    def closes(self) -> int: ...


class DueDate(NamedTuple):
    """The last day of a limit, and whether it rests on a year that is not yet announced."""

    date: dt.date
    provisional: bool


class Due(NamedTuple):
    """The exclusive instant at which a limit ends, and whether it rests on a year that is not yet announced."""

    at: datetime
    provisional: bool


@cache
def overlays() -> Overlays:
    """The overlay file shipped with the code."""
    return Overlays.model_validate(json.loads(resources.files("policy").joinpath("overlays.json").read_text("utf-8")))


def is_working_day(day: date, region: str, extra: Overlays | None = None) -> tuple[bool, bool]:
    """Whether the day is a working day in the region (12 digits), and whether that is announced rather than assumed."""
    added = extra or overlays()
    entry = added.find(day, region)
    if entry is not None:
        return not entry.off, True
    try:
        return chinese_calendar.is_workday(day), True
    except NotImplementedError:
        return day.weekday() < 5, day.year in added.published_years


class _Year(NamedTuple):
    """A year in a region, as ordinals: its working days, and the days of which nothing is announced."""

    working: list[int]
    assumed: list[int]


@lru_cache(512)
def _year(year: int, region: str, extra: Overlays | None) -> _Year:
    first, beyond = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1
    days = {day: is_working_day(date.fromordinal(day), region, extra) for day in range(first, beyond)}
    return _Year(
        [day for day, (works, _) in days.items() if works],
        [day for day, (_, announced) in days.items() if not announced],
    )


def _works(day: date, region: str, extra: Overlays | None) -> bool:
    """What `is_working_day` says, from the year that is remembered: the library takes as long for a day as this for twenty."""
    working, number = _year(day.year, region, extra).working, day.toordinal()
    place = bisect_left(working, number)
    return place < len(working) and working[place] == number


def add_working_days(start: date, days: int, region: str, extra: Overlays | None = None) -> DueDate:
    """The last day of a limit of so many working days.

    The day of the start is not counted; the next working day is day 1 (domain handbook, section 15, our definition). Zero days end
    on the day of the start. `region` is a 12-digit code. Raises ValueError for a negative number of days.
    """
    if days < 0:
        raise ValueError("a limit cannot be negative")
    if days == 0:
        return DueDate(start, provisional=False)
    after, left, year, provisional = start.toordinal(), days, start.year, False
    while True:
        known = _year(year, region, extra)
        behind = bisect_right(known.working, after)
        is_last = len(known.working) - behind >= left
        last = known.working[behind + left - 1] if is_last else date(year, 12, 31).toordinal()
        provisional |= bisect_right(known.assumed, last) > bisect_right(known.assumed, after)
        if is_last:
            return DueDate(date.fromordinal(last), provisional)
        left -= len(known.working) - behind
        year += 1


@cache
def version() -> str:
    """By which base (its last year) and which overlays dates are counted: under another version an open deadline may lie elsewhere."""
    off, on = sorted(chinese_calendar.holidays), sorted(chinese_calendar.workdays)
    text = f"{off}{on}{overlays().model_dump_json()}"
    return f"{max(off[-1], on[-1]).year}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def is_assumed(first: date, last: date, region: str, extra: Overlays | None = None) -> bool:
    """Whether of one of the days, the first and the last included, nothing is announced: what rests on it is provisional."""
    years = (_year(year, region, extra).assumed for year in range(first.year, last.year + 1))
    return any(bisect_right(assumed, last.toordinal()) > bisect_left(assumed, first.toordinal()) for assumed in years)


def in_office_hours(moment: datetime, hours: Hours, region: str, extra: Overlays | None = None) -> datetime:
    """The moment itself if offices are open, else the next opening (Asia/Shanghai)."""
    local = moment.astimezone(SHANGHAI)
    if _works(local.date(), region, extra):
        opens, closes = _office_day(local.date(), hours)
        if local < closes:
            return max(local, opens)
    return _office_day(add_working_days(local.date(), 1, region, extra).date, hours)[0]


def add_working_hours(start: datetime, value: int, hours: Hours, region: str, extra: Overlays | None = None) -> Due:
    """When so many hours have passed in which offices are open, counted from the first moment that they are.

    It may be the moment of closing, never one at which offices are closed. Raises ValueError for a negative number of hours.
    """
    if value < 0:
        raise ValueError("a limit cannot be negative")
    opened = in_office_hours(start, hours, region, extra)
    at, provisional = add_working_time(opened, timedelta(hours=value), hours, region, extra)
    return Due(at, provisional or is_assumed(day_of(start), opened.date(), region, extra))


def add_working_time(start: datetime, left: timedelta, hours: Hours, region: str, extra: Overlays | None = None) -> Due:
    """When so much time has passed in which offices are open; the start itself if it is none."""
    at = start
    while left:
        at = in_office_hours(at, hours, region, extra)
        today = min(left, _office_day(at.date(), hours)[1] - at)
        at, left = at + today, left - today
    return Due(at, is_assumed(day_of(start), last_day_before(at), region, extra))


def working_time_between(after: datetime, until: datetime, hours: Hours, region: str, extra: Overlays | None = None) -> timedelta:
    """For how long offices were open between two moments."""
    days = map(date.fromordinal, range(day_of(after).toordinal(), day_of(until).toordinal() + 1))
    spans = (_office_day(day, hours) for day in days if _works(day, region, extra))
    return sum((max(min(until, closes) - max(after, opens), timedelta(0)) for opens, closes in spans), timedelta(0))


def working_days_between(after: date, until: date, region: str, extra: Overlays | None = None) -> int:
    """How many working days lie after the one day, up to and with the other."""
    days = map(date.fromordinal, range(after.toordinal() + 1, until.toordinal() + 1))
    return sum(_works(day, region, extra) for day in days)


def last_working_day(day: date, region: str, extra: Overlays | None = None) -> date:
    """The day itself if it is a working day, else the one before it."""
    while not _works(day, region, extra):
        day -= timedelta(days=1)
    return day


def _office_day(day: date, hours: Hours) -> tuple[datetime, datetime]:
    midnight = datetime.combine(day, time.min, SHANGHAI)
    return midnight + timedelta(hours=hours.opens), midnight + timedelta(hours=hours.closes)


def due(start: datetime, limit: Length, region: str, extra: Overlays | None = None) -> Due:
    """When a length of time that starts at this instant runs out, as an exclusive instant in Asia/Shanghai.

    HOUR is natural hours from the start; every other unit ends with its last day (next day 00:00 +08:00). A MONTH or YEAR ends with the day
    of the same number, or the month's last day. Raises ValueError for a WORKHOUR, which needs to know when offices are open.
    """
    local = start.astimezone(SHANGHAI)
    if limit.unit is TimeUnit.HOUR:
        return Due(local + timedelta(hours=limit.value), provisional=False)
    last, provisional = last_day(local.date(), limit, region, extra)
    return Due(datetime.combine(last + timedelta(days=1), time.min, SHANGHAI), provisional)


def last_day(start: date, limit: Length, region: str, extra: Overlays | None = None) -> DueDate:
    """The last day of a length of days, working days, months or years. Raises ValueError for hours."""
    if limit.unit in {TimeUnit.HOUR, TimeUnit.WORKHOUR}:
        raise ValueError("hours end at an instant, not with a day")
    if limit.unit is TimeUnit.WORKDAY:
        return add_working_days(start, limit.value, region, extra)
    if limit.unit is TimeUnit.DAY:
        return DueDate(start + timedelta(days=limit.value), provisional=False)
    months = start.month - 1 + limit.value * (12 if limit.unit is TimeUnit.YEAR else 1)
    year, month = min(start.year + months // 12, _LAST_YEAR), months % 12 + 1
    return DueDate(date(year, month, min(start.day, monthrange(year, month)[1])), provisional=False)
