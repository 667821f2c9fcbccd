"""Reports to every level above, from where the last run stopped: the sealed Ledger, what became of bad ratings, and what waits.

A place is noted after each group of records, when their receipts are kept. A run that dies in between sends the group again; what is there
already counts as delivered. While a level above takes nothing its place stays, and it is left alone for a growing while.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from cloud import clock, registry
from contract.upward import MOST
from contract.zone import day_of
from notify.cursor import Cursor
from notify.sealed import days, files
from notify.upward import batching, receipts, results, targets
from notify.upward.answers import ERROR, Down
from notify.upward.receipts import NotKept, Pause, Progress, Receipt
from notify.upward.revealing import NotRevealed
from notify.upward.selecting import Record, judge
from notify.upward.sending import OutOfTime, Sender
from notify.upward.targets import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cloud.registry import Upstream
    from notify.sealed.days import Segment
    from notify.upward.targets import Target

logger = Logger(service="notify")
metrics = Metrics(namespace="Haochaping", service="notify")

AGAIN_AT_ONCE = 2_000
"""How much of what waits is tried again by one run."""

_FAULTS = (ClientError, BotoCoreError, NotRevealed, NotKept)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)


def report(is_time: Callable[[], bool] = lambda: True, only: str = "") -> dict[str, Any]:
    """Reports while it is time, to all or to one; for each what came of it: how many had which outcome, and how it does.

    `state` is `up`, `down` (with the reason, also where our configuration is at fault) or `paused`. What AWS fails at is raised when the
    others are done.
    """
    told: dict[str, Any] = {}
    faults: list[Exception] = []
    for upstream in registry.upstreams(day_of(clock.now())):
        if not upstream.enabled or only not in {"", upstream.id}:
            continue
        run = _Run(upstream)
        try:
            told[upstream.id] = run.go(is_time, is_asked=bool(only))
        except _FAULTS as fault:
            logger.error("not reported", upstream=upstream.id, error=type(fault).__name__)
            faults.append(fault)
    if faults:
        raise faults[0]
    return told


class _Group(NamedTuple):
    """Records that go together, and how far everything is once they are gone."""

    records: list[Record]
    segment: int
    line: int


class _Run:
    """One run for one level above."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._progress = receipts.progress(upstream.id)
        self._done: Counter[str] = Counter()
        self._is_first_group = True

    def go(self, is_time: Callable[[], bool], *, is_asked: bool) -> dict[str, Any]:
        pause = self._progress.pause
        if pause and clock.now() < pause.until and not is_asked:
            return {"state": "paused", "reason": pause.reason}
        try:
            target = targets.of(self._upstream)
            sender = Sender(target, is_time, pause.failures if pause else 0)
            caught_up = self._ledger(target, sender, is_time) and self._results(target, sender, is_time)
            self._waiting(target, sender, caught_up, is_time)
        except OutOfTime:
            return {"state": "up", **self._done}
        except Down as down:
            return self._left_alone(str(down))
        except Misconfigured as lacking:
            return self._left_alone(str(lacking))
        except (ValueError, ModuleNotFoundError):
            return self._left_alone("cipher")
        return {"state": "up", **self._done}

    # ------------------------------------------------------------------ what is new

    def _ledger(self, target: Target, sender: Sender, is_time: Callable[[], bool]) -> bool:
        """Reports what was sealed since; whether it is all."""
        for segment in days.segments_after(self._progress.segment):
            for group in _groups(segment, self._progress, target):
                if not is_time():
                    return False
                self._send(target, sender, group.records)
                self._move(sender, segment=group.segment, line=group.line)
        return True

    def _results(self, target: Target, sender: Sender, is_time: Callable[[], bool]) -> bool:
        """Reports what became of bad ratings since, where that is wanted and has a format; whether it is all."""
        if not (self._upstream.cases and target.profile.case):
            return True
        while is_time():
            found = results.after(Cursor.of(self._progress.feed), self._upstream)
            for start in range(0, len(found.records), MOST):
                self._send(target, sender, found.records[start : start + MOST])
            if self._progress.feed != str(found.cursor):
                self._move(sender, feed=str(found.cursor))
            if not found.more:
                return True
        return False

    def _send(self, target: Target, sender: Sender, records: list[Record]) -> None:
        if self._is_first_group:
            # A run before may have died, or been turned away, between an answer and the note of its place.
            known = set[str]()
            for day in {record.day for record in records}:
                known |= receipts.known(self._upstream.id, day, [record.ref for record in records if record.day == day])
            records = [record for record in records if record.ref not in known]
            self._is_first_group = not records
        self._count(batching.send(target, sender, records))

    def _move(self, sender: Sender, **place: Any) -> None:
        """Notes how far it is; a level above that has answered is not left alone any more."""
        up = {"pause": None} if sender.is_up else {}
        self._progress = self._progress.model_copy(update=place | up)
        receipts.keep(self._upstream.id, self._progress)

    # ------------------------------------------------------------------ what waits

    def _waiting(self, target: Target, sender: Sender, caught_up: bool, is_time: Callable[[], bool]) -> None:
        """Tries again what is due. Given up is only once everything else was reported: the event may be still on its way."""
        waiting = islice(receipts.due(self._upstream.id, clock.now()), AGAIN_AT_ONCE)
        # What met an error there is no sign of an outage while it is known to be up, and only then.
        again = (self._again(receipt) for receipt in waiting if sender.is_up or not receipt.code.startswith(ERROR))
        due = [record for record in again if record]
        for start in range(0, len(due), MOST):
            if not is_time():
                return
            self._count(batching.send(target, sender, due[start : start + MOST], gives_up=caught_up))
        if due and self._progress.pause and sender.is_up:
            self._move(sender)

    def _again(self, receipt: Receipt) -> Record | None:
        kind, _, name = receipt.ref.partition("#")
        if kind == "C":
            record = results.find(name, self._upstream)
            return record._replace(tries=receipt.tries, first_at=receipt.first_at) if record else None
        section: Any = "event" if kind == "E" else "rating"
        return Record(receipt.ref, section, receipt.day, receipt.ref, receipt.level, None, receipt.tries, receipt.first_at)

    # ------------------------------------------------------------------ how it does

    def _count(self, outcomes: Counter[str]) -> None:
        self._done += outcomes
        metrics.add_metric(name="Reported", unit=MetricUnit.Count, value=outcomes.total())

    def _left_alone(self, reason: str) -> dict[str, Any]:
        """It takes nothing now: its place stays, and it is tried again after a growing while."""
        now, before = clock.now(), self._progress.pause
        failures = before.failures + 1 if before else 1
        until = now + min(_FIRST_PAUSE * (1 << min(failures - 1, 10)), _LONGEST_PAUSE)
        pause = Pause(failures=failures, since=before.since if before else now, until=until, reason=reason)
        self._progress = self._progress.model_copy(update={"pause": pause})
        receipts.keep(self._upstream.id, self._progress)
        logger.warning("the level above takes nothing", upstream=self._upstream.id, reason=reason, failures=failures)
        metrics.add_metric(name="UpstreamDown", unit=MetricUnit.Count, value=1)
        return {"state": "down", "reason": reason, **self._done}


def _groups(segment: Segment, progress: Progress, target: Target) -> Iterator[_Group]:
    """What of a segment is to be reported, behind the lines that are; the last group moves past the segment."""
    passed = progress.line if progress.segment == segment.number - 1 else 0
    records: list[Record] = []
    number = 0
    if segment.ledger_day >= target.upstream.since:
        for number, line in enumerate(files.lines_of(segment), start=1):
            judged = judge(json.loads(line), target.upstream, target.profile, segment.ledger_day) if number > passed else None
            if judged and judged.is_meant:
                records.append(judged.record)
            if len(records) == MOST:
                yield _Group(records, segment.number - 1, number)
                records = []
    yield _Group(records, segment.number, 0)
