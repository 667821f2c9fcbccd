"""Waiting: ratings that came before their service event."""

from __future__ import annotations

from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import marshal, put_new, query
from intake.admission import Holder
from intake.entries import PendingRating, partition, waiting_key


def hold(rating: PendingRating) -> None:
    """Parks the rating; a copy of it may be there already. Raises Refused (`already_rated`) if another one is parked under its key."""
    taken = put_new(settings().waiting_table, rating.waiting_item())
    if taken is not None:
        Holder.of(taken).meets(rating.message_id, rating.fingerprint, "already_rated")


def parked(project_no: str, service_number: int) -> list[PendingRating]:
    """The ratings that wait for this service event."""
    items = query(settings().waiting_table, partition(project_no), sk_prefix=f"{service_number:02}#", consistent=True)
    return [PendingRating.model_validate(item) for item in items]


def release(rating: PendingRating) -> None:
    """Takes this very rating out, if it is there; one that another message parked stays."""
    key = waiting_key(rating.key)._asdict()
    try:
        dynamodb().delete_item(
            TableName=settings().waiting_table,
            Key=marshal(key),
            ConditionExpression="message_id = :mine",
            ExpressionAttributeValues=marshal({":mine": rating.message_id}),
        )
    except dynamodb().exceptions.ConditionalCheckFailedException:
        return
