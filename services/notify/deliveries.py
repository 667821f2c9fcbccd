"""The Deliveries table: what became of each event for each subscriber, and what is to be tried again.

`S#subscription` / event id: the last try, its answer, and the state. What waits stands in the index `due` under `WAITING#subscription` by
the time of its next try, what was given up under `SET_ASIDE#subscription`. Rows end by themselves after 400 days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud import clock
from cloud.clients import dynamodb
from cloud.due import stamp
from cloud.settings import settings
from cloud.table import condition_held, delete, get, marshal, put, query, search, unmarshal
from contract.codes import DeliveryState
from notify.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloud.table import Item
    from notify.delivery import Answer

_KEPT = timedelta(days=400)
# What was delivered before this delivery began (it is a replay) does not stand in its way.
_NOT_DELIVERED = "attribute_not_exists(pk) OR #state <> :delivered OR #at <= :since"


class Row(NamedTuple):
    """What became of an event for a subscriber. `at` is the last try, `due_at` the next one, `answer` a status or an error."""

    subscription: str
    event_id: str
    state: DeliveryState
    shard: int
    position: int
    tries: int
    first_at: datetime
    at: datetime
    answer: str
    milliseconds: int
    due_at: datetime | None

    def plain(self) -> dict[str, Any]:
        """As it is answered: instants in UTC, a place of the feed as `shard.position`."""
        return {
            "event_id": self.event_id,
            "state": self.state.value,
            "tries": self.tries,
            "first_at": stamp(self.first_at),
            "at": stamp(self.at),
            "answer": self.answer,
            "milliseconds": self.milliseconds,
        } | ({"due_at": stamp(self.due_at)} if self.due_at else {})


def expiry() -> int:
    """When a row that is written now ends by itself, in seconds since 1970."""
    return int((clock.now() + _KEPT).timestamp())


def again(row: Row, *, probe: bool = False) -> Delivery:
    """Another try of what waits."""
    known = row._asdict()
    return Delivery(**{name: known[name] for name in known.keys() & Delivery.model_fields.keys()}, probe=probe)


# ---------------------------------------------------------------- writing


def delivered(delivery: Delivery, answer: Answer) -> None:
    """Notes that the subscriber took the event. One write."""
    put(settings().deliveries_table, _item(_tried(delivery, answer), DeliveryState.DELIVERED))


def wait(delivery: Delivery, due_at: datetime, answer: Answer | None = None) -> bool:
    """Notes that the event is to be tried (again) at that time; with an answer, that it was tried. False if it was delivered meanwhile."""
    row = _tried(delivery, answer) if answer else _of(delivery)
    return _put_unless_delivered(_item(row, DeliveryState.WAITING) | _in_index(DeliveryState.WAITING, row.subscription, due_at))


def drop(delivery: Delivery) -> None:
    """Forgets that an event waits, since it is no business of its subscriber any more; that it was delivered stays known."""
    row = find(delivery.subscription, delivery.event_id)
    if row and row.state is DeliveryState.WAITING:
        delete(settings().deliveries_table, {"pk": f"S#{row.subscription}", "sk": row.event_id})


def set_aside(row: Row) -> bool:
    """Gives the event up: it waits for somebody to ask for it once more. False if it was delivered meanwhile."""
    index = _in_index(DeliveryState.SET_ASIDE, row.subscription, clock.now())
    return _put_unless_delivered(_item(row, DeliveryState.SET_ASIDE) | index)


def take(row: Row, until: datetime) -> bool:
    """Takes a waiting event for a try; if nothing comes of that, it is due again at that time. False if somebody else has taken it."""
    request: Any = {
        "TableName": settings().deliveries_table,
        "Key": marshal({"pk": f"S#{row.subscription}", "sk": row.event_id}),
        "UpdateExpression": "SET due_at = :until",
        "ConditionExpression": "#state = :waiting AND due_at = :due",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": marshal(
            {":until": stamp(until), ":waiting": DeliveryState.WAITING.value, ":due": stamp(row.due_at) if row.due_at else ""}
        ),
    }
    return condition_held(lambda: dynamodb().update_item(**request))


def revive(row: Row) -> bool:
    """Lets an event that was set aside be tried again from now on, as if for the first time. False if it is not set aside any more."""
    now = clock.now()
    fresh = row._replace(tries=0, first_at=now)
    index = _in_index(DeliveryState.WAITING, row.subscription, now)
    return _put_unless_delivered(_item(fresh, DeliveryState.WAITING) | index)


def _put_unless_delivered(item: Item) -> bool:
    request: Any = {
        "TableName": settings().deliveries_table,
        "Item": marshal(item),
        "ConditionExpression": _NOT_DELIVERED,
        "ExpressionAttributeNames": {"#state": "state", "#at": "at"},
        "ExpressionAttributeValues": marshal({":delivered": DeliveryState.DELIVERED.value, ":since": item["first_at"]}),
    }
    return condition_held(lambda: dynamodb().put_item(**request))


def _of(delivery: Delivery) -> Row:
    """What is known of a delivery that nothing was tried of now."""
    known = delivery.model_dump(include={"subscription", "event_id", "shard", "position", "tries", "first_at", "answer", "milliseconds"})
    return Row(**known, state=DeliveryState.WAITING, at=clock.now(), due_at=None)


def _tried(delivery: Delivery, answer: Answer) -> Row:
    """The same after a try."""
    return _of(delivery)._replace(tries=delivery.tries + 1, answer=answer.text, milliseconds=answer.milliseconds)


def _item(row: Row, state: DeliveryState) -> Item:
    return {
        "pk": f"S#{row.subscription}",
        "sk": row.event_id,
        "state": state.value,
        "shard": row.shard,
        "position": row.position,
        "tries": row.tries,
        "first_at": stamp(row.first_at),
        "at": stamp(row.at),
        "answer": row.answer,
        "milliseconds": row.milliseconds,
        "expires_at": expiry(),
    }


def _in_index(state: DeliveryState, subscription: str, at: datetime) -> dict[str, str]:
    return {"due_shard": f"{state.value}#{subscription}", "due_at": stamp(at)}


# ---------------------------------------------------------------- reading


def find(subscription: str, event_id: str) -> Row | None:
    """What became of an event for a subscriber, None if nothing is known."""
    item = get(settings().deliveries_table, {"pk": f"S#{subscription}", "sk": event_id})
    return _row(item) if item else None


def due(subscription: str, now: datetime) -> Iterator[Row]:
    """What waits for a subscriber and is due, the oldest first."""
    values = {":pk": f"{DeliveryState.WAITING.value}#{subscription}", ":now": stamp(now)}
    return map(_row, search(settings().deliveries_table, "due_shard = :pk AND due_at <= :now", values, IndexName="due"))


def listed(subscription: str, state: DeliveryState) -> Iterator[Row]:
    """What waits for a subscriber, or was set aside, the earliest first."""
    values = {":pk": f"{state.value}#{subscription}"}
    return map(_row, search(settings().deliveries_table, "due_shard = :pk", values, IndexName="due"))


def page(subscription: str, state: DeliveryState | None, after: str, limit: int) -> tuple[list[Row], str]:
    """Up to `limit` rows of a subscriber behind a place, and the place behind them, empty at the end: what waits or was set aside by its
    time, everything else by event id. One query; where only what was delivered is asked for, a page may hold fewer rows, and go on.
    """
    request: Any = {"TableName": settings().deliveries_table, "Limit": limit} | _asked(subscription, state)
    if after:
        due_at, _, event_id = after.rpartition("~")
        index = {"due_shard": f"{state}#{subscription}", "due_at": due_at} if due_at else {}
        request["ExclusiveStartKey"] = marshal({"pk": f"S#{subscription}", "sk": event_id} | index)
    answer = dynamodb().query(**request)
    last = unmarshal(answer.get("LastEvaluatedKey", {}))
    place = "~".join(filter(None, (last.get("due_at"), last.get("sk"))))
    return [_row(unmarshal(item)) for item in answer["Items"]], place


def _asked(subscription: str, state: DeliveryState | None) -> dict[str, Any]:
    if state in (DeliveryState.WAITING, DeliveryState.SET_ASIDE):
        values = marshal({":pk": f"{state.value}#{subscription}"})
        return {"IndexName": "due", "KeyConditionExpression": "due_shard = :pk", "ExpressionAttributeValues": values}
    condition: dict[str, Any] = {"KeyConditionExpression": "pk = :pk"}
    values = marshal({":pk": f"S#{subscription}"} | ({":state": state.value} if state else {}))
    only = {"FilterExpression": "#state = :state", "ExpressionAttributeNames": {"#state": "state"}} if state else {}
    return condition | only | {"ExpressionAttributeValues": values}


def all_of(subscription: str) -> Iterator[Row]:
    """Everything that is known of a subscriber, in the order of event ids."""
    return map(_row, query(settings().deliveries_table, f"S#{subscription}"))


def _row(item: Item) -> Row:
    due_at = item.get("due_at") if item["state"] == DeliveryState.WAITING else None
    return Row(
        subscription=item["pk"].removeprefix("S#"),
        event_id=item["sk"],
        state=DeliveryState(item["state"]),
        shard=item["shard"],
        position=item["position"],
        tries=item["tries"],
        first_at=datetime.fromisoformat(item["first_at"]),
        at=datetime.fromisoformat(item["at"]),
        answer=item["answer"],
        milliseconds=item["milliseconds"],
        due_at=datetime.fromisoformat(due_at) if due_at else None,
    )
