"""Indicators, computed from counts when they are read. Numerator and denominator stand beside every rate (domain handbook, 11).

Figures of several nodes or days are pooled by adding their counts; nothing here ever sees an average. Ratings that nobody gave, that a
clerk entered or that another system holds are rows of their own; the headline rates know only what the policy calls valid, which
is the raters' own unless an operator says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from contract.codes import Aspect, CaseMeasure, Flag, Level, Provenance, RatingKind
from scoring import counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from policy.rules import Policy
    from scoring.counters import Row

    Counts = Mapping[str, int]

SELF = frozenset({Provenance.SELF_ONLINE, Provenance.SELF_DEVICE})
_OF_A_SERVICE = frozenset({RatingKind.VISIT, RatingKind.MATTER})


class Rate(NamedTuple):
    """A share of what was counted, or points by what was counted."""

    numerator: int
    denominator: int

    def shown(self, min_n: int) -> float | None:
        """The share, None below the minimum n of the policy."""
        return self.numerator / self.denominator if self.denominator >= max(min_n, 1) else None


def good_rate(counts: Counts, policy: Policy) -> Rate:
    """好评率: good levels among valid first ratings. Formula in local practice (吉安, 泰安); the national annex is not available.

    Good levels and what is valid are the policy's; the default is the raters' own ratings, the top three levels.
    """
    return _share(_valid(counts, policy), lambda row: row.level in policy.good_levels)


def bad_rate(counts: Counts, policy: Policy) -> Rate:
    """差评率: the two bad levels among valid first ratings (Guangdong, 揭阳)."""
    return _share(_valid(counts, policy), lambda row: row.level.is_bad)


def active_good_rate(counts: Counts, policy: Policy) -> Rate:
    """主动评价好评率: good levels among the raters' own first ratings. The name is the standard's (GB/T 39734-2020), the formula ours."""
    return _share(_firsts(counts, SELF), lambda row: row.level in policy.good_levels)


def follow_up_good_rate(counts: Counts, policy: Policy) -> Rate:
    """追评好评率: good levels among follow-ups, a line of its own that moves no first rating. Our definition."""
    rows = [row for row in counters.ratings(counts) if row.round == 2 and row.kind in _OF_A_SERVICE and row.excluded is None]
    return _share(rows, lambda row: row.level in policy.good_levels)


def unrated_rate(counts: Counts, _: Policy) -> Rate:
    """未评率: finished services without a rating of anybody, among finished services. The name is the standard's, the formula ours.

    Each service stands under the day on which it was counted as finished, and its rating is counted back to that day: a default rates
    nothing, and a service that is rated next month stops being unrated in this one.
    """
    finished = counts.get(counters.FINISHED, 0)
    return Rate(max(finished - sum(counters.under(counts, "rated.").values()), 0), finished)


def participation_rate(counts: Counts, _: Policy) -> Rate:
    """参评率 (主动评价率): finished services that their raters rated themselves, among finished services. Our definition."""
    rated = sum(amount for name, amount in counters.under(counts, "rated.").items() if name in SELF)
    return Rate(rated, counts.get(counters.FINISHED, 0))


def contact_rate(counts: Counts, _: Policy) -> Rate:
    """按时联系率: raters contacted in time, among contacts that fell due. Our definition, after 第一时间 (国办发〔2019〕51号, 四(一))."""
    return _cases(counts, CaseMeasure.CONTACTED_IN_TIME, CaseMeasure.CONTACT_DUE)


def reply_rate(counts: Counts, _: Policy) -> Rate:
    """差评回复率: bad ratings replied to by their date, among those whose reply fell due. The name is the standard's, the formula ours."""
    return _cases(counts, CaseMeasure.REPLIED_IN_TIME, CaseMeasure.REPLY_DUE)


def callback_rate(counts: Counts, _: Policy) -> Rate:
    """实名差评回访率: real-name bad ratings whose rater was reached, among call-backs fallen due. Target 100 % (四(一)); formula ours."""
    return _cases(counts, CaseMeasure.CALLED_BACK, CaseMeasure.CALLBACK_DUE)


def rectification_rate(counts: Counts, _: Policy) -> Rate:
    """回访整改率: rectification verified at call-back, among cases that needed it. The name is the standard's, the formula ours."""
    return _cases(counts, CaseMeasure.RECTIFIED, CaseMeasure.TO_RECTIFY)


def rectification_satisfaction_rate(counts: Counts, _: Policy) -> Rate:
    """回访整改满意率: satisfied at call-back, among raters reached after rectification. The name is the standard's, the formula ours."""
    return _cases(counts, CaseMeasure.SATISFIED_AT_CALLBACK, CaseMeasure.REACHED_AFTER_RECTIFYING)


def on_time_rate(counts: Counts, _: Policy) -> Rate:
    """按时整改率: rectified by the first date, among those that fell due; extensions do not help. Published by Guangdong, formula ours."""
    return _cases(counts, CaseMeasure.RECTIFIED_IN_TIME, CaseMeasure.RECTIFY_DUE)


def on_time_or_extended_rate(counts: Counts, _: Policy) -> Rate:
    """按时整改率（含延期）: the same with those that kept a granted extension. Our definition."""
    kept = _case(counts, CaseMeasure.RECTIFIED_IN_TIME) + _case(counts, CaseMeasure.RECTIFIED_WITHIN_EXTENSION)
    return Rate(kept, _case(counts, CaseMeasure.RECTIFY_DUE))


def appeal_rate(counts: Counts, _: Policy) -> Rate:
    """申诉支持率: appeals granted among appeals decided. Our definition."""
    return _cases(counts, CaseMeasure.APPEAL_GRANTED, CaseMeasure.APPEAL_DECIDED)


def within_limit_rate(counts: Counts, _: Policy) -> Rate:
    """按时办结率: services finished within their limit, among finished services. Our definition, after 限时办结 (二(三))."""
    finished = counts.get(counters.FINISHED, 0)
    return Rate(max(finished - sum(_overruns(counts)), 0), finished)


def explained_overrun_rate(counts: Counts, _: Policy) -> Rate:
    """超期说明率: overruns with a public reason, among overruns. Our definition, after 公开说明理由 (二(三))."""
    explained, unexplained = _overruns(counts)
    return Rate(explained, explained + unexplained)


def listed_rate(counts: Counts, policy: Policy) -> Rate:
    """清单内评价率: valid first ratings of registered items, among valid first ratings. Our definition, after 清单管理 (二(二))."""
    valid = sum(row.amount for row in _valid(counts, policy))
    return Rate(max(valid - sum(counts.get(f"unlisted.{held}", 0) for held in policy.valid_provenances), 0), valid)


def points(counts: Counts, policy: Policy) -> Rate:
    """综合得分: points of the policy's table over valid first ratings; none without a table. Guangxi's are 10/8/6/3/0; the rest is ours."""
    table = policy.points
    rows = _valid(counts, policy) if table else []
    return Rate(sum(table[row.level] * row.amount for row in rows if table), sum(row.amount for row in rows))


class Indicator(NamedTuple):
    """An indicator by name: what it is called, under which aspect of GB/T 39734-2020 it is filed, how it is computed."""

    zh: str
    en: str
    aspect: Aspect
    of: Callable[[Counts, Policy], Rate]


INDICATORS: dict[str, Indicator] = {
    "good_rate": Indicator("好评率", "good ratings", Aspect.SERVICE_QUALITY, good_rate),
    "active_good_rate": Indicator("主动评价好评率", "good among the raters' own", Aspect.SERVICE_QUALITY, active_good_rate),
    "bad_rate": Indicator("差评率", "bad ratings", Aspect.SERVICE_QUALITY, bad_rate),
    "follow_up_good_rate": Indicator("追评好评率", "good among follow-ups", Aspect.SERVICE_QUALITY, follow_up_good_rate),
    "points": Indicator("综合得分", "mean points", Aspect.SERVICE_QUALITY, points),
    "unrated_rate": Indicator("未评率", "services nobody rated", Aspect.SUPERVISION, unrated_rate),
    "participation_rate": Indicator("参评率", "services rated by their raters", Aspect.SUPERVISION, participation_rate),
    "appeal_rate": Indicator("申诉支持率", "appeals granted", Aspect.SUPERVISION, appeal_rate),
    "contact_rate": Indicator("按时联系率", "contacted in time", Aspect.RECTIFICATION, contact_rate),
    "reply_rate": Indicator("差评回复率", "replied in time", Aspect.RECTIFICATION, reply_rate),
    "callback_rate": Indicator("实名差评回访率", "real-name raters called back", Aspect.RECTIFICATION, callback_rate),
    "rectification_rate": Indicator("回访整改率", "rectified, verified at call-back", Aspect.RECTIFICATION, rectification_rate),
    "rectification_satisfaction_rate": Indicator(
        "回访整改满意率", "satisfied with the rectification", Aspect.RECTIFICATION, rectification_satisfaction_rate
    ),
    "on_time_rate": Indicator("按时整改率", "rectified in time", Aspect.RECTIFICATION, on_time_rate),
    "on_time_or_extended_rate": Indicator(
        "按时整改率（含延期）", "rectified in time or within an extension", Aspect.RECTIFICATION, on_time_or_extended_rate
    ),
    "within_limit_rate": Indicator("按时办结率", "finished within the limit", Aspect.PROCESS, within_limit_rate),
    "explained_overrun_rate": Indicator("超期说明率", "overruns explained", Aspect.SERVICE_RULES, explained_overrun_rate),
    "listed_rate": Indicator("清单内评价率", "ratings of listed items", Aspect.ITEM_MANAGEMENT, listed_rate),
}


def _firsts(counts: Counts, provenances: frozenset[Provenance]) -> list[Row]:
    rows = counters.ratings(counts)
    return [row for row in rows if row.round == 1 and row.kind in _OF_A_SERVICE and row.provenance in provenances and not row.excluded]


def _valid(counts: Counts, policy: Policy) -> list[Row]:
    return _firsts(counts, policy.valid_provenances)


def _share(rows: Iterable[Row], matches: Callable[[Row], bool]) -> Rate:
    held = list(rows)
    return Rate(sum(row.amount for row in held if matches(row)), sum(row.amount for row in held))


def _cases(counts: Counts, numerator: CaseMeasure, denominator: CaseMeasure) -> Rate:
    return Rate(_case(counts, numerator), _case(counts, denominator))


def _case(counts: Counts, measure: CaseMeasure) -> int:
    return counts.get(f"case.{measure}", 0)


def _overruns(counts: Counts) -> tuple[int, int]:
    return counts.get(f"flag.{Flag.OVERRUN}", 0), counts.get(f"flag.{Flag.OVERRUN_UNEXPLAINED}", 0)


# ---------------------------------------------------------------- figures: a node as it is shown

# Whose word a rating is: its rater's own, taken down by a clerk or at the telephone, held by another system, nobody's.
ROWS: dict[str, frozenset[Provenance]] = {
    "own": SELF,
    "assisted": frozenset({Provenance.HOTLINE_CALLBACK, Provenance.PAPER_ENTERED}),
    "imported": frozenset({Provenance.IMPORTED}),
    "default": frozenset({Provenance.DEFAULT}),
}
# The rows of ratings that somebody gave.
GIVEN = ("own", "assisted", "imported")
_OVER_VALID = frozenset({"good_rate", "bad_rate", "points", "listed_rate"})
# Services that were rated, or not, are ratings counted another way.
_OVER_SERVICES = {"participation_rate": ("own",), "unrated_rate": GIVEN}


def rows_of(indicator: str, policy: Policy) -> tuple[str, ...]:
    """The rows of ratings whose size an indicator could tell, where that is too small to be told."""
    if indicator in _OVER_VALID:
        return tuple(row for row, provenances in ROWS.items() if provenances & policy.valid_provenances)
    return _OVER_SERVICES.get(indicator, ())


def levels(counts: Counts, row: str) -> dict[Level, int]:
    """First ratings of services of one row (`own`, `assisted`, `imported`, `default`), per level."""
    held = _firsts(counts, ROWS[row])
    return {level: sum(one.amount for one in held if one.level is level) for level in Level}


def figures(counts: Counts, policy: Policy) -> dict[str, object]:
    """A node over a period as JSON: rows per level, what stands beside them, and every indicator with numerator and denominator.

    `rate` is None below the policy's minimum n. Codes are explained in the contract.
    """
    rows = list(counters.ratings(counts))
    return {
        "ratings": {row: {level.value: n for level, n in levels(counts, row).items()} for row in ROWS},
        "follow_ups": _by_level(row for row in rows if row.round == 2 and not row.excluded),
        "general": _by_level(row for row in rows if row.kind is RatingKind.GENERAL and not row.excluded),
        "supervisory": _by_level(row for row in rows if row.kind is RatingKind.SUPERVISION and not row.excluded),
        "excluded": _summed((str(row.excluded), row.amount) for row in rows if row.excluded),
        "objects": _nested(counts, "object."),
        "tags": _summed((name.partition(".")[0], n) for name, n in counters.under(counts, "tag.").items()),
        "flags": counters.under(counts, "flag."),
        "finished": counts.get(counters.FINISHED, 0),
        "rated": counters.under(counts, "rated."),
        "cases": counters.under(counts, "case."),
        "decided": counters.under(counts, "excluded_decided."),
        "restored": counters.under(counts, "restored_decided."),
        "indicators": {name: _shown(held.of(counts, policy), policy) for name, held in INDICATORS.items()},
    }


def _shown(rate: Rate, policy: Policy) -> dict[str, object]:
    return {"numerator": rate.numerator, "denominator": rate.denominator, "rate": rate.shown(policy.min_n)}


def _by_level(rows: Iterable[Row]) -> dict[str, int]:
    return _summed((row.level.value, row.amount) for row in rows)


def _summed(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for name, amount in amounts:
        total[name] = total.get(name, 0) + amount
    return {name: amount for name, amount in sorted(total.items()) if amount}


def _nested(counts: Counts, prefix: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, amount in counters.under(counts, prefix).items():
        outer, _, inner = name.partition(".")
        found.setdefault(outer, {})[inner] = amount
    return found
