"""A lower level may only be stricter (国办发〔2019〕51号, 二(四)): checked when rules are loaded."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.identifiers import NATION
from contract.zone import SHANGHAI
from policy.calendar import due
from policy.rules import TimeLimit

if TYPE_CHECKING:
    from policy.rules import Rules

_LOWER_IS_STRICTER = {"clock_skew_days"}
# How a place deals with its own stragglers; neither way is stricter.
_FREE = {
    "parked_window",
    "parked_policy",
    "invite_after",
    "invite_valid",
    "invite_channel",
    "default_level",
    "default_after",
}
_COMPARED_YEARS = range(2020, 2027)


class Laxer(NamedTuple):
    """A rule that is looser than the one above it."""

    field: str
    above: Any
    here: Any


def laxer(above: Rules, here: Rules) -> list[Laxer]:
    """Every rule of a level that is looser than what stands above it; empty if there is none."""
    upper, lower = above.fields_set(), here.fields_set()
    shared = [name for name in lower if name in upper and name not in _FREE]
    return [Laxer(name, upper[name], lower[name]) for name in shared if not _as_strict(name, upper[name], lower[name])]


def _as_strict(name: str, above: Any, here: Any) -> bool:
    if isinstance(above, TimeLimit):
        return _never_later(here, above)
    if name == "unrated_policy":
        return bool(here != "DEFAULT" or above == "DEFAULT")
    if name == "good_levels":
        return bool(here <= above)
    return bool(here <= above if name in _LOWER_IS_STRICTER else here >= above)


def _never_later(here: TimeLimit, above: TimeLimit) -> bool:
    """Deadlines in one unit compare by value; in different units the later one is looked for over every published start day."""
    if here.unit is above.unit:
        return here.value <= above.value
    first, last = date(_COMPARED_YEARS.start, 1, 1), date(_COMPARED_YEARS.stop - 1, 12, 1)
    starts = (datetime.combine(first + timedelta(days=n), time(12), SHANGHAI) for n in range((last - first).days))
    return all(due(start, here, NATION).at <= due(start, above, NATION).at for start in starts)
