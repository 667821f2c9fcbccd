"""The Feed table: `F#shard` / position, one transaction per event appends the entry, its `E#event_id` marker and moves the head.

Whoever has seen position n of a shard has seen everything before it; a cursor is the vector of positions.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import get, put_of, query

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARDS = 4
_HEAD = "HEAD"
_TRIES = 8


class HeadMoved(Exception):
    """Others kept appending to the shard; the queue hands the event over again."""


def append(cloud_event: dict[str, Any]) -> bool:
    """Appends an event that is not in the feed yet; False if it was there. Raises HeadMoved."""
    shard = f"F#{zlib.crc32(cloud_event['id'].encode()) % SHARDS}"
    for _ in range(_TRIES):
        codes = _try(shard, _head(shard), cloud_event)
        if not codes:
            return True
        if codes[0] == "ConditionalCheckFailed":
            return False
    raise HeadMoved(shard)


def _head(shard: str) -> int:
    head = get(settings().feed_table, {"pk": shard, "sk": _HEAD})
    return int(head["head"]) if head else 0


def _try(shard: str, head: int, cloud_event: dict[str, Any]) -> list[str]:
    """One attempt; the cancellation code of each of marker, entry and head if it failed, nothing if it succeeded."""
    position = head + 1
    marker = {"pk": f"E#{cloud_event['id']}", "sk": "E", "shard": shard, "position": position}
    entry = {"pk": shard, "sk": f"{position:016}", "event": json.dumps(cloud_event, ensure_ascii=False)}
    moved = {"pk": shard, "sk": _HEAD, "head": position}
    table = settings().feed_table
    move = put_of(table, moved, "head = :head", {":head": head}) if head else put_of(table, moved)
    puts = [put_of(table, marker), put_of(table, entry), move]
    try:
        dynamodb().transact_write_items(TransactItems=puts)
    except dynamodb().exceptions.TransactionCanceledException as cancelled:
        return [reason.get("Code", "") for reason in cancelled.response["CancellationReasons"]]
    return []


def entries(shard: int, after: int = 0) -> Iterator[dict[str, Any]]:
    """The events of a shard in order, behind a position."""
    for item in query(settings().feed_table, f"F#{shard}"):
        if item["sk"] != _HEAD and int(item["sk"]) > after:
            yield json.loads(item["event"])
