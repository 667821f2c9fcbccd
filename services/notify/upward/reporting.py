"""Reports to every level above, from where the last run stopped: the sealed Ledger, what became of bad ratings, and what waits.

A place is noted after each group of records, when their receipts are kept. A run that dies in between sends the group again; what is there
already counts as delivered. While a level above takes nothing its place stays, and it is left alone for a growing while; then one record
is sent before the others, each time another: of whoever stands in it somebody has read, and it may be a record that is at fault.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cloud import clock, registry
from contract.upward import MOST
from contract.zone import day_of
from notify import retrying
from notify.cursor import Cursor
from notify.sealed import days
from notify.upward import ahead, batching, receipts, results, targets
from notify.upward.answers import ERROR, Down
from notify.upward.receipts import Pause, Receipt
from notify.upward.selecting import Items, Record
from notify.upward.sending import OutOfTime, Sender
from notify.upward.targets import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud.registry import Upstream
    from notify.upward.targets import Target

T = TypeVar("T")

logger = Logger(service="notify")
metrics = Metrics(namespace="Haochaping", service="notify")

AGAIN_AT_ONCE = 2_000
"""How much of what waits is tried again by one run."""

_SURE_AFTER = 3
"""After so many failures in a row, if another record is taken, an error is one of the records that met it."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)


def report(is_time: Callable[[], bool] = lambda: True, only: str = "") -> dict[str, Any]:
    """Reports while it is time, to all or to one; for each what came of it: how many had which outcome, and how it does.

    `state` is `up`, `down` (with the reason, also where our configuration is at fault) or `paused`. What fails here (AWS, data
    of ours) is raised when the others are done.
    """
    told: dict[str, Any] = {}
    faults: list[Exception] = []
    for upstream in registry.upstreams(day_of(clock.now())):
        if not upstream.enabled or only not in {"", upstream.id}:
            continue
        run = _Run(upstream)
        try:
            told[upstream.id] = run.go(is_time, is_asked=bool(only))
        except Exception as fault:  # noqa: BLE001 - raised when the others are done
            logger.error("not reported", upstream=upstream.id, error=type(fault).__name__)
            faults.append(fault)
    if faults:
        raise faults[0]
    return told


class _Run:
    """One run for one level above."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._progress = receipts.progress(upstream.id)
        self._done: Counter[str] = Counter()
        self._is_first_group = True
        self._began_paused = self._progress.pause is not None
        self._items = Items()

    def go(self, is_time: Callable[[], bool], *, is_asked: bool) -> dict[str, Any]:
        pause = self._progress.pause
        if pause and clock.now() < pause.until and not is_asked:
            return {"state": "paused", "reason": pause.reason}
        try:
            target = targets.of(self._upstream)
            sender = Sender(target, is_time, pause.failures if pause else 0)
            self._probe(target, sender, is_time)
            caught_up = self._ledger(target, sender, is_time) and self._results(target, sender, is_time)
            self._waiting(target, sender, caught_up, is_time)
        except OutOfTime:
            return {"state": "up", **self._done}
        except Down as down:
            return self._left_alone(str(down))
        except Misconfigured as lacking:
            return self._left_alone(str(lacking))
        return {"state": "up", **self._done}

    # ------------------------------------------------------------------ whether it takes anything

    def _probe(self, target: Target, sender: Sender, is_time: Callable[[], bool]) -> None:
        """Sends one record if nothing was taken of late. Raises Down if it still is not."""
        if not (pause := self._progress.pause):
            return
        nearest = ahead.nearest(self._progress, target, self._items, is_time)
        for record in _from(pause.failures, nearest):
            self._count(batching.send(target, sender, [record]))
            if sender.is_up:  # else it lacks something, and was not sent
                break
        sender.is_sure = sender.is_up and pause.failures >= _SURE_AFTER

    # ------------------------------------------------------------------ what is new

    def _ledger(self, target: Target, sender: Sender, is_time: Callable[[], bool]) -> bool:
        """Reports what was sealed since; whether it is all."""
        for segment in days.segments_after(self._progress.segment):
            for group in ahead.groups(segment, self._progress, target, self._items):
                if not is_time():
                    return False
                self._send(target, sender, group.records)
                self._move(sender, segment=group.segment, line=group.line)
        return True

    def _results(self, target: Target, sender: Sender, is_time: Callable[[], bool]) -> bool:
        """Reports what became of bad ratings since, where that is wanted and has a format; whether it is all."""
        if not ahead.takes_results(target):
            return True
        while is_time():
            found = results.after(Cursor.of(self._progress.feed), self._upstream)
            for start in range(0, len(found.records), MOST):
                sender.is_sure = sender.is_up
                self._send(target, sender, found.records[start : start + MOST], are_few=True)
            if self._progress.feed != str(found.cursor):
                self._move(sender, feed=str(found.cursor))
            if not found.more:
                return True
        return False

    def _send(self, target: Target, sender: Sender, records: list[Record], *, are_few: bool = False) -> None:
        if are_few or self._is_first_group or self._began_paused:
            records = ahead.unknown(self._upstream.id, records)
            self._is_first_group = not records
        if records:
            self._count(batching.send(target, sender, records))
            sender.is_sure = False

    def _move(self, sender: Sender, **place: Any) -> None:
        """Notes how far it is; a level above that has answered is not left alone any more."""
        up = {"pause": None} if sender.is_up else {}
        self._progress = self._progress.model_copy(update=place | up)
        receipts.keep(self._upstream.id, self._progress)

    # ------------------------------------------------------------------ what waits

    def _waiting(self, target: Target, sender: Sender, caught_up: bool, is_time: Callable[[], bool]) -> None:
        """Tries again what is due. Given up is only once everything else was reported: the event may be still on its way."""
        due = list(islice(receipts.due(self._upstream.id, clock.now()), AGAIN_AT_ONCE))
        if not sender.is_up:
            due = self._likely(target, sender, due)
        records = [record for receipt in due if (record := self._again(receipt))]
        for start in range(0, len(records), MOST):
            if not is_time():
                return
            sender.is_sure = sender.is_up
            self._count(batching.send(target, sender, records[start : start + MOST], gives_up=caught_up))
        if self._progress.pause and sender.is_up:
            self._move(sender)

    def _likely(self, target: Target, sender: Sender, due: list[Receipt]) -> list[Receipt]:
        """What of this may be tried by a run in which nothing was taken yet. While it is left alone, or if all of it met an error there,
        that is nothing unless one of it is taken first; otherwise what met none. Raises Down.
        """
        others = [receipt for receipt in due if not receipt.code.startswith(ERROR)]
        pause = self._progress.pause
        if others and not pause:
            return others
        candidates = others or due
        for receipt in _from(pause.failures if pause else 0, candidates):
            if record := self._again(receipt):
                sender.is_sure = not others  # that one meets its error again is no sign of an outage
                self._count(batching.send(target, sender, [record]))
                return [one for one in due if one.ref != receipt.ref] if sender.is_up else []
        return []

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
        until = now + retrying.growing(_FIRST_PAUSE, failures - 1, _LONGEST_PAUSE)
        pause = Pause(failures=failures, since=before.since if before else now, until=until, reason=reason)
        self._progress = self._progress.model_copy(update={"pause": pause})
        receipts.keep(self._upstream.id, self._progress)
        logger.warning("the level above takes nothing", upstream=self._upstream.id, reason=reason, failures=failures)
        metrics.add_metric(name="UpstreamDown", unit=MetricUnit.Count, value=1)
        return {"state": "down", "reason": reason, **self._done}


def _from(nth: int, listed: list[T]) -> list[T]:
    """All of it, beginning with the nth, counted round: each time with another one."""
    first = nth % len(listed) if listed else 0
    return listed[first:] + listed[:first]
