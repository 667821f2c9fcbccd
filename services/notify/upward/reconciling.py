"""Whether everything that was to be reported of a day was taken or refused above: sent = accepted + refused, level by level.

The sealed Ledger says what was to be reported, the receipts what was said. A day is looked at every morning until nothing of it is open,
the newest first; one that never settles keeps none of the others.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cloud import bus, clock, registry
from contract.codes import Level, ReportOutcome
from contract.events import LevelReported, UpwardReportReconciled, event_id
from contract.zone import day_of
from notify.sealed import days, files
from notify.upward import receipts, targets
from notify.upward.selecting import Items, judge
from notify.upward.sending import OutOfTime
from notify.upward.targets import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from cloud.registry import Upstream
    from notify.upward.profile import UpstreamProfile

logger = Logger(service="notify")
metrics = Metrics(namespace="Haochaping", service="notify")

LATE_AFTER = timedelta(days=4)
"""From when on a difference is alarmed: a record is tried again for three days."""

LOOKED_BACK = timedelta(days=400)
"""Days before that are not looked at any more."""

DAYS_AT_ONCE = 40
"""So many open days are looked at by one run."""

_SERVICES = "services"
_SAID = {outcome: outcome.value.lower() for outcome in ReportOutcome}


def reconcile(is_time: Callable[[], bool] = lambda: True, only: str = "") -> dict[str, Any]:
    """Compares every closed day that is not settled yet, for all levels above or one; for each the days with what differs.

    Tells what was found of a day if that is new, and alarms a difference of a day that should be done.
    """
    told: dict[str, Any] = {}
    for upstream in registry.upstreams(day_of(clock.now())):
        if upstream.enabled and only in {"", upstream.id}:
            try:
                told[upstream.id] = _reconcile(upstream, targets.profile_of(upstream), is_time)
            except Misconfigured as lacking:
                logger.warning("not reconciled", upstream=upstream.id, reason=str(lacking))
                told[upstream.id] = {"reason": str(lacking)}
    return told


def _reconcile(upstream: Upstream, profile: UpstreamProfile, is_time: Callable[[], bool]) -> dict[str, int]:
    differing: dict[str, int] = {}
    late = 0
    items = Items()
    closed = _closed_days(upstream)
    settled = receipts.settled_days(upstream.id)
    for day in [day for day in reversed(closed) if day not in settled][:DAYS_AT_ONCE]:
        try:
            found = compare(upstream, profile, day, is_time, items)
        except OutOfTime:
            break
        _tell(upstream, day, found)
        if not found.difference:
            settled.add(day)
        else:
            differing[day.isoformat()] = found.difference
            late += found.difference if day_of(clock.now()) - day > LATE_AFTER else 0
    if through := list(takewhile(settled.__contains__, closed)):
        receipts.settle_through(upstream.id, through[-1])
    if late:
        logger.warning("not everything was reported", upstream=upstream.id, records=late)
        metrics.add_metric(name="UpwardDifference", unit=MetricUnit.Count, value=late)
    return differing


def _closed_days(upstream: Upstream) -> list[date]:
    """The days behind that up to which everything is settled, ascending."""
    before = max(upstream.since - timedelta(days=1), day_of(clock.now()) - LOOKED_BACK)
    after = max(receipts.settled_through(upstream.id) or before, before)
    closed: list[date] = []
    while found := days.days(after):
        closed += [day.ledger_day for day in found]
        after = found[-1].ledger_day
    return closed


def compare(
    upstream: Upstream, profile: UpstreamProfile, day: date, is_time: Callable[[], bool] = lambda: True, items: Items | None = None
) -> UpwardReportReconciled:
    """What was to be reported of a day of the Ledger, and what became of it, as it is told. Raises OutOfTime between two segments."""
    items = items or Items()
    said = {receipt.ref: receipt.outcome for receipt in receipts.of_day(upstream.id, day)}
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*Level, _SERVICES)}
    not_reported = 0
    for segment in days.segments_of(day):
        if not is_time():
            raise OutOfTime
        for line in files.lines_of(segment):
            judged = judge(json.loads(line), upstream, profile, day, items)
            if judged and judged.is_meant:
                outcome = said.get(judged.record.ref)
                counts[judged.record.level or _SERVICES].update(("reportable", _SAID[outcome] if outcome else "missing"))
            elif judged:
                not_reported += 1
    return _event(upstream, day, counts, not_reported)


def _event(upstream: Upstream, day: date, counts: dict[str, Counter[str]], not_reported: int) -> UpwardReportReconciled:
    levels = {level: LevelReported(**counts[level]) for level in Level}
    services = LevelReported(**counts[_SERVICES])
    found = {
        "upstream": upstream.id,
        "ledger_day": day,
        "levels": levels,
        "services": services,
        "not_reported": not_reported,
        "difference": sum(one.waiting + one.missing for one in (*levels.values(), services)),
    }
    content = UpwardReportReconciled(event_id="", happened_at=clock.now(), **found)
    id = event_id("UpwardReportReconciled", upstream.id, day.isoformat(), _digest(content))
    return content.model_copy(update={"event_id": id})


def _tell(upstream: Upstream, day: date, found: UpwardReportReconciled) -> None:
    """Tells what is new, and only then notes what was found: told twice it is known by its id."""
    digest = _digest(found)
    if receipts.reconciled(upstream.id, day) != digest:
        bus.publish([found])
    receipts.keep_reconciled(upstream.id, day, digest, found.difference)


def _digest(found: UpwardReportReconciled) -> str:
    content = found.model_dump(mode="json", exclude={"event_id", "happened_at"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
