"""A lower level may only be stricter (国办发〔2019〕51号, 二(四)): checked when rules are loaded.

Each rule declares in which direction it is stricter (domain handbook, section 13). The parts of a rule with several are declared one by
one, as `appeal.decide`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.identifiers import ancestry
from policy.limits import ends_later
from policy.rules import OFFICE_HOURS, DatedRules, Extension, Rules, TimeLimit, layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contract.model import Model
    from policy.rules import OpeningHours, Rung, StartRule


class Direction(Enum):
    """In which direction a rule is stricter. The value says in words, Chinese and English, what is accepted under a rule."""

    SOONER = "从不晚于 never later than"
    LATER = "从不早于 never sooner than"
    LOWER = "不大于 at most"
    HIGHER = "不小于 at least"
    SUBSET = "其中若干 some of"
    ORDERED = "同样严或更严 as strict as, in this order:"
    LADDER = "每一级都在且不更晚 each of these, none later:"
    FIXED = "不得改动 the same:"
    FREE = "均可 anything"


_D = Direction
DIRECTIONS: dict[str, Direction] = {
    "first_contact": _D.SOONER,
    "verify": _D.SOONER,
    "rectify_simple": _D.SOONER,
    "rectify_complex": _D.SOONER,
    "rectify_from": _D.ORDERED,
    "reply": _D.SOONER,
    "post_rectify_callback": _D.SOONER,
    "supervise": _D.SOONER,
    "clock_start_rule": _D.ORDERED,
    "extension.max_count": _D.LOWER,
    "extension.value": _D.SOONER,
    "extension.unit": _D.FREE,  # compared with the value, which it belongs to
    "extension.approver_role": _D.FIXED,
    "appeal.window": _D.SOONER,
    "appeal.decide": _D.SOONER,
    "appeal.reviewer_role": _D.FIXED,
    "appeal.max_rounds": _D.LOWER,
    "appeal.pauses_rectify": _D.ORDERED,
    # What a rater may do, and for how long: more of it is stricter.
    "contest_window": _D.LATER,
    "callback_tries.min_tries": _D.HIGHER,
    "callback_tries.min_days": _D.HIGHER,
    "max_reopenings": _D.HIGHER,
    "min_evidence": _D.HIGHER,
    "escalation": _D.LADDER,
    "interview_after": _D.LOWER,
    "good_levels": _D.SUBSET,
    "min_n": _D.HIGHER,
    "max_text_length": _D.HIGHER,
    "clock_skew_days": _D.LOWER,
    # How a place deals with its own stragglers; neither way is stricter.
    "parked_window": _D.FREE,
    "parked_policy": _D.FREE,
    "unrated_policy": _D.ORDERED,
    "invite_after": _D.FREE,
    "invite_valid": _D.FREE,
    "invite_channel": _D.FREE,
    "default_level": _D.FREE,
    "default_after": _D.FREE,
    "follow_up_ratings": _D.HIGHER,
    "callback_sample_per_mille": _D.HIGHER,
    "valid_provenances": _D.SUBSET,
    # What must be the same everywhere, or figures could not be pooled.
    "points": _D.FIXED,
    "signals": _D.FIXED,
    # When its halls are open is a fact of a place. A working hour is one of these, wherever the limit was set.
    "opening_hours": _D.FREE,
    "publish_after_days": _D.FREE,
    "confidence": _D.HIGHER,
    # When people sleep is a fact of a place, and so is what they speak.
    "quiet_hours": _D.FREE,
    "message_language": _D.FREE,
    "feed_days": _D.HIGHER,
}
ORDERS: dict[str, tuple[Any, ...]] = {
    "rectify_from": ("RECEIVED", "VERIFIED"),
    "clock_start_rule": ("FROM_FACT", "FROM_OFFICE_HOURS"),
    "appeal.pauses_rectify": (False, True),
    "unrated_policy": ("NONE", "INVITE", "DEFAULT"),
}
"""The stricter value first. NONE and INVITE are as strict as each other."""

_OF_ONE_RANK = {"INVITE": "NONE"}
_FROM_ITS_TRACK = ("rectify_simple", "rectify_complex")


class Laxer(NamedTuple):
    """A rule that is looser than the one above it."""

    field: str
    above: Any
    here: Any


class Loosened(NamedTuple):
    """A rule of a region that is looser than one of a region above, on some day of both."""

    here: DatedRules
    above: DatedRules
    found: Laxer


def laxer(above: Rules, here: Rules) -> list[Laxer]:
    """Every rule of a level that is looser than what stands above it; empty if there is none.

    A deadline is compared with the start rule that holds on its level: its own, the level's, one from above, or FROM_FACT.
    """
    comparison = _Comparison.of(above, here)
    upper, lower = _defaulted(above), here.fields_set()
    return [found for name in lower if name in upper for found in comparison.laxer(name, upper[name], lower[name])]


def loosened(dated: Sequence[DatedRules]) -> list[Loosened]:
    """Every rule that is looser than what stands above it on a day on which both hold; empty if there is none."""
    found: dict[tuple[str, str, str], Loosened] = {}
    for region in dict.fromkeys(entry.region for entry in dated):
        line = [entry for entry in dated if entry.region in ancestry(region)]
        for day in sorted({entry.valid_from for entry in line}):
            found |= {(one.here.version, one.above.version, one.found.field): one for one in _loosened(layers(line, region, day))}
    return list(found.values())


def _loosened(chain: Sequence[DatedRules]) -> Iterator[Loosened]:
    """What the lowest level of a chain loosens, each with the nearest level above that sets it."""
    if len(chain) < 2:
        return
    *uppers, here = chain
    for found in laxer(_together(uppers), here.rules):
        yield Loosened(here, _who_sets(found.field, uppers), found)


def _together(levels: Iterable[DatedRules]) -> Rules:
    merged: dict[str, Any] = {}
    for level in levels:
        merged |= level.rules.fields_set()
    return Rules(**merged)


def _who_sets(field: str, levels: Sequence[DatedRules]) -> DatedRules:
    name = field.partition(".")[0]
    return next((level for level in reversed(levels) if name in level.rules.fields_set()), levels[-1])


def _defaulted(above: Rules) -> dict[str, Any]:
    """What a level sets, and from where its deadlines run where it does not say: nobody below makes them run from later."""
    upper = above.fields_set()
    if any(limit.start is None for limit in _deadlines(upper)):
        upper.setdefault("clock_start_rule", "FROM_FACT")
    if any(name in upper for name in _FROM_ITS_TRACK):
        upper.setdefault("rectify_from", "RECEIVED")
    return upper


def _deadlines(upper: dict[str, Any]) -> Iterator[TimeLimit]:
    named = (name.split(".") for name, direction in DIRECTIONS.items() if direction is Direction.SOONER)
    values = (getattr(upper[name], *part) if part else upper[name] for name, *part in named if name in upper)
    return (value for value in values if isinstance(value, TimeLimit))


class _Comparison(NamedTuple):
    """By what two levels are compared: their start rules, and when offices are open in the place itself."""

    above: StartRule
    here: StartRule
    hours: OpeningHours

    @classmethod
    def of(cls, above: Rules, here: Rules) -> _Comparison:
        rule = above.clock_start_rule or "FROM_FACT"
        return cls(rule, here.clock_start_rule or rule, here.opening_hours or above.opening_hours or OFFICE_HOURS)

    def laxer(self, name: str, above: Any, here: Any) -> list[Laxer]:
        if name in DIRECTIONS:
            return [] if self._as_strict(name, above, here) else [self._named(name, above, here)]
        upper, lower = _parts(above), _parts(here)
        return [found for part in upper for found in self.laxer(f"{name}.{part}", upper[part], lower[part])]

    def _named(self, name: str, above: Any, here: Any) -> Laxer:
        """With both start rules, where it is these that differ."""
        if isinstance(above, TimeLimit) and isinstance(here, TimeLimit) and self.above != self.here:
            return Laxer(name, _resolved(above, self.above), _resolved(here, self.here))
        return Laxer(name, above, here)

    def _as_strict(self, name: str, above: Any, here: Any) -> bool:
        match DIRECTIONS[name]:
            case Direction.SOONER:
                return self._never_later(above, here)
            case Direction.LATER:
                return not ends_later(_resolved(above, self.above), _resolved(here, self.here), self.hours)
            case Direction.LOWER | Direction.SUBSET:
                return bool(here <= above)
            case Direction.HIGHER:
                return bool(here >= above)
            case Direction.ORDERED:
                return _rank(name, here) <= _rank(name, above)
            case Direction.LADDER:
                return self._no_rung_later(above, here)
            case Direction.FIXED:
                return bool(here == above)
            case Direction.FREE:
                return True

    def _never_later(self, above: TimeLimit | None, here: TimeLimit | None) -> bool:
        """A limit that is none (an appeal until the reply) is the longest."""
        if above is None or here is None:
            return above is None
        return not ends_later(_resolved(here, self.here), _resolved(above, self.above), self.hours)

    def _no_rung_later(self, above: Iterable[Rung], here: Iterable[Rung]) -> bool:
        """Whoever is told by the ladder above is told by this one, and no later. It may tell others as well."""
        rungs = {rung.level: rung for rung in here}
        return all(rung.level in rungs and self._rung_as_strict(rung, rungs[rung.level]) for rung in above)

    def _rung_as_strict(self, above: Rung, here: Rung) -> bool:
        if above.share is not None:
            # What comes after the deadline never comes before a share of it has passed.
            return here.share is not None and here.share <= above.share
        return here.share is not None or self._never_later(above.after, here.after)


def _parts(value: Model) -> dict[str, Any]:
    """The parts of a rule by name. The value of an extension is its length, in its unit, from the end of the deadline."""
    parts = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Extension):
        parts["value"] = TimeLimit(value=value.value, unit=value.unit, start="FROM_FACT")
    return parts


def _rank(name: str, value: Any) -> int:
    return ORDERS[name].index(_OF_ONE_RANK.get(value, value))


def _resolved(limit: TimeLimit, rule: StartRule) -> TimeLimit:
    return limit if limit.start else limit.model_copy(update={"start": rule})
