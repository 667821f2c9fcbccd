"""When a deadline of the policy ends, from the fact that starts its clock (domain handbook, sections 15 and 17.2). Pure.

Instants are exclusive, in Asia/Shanghai. A rest day or an hour after closing counts as the limit's start rule says.
"""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from contract.codes import TimeUnit
from contract.zone import SHANGHAI, day_of, last_day_before
from policy import calendar
from policy.calendar import (
    Due,
    add_working_hours,
    add_working_time,
    due,
    in_office_hours,
    is_assumed,
    last_working_day,
    working_days_between,
    working_time_between,
)
from policy.rules import OFFICE_HOURS

if TYPE_CHECKING:
    from datetime import date

    from policy.calendar import Hours
    from policy.rules import Policy, StartRule, TimeLimit


def ends(fact: datetime, limit: TimeLimit, rule: StartRule, hours: Hours, region: str) -> Due:
    """The end of a limit. `rule` is what becomes of a fact after hours or on a rest day, unless the limit has a rule of its own."""
    if limit.unit is TimeUnit.WORKHOUR:
        # Counted from the first open moment, whatever the rule.
        return add_working_hours(fact, limit.value, hours, region)
    if (limit.start or rule) == "FROM_FACT":
        return due(fact, limit, region)
    start = in_office_hours(fact, hours, region)
    at, provisional = due(start, limit, region)
    return Due(at, provisional or is_assumed(day_of(fact), start.date(), region))


def ends_by(policy: Policy, fact: datetime, limit: TimeLimit, region: str) -> Due:
    """The end of a limit under a policy."""
    return ends(fact, limit, policy.clock_start_rule, policy.opening_hours, region)


def share_of(fact: datetime, limit: TimeLimit, share: float, policy: Policy, region: str) -> datetime:
    """When a share of a limit has passed: whole days of a limit in days, whole hours of one in hours."""
    # 0.29 of 100 is 29, and no 28.999….
    part = limit.model_copy(update={"value": math.floor(round(limit.value * share, 9))})
    return ends_by(policy, fact, part, region).at


def extended(end: datetime, by: TimeLimit, region: str) -> Due:
    """A deadline moved on by an extension, to the end of a working day.

    One that would end on a rest day ends on the working day before it, so that it is never longer than granted; if that were none at all,
    on the next working day.
    """
    ended = last_day_before(end)
    last, provisional = calendar.last_day(ended, by, region)
    landed = last_working_day(last, region)
    if landed > ended:
        return Due(_end_of(landed), provisional or is_assumed(landed, last, region))
    landed, provisional = calendar.add_working_days(ended, 1, region)
    return Due(_end_of(landed), provisional)


def resumed(end: datetime, paused_at: datetime, until: datetime, unit: TimeUnit, region: str, hours: Hours = OFFICE_HOURS) -> Due:
    """A deadline after a pause: as many days, working days, hours or working hours later as the clock stood still."""
    first, last = day_of(paused_at), day_of(until)
    if unit is TimeUnit.HOUR:
        return Due(end + (until - paused_at), provisional=False)
    if unit is TimeUnit.DAY:
        return Due(end + timedelta(days=(last - first).days), provisional=False)
    if unit is TimeUnit.WORKHOUR:
        at, provisional = add_working_time(end, working_time_between(paused_at, until, hours, region), hours, region)
    else:
        moved, provisional = calendar.add_working_days(last_day_before(end), working_days_between(first, last, region), region)
        at = _end_of(moved)
    return Due(at, provisional or is_assumed(first, last, region))


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, SHANGHAI)
