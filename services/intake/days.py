"""The day that a rating counts for (design, 6.8)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from contract.zone import day_of


class CountedDay(NamedTuple):
    """An Asia/Shanghai day, and which of the two times gave it."""

    day: date
    day_of: Literal["occurred_at", "received_at"]


def counted_day(occurred_at: datetime, received_at: datetime, skew_days: int) -> CountedDay:
    """The day of `occurred_at` if that is not after receipt and at most `skew_days` natural days before it, else of `received_at`.

    Both times are kept as they are; neither is rewritten.
    """
    if occurred_at <= received_at <= occurred_at + timedelta(days=skew_days):
        return CountedDay(day_of(occurred_at), "occurred_at")
    return CountedDay(day_of(received_at), "received_at")
