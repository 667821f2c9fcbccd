"""Who may see which figures, and from which size on. Pure.

What a reader may see goes by what the figures are of, and by whether it lies in the reader's own scope:

| figures of | own scope | own sector | every other party |
|---|---|---|---|
| `OPEN`: regions, the same item everywhere, platforms, channels, organisations; rankings and coverage of regions | whole | large | large |
| `INNER`: items and windows of an organisation, its coverage, causes, signals and index | whole | large | refused |
| `STAFF`: members of staff, who appear as opaque references | whole | refused | refused |

*Whole* is every number, *large* what `withheld` leaves of them. Published results are for everybody and are not asked about here.

Own scope is that of a UNIT over the organisations that it names, where they lie in its regions, and that of a SUPERVISOR over its regions
(where it names organisations, over these alone). A UNIT that names no organisation is none in particular: looking after a whole region is a
supervisor's matter. A CHANNEL and a CONSUMER have no figures of their own, whatever their regions: they hand on what others said. What
lies in the whole province (the same item everywhere, channels) is the matter of a supervisor of the province. Own sector is that of an
organisation whose registered line of work is among the reader's `sectors`, in any region (国办发〔2019〕51号, 二(一)). Staff figures go to
their own organisation and its supervisor alone (domain handbook, 18).

What is refused is refused with one and the same sentence (`out_of_scope`), whether there is such a thing or not.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.codes import Role
from contract.identifiers import lies_within
from scoring.figures.indicators import GIVEN, INDICATORS, ROWS, levels, rows_of
from scoring.nodes import OF_AN_ORGANISATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy.rules import Policy
    from scoring.figures.indicators import Counts


class Reader(NamedTuple):
    """A registered party as far as it reads: its role and its scope."""

    role: Role
    regions: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()


class Place(NamedTuple):
    """Where something lies, as registered: region (12 digits), organisation (USCC) and its sector; empty where nothing is known."""

    region: str = ""
    organisation: str = ""
    sector: str = ""


class Subject(Enum):
    """What figures are of, by how many may see them."""

    OPEN = "OPEN"
    INNER = "INNER"
    STAFF = "STAFF"


class Sight(Enum):
    """How much of the figures a reader sees: all of them, those that are large enough to lead to nobody, or nothing."""

    WHOLE = "WHOLE"
    LARGE = "LARGE"
    NOTHING = "NOTHING"


def subject_of(kind: str) -> Subject:
    """What the figures of nodes of a kind are of."""
    if kind == "staff":
        return Subject.STAFF
    return Subject.INNER if kind in OF_AN_ORGANISATION else Subject.OPEN


def sight(reader: Reader, subject: Subject, place: Place) -> Sight:
    """How much the reader sees there."""
    if covers(reader, place):
        return Sight.WHOLE
    if subject is Subject.OPEN or (subject is Subject.INNER and _is_of_its_sector(reader, place)):
        return Sight.LARGE
    return Sight.NOTHING


def covers(reader: Reader, place: Place) -> bool:
    """Whether the place lies in the reader's own scope."""
    if not (place.region and lies_within(place.region, reader.regions)):
        return False
    if reader.role is Role.UNIT:
        return place.organisation in reader.organisations
    return reader.role is Role.SUPERVISOR and (not reader.organisations or place.organisation in reader.organisations)


def _is_of_its_sector(reader: Reader, place: Place) -> bool:
    return bool(place.sector) and place.sector in reader.sectors


# ---------------------------------------------------------------- from which size on


_OTHER_ROWS = ("follow_ups", "general", "supervisory")


def large_node(node: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """The total and the figures of a node without what stands on 1 to `min_n - 1`: null stands for it. 0 is shown: it is nobody's.

    A row of ratings stands on how many there are, and shows its levels however few; services stand on those finished, an indicator on its
    denominator, a number that has no whole (tags, flags, exclusions, steps of cases) on itself. The total, the objects, and what is counted
    over several rows are withheld with one of their parts, which would follow from the others. What several questions tell together
    is not weighed: who asks is registered, and what everybody may read is published with more care (`scoring.published.suppression`).
    """
    min_n, figures = policy.min_n, node["figures"]
    rows = {**figures["ratings"], **{name: figures[name] for name in _OTHER_ROWS}}
    few = _few(rows, min_n)
    few_objects = bool(_few(figures["objects"], min_n))
    few_services = not _is_large(figures["finished"], min_n)
    shown = {
        "ratings": {name: _unless(name in few, held) for name, held in figures["ratings"].items()},
        **{name: _unless(name in few, rows[name]) for name in _OTHER_ROWS},
        "objects": {name: _unless(few_objects, held) for name, held in figures["objects"].items()},
        **{name: _each(figures[name], min_n) for name in ("excluded", "tags", "flags", "cases", "decided", "restored")},
        "finished": _large(figures["finished"], min_n),
        "rated": _unless(few_services or not few.isdisjoint(GIVEN), figures["rated"]),
        "indicators": {name: _rate(name, rate, few, policy) for name, rate in figures["indicators"].items()},
    }
    return {"total": None if few else node["total"], "figures": shown}


def large_place(place: Mapping[str, Any], indicator: str, counts: Counts, policy: Policy) -> dict[str, Any]:
    """A place of a ranking by the counts of its node: what stands on few has neither numbers nor a rank."""
    shown = _rate(indicator, place, _few_of(counts, policy), policy)
    nowhere = dict.fromkeys(("rank", "moved", "low", "high")) if shown["rate"] is None else {}
    return {**place, **shown, **nowhere}


def large_index(index: Mapping[str, Any], counts: Counts, policy: Policy) -> dict[str, Any]:
    """The index of a node by its counts: what stands on few has neither numbers nor a score, nor has what was made of it."""
    few = _few_of(counts, policy)

    def part_of(part: Mapping[str, Any]) -> dict[str, Any]:
        # A formula of one's own may stand on any row.
        rate = _rate(part["indicator"], part, few, policy) if part["indicator"] in INDICATORS or not few else dict.fromkeys(_RATE)
        return {**part, **rate, "score": None if rate["rate"] is None else part["score"]}

    def aspect_of(aspect: Mapping[str, Any]) -> dict[str, Any]:
        parts = [part_of(part) for part in aspect["parts"]]
        return {**aspect, "parts": parts, "score": None if _hides(aspect["parts"], parts) else aspect["score"]}

    aspects = [aspect_of(aspect) for aspect in index["aspects"]]
    hides = any(_hides(before["parts"], now["parts"]) for before, now in zip(index["aspects"], aspects, strict=True))
    return {**index, "aspects": aspects, "score": None if hides else index["score"]}


_RATE = ("numerator", "denominator", "rate")


def _hides(parts: list[Mapping[str, Any]], shown: list[dict[str, Any]]) -> bool:
    """Whether a score that was judged is withheld: it would follow from what the parts were made into."""
    return any(part["score"] is not None and kept["score"] is None for part, kept in zip(parts, shown, strict=True))


def large_causes(causes: list[dict[str, Any]], min_n: int) -> list[dict[str, Any]]:
    """Causes: those that were given often enough, in the month or the month before."""
    shown = (_cause(cause, min_n) for cause in causes)
    return [cause for cause in shown if cause["number"] or cause["number_before"]]


def _cause(cause: Mapping[str, Any], min_n: int) -> dict[str, Any]:
    # Two of three parts would tell the third.
    checks = {name: cause[name] for name in ("confirmed", "not_confirmed", "not_checkable")}
    numbers = {name: cause[name] for name in ("number", "ratings", "number_before", "ratings_before")}
    shown = _each(numbers, min_n)
    known = all(_is_large(number, min_n) for number in checks.values())
    return {
        **cause,
        **shown,
        **(checks if known else dict.fromkeys(checks)),
        "change": cause["change"] if None not in shown.values() else None,
    }


def large_signals(signals: list[dict[str, Any]], min_n: int) -> list[dict[str, Any]]:
    """Signals: those that enough ratings show, without the words of the evidence, which may count a single hour at a window."""
    words = dict.fromkeys(("dominant", "dominant_zh", "dominant_en"))
    return [{**found, **words} for found in signals if _is_large(found["numerator"], min_n) and _is_large(found["denominator"], min_n)]


# What of a coverage names parts of organisations.
_INNER_KINDS = frozenset({"ITEM", "WINDOW", "CHANNEL"})


def large_coverage(coverage: Mapping[str, Any], subject: Subject, min_n: int) -> dict[str, Any]:
    """A coverage without small numbers of services and ratings; of a region also without the parts of its organisations that lack."""
    may_name = subject is Subject.INNER
    dimensions = [
        {**held, "missing": _each(held["missing"], min_n) if may_name or held["kind"] not in _INNER_KINDS else None}
        for held in coverage["dimensions"]
    ]
    return {
        **coverage,
        "dimensions": dimensions,
        "unlisted_items": _large(coverage["unlisted_items"], min_n),
        "unlisted_organisations": _large(coverage["unlisted_organisations"], min_n),
        "unknown_windows": _each(coverage["unknown_windows"], min_n) if may_name else None,
    }


def _is_large(number: int, min_n: int) -> bool:
    return number == 0 or number >= min_n


def _large(number: int, min_n: int) -> int | None:
    return number if _is_large(number, min_n) else None


def _each(numbers: Mapping[str, int], min_n: int) -> dict[str, int | None]:
    return {name: _large(number, min_n) for name, number in numbers.items()}


def _unless(few: bool, numbers: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(numbers) if few else dict(numbers)


def _few(rows: Mapping[str, Mapping[Any, int]], min_n: int) -> set[str]:
    """The rows that stand on few."""
    return {name for name, held in rows.items() if not _is_large(sum(held.values()), min_n)}


def _few_of(counts: Counts, policy: Policy) -> set[str]:
    return _few({row: levels(counts, row) for row in ROWS}, policy.min_n)


def _rate(indicator: str, rate: Mapping[str, Any], few: set[str], policy: Policy) -> dict[str, Any]:
    """Numerator, denominator and rate, unless they stand on few or on a row that does."""
    is_withheld = not _is_large(rate["denominator"], policy.min_n) or not few.isdisjoint(rows_of(indicator, policy))
    return _unless(is_withheld, {name: rate[name] for name in _RATE})
