"""The Scores table: `node` / `day`, counters and one checkpoint per lane."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import marshal, old_item, query, unmarshal
from scoring.lanes import Checkpoint, attribute_of

if TYPE_CHECKING:
    from scoring.fold import Delta


def add(delta: Delta, lane: str) -> None:
    """Adds a delta to its item, exactly once whatever is repeated, re-batched or late.

    The first try asks that the lane has not come this far; if it has, the rest is recomputed from the checkpoint that came back and
    written on condition that it is still there.
    """
    mark = attribute_of(lane)
    left: Delta | None = delta
    seen: bytes | None = None
    while left is not None:
        try:
            dynamodb().update_item(**_update(left, mark, seen))
        except dynamodb().exceptions.ConditionalCheckFailedException as passed:
            seen = unmarshal(old_item(passed))[mark]
            left = delta.after(Checkpoint.unpack(seen))
        else:
            return


def _update(delta: Delta, mark: str, seen: bytes | None) -> Any:
    counts = delta.counts
    names = {f"#c{i}": counter for i, counter in enumerate(counts)} | {"#q": mark}
    values: dict[str, Any] = {f":c{i}": amount for i, amount in enumerate(counts.values())} | {":last": delta.last.packed()}
    if seen is None:
        condition, values[":first"] = "attribute_not_exists(#q) OR #q < :first", delta.first.packed()
    else:
        condition, values[":seen"] = "#q = :seen", seen
    return {
        "TableName": settings().scores_table,
        "Key": marshal(delta.key._asdict()),
        "UpdateExpression": f"ADD {', '.join(f'#c{i} :c{i}' for i in range(len(counts)))} SET #q = :last",
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": marshal(values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def counts(node: str, period: str) -> Counter[str]:
    """The counters of a node, added up over a day (`2026-11-24`) or month (`2026-11`) of Asia/Shanghai."""
    total: Counter[str] = Counter()
    for item in query(settings().scores_table, node, sk_prefix=period):
        total.update({name: amount for name, amount in item.items() if "." in name})
    return total
