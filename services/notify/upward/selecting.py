"""What of the Ledger is reported to a level above: by kind, region and item, never by how good a rating is."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cloud import registry
from contract.codes import Level, RatingKind
from contract.identifiers import lies_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloud.registry import Upstream
    from notify.upward.encoding import CaseResult
    from notify.upward.profile import UpstreamProfile

SectionName = Literal["event", "rating", "case"]

_OF_A_SERVICE = {RatingKind.VISIT, RatingKind.MATTER}


class Record(NamedTuple):
    """A record to report: its name in the receipts, its kind, the day it lies with, and by what intake knows it (`asked`).

    One that waits says how often it was tried, and when for the first time.
    """

    ref: str
    section: SectionName
    day: date
    asked: str
    level: Level | None = None
    case: CaseResult | None = None
    tries: int = 0
    first_at: datetime | None = None


class Judged(NamedTuple):
    """A record of the level's regions, and whether it is meant to be reported there."""

    record: Record
    is_meant: bool


class Items:
    """What Registry says of items, each asked for once in a run: lines come in the order of hashes, so that its own cache helps little."""

    def __init__(self) -> None:
        self._self_built: dict[tuple[str, str], bool] = {}

    def are_self_built(self, item: Mapping[str, Any], on: str) -> bool:
        """Whether the item (handling item or task code) is the place's own on that day."""
        return any(self._is_self_built(code, on) for code in (item.get("handle_item_code"), item.get("task_code")) if code)

    def _is_self_built(self, code: str, on: str) -> bool:
        if (code, on) not in self._self_built:
            held = registry.find("item", code, date.fromisoformat(on))
            self._self_built[code, on] = bool(held and held.get("self_built"))
        return self._self_built[code, on]


def judge(line: Mapping[str, Any], upstream: Upstream, profile: UpstreamProfile, day: date, items: Items) -> Judged | None:
    """What a line of the sealed Ledger is to a level above, None if it is nothing (of another region, or no service and no rating).

    Not meant to be reported are self-built items, ratings bound to no service, defaults where the profile takes none, and kinds of
    records for which it has no format.
    """
    kind = line["entry"]
    if kind not in {"E", "R", "D"} or not lies_within(line["region_code"], upstream.regions):
        return None
    if kind == "E":
        ref = f"E#{line['event_ref']}#{line['status']}"
        return Judged(Record(ref, "event", day, ref), profile.event is not None and not items.are_self_built(line, line["day"]))
    ref = f"{kind}#{line['rating_id']}"
    record = Record(ref, "rating", day, ref, Level(line["level"]))
    takes = profile.rating is not None and line["kind"] in _OF_A_SERVICE and (kind == "R" or profile.reports_defaults)
    return Judged(record, takes and not items.are_self_built(line, line["day"]))


def is_self_built(item: Mapping[str, Any], on: str) -> bool:
    """Whether Registry says on that day that the item (handling item or task code) is the place's own."""
    return Items().are_self_built(item, on)
