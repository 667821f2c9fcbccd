"""What the Scores table holds at a time of the day, as far as a window touches it.

A whole day cannot be counted in a minute, and items grow over the day, so a window is counted against items that are filled beforehand.
What an item has taken in by then is drawn by the law of the traffic: as many visits as fall to it, each one of a pool of visits of which
`scoring.tally.shares` says what they add. Above 50 visits each counter is drawn by its mean in the pool instead.

An item holds a checkpoint of every lane that has touched it. Shards give way to new ones about every four hours, so by the evening a busy
item has five times as many as there are shards; those of yesterday are still there, since checkpoints are kept for 48 hours.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from functools import cache, cached_property
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud import clock
from contract.ledger import counted
from haochaping.demo.morning import WAYS
from haochaping.measure.traffic import DAY, IN_HALLS, LATER, device_of, poisson, share_between, staff_no, window_of
from intake.entries import staff_ref
from scoring.lanes import Checkpoint, attribute_of
from scoring.nodes import NO_ITEM, REGIONS, regions_of
from scoring.tally import shares

if TYPE_CHECKING:
    from contract.ledger import Counted
    from haochaping.measure.traffic import Organisation, Traffic, Written
    from scoring.nodes import ScoreKey

ROLLOVER = 4 * 3600
_MANY = 50
_STAFF, _DEVICE = "{staff}", "{device}"


class Part(NamedTuple):
    """What an entry adds to an item of a kind of node, and at which second of the day."""

    second: float
    amounts: dict[str, int]


Pool = dict[str, list[list[Part]]]


def entry_of(written: Written) -> Counted:
    """The entry as scoring counts it."""
    found = counted(written.item["sk"], written.item)
    if found is None:
        raise ValueError(written.item["sk"])
    return found


mark_of = cache(attribute_of)


def lane_name(second: float, number: int) -> str:
    """The n-th lane of the Ledger at that time; before midnight the seconds are negative."""
    return f"ledger_table/shardId-{int(second // ROLLOVER):03}-{number:02}"


class History:
    """The Scores of today and yesterday under this traffic."""

    def __init__(self, traffic: Traffic, pool: int = 4000) -> None:
        self.traffic = traffic
        self.random = Random(1)
        self.today = traffic.midnight.date().isoformat()
        self._visits, self._late = self._drawn(pool)
        self._means: dict[tuple[str, float, bool], dict[str, float]] = {}

    def amounts(self, key: ScoreKey, second: float) -> Counter[str]:
        """What the item has taken in by that second of the day; nothing if there is no item."""
        if not key.pk.startswith("desks#"):
            return self._added(key, self._expected(key), second)
        organisation, window = self._desk(key)
        total: Counter[str] = Counter()
        for number in _staff_at(organisation, window):
            reference = staff_ref(organisation.uscc, staff_no(number), self.traffic.keys) or ""
            added = self._added(key, self._of_a_member(organisation), second)
            for name, amount in added.items():
                total[name.replace(_STAFF, reference).replace(_DEVICE, device_of(window))] += amount
        return total

    def checkpoints(self, key: ScoreKey, second: float, lanes: int) -> dict[str, bytes]:
        """Those of every lane that has touched the item, by lane, after the traffic of the hours that the lane lived."""
        visits, marks = self._expected(key), {}
        for start in range(-DAY if key.day < self.today else 0, math.ceil(second), ROLLOVER):
            touching = visits * share_between(start, min(start + ROLLOVER, second))
            touching *= LATER if key.day < self.today and start >= 0 else 1
            for number in range(lanes):
                if self.random.random() < 1 - math.exp(-touching / lanes):
                    marks[lane_name(start, number)] = _mark(start, second)
        return marks

    # ---------------------------------------------------------------- the pool

    def _drawn(self, size: int) -> tuple[Pool, Pool]:
        """By kind of node, what visits add to an item of the day on which they end, and to that of the day before."""
        visits: Pool = {}
        late: Pool = {}
        for _ in range(size):
            written = self._visit()
            for pool, day in ((visits, 0), (late, -1)):
                for name, parts in self._parts(written, day).items():
                    pool.setdefault(name, []).append(parts)
        return visits, late

    def _visit(self) -> list[Written]:
        """A service of the day with its rating; one in ten instead with the rating of a service of yesterday's."""
        if self.random.random() >= LATER:
            return list(self.traffic.visit(self.traffic.moment(), None))
        moment = self.traffic.moment
        return [self.traffic.visit(moment(), None).event, self.traffic.visit(moment() - DAY, moment()).rating]

    def _parts(self, written: list[Written], day: int) -> dict[str, list[Part]]:
        parts: dict[str, list[Part]] = {}
        for one in written:
            amounts: dict[str, Counter[str]] = {}
            for share in shares(entry_of(one)):
                if (share.key.day < self.today) == (day < 0):
                    name = _plainly(share.counter, one.item)
                    amounts.setdefault(_pool_of(share.key), Counter())[name] += share.amount
            for kind, added in amounts.items():
                parts.setdefault(kind, []).append(Part(one.second, dict(added)))
        return parts

    # ---------------------------------------------------------------- counters

    def _added(self, key: ScoreKey, visits: float, second: float) -> Counter[str]:
        if key.day == self.today:
            return self._taken(self._visits, key, visits, second)
        return self._taken(self._visits, key, visits, DAY) + self._taken(self._late, key, visits * LATER, second)

    def _taken(self, pool: Pool, key: ScoreKey, visits: float, until: float) -> Counter[str]:
        held = pool.get(_pool_of(key), [])
        if visits > _MANY:
            means = self._mean(pool, _pool_of(key), until)
            drawn = {name: poisson(self.random, visits * mean) for name, mean in means.items()}
            return Counter({name: amount for name, amount in drawn.items() if amount})
        total: Counter[str] = Counter()
        for _ in range(poisson(self.random, visits) if held else 0):
            for part in self.random.choice(held):
                if part.second < until:
                    total.update(part.amounts)
        return total

    def _mean(self, pool: Pool, name: str, until: float) -> dict[str, float]:
        known = (name, until, pool is self._late)
        if known not in self._means:
            total: Counter[str] = Counter()
            for part in (part for visit in pool.get(name, []) for part in visit if part.second < until):
                total.update(part.amounts)
            self._means[known] = {counter: amount / len(pool[name]) for counter, amount in total.items()}
        return self._means[known]

    # ---------------------------------------------------------------- how many visits a node has in a day

    def _expected(self, key: ScoreKey) -> float:
        """Visits a day that touch the node."""
        kind, _, id = key.pk.partition("#")
        if kind == "organisation":
            return self._of_an_item(self.traffic.by_uscc[id], key.sk[11:])
        if kind == "desks":
            organisation, window = self._desk(key)
            return self._of_a_member(organisation) * len(_staff_at(organisation, window))
        return self.traffic.per_day * self._shares[key.pk]

    def _of_an_item(self, organisation: Organisation, task_code: str) -> float:
        if task_code == NO_ITEM:
            return 0.0
        return self.traffic.per_day * organisation.share * organisation.item_share(int(task_code[25:28]))

    def _of_a_member(self, organisation: Organisation) -> float:
        return self.traffic.per_day * organisation.share * IN_HALLS / organisation.staff

    def _desk(self, key: ScoreKey) -> tuple[Organisation, str]:
        return self.traffic.by_uscc[key.pk.partition("#")[2]], key.sk[11:]

    @cached_property
    def _shares(self) -> dict[str, float]:
        """The part of the province's visits that touches each flat node."""
        found: defaultdict[str, float] = defaultdict(float)
        for organisation in self.traffic.organisations:
            for kind, code in zip(REGIONS, regions_of(organisation.region), strict=False):
                found[f"{kind}#{code}"] += organisation.share
            for platform in organisation.platforms():
                found[f"platform#{platform}"] += organisation.share * (1 - IN_HALLS) / len(organisation.platforms())
            for item in range(organisation.items):
                found[f"base#{organisation.base_code(item)}"] += organisation.share * organisation.item_share(item)
        published = sum(way.published for way in WAYS)
        for way in WAYS:
            found[f"channel#{way.channel}"] += way.published / published
            found[f"service_channel#{way.service}"] += way.published / published
        return found


@cache
def _mark(start: float, second: float) -> bytes:
    # As old as it would be: the handler looks at the clock to see which have been outlived.
    age = second - min(start + ROLLOVER, second)
    return Checkpoint(10**20 + int(start), int(clock.wall().timestamp() - age)).packed()


def _pool_of(key: ScoreKey) -> str:
    """Under what the pool knows a node: channels differ in what they add, all others only by their kind."""
    kind = key.pk.partition("#")[0]
    return key.pk if kind in {"channel", "service_channel"} else kind


def _plainly(counter: str, item: dict[str, Any]) -> str:
    """A counter of a window without who sat there."""
    for name, held in ((_STAFF, item.get("staff_ref")), (_DEVICE, item.get("device"))):
        counter = counter.replace(held, name) if held else counter
    return counter


def _staff_at(organisation: Organisation, window: str) -> list[int]:
    first = int(window[1:]) * 10 // 7
    return [number for number in range(first, min(first + 3, organisation.staff)) if window_of(number) == window]
