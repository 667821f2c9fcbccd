"""What of a counting day's raw segments is still to be sealed: each entry once, however often it was written and wherever batches were cut.

A lane goes forward in order, and an object holds every line of its lane and day between its ends. So one number per lane says what is
sealed of it, and whole objects are passed over by their names. What the monthly reconciliation wrote once more lies in lanes of its own,
one line each, and its entry may have come, or may come yet, by its own lane: these few are known by name.
"""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from cloud import segments
from cloud.settings import settings
from notify.sealed import days, files, tree
from notify.sealed.records import RATINGS, canonical, home_day, is_sealed, name_of, rank_of, record_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from cloud.segments import Line
    from notify.sealed.days import Marks

PART = 50_000
"""A segment has at most so many lines."""

_MENDED = "reconciled-"


class Leaf(NamedTuple):
    """A record to be sealed. It sorts as files do: services, ratings, exclusions, and within these by hash.

    So the order in a file tells nothing of the order in time, which would lead from an anonymous rating to its service.
    """

    rank: int
    hash: bytes
    text: bytes
    is_rating: bool


class Part(NamedTuple):
    """Up to `PART` records of a counting day, lane and sequence number of the first and the last; how far each lane is sealed with it."""

    leaves: list[Leaf]
    first: str
    last: str
    lanes: dict[str, int]
    mended: str


def parts(marks: Marks) -> Iterator[Part]:
    """What is to be sealed of a counting day, in the order of its lanes. Of a day with nothing new nothing is read.

    A part without records moves the marks past lines that lie with this day and belong to another.
    """
    ends, mended = _ends(marks.of_day)
    news = {lane: end for lane, end in ends.items() if end > marks.lanes.get(lane, -1)}
    known = _known(mended)
    if not news and known == marks.mended:
        return
    again = list(_mended(marks.of_day, mended))
    gathering = _Gathering(marks, _Once(marks, again))
    for lane in sorted(news):
        for line in _news(marks.of_day, lane, marks.lanes.get(lane, -1), news[lane]):
            yield from gathering.take(line)
        gathering.lanes[lane] = news[lane]
    for line in again:
        yield from gathering.take(line)
    yield gathering.part(known)


class _Gathering:
    """The part that is being gathered, and how far each lane has come."""

    def __init__(self, marks: Marks, once: _Once) -> None:
        self.lanes, self._marks, self._once = dict(marks.lanes), marks, once
        self._leaves: list[Leaf] = []
        self._ends: tuple[str, ...] = ()

    def take(self, line: Line) -> Iterator[Part]:
        """Takes a line, if it is to be sealed with this day; answers with the part, if it is full."""
        if not _is_of(self._marks.of_day, line):
            return
        lane = _name(line.lane)
        if not lane.startswith(_MENDED):
            self.lanes[lane] = line.sequence
        if leaf := self._once.leaf(line):
            self._leaves.append(leaf)
            place = f"{lane}/{line.sequence:040}"
            self._ends = (self._ends[0] if self._ends else place, place)
            if len(self._leaves) == PART:
                yield self.part(self._marks.mended)

    def part(self, mended: str) -> Part:
        """The part as far as it goes; the next one begins behind it."""
        first, last = self._ends or ("", "")
        part = Part(self._leaves, first, last, dict(self.lanes), mended)
        self._leaves, self._ends = [], ()
        return part


class _Once:
    """Of entries that may have come by two lanes, which are sealed already."""

    def __init__(self, marks: Marks, again: Iterable[Line]) -> None:
        self._twofold = {name_of(record_of(line)) for line in again}
        self._sealed: set[str] = set()
        for segment in days.numbered(marks.numbers) if self._twofold else ():
            names = (name_of(json.loads(text)) for text in files.lines_of(segment))
            self._sealed.update(name for name in names if name in self._twofold)

    def leaf(self, line: Line) -> Leaf | None:
        """What is to be sealed of a line, None if its entry is."""
        record = record_of(line)
        if self._twofold and (name := name_of(record)) in self._twofold:
            if name in self._sealed:
                return None
            self._sealed.add(name)
        text = canonical(record)
        return Leaf(rank_of(line.entry), tree.leaf_hash(text), text, line.entry in RATINGS)


def _ends(of_day: date) -> tuple[dict[str, int], set[str]]:
    """The last sequence number of each lane of the Ledger that lies with a day; and the lanes of the reconciliation."""
    ends: dict[str, int] = {}
    for each in segments.stored(of_day.isoformat(), settings().ledger_table):
        lane = _name(each.lane)
        ends[lane] = max(each.last, ends.get(lane, -1))
    mended = {lane for lane in ends if lane.startswith(_MENDED)}
    return {lane: end for lane, end in ends.items() if lane not in mended}, mended


def _news(of_day: date, lane: str, after: int, until: int) -> Iterator[Line]:
    """The lines of a lane behind a sequence number, each once and in order.

    They are listed once more, now that it is known how far they go: a first list, of many pages, may have missed an object that was
    written while it was made, and have what comes behind it.
    """
    listed = segments.stored(of_day.isoformat(), f"{settings().ledger_table}/{lane}")
    for line in segments.read(each for each in listed if each.last > after and each.first <= until):
        if after < line.sequence <= until:
            after = line.sequence
            yield line


def _mended(of_day: date, lanes: Iterable[str]) -> Iterator[Line]:
    under = (f"{settings().ledger_table}/{lane}" for lane in sorted(lanes))
    listed = chain.from_iterable(segments.stored(of_day.isoformat(), each) for each in under)
    return (line for line in segments.read(listed) if _is_of(of_day, line))


def _known(lanes: Iterable[str]) -> str:
    names = "\n".join(sorted(lanes))
    return hashlib.sha256(names.encode()).hexdigest() if names else ""


def _is_of(of_day: date, line: Line) -> bool:
    return is_sealed(line) and home_day(line) == of_day


def _name(lane: str) -> str:
    return lane.removeprefix(f"{settings().ledger_table}/")
