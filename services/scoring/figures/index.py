"""The index of an organisation: its indicators under the six aspects of an evaluation (国办发〔2019〕51号, 二(四)). Pure.

An indicator without enough data is named and left out: it neither helps nor harms. How much of all weight the score rests on is said too.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from contract.codes import Aspect, CaseMeasure, Flag, Level, Provenance, RatingKind
from contract.model import Model
from scoring import counters
from scoring.figures.indicators import INDICATORS, Rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policy.evaluation import Entry, Evaluation, Formula
    from policy.rules import Policy
    from scoring.figures.indicators import Counts

    Parts = list[tuple[str, ...]]


class UnknownIndicator(ValueError):
    """A system names an indicator that there is not, and gives no formula for it."""


class UnknownCounter(ValueError):
    """A formula asks for a counter that never counts anything."""


class Part(Model):
    """One indicator of the index. `rate` and `score` (0 to 100) are None below the minimum n: there is not enough to judge by."""

    indicator: str
    zh: str
    en: str
    aspect: Aspect
    weight: float
    floor: float
    target: float
    source: str
    numerator: int
    denominator: int
    rate: float | None
    score: float | None


class AspectScore(Model):
    """One of the six aspects: its score (None if no part of it can be judged), its weight, and the weight that the score rests on."""

    aspect: Aspect
    zh: str
    en: str
    score: float | None
    weight: float
    judged_weight: float
    parts: tuple[Part, ...]


class IndexScore(Model):
    """The index (0 to 100) over the parts that can be judged, and the share of all weight that they carry (`covered`).

    `version` names the index systems it was computed by, `without_data` the indicators that were left out.
    """

    score: float | None
    covered: float
    without_data: tuple[str, ...]
    version: str
    aspects: tuple[AspectScore, ...]

    def plain(self) -> dict[str, Any]:
        """The index as JSON; null says that there is not enough data."""
        return self.model_dump(mode="json")


def score_of(counts: Counts, system: Evaluation, policy: Policy) -> IndexScore:
    """The index of a node by its counts over a period. Raises UnknownIndicator, UnknownCounter."""
    check_entries(system.entries)
    parts = [_part(entry, counts, policy) for entry in system.entries]
    judged, whole = _weight(part for part in parts if part.score is not None), _weight(parts)
    return IndexScore(
        score=_score(parts),
        covered=judged / whole if whole else 0.0,
        without_data=tuple(part.indicator for part in parts if part.score is None),
        version=system.version,
        aspects=tuple(_aspect(aspect, [part for part in parts if part.aspect is aspect]) for aspect in Aspect),
    )


def check_entries(entries: Iterable[Entry]) -> None:
    """Raises UnknownIndicator or UnknownCounter for what could never be computed."""
    for entry in entries:
        if entry.formula:
            for pattern in (*entry.formula.numerator, *entry.formula.denominator):
                _check_counter(entry.indicator, pattern)
        elif entry.indicator not in INDICATORS:
            known = ", ".join(INDICATORS)
            raise UnknownIndicator(f"没有该指标，也没有公式 no such indicator, and no formula: {entry.indicator}; 可用 available: {known}")


def _part(entry: Entry, counts: Counts, policy: Policy) -> Part:
    found = _rate(entry, counts, policy)
    named = entry.formula or INDICATORS[entry.indicator]
    value = found.shown(policy.min_n)
    return Part(
        **entry.model_dump(exclude={"formula"}),
        zh=named.zh,
        en=named.en,
        numerator=found.numerator,
        denominator=found.denominator,
        rate=value,
        score=None if value is None else entry.score(value),
    )


def _rate(entry: Entry, counts: Counts, policy: Policy) -> Rate:
    if entry.formula:
        return _computed(entry.formula, counts)
    return INDICATORS[entry.indicator].of(counts, policy)


def _computed(formula: Formula, counts: Counts) -> Rate:
    return Rate(_sum(formula.numerator, counts), _sum(formula.denominator, counts))


def _sum(patterns: tuple[str, ...], counts: Counts) -> int:
    wanted = [pattern.split(".") for pattern in patterns]
    return sum(amount for name, amount in counts.items() if any(_matches(name.split("."), pattern) for pattern in wanted))


def _matches(name: list[str], pattern: list[str]) -> bool:
    # Part by part: `*` for a kind of rating must not take in what was excluded from it.
    return len(name) == len(pattern) and all(map(fnmatchcase, name, pattern))


def _aspect(aspect: Aspect, parts: list[Part]) -> AspectScore:
    return AspectScore(
        aspect=aspect,
        zh=aspect.zh,
        en=aspect.en,
        score=_score(parts),
        weight=_weight(parts),
        judged_weight=_weight(part for part in parts if part.score is not None),
        parts=tuple(parts),
    )


def _score(parts: Iterable[Part]) -> float | None:
    judged = [(part.weight, part.score) for part in parts if part.score is not None]
    return sum(weight * score for weight, score in judged) / sum(weight for weight, _ in judged) if judged else None


def _weight(parts: Iterable[Part]) -> float:
    return sum(part.weight for part in parts)


# What the parts of a counter's name can be, by the first of them; `*` in a formula stands for any.
_RATING: Parts = [("1", "2"), tuple(Provenance), tuple(Level)]
_COUNTERS: dict[str, Parts] = {
    **{kind.value: _RATING for kind in RatingKind},
    "case": [tuple(CaseMeasure)],
    "flag": [tuple(Flag)],
    "rated": [tuple(Provenance)],
    "unlisted": [tuple(Provenance)],
    counters.FINISHED: [],
}


def _check_counter(indicator: str, pattern: str) -> None:
    """Formulas are made of ratings, finished services, flags and cases; what is misspelt would be 0 for ever."""
    head, *rest = pattern.split(".")
    heads = [name for name in _COUNTERS if fnmatchcase(name, head)]
    if not any(len(rest) == len(_COUNTERS[name]) and _all_match(rest, _COUNTERS[name]) for name in heads):
        raise UnknownCounter(f"{indicator}: 没有该计数 no such counter: {pattern}")


def _all_match(rest: list[str], known: Parts) -> bool:
    return all(any(fnmatchcase(name, part) for name in names) for part, names in zip(rest, known, strict=True))
