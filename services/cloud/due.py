"""What is due: a sparse index by shard and due time, so that a sweep finds what is due without looking at what is not (design, 6.7).

The index is named `due`; its keys are `due_shard` (`<kind>#<shard>`) and `due_at`.
"""

from __future__ import annotations

import zlib
from datetime import UTC
from typing import TYPE_CHECKING

from cloud.table import search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cloud.table import Item

_INDEX = "due"
_SHARDS = 4


def place(kind: str, id: str, at: datetime) -> dict[str, str]:
    """Where an item stands in the index: the id spreads a kind over the shards."""
    return {"due_shard": f"{kind}#{zlib.crc32(id.encode()) % _SHARDS}", "due_at": stamp(at)}


def stamp(moment: datetime) -> str:
    """An instant as the index sorts it: UTC to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def passed(table: str, kind: str, now: datetime) -> Iterator[Item]:
    """Every item whose time has come, the oldest first within each shard; all pages."""
    for shard in range(_SHARDS):
        values = {":pk": f"{kind}#{shard}", ":now": stamp(now)}
        yield from search(table, "due_shard = :pk AND due_at <= :now", values, IndexName=_INDEX)


def every(table: str, kind: str) -> Iterator[Item]:
    """Every item of a kind, soonest first within each shard."""
    for shard in range(_SHARDS):
        yield from search(table, "due_shard = :pk", {":pk": f"{kind}#{shard}"}, IndexName=_INDEX)
