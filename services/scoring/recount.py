"""Recount: the counts of a day, made again from its raw segments and compared (design, 6.4 and 6.12).

1. Every item of the day is read.
2. The day's lines are counted by the same rule as live (`scoring.tally`).
3. An item is compared only if none of its entries is younger than 26 hours: a stream keeps its records for 24, so that what is older has
   been counted or never will be.
4. One that differs is read once more, and passed over if it has moved in the meantime.
5. Told to, a recount adds what is lacking, each item once, in a lane of its own (`fix#<recount id>`).

Items are looked for in every partition that the day's entries touch, and in those of everything that is registered or named by a code list;
counts in a partition of which nobody knows anything are not found. A day of a million ratings takes some five minutes and 2 GB.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from pydantic import AwareDatetime

from cloud import bus, registry, segments
from cloud.settings import settings
from cloud.table import put, query
from contract.codes import RatingChannel, ServiceChannel
from contract.events import ScoresDiffered, event_id
from contract.identifiers import BASE_CODE
from contract.ledger import counted
from contract.model import Model
from scoring import scores
from scoring.fold import MOST_COUNTERS
from scoring.lanes import Checkpoint, attribute_of, checkpoints
from scoring.nodes import ScoreKey, region_kind
from scoring.period import Period
from scoring.tally import shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from cloud.segments import Line

SETTLED_SECONDS = 26 * 3600
# So many differences are kept by name; how many there are is counted beyond that.
_NAMED = 200
_PARTS = 64


class Difference(Model):
    """A counter that is not what its entries come to."""

    node: str
    at: str
    counter: str
    counted: int
    entries: int


class Recount(Model):
    """What a recount found. `young` and `moved` items were not compared; of very many differences the first are named."""

    id: str
    day: str
    at: AwareDatetime
    compared: int = 0
    young: int = 0
    moved: int = 0
    differing_items: int = 0
    differences: int = 0
    corrected: int = 0
    named: tuple[Difference, ...] = ()


class _Expected(NamedTuple):
    """What the entries of an item come to, and the second in which the youngest of them was made."""

    counts: Counter[str]
    youngest: int


class _Held(NamedTuple):
    """An item as it was read, and what it lacks: its entries' counts less its own."""

    key: ScoreKey
    item: dict[str, Any]
    lacks: dict[str, int]


def recount(day: date, id: str, *, correct: bool, now: datetime) -> Recount:
    """Compares every settled item of a day (Asia/Shanghai) with its entries; the report is kept, and told if it found something.

    `now` is never moved, as the age of stream records is not. With the same id a correction is made once, however often it is repeated.
    """
    expected_partitions = set(_registered())
    before = dict(_stored(day, expected_partitions))
    expected = _count(segments.of_day(day.isoformat()), day)
    before |= dict(_stored(day, {key.pk for key in expected} - expected_partitions))
    fixes = {attribute_of(lane) for each in reports(day) for lane in (_lane(each.id), *(_lane(each.id, n) for n in range(_PARTS)))}
    report, found = _compare(id, day, before, expected, fixes, now)
    corrected = sum(_corrected(held, id) for held in found) if correct else 0
    report = report.model_copy(update={"corrected": corrected})
    put(settings().scores_table, {"pk": f"RECOUNT#{day}", "sk": f"{id}#{now.isoformat()}", "report": report.model_dump_json()})
    bus.publish(_told(report))
    return report


def _told(report: Recount) -> list[ScoresDiffered]:
    if not report.differences:
        return []
    return [
        ScoresDiffered(
            event_id=event_id("ScoresDiffered", report.day, report.id, report.at.isoformat()),
            happened_at=report.at,
            recount=report.id,
            of_day=date.fromisoformat(report.day),
            differences=report.differences,
            corrected=report.corrected > 0,
        )
    ]


def reports(day: date) -> Iterator[Recount]:
    """The recounts of a day that were made, in the order of their ids."""
    for item in query(settings().scores_table, f"RECOUNT#{day}"):
        yield Recount.model_validate_json(item["report"])


def _lane(id: str, part: int | None = None) -> str:
    return f"fix#{id}" if part is None else f"fix#{id}#{part}"


def _corrected(held: _Held, id: str) -> bool:
    """Whether anything was added. What is too much for one update has its parts by the names of counters, each with a lane of its own."""
    if len(held.lacks) <= MOST_COUNTERS:
        return scores.correct(held.key, held.lacks, _lane(id))
    parts: dict[int, dict[str, int]] = {}
    for name, amount in held.lacks.items():
        parts.setdefault(crc32(name.encode()) % _PARTS, {})[name] = amount
    return sum(scores.correct(held.key, lacks, _lane(id, n)) for n, lacks in parts.items()) > 0


def _registered() -> Iterator[str]:
    """The partitions of everything that is, or was, registered in the province, and of the channels."""
    yield from (f"channel#{channel}" for channel in RatingChannel)
    yield from (f"service_channel#{channel}" for channel in ServiceChannel)
    yield from (f"base#{code}" for code in registry.listed("base_item", "province#"))
    for code in registry.regions_from(settings().province):
        yield f"{region_kind(code)}#{code}"
        for uscc in registry.listed("organisation", f"region#{code}"):
            yield from _of_organisation(uscc)


def _of_organisation(uscc: str) -> Iterator[str]:
    yield from (f"organisation#{uscc}", f"desks#{uscc}")
    yield from (f"platform#{code}" for code in registry.listed("platform", f"organisation#{uscc}"))
    yield from (f"base#{id[BASE_CODE]}" for id in registry.listed("item", f"organisation#{uscc}"))


def _stored(day: date, partitions: Iterable[str]) -> Iterator[tuple[ScoreKey, dict[str, Any]]]:
    period = Period.of(day.isoformat())
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        for items in pool.map(lambda partition: list(scores.items_of(partition, period, consistent=True)), sorted(partitions)):
            yield from ((ScoreKey(item["pk"], item["sk"]), item) for item in items)


def _count(lines: Iterable[Line], day: date) -> dict[ScoreKey, _Expected]:
    counts: dict[ScoreKey, Counter[str]] = {}
    youngest: dict[ScoreKey, int] = {}
    for line in lines:
        entry = counted(line.entry, line.facts)
        for share in shares(entry) if entry else ():
            if share.key.day == day.isoformat():
                counts.setdefault(share.key, Counter())[share.counter] += share.amount
                youngest[share.key] = max(youngest.get(share.key, 0), line.created)
    return {key: _Expected(held, youngest[key]) for key, held in counts.items()}


def _compare(
    id: str, day: date, before: dict[ScoreKey, dict[str, Any]], expected: dict[ScoreKey, _Expected], fixes: set[str], now: datetime
) -> tuple[Recount, list[_Held]]:
    settled_until = now.timestamp() - SETTLED_SECONDS
    young = moved = compared = 0
    found: list[_Held] = []
    for key in sorted(before.keys() | expected.keys()):
        item, should = before.get(key, {}), expected.get(key, _Expected(Counter(), 0))
        if max(should.youngest, _last_counted(item, fixes)) > settled_until:
            young += 1
            continue
        lacks = _lacking(item, should.counts)
        if lacks and _has_moved(key, item):
            moved += 1
            continue
        compared += 1
        found += [_Held(key, item, lacks)] if lacks else []
    named = [difference for held in found for difference in _differences(held)]
    report = Recount(id=id, day=day.isoformat(), at=now, compared=compared, young=young, moved=moved, differing_items=len(found))
    return report.model_copy(update={"differences": len(named), "named": tuple(named[:_NAMED])}), found


def _last_counted(item: dict[str, Any], fixes: set[str]) -> int:
    held = checkpoints(item)
    return max((Checkpoint.unpack(mark).created for name, mark in held.items() if name not in fixes), default=0)


def _lacking(item: dict[str, Any], should: Counter[str]) -> dict[str, int]:
    held = scores.counters_of(item)
    return {name: should[name] - held.get(name, 0) for name in sorted(held.keys() | should.keys()) if should[name] != held.get(name, 0)}


def _has_moved(key: ScoreKey, item: dict[str, Any]) -> bool:
    now = scores.together(scores.slots_of(key))
    return checkpoints(now) != checkpoints(item)


def _differences(held: _Held) -> Iterator[Difference]:
    has = scores.counters_of(held.item)
    for counter, lacks in held.lacks.items():
        found = has.get(counter, 0)
        yield Difference(node=held.key.pk, at=held.key.sk, counter=counter, counted=found, entries=found + lacks)
