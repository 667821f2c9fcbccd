"""Waiting: ratings that came before their service event, each message by itself."""

from __future__ import annotations

from typing import NamedTuple

from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import marshal, put_new, query
from intake.entries import PendingRating, partition


class Parked(NamedTuple):
    """A rating that waits, and the sealed original of its message."""

    rating: PendingRating
    original: bytes


def hold(rating: PendingRating, original: bytes) -> None:
    """Parks the rating; a redelivery finds itself there."""
    put_new(settings().waiting_table, rating.waiting_item(original))


def parked(project_no: str, service_number: int) -> list[Parked]:
    """The ratings that wait for this service event, in the order in which they were received."""
    items = query(settings().waiting_table, partition(project_no), sk_prefix=f"{service_number:02}#", consistent=True)
    found = [Parked(PendingRating.model_validate(item), item["original"]) for item in items]
    return sorted(found, key=lambda one: (one.rating.received_at, one.rating.message_id))


def release(rating: PendingRating) -> None:
    """Takes this very message out, if it is there."""
    dynamodb().delete_item(TableName=settings().waiting_table, Key=marshal(rating.waiting_key._asdict()))
