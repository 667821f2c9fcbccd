"""When a stack is at rest: every queue empty and every entry told, so that nothing more comes of what has happened so far."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3

from cloud.clients import dynamodb, s3, sqs
from cloud.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sqs.literals import QueueAttributeFilterType

# A relay writes what it has read into a segment before it tells the bus, so that one look may come in between.
_LOOKS = 3
_PAUSE = 0.4


def until_at_rest(within: float) -> dict[str, int]:
    """Waits until nothing is on its way; if that takes longer (seconds), what still is: queues and tables with how much of each.

    Deliveries are left out, since how fast subscribers take them is up to them, and so are counts and refusals, of which nothing comes.
    """
    queues, deadline, calm = _queues(), time.monotonic() + within, 0
    while True:
        under_way = _under_way(queues)
        calm = 0 if under_way else calm + 1
        if calm == _LOOKS or time.monotonic() > deadline:
            return under_way
        time.sleep(_PAUSE)


def _queues() -> list[str]:
    """The queues that functions empty."""
    pages = boto3.client("lambda").get_paginator("list_event_source_mappings").paginate()
    sources = [each["EventSourceArn"] for page in pages for each in page["EventSourceMappings"]]
    names = {arn.rpartition(":")[2] for arn in sources if arn.split(":")[2] == "sqs"}
    return sorted({sqs().get_queue_url(QueueName=name)["QueueUrl"] for name in names} - {settings().delivery_queue_url})


def _under_way(queues: list[str]) -> dict[str, int]:
    # Queues first: what a function has done with a message stands in a table before the message goes.
    held = {url.rpartition("/")[2]: _held(url) for url in queues}
    relayed = ((settings().ledger_table, ""), (settings().cases_table, "H#"))
    found = held | {table: sum(1 for _ in _untold(table, kind)) for table, kind in relayed}
    return {name: count for name, count in found.items() if count}


def _held(url: str) -> int:
    names: list[QueueAttributeFilterType] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs().get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


def _untold(table: str, kind: str) -> Iterator[Any]:
    """The entries of a table, of this kind, that its relay has yet to tell: they are in its stream and in no raw segment (design, 6.11)."""
    streams, arn = boto3.client("dynamodbstreams"), dynamodb().describe_table(TableName=table)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]  # an emulator has one
    oldest = shard["SequenceNumberRange"].get("StartingSequenceNumber", "")
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], **_after(_told(table), oldest))["ShardIterator"]
    while records := (page := streams.get_records(ShardIterator=iterator))["Records"]:
        yield from (record for record in records if record["dynamodb"]["Keys"]["sk"]["S"].startswith(kind))
        iterator = page["NextShardIterator"]


def _after(told: int, oldest: str) -> dict[str, str]:
    """Where to begin to read; a stream forgets after a day, and fills its numbers up with noughts."""
    if not oldest or told < int(oldest):
        return {"ShardIteratorType": "TRIM_HORIZON"}
    return {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": str(told).zfill(len(oldest))}


def _told(table: str) -> int:
    """The sequence number up to which a table's stream is told, 0 if nothing of it is: it ends the names of the segments."""
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=settings().segments_bucket, Prefix="raw/")
    names = (found["Key"].split("/") for page in pages for found in page.get("Contents", []))
    return max((int(name.partition(".")[0].rpartition("-")[2]) for _, _, of, _, name in names if of == table), default=0)
