"""When people may be told something: not in the hours in which a place is quiet. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from contract.zone import SHANGHAI

if TYPE_CHECKING:
    from policy.rules import QuietHours


def until(quiet: QuietHours, now: datetime) -> datetime | None:
    """The end of the quiet hours (Asia/Shanghai) in which an instant lies, exclusive; None if it lies in none."""
    local = now.astimezone(SHANGHAI)
    length = timedelta(hours=(quiet.ends - quiet.begins) % 24)
    for day in (local - timedelta(days=1), local):
        begins = day.replace(hour=quiet.begins, minute=0, second=0, microsecond=0)
        if begins <= local < begins + length:
            return begins + length
    return None
