"""The statutory working calendar: public holidays off, named weekend days on (调休上班), weekdays otherwise.

The base is `chinesecalendar`; `overlays.json` adds what was announced later and provincial holidays (domain handbook, section 15).
A year that nobody has announced yet is counted by the weekday rule and said to be provisional.
"""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_right
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple, Protocol

import chinese_calendar

from contract.codes import TimeUnit
from contract.identifiers import ancestry
from contract.model import Model
from contract.zone import SHANGHAI

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

    def find(self, day: date, region: str) -> Day | None:
        """The latest announcement about this day for the region or any region above it."""
        reach = ancestry(region)
        found = [entry for entry in self.days if entry.date == day and entry.region in reach]
        return max(found, key=lambda entry: entry.announced, default=None)


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


def due(start: datetime, limit: Length, region: str, extra: Overlays | None = None) -> Due:
    """When a length of time that starts at this instant runs out, as an exclusive instant in Asia/Shanghai.

    HOUR is natural hours from the start; every other unit ends with its last day (next day 00:00 +08:00). A MONTH or YEAR ends with the day
    of the same number, or the month's last day.
    """
    local = start.astimezone(SHANGHAI)
    if limit.unit is TimeUnit.HOUR:
        return Due(local + timedelta(hours=limit.value), provisional=False)
    last, provisional = last_day(local.date(), limit, region, extra)
    return Due(datetime.combine(last + timedelta(days=1), time.min, SHANGHAI), provisional)


def last_day(start: date, limit: Length, region: str, extra: Overlays | None = None) -> DueDate:
    """The last day of a length of days, working days, months or years."""
    if limit.unit is TimeUnit.WORKDAY:
        return add_working_days(start, limit.value, region, extra)
    if limit.unit is TimeUnit.DAY:
        return DueDate(start + timedelta(days=limit.value), provisional=False)
    months = start.month - 1 + limit.value * (12 if limit.unit is TimeUnit.YEAR else 1)
    year, month = min(start.year + months // 12, _LAST_YEAR), months % 12 + 1
    return DueDate(date(year, month, min(start.day, monthrange(year, month)[1])), provisional=False)
