"""What was sealed and closed, in the Feed table. One run at a time gets through: every step is a transaction on condition of the head.

`LEDGER` / `HEAD`; `LEDGER#SEGMENTS` / number; `LEDGER#DAYS` / day; `LEDGER#MARKS` / counting day: how far its raw segments are sealed.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AwareDatetime, Field

from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import get, put_of, search
from contract.model import Model
from notify.sealed.records import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cloud.table import Item

NOTHING = "0" * 64
"""The `previous` of the first day that is closed."""

_HEAD = {"pk": "LEDGER", "sk": "HEAD"}
_SEGMENTS, _DAYS, _MARKS = "LEDGER#SEGMENTS", "LEDGER#DAYS", "LEDGER#MARKS"
_LAST = "~"  # behind every digit
_OVERTAKEN = {"None", "ConditionalCheckFailed", "TransactionConflict"}


class Overtaken(Exception):
    """Another run has sealed or closed something in between."""


class Segment(Model):
    """A sealed file. What each field says is said of the event `LedgerSegmentSealed`."""

    number: Annotated[int, Field(ge=1)]
    ledger_day: date
    of_day: date
    key: str
    bytes: int
    entries: int
    ratings: int
    first: str
    last: str
    sha256: str
    root: str


class Day(Model):
    """A closed day of the Ledger: how many segments, the first of them, the root over their roots, and the chain. See `LedgerDayClosed`."""

    ledger_day: date
    first_number: int | None = None
    segments: int
    entries: int
    ratings: int
    root: str
    previous: str
    sha256: str

    def document(self) -> bytes:
        """What `sha256` is the hash of."""
        return canonical({name: value for name, value in self.plain().items() if name != "sha256"})


class Head(Model):
    """How far the whole is: the last segment, the first day that is not closed, the `sha256` of the day before it, what has been told.

    `open` are the segments that lie with each day that is not closed; `sealed_at` is when the last run began that left nothing behind.
    """

    version: int = 0
    number: int = 0
    open_day: date | None = None
    previous: str = NOTHING
    open: dict[date, tuple[int, ...]] = Field(default_factory=dict)
    told_number: int = 0
    told_day: date | None = None
    sealed_at: AwareDatetime | None = None

    @property
    def last_closed(self) -> date | None:
        """The last day that is closed, None if none is."""
        return self.open_day - timedelta(days=1) if self.open_day and self.previous != NOTHING else None


class Marks(Model):
    """How far the raw segments of a counting day are sealed: the last sequence number of each lane, and which segments came of them.

    `mended` is a hash over the lanes that the monthly reconciliation wrote, each of which holds one entry.
    """

    of_day: date
    lanes: dict[str, int] = Field(default_factory=dict)
    mended: str = ""
    numbers: tuple[int, ...] = ()

    def moved(self, lanes: dict[str, int], mended: str, segment: Segment | None) -> Marks:
        """The marks after so much of the lanes, and the segment that came of it, if any."""
        numbers = (*self.numbers, segment.number) if segment else self.numbers
        return Marks(of_day=self.of_day, lanes=lanes, mended=mended, numbers=numbers)


# ---------------------------------------------------------------- reading


def head() -> Head:
    """How far it is; of a new stack, nothing."""
    item = get(settings().feed_table, _HEAD)
    return Head.model_validate_json(item["head"]) if item else Head()


def marks(of_day: date) -> Marks:
    """How far a counting day is sealed."""
    item = get(settings().feed_table, {"pk": _MARKS, "sk": of_day.isoformat()})
    return Marks.model_validate_json(item["marks"]) if item else Marks(of_day=of_day)


def segment(number: int) -> Segment | None:
    """The segment of this number, None if there is none."""
    return next(iter(numbered((number,))), None)


def numbered(numbers: Iterable[int]) -> list[Segment]:
    """The segments of these numbers that there are, ascending."""
    return [_segment(row) for first, last in _runs(numbers) for row in _rows(_SEGMENTS, _place(first), _place(last))]


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of neighbours: the segments of a day nearly all are."""
    for _, run in groupby(enumerate(sorted(numbers)), lambda placed: placed[1] - placed[0]):
        found = [number for _, number in run]
        yield found[0], found[-1]


def segments_after(number: int) -> Iterator[Segment]:
    """Every segment with a greater number, ascending."""
    return (segment for segment, _ in dated_segments_after(number))


def dated_segments_after(number: int) -> Iterator[tuple[Segment, datetime]]:
    """The same with when each was sealed."""
    return ((_segment(row), _at(row)) for row in _rows(_SEGMENTS, _place(number + 1)))


def segments_of(day: date) -> list[Segment]:
    """The segments that lie with a day of the Ledger, closed or not, ascending."""
    # In this order: a day that is closed in between is found as closed.
    still_open = head().open.get(day)
    if still_open is not None:
        return numbered(still_open)
    row = _day_row(day)
    return numbered(row["numbers"]) if row else []


def day(day: date) -> Day | None:
    """A closed day, None if it is not closed."""
    row = _day_row(day)
    return _day(row) if row else None


def days(after: date | None = None, limit: int = 100) -> list[Day]:
    """Closed days, ascending: up to so many behind a day, or from the first."""
    return [day for day, _ in dated_days(after, limit)]


def dated_days(after: date | None = None, limit: int = 100) -> list[tuple[Day, datetime]]:
    """The same with when each was closed."""
    found: list[tuple[Day, datetime]] = []
    for row in _rows(_DAYS, f"{after.isoformat()}{_LAST}" if after else ""):
        if len(found) == limit:
            break
        found.append((_day(row), _at(row)))
    return found


def _rows(pk: str, first: str, last: str = _LAST) -> Iterator[Item]:
    values = {":pk": pk, ":start": first or "0", ":last": last}
    return search(settings().feed_table, "pk = :pk AND sk BETWEEN :start AND :last", values, ConsistentRead=True)


def _day_row(day: date) -> Item | None:
    return get(settings().feed_table, {"pk": _DAYS, "sk": day.isoformat()})


def _segment(row: Item) -> Segment:
    return Segment.model_validate({name: row[name] for name in Segment.model_fields})


def _day(row: Item) -> Day:
    return Day.model_validate({name: row[name] for name in Day.model_fields if name in row})


def _at(row: Item) -> datetime:
    return datetime.fromisoformat(row["at"])


def _place(number: int) -> str:
    return f"{number:09}"


# ---------------------------------------------------------------- writing


def note(head: Head) -> Head:
    """Moves the head alone. Raises Overtaken."""
    return _commit(head)


def add(head: Head, marks: Marks, segment: Segment | None, at: datetime) -> Head:
    """Moves the marks of a counting day, with the segment that came of it, if any. Raises Overtaken."""
    if segment is None:
        return _commit(head, _marks_row(marks))
    lying = (*head.open.get(segment.ledger_day, ()), segment.number)
    moved = head.model_copy(
        update={
            "number": segment.number,
            "open_day": head.open_day or segment.ledger_day,
            "open": head.open | {segment.ledger_day: lying},
        }
    )
    row = {"pk": _SEGMENTS, "sk": _place(segment.number), "at": at.isoformat(), **segment.plain()}
    return _commit(moved, _marks_row(marks), put_of(settings().feed_table, row))


def close(head: Head, day: Day, next_day: date, at: datetime) -> Head:
    """Closes a day, with the segments that lie with it. Raises Overtaken."""
    numbers = head.open.get(day.ledger_day, ())
    still_open = {one: of_day for one, of_day in head.open.items() if one != day.ledger_day}
    moved = head.model_copy(update={"open_day": next_day, "previous": day.sha256, "open": still_open})
    row = {"pk": _DAYS, "sk": day.ledger_day.isoformat(), "at": at.isoformat(), "numbers": list(numbers), **day.plain()}
    return _commit(moved, put_of(settings().feed_table, row))


def _marks_row(marks: Marks) -> Any:
    row = {"pk": _MARKS, "sk": marks.of_day.isoformat(), "marks": marks.model_dump_json()}
    return put_of(settings().feed_table, row, "")


def _commit(head: Head, *further: Any) -> Head:
    """The head with a new version, if it still has the one it was read with."""
    moved = head.model_copy(update={"version": head.version + 1})
    row = _HEAD | {"version": moved.version, "head": moved.model_dump_json()}
    condition = ("version = :version", {":version": head.version}) if head.version else ()
    try:
        dynamodb().transact_write_items(TransactItems=[put_of(settings().feed_table, row, *condition), *further])
    except dynamodb().exceptions.TransactionCanceledException as cancelled:
        if {reason.get("Code") for reason in cancelled.response["CancellationReasons"]} <= _OVERTAKEN:
            raise Overtaken from None
        raise
    return moved
