"""What is next to be reported to a level above: in groups that go together, and one by one where it is probed first."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, NamedTuple

from contract.upward import MOST
from notify.cursor import Cursor
from notify.sealed import days, files
from notify.upward import receipts, results
from notify.upward.selecting import Record, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from notify.sealed.days import Segment
    from notify.upward.receipts import Progress
    from notify.upward.selecting import Items
    from notify.upward.targets import Target


class Group(NamedTuple):
    """Records that go together, and how far everything is once they are gone."""

    records: list[Record]
    segment: int
    line: int


def groups(segment: Segment, progress: Progress, target: Target, items: Items) -> Iterator[Group]:
    """What of a segment is to be reported, behind the lines that are; the last group moves past the segment."""
    passed = progress.line if progress.segment == segment.number - 1 else 0
    records: list[Record] = []
    number = 0
    if segment.ledger_day >= target.upstream.since:
        for number, line in enumerate(files.lines_of(segment), start=1):
            judged = judge(json.loads(line), target.upstream, target.profile, segment.ledger_day, items) if number > passed else None
            if judged and judged.is_meant:
                records.append(judged.record)
            if len(records) == MOST:
                yield Group(records, segment.number - 1, number)
                records = []
    yield Group(records, segment.number, 0)


def takes_results(target: Target) -> bool:
    """Whether what became of bad ratings is wanted there and has a format."""
    return bool(target.upstream.cases and target.profile.case)


def unknown(upstream: str, records: list[Record]) -> list[Record]:
    """Those that have no receipt: a run before may have died, or been turned away, between an answer and the note of its place."""
    of_day = defaultdict(list)
    for record in records:
        of_day[record.day].append(record.ref)
    known = set[str]().union(*(receipts.known(upstream, day, refs) for day, refs in of_day.items()))
    return [record for record in records if record.ref not in known]


def nearest(progress: Progress, target: Target, items: Items, is_time: Callable[[], bool]) -> list[Record]:
    """The next records that have no receipt, at most a hundred, from whatever segments they are; service events come first, since a
    rating before its event would have to wait for it.
    """
    found = list(islice(chain(_of_ledger(progress, target, items, is_time), _of_results(progress, target)), MOST))
    order = list(target.profile.sections)
    return sorted(found, key=lambda record: order.index(record.section))


def _of_ledger(progress: Progress, target: Target, items: Items, is_time: Callable[[], bool]) -> Iterator[Record]:
    for segment in takewhile(lambda _: is_time(), days.segments_after(progress.segment)):
        for group in groups(segment, progress, target, items):
            yield from unknown(target.upstream.id, group.records)


def _of_results(progress: Progress, target: Target) -> Iterator[Record]:
    if takes_results(target):
        yield from unknown(target.upstream.id, results.after(Cursor.of(progress.feed), target.upstream).records)
