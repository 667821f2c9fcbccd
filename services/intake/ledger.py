"""The Ledger: insert-only. Nothing here updates or deletes, and no role could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.settings import settings
from cloud.table import put_new, query
from intake.admission import Holder, Outcome, Project
from intake.entries import EventEntry, RatingEntry, partition

if TYPE_CHECKING:
    from collections.abc import Mapping


def project(project_no: str) -> Project:
    """What is held of a case file, read consistently: one read, whatever the history of the province."""
    return Project.of(query(settings().ledger_table, partition(project_no), consistent=True))


def insert_event(entry: EventEntry) -> Outcome:
    """Accepted or duplicate. Raises Refused (`event_contradicted`) if the event was reported before with other facts."""
    return _insert(entry.item(), "event_contradicted")


def insert_rating(entry: RatingEntry) -> Outcome:
    """Accepted or duplicate. Raises Refused (`already_rated`) if the service has a rating with other content."""
    return _insert(entry.item(), "already_rated")


def _insert(item: Mapping[str, Any], otherwise: str) -> Outcome:
    # One conditional put, not a transaction: half the price, and the key alone refuses a second rating.
    taken = put_new(settings().ledger_table, item)
    if taken is None:
        return Outcome.ACCEPTED
    return Holder.of(taken).meets(item["message_id"], item["fingerprint"], otherwise)
