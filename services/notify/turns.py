"""Whose turn it is: for a subscriber that wants the events of a case in order, each has a mark until it was taken.

`O#subscription#subject` / order and event id, in the Deliveries table. The marks are put before the messages are sent, and the messages
come a few seconds later, so that of two events that were told together the earlier has its mark when the later comes. One that is told
later than that comes late, and says so by its `order`.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from cloud.settings import settings
from cloud.table import delete, put, search
from notify.cursor import subject_of
from notify.deliveries import expiry

if TYPE_CHECKING:
    from notify.delivery import Delivery
    from notify.subscription import Subscription

SECONDS = 5
"""How long messages of ordered deliveries wait for their siblings' marks."""


def applies(subscriber: Subscription, event: dict[str, Any]) -> bool:
    """Whether an event has its turn: it is one of a case, and the subscriber wants these in order."""
    return subscriber.in_order and "order" in event["data"]


def mark(delivery: Delivery, event: dict[str, Any]) -> None:
    """Puts the mark of an event that is to be delivered. One write."""
    row = {"pk": _of(delivery.subscription, event), "sk": _key(event), "shard": delivery.shard, "position": delivery.position}
    put(settings().deliveries_table, row | {"expires_at": expiry()})


class Turn(Enum):
    """Whether an event may be handed over: it is the first of its case, it waits for an earlier one, or it was taken before."""

    NOW = auto()
    LATER = auto()
    DONE = auto()


def turn_of(subscription: str, event: dict[str, Any]) -> Turn:
    """Whose turn it is. One read."""
    first = _first(subscription, event)
    if first is None or str(first["sk"]) > _key(event):
        return Turn.DONE
    return Turn.NOW if first["sk"] == _key(event) else Turn.LATER


def done(subscription: str, event: dict[str, Any]) -> dict[str, Any] | None:
    """Takes the mark away, since the event was taken or given up; the mark whose turn it is now, if there is one."""
    delete(settings().deliveries_table, {"pk": _of(subscription, event), "sk": _key(event)})
    return _first(subscription, event)


def event_of(mark: dict[str, Any]) -> str:
    """The id of the event that a mark is of."""
    return str(mark["sk"]).partition("#")[2]


def _first(subscription: str, event: dict[str, Any]) -> dict[str, Any] | None:
    marks = search(
        settings().deliveries_table, "pk = :pk", {":pk": _of(subscription, event)}, ConsistentRead=True, PaginationConfig={"MaxItems": 1}
    )
    return next(marks, None)


def _of(subscription: str, event: dict[str, Any]) -> str:
    return f"O#{subscription}#{subject_of(event)}"


def _key(event: dict[str, Any]) -> str:
    return f"{event['data']['order']:06}#{event['id']}"
