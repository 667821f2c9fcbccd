"""What became of bad ratings, out of the feed: how a case ended, that a rating does not count, or does again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.identifiers import lies_within
from contract.zone import day_of
from notify import feed
from notify.cursor import SHARDS, Cursor
from notify.upward.encoding import CaseResult
from notify.upward.selecting import Record, is_self_built

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from cloud.registry import Upstream

_PAGE = 500


class Found(NamedTuple):
    """The results among some events of the feed, and the place behind these; `more` says whether there was more."""

    records: list[Record]
    cursor: Cursor
    more: bool


def after(cursor: Cursor, upstream: Upstream) -> Found:
    """The next results that are to be reported to a level above."""
    page = feed.page(cursor, _PAGE)
    return Found([record for event in page.events if (record := record_of(event, upstream))], page.cursor, page.more)


def record_of(event: dict[str, Any], upstream: Upstream) -> Record | None:
    """The record of a CloudEvent, None if it is no result of the level's regions since the day from which it is told.

    What a self-built item's case came to is known only with its service event (`is_of_own_item`), unless the event says the item.
    """
    result = result_of(event)
    if result is None or not lies_within(_place(event)["region_code"], upstream.regions):
        return None
    day = day_of(result.happened_at)
    if day < upstream.since or is_self_built(_place(event), day.isoformat()):
        return None
    return Record(f"C#{event['id']}", "case", day, f"R#{result.rating_id}", case=result)


def find(event_id: str, upstream: Upstream) -> Record | None:
    """The record of an event by its id."""
    event = feed.find(event_id)
    return record_of(event, upstream) if event else None


def result_of(event: dict[str, Any]) -> CaseResult | None:
    """What a CloudEvent says became of a rating, None if it says nothing of that."""
    said, kind = event["data"], event["type"].partition(".")[0]
    result = {"CaseClosed": said.get("closure"), "AppealGranted": "COUNTS_NOT", "AppealOverturned": "COUNTS_AGAIN"}.get(kind)
    if result is None:
        return None
    rating_id = _place(event)["rating_id"]
    return CaseResult(case_id=said["case_id"], rating_id=rating_id, result=result, happened_at=datetime.fromisoformat(said["happened_at"]))


def of_days(first: date, last: date, upstream: Upstream) -> Iterator[dict[str, Any]]:
    """The events with results of these days (Asia/Shanghai) and of the level's regions, as the feed holds them: kept here for later."""
    for shard in range(SHARDS):
        for event in feed.entries(shard):
            result = result_of(event)
            if result and first <= day_of(result.happened_at) <= last and lies_within(_place(event)["region_code"], upstream.regions):
                yield event


def _place(event: dict[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = event["data"].get("rating") or event["data"]
    return place
