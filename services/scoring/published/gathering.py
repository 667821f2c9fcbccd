"""What a result is made of, read from the scores and the register month by month, so that a run can stop and the next one goes on.

What was read of a partition over a month is kept beside the scores (`month#<partition>` / month, compressed) under a label; so is what was
registered of an organisation at the end of the month (`registered#<credit code>`). Under the same label it is not read again. Without one,
whatever was read last is taken: a quarter or a year is then the sum of its months as they were last read.

Reads for a month of a province with N organisations, P platforms, B base items and R cities and counties: 2 N + P + B + R + 12 queries of
the scores (a page of 1 MB holds some 1,000 items, and each lies in up to four slots), as many gets and puts of what is kept, and for each
organisation, the first time, three queries of the register and one for each item, window and platform. A month that was read costs the
gets alone. They run on the threads of the stack; an organisation with 620 items in one slot each takes some 0.1 s of a processor for a
month, and a third of that if it was read before.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cloud import registry
from cloud.settings import settings
from cloud.table import get, put
from contract.codes import RatingChannel, ServiceChannel
from policy.rules import in_force
from policy.screening import screened
from scoring import counters, scores
from scoring.figures.causes import causes
from scoring.figures.coverage import registered_of
from scoring.figures.covered import Counted, Registered, coverage, covered, is_window
from scoring.figures.index import score_of
from scoring.figures.signals import signals
from scoring.figures.systems import system
from scoring.nodes import region_kind, regions_of
from scoring.period import Period
from scoring.published.results import Material, Subject, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from policy.evaluation import Evaluation
    from policy.rules import Policy
    from scoring.figures.covered import Covered
    from scoring.figures.indicators import Counts

    Parts = dict[str, Counter[str]]

T = TypeVar("T")
R = TypeVar("R")

_AT_A_TIME = 100
# An item holds 400 kB; what does not fit is not kept, and read again.
_MOST_KEPT = 380_000
# What signals are found from, once they are found.
_SIGNS = ("via.", "delay.", "set.", "hour.")


class OutOfTime(Exception):
    """The run has to stop; what it has read is kept."""


class Reading(NamedTuple):
    """Under which labels what was kept may be used again, of counts and of the register; None takes whatever was read last."""

    counts: str | None
    register: str | None


class _Place(NamedTuple):
    kind: str
    id: str
    zh: str
    en: str
    within: str | None
    table: str
    sector: str | None = None
    region: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}#{self.id}"


class _Scene(NamedTuple):
    """What is the same for every organisation. `months` are those of the period in which anything was counted."""

    period: Period
    months: Sequence[Period]
    policy: Policy
    reading: Reading
    systems: Mapping[tuple[str, str | None], Evaluation]


class _Seen(NamedTuple):
    total: Counts
    unit: Unit
    covered: Covered


def gather(period: Period, region: str, policy: Policy, reading: Reading, is_time: Callable[[], bool]) -> Material | None:
    """Everything that the result of a month, quarter or year of a province (12 digits) is made of; None if nothing was counted in it.

    Names and register are those of the last day. Raises OutOfTime.
    """
    days = _parts(f"province#{region}", [Period.of_month(day) for day in period.months], reading)
    months = [Period.of(name) for name in sorted({day[:7] for day, counts in days.items() if counts})]
    if not months:
        return None
    tree, across = list(_tree(region, period.last)), list(_across(region, period.last))
    organisations = [place for place in tree if place.kind == "organisation"]
    scene = _Scene(period, months, policy, reading, _systems(organisations, period.last))
    seen = dict(zip((place.id for place in organisations), _each(lambda place: _seen(place, scene), organisations, is_time), strict=True))
    counts = {f"organisation#{id}": one.total for id, one in seen.items()}
    others = [place for place in (*tree, *across) if place.key not in counts]
    counts |= zip(
        (place.key for place in others),
        _each(lambda place: counters.added(_parts(place.key, months, reading).values()), others, is_time),
        strict=True,
    )
    whole = counts[f"province#{region}"]
    return Material(
        subjects=[*(_subject(place, counts) for place in (*tree, *across)), *_times(region, days, period)],
        units={id: one.unit for id, one in seen.items()},
        coverage=coverage(region, period.name, period.last, [one.covered for one in seen.values()], whole),
        items={place.id: (place.zh, place.en) for place in across if place.kind == "base"},
    )


def _each(work: Callable[[T], R], things: Sequence[T], is_time: Callable[[], bool]) -> Iterator[R]:
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        for start in range(0, len(things), _AT_A_TIME):
            if not is_time():
                raise OutOfTime
            yield from pool.map(work, things[start : start + _AT_A_TIME])


# ---------------------------------------------------------------- what there is


def _tree(region: str, on: date) -> Iterator[_Place]:
    """The province, its cities and counties, and behind each the organisations that are registered there or in its townships."""
    codes = set(registry.regions_from(region, on))
    known = {code for code in codes if region_kind(code) != "township"}
    for code in sorted(codes):
        within = [f"{region_kind(above)}#{above}" for above in regions_of(code) if above in known]
        if code in known:
            yield _Place(
                region_kind(code), code, *_names(registry.find("region", code, on)), within[-2] if len(within) > 1 else None, "place"
            )
        for id, unit in registry.members("organisation", f"region#{code}", on).items():
            yield _Place("organisation", id, *_names(unit), within[-1], "place", unit.get("sector"), code)


def _across(region: str, on: date) -> Iterator[_Place]:
    """The province once more: by channel, by service channel, by base item."""
    whole = f"province#{region}"
    yield from (_Place("channel", code, code.zh, code.en, whole, "channel") for code in RatingChannel)
    yield from (_Place("service_channel", code, code.zh, code.en, whole, "service_channel") for code in ServiceChannel)
    for id, value in sorted(registry.members("base_item", "province#", on).items()):
        yield _Place("base", id, *_names(value), whole, "base")


def _names(value: dict[str, Any] | None) -> tuple[str, str]:
    held = value or {}
    return screened(held.get("zh", "")), screened(held.get("en", ""))


def _systems(organisations: list[_Place], on: date) -> dict[tuple[str, str | None], Evaluation]:
    return {(region, sector): system(region, sector, on) for region, sector in {(place.region, place.sector) for place in organisations}}


def _subject(place: _Place, counts: Mapping[str, Counts]) -> Subject:
    return Subject(
        place.kind, place.id, place.zh or place.id, place.en or place.zh or place.id, counts[place.key], place.within, place.table
    )


def _times(region: str, days: Parts, period: Period) -> Iterator[Subject]:
    """The province day by day, or month by month for a quarter or a year."""
    kind, length = ("day", 10) if len(period.months) == 1 else ("month", 7)
    for name in dict.fromkeys(day.isoformat()[:length] for day in period.days):
        counts = counters.added(held for day, held in days.items() if day.startswith(name))
        yield Subject(kind, name, name, name, counts, f"province#{region}", "time")


# ---------------------------------------------------------------- one organisation


def _seen(place: _Place, scene: _Scene) -> _Seen:
    period, months, reading = scene.period, scene.months, scene.reading
    items, desks = _parts(f"organisation#{place.id}", months, reading), _parts(f"desks#{place.id}", months, reading)
    registered = _registered(place.id, period.last, reading)
    local = in_force(registry.rules(place.region), place.region, period.last)
    evaluation, total = scene.systems[place.region, place.sector], counters.added(items.values())
    unit = Unit(
        found=signals(items, _by_day(desks), local, region=place.region, registered=registered.windows or None),
        score=score_of(total, evaluation, scene.policy) if evaluation.entries else None,
        causes=[cause for cause in causes(items, place.id, period.name) if cause.number >= scene.policy.min_n],
    )
    counted = Counted(
        items,
        _by_window(desks),
        {code: counters.added(_parts(f"platform#{code}", months, reading).values()) for code in registered.platforms},
    )
    kept = {name: amount for name, amount in total.items() if not name.startswith(_SIGNS)}
    return _Seen(kept, unit, covered(place.id, registered, counted))


def _registered(uscc: str, on: date, reading: Reading) -> Registered:
    """What the register holds of an organisation, as it was when the month was first read."""

    def read() -> dict[str, Any]:
        now = registered_of(uscc, on)
        guides = {id: list(guide.get("rating_channels", ())) for id, guide in now.guides.items()}
        return {"guides": guides, "windows": list(now.windows), "platforms": list(now.platforms)}

    held = _kept(f"registered#{uscc}", f"{on:%Y-%m}", reading.register, read)
    return Registered({id: {"rating_channels": channels} for id, channels in held["guides"].items()}, held["windows"], held["platforms"])


def _by_day(desks: Parts) -> dict[date, dict[str, Counts]]:
    found: dict[date, dict[str, Counts]] = {}
    for name, counts in desks.items():
        found.setdefault(date.fromisoformat(name[:10]), {})[name[11:]] = counts
    return found


def _by_window(desks: Parts) -> Parts:
    found: Parts = {}
    for name, counts in desks.items():
        found.setdefault(name[11:], Counter()).update(counts)
    return found


# ---------------------------------------------------------------- months


def _parts(partition: str, months: Sequence[Period], reading: Reading) -> Parts:
    """The counters of a partition: of an organisation by task code, of its desks by day and window, of others by day."""
    found: Parts = {}
    for month in months:
        for name, counts in _month(partition, month, reading).items():
            found.setdefault(name, Counter()).update(counts)
    return found


def _month(partition: str, month: Period, reading: Reading) -> dict[str, dict[str, int]]:
    def read() -> Parts:
        found: Parts = {}
        for item in scores.items_of(partition, month):
            name = item["sk"][11:] if partition.startswith("organisation#") else item["sk"]
            found.setdefault(name, Counter()).update(_wanted(item["sk"][11:], scores.counters_of(item)))
        return found

    held: dict[str, dict[str, int]] = _kept(f"month#{partition}", month.name, reading.counts, read)
    return held


def _wanted(desk: str, counts: dict[str, int]) -> dict[str, int]:
    """Without what members of staff have of a window; where one sits at none, it is by this that the desk is known."""
    return {name: amount for name, amount in counts.items() if not name.startswith("staff.")} if is_window(desk, counts) else counts


def _kept(pk: str, month: str, label: str | None, read: Callable[[], Any]) -> Any:
    """What was kept under this label, or else what is read now, which is then kept."""
    key = {"pk": pk, "sk": month}
    held = get(settings().scores_table, key)
    if held and label in (None, held["label"]):
        return json.loads(gzip.decompress(held["kept"]))
    found = read()
    packed = gzip.compress(json.dumps(found).encode(), mtime=0)
    if len(packed) <= _MOST_KEPT:
        put(settings().scores_table, {**key, "label": label or "", "kept": packed})
    return found
