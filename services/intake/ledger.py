"""The Ledger: insert-only. Nothing here updates or deletes, and no role could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import absent, put_new, put_of, query, unmarshal
from intake.admission import Holder, Outcome, Project
from intake.places import default_key, partition, rating_key, survey_partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cloud.table import Item
    from intake.entries import EventEntry, FreestandingEntry, RatingEntry
    from intake.sealing import LedgerKey


class Moved(Exception):
    """A rating and a default of one service met at the same moment; whoever lost looks again."""


def project(project_no: str) -> Project:
    """What is held of a case file, read consistently: one read, whatever the history of the province."""
    return Project.of(query(settings().ledger_table, partition(project_no), consistent=True))


def insert_event(entry: EventEntry) -> Outcome:
    """Accepted or duplicate. Raises Refused (`event_contradicted`) if the event was reported before with other facts."""
    return _insert(entry.item(), "event_contradicted")


def insert_rating(entry: RatingEntry) -> Outcome:
    """Accepted or duplicate. Raises Refused (`already_rated`) if the service has a rating with other content."""
    return _insert(entry.item(), "already_rated")


def insert_freestanding(entry: FreestandingEntry, key: LedgerKey) -> Outcome:
    """Accepted or duplicate. Raises Refused (`already_rated`) if the party gave this reference to a rating with other content."""
    return _insert(entry.item(key), "already_rated")


def insert_beside_default(entry: RatingEntry) -> Outcome:
    """The same where policy records defaults, for a first rating that saw no default, and for a default that saw no rating.

    Each is put on condition that the other one is still not there. Raises Moved if it came in between: whoever lost looks again.
    """
    is_default = entry.provenance == "DEFAULT"
    first, default = rating_key(entry.project_no, entry.service_number, 1), default_key(entry.project_no, entry.service_number)
    other = absent(settings().ledger_table, (first if is_default else default)._asdict())
    put = put_of(settings().ledger_table, entry.item())
    put["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    try:
        dynamodb().transact_write_items(TransactItems=[put, other])
    except dynamodb().exceptions.TransactionCanceledException as cancelled:
        reasons = cancelled.response.get("CancellationReasons", [])
        if reasons and reasons[0].get("Code") == "ConditionalCheckFailed":
            return _beside(unmarshal(reasons[0].get("Item", {})), entry.item(), "already_rated")
        if {reason.get("Code") for reason in reasons} & {"ConditionalCheckFailed", "TransactionConflict"}:
            raise Moved from cancelled
        raise
    return Outcome.ACCEPTED


def mark(item: Mapping[str, Any]) -> bool:
    """Puts a mark beside a rating or service event. True if this very event put it, now or before; False if another one holds its key."""
    taken = put_new(settings().ledger_table, item)
    return taken is None or bool(taken["event_id"] == item["event_id"])


def _insert(item: Mapping[str, Any], otherwise: str) -> Outcome:
    # One conditional put, not a transaction: half the price, and the key alone refuses a second rating.
    taken = put_new(settings().ledger_table, item)
    return Outcome.ACCEPTED if taken is None else _beside(taken, item, otherwise)


def _beside(taken: Mapping[str, Any], item: Mapping[str, Any], otherwise: str) -> Outcome:
    return Holder.of(taken).meets(item["message_id"], item["fingerprint"], otherwise)


def of_survey(survey: str, sk_prefix: str) -> Iterator[Item]:
    """What is held of a supervisory check under a prefix: its draw, what was drawn, its answers."""
    return query(settings().ledger_table, survey_partition(survey), sk_prefix=sk_prefix, consistent=True)
