"""Records of a table's stream, and the lane they came through (design, 6.4)."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cloud.clients import sqs
from cloud.settings import settings
from cloud.table import unmarshal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


# What a function with a tumbling window answers; nothing is carried from one batch to the next.
DONE: dict[str, Any] = {"state": {}}


class NoLane(Exception):
    """The event names no shard, so that no exact count can be kept; only a local stack may go on (parameter SingleLane)."""


class Altered(ValueError):
    """An entry was changed or removed, which nothing of ours does."""


class StreamRecord(NamedTuple):
    """One change of a table. `new` is the item as written; `created` is in seconds since 1970."""

    operation: str
    pk: str
    sk: str
    sequence: int
    created: int
    new: dict[str, Any]


def table_of(event: dict[str, Any]) -> str:
    """The name of the table whose stream this batch comes from."""
    arn: str = event["Records"][0]["eventSourceARN"]
    return arn.split("/")[1]


def lane_of(event: dict[str, Any]) -> str:
    """`<table>/<shardId>`. Raises NoLane without a shardId, except on a local stack with a single lane."""
    shard = event.get("shardId") or ("single" if settings().single_lane else None)
    if shard is None:
        raise NoLane("the event carries no shardId: the mapping needs a tumbling window")
    return f"{table_of(event)}/{shard}"


def parse(raw: dict[str, Any]) -> StreamRecord:
    """A record as it comes in an event."""
    change = raw["dynamodb"]
    keys = unmarshal(change["Keys"])
    return StreamRecord(
        operation=raw["eventName"],
        pk=keys["pk"],
        sk=keys["sk"],
        sequence=int(change["SequenceNumber"]),
        created=int(change["ApproximateCreationDateTime"]),
        new=unmarshal({name: _decoded(value) for name, value in change.get("NewImage", {}).items()}),
    )


def _decoded(value: dict[str, Any]) -> dict[str, Any]:
    """In an event a binary is base64 text, unlike in the answer of a call."""
    return {"B": base64.b64decode(value["B"])} if "B" in value else value


def made(event: dict[str, Any], make: Callable[[StreamRecord], T]) -> Iterator[T]:
    """What is made of each record, in order.

    One of which nothing can be made, since it is not what it should be (`make` raises ValueError, KeyError, TypeError, AttributeError or
    OverflowError), is set aside by its key, and its lane goes on. Anything else that is raised stops the lane, and the batch comes again.
    """
    return made_of(map(parse, event["Records"]), table_of(event), make)


def made_of(records: Iterable[StreamRecord], table: str, make: Callable[[StreamRecord], T]) -> Iterator[T]:
    """The same of records of this table that were parsed before."""
    for record in records:
        try:
            yield make(record)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            _set_aside(record, table, type(error).__name__)


def inserted(record: StreamRecord) -> StreamRecord:
    """The record itself. Raises Altered unless it is a new item: entries are never changed or removed."""
    if record.operation != "INSERT":
        raise Altered(record.operation)
    return record


def _set_aside(record: StreamRecord, table: str, reason: str) -> None:
    """Keeps the key of the record, never its content, in the set-aside queue, which alarms."""
    set_aside({"table": table, "pk": record.pk, "sk": record.sk, "sequence": str(record.sequence), "reason": reason})


def set_aside(note: dict[str, str]) -> None:
    """Keeps a note of what a lane went on without, in the queue that alarms; keys only, never a content."""
    sqs().send_message(QueueUrl=settings().set_aside_url, MessageBody=json.dumps(note))
