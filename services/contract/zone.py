"""Days of the domain are days of Asia/Shanghai."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date, datetime

SHANGHAI = ZoneInfo("Asia/Shanghai")


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour that an instant lies in, in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> date:
    """The Asia/Shanghai day that an instant lies in."""
    return moment.astimezone(SHANGHAI).date()


def last_day_before(end: datetime) -> date:
    """The last Asia/Shanghai day before an exclusive instant."""
    return day_of(end - timedelta(microseconds=1))
