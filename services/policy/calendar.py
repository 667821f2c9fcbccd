"""The statutory working calendar: public holidays off, named weekend days on (调休上班), weekdays otherwise.

The base is `chinesecalendar`; `overlays.json` adds what was announced later and provincial holidays (domain handbook, section 15).
A year that nobody has announced yet is counted by the weekday rule and said to be provisional.
"""

from __future__ import annotations

import datetime as dt
import json
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import chinese_calendar

from contract.codes import TimeUnit
from contract.identifiers import ancestry
from contract.model import Model
from contract.zone import SHANGHAI

if TYPE_CHECKING:
    from policy.rules import TimeLimit


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


def add_working_days(start: date, days: int, region: str, extra: Overlays | None = None) -> DueDate:
    """The last day of a limit of so many working days.

    The day of the start is not counted; the next working day is day 1 (domain handbook, section 15, our definition). Zero days end
    on the day of the start. `region` is a 12-digit code. Raises ValueError for a negative number of days.
    """
    if days < 0:
        raise ValueError("a limit cannot be negative")
    day, left, provisional = start, days, False
    while left:
        day += timedelta(days=1)
        working, announced = is_working_day(day, region, extra)
        left -= working
        provisional |= not announced
    return DueDate(day, provisional)


def due(start: datetime, limit: TimeLimit, region: str, extra: Overlays | None = None) -> Due:
    """When a clock that starts at this instant runs out, as an exclusive instant in Asia/Shanghai.

    WORKDAY and DAY limits end with the last day (next day 00:00 +08:00); HOUR limits are natural hours from the start.
    """
    local = start.astimezone(SHANGHAI)
    if limit.unit is TimeUnit.HOUR:
        return Due(local + timedelta(hours=limit.value), provisional=False)
    if limit.unit is TimeUnit.DAY:
        last, provisional = DueDate(local.date() + timedelta(days=limit.value), provisional=False)
    else:
        last, provisional = add_working_days(local.date(), limit.value, region, extra)
    return Due(datetime.combine(last + timedelta(days=1), time.min, SHANGHAI), provisional)
