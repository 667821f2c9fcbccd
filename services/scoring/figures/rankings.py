"""Rankings among siblings: by what can be said with confidence, so that three ratings do not beat three thousand. Pure."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

from scoring.figures.indicators import INDICATORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy.rules import Policy
    from scoring.figures.indicators import Counts, Indicator

_LESS_IS_BETTER = frozenset({"bad_rate", "unrated_rate"})
_MEANS = frozenset({"points"})
_ORDERS = {
    "low": ("按威尔逊置信区间下限排序", "by the lower bound of the Wilson interval"),
    "high": ("按威尔逊置信区间上限排序，低者为先", "by the upper bound of the Wilson interval, the lower first"),
    "mean": ("按平均分排序，平均分没有置信区间", "by the mean alone: no interval of proportions applies to it"),
}


class NoIndicator(ValueError):
    """There is no indicator of this name."""


class Place(NamedTuple):
    """Where a sibling stands. Below the minimum n it has no `rank` and no `rate`; `low` and `high` are None for means too.

    Siblings of the same rank are level. `moved` is by how many places it has risen (below zero: fallen) since the period before, None if
    it has no rank now or had none then.
    """

    id: str
    rank: int | None
    moved: int | None
    numerator: int
    denominator: int
    rate: float | None
    low: float | None
    high: float | None

    def plain(self) -> dict[str, Any]:
        """The place as JSON."""
        return self._asdict()


def ranking(now: Mapping[str, Counts], before: Mapping[str, Counts], policy: Policy, indicator: str = "good_rate") -> list[Place]:
    """The siblings by an indicator, the best first, those without a rank last; counts by id, `before` those of the period before.

    They are ordered by the worse end of the Wilson interval at the policy's confidence: the lower bound, or the upper one where less is
    better. A mean (`points`) is ordered by itself. Raises NoIndicator.
    """
    then = {place.id: place.rank for place in _ranked(before, policy, indicator)}
    return [place._replace(moved=moved(then.get(place.id), place.rank)) for place in _ranked(now, policy, indicator)]


def plain(places: list[Place], policy: Policy, indicator: str = "good_rate") -> dict[str, Any]:
    """A ranking as JSON: what is ranked, by what it is ordered, at which confidence and minimum n. Raises NoIndicator."""
    named, order = indicator_of(indicator), _order(indicator)
    zh, en = _ORDERS[order]
    return {
        "indicator": indicator,
        "zh": named.zh,
        "en": named.en,
        "ordered_by": {"bound": order, "zh": zh, "en": en},
        "confidence": None if order == "mean" else policy.confidence,
        "min_n": policy.min_n,
        "places": [place.plain() for place in places],
    }


def indicator_of(name: str) -> Indicator:
    """The indicator of this name. Raises NoIndicator."""
    if name not in INDICATORS:
        raise NoIndicator(f"没有该指标 no such indicator: {name}; 可用 available: {', '.join(INDICATORS)}")
    return INDICATORS[name]


def wilson(numerator: int, denominator: int, confidence: float) -> tuple[float, float]:
    """The two-sided score interval of a proportion (E. B. Wilson 1927), at a confidence between 0 and 1; the denominator is above 0."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    n, share = denominator, min(max(numerator / denominator, 0.0), 1.0)
    middle = share + z * z / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    # A share of 0 or 1 is a bound itself, which rounding must not move: those who have it are level.
    return max(min((middle - spread) / whole, share), 0.0), min(max((middle + spread) / whole, share), 1.0)


def _ranked(counts: Mapping[str, Counts], policy: Policy, indicator: str) -> list[Place]:
    places = [_place(id, held, policy, indicator) for id, held in counts.items()]
    standing = sorted((place for place in places if place.rate is not None), key=lambda place: (_worth(place, indicator), place.id))
    ranked: list[Place] = []
    for position, place in enumerate(standing, 1):
        level = ranked and _worth(ranked[-1], indicator) == _worth(place, indicator)
        ranked.append(place._replace(rank=ranked[-1].rank if level else position))
    return ranked + sorted(place for place in places if place.rate is None)


def _place(id: str, counts: Counts, policy: Policy, indicator: str) -> Place:
    numerator, denominator = found = indicator_of(indicator).of(counts, policy)
    rate, low, high = found.shown(policy.min_n), None, None
    if rate is not None and indicator not in _MEANS:
        low, high = wilson(numerator, denominator, policy.confidence)
    return Place(id, None, None, numerator, denominator, rate, low, high)


def _worth(place: Place, indicator: str) -> float:
    """The smaller, the better the place."""
    match _order(indicator):
        case "low":
            return -(place.low or 0.0)
        case "high":
            return place.high or 0.0
        case _:
            return -(place.rate or 0.0)


def _order(indicator: str) -> str:
    if indicator in _MEANS:
        return "mean"
    return "high" if indicator in _LESS_IS_BETTER else "low"


def moved(then: int | None, now: int | None) -> int | None:
    """By how many places something has risen, None if it has no rank now or had none then."""
    return None if then is None or now is None else then - now
