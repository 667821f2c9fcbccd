"""Limits of a service, promised and statutory: when they end, and whether a promise is longer than the law allows.

HOUR, DAY and WORKDAY count as in `policy.calendar`; a MONTH or YEAR ends with the day of the same number, or the month's last day.
"""

from __future__ import annotations

import calendar
from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import count
from typing import TYPE_CHECKING

from contract.codes import TimeUnit
from contract.identifiers import NATION
from contract.zone import SHANGHAI
from policy.calendar import Due, add_working_days, is_working_day

if TYPE_CHECKING:
    from contract.messages import Limit

_FIRST_COMPARED = 2020
_LAST_YEAR = 9998
_NOON, _DAY = 12, 24


def end_of(start: datetime, limit: Limit, region: str) -> Due:
    """When a limit that starts at this instant ends in the region (12 digits), as an exclusive instant in Asia/Shanghai."""
    local = start.astimezone(SHANGHAI)
    if limit.unit is TimeUnit.HOUR:
        return Due(local + timedelta(hours=limit.value), provisional=False)
    if limit.unit is TimeUnit.WORKDAY:
        last, provisional = add_working_days(local.date(), limit.value, region)
    else:
        last, provisional = _last_day(local.date(), limit), False
    return Due(datetime.combine(last + timedelta(days=1), time.min, SHANGHAI), provisional)


def longer(promised: Limit, statutory: Limit) -> bool:
    """True if the promise ever ends later than the law's limit, whichever published day, at noon, both start on.

    Limits in one unit compare by value.
    """
    if promised.unit is statutory.unit:
        return promised.value > statutory.value
    return _ever_later(promised, statutory)


@lru_cache(4096)
def _ever_later(promised: Limit, statutory: Limit) -> bool:
    return any(here > there for here, there in zip(_ends(promised), _ends(statutory), strict=True))


@lru_cache(512)
def _ends(limit: Limit) -> tuple[int, ...]:
    """The end, in hours, for a start on each published day of the nation."""
    if limit.unit is TimeUnit.HOUR:
        return tuple(day * _DAY + _NOON + limit.value for day in _starts())
    if limit.unit is TimeUnit.WORKDAY:
        return tuple((_working_day(day, limit.value) + 1) * _DAY for day in _starts())
    return tuple((_last_day(date.fromordinal(day), limit).toordinal() + 1) * _DAY for day in _starts())


def _last_day(start: date, limit: Limit) -> date:
    """The last day of a limit in natural days, months or years."""
    if limit.unit is TimeUnit.DAY:
        return start + timedelta(days=limit.value)
    months = start.month - 1 + limit.value * (12 if limit.unit is TimeUnit.YEAR else 1)
    year, month = min(start.year + months // 12, _LAST_YEAR), months % 12 + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


@cache
def _starts() -> range:
    """Every day of the announced years, as ordinals."""
    beyond = next(year for year in count(_FIRST_COMPARED) if not is_working_day(date(year, 12, 31), NATION)[1])
    return range(date(_FIRST_COMPARED, 1, 1).toordinal(), date(beyond, 1, 1).toordinal())


def _working_day(start: int, days: int) -> int:
    return _working_days()[bisect_right(_working_days(), start) + days - 1] if days else start


@cache
def _working_days() -> list[int]:
    """The nation's working days from the first start to the end of the longest limit from the last one, as ordinals."""
    longest = add_working_days(date.fromordinal(_starts()[-1]), 10_000, NATION).date
    days = range(_starts()[0], longest.toordinal() + 1)
    return [day for day in days if is_working_day(date.fromordinal(day), NATION)[0]]
