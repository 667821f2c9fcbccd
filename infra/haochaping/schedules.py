"""When a schedule of EventBridge comes round: `rate(…)` and `cron(…)` as the template writes them, in UTC. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Set
    from datetime import date

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)", re.ASCII)
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_PART = re.compile(r"(\*|\d+)(?:-(\d+))?(?:/(\d+))?", re.ASCII)
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableSchedule(ValueError):
    """An expression of which we do not know when it comes round. Names it."""

    def __init__(self, expression: str) -> None:
        super().__init__(f"看不懂的定时表达式 a schedule that cannot be read: {expression}")


def is_steady(expression: str) -> bool:
    """Whether it comes round all the time, rather than at an hour of its own."""
    return _RATE.fullmatch(expression) is not None


def last_between(expression: str, after: datetime, until: datetime) -> datetime | None:
    """The last time that it comes round after one moment and not after the other; None if it does not.

    EventBridge counts a rate from the making of its rule; here it is counted from 1970, so that it is known without asking.
    Raises UnreadableSchedule.
    """
    if found := _RATE.fullmatch(expression):
        at = _last_multiple(timedelta(**{f"{found[2]}s": int(found[1])}), until)
        return at if at > after else None
    return _Cron.of(expression).last_between(after, until)


def _last_multiple(period: timedelta, until: datetime) -> datetime:
    return until - (until - _BEGINNING) % period


class _Cron(NamedTuple):
    """The minutes, hours and days that an expression names."""

    minutes: Set[int]
    hours: Set[int]
    days: Set[int]
    months: Set[int]
    weekdays: Set[int]
    years: Set[int]

    @classmethod
    def of(cls, expression: str) -> _Cron:
        found = _CRON.fullmatch(expression)
        if not found:
            raise UnreadableSchedule(expression)
        minutes, hours, days, months, weekdays, years = found.groups()
        return cls(
            _numbers(minutes, 0, 59),
            _numbers(hours, 0, 23),
            _numbers(days.replace("?", "*"), 1, 31),
            _numbers(months, 1, 12),
            _numbers(_numbered(weekdays.replace("?", "*")), 1, 7),
            _numbers(years, 1970, 2199),
        )

    def last_between(self, after: datetime, until: datetime) -> datetime | None:
        """The last of its moments in the span, exclusive of its beginning."""
        after, until = after.astimezone(UTC), until.astimezone(UTC)
        for back in range((until.date() - after.date()).days + 1):
            day = until.date() - timedelta(days=back)
            if self._comes_on(day) and (at := max((at for at in self._moments(day) if after < at <= until), default=None)):
                return at
        return None

    def _comes_on(self, day: date) -> bool:
        return day.day in self.days and day.month in self.months and day.isoweekday() % 7 + 1 in self.weekdays and day.year in self.years

    def _moments(self, day: date) -> list[datetime]:
        return [datetime.combine(day, time(hour, minute), UTC) for hour in self.hours for minute in self.minutes]


def _numbered(weekdays: str) -> str:
    for number, name in enumerate(_WEEKDAYS, start=1):
        weekdays = weekdays.replace(name, str(number))
    return weekdays


def _numbers(field: str, lowest: int, highest: int) -> Set[int]:
    """The numbers that a field names. Raises UnreadableSchedule for what is not `*`, a number, a range, a step or a list of these."""
    return frozenset(number for part in field.split(",") for number in _range(part, lowest, highest))


def _range(part: str, lowest: int, highest: int) -> range:
    found = _PART.fullmatch(part)
    if not found or (found[1] == "*" and found[2]):
        raise UnreadableSchedule(part)
    begin = lowest if found[1] == "*" else int(found[1])
    # Alone a number names itself; with a step it is where the steps begin.
    end = int(found[2]) if found[2] else highest if found[1] == "*" or found[3] else begin
    if not lowest <= begin <= end <= highest or found[3] == "0":
        raise UnreadableSchedule(part)
    return range(begin, end + 1, int(found[3] or 1))
