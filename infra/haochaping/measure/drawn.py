"""A window of the traffic, cut into the batches in which Lambda hands it over: per lane, and at 10,000 records or 6 MB at the latest."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from haochaping.measure.history import entry_of, lane_name, mark_of
from haochaping.measure.model import on_wire, size_of
from scoring import scores
from scoring.tally import shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from haochaping.measure.history import History
    from haochaping.measure.model import Wire
    from haochaping.measure.traffic import Written
    from scoring.nodes import ScoreKey

MOST_RECORDS, MOST_BYTES = 10_000, 6 * 1024 * 1024
_FEW = 50
FIRST = 10**21  # above every sequence number in the table


class Batch(NamedTuple):
    """Entries of a window, by their number, that a lane hands over together."""

    lane: str
    members: list[int]


class Drawn:
    """The entries of a window, and what the items that they touch have taken in before."""

    def __init__(self, history: History, second: float, seconds: float) -> None:
        self.history, self.second = history, second
        self.written = history.traffic.window(second, seconds)
        self.entries = [entry_of(one) for one in self.written]
        self.records = [_record(n, one, history.traffic.midnight.timestamp()) for n, one in enumerate(self.written)]
        self.sizes = [len(json.dumps(record, ensure_ascii=False).encode()) for record in self.records]
        self.ratings = sum(is_rating(one) for one in self.written)
        history.random.seed(int(second))
        keys = sorted({share.key for entry in self.entries for share in shares(entry)})
        self.held = {key: history.amounts(key, second) for key in keys}

    def table(self, lanes: int) -> dict[ScoreKey, dict[str, Any]]:
        """Those of the items that exist, as so many lanes have filled their slots."""
        self.history.random.seed(lanes)
        table: dict[ScoreKey, dict[str, Any]] = {}
        for key, amounts in self.held.items():
            for slot, held in self._slots(key, amounts, lanes).items():
                table[slot] = dict(held)
        return table

    def _slots(self, key: ScoreKey, amounts: Counter[str], lanes: int) -> dict[ScoreKey, Counter[str]]:
        """What each slot of an item holds: the checkpoints of its lanes, and a share of the counters by their number."""
        marks = self.history.checkpoints(key, self.second, lanes) if amounts else {}
        brought = [scores.at(key, lane) for lane in marks] or [scores.at(key, lane_name(self.second, 0))]
        slots: dict[ScoreKey, Any] = {}
        for name, amount in amounts.items():
            for slot, part in self._shared(amount, brought).items():
                slots.setdefault(slot, {})[name] = part
        for slot, (lane, mark) in zip(brought, marks.items(), strict=False):
            slots.setdefault(slot, {})[mark_of(lane)] = mark
        return slots

    def _shared(self, amount: int, brought: list[ScoreKey]) -> Counter[ScoreKey]:
        if amount <= _FEW:
            return Counter(self.history.random.choice(brought) for _ in range(amount))
        return Counter({slot: amount * lanes // len(brought) for slot, lanes in Counter(brought).items()})

    def batches(self, lanes: int) -> Iterator[Batch]:
        """The entries as Lambda hands them over, lane by lane."""
        of_lane: list[list[int]] = [[] for _ in range(lanes)]
        for n, one in enumerate(self.written):
            of_lane[lane_of(one.item["pk"], lanes)].append(n)
        for number, members in enumerate(of_lane):
            for part in cut([self.sizes[n] for n in members]):
                yield Batch(lane_name(self.second, number), members[part])

    def event(self, batch: Batch) -> dict[str, Any]:
        """A batch as the handler gets it."""
        return {"Records": [self.records[n] for n in batch.members], "shardId": batch.lane.partition("/")[2]}

    def organisations(self, lanes: int) -> int:
        """How often an organisation comes up in a batch: the fewest updates that any layout with figures of organisations could do with."""
        return sum(len({self.written[n].item["organisation"] for n in batch.members}) for batch in self.batches(lanes))

    def stored(self) -> Counter[str]:
        """What it takes to put the entries into the Ledger."""
        units: Counter[str] = Counter()
        for one, record in zip(self.written, self.records, strict=True):
            units["rating" if is_rating(one) else "event"] += units_of(record["dynamodb"]["NewImage"])
        return units


def lane_of(partition: str, lanes: int) -> int:
    """The shard of an entry: partition keys are spread evenly, and what belongs to one case file stays together."""
    return crc32(partition.encode()) % lanes


def cut(sizes: Sequence[int]) -> Iterator[slice]:
    """Where batches of records of these sizes (bytes of JSON) end."""
    start = held = 0
    for at, size in enumerate(sizes):
        if at > start and (at - start == MOST_RECORDS or held + size > MOST_BYTES):
            yield slice(start, at)
            start, held = at, 0
        held += size
    if sizes:
        yield slice(start, len(sizes))


def is_rating(one: Written) -> bool:
    """Whether an entry is a rating, or else a service event."""
    return str(one.item["sk"]).startswith("R#")


def units_of(item: Wire) -> int:
    """What a put of the item costs."""
    return math.ceil(size_of(item) / 1024)


def _record(number: int, one: Written, midnight: float) -> Wire:
    """An entry as its stream hands it to a function."""
    item, sequence = on_wire(one.item), FIRST + number
    return {
        "eventID": f"{sequence:032x}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "cn-north-1",
        "dynamodb": {
            "ApproximateCreationDateTime": int(midnight + one.second),
            "Keys": {name: item[name] for name in ("pk", "sk")},
            "NewImage": item,
            "SequenceNumber": str(sequence),
            "SizeBytes": size_of(item),
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/ledger_table/stream/2026-01-01T00:00:00.000",
    }
