"""Seals what came into the Ledger, and closes the days that are over.

A file is put first, then a transaction names it, then it is told. A run that dies leaves at most a file that nobody names; of two runs at
once one is overtaken and stops, since the other one does the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from cloud import clock, segments
from contract.zone import SHANGHAI, day_of
from notify.sealed import days, files, gathering, telling, tree
from notify.sealed.days import Day, Head, Overtaken, Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from notify.sealed.days import Marks
    from notify.sealed.gathering import Part

logger = Logger(service="notify")

LOOKS_BACK = timedelta(days=60)
"""How far back the counting days are that a run looks at: a rating may wait that long for its service."""

LOOKS_BACK_HOURLY = timedelta(days=9)
"""The same of all runs of a day but the first: hardly anything is later, and a day of a large province is thousands of objects to list."""

GRACE = timedelta(hours=1)
"""How long after its end a day stays open for what is still on its way."""


LATE = timedelta(hours=3)
"""After how long without a run that left nothing behind somebody has to look."""


def is_late() -> bool:
    """Whether what came into the Ledger is not sealed for too long: runs fail, or each is overtaken."""
    sealed_at = days.head().sealed_at
    return sealed_at is not None and clock.now() - sealed_at > LATE


def seal(is_time: Callable[[], bool] = lambda: True, since: date | None = None) -> dict[str, int]:
    """Seals what is new of every counting day, and closes what is over, while it is time; how much of each.

    It looks at the counting days of the last nine days, in the first run of a day of the last sixty, and further back if a day since then
    is not closed, or `since` says so.
    A day is closed only by a run that began after its end and sealed everything. What a run could not do is left to the next one.
    """
    run = _Run(clock.now())
    try:
        if run.seal_since(since or date.max, is_time):
            run.close_days(is_time)
        run.finish()
    except Overtaken:
        logger.info("another run seals at the same time")
    return dict(run.done)


class _Run:
    def __init__(self, began: datetime) -> None:
        self.began = began
        self.done = Counter({"segments": 0, "entries": 0, "closed": 0})
        self._head = telling.tell(days.head())

    def seal_since(self, day: date, is_time: Callable[[], bool]) -> bool:
        """Whether everything is sealed that was there when the run began."""
        before = self._head.sealed_at
        looks_back = LOOKS_BACK_HOURLY if before and day_of(before) == day_of(self.began) else LOOKS_BACK
        first = min(day, day_of(self.began - looks_back), self._head.open_day or date.max)
        for of_day in segments.days(first.isoformat()):
            marks = days.marks(date.fromisoformat(of_day))
            for part in gathering.parts(marks):
                if not is_time():
                    return False
                marks = self._add(marks, part)
        self._head = self._head.model_copy(update={"sealed_at": self.began})
        return True

    def _add(self, marks: Marks, part: Part) -> Marks:
        segment = _segment(self._head, marks.of_day, part) if part.leaves else None
        marks = marks.moved(part.lanes, part.mended, segment)
        self._tell(days.add(self._head, marks, segment, clock.now()))
        if segment:
            self.done.update(segments=1, entries=segment.entries)
        return marks

    def close_days(self, is_time: Callable[[], bool]) -> None:
        """Closes every day that was over when the run began."""
        while (day := self._head.open_day) and self.began >= _end_of(day) + GRACE and is_time():
            closed = _day(self._head, day)
            self._tell(days.close(self._head, closed, day + timedelta(days=1), clock.now()))
            self.done.update(closed=1)

    def _tell(self, head: Head) -> None:
        # In this order: if telling fails, the run that comes next tells.
        self._head = telling.tell(head)

    def finish(self) -> None:
        """Notes what was told last, and how far it is."""
        days.note(self._head)


def _segment(head: Head, of_day: date, part: Part) -> Segment:
    """The segment that a part becomes; its file is put."""
    leaves = sorted(part.leaves)
    ledger_day = max(of_day, head.open_day or of_day)
    written = files.write(ledger_day, of_day, (leaf.text for leaf in leaves))
    return Segment(
        number=head.number + 1,
        ledger_day=ledger_day,
        of_day=of_day,
        key=written.key,
        bytes=written.size,
        entries=len(leaves),
        ratings=sum(leaf.is_rating for leaf in leaves),
        first=part.first,
        last=part.last,
        sha256=written.sha256,
        root=tree.root_of_hashes(leaf.hash for leaf in leaves).hex(),
    )


def _day(head: Head, ledger_day: date) -> Day:
    lying = days.numbered(head.open.get(ledger_day, ()))
    said: dict[str, Any] = {
        "ledger_day": ledger_day,
        "first_number": lying[0].number if lying else None,
        "segments": len(lying),
        "entries": sum(segment.entries for segment in lying),
        "ratings": sum(segment.ratings for segment in lying),
        "root": root_of(lying),
        "previous": head.previous,
    }
    return Day(**said, sha256=hashlib.sha256(Day(**said, sha256="").document()).hexdigest())


def root_of(lying: Iterable[Segment]) -> str:
    """The root of a day over the roots of its segments, ascending."""
    return tree.root(bytes.fromhex(segment.root) for segment in lying).hex()


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
