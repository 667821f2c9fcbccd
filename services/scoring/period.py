"""Periods of Asia/Shanghai: a day, a month, a quarter, a year; half-open, so that no last day is lost."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple, Self

_FORMS = re.compile(r"(?P<year>[0-9]{4})(?:-Q(?P<quarter>[1-4])|-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?")


class NoPeriod(ValueError):
    """A text that names no period."""


class Period(NamedTuple):
    """From `first` up to but without `end`. `name` is `2026-11-24`, `2026-11`, `2026-Q4` or `2026`."""

    name: str
    first: date
    end: date

    @classmethod
    def of(cls, name: str) -> Self:
        """The period of this name. Raises NoPeriod."""
        found = _FORMS.fullmatch(name)
        try:
            if found is None:
                raise NoPeriod(name)
            year, quarter, month, day = (int(found[part] or 0) for part in ("year", "quarter", "month", "day"))
            if found["day"]:
                first = date(year, month, day)
                return cls(name, first, first + timedelta(days=1))
            start = date(year, month if found["month"] else 3 * quarter - 2 if quarter else 1, 1)
            return cls(name, start, _months_later(start, 1 if month else 3 if quarter else 12))
        except (ValueError, OverflowError):
            raise NoPeriod(name) from None

    @classmethod
    def of_month(cls, day: date) -> Self:
        """The month that a day lies in."""
        return cls.of(f"{day:%Y-%m}")

    @property
    def last(self) -> date:
        """The last day."""
        return self.end - timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=n) for n in range((self.end - self.first).days)]

    @property
    def months(self) -> list[date]:
        """The first day of every month that it touches."""
        return [day for day in self.days if day.day == 1] or [self.first.replace(day=1)]

    @property
    def before(self) -> Period:
        """The period of the same kind just before it."""
        day = self.first - timedelta(days=1)
        if re.fullmatch(r"[0-9]{4}", self.name):
            return Period.of(f"{day:%Y}")
        if "Q" in self.name:
            return Period.of(f"{day:%Y}-Q{(day.month + 2) // 3}")
        return Period.of(day.isoformat() if len(self.name) == 10 else f"{day:%Y-%m}")


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
