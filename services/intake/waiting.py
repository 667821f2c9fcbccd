"""Waiting: what intake comes back to. Ratings that came before their service event, each message by itself (`nn#round#message`), and,
where policy invites or records defaults, finished services that nobody has rated yet (`U#nn`). All of it by due time.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cloud import due
from cloud.settings import settings
from cloud.table import delete, get, put_new, query
from intake.places import partition
from intake.sealing import LedgerKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cloud.table import Item
    from contract.arrival import Arrival
    from intake.pending import PendingRating

_PARKED, _UNRATED = "parked", "unrated"


class Parked(NamedTuple):
    """A message that waits: who sent it under which id, when it was received, and its sealed original, which is read again in the end."""

    key: LedgerKey
    party: str
    webhook_id: str
    received_at: datetime
    original: bytes

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """The parked message as stored."""
        return cls(
            LedgerKey(item["pk"], item["sk"]),
            item["party"],
            item["webhook_id"],
            datetime.fromisoformat(item["received_at"]),
            item["original"],
        )


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


def hold(rating: PendingRating, arrival: Arrival, original: bytes, until: datetime) -> None:
    """Parks the message of a rating until its event comes, or until that time; a redelivery finds itself there."""
    held = {"party": arrival.party, "webhook_id": arrival.webhook_id, "received_at": arrival.received_at.isoformat(), "original": original}
    put_new(settings().waiting_table, rating.waiting_key._asdict() | held | due.place(_PARKED, rating.message_id, until))


def parked(project_no: str, service_number: int) -> list[Parked]:
    """What waits for this service event, in the order in which it was received."""
    items = query(settings().waiting_table, partition(project_no), sk_prefix=f"{service_number:02}#", consistent=True)
    return sorted(map(Parked.of, items), key=lambda one: (one.received_at, one.key))


def release(key: LedgerKey) -> None:
    """Takes this very message out, if it is there."""
    delete(settings().waiting_table, key._asdict())


def watch(unrated: Unrated, until: datetime) -> None:
    """Comes back to a finished service at that time."""
    item = unrated.key | unrated._asdict() | due.place(_UNRATED, unrated.project_no, until)
    put_new(settings().waiting_table, item)


def unwatch(unrated: Unrated) -> None:
    """Does not come back to it any more."""
    delete(settings().waiting_table, unrated.key)


def overdue_parked(now: datetime) -> Iterator[Item]:
    """The items of parked messages whose time is over, the oldest first within each shard."""
    return _items(due.passed(settings().waiting_table, _PARKED, now))


def overdue_unrated(now: datetime) -> Iterator[Item]:
    """The items of finished services whose time to be rated is over, likewise."""
    return _items(due.passed(settings().waiting_table, _UNRATED, now))


def _items(keys: Iterable[Item]) -> Iterator[Item]:
    """What the index found; it holds the keys alone, since everything else would be written a second time."""
    for key in keys:
        if item := get(settings().waiting_table, {"pk": key["pk"], "sk": key["sk"]}):
            yield item
