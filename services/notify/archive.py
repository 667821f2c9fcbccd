"""What the feed held longer than policy says: blocks of a thousand positions in S3, `feed/<shard>/<first position>.ndjson.gz`.

A block is written once it is whole, and holds the same whoever writes it, so that writing it again changes nothing.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from cloud.clients import s3
from cloud.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK = 1_000


def write(shard: int, block: int, events: Sequence[dict[str, Any]]) -> None:
    """Keeps the events of a block, counted from 0."""
    text = "".join(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n" for event in events)
    s3().put_object(Bucket=settings().segments_bucket, Key=_key(shard, block), Body=gzip.compress(text.encode(), mtime=0))


def read(shard: int, after: int, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` events behind a position that is archived, to the end of the block in which the next one lies."""
    block, offset = divmod(after, BLOCK)
    body = s3().get_object(Bucket=settings().segments_bucket, Key=_key(shard, block))["Body"].read()
    lines = gzip.decompress(body).decode().split("\n")[:-1]  # a text may hold other ends of line
    return [json.loads(line) for line in lines[offset : offset + limit]]


def _key(shard: int, block: int) -> str:
    return f"feed/{shard}/{block * BLOCK + 1:016}.ndjson.gz"
