"""What the signals of an organisation are found from, read from the scores and the register."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from cloud import registry
from cloud.settings import settings
from scoring import scores
from scoring.figures.coverage import windows_of
from scoring.figures.signals import signals

if TYPE_CHECKING:
    from policy.rules import Policy
    from scoring.figures.indicators import Counts
    from scoring.figures.signals import Found
    from scoring.period import Period


def signals_of(uscc: str, period: Period, policy: Policy, on: date) -> list[Found]:
    """The signals of an organisation (USCC) over a period, as registered on a day (Asia/Shanghai).

    Reads: two queries, of its items and of its desks; of the register the organisation, the list of its windows, and one for each window.
    One that is not registered is looked at by the calendar of the province.
    """
    known = registry.find("organisation", uscc, on) or {}
    windows = windows_of(uscc, on)
    return signals(
        scores.parts(f"organisation#{uscc}", period),
        desks_by_day(uscc, period),
        policy,
        region=known.get("region_code", settings().province),
        registered=windows or None,
    )


def desks_by_day(uscc: str, period: Period) -> dict[date, dict[str, Counts]]:
    """The counters of an organisation's desks, by day and window: one query."""
    found: dict[date, dict[str, Counts]] = {}
    for item in scores.items_of(f"desks#{uscc}", period):
        day, _, desk = item["sk"].partition("#")
        found.setdefault(date.fromisoformat(day), {})[desk] = scores.counters_of(item)
    return found
