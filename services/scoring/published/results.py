"""What a published result says, and which of its cells are withheld. Pure.

A result is a tree of figures: the province, its cities, their counties, the organisations of each, and beside it the province once more by
channel, by item and by day (of a quarter or a year: by month). All figures are by the policy of the province on the last day.

Small cells are withheld, and what would lead to them, as `suppression` says: the numbers are null then, and `suppressed` is true.
Staff figures and references, case files and texts are nowhere in it.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from contract.codes import Level, Provenance, Signal
from contract.identifiers import BASE_CODE
from contract.model import Model
from contract.tags import dictionary
from scoring.figures.causes import Cause, by_number
from scoring.figures.indicators import INDICATORS, Rate, figures
from scoring.figures.rankings import moved, ranking, wilson
from scoring.figures.signals import adjusted, is_left_out
from scoring.published.suppression import Closed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from policy.rules import Policy
    from scoring.figures.covered import Coverage
    from scoring.figures.index import IndexScore
    from scoring.figures.indicators import Counts
    from scoring.figures.signals import Found

RANKED_BY = ("good_rate", "participation_rate")
_MOST_CAUSES = 20


# ---------------------------------------------------------------- what is published


class Row(Model):
    """Ratings of one kind, in all and taken apart: by level, or excluded ones by reason. All None where they are withheld."""

    total: int | None
    cells: dict[str, int] | None
    suppressed: bool = False


class Figure(Model):
    """An indicator: None where it is withheld. `rate` is None too where nothing was counted, `low` and `high` (Wilson) also for a mean."""

    numerator: int | None
    denominator: int | None
    rate: float | None
    low: float | None
    high: float | None
    suppressed: bool = False


class Index(Model):
    """An organisation's index (0 to 100), by aspect too; `covered` is the share of all weight that could be judged."""

    score: float
    covered: float
    aspects: dict[str, float | None]
    version: str


class Figures(Model):
    """What is published of one node. `within` is the node of whose figures it is a part."""

    kind: str
    id: str
    zh: str
    en: str
    within: str | None
    rows: dict[str, Row]
    indicators: dict[str, Figure]
    index: Index | None = None

    @property
    def key(self) -> str:
        """`kind#id`."""
        return f"{self.kind}#{self.id}"


class Standing(Model):
    """A place in a ranking. `moved` is by how many places it has risen since the result of the period before, None if it was in none."""

    id: str
    rank: int
    moved: int | None


class Ranking(Model):
    """Siblings in order, the best first; those whose figures are withheld, or stand on too little, are not in it."""

    of: str
    kind: str
    indicator: str
    places: tuple[Standing, ...]

    def standing_still(self) -> Ranking:
        """The same without how places moved."""
        return self.model_copy(update={"places": tuple(place.model_copy(update={"moved": None}) for place in self.places)})


class CoverageRow(Model):
    """How many of a kind are registered (`denominator`), and how many of them somebody rated."""

    kind: str
    zh: str
    en: str
    numerator: int
    denominator: int
    rate: float | None


class CoverageShown(Model):
    """三个全覆盖. Organisations without any rating are named; ratings of what is not listed are None where they are few."""

    rows: tuple[CoverageRow, ...]
    unrated_organisations: tuple[str, ...]
    items_without_channel: int
    unlisted_items: int | None
    unlisted_organisations: int | None


class CauseShown(Model):
    """A reason given for an item of an organisation, and how often the recorded facts confirm it, or do not: None where one is too few."""

    tag: str
    zh: str
    en: str
    item: str
    item_zh: str
    item_en: str
    organisation: str
    number: int
    confirmed: int | None
    not_confirmed: int | None
    not_checkable: int | None


class TagShown(Model):
    """A reason, and how often it was given in the whole province. The national dictionary has no English names."""

    tag: str
    zh: str
    level: Level
    number: int


class SignalShown(Model):
    """How many organisations show a sign of ratings that nobody meant. It asks for a look, and names none."""

    signal: Signal
    zh: str
    en: str
    organisations: int


class Adjusted(Model):
    """The province's indicators without the organisations of which a sign covers most ratings, to stand beside the raw ones."""

    left_out: int
    signals: tuple[SignalShown, ...]
    indicators: dict[str, Figure]


class PolicyShown(Model):
    """The policy by which everything is computed, as far as it matters."""

    version: str
    min_n: int
    confidence: float
    good_levels: tuple[Level, ...]
    valid_provenances: tuple[Provenance, ...]
    points: dict[Level, int] | None


class Edition(Model):
    """Which result it is: revision 1, or a later one of another date (Asia/Shanghai). `earlier` are the dates of those before it."""

    region_code: str
    zh: str
    en: str
    period: str
    first_day: date
    last_day: date
    revision: int
    published_on: date
    earlier: tuple[date, ...] = ()
    code_version: str


class Result(Model):
    """A published result. `nodes` begin with the province; a node stands behind the one in which it lies."""

    format: Literal["haochaping.result.v1"] = "haochaping.result.v1"
    edition: Edition
    policy: PolicyShown
    nodes: tuple[Figures, ...]
    rankings: tuple[Ranking, ...]
    coverage: CoverageShown
    tags: tuple[TagShown, ...]
    causes: tuple[CauseShown, ...]
    adjusted: Adjusted

    @property
    def region(self) -> Figures:
        """The figures of the province."""
        return self.nodes[0]

    def of_kind(self, *kinds: str) -> list[Figures]:
        """The nodes of these kinds."""
        return [node for node in self.nodes if node.kind in kinds]

    def children(self, key: str) -> list[Figures]:
        """The nodes that lie right within a node."""
        return [node for node in self.nodes if node.within == key]

    def text(self) -> str:
        """The JSON file: the same text for the same result."""
        return self.model_dump_json() + "\n"

    def digest(self) -> str:
        """A hash of what it says, whenever and by which code it says so. How places moved is left out: that is about another result."""
        still = tuple(ranking.standing_still() for ranking in self.rankings)
        said = self.model_copy(update={"rankings": still}).model_dump_json(exclude={"edition"})
        return hashlib.sha256(said.encode()).hexdigest()


# ---------------------------------------------------------------- what it is made of


class Subject(NamedTuple):
    """A node with its counters over the period. It and the others of its `table` are parts of the node whose key is `within`."""

    kind: str
    id: str
    zh: str
    en: str
    counts: Counts
    within: str | None = None
    table: str = "place"

    @property
    def key(self) -> str:
        """`kind#id`."""
        return f"{self.kind}#{self.id}"


class Unit(NamedTuple):
    """What is known of an organisation beside its counters."""

    found: Sequence[Found] = ()
    score: IndexScore | None = None
    causes: Sequence[Cause] = ()


class Material(NamedTuple):
    """Everything that a result is made of: the subjects, the province first; organisations by credit code, names of base items."""

    subjects: Sequence[Subject]
    units: Mapping[str, Unit]
    coverage: Coverage
    items: Mapping[str, tuple[str, str]]


class _Measured(NamedTuple):
    cells: dict[str, dict[str, int]]
    rates: dict[str, Rate]
    tags: dict[str, int]


def made(edition: Edition, material: Material, policy: Policy, before: Result | None = None) -> Result:
    """The result. `before` is that of the period before, as it was last published."""
    measured = {subject.key: _measured(subject.counts, policy) for subject in material.subjects}
    totals = {key: {row: sum(cells.values()) for row, cells in held.cells.items()} for key, held in measured.items()}
    rates = {key: held.rates for key, held in measured.items()}
    closed = Closed(_tables(material.subjects), material.subjects[0].key, totals, rates, policy)
    nodes = tuple(_figures(subject, measured[subject.key], closed, material, policy) for subject in material.subjects)
    return Result(
        edition=edition,
        policy=_policy(policy),
        nodes=nodes,
        rankings=tuple(_rankings(material.subjects, nodes, policy, before)),
        coverage=_coverage(material.coverage, policy),
        tags=tuple(_tags(measured[closed.root].tags if closed.root not in closed.given else {}, policy.min_n)),
        causes=tuple(_causes(material, closed, policy)),
        adjusted=_adjusted(material, closed, policy),
    )


def _measured(counts: Counts, policy: Policy) -> _Measured:
    said: dict[str, Any] = figures(counts, policy)
    others = {name: said[name] for name in ("follow_ups", "general", "supervisory", "excluded")}
    rates = {name: Rate(held["numerator"], held["denominator"]) for name, held in said["indicators"].items()}
    return _Measured({**said["ratings"], **others}, rates, said["tags"])


def _tables(subjects: Iterable[Subject]) -> dict[str, list[list[str]]]:
    found: dict[tuple[str, str], list[str]] = {}
    for subject in subjects:
        if subject.within:
            found.setdefault((subject.within, subject.table), []).append(subject.key)
    by_total: dict[str, list[list[str]]] = {}
    for (total, _), parts in found.items():
        by_total.setdefault(total, []).append(parts)
    return by_total


# ---------------------------------------------------------------- how it is shown


def _figures(subject: Subject, measured: _Measured, closed: Closed, material: Material, policy: Policy) -> Figures:
    shown = {name: _figure(name, rate, subject.key in closed.indicators[name], policy) for name, rate in measured.rates.items()}
    unit = material.units.get(subject.id) if subject.kind == "organisation" else None
    return Figures(
        kind=subject.kind,
        id=subject.id,
        zh=subject.zh,
        en=subject.en,
        within=subject.within,
        rows={row: _row(cells, withheld=subject.key in closed.rows[row]) for row, cells in measured.cells.items()},
        indicators=shown,
        index=_index(unit.score, shown) if unit and unit.score else None,
    )


def _row(cells: dict[str, int], *, withheld: bool) -> Row:
    return Row(total=None, cells=None, suppressed=True) if withheld else Row(total=sum(cells.values()), cells=cells)


def _figure(name: str, rate: Rate, withheld: bool, policy: Policy) -> Figure:
    if withheld:
        return Figure(numerator=None, denominator=None, rate=None, low=None, high=None, suppressed=True)
    share = rate.shown(policy.min_n)
    low, high = wilson(*rate, policy.confidence) if share is not None and name != "points" else (None, None)
    return Figure(numerator=rate.numerator, denominator=rate.denominator, rate=_rounded(share), low=_rounded(low), high=_rounded(high))


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _index(index: IndexScore, shown: Mapping[str, Figure]) -> Index | None:
    """The index, unless one of its parts is withheld: a score of few parts would tell their rates."""
    judged = [part for aspect in index.aspects for part in aspect.parts if part.score is not None]
    hides = any(figure.suppressed for figure in shown.values())
    # A formula of one's own may stand on anything that is withheld.
    told = any(shown[part.indicator].suppressed if part.indicator in shown else hides for part in judged)
    if index.score is None or told:
        return None
    aspects = {aspect.aspect.value: None if aspect.score is None else round(aspect.score, 2) for aspect in index.aspects if aspect.weight}
    return Index(score=round(index.score, 2), covered=round(index.covered, 4), aspects=aspects, version=index.version)


def _policy(policy: Policy) -> PolicyShown:
    return PolicyShown(
        version=policy.version,
        min_n=policy.min_n,
        confidence=policy.confidence,
        good_levels=tuple(level for level in Level if level in policy.good_levels),
        valid_provenances=tuple(one for one in Provenance if one in policy.valid_provenances),
        points=policy.points,
    )


def _rankings(subjects: Sequence[Subject], nodes: Sequence[Figures], policy: Policy, before: Result | None) -> Iterator[Ranking]:
    """The cities of the province, the counties of each city, the organisations of each region."""
    then = {(one.of, one.kind, one.indicator, place.id): place.rank for one in (before.rankings if before else ()) for place in one.places}
    siblings: dict[tuple[str, str], list[Subject]] = {}
    for subject in subjects:
        if subject.within and subject.table == "place":
            siblings.setdefault((subject.within, subject.kind), []).append(subject)
    shown = {node.key: node.indicators for node in nodes}
    for (of, kind), held in siblings.items():
        for name in RANKED_BY:
            ranked = {one.id: one.counts for one in held if shown[one.key][name].rate is not None}
            places = [
                Standing(id=place.id, rank=place.rank, moved=moved(then.get((of, kind, name, place.id)), place.rank))
                for place in ranking(ranked, {}, policy, name)
                if place.rank is not None
            ]
            if len(places) > 1:
                yield Ranking(of=of, kind=kind, indicator=name, places=tuple(places))


def _coverage(coverage: Coverage, policy: Policy) -> CoverageShown:
    rows = [
        CoverageRow(
            kind=held.kind.value, zh=held.kind.zh, en=held.kind.en, numerator=held.numerator, denominator=held.denominator, rate=held.rate
        )
        for held in coverage.dimensions
    ]
    return CoverageShown(
        rows=tuple(rows),
        unrated_organisations=tuple(id for held in coverage.dimensions if held.kind == "ORGANISATION" for id in held.missing),
        items_without_channel=len(coverage.without_channel),
        unlisted_items=_unless_few(coverage.unlisted_items, policy),
        unlisted_organisations=_unless_few(coverage.unlisted_organisations, policy),
    )


def _unless_few(number: int, policy: Policy) -> int | None:
    return None if 0 < number < policy.min_n else number


def _tags(numbers: Mapping[str, int], min_n: int) -> Iterator[TagShown]:
    """The reasons that were given at least `min_n` times, the most frequent first."""
    known = dictionary()
    for code, number in sorted(numbers.items(), key=lambda held: (-held[1], held[0])):
        level = next(level for level in Level if str(level.rank) == code[0])
        if number < min_n:
            continue  # as few as would lead to somebody
        yield TagShown(tag=code, zh=known[code].zh if code in known else code, level=level, number=number)


def _causes(material: Material, closed: Closed, policy: Policy) -> Iterator[CauseShown]:
    """The most frequent reasons of bad ratings that were given at least `min_n` times for one item of one organisation."""
    shown = {id: unit for id, unit in material.units.items() if f"organisation#{id}" not in closed.given}
    found = by_number(cause for unit in shown.values() for cause in unit.causes if cause.number >= policy.min_n)
    for cause in found[:_MOST_CAUSES]:
        zh, en = material.items.get(cause.item[BASE_CODE], (cause.item, cause.item))
        left_out = {"month", "ratings"}  # how many ratings an item has leads to those of the organisation's other items
        said = {name: value for name, value in cause.plain().items() if name not in left_out}
        checks = ("confirmed", "not_confirmed", "not_checkable")
        if any(0 < said[check] < policy.min_n for check in checks):  # two of three would tell the third
            said |= dict.fromkeys(checks)
        yield CauseShown(**said, item_zh=zh, item_en=en)


def _adjusted(material: Material, closed: Closed, policy: Policy) -> Adjusted:
    """Raw less adjusted is what the organisations left out have: a figure that is withheld of one of them is withheld here."""
    out = {id for id, unit in material.units.items() if is_left_out(unit.found, policy)}
    flagged = [subject for subject in material.subjects if subject.kind == "organisation" and subject.id in out]
    region = material.subjects[0]
    counts = adjusted(region.counts, (subject.counts for subject in flagged))
    shown = {}
    for name, indicator in INDICATORS.items():
        rate, close = indicator.of(counts, policy), closed.indicators[name]
        few = 0 < rate.denominator < policy.min_n or rate.denominator < 0
        shown[name] = _figure(name, rate, few or any(one.key in close for one in (region, *flagged)), policy)
    return Adjusted(left_out=len(flagged), signals=tuple(_signals(material.units.values())), indicators=shown)


def _signals(units: Iterable[Unit]) -> Iterator[SignalShown]:
    held = [{found.signal for found in unit.found} for unit in units]
    for signal in Signal:
        if number := sum(signal in found for found in held):
            yield SignalShown(signal=signal, zh=signal.zh, en=signal.en, organisations=number)
