"""The one clock (design, 6.13). A local stack may move it; nothing is ever back-dated."""

from __future__ import annotations

from datetime import UTC, datetime

from cloud.settings import settings


def now() -> datetime:
    """The present moment in UTC, moved by the stack parameter ClockOffset."""
    return datetime.now(UTC) + settings().clock_offset


def wall() -> datetime:
    """The present moment in UTC, never moved: what the age of a signature is measured against."""
    return datetime.now(UTC)


def at_milliseconds(stamp: str | int) -> datetime:
    """A time stamp of AWS (milliseconds since 1970) on the same clock, in UTC."""
    return unmoved(stamp) + settings().clock_offset


def unmoved(stamp: str | int) -> datetime:
    """The same time stamp as AWS means it: what a signature's age is measured against."""
    return datetime.fromtimestamp(int(stamp) / 1000, UTC)
