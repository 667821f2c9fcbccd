"""What a reader should know of an entry, by declared rules (domain handbook, sections 3 二(三), 7 and 20). Pure; nothing is rewritten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from contract.codes import Flag, ProjectStatus
from contract.zone import last_day_before
from policy.calendar import due

if TYPE_CHECKING:
    from datetime import date, datetime

    from contract.messages import Limit, ServiceEvent
    from policy.rules import Policy


class Overrun(NamedTuple):
    """A limit that was not kept: which, and its last day (Asia/Shanghai)."""

    limit: Literal["promised", "statutory"]
    due_day: date


def of_time(occurred_at: datetime, received_at: datetime, service_time: datetime | None, policy: Policy) -> tuple[Flag, ...]:
    """How the claimed time stands to the service and to receipt."""
    found = []
    if service_time and occurred_at < service_time:
        found.append(Flag.CLAIMED_BEFORE_SERVICE)
    if occurred_at > received_at:
        found.append(Flag.CLAIMED_IN_FUTURE)
    if received_at - occurred_at > timedelta(days=policy.clock_skew_days):
        found.append(Flag.CLAIMED_FAR_FROM_RECEIPT)
    return tuple(found)


def overrun(event: ServiceEvent) -> Overrun | None:
    """The limit that a finished service overran: the legal one if that was, else the promised one. Limits run from acceptance."""
    if event.status is not ProjectStatus.FINISHED or event.accepted_at is None or event.finished_at is None:
        return None
    named: tuple[tuple[Literal["promised", "statutory"], Limit | None], ...] = (
        ("statutory", event.statutory_limit),
        ("promised", event.promised_limit),
    )
    for name, limit in named:
        if limit:
            end = due(event.accepted_at, limit, event.region_code).at
            if event.finished_at >= end:
                return Overrun(name, last_day_before(end))
    return None
