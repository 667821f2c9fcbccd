"""Moves what the feed held longer than policy says into its archive, block by block (`notify.archive`).

A block is first written, then named as archived, then taken out of the table: a reader finds every event at any moment, and a run that
stopped anywhere is done again. The markers stay: an event that is told once more after years is still known.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from cloud.settings import settings
from cloud.table import delete_many, put, search
from notify import archive, feed
from notify.archive import BLOCK
from notify.cursor import SHARDS

if TYPE_CHECKING:
    from collections.abc import Callable


def archive_until(before: datetime, is_time: Callable[[], bool] = lambda: True) -> int:
    """Archives every whole block whose events all happened before this instant; how many blocks."""
    moved = 0
    for shard in range(SHARDS):
        _take_out(shard, feed.archived(shard))  # what a run that stopped has left
        while is_time() and _next_block(shard, before):
            moved += 1
    return moved


def _next_block(shard: int, before: datetime) -> bool:
    through = feed.archived(shard)
    events = feed.read(shard, through, BLOCK)
    if len(events) < BLOCK or any(datetime.fromisoformat(event["time"]) >= before for event in events):
        return False
    archive.write(shard, through // BLOCK, events)
    table, pk = settings().feed_table, f"F#{shard}"
    put(table, {"pk": pk, "sk": "ARCHIVED", "through": through + BLOCK})
    _take_out(shard, through + BLOCK)
    return True


def _take_out(shard: int, through: int) -> None:
    """Takes out of the table what lies in the archive."""
    if not through:
        return  # DynamoDB refuses a range that ends before it begins
    values = {":pk": f"F#{shard}", ":first": f"{1:016}", ":last": f"{through:016}"}
    delete_many(
        settings().feed_table,
        list(search(settings().feed_table, "pk = :pk AND sk BETWEEN :first AND :last", values, ConsistentRead=True)),
    )
