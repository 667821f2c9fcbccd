"""Tells of what was sealed and closed. What a run that was killed left untold the next one tells, by the same ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import bus
from contract.events import LedgerDayClosed, LedgerSegmentSealed, event_id
from notify.sealed import days, files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from notify.sealed.days import Day, Head, Segment


def tell(head: Head) -> Head:
    """Tells of everything that has not been told, and puts the documents of closed days; the head that says so, yet to be noted."""
    number, told_day = head.told_number, head.told_day
    if head.number > number:
        sealed = list(days.dated_segments_after(number))
        bus.publish([_sealed(segment, at) for segment, at in sealed])
        number = sealed[-1][0].number
    for day, at in _closed(told_day) if head.last_closed != told_day else ():
        files.write_day(day)
        bus.publish([_day_closed(day, at)])
        told_day = day.ledger_day
    return head.model_copy(update={"told_number": number, "told_day": told_day})


def _closed(after: date | None) -> Iterator[tuple[Day, datetime]]:
    while found := days.dated_days(after):
        yield from found
        after = found[-1][0].ledger_day


def _sealed(segment: Segment, at: datetime) -> LedgerSegmentSealed:
    return LedgerSegmentSealed(event_id=event_id("LedgerSegmentSealed", str(segment.number)), happened_at=at, **dict(segment))


def _day_closed(day: Day, at: datetime) -> LedgerDayClosed:
    said = day.model_dump(exclude={"first_number"})
    return LedgerDayClosed(event_id=event_id("LedgerDayClosed", day.ledger_day.isoformat()), happened_at=at, **said)
