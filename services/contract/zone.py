"""Days of the domain are days of Asia/Shanghai."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date, datetime

SHANGHAI = ZoneInfo("Asia/Shanghai")


def day_of(moment: datetime) -> date:
    """The Asia/Shanghai day that an instant lies in."""
    return moment.astimezone(SHANGHAI).date()
