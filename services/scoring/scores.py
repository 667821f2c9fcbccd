"""The Scores table: counters and one checkpoint per lane; keys in `scoring.nodes`, counters in `scoring.counters`.

An item lies in up to four slots, `<sort key> <slot>`: a lane always writes into its own, and a reader adds them up. Each then holds the
checkpoints of a quarter of the lanes only, and a Ledger has the more lanes the larger it grows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cloud import clock
from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import condition_held, get_many, marshal, old_item, search, unmarshal
from scoring import counters
from scoring.lanes import Checkpoint, attribute_of, outlived
from scoring.nodes import ScoreKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from scoring.fold import Delta
    from scoring.nodes import Node
    from scoring.period import Period


SLOTS = 4


def at(key: ScoreKey, lane: str) -> ScoreKey:
    """Where a lane writes what it has for an item."""
    # A blank stands in no name and sorts before all that does: the slots of an item lie side by side.
    return ScoreKey(key.pk, f"{key.sk} {slot_of(lane)}")


@cache
def slot_of(lane: str) -> int:
    """The slot of a lane: always the same, or a record that comes again would be counted in another."""
    return hashlib.sha256(lane.encode()).digest()[-1] % SLOTS


def add(delta: Delta, lane: str) -> None:
    """Adds a delta to its item, exactly once whatever is repeated, re-batched or late.

    The first try asks that the lane has not come this far; if it has, the rest is recomputed from the checkpoint that came back and
    written on condition that it is still there. A delta that is too large for one update is added in pieces, one after the other.
    """
    mark = attribute_of(lane)
    for portion in delta._replace(key=at(delta.key, lane)).portions():
        _add(portion, mark)


def _add(delta: Delta, mark: str) -> None:
    left: Delta | None = delta
    seen: bytes | None = None
    while left is not None:
        try:
            answer = dynamodb().update_item(**_update(left, mark, seen))
        except dynamodb().exceptions.ConditionalCheckFailedException as passed:
            seen = unmarshal(old_item(passed))[mark]
            left = left.after(Checkpoint.unpack(seen))
        else:
            if "Attributes" in answer:
                prune(delta.key, unmarshal(answer["Attributes"]))
            return


def _update(delta: Delta, mark: str, seen: bytes | None) -> Any:
    names, values, adding = _added(delta.counts)
    names["#q"] = mark
    values[":last"] = delta.last.packed()
    if seen is None:
        condition, values[":first"] = "attribute_not_exists(#q) OR #q < :first", delta.first.packed()
    else:
        condition, values[":seen"] = "#q = :seen", seen
    return {
        **_at(delta.key),
        "UpdateExpression": f"{adding} SET #q = :last",
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": marshal(values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        # An item has old checkpoints only if its day has passed: asking for it then costs nothing, and today's come back shorter.
        **({"ReturnValues": "ALL_NEW"} if _may_be_old(delta.key) else {}),
    }


def _added(amounts: Mapping[str, int]) -> tuple[dict[str, str], dict[str, Any], str]:
    names = {f"#{i}": counter for i, counter in enumerate(amounts)}
    values: dict[str, Any] = {f":{i}": amount for i, amount in enumerate(amounts.values())}
    return names, values, "ADD " + ", ".join(f"#{i} :{i}" for i in range(len(names)))


def _at(key: ScoreKey) -> dict[str, Any]:
    return {"TableName": settings().scores_table, "Key": marshal(key._asdict())}


def _may_be_old(key: ScoreKey) -> bool:
    return key.day < clock.wall().date().isoformat()


def prune(key: ScoreKey, item: Mapping[str, Any]) -> None:
    """Drops the checkpoints of an item that nothing can ask for any more, unless they moved in the meantime."""
    old = outlived(item, clock.wall().timestamp())
    if not old:
        return
    names = {f"#{i}": name for i, name in enumerate(old)}
    try:
        dynamodb().update_item(
            **_at(key),
            UpdateExpression="REMOVE " + ", ".join(names),
            ConditionExpression=" AND ".join(f"#{i} = :{i}" for i in range(len(old))),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=marshal({f":{i}": held for i, held in enumerate(old.values())}),
        )
    except dynamodb().exceptions.ConditionalCheckFailedException:
        return  # the next update finds them again


def correct(key: ScoreKey, amounts: Mapping[str, int], lane: str) -> bool:
    """Adds these amounts to an item in a lane of their own, once. False if that lane has been there."""
    key = at(key, lane)
    names, values, adding = _added(amounts)
    mark = Checkpoint(1, int(clock.wall().timestamp())).packed()
    return condition_held(
        lambda: dynamodb().update_item(
            **_at(key),
            UpdateExpression=f"{adding} SET #q = :q",
            ConditionExpression="attribute_not_exists(#q)",
            ExpressionAttributeNames=names | {"#q": attribute_of(lane)},
            ExpressionAttributeValues=marshal(values | {":q": mark}),
        )
    )


# ---------------------------------------------------------------- read


def items_of(partition: str, period: Period, *, consistent: bool = False) -> Iterator[dict[str, Any]]:
    """The items of a partition over a period in key order, each put together from its slots: one query."""
    for _, slots in groupby(_stored(partition, period, consistent=consistent), key=_place):
        yield together(slots)


def has_items(partition: str) -> bool:
    """Whether anything was ever counted in a partition: one query."""
    return next(iter(search(settings().scores_table, "pk = :pk", {":pk": partition}, PaginationConfig={"MaxItems": 1})), None) is not None


def together(slots: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """An item from its slots: counters are added, and each lane has been in one of them. Empty if there are none."""
    whole: dict[str, Any] = {}
    for item in slots:
        for name, held in item.items():
            whole[name] = whole.get(name, 0) + held if isinstance(held, int) else held
        whole |= _place(item)._asdict()
    return whole


def slots_of(key: ScoreKey) -> Iterator[dict[str, Any]]:
    """What is stored of one item, read consistently."""
    return get_many(settings().scores_table, [{"pk": key.pk, "sk": f"{key.sk} {slot}"} for slot in range(SLOTS)])


def _place(item: Mapping[str, Any]) -> ScoreKey:
    return ScoreKey(item["pk"], item["sk"].rpartition(" ")[0])


def _stored(partition: str, period: Period, *, consistent: bool) -> Iterator[dict[str, Any]]:
    # `$` is the first character after the `#` that follows a day.
    values = {":pk": partition, ":first": period.first.isoformat(), ":last": period.last.isoformat() + "$"}
    return search(settings().scores_table, "pk = :pk AND sk BETWEEN :first AND :last", values, ConsistentRead=consistent)


def counts(node: Node, period: Period) -> Counter[str]:
    """The counters of a node, added up over a period: one query, or the items of its days by their keys."""
    if node.kind in {"item", "window"}:
        keys = [{"pk": node.partition, "sk": f"{day}#{node.part} {slot}"} for day in period.days for slot in range(SLOTS)]
        return _sum(get_many(settings().scores_table, keys))
    found = _sum(items_of(node.partition, period))
    return Counter(counters.under(found, counters.of_staff(node.part, ""))) if node.kind == "staff" else found


def ratings_in(counts: Mapping[str, int]) -> int:
    """How many ratings count, of whatever kind, round and provenance."""
    return sum(row.amount for row in counters.ratings(counts) if row.excluded is None)


def by_day(node: Node, period: Period) -> dict[date, Counter[str]]:
    """The counters of a flat node or of an organisation, day by day."""
    held: dict[str, list[dict[str, Any]]] = {}
    for item in items_of(node.partition, period):
        held.setdefault(item["sk"][:10], []).append(item)
    return {day: _sum(held.get(day.isoformat(), [])) for day in period.days}


def parts(partition: str, period: Period) -> dict[str, Counter[str]]:
    """What lies in an organisation's partition, or among its desks, by task code or window, over a period: one query."""
    found: dict[str, Counter[str]] = {}
    for item in items_of(partition, period):
        found.setdefault(item["sk"][11:], Counter()).update(counters_of(item))
    return found


def staff(organisation: str, period: Period) -> dict[str, Counter[str]]:
    """The counters of every member of staff of an organisation (USCC), by reference: one query over its desks."""
    found: dict[str, Counter[str]] = {}
    for name, amount in _sum(items_of(f"desks#{organisation}", period)).items():
        if name.startswith("staff."):
            _, reference, counter = name.split(".", 2)
            found.setdefault(reference, Counter())[counter] += amount
    return found


def _sum(items: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return counters.added(map(counters_of, items))


def counters_of(item: Mapping[str, Any]) -> dict[str, int]:
    """The counters of an item."""
    return {name: amount for name, amount in item.items() if isinstance(amount, int)}
