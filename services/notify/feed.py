"""The Feed table: `F#shard` / position; one transaction appends entries and their `E#event_id` markers and moves the head of the shard.

Whoever has seen position n of a shard has seen everything before it; a cursor is the vector of positions. An entry is the CloudEvent,
compressed. What policy no longer keeps here lies in blocks in S3 (`notify.archive`) and is read through the same functions.

Writing takes two units for each begun kilobyte of an entry and of its marker, and two for the head, once per transaction.
"""

from __future__ import annotations

import json
import random
import time
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import get, get_many, put_of, search
from notify import archive
from notify.cursor import SHARDS, Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cloud.table import Item

_HEAD = "HEAD"
_TRIES = 12
# Two items for each event and the head: a transaction takes a hundred items.
_TOGETHER = 40
_PAUSE = 0.02


class HeadMoved(Exception):
    """Others kept appending to the shard; the queue hands the events over again."""


class Place(NamedTuple):
    """Where an event lies in the feed."""

    shard: int
    position: int


class Page(NamedTuple):
    """Events of the feed in the order of their shards, the cursor behind them, and whether there is more now."""

    events: list[dict[str, Any]]
    cursor: Cursor
    more: bool


# ---------------------------------------------------------------- writing


def append(shard: int, events: Sequence[dict[str, Any]]) -> dict[str, Place]:
    """Appends CloudEvents of one shard that are not in the feed yet; where each of them lies now, by its id. Raises HeadMoved."""
    places: dict[str, Place] = {}
    new = list({event["id"]: event for event in events}.values())
    for start in range(0, len(new), _TOGETHER):
        places |= _append(shard, new[start : start + _TOGETHER])
    return places


def _append(shard: int, events: list[dict[str, Any]]) -> dict[str, Place]:
    there: dict[str, Place] = {}
    for tried in range(_TRIES):
        if not events:
            return there
        head = head_of(shard)
        codes = _try(shard, head, events)
        if not codes:
            return there | {event["id"]: Place(shard, head + nth) for nth, event in enumerate(events, start=1)}
        known = {event["id"] for event, code in zip(events, codes, strict=False) if code == "ConditionalCheckFailed"}
        there |= _places(known)
        events = [event for event in events if event["id"] not in known]
        if not known:
            time.sleep(random.uniform(0, _PAUSE * 2 ** min(tried, 6)))  # others append as well; who waits at random gets through
    raise HeadMoved(shard)


def _try(shard: int, head: int, events: list[dict[str, Any]]) -> list[str]:
    """One attempt; what was wrong with each marker, then with the rest, if it failed; nothing if it succeeded."""
    table, pk = settings().feed_table, f"F#{shard}"
    markers, entries = [], []
    for position, event in enumerate(events, start=head + 1):
        markers.append(put_of(table, {"pk": f"E#{event['id']}", "sk": "E", "shard": shard, "position": position}))
        entries.append(put_of(table, {"pk": pk, "sk": _key(position), "event": _packed(event)}))
    moved = {"pk": pk, "sk": _HEAD, "head": head + len(events)}
    move = put_of(table, moved, "head = :head", {":head": head}) if head else put_of(table, moved)
    try:
        dynamodb().transact_write_items(TransactItems=[*markers, move, *entries])
    except dynamodb().exceptions.TransactionCanceledException as cancelled:
        return [reason.get("Code", "") for reason in cancelled.response["CancellationReasons"]]
    return []


def head_of(shard: int) -> int:
    """The last position of a shard."""
    head = get(settings().feed_table, {"pk": f"F#{shard}", "sk": _HEAD})
    return int(head["head"]) if head else 0


def _places(ids: set[str]) -> dict[str, Place]:
    rows = get_many(settings().feed_table, [{"pk": f"E#{id}", "sk": "E"} for id in sorted(ids)])
    return {row["pk"].removeprefix("E#"): Place(row["shard"], row["position"]) for row in rows}


# ---------------------------------------------------------------- reading


def end() -> Cursor:
    """The place behind everything that is there now."""
    return Cursor(tuple(map(head_of, range(SHARDS))))


def page(cursor: Cursor, limit: int) -> Page:
    """Up to `limit` events behind a cursor. Nothing that lands later is ever before the cursor that is answered."""
    events: list[dict[str, Any]] = []
    more = False
    for shard in range(SHARDS):
        quota = -(-(limit - len(events)) // (SHARDS - shard))
        if quota <= 0:
            more = True  # not looked at
            continue
        found = read(shard, cursor.positions[shard], quota)
        events += found
        cursor = cursor.at(shard, cursor.positions[shard] + len(found))
        more = more or len(found) == quota
    return Page(events, cursor, more)


def read(shard: int, after: int, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` events of a shard behind a position, without a gap: of what was committed during the reading, what comes before one."""
    found = _at_hand(shard, after, limit)
    if found or after >= (through := archived(shard)):
        return found
    # Not beyond: to a role that may not list the bucket, a block that is not there looks like one that it may not read.
    while len(found) < limit and after + len(found) < through:
        found += archive.read(shard, after + len(found), limit - len(found))
    # Where the archive ends, the table goes on.
    return found + (_at_hand(shard, after + len(found), limit - len(found)) if len(found) < limit else [])


def _at_hand(shard: int, after: int, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for item in _items(shard, after, limit):
        if int(item["sk"]) != after + len(found) + 1:
            break
        found.append(_unpacked(item["event"]))
    return found


def at(place: Place) -> dict[str, Any]:
    """The event at a place. Raises KeyError if there is none."""
    for event in read(place.shard, place.position - 1, 1):
        return event
    raise KeyError(place)


def find(event_id: str) -> dict[str, Any] | None:
    """The event of an id, None if the feed has none."""
    place = place_of(event_id)
    return at(place) if place else None


def place_of(event_id: str) -> Place | None:
    """Where the event of an id lies, None if the feed has none."""
    return _places({event_id}).get(event_id)


def entries(shard: int, after: int = 0) -> Iterator[dict[str, Any]]:
    """The events of a shard in order, behind a position, all there are."""
    while found := read(shard, after, 500):
        yield from found
        after += len(found)


def everything(after: Cursor = Cursor()) -> Iterator[dict[str, Any]]:  # noqa: B008 - a tuple
    """Every event behind a cursor, shard by shard."""
    for shard in range(SHARDS):
        yield from entries(shard, after.positions[shard])


def _items(shard: int, after: int, limit: int) -> Iterator[Item]:
    values = {":pk": f"F#{shard}", ":after": _key(after + 1), ":last": _key(after + limit)}
    return search(settings().feed_table, "pk = :pk AND sk BETWEEN :after AND :last", values, ConsistentRead=True)


def _key(position: int) -> str:
    return f"{position:016}"


def _packed(event: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(), 9)


def _unpacked(packed: bytes) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(zlib.decompress(packed))
    return event


# ---------------------------------------------------------------- what is old


def archived(shard: int) -> int:
    """Up to which position a shard lies in the archive."""
    row = get(settings().feed_table, {"pk": f"F#{shard}", "sk": "ARCHIVED"})
    return int(row["through"]) if row else 0
