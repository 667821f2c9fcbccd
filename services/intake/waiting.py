"""Waiting: what intake comes back to. Ratings that came before their service event, each message by itself (`nn#round#message`), and,
where policy invites or records defaults, finished services that nobody has rated yet (`U#nn`). All of it by due time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cloud import due
from cloud.settings import settings
from cloud.table import delete, put_new, query
from intake.pending import PendingRating
from intake.places import partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from cloud.table import Item

_PARKED, _UNRATED = "parked", "unrated"


class Parked(NamedTuple):
    """A rating that waits, and the sealed original of its message."""

    rating: PendingRating
    original: bytes

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """The parked rating as stored."""
        return cls(PendingRating.model_validate(item), item["original"])


class Unrated(NamedTuple):
    """A finished service whose time to be rated runs out."""

    project_no: str
    service_number: int

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """The service as stored."""
        return cls(item["project_no"], item["service_number"])

    @property
    def key(self) -> dict[str, str]:
        """The key in Waiting."""
        return {"pk": partition(self.project_no), "sk": f"U#{self.service_number:02}"}


def hold(rating: PendingRating, original: bytes, until: datetime) -> None:
    """Parks the rating until its event comes, or until that time; a redelivery finds itself there."""
    place = due.place(_PARKED, rating.message_id, until)
    put_new(settings().waiting_table, rating.waiting_item(original) | place)


def parked(project_no: str, service_number: int) -> list[Parked]:
    """The ratings that wait for this service event, in the order in which they were received."""
    items = query(settings().waiting_table, partition(project_no), sk_prefix=f"{service_number:02}#", consistent=True)
    return sorted(map(Parked.of, items), key=lambda one: (one.rating.received_at, one.rating.message_id))


def release(rating: PendingRating) -> None:
    """Takes this very message out, if it is there."""
    delete(settings().waiting_table, rating.waiting_key._asdict())


def watch(unrated: Unrated, until: datetime) -> None:
    """Comes back to a finished service at that time."""
    item = unrated.key | unrated._asdict() | due.place(_UNRATED, unrated.project_no, until)
    put_new(settings().waiting_table, item)


def unwatch(unrated: Unrated) -> None:
    """Does not come back to it any more."""
    delete(settings().waiting_table, unrated.key)


def overdue_parked(now: datetime) -> Iterator[Item]:
    """The items of parked ratings whose time is over, the oldest first within each shard; `Parked.of` reads them."""
    return due.passed(settings().waiting_table, _PARKED, now)


def overdue_unrated(now: datetime) -> Iterator[Item]:
    """The items of finished services whose time to be rated is over, likewise; `Unrated.of` reads them."""
    return due.passed(settings().waiting_table, _UNRATED, now)
