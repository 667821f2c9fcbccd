"""Whether every bad rating has its case (design, 6.12), and whether the open deadlines are of the calendar as it is known now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cloud import queue, segments
from cloud.settings import settings
from contract.codes import RatingKind
from contract.events import BadRatingAccepted, event_id
from contract.ledger import RatingFacts
from policy import calendar
from rectify import cases
from rectify.naming import case_id_of
from rectify.orders import Recount, TakeFollowUp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from cloud.segments import Line

_GROUP = 100


class Reconciled(NamedTuple):
    """What a day holds: how many bad ratings must have led to something, and which of them have not (rating ids)."""

    bad: int
    missing: list[str]


def reconcile(day: date) -> Reconciled:
    """Compares the bad ratings of a day, as its segments hold them, with the cases. Each that is missing is announced again."""
    bad, missing = 0, []
    for group in _groups(filter(None, map(_bad_rating, segments.entries_of(day.isoformat())))):
        bad += len(group)
        lacking = list(_without_case(group))
        queue.send_all(settings().rectify_inbox_url, map(_announcement, lacking))
        missing += [told.rating.rating_id for told in lacking]
    return Reconciled(bad, missing)


def _bad_rating(line: Line) -> BadRatingAccepted | None:
    """What was announced of an entry, if it had to lead to something. A default and a supervisory check open no case."""
    if line.entry != "R":
        return None
    rating = RatingFacts.model_validate(line.facts)
    if not rating.level.is_bad or rating.kind is RatingKind.SUPERVISION:
        return None
    told = {name: line.facts.get(name) for name in ("receipt_sha256", "follows")}
    return BadRatingAccepted(
        event_id=event_id("BadRatingAccepted", rating.rating_id), happened_at=rating.received_hour, rating=rating, **told
    )


def _without_case(group: list[BadRatingAccepted]) -> Iterator[BadRatingAccepted]:
    keys = {told.rating.rating_id: _key_of(told) for told in group}
    there = cases.known(keys.values())
    return (told for told in group if keys[told.rating.rating_id] not in there)


def _key_of(told: BadRatingAccepted) -> tuple[str, str]:
    """What a bad rating leaves in the table: its case, or that its follow-up was taken."""
    if told.follows is None:
        return case_id_of(told.rating.rating_id), "STATE"
    follow_up = TakeFollowUp(case_id=case_id_of(told.follows), rating=told.rating)
    return follow_up.case_id, f"C#{follow_up.command_id}"


def _announcement(told: BadRatingAccepted) -> str:
    return json.dumps({"detail-type": "BadRatingAccepted", "detail": told.plain()}, ensure_ascii=False)


def _groups(told: Iterable[BadRatingAccepted]) -> Iterator[list[BadRatingAccepted]]:
    group: list[BadRatingAccepted] = []
    for one in told:
        group.append(one)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def recount_calendar() -> int:
    """If the calendar is another than the last time: has every open case work out its deadlines anew; how many were asked."""
    version = calendar.version()
    if cases.calendar() == version:
        return 0
    orders = (Recount(case_id=case_id, calendar=version).model_dump_json() for case_id in cases.open_ids())
    asked = queue.send_all(settings().rectify_inbox_url, orders)
    cases.set_calendar(version)
    return asked
