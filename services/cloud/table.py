"""DynamoDB's attribute values, and the two answers of a conditional write."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from cloud.clients import dynamodb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from botocore.exceptions import ClientError

Item = dict[str, Any]
_BATCH = 100
_TRIES, _PAUSE = 6, 0.05

WRITES_TOGETHER = 25
"""So many items are written by one call."""

NEW = "attribute_not_exists(pk)"
"""The condition that there is no such item yet."""


class NotWritten(Exception):
    """The table did not take all of many writes; those that it took stand."""


_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def marshal(item: Mapping[str, Any]) -> Item:
    """Plain values as attribute values."""
    return {name: _serialize(value) for name, value in item.items()}


def unmarshal(item: Mapping[str, Any]) -> Item:
    """Attribute values as plain values; numbers are whole (we store no others), binaries bytes."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, Binary):
        return value.value  # type: ignore[attr-defined]  # the stub lacks it
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return {name: _plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def put_new(table: str, item: Mapping[str, Any]) -> Item | None:
    """Puts the item unless its key is taken. Returns None if it was put, else what holds the key."""
    try:
        dynamodb().put_item(
            TableName=table,
            Item=marshal(item),
            ConditionExpression=NEW,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except dynamodb().exceptions.ConditionalCheckFailedException as taken:
        return unmarshal(old_item(taken))
    return None


def put(table: str, item: Mapping[str, Any]) -> None:
    """Puts the item, whatever was there."""
    dynamodb().put_item(TableName=table, Item=marshal(item))


def delete(table: str, key: Mapping[str, Any]) -> None:
    """Takes the item out, if it is there."""
    dynamodb().delete_item(TableName=table, Key=marshal({"pk": key["pk"], "sk": key["sk"]}))


def condition_held(write: Callable[[], object]) -> bool:
    """Makes a conditional write; False if its condition failed, and nothing was written."""
    try:
        write()
    except dynamodb().exceptions.ConditionalCheckFailedException:
        return False
    return True


def put_many(table: str, items: Iterable[Mapping[str, Any]]) -> None:
    """Puts the items, whatever was there, `WRITES_TOGETHER` to a call. Raises NotWritten."""
    _write_many(table, [{"PutRequest": {"Item": marshal(item)}} for item in items])


def delete_many(table: str, keys: Iterable[Mapping[str, Any]]) -> None:
    """Takes the items out, if they are there, `WRITES_TOGETHER` to a call. Raises NotWritten."""
    _write_many(table, [{"DeleteRequest": {"Key": marshal({"pk": key["pk"], "sk": key["sk"]})}} for key in keys])


def _write_many(table: str, writes: list[Any]) -> None:
    for start in range(0, len(writes), WRITES_TOGETHER):
        _write_all(table, writes[start : start + WRITES_TOGETHER])


def _write_all(table: str, writes: list[Any]) -> None:
    for tried in range(_TRIES):
        missed = dynamodb().batch_write_item(RequestItems={table: writes})["UnprocessedItems"]
        if not (writes := missed.get(table, [])):
            return
        time.sleep(_PAUSE * 2**tried)  # the table has more to do than it is given; nobody says when it has not
    raise NotWritten(f"{len(writes)} of {table}")


def put_of(table: str, item: Mapping[str, Any], condition: str = NEW, values: Mapping[str, Any] | None = None) -> Any:
    """A put on a condition, as a part of a transaction; with none (empty) whatever was there."""
    put: Item = {"TableName": table, "Item": marshal(item)} | ({"ConditionExpression": condition} if condition else {})
    return {"Put": put | ({"ExpressionAttributeValues": marshal(values)} if values else {})}


def absent(table: str, key: Mapping[str, Any]) -> Any:
    """That there is no such item, as a part of a transaction."""
    return {"ConditionCheck": {"TableName": table, "Key": marshal(key), "ConditionExpression": NEW}}


def old_item(error: ClientError) -> Item:
    """What a failed condition found, as attribute values; empty where there was no item."""
    found: Item = error.response.get("Item", {})  # type: ignore[assignment]
    return found


def get(table: str, key: Mapping[str, Any]) -> Item | None:
    """One item, read consistently; None if there is none."""
    answer = dynamodb().get_item(TableName=table, Key=marshal(key), ConsistentRead=True)
    return unmarshal(answer["Item"]) if "Item" in answer else None


def get_many(table: str, keys: Iterable[Mapping[str, Any]]) -> Iterator[Item]:
    """Those of the items that exist, in no order, read consistently, a hundred to a call."""
    left = [marshal(key) for key in keys]
    while left:
        request: Any = {table: {"Keys": left[:_BATCH], "ConsistentRead": True}}
        answer = dynamodb().batch_get_item(RequestItems=request)
        yield from map(unmarshal, answer["Responses"].get(table, []))
        missed: Any = answer["UnprocessedKeys"].get(table, {"Keys": []})
        left = left[_BATCH:] + missed["Keys"]


def query(table: str, pk: str, *, sk_prefix: str = "", consistent: bool = False) -> Iterator[Item]:
    """Every item of a partition, all pages, in key order."""
    values = {":pk": pk} | ({":sk": sk_prefix} if sk_prefix else {})
    condition = "pk = :pk" + (" AND begins_with(sk, :sk)" if sk_prefix else "")
    return search(table, condition, values, ConsistentRead=consistent)


def search(table: str, condition: str, values: Mapping[str, Any], **options: Any) -> Iterator[Item]:
    """Every item that meets a key condition, all pages, in key order; options as for a query (an index, say)."""
    request: Any = {"TableName": table, "KeyConditionExpression": condition, "ExpressionAttributeValues": marshal(values)}
    for page in dynamodb().get_paginator("query").paginate(**request, **options):
        yield from map(unmarshal, page["Items"])
